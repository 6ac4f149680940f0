"""What a map should hardly notice (a small shift, faint noise), and how well it predicts a fall of the unit."""

from __future__ import annotations

import numpy as np

from deconvviz.types import Array

#: Pixels of the shift; noise as a share of the picture's range; squares that are covered for the infidelity.
SHIFT, NOISE, SQUARES = 2, 0.02, 24


def shifted(x: Array, by: int = SHIFT) -> np.ndarray:
    """A model input moved down and to the right; the border repeats its first row and column.

    >>> shifted(np.arange(4.0).reshape(1, 2, 2, 1), 1)[0, :, :, 0].tolist()
    [[0.0, 0.0], [0.0, 0.0]]
    """
    values = np.asarray(x)
    return np.pad(values, ((0, 0), (by, 0), (by, 0), (0, 0)), mode="edge")[:, : values.shape[1], : values.shape[2]]


def without_border(before: Array, after: Array, by: int = SHIFT) -> tuple[np.ndarray, np.ndarray]:
    """The part of a map that both pictures show: of the first one, and of the shifted one moved back."""
    return np.asarray(before)[:-by, :-by], np.asarray(after)[by:, by:]


def noisy(x: Array, seed: int, share: float = NOISE) -> np.ndarray:
    """A model input with normal noise of a share of its range."""
    values = np.asarray(x, np.float64)
    return values + share * float(values.max() - values.min()) * np.random.default_rng(seed).standard_normal(
        values.shape
    )


def squares(size: tuple[int, int], seed: int, count: int = SQUARES) -> np.ndarray:
    """(count, H, W) bool: squares of a tenth to a half of the shorter side, anywhere inside."""
    random, short = np.random.default_rng(seed), min(size)
    masks = np.zeros((count, *size), bool)
    for mask in masks:
        side = int(random.integers(max(1, short // 10), max(2, short // 2 + 1)))
        top, left = (int(random.integers(0, n - side + 1)) for n in size)
        mask[top : top + side, left : left + side] = True
    return masks


def infidelity(shares: Array, covered: Array, falls: Array) -> float:
    """How far the falls that a map foretells are from those that happen, over the falls' own mean square.

    Formula: ``mean_k (sum_{p in S_k} s_p - (f(x) - f(x without S_k)))^2 / mean_k (f(x) - f(x without S_k))^2``;
    0 for a map that foretells all, 1 for one that is 0 everywhere; NaN where nothing falls.

    Args:
      shares: (H, W), what each pixel is said to bring: of a gradient, its product with ``x - baseline``.
      covered: (count, H, W) bool.
      falls: (count,) f(x) - f(x with the square covered by the baseline).

    Source: yeh2019infidelity
    """
    predicted = (np.asarray(covered) * np.asarray(shares, np.float64)).sum(axis=(1, 2))
    falls = np.asarray(falls, np.float64)
    scale = float((falls**2).mean())
    return float(((predicted - falls) ** 2).mean()) / scale if scale else float("nan")
