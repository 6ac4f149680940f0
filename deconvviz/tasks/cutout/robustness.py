"""Cut-outs of pictures with noise and in other light, beside a plain threshold.

Source: rhemann2009perceptually, otsu1979threshold
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from deconvviz.errors import DataError
from deconvviz.tasks.cutout.data import pairs, read
from deconvviz.tasks.cutout.metrics import intersection_over_union, threshold_mask
from deconvviz.tasks.cutout.predict import apply
from deconvviz.types import DisplayImage

NOISE = (0.1, 0.2)
BRIGHTNESS = (0.25, 0.5, 2.0)
#: How often noise is drawn on every picture.
DRAWS = 5
#: Between the seeds of two draws on one picture: more than there are pictures.
APART = 1000


def sweep(
    root: str | Path,
    *,
    noise: Sequence[float] = NOISE,
    brightness: Sequence[float] = BRIGHTNESS,
    seed: int = 0,
    draws: int = DRAWS,
    limit: int | None = None,
    progress: bool = False,
    settings: Sequence[Mapping[str, Any]] = (),
    **options: Any,
) -> list[dict[str, Any]]:
    """Cut-outs without trimap of pictures made worse, beside a plain threshold: is the network's way more robust?

    Args:
      root: a folder as `pairs` reads it.
      noise: standard deviations of Gaussian noise, in units of the range 0..1.
      brightness: factors; what leaves 0..1 is clipped.
      seed: of the noise.
      draws: how often noise is drawn on each picture; the mean of these overlaps is the picture's.
      limit: how many pictures.
      settings: more options, of each picture its own.
      options: of `deconvviz.tasks.cutout.predict.apply`.

    Returns:
      One row a change: "change" ("none", "noise" or "brightness"), "level", the means "iou" and "iou_threshold", and
      as "each" and "each_threshold" the overlaps of every picture.
    """
    changes = [("none", 0.0), *(("noise", s) for s in noise), *(("brightness", f) for f in brightness)]
    scenes, rows = [read(pair)[:2] for pair in pairs(root, limit)], []
    for change, level in tqdm(changes, unit="change", disable=not progress):
        count, results = (draws if change == "noise" else 1), []
        for i, ((picture, alpha), extra) in enumerate(zip(scenes, settings or [{}] * len(scenes), strict=True)):
            drawn = [changed(picture, change, level, seed + i + APART * draw) for draw in range(count)]
            figures = [overlaps(changed_picture, alpha > 0.5, {**options, **extra}) for changed_picture in drawn]
            results.append({name: float(np.mean([row[name] for row in figures])) for name in figures[0]})
        each = {name: [row[name] for row in results] for name in results[0]}
        means = {name: float(np.mean(values)) for name, values in each.items()}
        lists = {"each": each["iou"], "each_threshold": each["iou_threshold"]}
        rows.append({"change": change, "level": float(level), **means, **lists})
    return rows


def changed(picture: DisplayImage, change: str, level: float, seed: int) -> DisplayImage:
    """A picture with Gaussian noise, or brighter or darker, clipped to 0..1.

    >>> changed(np.full((2, 3, 3), 0.5, np.float32), "brightness", 1.5, 0).max()
    np.float32(0.75)
    """
    if change == "noise":
        picture = picture + np.random.default_rng(seed).normal(0, level, picture.shape)
    elif change == "brightness":
        picture = picture * level
    return np.clip(picture, 0, 1).astype(np.float32)


def overlaps(picture: DisplayImage, truth: np.ndarray, options: Mapping[str, Any]) -> dict[str, float]:
    """Intersection over union with the true mask (H, W): "iou" of the cut-out, "iou_threshold" of Otsu's threshold."""
    try:
        mask = apply(picture, **options).alpha > 0.5
    except DataError:  # no seeds, or nothing that they reach: an empty cut-out
        mask = np.zeros(truth.shape, bool)
    return {
        "iou": intersection_over_union(mask, truth),
        "iou_threshold": intersection_over_union(threshold_mask(picture), truth),
    }
