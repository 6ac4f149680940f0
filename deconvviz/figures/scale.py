"""From signed numbers to colours: one limit for several maps, zero always neutral, a map of zeros never stretched.

A picture of a signed map is only honest if zero looks the same everywhere and two maps that are compared share one
scale. A map that is zero everywhere has the limit 0.0 and comes out neutral; callers say so in words.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import matplotlib
import numpy as np

from deconvviz.errors import DeconvvizError
from deconvviz.figures.style import NEUTRAL
from deconvviz.types import Array

#: Colours of the diverging map; odd, so that one of them is zero.
DIVERGING_LEVELS = 255


def signed_limit(maps: Iterable[Array] | Array, percentile: float | None = None) -> float:
    """The one limit L of a scale -L..L that several signed maps share.

    Args:
      maps: arrays of any shapes, or one array.
      percentile: instead of the largest magnitude, this percentile (0..100] of the magnitudes above zero of all maps
        together; what lies above is drawn at the end of the scale. Zeros do not count, or a small receptive field
        would push the limit to zero.

    Returns:
      L >= 0; 0.0 where everything is zero or no map is given.

    Raises:
      DeconvvizError: a value is NaN or infinite, or the percentile is not in (0, 100].

    >>> signed_limit([np.array([1.0, -3.0]), np.array([[2.0]])])
    3.0
    >>> signed_limit([np.zeros((2, 3))])
    0.0
    """
    if percentile is not None and not 0 < percentile <= 100:
        raise DeconvvizError(f"a percentile lies above 0 and at most at 100; got percentile={percentile!r}")
    arrays: list[Array] = [np.asarray(maps)] if hasattr(maps, "shape") else list(maps)
    sizes = [np.abs(_finite(array)).ravel() for array in arrays]
    if percentile is None:
        return max((float(size.max()) for size in sizes if size.size), default=0.0)
    above = np.concatenate([size[size > 0] for size in sizes]) if sizes else np.zeros(0)
    return float(np.percentile(above, percentile)) if above.size else 0.0


def diverging_rgb(plane: Array, limit: float) -> np.ndarray:
    """Colours a signed plane with RdBu_r: blue below zero, red above, zero exactly the neutral middle.

    Args:
      plane: (..., H, W) signed.
      limit: the value drawn in full red; its negative in full blue. 0.0 draws everything neutral.

    Returns:
      (..., H, W, 3) uint8.

    Raises:
      DeconvvizError: NaN or infinity in the plane, or a limit that is negative or not finite.

    >>> diverging_rgb(np.array([[-1.0, 0.0, 1.0]]), 1.0).tolist()
    [[[5, 48, 97], [247, 247, 247], [103, 0, 31]]]
    """
    half = DIVERGING_LEVELS // 2
    return diverging_lut()[(half + np.rint(_relative(plane, limit) * half)).astype(np.intp)]


def fitted(signed: Array, picture: Array) -> np.ndarray:
    """A signed map as a picture: ``c + s m``, cut to 0..1, with c and s those nearest to a photograph.

    A map says nothing about grey and contrast; no choice of these two numbers has a smaller error before the cut.

    Args:
      signed: (H, W, C), the map m.
      picture: (H, W, C), 0..1, the photograph.

    Returns:
      (H, W, C) float32, 0..1; the photograph's mean everywhere for a map without contrast.

    >>> [round(float(one), 3) for one in fitted(np.array([[-1.0, 0.0, 1.0]]), np.array([[0.2, 0.3, 0.4]]))[0]]
    [0.2, 0.3, 0.4]
    """
    m, truth = np.asarray(signed, np.float64), np.asarray(picture, np.float64)
    spread = m - m.mean()
    length = float(np.square(spread).sum())
    slope = float((spread * truth).sum()) / length if length else 0.0
    return np.clip(truth.mean() + slope * spread, 0, 1).astype(np.float32)


def colour_rgb(signed: Array, limit: float) -> np.ndarray:
    """A signed colour map as a picture, ``0.5 + 0.5 * map / limit``: zero is neutral grey, level 128 of 255.

    Args:
      signed: (..., H, W, 3), centred on zero.
      limit: the value drawn at level 255, its negative at 1. 0.0 draws everything neutral.

    Returns:
      (..., H, W, 3) uint8, symmetric around 128.

    Raises:
      DeconvvizError: not three channels, NaN or infinity, or a limit that is negative or not finite.

    >>> colour_rgb(np.array([[[-2.0, 0.0, 1.0]]]), 2.0).tolist()
    [[[1, 128, 192]]]
    """
    values = np.asarray(signed)
    if values.ndim < 3 or values.shape[-1] != 3:
        raise DeconvvizError(f"a signed colour map has the shape (H, W, 3); got {values.shape}")
    return (NEUTRAL + np.rint(_relative(values, limit) * (255 - NEUTRAL))).astype(np.uint8)


def sequential_rgb(plane: Array, low: float, high: float) -> np.ndarray:
    """Colours a plane with cividis, dark at `low`, light at `high`; values outside take the end colours.

    Args:
      plane: (..., H, W).
      low, high: ends of the scale; where they are equal everything is drawn dark.

    Returns:
      (..., H, W, 3) uint8.

    Raises:
      DeconvvizError: NaN or infinity, or low > high.

    >>> sequential_rgb(np.array([[0.0, 4.0]]), 0.0, 4.0).tolist()
    [[[0, 34, 78], [254, 232, 56]]]
    """
    values = _finite(plane)
    if not (np.isfinite(low) and np.isfinite(high)) or low > high:
        raise DeconvvizError(f"a scale goes from low up to high; got low={low!r}, high={high!r}")
    share = np.clip((values - low) / (high - low), 0, 1) if high > low else np.zeros_like(values)
    return sequential_lut()[np.rint(share * 255).astype(np.intp)]


def to_plane(signed: Array) -> np.ndarray:
    """One signed number a pixel: the sum over the channels.

    For a gradient this is the answer to adding the same grey to all channels of the pixel, the derivative along
    (1, 1, 1); it keeps the sign, unlike the largest magnitude, and channels that disagree cancel.

    Args:
      signed: (..., H, W, C).

    Returns:
      (..., H, W) float.

    >>> to_plane(np.array([[[1.0, -3.0, 0.5]]])).tolist()
    [[-1.5]]
    """
    return np.asarray(signed).sum(axis=-1)


@cache
def diverging_lut() -> np.ndarray:
    """(255, 3) uint8, RdBu_r; the middle row is the neutral colour of zero. Read-only."""
    return _lut("RdBu_r", DIVERGING_LEVELS)


@cache
def sequential_lut() -> np.ndarray:
    """(256, 3) uint8, cividis. Read-only."""
    return _lut("cividis", 256)


def _lut(name: str, levels: int) -> np.ndarray:
    colours = matplotlib.colormaps[name].resampled(levels)(np.arange(levels))[:, :3]
    table = np.rint(colours * 255).astype(np.uint8)
    table.flags.writeable = False
    return table


def _finite(values: Array) -> np.ndarray:
    array = np.asarray(values)
    if not np.issubdtype(array.dtype, np.floating):
        array = array.astype(np.float64)
    bad = int(np.count_nonzero(~np.isfinite(array)))
    if bad:
        raise DeconvvizError(
            f"{bad:,} of {array.size:,} values of a map are NaN or infinite, which no colour stands for; "
            "the network may have overflowed: look at its activations"
        )
    return array


def _relative(values: Array, limit: float) -> np.ndarray:
    """Values as shares of the limit, -1..1; zeros for the limit 0."""
    if not np.isfinite(limit) or limit < 0:
        raise DeconvvizError(f"the limit of a signed scale is 0 or above; got limit={limit!r}")
    array = _finite(values)
    if limit == 0:
        return np.zeros_like(array)
    with np.errstate(over="ignore"):
        return np.clip(array / limit, -1, 1)
