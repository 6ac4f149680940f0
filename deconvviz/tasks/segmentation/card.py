"""The card of segmentation weights: what they are made of and what was measured, read from the file itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from deconvviz.tasks._shared import weights
from deconvviz.tasks.segmentation.data import NAMES

_FIGURES = ("global", "class_average", "mean_iou", "boundary_f1")


def card(path: str | Path) -> str:
    """What a file of weights is made of, as Markdown: data, commands, seeds, figures, licence."""
    path = Path(path)
    found = weights.variants("segmentation", path)
    first = next(iter(found.values()))
    rows: list[list[Any]] = [["variant", "weights", "global", "class average", "mean IoU", "boundary F1"]]
    rows += [
        [name, f"{weights.weights_of(path, name):,}", *(_percent(about["figures"][key]) for key in _FIGURES)]
        for name, about in found.items()
    ]
    classes: list[list[Any]] = [["IoU", *found]]
    classes += [
        [name, *(_percent(about["figures"]["iou"][name]) for about in found.values())]
        for name in NAMES
        if all(name in about["figures"]["iou"] for about in found.values())
    ]
    runs: list[list[Any]] = [["variant", "seed", "epochs", "minutes", "command"]]
    runs += [
        [
            name, about["recipe"]["seed"], about["recipe"]["epochs"], f"{about['seconds'] / 60:.0f}",
            f"`{about['command']}`",
        ]
        for name, about in found.items()
    ]  # fmt: skip
    return _TEXT.format(
        training=first["data"]["training"],
        validation=first["data"]["validation"],
        balance=first["recipe"]["balance"],
        figures=weights.table(rows),
        classes=weights.table(classes),
        runs=weights.table(runs),
    )


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


_TEXT = """# segmentation.safetensors

Networks that name every pixel of a street seen from a car: sky, building, pole, road, pavement, tree, sign, fence, car,
pedestrian, bicyclist. One encoder, several decoders, trained from nothing; made with deconvviz, Apache-2.0 as the code.

- Data: CamVid (Brostow, Fauqueur, Cipolla 2009) in the 11-class form of the SegNet tutorial, 360 x 480, academic use:
  {training} pictures to train on, {validation} to validate. No picture of it comes with the package.
- "coarse" is the encoder with classes at an eighth of the size and nothing but a bilinear step up. The others keep it
  as it is and add detail on their own way up; only that was trained, for the same number of epochs each.
- Classes count in the loss as `--balance {balance}` says. Chosen without a trial on a held-back part. Decoders that
  had to learn all scores anew were given up after one run of six epochs (mean IoU 44 on the validation pictures); no
  other choice rests on them.
- Kernels and biases are float16, statistics of batch normalization float32; the figures are those of the file.

## Figures

Percent, on the validation pictures, void left out; shares from one table of all pixels, boundary F1 (tolerance
0.75 % of the diagonal) as the mean over pictures:
`deconvviz evaluate segmentation --data DIR/val --variant NAME --json`.

{figures}

{classes}

The validation pictures are frames between training frames of one drive, so these figures flatter every variant alike;
on other drives expect less.

## Runs

{runs}

"minutes" are those of the clock on two cores shared with other work.

Limits: streets of one town from the height of a car, by day and at dusk. Of anything else the network says the
likeliest of its eleven names, without a word of doubt.
"""
