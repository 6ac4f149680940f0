"""The card of the weights of enhancement: written from what the file says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from deconvviz.models import held_out
from deconvviz.tasks._shared import weights
from deconvviz.tasks.enhancement.ablations import depth_ratio
from deconvviz.training import cards

_TEMPLATE = cards.Template(Path(__file__).with_name("card.md"))


def card(path: str | Path) -> str:
    """Markdown about a file of weights; what it does not hold is left out.

    Raises:
      WeightsError: a file that cannot be read, or of another task.
    """
    path = Path(path)
    about = weights.variants("enhancement", path)
    parts = [_TEMPLATE.fill("head")]
    if "main" in about:
        parts.append(_main(about["main"], weights.weights_of(path, "main")))
        held = held_out.measured("enhancement", path)
        if held:
            decibels = ", ".join(f"{name} {value:.2f} dB" for name, value in held["figures"].items())
            parts.append(_TEMPLATE.fill("held", images=held["images"], set=held["set"], figures=decibels))
        else:
            parts.append(_TEMPLATE.fill("unmeasured"))
    trials = {name: one for name, one in about.items() if "seeds" in one}
    if trials:
        parts.append(_small(trials))
    return "\n".join([*parts, _TEMPLATE.fill("foot")])


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
        cards.table(
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
        for damage, result in report.items():
            if damage != "data":
                values = [result[name] for name in ("psnr_input", "psnr", "ssim_input", "ssim", "psnr_untrained")]
                cells = (f"{value:.{4 if i in (2, 3) else 2}f}" for i, value in enumerate(values))
                rows.append([damage, *cells])
        ask = f"`deconvviz evaluate enhancement --data {report['data']} --sigma 25` (or `--quality 10`)"
        lines += [f"On {report['data']}, by which nothing was chosen ({ask}):", "", cards.table(rows), ""]
    return "\n".join(lines)


def _small(trials: Mapping[str, Mapping[str, Any]]) -> str:
    first = next(iter(trials.values()))
    recipe = first["recipe"]
    rows: list[list[str]] = [["variant", "PSNR", "gap", "memorized", "depth before", "depth after"]]
    for name, about in trials.items():
        seeds = about["seeds"]
        values = [[seed[key] for seed in seeds] for key in ("psnr", "gap", "learned")]
        values += [[depth_ratio(seed[key]) for seed in seeds] for key in ("gradients_first", "gradients_last")]
        rows.append([name, *(f"{np.mean(v):.2f} ({min(v):.2f} to {max(v):.2f})" for v in values)])
    head = _TEMPLATE.fill(
        "trials",
        data=first["data"],
        **{name: first["options"][name] for name in ("width", "depth")},
        steps=recipe["steps"],
        batch=recipe["batch"],
        size=recipe["size"],
        seeds=" ".join(str(seed["seed"]) for seed in first["seeds"]),
    )
    return head + "\n" + cards.table(rows) + "\n"
