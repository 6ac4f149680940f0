"""Claim C8 measured: objects cut out of photographs as they are, with noise, and in other light.

The numbers are those that `COMMAND` printed, since the photographs (alphamatting.com) do not come with the project.
Each was cut out by a class map, which the network sends back to the picture, with the settings that were best for the
others; beside it stands a threshold (otsu1979threshold), which needs no network.
"""

from __future__ import annotations

from typing import Any

from deconvviz.tasks.cutout import evaluate

COMMAND = "deconvviz evaluate cutout --data DIR --what robustness --json"
#: Overlap with the true object from which a cut-out counts as accurate; loss below which it counts as robust.
ACCURATE, ROBUST = 0.8, 0.1
#: What was done to the pictures.
CHANGES = ("noise", "brightness")


def cutouts(seed: int, subject: Any = None) -> dict[str, float]:
    """Overlap with the true object: intersection over union, mean of the photographs, 0..1; the same for every seed.

    Returns:
      "none" of the pictures as they are, "noise 0.1" and the like with a change of that level, "threshold none" and
      the like of the threshold; "lost to noise", "lost to brightness": the most that such a change takes, "lost" the
      larger of the two, "threshold lost" that of the threshold.
    """
    rows = evaluate.measured_robustness()["rows"]
    figures: dict[str, float] = {}
    for row in rows:
        name = row["change"] if row["change"] == "none" else f"{row['change']} {row['level']:g}"
        figures |= {name: row["iou"], f"threshold {name}": row["iou_threshold"]}
    for change in CHANGES:
        levels = [row["iou"] for row in rows if row["change"] == change]
        figures[f"lost to {change}"] = figures["none"] - min(levels)
    figures["lost"] = max(figures[f"lost to {change}"] for change in CHANGES)
    figures["threshold lost"] = figures["threshold none"] - min(row["iou_threshold"] for row in rows)
    return figures
