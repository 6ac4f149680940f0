"""Claim C8: objects cut out of photographs as they are, with noise, and in other light; accuracy and robustness apart.

The numbers are those that `COMMAND` printed, since the photographs (alphamatting.com) do not come with the project.
Each was cut out by a class map, which the network sends back to the picture, with the settings that were best for the
others; beside it stands a threshold (otsu1979threshold), which needs no network.
"""

from __future__ import annotations

from typing import Any

from deconvviz.articles.claim_runs import Stored
from deconvviz.tasks.cutout import evaluate

COMMAND = "deconvviz evaluate cutout --data DIR --what robustness --json"
#: Overlap with the true object from which a cut-out counts as accurate; loss below which it counts as robust.
ACCURATE, ROBUST = 0.8, 0.1
#: What was done to the pictures.
CHANGES = ("noise", "brightness")


def stored() -> Stored:
    """The one run that the package holds."""
    return Stored(COMMAND, evaluate.measured_robustness()["stored"], 1)


def cutouts(seed: int, subject: Any = None) -> dict[str, float]:
    """Overlap with the true object: intersection over union, mean of the photographs, 0..1, as stored.

    Returns:
      "none" of the pictures as they are, "noise 0.1" and the like with a change of that level, "threshold none" and
      the like of the threshold; "lost to noise", "lost to brightness": the most that such a change takes, "threshold
      lost to noise" and so on from the threshold.
    """
    rows = evaluate.measured_robustness()["rows"]
    figures: dict[str, float] = {}
    for row in rows:
        name = row["change"] if row["change"] == "none" else f"{row['change']} {row['level']:g}"
        figures |= {name: row["iou"], f"threshold {name}": row["iou_threshold"]}
    for change in CHANGES:
        for head, key in (("", "iou"), ("threshold ", "iou_threshold")):
            least = min(row[key] for row in rows if row["change"] == change)
            figures[f"{head}lost to {change}"] = figures[f"{head}none"] - least
    return figures
