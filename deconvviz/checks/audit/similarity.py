"""How alike two maps are: ranks with and without sign, structure, and histograms of oriented gradients."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import uniform_filter

from deconvviz.checks.randomization import ranks, strength
from deconvviz.types import Array

#: Side of the window of SSIM, in pixels.
WINDOW = 7
#: A map is divided by this quantile of its strengths before structure is compared: one pixel must not set the scale.
QUANTILE = 0.99
#: Of samples instead of populations; and what keeps SSIM from dividing by 0.
_SAMPLE, _STEADY = WINDOW**2 / (WINDOW**2 - 1), (0.01**2, 0.03**2)
#: Of the histograms.
DIRECTIONS = 9
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
      windows: means and variances of that over the windows of SSIM; None where the map is too small.
      hog: histograms of oriented gradients of that, centred, of length 1; None where the map is too small.
    """

    signed: np.ndarray
    strengths: np.ndarray
    scaled: np.ndarray
    windows: tuple[np.ndarray, np.ndarray] | None
    hog: np.ndarray | None

    @classmethod
    def of(cls, signal: Array) -> Compared:
        """The map (H, W) or (H, W, C)."""
        strong = strengths(signal)
        image = scaled(strong)
        windows = None
        if min(image.shape) >= WINDOW:
            means = _windows(image)
            windows = means, _SAMPLE * (_windows(image**2) - means**2)
        return cls(centred(ranks(pixels(signal))), centred(ranks(strong)), image, windows, _hog(image))

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
            "ssim": self._ssim(other),
            "hog": nothing if self.hog is None or other.hog is None else float((self.hog * other.hog).sum()),
        }

    def _ssim(self, other: Compared) -> float:
        """Mean structural similarity over windows of 7 x 7 pixels; 0 where one map is constant."""
        if self.windows is None or other.windows is None:
            return float("nan")
        if np.ptp(self.scaled) == 0 or np.ptp(other.scaled) == 0:
            return 0.0
        (first, spread), (second, others) = self.windows, other.windows
        products, both = first * second, first**2 + second**2
        covariances = _SAMPLE * (_windows(self.scaled * other.scaled) - products)
        light = (2 * products + _STEADY[0]) / (both + _STEADY[0])
        return float((light * (2 * covariances + _STEADY[1]) / (spread + others + _STEADY[1])).mean())


def similarities(a: Array, b: Array) -> dict[str, float]:
    """Four measures of two maps of one size, (H, W) or (H, W, C).

    Returns:
      "signed": Spearman's correlation of `pixels`, -1 to 1; "rank": of `strengths`; "ssim" and "hog": of the strengths,
      each divided by its 99th percentile and cut off at 1. 0 where one side is constant; NaN where a map is smaller
      than the window of the measure.

    Source: adebayo2018sanity, wang2004image, dalal2005histograms
    """
    return Compared.of(a).like(Compared.of(b))


def _windows(values: np.ndarray) -> np.ndarray:
    """Mean of each window that lies within the map."""
    half = WINDOW // 2
    return np.asarray(uniform_filter(values, WINDOW))[half:-half, half:-half]


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


def _hog(values: np.ndarray) -> np.ndarray | None:
    """Histograms of oriented gradients: 9 directions, an eighth of the shorter side a cell, blocks of 3 x 3 cells.

    Of each pixel the length of its slope counts for the direction that it has; a block is divided by its length, cut
    off at 0.2, and divided again.
    """
    cell = max(2, min(values.shape) // 8)
    rows, columns = (side // cell for side in values.shape)
    if min(rows, columns) < 3:
        return None
    down, right = np.zeros(values.shape), np.zeros(values.shape)
    down[1:-1], right[:, 1:-1] = values[2:] - values[:-2], values[:, 2:] - values[:, :-2]
    whole = np.s_[: rows * cell, : columns * cell]
    angles = np.arctan2(down, right)[whole]
    direction = ((angles + np.pi * (angles < 0)) * (DIRECTIONS / np.pi)).astype(int) % DIRECTIONS
    place = (np.arange(rows * cell) // cell * columns)[:, None] + np.arange(columns * cell) // cell
    lengths = np.sqrt(down**2 + right**2)[whole]
    bins = (place * DIRECTIONS + direction).ravel()
    cells = np.bincount(bins, lengths.ravel(), rows * columns * DIRECTIONS).reshape(rows, columns, DIRECTIONS) / cell**2
    blocks = np.lib.stride_tricks.sliding_window_view(cells, (3, 3), axis=(0, 1)).reshape(-1, 9 * DIRECTIONS)
    return centred(_of_length_1(np.minimum(_of_length_1(blocks), 0.2)))


def _of_length_1(blocks: np.ndarray) -> np.ndarray:
    return np.asarray(blocks / np.sqrt((blocks**2).sum(axis=1, keepdims=True) + 1e-10))
