"""A mean over pictures with its 95 % interval."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

#: Resamples of the bootstrap.
RESAMPLES = 1000


@dataclass(frozen=True)
class Interval:
    """A mean, its 95 % bootstrap interval over pictures, its standard error, and how many numbers it is of."""

    mean: float
    low: float
    high: float
    error: float
    count: int

    def __str__(self) -> str:
        if not self.count:
            return "-"
        mean, low, high = (f"{number:z.2f}" for number in (self.mean, self.low, self.high))
        return mean if self.count == 1 else f"{mean} [{low}, {high}]"


def interval(values: Iterable[float], seed: int = 0) -> Interval:
    """The mean of the finite values; low and high are NaN for one alone, all is NaN for none.

    Formula: the 2.5th and 97.5th percentile of the means of 1000 samples drawn with replacement.

    Source: efron1979bootstrap

    >>> str(interval([0.5, 0.5, 0.5])), str(interval([0.25]))
    ('0.50 [0.50, 0.50]', '0.25')
    """
    known = np.array([value for value in values if np.isfinite(value)], np.float64)
    nothing = float("nan")
    if not known.size:
        return Interval(nothing, nothing, nothing, nothing, 0)
    if known.size == 1:
        return Interval(float(known[0]), nothing, nothing, nothing, 1)
    drawn = np.random.default_rng(seed).integers(0, known.size, (RESAMPLES, known.size))
    low, high = np.quantile(known[drawn].mean(axis=1), (0.025, 0.975))
    error = float(known.std(ddof=1) / np.sqrt(known.size))
    return Interval(float(known.mean()), float(low), float(high), error, int(known.size))
