"""Tables of numbers in motion: what makes a number lights up with its sum, and a player goes from number to number.

The browser does it all (motion.js): it is sent every step once, with the numbers of the arrays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lessons._kit.draw.planes import number
from lessons._kit.form.i18n import t

#: (plane, row, column): planes are counted from 0 in the order of the page.
At = tuple[int, int, int]


@dataclass(frozen=True)
class Term:
    """One part of a sum: its factors as (colour, number), and the cells that light up with it."""

    factors: tuple[tuple[str, float], ...]
    cells: tuple[At, ...]


@dataclass(frozen=True, eq=False)
class Step:
    """How one number comes about.

    Attributes:
      at: its cell; pointing there shows the step.
      name: symbol and index, such as ("z", "2,3").
      colour: of the name and the value.
      terms: what it is made of.
      value: the number; None where the step makes none, as a stamp.
      opening, join, closing: what stands before, between and after the terms.
      also: further cells that show the step.
      marks: further cells to be marked, with "frame" or "touched".
      sets: cells and what they hold after the step, with the share of the full tint, -1 to 1.
      strong, until: of each line of planes that has arrows, the number of the step's own and of the last one drawn.
    """

    at: At
    name: tuple[str, str]
    colour: str
    terms: Sequence[Term]
    value: float | None
    opening: str = ""
    join: str = " + "
    closing: str = " = "
    also: Sequence[At] = ()
    marks: Sequence[tuple[str, At]] = ()
    sets: Sequence[tuple[At, float, float]] = ()
    strong: Sequence[int] = ()
    until: Sequence[int] = ()


@dataclass(frozen=True, eq=False)
class Motion:
    """The steps of a picture.

    Attributes:
      steps: the first `count` are played, in this order; the others are shown where somebody points.
      count: how many are played.
      hint: translated: what to point at.
      rest: numbers of the steps of the chosen cells.
      empty: plane -> what its cells hold before the first step.
      over: planes over which a frame moves.
      falls: whether it falls down instead of sliding.
    """

    steps: Sequence[Step]
    count: int
    hint: str
    rest: Sequence[int] = ()
    empty: Mapping[int, str] = field(default_factory=dict)
    over: Sequence[int] = ()
    falls: bool = False


def words() -> dict[str, str]:
    """The buttons of a player."""
    return {"play": t("Play"), "pause": t("Pause"), "undo": t("Step back"), "step": t("One step")}


def sentence(step: Step) -> str:
    """A step as a line of text, for those who cannot see it.

    >>> sentence(Step((0, 0, 1), ("z", "0,1"), "output", [Term((("kernel", -2.0), ("input", 3.0)), ())], -6.0))
    'z 0,1 = (−2)·3 = −6'
    """
    parts = step.join.join("·".join(_factor(value, step) for _, value in term.factors) for term in step.terms)
    return f"{' '.join(step.name)} = {step.opening}{parts}{step.closing}{_value(step)}"


def message(motion: Motion | None) -> dict[str, Any] | None:
    """What the browser needs."""
    if motion is None:
        return None
    return {
        "words": words(),
        "hint": motion.hint,
        "count": motion.count,
        "rest": list(motion.rest),
        "empty": {str(plane): text for plane, text in motion.empty.items()},
        "over": list(motion.over),
        "falls": motion.falls,
        "steps": [_step(step) for step in motion.steps],
    }


def _step(step: Step) -> dict[str, Any]:
    return {
        "at": step.at,
        "name": step.name,
        "colour": step.colour,
        "terms": [
            [[[colour, _factor(value, step)] for colour, value in term.factors], term.cells] for term in step.terms
        ],
        "value": _value(step),
        "open": step.opening,
        "join": step.join,
        "close": step.closing,
        "also": step.also,
        "marks": [[kind, *at] for kind, at in step.marks],
        "sets": [[*at, number(value), round(max(-1.0, min(1.0, tint)), 3)] for at, value, tint in step.sets],
        "strong": step.strong,
        "until": step.until,
        "say": sentence(step),
    }


def _factor(value: float, step: Step) -> str:
    """A number, in brackets if it is negative and not alone."""
    text = number(value)
    return f"({text})" if text.startswith("−") and "," not in step.join else text


def _value(step: Step) -> str:
    return "" if step.value is None else number(step.value)
