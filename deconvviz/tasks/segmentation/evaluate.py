"""How good a labelling is: global accuracy, class average, mean intersection over union, boundary F1.

Source: badrinarayanan2017segnet, csurka2013what
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from scipy.ndimage import distance_transform_edt
from tqdm import tqdm

from deconvviz.data.folder import list_partners
from deconvviz.tasks.segmentation import DECODERS
from deconvviz.tasks.segmentation.data import FOLDERS, NAMES, VOID, Scene, read
from deconvviz.tasks.segmentation.predict import VARIANT, classes_of, compiled, load, variants

#: How far a boundary may be off and still count, in diagonals of the picture.
TOLERANCE = 0.0075


def evaluate(
    data: str | Path,
    *,
    progress: bool = False,
    variant: str = VARIANT,
    weights: str | Path | None = None,
    limit: int | None = None,
) -> dict[str, Any]:
    """Measures a variant on DIR/images and DIR/labels: PNG with a class index in every pixel, 11 for void.

    Args:
      data: the folder; a picture and its labels share a name and a size.
      progress: a bar on standard error.
      variant: one of `variants()`.
      weights: a run of `train`; the shipped weights if None.
      limit: how many pictures.

    Returns:
      "global_accuracy" (share of all pixels that are right; also as "global"), "class_average", "mean_iou", all from
      one table of all pixels;
      "boundary_f1", the mean over the pictures, 0.75 % of the diagonal; "iou", class by class; "images", "seconds".

    Raises:
      DataError: no such folder, no pairs, labels out of range or of another size.

    Source: badrinarayanan2017segnet, csurka2013what
    """
    started = time.perf_counter()
    files = list_partners(data, FOLDERS, limit)
    scenes = (read(*pair) for pair in files)
    figures = measure(load(variant, weights), scenes, len(files), progress=progress)
    return {**figures, "images": len(files), "seconds": round(time.perf_counter() - started, 3)}


def confusion(predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """(11, 11) counts of pixels: row the true class, column the predicted one; void counts for nothing.

    >>> int(confusion(np.array([[0, 1, 1]]), np.array([[0, 0, 11]]))[0, 1])
    1
    """
    counted = truth < VOID
    pairs = truth[counted].astype(np.int64) * VOID + predicted[counted]
    return np.bincount(pairs, minlength=VOID * VOID).reshape(VOID, VOID)


def figures_of(table: np.ndarray) -> dict[str, Any]:
    """Shares from a confusion table; classes that are nowhere true are left out of the means.

    Formula: with n_ij pixels of class i predicted as j, ``global_accuracy = sum_i n_ii / sum_ij n_ij``,
    ``class_average = mean_i n_ii / sum_j n_ij``, ``mean_iou = mean_i n_ii / (sum_j n_ij + sum_j n_ji - n_ii)``.

    Returns:
      "global_accuracy", "class_average", "mean_iou" (0..1) and "iou", the value of each class that is there; "global"
      is the first once more, as files of weights have it.

    Source: long2015fully
    """
    right, truth, predicted = np.diag(table), table.sum(1), table.sum(0)
    there = truth > 0
    iou = right[there] / (truth + predicted - right)[there]
    accuracy = float(right.sum() / table.sum())
    return {
        "global_accuracy": accuracy,
        "global": accuracy,
        "class_average": float((right[there] / truth[there]).mean()),
        "mean_iou": float(iou.mean()),
        "iou": {NAMES[c]: float(value) for c, value in zip(np.flatnonzero(there), iou, strict=True)},
    }


def boundary_f1(predicted: np.ndarray, truth: np.ndarray) -> float:
    """F1 of the boundaries of one picture, the mean over the classes that are truly in it.

    Boundary pixels of a class touch a pixel of another class to the right, left, above or below. One is right if a
    boundary pixel of the other labelling lies within 0.75 % of the diagonal. Void pixels belong to nothing: neither
    they nor what is predicted there make a boundary.

    Formula: ``F1 = 2 P R / (P + R)``, P the share of predicted boundary pixels that are right, R of the true ones that
    were found; where one labelling has no boundary of the class, 1 if the other has none either, else 0.

    Args:
      predicted: (H, W) classes.
      truth: (H, W) classes, 11 for void.

    Source: csurka2013what, badrinarayanan2017segnet
    """
    reach = TOLERANCE * math.hypot(*truth.shape)
    known, scores = truth < VOID, []
    for c in np.unique(truth[known]):
        here, there = (boundary((labels == c) & known, (labels != c) & known) for labels in (truth, predicted))
        if not here.any() or not there.any():
            scores.append(float(here.any() == there.any()))
            continue
        precision = float((distance_transform_edt(~here)[there] <= reach).mean())
        recall = float((distance_transform_edt(~there)[here] <= reach).mean())
        scores.append(2 * precision * recall / (precision + recall) if precision + recall else 0.0)
    return float(np.mean(scores)) if scores else 0.0


def boundary(mask: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Pixels of a mask that touch one of the others to the right, left, above or below.

    >>> boundary(np.array([[1, 1, 1, 0]], bool), np.array([[0, 0, 0, 1]], bool)).astype(int).tolist()
    [[0, 0, 1, 0]]
    """
    around = np.pad(others, 1)
    return mask & (around[:-2, 1:-1] | around[2:, 1:-1] | around[1:-1, :-2] | around[1:-1, 2:])


def measure(network: Any, scenes: Iterable[Scene], count: int, *, progress: bool = False) -> dict[str, Any]:
    """Figures of a trained network over scenes at their own size.

    The shares come from one table of all pixels, boundary F1 is the mean over the pictures.
    """
    run = compiled(network)
    table, edges = np.zeros((VOID, VOID), np.int64), []
    for scene in tqdm(scenes, total=count, unit="image", disable=not progress):
        predicted = classes_of(run, scene.picture)
        table += confusion(predicted, scene.labels)
        edges.append(boundary_f1(predicted, scene.labels))
    return {**figures_of(table), "boundary_f1": float(np.mean(edges))}


def claim_figures(figures: Mapping[str, Mapping[str, Any]] | None = None) -> dict[str, float]:
    """What claim C9 rests on: figures of the three decoders and of no decoder, from the shipped file.

    >>> sorted(name for name in claim_figures() if name.endswith("mean_iou"))
    ['bilinear mean_iou', 'coarse mean_iou', 'transposed mean_iou', 'unpool mean_iou']
    """
    known = variants() if figures is None else figures
    return {
        f"{name} {figure}": float(known[name]["figures"][figure])
        for name in DECODERS
        for figure in ("mean_iou", "boundary_f1")
    }
