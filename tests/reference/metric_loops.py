"""Picture metrics from their definitions, pixel by pixel; pictures (H, W, 3) in 0..1."""

from __future__ import annotations

import math

import numpy as np


def normalized_error(found: np.ndarray, wanted: np.ndarray) -> float:
    """Sum of squared differences over the sum of squares of the picture wanted."""
    above, below = 0.0, 0.0
    for place in np.ndindex(*wanted.shape):
        above += (float(found[place]) - float(wanted[place])) ** 2
        below += float(wanted[place]) ** 2
    return above / below


def psnr(found: np.ndarray, wanted: np.ndarray) -> float:
    """Ten times the decimal logarithm of one over the mean squared difference."""
    total = sum((float(found[place]) - float(wanted[place])) ** 2 for place in np.ndindex(*wanted.shape))
    return 10 * math.log10(wanted.size / total)


def ssim(found: np.ndarray, wanted: np.ndarray) -> float:
    """Wang et al. 2004, equation 13, in 11 x 11 Gaussian windows that lie wholly on the picture; colours averaged."""
    offsets = range(-5, 6)
    weights = {(i, j): math.exp(-(i * i + j * j) / (2 * 1.5**2)) for i in offsets for j in offsets}
    total = sum(weights.values())
    values = []
    for k in range(wanted.shape[2]):
        for r in range(5, wanted.shape[0] - 5):
            for c in range(5, wanted.shape[1] - 5):
                cells = [(w / total, float(found[r + i, c + j, k]), float(wanted[r + i, c + j, k]))
                         for (i, j), w in weights.items()]  # fmt: skip
                values.append(_similarity(cells))
    return sum(values) / len(values)


def _similarity(cells: list[tuple[float, float, float]]) -> float:
    one, two = 0.01**2, 0.03**2
    a, b = (sum(cell[0] * cell[n] for cell in cells) for n in (1, 2))
    var_a, var_b = (sum(cell[0] * (cell[n] - mean) ** 2 for cell in cells) for n, mean in ((1, a), (2, b)))
    both = sum(w * (x - a) * (y - b) for w, x, y in cells)
    return (2 * a * b + one) * (2 * both + two) / ((a * a + b * b + one) * (var_a + var_b + two))
