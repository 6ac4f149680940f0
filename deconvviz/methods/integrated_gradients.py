"""Integrated gradients: the gradient averaged along a straight line, times the difference of its ends."""

from __future__ import annotations

from typing import Any

import numpy as np

from deconvviz.catalog import Method
from deconvviz.methods._drawn import Drawn
from deconvviz.methods._settings import check_whole
from deconvviz.methods.baselines import baseline as baseline_of
from deconvviz.network.score import Score
from deconvviz.types import Array, Size

#: A share of f(x) - f(baseline) that the sum may miss before it is said.
TOLERANCE = 0.05


def draw(score: Score, x: Array, *, seed: int = 0, baseline: Any = "black", steps: int = 32) -> Drawn:
    """The path integral by the midpoint rule.

    Formula: ``(x - b) mean_k df/dx(b + (k + 1/2) / steps (x - b))``, k from 0 to steps - 1. Its sum tends to
    ``f(x) - f(b)`` (completeness); the share that it misses is in `Drawn.facts`.

    Args:
      baseline: see `deconvviz.methods.baselines.baseline`.
      steps: points on the line.

    Source: sundararajan2017axiomatic
    """
    check_whole(steps=(steps, 1))
    x = np.asarray(x, np.float64)
    start = baseline_of(x, score.network.input_spec, baseline)
    total = np.zeros(x.shape[1:])
    for k in range(0, steps, 8):
        places = (np.arange(k, min(k + 8, steps)) + 0.5) / steps
        total += score.signals(start + places[:, None, None, None] * (x - start))[1].sum(axis=0, dtype=np.float64)
    signal = (x - start)[0] * total / steps
    value, before = float(score.values(x)[0]), float(score.values(start)[0])
    missed = abs(signal.sum() - (value - before)) / max(abs(value - before), 1e-12)
    note = "" if missed <= TOLERANCE else (
        f"the sum of the map misses {missed:.0%} of f(x) - f(baseline) = {value - before:.4g} with {steps} steps: give "
        "more steps"
    )  # fmt: skip
    return Drawn(signal, value, {"completeness": float(missed), "baseline_value": before}, note)


def passes(size: Size, *, steps: int = 32, **options: Any) -> tuple[int, int]:
    """The two ends of the line, and its points."""
    return 2, steps


METHOD = Method(
    name="integrated_gradients",
    title="Integrated gradients",
    formula=r"(x - b) \odot \int_0^1 \frac{\partial f}{\partial x}\big(b + t (x - b)\big)\,dt",
    sources=("sundararajan2017axiomatic",),
    order=11,
    assumes="The baseline stands for nothing, and the straight line to the picture is the way to compare with it.",
    limits="Nothing where the picture equals the baseline: with black, no dark pixel can count, and pictures on the "
    "line are none that the network was trained on.",
    signed=True,
    draw=draw,
    passes=passes,
)
