"""Where the truth is planted: does a map point into the region, and how much of it lies there?"""

from __future__ import annotations

import numpy as np

from deconvviz.errors import DeconvvizError
from deconvviz.types import Array


def pointing_game(ranked: Array, region: Array) -> bool:
    """Whether the largest value of a map lies in the region; the first of several in reading order.

    Args:
      ranked: (H, W).
      region: (H, W) bool, not empty.

    Raises:
      DeconvvizError: another shape, or an empty region.

    Source: zhang2018excitation

    >>> pointing_game(np.array([[0.0, 2.0]]), np.array([[False, True]]))
    True
    """
    values, inside = _checked(ranked, region)
    return bool(inside.ravel()[values.argmax()])


def mass_inside(ranked: Array, region: Array) -> float:
    """Share of what is above 0 in a map that lies in the region; NaN where nothing is above 0.

    A map that knows nothing has the share of the picture that the region covers.

    >>> mass_inside(np.array([[1.0, 3.0, -5.0]]), np.array([[False, True, True]]))
    0.75
    """
    values, inside = _checked(ranked, region)
    above = np.maximum(values, 0)
    return float(above[inside].sum() / above.sum()) if above.any() else float("nan")


def _checked(ranked: Array, region: Array) -> tuple[np.ndarray, np.ndarray]:
    values, inside = np.asarray(ranked, np.float64), np.asarray(region, bool)
    if values.shape != inside.shape or values.ndim != 2 or not inside.any():
        raise DeconvvizError(
            "a map (H, W) is compared with a region of its size that holds a pixel; got a map of shape "
            f"{values.shape}, a region of shape {inside.shape} with {int(inside.sum())} pixels"
        )
    return values, inside
