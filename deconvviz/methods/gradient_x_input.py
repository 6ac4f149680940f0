"""Gradient times input: the first-order share of each number that the network is fed."""

from __future__ import annotations

import numpy as np

from deconvviz.catalog import Method
from deconvviz.methods._drawn import Drawn
from deconvviz.network.score import Score
from deconvviz.types import Array


def draw(score: Score, x: Array, *, seed: int = 0) -> Drawn:
    """``x * df/dx``, x the model input: what the network is fed, mean and scale applied.

    Formula: ``x df/dx``. For a network that is linear without biases it sums to f.

    Source: baehrens2010explain
    """
    values, slopes = score.signals(x)
    return Drawn(np.asarray(x, np.float64)[0] * slopes[0], float(values[0]))


METHOD = Method(
    name="gradient_x_input",
    title="Gradient x input",
    formula=r"x \odot \frac{\partial f}{\partial x}",
    sources=("baehrens2010explain",),
    order=10,
    assumes="The unit is linear down to where the network's input is 0, and 0 stands for nothing.",
    limits="Nothing where the input is 0: grey, once the mean is taken off, counts for nothing whatever it does.",
    signed=True,
    draw=draw,
)
