"""How good cut-outs are on a folder of true mattes."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from deconvviz.errors import DataError, check_choice
from deconvviz.tasks._shared import recorded_figures
from deconvviz.tasks.cutout import choice
from deconvviz.tasks.cutout.data import pairs, read
from deconvviz.tasks.cutout.matting import closed_form
from deconvviz.tasks.cutout.metrics import matting_figures
from deconvviz.tasks.cutout.robustness import overlaps


def evaluate(data: str | Path, *, progress: bool = False, what: str = "figures", **options: Any) -> dict[str, Any]:
    """Measures matting with the given trimaps, and cut-outs without them, on DIR/images, DIR/alpha and DIR/trimap1.

    Args:
      data: the folder; pictures, mattes and trimaps share their names.
      progress: a bar on standard error.
      what: "figures"; "shares", the choice of map and seeds, each picture left out in turn; or "robustness", the
        cut-outs without trimap under noise and other light with these choices.
      options: work, model, map, foreground, background and border of `apply`, for the cut-outs without trimap; limit,
        how many pictures.

    Returns:
      "sad", "mse", "grad", "conn" of closed-form matting at full size over the unknown pixels of the trimaps; "iou" of
      the cut-outs without trimap and "iou_threshold" of Otsu's threshold, both with alpha above 0.5; "images",
      "seconds". Of "shares" and "robustness" what `choose` and `robustness` of
      `deconvviz.tasks.cutout.choice` say; they take model, work and limit only.

    Raises:
      DataError: no such folder, no pairs, an empty alpha, or files that do not fit each other.
    """
    started = time.perf_counter()
    measures: dict[str, Callable[..., dict[str, Any]]] = {
        "figures": measure,
        "shares": choice.choose,
        "robustness": choice.robustness,
    }
    check_choice("what", what, measures, of="cutout")
    figures = measures[what](data, progress=progress, **options)
    return {**figures, "seconds": round(time.perf_counter() - started, 3)}


def measure(root: str | Path, *, progress: bool, limit: int | None = None, **options: Any) -> dict[str, Any]:
    """The figures of `evaluate`, without "seconds"."""
    files = pairs(root, limit)
    rows = []
    for pair in tqdm(files, unit="image", disable=not progress):
        picture, alpha, trimap = read(pair)
        matte = closed_form(picture, trimap)
        row = matting_figures(matte, alpha, trimap == 0.5)
        rows.append(row | overlaps(picture, alpha > 0.5, options))
    figures = {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
    return {**figures, "images": len(rows)}


def measured_robustness() -> dict[str, Any]:
    """What `evaluate(..., what="robustness")` found on photographs that do not come with the project: claim C8.

    >>> measured_robustness()["rows"][0]["change"]
    'none'
    """
    figures = recorded_figures.figures("cutout", "robustness")
    if figures is None:
        raise DataError(
            f"the package holds no figures that {recorded_figures.command('cutout', 'robustness')!r} printed"
        )
    return figures
