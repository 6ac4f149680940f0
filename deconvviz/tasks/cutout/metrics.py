"""How far a matte is from the true one, over the unknown pixels of a trimap: SAD, MSE, Grad, Conn; and of masks.

Source: rhemann2009perceptually, xu2017deep, otsu1979threshold
"""

from __future__ import annotations

import itertools
import math

import numpy as np
from scipy import ndimage
from skimage.color import rgb2hsv
from skimage.filters import threshold_otsu

from deconvviz.errors import DataError
from deconvviz.types import Array, DisplayImage

SIGMA = 1.4
STEP = 0.1
LEAST = 0.15
_CUT = 1e-2


def matting_figures(matte: Array, truth: Array, unknown: Array) -> dict[str, float]:
    """The four figures of the field; sad, grad and conn are sums in thousands.

    Args:
      matte, truth: (H, W), 0..1.
      unknown: (H, W) bool, where they are compared.

    Returns:
      "sad", "mse", "grad", "conn".

    Raises:
      DataError: sizes that differ, or nothing unknown.

    >>> matte, truth = np.zeros((5, 7)), np.full((5, 7), 0.5)
    >>> matting_figures(matte, truth, truth > 0)["mse"]
    0.25
    """
    matte, truth, unknown = np.asarray(matte, np.float64), np.asarray(truth, np.float64), np.asarray(unknown, bool)
    if not matte.shape == truth.shape == unknown.shape:
        raise DataError(f"mattes of one size are compared; got {matte.shape}, {truth.shape} and {unknown.shape}")
    if not unknown.any():
        raise DataError("the trimap leaves nothing unknown, so there is nothing to compare: mark the edge grey (128)")
    gap = (matte - truth)[unknown]
    steepness = gradient_magnitude(matte) - gradient_magnitude(truth)
    joined = connectivity(matte, truth)
    return {
        "sad": float(np.abs(gap).sum()) / 1000,
        "mse": float(np.square(gap).mean()),
        "grad": float(np.square(steepness[unknown]).sum()) / 1000,
        "conn": float(np.abs(joined[0] - joined[1])[unknown].sum()) / 1000,
    }


def gradient_magnitude(alpha: np.ndarray) -> np.ndarray:
    """Length of the gradient by derivatives of a Gaussian (sigma 1.4, kernel of unit norm, edges repeated).

    >>> float(gradient_magnitude(np.full((9, 9), 0.5)).max()) < 1e-12
    True
    """
    half = math.ceil(SIGMA * math.sqrt(-2 * math.log(math.sqrt(2 * math.pi) * SIGMA * _CUT)))
    at = np.arange(-half, half + 1)
    bell = np.exp(-(at**2) / (2 * SIGMA**2))
    slope = -at * bell
    norm = np.linalg.norm(bell) * np.linalg.norm(slope)

    def derivative(axis: int) -> np.ndarray:
        across = ndimage.convolve1d(alpha, bell, axis=1 - axis, mode="nearest")
        return np.asarray(ndimage.convolve1d(across, slope, axis=axis, mode="nearest")) / norm

    return np.hypot(derivative(0), derivative(1))


def connectivity(matte: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For both mattes, how connected each pixel is to the object: 1 minus what it rises above its level, from 0.15 up.

    A pixel's level is the highest threshold (steps of 0.1) at which it lies in the largest 4-connected part of what
    both mattes have above that threshold.
    """
    level = np.full(matte.shape, -1.0)
    steps = np.arange(0, 1 + STEP / 2, STEP)
    for below, threshold in itertools.pairwise(steps):
        shared = _largest((matte >= threshold) & (truth >= threshold))
        level[(level < 0) & ~shared] = below
    level[level < 0] = 1.0

    def joined(alpha: np.ndarray) -> np.ndarray:
        rise = alpha - level
        return 1 - rise * (rise >= LEAST)

    return joined(matte), joined(truth)


def _largest(mask: np.ndarray) -> np.ndarray:
    """The largest 4-connected part; the first of equals."""
    labels, count = ndimage.label(mask)
    if not count:
        return np.zeros(mask.shape, bool)
    return np.asarray(labels == 1 + np.argmax(np.bincount(labels.ravel())[1:]))


def intersection_over_union(mask: Array, truth: Array) -> float:
    """Pixels in both masks over pixels in either; 0 where both are empty.

    >>> intersection_over_union(np.array([[1, 1, 0]]) > 0, np.array([[0, 1, 1]]) > 0)
    0.3333333333333333
    """
    either = int(np.count_nonzero(np.asarray(mask) | np.asarray(truth)))
    return int(np.count_nonzero(np.asarray(mask) & np.asarray(truth))) / either if either else 0.0


def threshold_mask(picture: DisplayImage) -> np.ndarray:
    """The plain way: Otsu's threshold on brightness or saturation, whichever it parts better; (H, W) bool.

    The side that holds less of the picture's rim counts as the object.

    Source: otsu1979threshold

    >>> picture = np.full((6, 7, 3), 0.1, np.float32); picture[2:4, 3:5] = 0.9
    >>> np.argwhere(threshold_mask(picture)).tolist()
    [[2, 3], [2, 4], [3, 3], [3, 4]]
    """
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
