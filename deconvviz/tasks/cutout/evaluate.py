"""How good cut-outs are: a folder of true mattes, a plain threshold beside them, noise and brightness swept.

Source: rhemann2009perceptually, otsu1979threshold
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from tqdm import tqdm

from deconvviz.data import images
from deconvviz.data.folder import list_partners
from deconvviz.errors import DataError
from deconvviz.tasks.cutout import matting
from deconvviz.tasks.cutout.metrics import intersection_over_union, matting_figures
from deconvviz.types import DisplayImage

NOISE = (0.1, 0.2)
BRIGHTNESS = (0.25, 0.5, 2.0)


class Pair(NamedTuple):
    """Files of one picture."""

    image: Path
    alpha: Path
    trimap: Path


def pairs(root: str | Path, limit: int | None = None) -> list[Pair]:
    """The files of DIR/images with those of the same name in DIR/alpha and DIR/trimap1.

    Raises:
      DataError: a folder is missing, or a picture has no partner.
    """
    return [Pair(*files) for files in list_partners(root, ("images", "alpha", "trimap1"), limit)]


def read(pair: Pair) -> tuple[DisplayImage, np.ndarray, np.ndarray]:
    """(picture, alpha in 0..1, trimap of 0, 0.5 and 1).

    Raises:
      DataError: files of other sizes, or an alpha that is empty.
      ImageError: a file that cannot be read.
    """
    from deconvviz.tasks.cutout.task import read_trimap

    picture, alpha = images.load(pair.image), images.load(pair.alpha)[..., 0].astype(np.float64)
    if alpha.shape != picture.shape[:2]:
        raise DataError(f"{pair.alpha} is {alpha.shape} and {pair.image} {picture.shape[:2]}: sizes must agree")
    if not (alpha > 0.5).any():
        raise DataError(f"the alpha {pair.alpha} is empty: nowhere above 0.5, so there is nothing to compare with")
    return picture, alpha, read_trimap(pair.trimap, alpha.shape)


def measure(root: str | Path, *, progress: bool, limit: int | None = None, **options: Any) -> dict[str, Any]:
    """The figures of `deconvviz.tasks.cutout.evaluate`."""
    started = time.perf_counter()
    listed = pairs(root, limit)
    rows = []
    for pair in tqdm(listed, unit="image", disable=not progress):
        picture, alpha, trimap = read(pair)
        matte = matting.closed_form(picture, trimap)
        row = matting_figures(matte, alpha, trimap == 0.5)
        rows.append(row | _overlaps(picture, alpha > 0.5, options))
    figures = {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
    return {**figures, "images": len(rows), "seconds": round(time.perf_counter() - started, 3)}


def robustness(
    root: str | Path,
    *,
    noise: Sequence[float] = NOISE,
    brightness: Sequence[float] = BRIGHTNESS,
    seed: int = 0,
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
      limit: how many pictures.
      settings: more options, of each picture its own.
      options: of `deconvviz.tasks.cutout.apply`.

    Returns:
      One row a change: "change" ("none", "noise" or "brightness"), "level", and the means "iou", "iou_threshold".
    """
    changes = [("none", 0.0), *(("noise", s) for s in noise), *(("brightness", f) for f in brightness)]
    listed, rows = [read(pair)[:2] for pair in pairs(root, limit)], []
    for change, level in tqdm(changes, unit="change", disable=not progress):
        found = [
            _overlaps(changed(picture, change, level, seed + i), alpha > 0.5, {**options, **own})
            for i, ((picture, alpha), own) in enumerate(zip(listed, settings or [{}] * len(listed), strict=True))
        ]
        means = {name: float(np.mean([row[name] for row in found])) for name in found[0]}
        rows.append({"change": change, "level": float(level), **means})
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


def threshold_mask(picture: DisplayImage) -> np.ndarray:
    """The plain way: Otsu's threshold on brightness or saturation, whichever it parts better; (H, W) bool.

    The side that holds less of the picture's rim counts as the object.

    Source: otsu1979threshold

    >>> picture = np.full((6, 7, 3), 0.1, np.float32); picture[2:4, 3:5] = 0.9
    >>> np.argwhere(threshold_mask(picture)).tolist()
    [[2, 3], [2, 4], [3, 3], [3, 4]]
    """
    from skimage.color import rgb2hsv
    from skimage.filters import threshold_otsu

    best, mask = -1.0, np.zeros(picture.shape[:2], bool)
    hsv = rgb2hsv(picture)
    for plane in (hsv[..., 2], hsv[..., 1]):
        spread = float(plane.var())
        if spread == 0:
            continue
        above = plane > threshold_otsu(plane)
        share = float(above.mean())
        if not 0 < share < 1:
            continue
        parted = share * (1 - share) * float(plane[above].mean() - plane[~above].mean()) ** 2 / spread
        if parted > best:
            best, mask = parted, above
    rim = np.concatenate([mask[0], mask[-1], mask[1:-1, 0], mask[1:-1, -1]])
    return ~mask if rim.mean() > 0.5 else mask


def _overlaps(picture: DisplayImage, truth: np.ndarray, options: dict[str, Any]) -> dict[str, float]:
    from deconvviz.tasks.cutout.task import apply

    try:
        mask = apply(picture, **options).alpha > 0.5
    except DataError:  # no seeds, or nothing that they reach: an empty cut-out
        mask = np.zeros(truth.shape, bool)
    return {
        "iou": intersection_over_union(mask, truth),
        "iou_threshold": intersection_over_union(threshold_mask(picture), truth),
    }
