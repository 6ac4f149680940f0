"""Methods of attribution by loops, from their formulas, for any score given as a function. NumPy only.

``score(x) -> number`` and ``slope(x) -> (H, W, C)`` of one picture (H, W, C).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Score = Callable[[np.ndarray], float]
Slope = Callable[[np.ndarray], np.ndarray]


def gradient_x_input(slope: Slope, x: np.ndarray) -> np.ndarray:
    """Each number times the derivative by it."""
    found, slopes = np.zeros_like(x), slope(x)
    for place in np.ndindex(*x.shape):
        found[place] = x[place] * slopes[place]
    return found


def integrated_gradients(slope: Slope, x: np.ndarray, start: np.ndarray, steps: int) -> np.ndarray:
    """Midpoint rule on the line from start to x."""
    found = np.zeros_like(x)
    for k in range(steps):
        found += (x - start) * slope(start + (k + 0.5) / steps * (x - start)) / steps
    return found


def smoothgrad(slope: Slope, x: np.ndarray, samples: int, noise: float, seed: int) -> np.ndarray:
    """The mean over noisy copies."""
    found = np.zeros_like(x)
    for k in range(samples):
        drawn = np.random.default_rng([seed, k]).standard_normal(x.shape)
        found += slope(x + noise * (x.max() - x.min()) * drawn) / samples
    return found


def grad_cam(maps: np.ndarray, slopes: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Weighted maps (h, w, C), cut off at 0, each pixel between the four nearest centres of cells."""
    height, width, channels = maps.shape
    coarse = np.zeros((height, width))
    for c in range(channels):
        coarse += slopes[:, :, c].sum() / (height * width) * maps[:, :, c]
    coarse[coarse < 0] = 0
    found = np.zeros(size)
    for i, j in np.ndindex(*size):
        row = min(max((i + 0.5) * height / size[0] - 0.5, 0), height - 1)
        column = min(max((j + 0.5) * width / size[1] - 0.5, 0), width - 1)
        for p, q in np.ndindex(height, width):
            found[i, j] += max(0, 1 - abs(row - p)) * max(0, 1 - abs(column - q)) * coarse[p, q]
    return found


def occlusion(
    score: Score, x: np.ndarray, cover: np.ndarray, patch: tuple[int, int], stride: tuple[int, int]
) -> np.ndarray:
    """Cover a patch, measure the fall, write it on every pixel that was covered; then means."""
    height, width = x.shape[:2]
    falls: list[list[list[float]]] = [[[] for _ in range(width)] for _ in range(height)]
    top = 0
    while True:
        left = 0
        while True:
            covered = x.copy()
            inside = [
                (i, j)
                for i in range(top, min(top + patch[0], height))
                for j in range(left, min(left + patch[1], width))
            ]
            for i, j in inside:
                covered[i, j] = cover[i, j]
            fall = score(x) - score(covered)
            for i, j in inside:
                falls[i][j].append(fall)
            if left + patch[1] >= width:
                break
            left += stride[1]
        if top + patch[0] >= height:
            break
        top += stride[0]
    return np.array([[sum(some) / len(some) for some in row] for row in falls])
