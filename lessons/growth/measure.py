"""How far a network in training is from what it becomes: distances by direction alone, and who is halfway first."""

from __future__ import annotations

import csv
import itertools
import math
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from deconvviz.models import caltech

#: Layers whose kernels and maps are followed, lowest first.
CONVS = tuple(f"conv{i}" for i in range(1, len(caltech.CHAIN) + 1))
RELUS = tuple(f"relu{i}" for i in range(1, len(caltech.CHAIN) + 1))
#: Epochs after which the network was kept.
EPOCHS = tuple(one.epoch for one in caltech.snapshots())
CURVE = caltech.WEIGHTS.with_name("caltech_curve.csv")


def distance(inner: float, norm: float, end_norm: float) -> float:
    """``1 - <a, b> / (|a| |b|)``: 0 in the same direction, 1 across, 2 opposite; 1 if one of them is zero.

    >>> distance(24.0, 5.0, 5.0), distance(0.0, 0.0, 5.0)
    (0.040000000000000036, 1.0)
    """
    return max(0.0, 1 - inner / (norm * end_norm)) if norm and end_norm else 1.0


def apart(a: np.ndarray, b: np.ndarray) -> float:
    """`distance` of two arrays of one shape."""
    a, b = (np.asarray(values, np.float64).ravel() for values in (a, b))
    return distance(float(a @ b), float(np.linalg.norm(a)), float(np.linalg.norm(b)))


def halfway(epochs: Sequence[int], distances: Sequence[float]) -> float:
    """The epoch from which on a distance stays at most half of its first value; between two epochs by the logarithm.

    Formula: with k the last above the half h, ``e = e_k (e_{k+1} / e_k)^((d_k - h) / (d_k - d_{k+1}))``.

    >>> halfway((1, 2, 8), (1.0, 0.75, 0.25)), halfway((1, 2, 8), (0.0, 0.0, 0.0)), halfway((1, 2), (1.0, 0.9))
    (4.0, 1.0, inf)
    """
    half = distances[0] / 2
    above = [k for k, value in enumerate(distances) if value > half]
    if not above:
        return float(epochs[0])
    k = above[-1]
    if k + 1 == len(epochs):
        return math.inf
    share = (distances[k] - half) / (distances[k] - distances[k + 1])
    return round(float(epochs[k] * (epochs[k + 1] / epochs[k]) ** share), 9)


def in_order(values: Sequence[float]) -> tuple[int, int]:
    """(how many pairs have the smaller value first, how many pairs there are).

    >>> in_order((3, 5, 4))
    (2, 3)
    """
    pairs = list(itertools.combinations(values, 2))
    return sum(first < second for first, second in pairs), len(pairs)


@cache
def kernels() -> dict[str, tuple[float, ...]]:
    """Layer -> mean distance of its filters from the last snapshot's, one number a snapshot."""
    snapshots = [caltech.load_snapshot(i) for i in range(len(EPOCHS))]
    end = snapshots[-1]
    return {name: tuple(_filters(one[f"{name}.kernel"], end[f"{name}.kernel"]) for one in snapshots) for name in CONVS}


def _filters(kernel: Any, end: Any) -> float:
    a, b = (np.asarray(values, np.float64).reshape(-1, values.shape[-1]) for values in (kernel, end))
    return float(np.mean([apart(a[:, i], b[:, i]) for i in range(a.shape[1])]))


@cache
def accuracy() -> Mapping[int, float]:
    """Epoch -> share of the validation photographs that were named rightly, where it was measured."""
    with CURVE.open(newline="") as file:
        return {int(row["epoch"]): float(row["val_top1"]) for row in csv.DictReader(file) if row["val_top1"]}
