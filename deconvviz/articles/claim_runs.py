"""What a claim is, its runs, and where numbers come from that nobody measures on the spot."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy

from deconvviz.articles.claim_measures import Subject
from deconvviz.articles.formulas import Says

Kind = Literal["holds", "fails", "only if", "not shown", "one run", "unmeasured", "not measurable"]
#: Runs from which on a rule may give a verdict, where runs differ.
ENOUGH = 5
#: Seeds of what is measured on the spot.
SEEDS = tuple(range(ENOUGH))
#: Share of such intervals that hold the mean, if runs are normally distributed.
CONFIDENCE = 0.95
#: What is exact up to the rounding of float32.
EXACT = 1e-5


@dataclass(frozen=True)
class Runs:
    """The numbers of a claim over several seeds."""

    values: Mapping[str, tuple[float, ...]]

    @property
    def count(self) -> int:
        """How many runs there are."""
        return len(next(iter(self.values.values()), ()))

    def low(self, name: str) -> float:
        """The smallest over the seeds."""
        return min(self.values[name])

    def high(self, name: str) -> float:
        """The largest over the seeds."""
        return max(self.values[name])

    def mean(self, name: str) -> float:
        """The mean over the seeds; infinite if one is."""
        return float(np.mean(self.values[name]))

    def interval(self, name: str) -> tuple[float, float]:
        """The t interval of the mean at `CONFIDENCE`: mean plus and minus t s / sqrt(n); without end for one run.

        >>> [round(end, 3) for end in Runs({"a": (1.0, 2.0, 3.0)}).interval("a")]
        [-0.484, 4.484]
        """
        numbers = self.values[name]
        if len(set(numbers)) == 1 and len(numbers) > 1:
            return numbers[0], numbers[0]
        if len(numbers) == 1 or not np.isfinite(numbers).all():
            return -math.inf, math.inf
        half = (
            scipy.special.stdtrit(len(numbers) - 1, (1 + CONFIDENCE) / 2)
            * np.std(numbers, ddof=1)
            / math.sqrt(len(numbers))
        )
        return self.mean(name) - float(half), self.mean(name) + float(half)

    def always(self, name: str, *, below: float = math.inf, above: float = -math.inf) -> bool:
        """Whether a number lay between the bounds for every seed."""
        return above < self.low(name) and self.high(name) < below


@dataclass(frozen=True)
class Stored:
    """Figures that come with the package.

    Attributes:
      command: the command line that made them.
      date: when they were stored, YYYY-MM-DD.
      runs: how many runs there are, each from a seed of its own.
      of: what a run is: "runs" of training, or "photographs".
    """

    command: str
    date: str
    runs: int
    of: str = "runs"


@dataclass(frozen=True, eq=False)
class Claim:
    """One claim.

    Attributes:
      id: "C1".
      articles: where it is made.
      says: the sentence.
      formulas: ids of the formulas that it rests on.
      lesson: slug of the lesson about it; "" where there is none yet.
      measure: (seed, subject) -> numbers by name.
      rule: numbers of all seeds -> verdict.
      subject: whether a trained network is needed.
      data: what it is measured on.
      sources: keys of docs/references.bib.
      stored: where the numbers come from if `measure` only reads them; None if it measures.
      counted: whether the numbers are counts that no run can change, so that one is enough.
      why: why nothing can be measured; "" where something is.
    """

    id: str
    articles: tuple[str, ...]
    says: Says
    formulas: tuple[str, ...]
    lesson: str
    measure: Callable[[int, Subject | None], dict[str, float]]
    rule: Callable[[Runs], Kind]
    subject: bool
    data: str
    sources: tuple[str, ...]
    stored: Callable[[], Stored] | None = None
    counted: bool = False
    why: str = ""


@dataclass(frozen=True)
class Judgement:
    """A verdict and the numbers it rests on.

    Attributes:
      kind: "holds", "fails", "only if" (in the case that the numbers show), "not shown" (too few runs, or runs that
        disagree), "one run" (of something that differs from run to run), "unmeasured" without a subject, or "not
        measurable" because the sentence names nothing that could be.
      runs: the numbers.
    """

    kind: Kind
    runs: Runs
