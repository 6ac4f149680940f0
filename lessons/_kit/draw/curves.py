"""Curves of errors as a picture: logarithmic upwards, named at their ends, readable without colour."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lessons._kit.draw import plot
from lessons._kit.draw.formula import COLOURS
from lessons._kit.draw.pixels import number

AXES = plot.Axes(560, 200, left=56, right=120, top=12, bottom=28)
#: Points of a curve that are drawn.
POINTS = 160


@dataclass(frozen=True)
class Curve:
    """One curve.

    Attributes:
      name: translated; stands at its end.
      values: from left to right; None where there is none yet.
      colour: "input", "kernel" or "output".
      dashes: of the line, as SVG writes them; "" for a solid one.
    """

    name: str
    values: Sequence[float | None]
    colour: str = "input"
    dashes: str = ""


def to_html(title: str, curves: Sequence[Curve], ticks: Sequence[str], dots: bool = False) -> str:
    """The drawing; "" while there is nothing to draw.

    Args:
      title: translated; what is drawn, also for those who do not see it.
      curves: all with as many values.
      ticks: words under the axis, spread evenly from the first value to the last.
      dots: mark every value.
    """
    if not any(value for curve in curves for value in curve.values):
        return ""
    ends = "; ".join(f"{curve.name}: {_ends(curve.values)}" for curve in curves)
    return plot.figure(title, svg(curves, ticks, dots, plot.is_dark()), ends)


def svg(curves: Sequence[Curve], ticks: Sequence[str], dots: bool, dark: bool) -> str:
    """The drawing as an SVG file in the colours of a theme."""
    values = [value for curve in curves for value in curve.values if value]
    low, high = _decades(min(values), max(values))
    most = max(len(curve.values) for curve in curves)
    quiet = plot.GREYS[dark][1]

    def place(i: int, value: float) -> tuple[float, float]:
        return _share(i, most), (math.log10(value) - low) / (high - low)

    scale = []
    for power in range(low, high + 1):
        y = (power - low) / (high - low)
        scale.append(AXES.line([(0, y), (1, y)], quiet, 0.3))
        scale.append(plot.text(AXES.left - 8, AXES.y(y) + 4, number(10.0**power)))
    under = [plot.text(AXES.x(_share(i, len(ticks))), AXES.height - 8, tick, "middle") for i, tick in enumerate(ticks)]
    drawn, ends = [], []
    for curve in curves:
        colour, every = COLOURS[curve.colour][dark], max(1, len(curve.values) // POINTS)
        points = [(i, v) for i, v in enumerate(curve.values) if v and (i % every == 0 or i == len(curve.values) - 1)]
        drawn.append(AXES.line([place(i, v) for i, v in points], colour, dashes=curve.dashes))
        drawn += [AXES.dot(*place(i, v), colour, radius=3) for i, v in points if dots]
        if points:
            ends.append((*place(*points[-1]), f"{curve.name} {number(points[-1][1])}", colour))
    return AXES.svg([*scale, *under, *drawn, *_names(ends)], quiet)


def _decades(low: float, high: float) -> tuple[int, int]:
    """Powers of ten that hold all values.

    >>> _decades(0.02, 0.5), _decades(1.0, 1.0)
    ((-2, 0), (0, 1))
    """
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    return first, max(last, first + 1)


def _share(i: int, count: int) -> float:
    return i / (count - 1) if count > 1 else 0.5


def _names(ends: Sequence[tuple[float, float, str, str]]) -> Iterator[str]:
    """Names beside the ends of the curves, moved apart where they would meet."""
    last = -math.inf
    for x, y, words, colour in sorted(ends, key=lambda end: -end[1]):
        last = max(AXES.y(y), last + 15)
        yield plot.text(AXES.x(x) + 8, last + 4, words, "start", colour)


def _ends(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{number(known[0])} … {number(known[-1])}" if known else "–"
