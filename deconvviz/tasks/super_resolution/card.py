"""The card of super-resolution's weights: what they are, how they were made, what was measured of the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from deconvviz.tasks._shared import weights
from deconvviz.tasks.super_resolution import evaluate, network

TASK = "super_resolution"
#: How the variants begin that differ in the last layer alone.
SWAP = "swap-"
_HEAD = """# Weights of super-resolution

FSRCNN of [dong2016accelerating] (d = 56, s = 12, m = 4, {kernels:,} weights in kernels): every layer works on the small
picture, and the last, a transposed convolution of 9 x 9 with the scale as its stride, makes it large. Trained on the
brightness of T91, from nothing else; written by `scripts/ship_task.py`.
"""
_PROTOCOL = """## Figures

Means over the {images} pictures of Set5 by the protocol of the field: rows and columns cut to multiples of the scale,
Y of YCbCr (BT.601, 16 to 235, rounded), small pictures by MATLAB's bicubic with antialiasing (rounded), borders of
`scale` pixels left out, PSNR with a peak of 255, SSIM in Gaussian windows of 11 x 11. Measured of this file:

    deconvviz evaluate super_resolution --data Set5 --scale 3
"""
_SWAP = """## The last layer swapped

Scale 3, everything alike but the last layer: the same first weights of the body (same seed), the same parts in the
same order, as many weights in the last layer ({last:,} and a bias). Ripple: what the network makes of an even grey
picture is a pattern that repeats every 3 pixels; its standard deviation in steps of 255, with random weights and after
training. Training is short, {steps:,} steps of {batch} parts each, so the figures lie below those above.
"""
_END = """## Data and licence

Training pictures: the 91 of Yang et al. 2010 [yang2010image] (T91), as they are distributed with ports of SRCNN. Every
sixteenth was held back: these {held} decided about the first weights, the learning rate and which run is kept. Set5 was
measured after each run.
Set5: Bevilacqua et al. 2012 [bevilacqua2012low]. Both are passed around for research without a licence of their own; no
picture is in this package. The weights are under the package's licence, Apache-2.0.

Made by the commands below; `--start` names the run that a line before it made.

"""


def card(path: str | Path) -> str:
    """Markdown of a file of weights: data, commands, figures, licence."""
    path = Path(path)
    known = weights.variants(TASK, path)
    first = next(iter(known.values()))
    kernels = network.weights(3)["kernels"]
    parts = [_HEAD.format(kernels=kernels)]
    if "images" in first["figures"]:
        parts += [_PROTOCOL.format(images=first["figures"]["images"]), weights.table(_main(known, path)) + "\n"]
    swapped = {name: about for name, about in known.items() if name.startswith(SWAP)}
    if swapped:
        last, recipe = network.TAPS**2 * network.FEATURES, next(iter(swapped.values()))["recipe"]
        steps = recipe["epochs"] * recipe["steps"]
        parts += [
            _SWAP.format(last=last, steps=steps, batch=recipe["batch"]),
            weights.table(_swap(swapped, path)) + "\n",
        ]
    said = [line for about in known.values() for line in (*about["before"], about["command"])]
    commands = "".join(f"    {line}\n" for line in dict.fromkeys(said))
    parts.append(_END.format(held=first["figures"]["held_back"]) + commands)
    return "\n".join(parts)


def _main(known: dict[str, Any], path: Path) -> list[list[Any]]:
    rows: list[list[Any]] = [
        ["variant", "numbers", "held back, dB", "Set5 PSNR, dB", "SSIM", "bicubic PSNR", "SSIM", "CPU minutes"]
    ]
    for name, about in known.items():
        f = about["figures"]
        if "psnr" in f and not name.startswith(SWAP):
            decibels = [f"{f[key]:.2f}" for key in ("held_back_psnr", "psnr", "psnr_bicubic")]
            likeness = [f"{f[key]:.4f}" for key in ("ssim", "ssim_bicubic")]
            numbers = f"{weights.weights_of(path, name):,}"
            rows.append([
                name, numbers, *decibels[:2], likeness[0], decibels[2], likeness[1], f"{about['cpu_seconds'] / 60:.1f}",
            ])  # fmt: skip
    return rows


def _swap(known: dict[str, Any], path: Path) -> list[list[Any]]:
    head = [["last layer", "held back, dB", "Set5 PSNR, dB", "SSIM", "ripple at first", "ripple after"]]
    rows = []
    for name, about in known.items():
        trained = weights.load(TASK, name, network.make, path)
        first, after = (evaluate.ripple(one, 3) for one in (network.make(about["options"]), trained))
        f = about["figures"]
        rows.append([
            about["options"]["upsampler"], f"{f['held_back_psnr']:.2f}", f"{f.get('psnr', 0):.2f}",
            f"{f.get('ssim', 0):.4f}", f"{first:.2f}", f"{after:.2f}",
        ])  # fmt: skip
    return head + rows
