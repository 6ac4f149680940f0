"""How alike two maps are: ranks with and without sign, structure, and histograms of oriented gradients."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from deconvviz.checks.randomization import ranks, strength
from deconvviz.types import Array

#: Side of the window of SSIM, in pixels.
WINDOW = 7
#: A map is divided by this quantile of its strengths before structure is compared: one pixel must not set the scale.
QUANTILE = 0.99
#: Directions of the histograms, over half a turn.
DIRECTIONS = 9
_UNBIASED = WINDOW**2 / (WINDOW**2 - 1)
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
      windows: mean and variance of that in every window of SSIM; None where the map is too small.
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
        return cls(
            centred(ranks(pixels(signal))), centred(ranks(strong)), image, _mean_and_variance(image), _hog(image)
        )

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
            "ssim": _ssim(self, other),
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


def _windows(values: np.ndarray) -> np.ndarray:
    """The mean of every window that lies inside, from running sums."""
    for axis in (0, 1):
        sums = np.cumsum(values, axis=axis)
        first, rest = np.split(sums, [WINDOW], axis=axis)
        values = np.concatenate([first.take([-1], axis), rest - sums.take(range(rest.shape[axis]), axis)], axis)
    return values / WINDOW**2


def _mean_and_variance(values: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    if min(values.shape) < WINDOW:
        return None
    mean = _windows(values)
    return mean, _UNBIASED * (_windows(values * values) - mean * mean)


def _ssim(a: Compared, b: Compared) -> float:
    """Mean structural similarity over windows of 7 x 7 pixels, of maps in 0..1; 0 where one map is constant."""
    if a.windows is None or b.windows is None:
        return float("nan")
    if np.ptp(a.scaled) == 0 or np.ptp(b.scaled) == 0:
        return 0.0
    (mean_a, var_a), (mean_b, var_b) = a.windows, b.windows
    means = mean_a * mean_b
    both = _UNBIASED * (_windows(a.scaled * b.scaled) - means)
    light, structure = 0.01**2, 0.03**2
    over = (2 * means + light) * (2 * both + structure)
    return float((over / ((mean_a**2 + mean_b**2 + light) * (var_a + var_b + structure))).mean())


def _hog(values: np.ndarray) -> np.ndarray | None:
    """Histograms of oriented gradients: 9 directions, an eighth of the shorter side a cell, blocks of 3 x 3 cells.

    A block is brought to length 1, cut off at 0.2, and brought to length 1 again.
    """
    cell = max(2, min(values.shape) // 8)
    if min(values.shape) < 3 * cell:
        return None
    rows, columns = (n // cell for n in values.shape)
    down, right = np.zeros_like(values), np.zeros_like(values)
    down[1:-1], right[:, 1:-1] = values[2:] - values[:-2], values[:, 2:] - values[:, :-2]
    down, right = (part[: rows * cell, : columns * cell] for part in (down, right))
    angle = np.degrees(np.arctan2(down, right)) % 180
    direction = np.minimum(angle * (DIRECTIONS / 180), DIRECTIONS - 1).astype(int)
    of_row, of_column = (np.arange(n * cell) // cell for n in (rows, columns))
    place = (of_row[:, None] * columns + of_column) * DIRECTIONS + direction
    length = np.sqrt(down * down + right * right) / cell**2
    cells = np.bincount(place.ravel(), length.ravel(), rows * columns * DIRECTIONS).reshape(rows, columns, -1)
    blocks = np.lib.stride_tricks.sliding_window_view(cells, (3, 3), axis=(0, 1)).reshape(rows - 2, columns - 2, -1)
    return centred(_unit(np.minimum(_unit(blocks), 0.2)))


def _unit(blocks: np.ndarray) -> np.ndarray:
    """Each block brought to length 1, one of zeros left."""
    return np.asarray(blocks / np.sqrt((blocks * blocks).sum(axis=-1, keepdims=True) + 1e-10))
