"""Files of the cut-out: trimaps and strokes of one's own, and folders of pictures with true mattes.

Source: rhemann2009perceptually
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from deconvviz.data import images
from deconvviz.data.folder import list_partners
from deconvviz.errors import DataError
from deconvviz.types import DisplayImage

#: A channel above it is full, below 1 minus it is empty: strokes keep this much after JPEG or a soft brush.
_PURE = 0.75


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
    picture, alpha = images.load(pair.image), images.load(pair.alpha)[..., 0].astype(np.float64)
    if alpha.shape != picture.shape[:2]:
        raise DataError(f"{pair.alpha} is {alpha.shape} and {pair.image} {picture.shape[:2]}: sizes must agree")
    if not (alpha > 0.5).any():
        raise DataError(f"the alpha {pair.alpha} is empty: nowhere above 0.5, so there is nothing to compare with")
    return picture, alpha, read_trimap(pair.trimap, alpha.shape)


def read_trimap(source: Any, size: tuple[int, int]) -> np.ndarray:
    """(H, W) float64 of 0, 0.5 and 1 from a grey picture file or an array.

    Raises:
      ImageError: a file that cannot be read.
      DataError: another size than the picture's.

    >>> read_trimap(np.array([[0, 128, 255]], np.uint8), (1, 3)).tolist()
    [[0.0, 0.5, 1.0]]
    """
    values = images.load(source, name="the trimap" if not isinstance(source, (str, os.PathLike)) else None)[..., 0]
    if values.shape != size:
        raise DataError(
            f"the trimap is {values.shape[0]} x {values.shape[1]} and the picture {size[0]} x {size[1]}: "
            "both need the same rows and columns"
        )
    return np.where(values > 0.9, 1.0, np.where(values < 0.1, 0.0, 0.5))


def read_strokes(source: Any, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Strokes of one's own: pure green where the object is, pure red where it is not; any other colour says nothing.

    They may be painted over the photograph itself or on a transparent layer, in any program that keeps pure colours.

    Args:
      source: path, bytes, PIL image, or array, as `deconvviz.data.images.load` reads it.
      size: (H, W) of the picture.

    Returns:
      (foreground, background), (H, W) bool.

    Raises:
      ImageError: a file that cannot be read.
      DataError: another size than the picture's, or no stroke at all.

    >>> ahead, behind = read_strokes(np.array([[[0, 255, 0], [255, 0, 0], [90, 80, 70]]], np.uint8), (1, 3))
    >>> ahead.tolist(), behind.tolist()
    ([[True, False, False]], [[False, True, False]])
    """
    values = images.load(source, name="the seeds" if not isinstance(source, (str, os.PathLike)) else None)
    if values.shape[:2] != size:
        raise DataError(
            f"the seeds are {values.shape[0]} x {values.shape[1]} and the picture {size[0]} x {size[1]}: "
            "both need the same rows and columns"
        )
    red, green, blue = np.moveaxis(values, -1, 0)
    ahead = (green > _PURE) & (red < 1 - _PURE) & (blue < 1 - _PURE)
    behind = (red > _PURE) & (green < 1 - _PURE) & (blue < 1 - _PURE)
    if not (ahead.any() or behind.any()):
        raise DataError(
            "the seeds hold no stroke: paint the object pure green (0, 255, 0) and the background pure red (255, 0, 0)"
        )
    return ahead, behind
