"""The card of segmentation weights: what they are made of and what was measured, read from the file itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from deconvviz.models import held_out
from deconvviz.tasks._shared import weights
from deconvviz.tasks.segmentation.data import NAMES
from deconvviz.training import cards

_TEMPLATE = cards.Template(Path(__file__).with_name("card.md"))

_FIGURES = ("global", "class_average", "mean_iou", "boundary_f1")


def card(path: str | Path) -> str:
    """What a file of weights is made of, as Markdown: data, commands, seeds, figures, licence."""
    path = Path(path)
    result = weights.variants("segmentation", path)
    first = next(iter(result.values()))
    rows: list[list[Any]] = [["variant", "weights", "global", "class average", "mean IoU", "boundary F1"]]
    rows += [
        [name, f"{weights.weights_of(path, name):,}", *(_percent(about["figures"][key]) for key in _FIGURES)]
        for name, about in result.items()
    ]
    classes: list[list[Any]] = [["IoU", *result]]
    classes += [
        [name, *(_percent(about["figures"]["iou"][name]) for about in result.values())]
        for name in NAMES
        if all(name in about["figures"]["iou"] for about in result.values())
    ]
    runs: list[list[Any]] = [["variant", "seed", "epochs", "minutes", "command"]]
    runs += [
        [
            name, about["recipe"]["seed"], about["recipe"]["epochs"], f"{about['seconds'] / 60:.0f}",
            f"`{about['command']}`",
        ]
        for name, about in result.items()
    ]  # fmt: skip
    held = held_out.measured("segmentation", path)
    reached = (
        ", ".join(f'"{name}" reaches {_percent(share)}' for name, share in held["figures"].items()) if held else ""
    )
    return _TEMPLATE.fill(
        "text",
        held=f" Held out, on the {held['images']} pictures of\n{held['set']}, {reached} (`docs/held-out.md`)."
        if held
        else "",
        training=first["data"]["training"],
        validation=first["data"]["validation"],
        balance=first["recipe"]["balance"],
        figures=cards.table(rows),
        classes=cards.table(classes),
        runs=cards.table(runs),
    )


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"
