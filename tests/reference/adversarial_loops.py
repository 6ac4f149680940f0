"""Attacks on a network of two dense layers, number by number: NumPy alone."""

from __future__ import annotations

import numpy as np


def forward(x: np.ndarray, first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rectified values and scores of a picture, flat."""
    hidden = np.zeros(first.shape[1])
    for j in range(first.shape[1]):
        total = 0.0
        for i in range(first.shape[0]):
            total += x[i] * first[i, j]
        hidden[j] = total if total > 0 else 0.0
    return hidden, np.array([sum(hidden[j] * second[j, k] for j in range(len(hidden))) for k in range(second.shape[1])])


def back(hidden: np.ndarray, above: np.ndarray, first: np.ndarray) -> np.ndarray:
    """The derivative by the picture, from that by the rectified values."""
    slope = np.zeros(first.shape[0])
    for i in range(first.shape[0]):
        for j in range(first.shape[1]):
            if hidden[j] > 0:
                slope[i] += first[i, j] * above[j]
    return slope


def into_reach(x: np.ndarray, at: np.ndarray, radius: float, low: float, high: float) -> np.ndarray:
    """The ball, then the range of pictures."""
    length = sum((b - a) ** 2 for a, b in zip(x, at, strict=True)) ** 0.5
    share = min(1.0, radius / length)
    return np.array([min(max(a + share * (b - a), low), high) for a, b in zip(x, at, strict=True)])


def step(at: np.ndarray, slope: np.ndarray, length: float) -> np.ndarray:
    """A step of a given length uphill."""
    size = sum(s * s for s in slope) ** 0.5
    return np.array([a + length * s / size for a, s in zip(at, slope, strict=True)])


def turned_class(
    x: np.ndarray, first: np.ndarray, second: np.ndarray, radius: float, steps: int, low: float, high: float
) -> np.ndarray:
    """The picture after all steps towards the class with the second largest score."""
    scores = forward(x, first, second)[1]
    leader, runner = np.argsort(-scores)[:2]
    at = x
    for _ in range(steps):
        hidden = forward(at, first, second)[0]
        slope = back(hidden, second[:, runner] - second[:, leader], first)
        at = into_reach(x, step(at, slope, 2.5 * radius / steps), radius, low, high)
    return at


def turned_map(
    x: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    radius: float,
    steps: int,
    low: float,
    high: float,
    away: np.ndarray,
) -> np.ndarray:
    """The picture whose rectified values are farthest from what they were, of those whose class leads by half."""
    before, scores = forward(x, first, second)
    leader = int(np.argmax(scores))
    rivals = [k for k in range(len(scores)) if k != leader]
    enough = 0.5 * min(scores[leader] - scores[k] for k in rivals)
    at, best, far = into_reach(x, x + away, radius / 10, low, high), x, -1.0
    for number in range(steps + 1):
        hidden, now = forward(at, first, second)
        rival = max(rivals, key=now.__getitem__)
        if now[leader] - now[rival] >= enough:
            distance = sum((a - b) ** 2 for a, b in zip(hidden, before, strict=True))
            if distance > far:
                best, far = at, distance
            slope = back(hidden, 2 * (hidden - before), first)
        else:
            slope = back(hidden, second[:, leader] - second[:, rival], first)
        if number < steps:
            at = into_reach(x, step(at, slope, 2.5 * radius / steps), radius, low, high)
    return best
