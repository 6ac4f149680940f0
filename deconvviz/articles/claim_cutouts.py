"""Claims C8 and C11: objects cut out of photographs as they are (accuracy), with noise and in other light (robustness).

The numbers are those that `COMMAND` printed, since the photographs (alphamatting.com) do not come with the project.
A run is a photograph: it was cut out by a class map, which one network sends back to the picture, with the settings
that were best for the others; noise was drawn several times on each. Beside it stands a threshold
(otsu1979threshold), which needs no network.
"""

from __future__ import annotations

from typing import Any

from deconvviz.articles.claim_runs import Stored
from deconvviz.tasks.cutout import evaluate

COMMAND = "deconvviz evaluate cutout --data DIR --what robustness --json"
#: Overlap with the true object from which a cut-out counts as accurate; loss below which it counts as robust.
ACCURATE, ROBUST = 0.8, 0.1


def stored() -> Stored:
    """The photographs that the package holds figures of."""
    recorded = evaluate.measured_robustness()
    return Stored(COMMAND, recorded["stored"], recorded["images"], "photographs")


def names() -> list[str]:
    """The changes: "noise 0.1" and the like."""
    return [_name(row) for row in evaluate.measured_robustness()["rows"] if row["change"] != "none"]


def accuracy(photograph: int, subject: Any = None) -> dict[str, float]:
    """Overlap of one photograph's cut-out with the true object: intersection over union, 0..1, as stored.

    Returns:
      "none" of the picture as it is, "threshold none" of the threshold.
    """
    row = evaluate.measured_robustness()["rows"][0]
    return {"none": row["each"][photograph], "threshold none": row["each_threshold"][photograph]}


def robustness(photograph: int, subject: Any = None) -> dict[str, float]:
    """What changes of one photograph take from the overlap, as stored.

    Returns:
      "none" and, by change, "noise 0.1" and the like, "threshold none" and so on of the threshold; "lost noise 0.1":
      what the change takes; "slipped noise 0.1": what it takes from the threshold.
    """
    figures: dict[str, float] = {}
    for row in evaluate.measured_robustness()["rows"]:
        name = _name(row)
        figures |= {name: row["each"][photograph], f"threshold {name}": row["each_threshold"][photograph]}
    for name in names():
        figures[f"lost {name}"] = figures["none"] - figures[name]
    for name in names():
        figures[f"slipped {name}"] = figures["threshold none"] - figures[f"threshold {name}"]
    return figures


def _name(row: dict[str, Any]) -> str:
    return "none" if row["change"] == "none" else f"{row['change']} {row['level']:g}"
