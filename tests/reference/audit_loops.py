"""The controls of an audit by loops, from their formulas. NumPy only."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np


def ranks(values: np.ndarray) -> list[float]:
    """Rank of each value, from 1; equal values share the mean of theirs."""
    flat = [float(v) for v in values.ravel()]
    return [sum(w < v for w in flat) + (sum(w == v for w in flat) + 1) / 2 for v in flat]


def correlation(a: list[float], b: list[float]) -> float:
    """Pearson's."""
    mean_a, mean_b = sum(a) / len(a), sum(b) / len(b)
    over = sum((p - mean_a) * (q - mean_b) for p, q in zip(a, b, strict=True))
    return over / math.sqrt(sum((p - mean_a) ** 2 for p in a) * sum((q - mean_b) ** 2 for q in b))


def spearman(a: np.ndarray, b: np.ndarray) -> float:
    """Of the ranks."""
    return correlation(ranks(a), ranks(b))


def ssim(a: np.ndarray, b: np.ndarray, window: int = 7) -> float:
    """The mean over all windows that lie inside, of pictures in 0..1, unbiased variances."""
    found, n = [], window * window
    for i in range(a.shape[0] - window + 1):
        for j in range(a.shape[1] - window + 1):
            p, q = (x[i : i + window, j : j + window].ravel() for x in (a, b))
            mean_p, mean_q = sum(p) / n, sum(q) / n
            var_p = sum((v - mean_p) ** 2 for v in p) / (n - 1)
            var_q = sum((v - mean_q) ** 2 for v in q) / (n - 1)
            both = sum((v - mean_p) * (w - mean_q) for v, w in zip(p, q, strict=True)) / (n - 1)
            one, two = 0.01**2, 0.03**2
            found.append(
                (2 * mean_p * mean_q + one) * (2 * both + two)
                / ((mean_p**2 + mean_q**2 + one) * (var_p + var_q + two))
            )  # fmt: skip
    return sum(found) / len(found)


def hog(values: np.ndarray, cell: int) -> list[float]:
    """9 directions over half a turn a cell, blocks of 3 x 3 cells, each brought to length 1, cut at 0.2, and again."""
    height, width = values.shape
    rows, columns = height // cell, width // cell
    cells = np.zeros((rows, columns, 9))
    for i in range(rows * cell):
        for j in range(columns * cell):
            down = values[i + 1, j] - values[i - 1, j] if 0 < i < height - 1 else 0.0
            right = values[i, j + 1] - values[i, j - 1] if 0 < j < width - 1 else 0.0
            angle = math.degrees(math.atan2(down, right)) % 180
            cells[i // cell, j // cell, min(int(angle // 20), 8)] += math.hypot(down, right) / cell**2
    found: list[float] = []
    for i in range(rows - 2):
        for j in range(columns - 2):
            block = cells[i : i + 3, j : j + 3].ravel()
            block = block / math.sqrt(sum(block**2) + 1e-5**2)
            block = np.minimum(block, 0.2)
            found += (block / math.sqrt(sum(block**2) + 1e-5**2)).tolist()
    return found


def curve(
    score: Callable[[np.ndarray], float], x: np.ndarray, cover: np.ndarray, ranked: np.ndarray, insert: bool, steps: int
) -> list[float]:
    """Exchange the pixels of the largest values first; one score after each tenth or so. No two values are equal."""
    height, width = ranked.shape
    places = sorted(((i, j) for i in range(height) for j in range(width)), key=lambda p: -ranked[p])
    now, other = (cover.copy(), x) if insert else (x.copy(), cover)
    found, gone = [score(now)], 0
    for k in range(1, steps + 1):
        while gone < round(k * height * width / steps):
            now[places[gone]] = other[places[gone]]
            gone += 1
        found.append(score(now))
    return found


def area(values: list[float]) -> float:
    """Trapezoids of one width."""
    return sum((a + b) / 2 for a, b in itertools.pairwise(values)) / (len(values) - 1)


def infidelity(
    score: Callable[[np.ndarray], float], x: np.ndarray, cover: np.ndarray, shares: np.ndarray, squares: np.ndarray
) -> float:
    """Foretold and real falls, square by square."""
    wrong, scale = 0.0, 0.0
    for inside in squares:
        covered, foretold = x.copy(), 0.0
        for i in range(x.shape[0]):
            for j in range(x.shape[1]):
                if inside[i, j]:
                    covered[i, j] = cover[i, j]
                    foretold += shares[i, j]
        fall = score(x) - score(covered)
        wrong += (foretold - fall) ** 2
        scale += fall**2
    return wrong / scale


def grainy(x: np.ndarray, seed: int) -> np.ndarray:
    """Normal noise of a fiftieth of the range, number by number in the order of memory."""
    drawn, values = np.random.default_rng(seed), x.astype(np.float64).copy()
    for place in np.ndindex(x.shape):
        values[place] += 0.02 * (x.max() - x.min()) * drawn.standard_normal()
    return values


def covered(
    score: Callable[[np.ndarray], float], x: np.ndarray, cover: np.ndarray, patch: tuple[int, int]
) -> np.ndarray:
    """The fall under each patch, patches side by side."""
    falls = np.zeros(x.shape[:2])
    for top in range(0, x.shape[0], patch[0]):
        for left in range(0, x.shape[1], patch[1]):
            without = x.copy()
            inside = [
                (i, j)
                for i in range(top, min(top + patch[0], x.shape[0]))
                for j in range(left, min(left + patch[1], x.shape[1]))
            ]
            for place in inside:
                without[place] = cover[place]
            for place in inside:
                falls[place] = score(x) - score(without)
    return falls


def box_mean(values: np.ndarray, patch: tuple[int, int]) -> np.ndarray:
    """Mean of the window about each pixel; beyond the border the picture is mirrored."""
    height, width = values.shape
    means = np.zeros(values.shape)
    for i in range(height):
        for j in range(width):
            total = 0.0
            for a in range(i - patch[0] // 2, i - patch[0] // 2 + patch[0]):
                for b in range(j - patch[1] // 2, j - patch[1] // 2 + patch[1]):
                    row = -1 - a if a < 0 else 2 * height - 1 - a if a >= height else a
                    column = -1 - b if b < 0 else 2 * width - 1 - b if b >= width else b
                    total += values[row, column]
            means[i, j] = total / (patch[0] * patch[1])
    return means


def sobel(grey: np.ndarray) -> np.ndarray:
    """Magnitude; beyond the border the nearest pixel."""
    found = np.zeros(grey.shape)
    for i in range(grey.shape[0]):
        for j in range(grey.shape[1]):
            down = right = 0.0
            for p in (-1, 0, 1):
                for q in (-1, 0, 1):
                    row, column = min(max(i + p, 0), grey.shape[0] - 1), min(max(j + q, 0), grey.shape[1] - 1)
                    down += p * (2 - abs(q)) * grey[row, column]
                    right += q * (2 - abs(p)) * grey[row, column]
            found[i, j] = math.hypot(down, right)
    return found


def gradient_magnitude(x: np.ndarray) -> np.ndarray:
    """Differences to the next pixel, over all channels."""
    found = np.zeros(x.shape[:2])
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            for c in range(x.shape[2]):
                down = x[i + 1, j, c] - x[i, j, c] if i + 1 < x.shape[0] else 0.0
                right = x[i, j + 1, c] - x[i, j, c] if j + 1 < x.shape[1] else 0.0
                found[i, j] += down**2 + right**2
    return np.sqrt(found)
