"""How alike two maps are: ranks with and without sign, structure, and histograms of oriented gradients."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from skimage.metrics import structural_similarity

from deconvviz.checks.randomization import ranks, strength
from deconvviz.types import Array

#: Side of the window of SSIM, in pixels.
WINDOW = 7
#: A map is divided by this quantile of its strengths before structure is compared: one pixel must not set the scale.
QUANTILE = 0.99
METRICS = ("signed", "rank", "ssim", "hog")


def pixels(signal: Array) -> np.ndarray:
    """One signed number a pixel: the sum over the channels, (H, W); what has no channels stays.

    >>> pixels(np.array([[[1.0, -3.0]]])).tolist()
    [[-2.0]]
    """
    signal = np.asarray(signal, np.float64)
    return signal if signal.ndim == 2 else signal.sum(axis=-1)


def strengths(signal: Array) -> np.ndarray:
    """One number from 0 up a pixel: magnitudes added over the channels, (H, W)."""
    signal = np.asarray(signal, np.float64)
    return np.abs(signal) if signal.ndim == 2 else strength(signal)


@dataclass(frozen=True, eq=False)
class Compared:
    """A map prepared for comparison, so that one that is compared with many is prepared once.

    Attributes:
      signed, strengths: ranks of `pixels` and of `strengths`, centred, of length 1; zeros where those are constant.
      scaled: strengths in 0..1.
      hog: histograms of oriented gradients of that, centred, of length 1; None where the map is too small.
    """

    signed: np.ndarray
    strengths: np.ndarray
    scaled: np.ndarray
    hog: np.ndarray | None

    @classmethod
    def of(cls, signal: Array) -> Compared:
        """The map (H, W) or (H, W, C)."""
        strong = strengths(signal)
        image = scaled(strong)
        return cls(centred(ranks(pixels(signal))), centred(ranks(strong)), image, _hog(image))

    @property
    def is_zero(self) -> bool:
        """Whether the map is 0 everywhere, so that it is like nothing and unlike nothing."""
        return not self.scaled.any()

    def like(self, other: Compared) -> dict[str, float]:
        """The four measures of two maps of one size, see `similarities`."""
        nothing = float("nan")
        return {  # sums of products: the threads of a library's dot product cost more than they save here
            "signed": float((self.signed * other.signed).sum()),
            "rank": float((self.strengths * other.strengths).sum()),
            "ssim": ssim(self.scaled, other.scaled),
            "hog": nothing if self.hog is None or other.hog is None else float((self.hog * other.hog).sum()),
        }


def similarities(a: Array, b: Array) -> dict[str, float]:
    """Four measures of two maps of one size, (H, W) or (H, W, C).

    Returns:
      "signed": Spearman's correlation of `pixels`, -1 to 1; "rank": of `strengths`; "ssim" and "hog": of the strengths,
      each divided by its 99th percentile and cut off at 1. 0 where one side is constant; NaN where a map is smaller
      than the window of the measure.

    Source: adebayo2018sanity, wang2004image, dalal2005histograms
    """
    return Compared.of(a).like(Compared.of(b))


def centred(values: np.ndarray) -> np.ndarray:
    """Less its mean, of length 1: products of two are Pearson's correlations."""
    rest = values.ravel() - values.mean()
    length = float(np.sqrt((rest * rest).sum()))
    return rest / length if length > 1e-12 else np.zeros_like(rest)


def scaled(values: np.ndarray) -> np.ndarray:
    """Strengths in 0..1: divided by their 99th percentile, or by their largest where that is 0.

    >>> scaled(np.array([[0.0, 2.0], [2.0, 2.0]])).tolist()
    [[0.0, 1.0], [1.0, 1.0]]
    """
    top = float(np.quantile(values, QUANTILE)) or float(values.max(initial=0))
    return np.minimum(values / top, 1.0) if top else np.zeros_like(values)


def ssim(a: np.ndarray, b: np.ndarray) -> float:
    """Mean structural similarity over windows of 7 x 7 pixels; 0 where one map is constant."""
    if min(a.shape) < WINDOW:
        return float("nan")
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return 0.0
    return float(structural_similarity(a, b, win_size=WINDOW, data_range=1.0))


def _hog(values: np.ndarray) -> np.ndarray | None:
    """Histograms of oriented gradients: 9 directions, an eighth of the shorter side a cell, blocks of 3 x 3 cells."""
    cell = max(2, min(values.shape) // 8)
    if min(values.shape) < 3 * cell:
        return None
    from skimage.feature import hog  # imported late: it brings much that a map needs not

    options = {"orientations": 9, "pixels_per_cell": (cell, cell), "cells_per_block": (3, 3), "block_norm": "L2-Hys"}
    return centred(np.asarray(hog(values, **options), np.float64))
