"""Curves of errors as a picture: logarithmic upwards, named at their ends, readable without colour."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import streamlit as st

from lessons._kit.draw.formula import COLOURS
from lessons._kit.draw.pixels import number

#: Size of the drawing, and the room for words around it.
WIDTH, HEIGHT = 560, 200
LEFT, RIGHT, TOP, BOTTOM = 56, 120, 12, 28
#: Points of a curve that are drawn.
POINTS = 160
#: Colour of lines and words on a light page and on a dark one.
QUIET = ("#595959", "#b4b4b4")


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
    there = [value for curve in curves for value in curve.values if value is not None and value > 0]
    if not there:
        return ""
    said = "; ".join(f"{curve.name}: {_said(curve.values)}" for curve in curves)
    file = base64.b64encode(svg(curves, ticks, dots, st.context.theme.type == "dark").encode()).decode()
    return (
        f'<figure class="curves"><figcaption>{escape(title)}</figcaption>'
        f'<img src="data:image/svg+xml;base64,{file}" alt="{escape(title)}. {escape(said)}"></figure>'
    )


def svg(curves: Sequence[Curve], ticks: Sequence[str], dots: bool, dark: bool) -> str:
    """The drawing as an SVG file in the colours of a theme."""
    there = [value for curve in curves for value in curve.values if value is not None and value > 0]
    low, high = _decades(min(there), max(there))
    most = max(len(curve.values) for curve in curves)
    scale = [_line(power, low, high) for power in range(low, high + 1)]
    lines = ["".join(part) for part in zip(*scale, strict=True)]
    under = "".join(
        f'<text x="{_x(i, len(ticks)):.0f}" y="{HEIGHT - 8}" text-anchor="middle">{escape(tick)}</text>'
        for i, tick in enumerate(ticks)
    )
    drawn = "".join(_path(curve, most, low, high, dots, COLOURS[curve.colour][dark]) for curve in curves)
    names = "".join(_names(curves, most, low, high, dark))
    quiet = QUIET[dark]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
        f'font-size="12" fill="{quiet}"><g stroke="{quiet}" stroke-width=".3">{lines[0]}</g>{lines[1]}{under}'
        f"{drawn}{names}</svg>"
    )


def _decades(low: float, high: float) -> tuple[int, int]:
    """Powers of ten that hold all values.

    >>> _decades(0.02, 0.5), _decades(1.0, 1.0)
    ((-2, 0), (0, 1))
    """
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    return first, max(last, first + 1)


def _x(i: float, count: int) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * (i / (count - 1) if count > 1 else 0.5)


def _y(value: float, low: int, high: int) -> float:
    return TOP + (HEIGHT - TOP - BOTTOM) * (high - math.log10(value)) / (high - low)


def _line(power: int, low: int, high: int) -> tuple[str, str]:
    """The line of a power of ten, and the number beside it."""
    y = _y(10.0**power, low, high)
    return (
        f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>',
        f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{number(10.0**power)}</text>',
    )


def _path(curve: Curve, most: int, low: int, high: int, dots: bool, colour: str) -> str:
    every = max(1, len(curve.values) // POINTS)
    kept = [(i, v) for i, v in enumerate(curve.values) if v and (i % every == 0 or i == len(curve.values) - 1)]
    points = [(_x(i, most), _y(value, low, high)) for i, value in kept]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    marks = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3"/>' for x, y in points) if dots else ""
    dashes = f' stroke-dasharray="{curve.dashes}"' if curve.dashes else ""
    line = f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"{dashes}/>'
    return f'<g fill="{colour}">{line}{marks}</g>'


def _names(curves: Sequence[Curve], most: int, low: int, high: int, dark: bool) -> list[str]:
    """Names beside the ends of the curves, moved apart where they would meet."""
    ends = []
    for curve in curves:
        there = [(i, value) for i, value in enumerate(curve.values) if value]
        if there:
            i, value = there[-1]
            ends.append((_y(value, low, high), _x(i, most), curve, value))
    texts, last = [], -math.inf
    for y, x, curve, value in sorted(ends, key=lambda end: end[0]):
        last = max(y, last + 15)
        words = f"{curve.name} {number(value)}"
        colour = COLOURS[curve.colour][dark]
        texts.append(f'<text fill="{colour}" x="{x + 8:.1f}" y="{last + 4:.1f}">{escape(words)}</text>')
    return texts


def _said(values: Sequence[float | None]) -> str:
    there = [value for value in values if value is not None]
    return f"{number(there[0])} … {number(there[-1])}" if there else "–"
