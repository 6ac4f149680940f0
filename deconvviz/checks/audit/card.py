"""The card of a method: what it assumes, what it cannot show, and how it fared in the audit of the shipped network."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deconvviz.checks.audit.intervals import Interval
from deconvviz.checks.audit.sentences import of_method
from deconvviz.checks.audit.words import say
from deconvviz.methods.attribution import method

#: The audit of the shipped network, written by scripts/ship_audit.py.
MEASURED = Path(__file__).with_name("shipped.json")


@dataclass(frozen=True)
class Card:
    """What a person should know before believing a map.

    Attributes:
      method: its name.
      assumes: what it takes for granted.
      limits: what it cannot show.
      measured: what the controls said of it, one sentence each.
      where: on which network and pictures, and by which command.
    """

    method: str
    assumes: str
    limits: str
    measured: tuple[str, ...]
    where: str


def card(name: str, language: str = "en") -> Card:
    """The card of a method.

    Args:
      name: of a method.
      language: "en" or "zh".

    Raises:
      DeconvvizError: no such method.

    >>> card("deconvnet").measured[1][:67]
    'DeconvNet: with the top layer shuffled the map is 0.74 [0.73, 0.75]'
    """
    record, known = measured(), method(name)
    intervals = table().get(name, {})
    where = say(
        "Measured on the network {network} and {pictures} photographs: {command}", language,
        **{key: record[key] for key in ("network", "pictures", "command")},
    )  # fmt: skip
    findings = of_method(name, intervals, language)
    return Card(name, say(known.assumes, language), say(known.limits, language), findings, where if findings else "")


@functools.cache
def measured() -> dict[str, Any]:
    """The audit of the shipped network: its digest, the command, and method -> control -> numbers of an `Interval`."""
    record: dict[str, Any] = json.loads(MEASURED.read_text("utf-8"))
    return record


def table() -> dict[str, dict[str, Interval]]:
    """Method -> control -> interval of the audit of the shipped network."""
    return {
        name: {control: _interval(*numbers) for control, numbers in row.items()}
        for name, row in measured()["table"].items()
    }


def _interval(*numbers: float | None) -> Interval:
    mean, low, high, error = (float("nan") if number is None else number for number in numbers[:4])
    return Interval(mean, low, high, error, int(numbers[4] or 0))
