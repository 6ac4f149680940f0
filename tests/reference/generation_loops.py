"""Slow twins of the formulas of generation: divergence, likelihood, Frechet distance, blends."""

from __future__ import annotations

import math

import numpy as np


def kl(mean: np.ndarray, log_variance: np.ndarray) -> list[float]:
    """KL divergence of each row's normal density from the standard one, number by number."""
    found = []
    for means, logs in zip(mean, log_variance, strict=True):
        total = 0.0
        for m, log in zip(means, logs, strict=True):
            total += 0.5 * (float(m) ** 2 + math.exp(float(log)) - 1.0 - float(log))
        found.append(total)
    return found


def kl_by_integral(mean: float, log_variance: float, cells: int = 20001) -> float:
    """The same of one number as the integral that it is: of q (log q - log p) over 12 deviations either way."""
    spread = math.exp(0.5 * log_variance)
    z = np.linspace(mean - 12 * spread, mean + 12 * spread, cells)
    log_q = -0.5 * ((z - mean) / spread) ** 2 - math.log(spread * math.sqrt(2 * math.pi))
    log_p = -0.5 * z**2 - math.log(math.sqrt(2 * math.pi))
    values = np.exp(log_q) * (log_q - log_p)
    return float(((values[1:] + values[:-1]) / 2 * np.diff(z)).sum())


def log_likelihood(found: np.ndarray, wanted: np.ndarray, noise: float) -> list[float]:
    """Logarithm of a product of normal densities, one a pixel value."""
    answers = []
    for mine, theirs in zip(found, wanted, strict=True):
        total = 0.0
        for a, b in zip(mine.ravel(), theirs.ravel(), strict=True):
            density = math.exp(-((float(a) - float(b)) ** 2) / (2 * noise**2)) / (noise * math.sqrt(2 * math.pi))
            total += math.log(density)
        answers.append(total)
    return answers


def covariance(cloud: np.ndarray) -> np.ndarray:
    """Unbiased covariance, pair by pair."""
    count, depth = cloud.shape
    means = [sum(float(row[i]) for row in cloud) / count for i in range(depth)]
    found = np.zeros((depth, depth))
    for i in range(depth):
        for j in range(depth):
            found[i, j] = sum((row[i] - means[i]) * (row[j] - means[j]) for row in cloud) / (count - 1)
    return found


def frechet_distance(first: np.ndarray, second: np.ndarray) -> float:
    """The distance with the root of A B from the eigenvalues of A B itself, which is not symmetric."""
    a, b = covariance(first), covariance(second)
    apart = sum((first[:, i].mean() - second[:, i].mean()) ** 2 for i in range(first.shape[1]))
    roots = np.sqrt(np.maximum(np.linalg.eigvals(a @ b).real, 0))
    return float(apart + np.trace(a) + np.trace(b) - 2 * roots.sum())


def nearest(picture: np.ndarray, photographs: np.ndarray) -> tuple[int, float]:
    """The first photograph that is nearest to a picture, it or its mirror image, and the distance, pixel by pixel."""
    best = (-1, math.inf)
    for row, photograph in enumerate(photographs):
        for other in (photograph, photograph[:, ::-1]):
            squares = [(float(a) - float(b)) ** 2 for a, b in zip(picture.ravel(), other.ravel(), strict=True)]
            far = math.sqrt(sum(squares) / len(squares))
            best = (row, far) if far < best[1] else best
    return best


def blend(first: np.ndarray, second: np.ndarray, count: int) -> np.ndarray:
    """Codes on a line, number by number."""
    found = np.zeros((count, len(first)))
    for step in range(count):
        for i in range(len(first)):
            found[step, i] = first[i] + (second[i] - first[i]) * step / (count - 1)
    return found


def sharpness(found: np.ndarray, wanted: np.ndarray) -> float:
    """Steps between neighbours of one picture, over those of another, (H, W)."""

    def steps(x: np.ndarray) -> float:
        total = 0.0
        for row in range(x.shape[0]):
            for column in range(x.shape[1]):
                total += abs(x[row, column] - x[row - 1, column]) if row else 0.0
                total += abs(x[row, column] - x[row, column - 1]) if column else 0.0
        return total

    return steps(found) / steps(wanted)
