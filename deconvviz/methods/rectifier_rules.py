"""Gradient, DeconvNet, guided backprop, linear: what `deconvviz.ops.rectify` does at every rectifier, as methods."""

from __future__ import annotations

from functools import partial

from deconvviz.catalog import Method
from deconvviz.errors import check_choice
from deconvviz.methods._drawn import Drawn
from deconvviz.network.score import Score
from deconvviz.ops.rectify import RECTIFIER_RULES
from deconvviz.types import Array, Start


def draw(score: Score, x: Array, *, seed: int = 0, start: Start = "activation", rule: str = "gradient") -> Drawn:
    """The signal that a rule brings down: the map of `deconvviz.reconstruct`, without its second computation."""
    check_choice("start", start, ("activation", "one"))
    values, maps = score.signals(x, rule, start)
    return Drawn(maps[0], float(values[0]))


METHOD = tuple(
    Method(
        name=rule.name, title=rule.title, formula=rule.formula, sources=rule.sources, order=order, limits=rule.limits,
        assumes=rule.assumes, draw=partial(draw, rule=rule.name),
    )
    for order, rule in enumerate(RECTIFIER_RULES)
)  # fmt: skip
