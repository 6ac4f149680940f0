"""How many seeds: settings chosen on a folder of true mattes, and what such a choice is worth on an unseen picture.

Each picture is left out in turn, the best setting of the grid is chosen on the others, and it is cut out with that.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from tqdm import tqdm

from deconvviz import catalog
from deconvviz.errors import DataError, DeconvvizError
from deconvviz.tasks.cutout import MAPS
from deconvviz.tasks.cutout.data import pairs, read
from deconvviz.tasks.cutout.metrics import intersection_over_union
from deconvviz.tasks.cutout.predict import apply
from deconvviz.tasks.cutout.robustness import sweep
from deconvviz.tasks.cutout.trimap import class_map


class Setting(NamedTuple):
    """Where the class is seen, the shares of the picture that become seeds, and the strip at the top and the sides."""

    map: str
    foreground: float
    background: float
    border: float


#: Every setting that is tried.
GRID = tuple(itertools.starmap(Setting, itertools.product(MAPS, (0.1, 0.2, 0.3), (0.1, 0.2, 0.3), (0.05, 0.1))))


def overlaps(
    root: str | Path,
    *,
    grid: Sequence[Setting] = GRID,
    model: Any = "caltech",
    work: int = 120,
    limit: int | None = None,
    progress: bool = False,
) -> np.ndarray:
    """Intersection over union of every picture with every setting.

    Args:
      root: a folder as `deconvviz.tasks.cutout.data.pairs` reads it.
      grid: the settings.
      model, work: as in `deconvviz.tasks.cutout.predict.apply`; the network runs once a picture.
      limit: how many pictures.
      progress: a bar on standard error.

    Returns:
      (pictures, settings).
    """
    net = catalog.model(model).build(None) if isinstance(model, str) else model
    files = pairs(root, limit)
    table = np.zeros((len(files), len(grid)))
    for i, pair in enumerate(tqdm(files, unit="image", disable=not progress)):
        picture, alpha, _ = read(pair)
        maps = {kind: class_map(net, picture, None, kind) for kind in {setting.map for setting in grid}}
        for j, setting in enumerate(grid):
            try:
                mask = apply(picture, class_map=maps[setting.map], work=work, **setting._asdict()).alpha > 0.5
            except DataError:  # no seeds, or nothing that they reach: an empty cut-out
                continue
            table[i, j] = intersection_over_union(mask, alpha > 0.5)
    return table


def left_out(table: np.ndarray) -> np.ndarray:
    """For each picture the setting that is best for the others, (pictures,) int.

    Raises:
      DeconvvizError: fewer than two pictures.

    >>> left_out(np.array([[0.9, 0.1], [0.2, 0.3], [0.2, 0.6]])).tolist()
    [1, 0, 0]
    """
    if len(table) < 2:
        raise DeconvvizError(f"one picture is left out and the others choose: two or more are needed, got {len(table)}")
    return np.asarray((table.sum(axis=0) - table).argmax(axis=1))


def robustness(root: str | Path, *, grid: Sequence[Setting] = GRID, work: int = 120, **options: Any) -> dict[str, Any]:
    """The pictures made worse, each cut out with the setting that is best for the others as they are.

    Returns:
      "rows", as `deconvviz.tasks.cutout.robustness.sweep` gives them; "images".
    """
    table = overlaps(root, grid=grid, work=work, **options)
    settings = [grid[i]._asdict() for i in left_out(table)]
    return {"rows": sweep(root, settings=settings, work=work, **options), "images": len(settings)}


def choose(root: str | Path, *, grid: Sequence[Setting] = GRID, **options: Any) -> dict[str, Any]:
    """The setting to use, and how well such a choice does on a picture that had no part in it.

    Returns:
      "map", "foreground", "background", "rim": best for all pictures; "iou_chosen", their mean on the same pictures,
      which flatters; "iou_left_out", the mean with each picture's setting chosen on the others; "same", how many of
      these choices are the same as for all; "settings", how many were tried; "images".
    """
    table = overlaps(root, grid=grid, **options)
    best, others = int(table.mean(axis=0).argmax()), left_out(table)
    setting = grid[best]
    return {
        **{"map": setting.map, "foreground": setting.foreground, "background": setting.background},
        "rim": setting.border,
        "iou_chosen": float(table[:, best].mean()),
        "iou_left_out": float(table[np.arange(len(table)), others].mean()),
        "same": int((others == best).sum()),
        "settings": len(grid),
        "images": len(table),
    }
