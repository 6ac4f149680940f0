"""Gradient, DeconvNet, guided backprop, linear: what `deconvviz.ops.rectify` does at every rectifier, as methods."""

from deconvviz.catalog import Method
from deconvviz.ops.rectify import RECTIFIER_RULES

METHOD = tuple(
    Method(rule.name, rule.title, rule.formula, rule.sources, order, rule.limits)
    for order, rule in enumerate(RECTIFIER_RULES)
)
