"""The card of the weights of enhancement: written from what the file says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from deconvviz.tasks._shared import weights
from deconvviz.tasks.enhancement.ablations import depth_ratio

_HEAD = """# Enhancement: noise and JPEG blocks

A convolution of stride 2, work at a half and a quarter of the resolution, transposed convolutions back, added to the
picture that went in. One network for every strength of noise (standard deviation 0 to 55 of 255) and for JPEG of
quality 10 to 40, which it is not told (`deconvviz apply enhancement --image FILE --out FILE.png`).
"""
_TRIALS = """## Small networks: fusion, batch normalization, transposed convolution

{width} channels, {depth} inner convolutions, noise of sigma 25 alone; trained on {data},
each pixel with one noise that never changes, {steps} batches of {batch} parts of {size} x {size}, seeds {seeds}; the
weights are those of the first. Means over the seeds, smallest and largest in brackets. *gap*: PSNR in decibels on the
pictures that were shown less that on pictures held back, which also differ in difficulty, the same for all; *by
heart*: PSNR on the noisy pictures that were shown less that on the same pictures with other noise; *depth*: gradient
of the first inner convolution over that of the last, before and after training (below 1: it gets smaller on its way
down). Each row is one command, `deconvviz train enhancement --data train400 --out RUN --variant NAME`.
"""
_FOOT = """## What it is not for

It knows white Gaussian noise and JPEG. Noise of a camera is neither white nor the same in all colours; a picture
that was made smaller or sharpened after JPEG has other blocks. What noise has covered is not brought back: the
network writes what is likely there.

Weights: Apache-2.0, as the code. train400 and Set12 come with DnCNN (zhang2017beyond); the pictures of train400 are
parts of the Berkeley segmentation data set, for research.
"""


def card(path: str | Path) -> str:
    """Markdown about a file of weights; what it does not hold is left out.

    Raises:
      WeightsError: a file that cannot be read, or of another task.
    """
    path = Path(path)
    about = weights.variants("enhancement", path)
    parts = [_HEAD]
    if "main" in about:
        parts.append(_main(about["main"], weights.weights_of(path, "main")))
    trials = {name: one for name, one in about.items() if "seeds" in one}
    if trials:
        parts.append(_small(trials))
    return "\n".join([*parts, _FOOT])


def _main(about: Mapping[str, Any], count: int) -> str:
    lines = [
        "## The network",
        "",
        f"{count:,} numbers; trained on {about['data']} in {about['seconds'] / 60:.0f} minutes:",
        "",
        f"    {about['command']}",
        "",
        "PSNR in decibels on the pictures held back, by which settings may be chosen:",
        "",
        weights.table(
            [
                [name.removeprefix("psnr_").replace("_", " ") for name in about["figures"]],
                [f"{value:.2f}" for value in about["figures"].values()],
            ]
        ),
        "",
    ]
    report = about.get("report")
    if report:
        rows: list[list[Any]] = [
            ["damage", "PSNR before", "PSNR after", "SSIM before", "SSIM after", "PSNR of A'A, untrained"]
        ]
        for damage, found in report.items():
            if damage != "data":
                values = [found[name] for name in ("psnr_input", "psnr", "ssim_input", "ssim", "psnr_untrained")]
                cells = (f"{value:.{4 if i in (2, 3) else 2}f}" for i, value in enumerate(values))
                rows.append([damage, *cells])
        ask = f"`deconvviz evaluate enhancement --data {report['data']} --sigma 25` (or `--quality 10`)"
        lines += [f"On {report['data']}, by which nothing was chosen ({ask}):", "", weights.table(rows), ""]
    return "\n".join(lines)


def _small(trials: Mapping[str, Mapping[str, Any]]) -> str:
    first = next(iter(trials.values()))
    recipe = first["recipe"]
    rows: list[list[str]] = [["variant", "PSNR", "gap", "by heart", "depth before", "depth after"]]
    for name, about in trials.items():
        seeds = about["seeds"]
        values = [[seed[key] for seed in seeds] for key in ("psnr", "gap", "learned")]
        values += [[depth_ratio(seed[key]) for seed in seeds] for key in ("gradients_first", "gradients_last")]
        rows.append([name, *(f"{np.mean(v):.2f} ({min(v):.2f} to {max(v):.2f})" for v in values)])
    head = _TRIALS.format(
        data=first["data"],
        **{name: first["options"][name] for name in ("width", "depth")},
        steps=recipe["steps"],
        batch=recipe["batch"],
        size=recipe["size"],
        seeds=" ".join(str(seed["seed"]) for seed in first["seeds"]),
    )
    return head + "\n" + weights.table(rows) + "\n"
