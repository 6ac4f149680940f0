"""Segmentation pixel by pixel: confusion, its shares, boundaries, class weights, shares of a cell, bilinear steps."""

from __future__ import annotations

import math

import numpy as np


def confusion(said: np.ndarray, true: np.ndarray, classes: int) -> np.ndarray:
    """Counts, row the true class, column the said one; true labels from `classes` on count for nothing."""
    table = np.zeros((classes, classes), np.int64)
    for r in range(true.shape[0]):
        for c in range(true.shape[1]):
            if true[r, c] < classes:
                table[true[r, c], said[r, c]] += 1
    return table


def shares(said: list[np.ndarray], true: list[np.ndarray], classes: int) -> dict[str, float]:
    """Global accuracy, class average and mean intersection over union, each class as two sets of pixels."""
    right = known = 0
    recalls, ious = [], []
    for k in range(classes):
        both = either = mine = 0
        for a, b in zip(said, true, strict=True):
            for r in range(b.shape[0]):
                for c in range(b.shape[1]):
                    if b[r, c] >= classes:
                        continue
                    known += 1
                    both += int(a[r, c] == k and b[r, c] == k)
                    either += int(a[r, c] == k or b[r, c] == k)
                    mine += int(b[r, c] == k)
        right += both
        if mine:
            recalls.append(both / mine)
            ious.append(both / either)
    return {
        "global": right / (known / classes),
        "class_average": sum(recalls) / len(recalls),
        "mean_iou": sum(ious) / len(ious),
    }


def edge(labels: np.ndarray, known: np.ndarray, k: int) -> list[tuple[int, int]]:
    """Known pixels of a class that touch a known pixel of another one."""
    height, width = labels.shape
    found = []
    for r in range(height):
        for c in range(width):
            around = [(r - 1, c), (r + 1, c), (r, c - 1), (r, c + 1)]
            others = [(i, j) for i, j in around if 0 <= i < height and 0 <= j < width and known[i, j]]
            if known[r, c] and labels[r, c] == k and any(labels[p] != k for p in others):
                found.append((r, c))
    return found


def boundary_f1(said: np.ndarray, true: np.ndarray, classes: int, share: float) -> float:
    """Mean over the true classes of F1, every boundary pixel looking for the nearest of the other labelling."""
    reach = share * math.sqrt(true.shape[0] ** 2 + true.shape[1] ** 2)
    known = true < classes
    scores = []
    for k in range(classes):
        if not (true == k).any():
            continue
        real, told = edge(true, known, k), edge(said, known, k)
        if not real or not told:
            scores.append(1.0 if not real and not told else 0.0)
            continue
        precision = sum(_near(p, real, reach) for p in told) / len(told)
        recall = sum(_near(p, told, reach) for p in real) / len(real)
        scores.append(2 * precision * recall / (precision + recall) if precision + recall else 0.0)
    return sum(scores) / len(scores)


def _near(pixel: tuple[int, int], others: list[tuple[int, int]], reach: float) -> bool:
    return any(math.hypot(pixel[0] - r, pixel[1] - c) <= reach for r, c in others)


def median_weights(labels: list[np.ndarray], classes: int) -> list[float]:
    """Median-frequency balancing: the median of the frequencies over a class's own; 1 where a class is nowhere."""
    frequencies: list[float | None] = []
    for k in range(classes):
        mine = whole = 0
        for one in labels:
            count = sum(1 for value in one.ravel() if value == k)
            mine += count
            whole += sum(1 for value in one.ravel() if value < classes) if count else 0
        frequencies.append(mine / whole if whole else None)
    there = sorted(f for f in frequencies if f is not None)
    half = len(there) // 2
    median = there[half] if len(there) % 2 else (there[half - 1] + there[half]) / 2
    return [1.0 if f is None else median / f for f in frequencies]


def cross_entropy(scores: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> float:
    """Weighted mean over all pixels that are no void; a pixel reads the scores of the cell that it lies in."""
    side = labels.shape[1] // scores.shape[1]
    above = below = 0.0
    for n in range(labels.shape[0]):
        for r in range(labels.shape[1]):
            for c in range(labels.shape[2]):
                k = labels[n, r, c]
                if k < len(weights):
                    cell = scores[n, r // side, c // side].astype(np.float64)
                    above += weights[k] * (math.log(sum(math.exp(v) for v in cell)) - cell[k])
                    below += weights[k]
    return above / below


def bilinear(x: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """(h, w, C) to (H, W, C): each pixel reads the four cells around its middle, the border kept beyond them."""
    found = np.zeros((*size, x.shape[2]))
    for r in range(size[0]):
        for c in range(size[1]):
            at = [(p + 0.5) * n / m - 0.5 for p, n, m in ((r, x.shape[0], size[0]), (c, x.shape[1], size[1]))]
            at = [min(max(a, 0.0), n - 1.0) for a, n in zip(at, x.shape[:2], strict=True)]
            top, left = (math.floor(a) for a in at)
            bottom, right = min(top + 1, x.shape[0] - 1), min(left + 1, x.shape[1] - 1)
            down, across = at[0] - top, at[1] - left
            upper = (1 - across) * x[top, left] + across * x[top, right]
            lower = (1 - across) * x[bottom, left] + across * x[bottom, right]
            found[r, c] = (1 - down) * upper + down * lower
    return found
