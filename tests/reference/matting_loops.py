"""Matting figures from their definitions, pixel by pixel, and closed-form matting by a dense solve."""

from __future__ import annotations

import math

import numpy as np


def sad(found: np.ndarray, truth: np.ndarray, unknown: np.ndarray) -> float:
    """Sum of absolute differences, in thousands."""
    return sum(abs(float(found[p]) - float(truth[p])) for p in np.ndindex(*truth.shape) if unknown[p]) / 1000


def mse(found: np.ndarray, truth: np.ndarray, unknown: np.ndarray) -> float:
    """Mean squared difference."""
    gaps = [(float(found[p]) - float(truth[p])) ** 2 for p in np.ndindex(*truth.shape) if unknown[p]]
    return sum(gaps) / len(gaps)


def grad(found: np.ndarray, truth: np.ndarray, unknown: np.ndarray) -> float:
    """Sum of squared differences of gradient magnitudes, in thousands."""
    pairs = ((_magnitude(found, p), _magnitude(truth, p)) for p in np.ndindex(*truth.shape) if unknown[p])
    return sum((a - b) ** 2 for a, b in pairs) / 1000


def _magnitude(alpha: np.ndarray, place: tuple[int, ...]) -> float:
    """Correlation with both derivatives of a 2-D Gaussian (1.4) of unit norm, edges repeated."""
    sigma, cut = 1.4, 0.01
    half = math.ceil(sigma * math.sqrt(-2 * math.log(math.sqrt(2 * math.pi) * sigma * cut)))

    def bell(t: int) -> float:
        return math.exp(-(t**2) / (2 * sigma**2)) / (sigma * math.sqrt(2 * math.pi))

    offsets = [(i, j) for i in range(-half, half + 1) for j in range(-half, half + 1)]
    norm = math.sqrt(sum((bell(i) * j * bell(j) / sigma**2) ** 2 for i, j in offsets))
    down = across = 0.0
    for i, j in offsets:
        r = min(max(place[0] + i, 0), alpha.shape[0] - 1)
        c = min(max(place[1] + j, 0), alpha.shape[1] - 1)
        across += bell(i) * j * bell(j) / sigma**2 / norm * float(alpha[r, c])
        down += bell(j) * i * bell(i) / sigma**2 / norm * float(alpha[r, c])
    return math.sqrt(across**2 + down**2)


def conn(found: np.ndarray, truth: np.ndarray, unknown: np.ndarray) -> float:
    """Sum of absolute differences of connectedness, in thousands."""
    rows, columns = truth.shape
    level: dict[tuple[int, int], float] = {}
    for step in range(1, 11):
        shared = {
            (r, c)
            for r in range(rows)
            for c in range(columns)
            if min(found[r, c], truth[r, c]) >= np.arange(0, 1.05, 0.1)[step]
        }
        inside = _largest_part(shared)
        for r in range(rows):
            for c in range(columns):
                if (r, c) not in level and (r, c) not in inside:
                    level[r, c] = (step - 1) / 10
    total = 0.0
    for place in np.ndindex(rows, columns):
        if unknown[place]:
            below = level.get(place, 1.0)
            rises = [float(alpha[place]) - below for alpha in (found, truth)]
            first, second = (1 - rise if rise >= 0.15 else 1.0 for rise in rises)
            total += abs(first - second)
    return total / 1000


def _largest_part(places: set[tuple[int, int]]) -> set[tuple[int, int]]:
    """The largest set of places that touch each other at their sides."""
    left, best = set(places), set()
    while left:
        part, border = set(), [min(left)]
        while border:
            r, c = border.pop()
            if (r, c) in left:
                left.remove((r, c))
                part.add((r, c))
                border += [(r + 1, c), (r - 1, c), (r, c + 1), (r, c - 1)]
        best = part if len(part) > len(best) else best
    return best


def closed_form(image: np.ndarray, trimap: np.ndarray, eps: float) -> np.ndarray:
    """Alpha by a dense solve: in each 3 x 3 window the best affine function of colour, ridge eps on its slope."""
    rows, columns = trimap.shape
    cost = np.zeros((rows * columns, rows * columns))
    for r in range(1, rows - 1):
        for c in range(1, columns - 1):
            places = [(r + i) * columns + c + j for i in (-1, 0, 1) for j in (-1, 0, 1)]
            colours = np.array([image[p // columns, p % columns] for p in places])
            design = np.vstack([np.hstack([colours, np.ones((9, 1))]), np.sqrt(eps) * np.eye(4)[:3]])
            keep = np.eye(12)[:, :9]
            residual = keep - design @ np.linalg.pinv(design) @ keep
            cost[np.ix_(places, places)] += residual.T @ residual
    known = (trimap.ravel() == 0) | (trimap.ravel() == 1)
    alpha = trimap.astype(float).ravel()
    inner = cost[np.ix_(~known, ~known)]
    alpha[~known] = np.linalg.solve(inner, -cost[np.ix_(~known, known)] @ alpha[known])
    return np.clip(alpha, 0, 1).reshape(rows, columns)
