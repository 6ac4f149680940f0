"""Claim C9: one encoder with a transposed convolution, with unpooling, bilinear, and without a decoder.

The claim is about decoders trained together with their encoder. `end_to_end.COMMAND` trains them from several seeds;
once `scripts/keep_figures.py` has put what it printed into the package, the numbers are those. Until then they are
those of the networks that come with the package, one run each: the encoder was trained alone and stayed as it was,
each decoder learned three epochs on top of it. One run gives no verdict.
"""

from __future__ import annotations

from typing import Any

from deconvviz.articles.claim_runs import Stored
from deconvviz.tasks._shared import recorded_figures
from deconvviz.tasks.segmentation import EXPERIMENTS, end_to_end, evaluate

NAMES = ("transposed", "unpool", "bilinear", "coarse")
COMMAND = "deconvviz evaluate segmentation --data DIR/val --variant NAME --json"
#: Mean IoU by which a decoder has to be better.
POINT = 0.01


def stored() -> Stored:
    """The runs of each that the package holds."""
    recorded = _end_to_end()
    if recorded is None:
        return Stored(COMMAND, "2026-11-22", 1)
    return Stored(end_to_end.COMMAND, recorded["stored"], len({row["seed"] for row in recorded["rows"]}))


def decoders(seed: int, subject: Any = None) -> dict[str, float]:
    """Figures on the validation pictures, as stored.

    Returns:
      by decoder ("transposed", "unpool", "bilinear", "coarse" for none), "NAME": mean intersection over union, and
      "NAME edges": boundary F1, both 0..1; "gain NAME": what the transposed convolution has more than that one.
    """
    recorded = _end_to_end()
    if recorded is None:
        measured = evaluate.claim_figures()
    else:
        number = sorted({row["seed"] for row in recorded["rows"]})[seed]
        rows = {row["decoder"]: row for row in recorded["rows"] if row["seed"] == number}
        measured = {f"{name} {what}": rows[name][what] for name in NAMES for what in ("mean_iou", "boundary_f1")}
    figures = {name: measured[f"{name} mean_iou"] for name in NAMES}
    edges = {f"{name} edges": measured[f"{name} boundary_f1"] for name in NAMES}
    gains = {f"gain {name}": figures["transposed"] - figures[name] for name in ("bilinear", "coarse")}
    return figures | edges | gains


def _end_to_end() -> dict[str, Any] | None:
    """What the experiment printed, if it was run and kept."""
    return recorded_figures.figures("segmentation", EXPERIMENTS[0])
