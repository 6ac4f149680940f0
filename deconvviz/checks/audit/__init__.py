"""Can a map be trusted: controls of every method on every picture, with intervals, and the report of them."""

from deconvviz.checks.audit.card import Card, card
from deconvviz.checks.audit.randomize import Randomization
from deconvviz.checks.audit.run import Audit, Forecast, audit, forecast

__all__ = ["Audit", "Card", "Forecast", "Randomization", "audit", "card", "forecast"]
