"""Drawings of lines and dots as SVG files, in the colours of the session's theme."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
import streamlit as st

from deconvviz.checks.audit.intervals import Interval

#: Ink, quiet ink and ground on a light page and on a dark one; style.css holds the same.
GREYS = {False: ("#1f1f1f", "#595959", "#ffffff"), True: ("#ececec", "#b4b4b4", "#161616")}


def is_dark() -> bool:
    """Whether the session's theme is the dark one."""
    return bool(st.context.theme.type == "dark")


@dataclass(frozen=True)
class Axes:
    """Where a drawing has its lines; places inside are shares of 1, from the left and from below.

    Attributes:
      width, height: of the whole drawing.
      left, right, top, bottom: room for words around the lines.
      font: size of the words.
    """

    width: int
    height: int
    left: int
    right: int
    top: int
    bottom: int
    font: int = 12

    def x(self, share: float) -> float:
        """Pixels from the left edge of the drawing."""
        return self.left + (self.width - self.left - self.right) * share

    def y(self, share: float) -> float:
        """Pixels from the upper edge of the drawing."""
        return self.top + (self.height - self.top - self.bottom) * (1 - share)

    def line(self, points: Iterable[tuple[float, float]], colour: str, width: float = 2, dashes: str = "") -> str:
        """A line through places."""
        path = " ".join(f"{self.x(x):.1f},{self.y(y):.1f}" for x, y in points)
        dash = f' stroke-dasharray="{dashes}"' if dashes else ""
        return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"{dash}/>'

    def dot(self, x: float, y: float, colour: str, radius: float = 3.5) -> str:
        """A dot at a place."""
        return f'<circle cx="{self.x(x):.1f}" cy="{self.y(y):.1f}" r="{radius}" fill="{colour}"/>'

    def svg(self, parts: Iterable[str], quiet: str, ground: str = "") -> str:
        """The file: words are quiet unless they say otherwise; without a ground it is transparent."""
        paper = f'<rect width="{self.width}" height="{self.height}" fill="{ground}"/>' if ground else ""
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" width="{self.width}" '
            f'height="{self.height}" font-family="system-ui, sans-serif" font-size="{self.font}" fill="{quiet}">'
            f"{paper}{''.join(parts)}</svg>"
        )


@dataclass(frozen=True)
class Line:
    """A named line: the value at each step, and intervals where there are any."""

    name: str
    values: Sequence[float]
    intervals: Sequence[Interval] = ()


def sketch(shares: Sequence[float] | np.ndarray) -> str:
    """A curve without words as a data address, on the neutral ground of a picture; shares of 1, from left to right.

    >>> sketch([1.0, 0.2])[:26]
    'data:image/svg+xml;base64,'
    """
    axes, ink = Axes(192, 128, 12, 12, 12, 12), GREYS[False][0]
    places = [(i / (len(shares) - 1), float(share)) for i, share in enumerate(shares)]
    frame = axes.line([(0, 1), (0, 0), (1, 0)], ink, 1)
    drawn = axes.svg([frame, axes.line(places, ink), *(axes.dot(*place, ink) for place in places)], ink, "#9a9a9a")
    return f"data:image/svg+xml;base64,{base64.b64encode(drawn.encode()).decode()}"


def numbers(lines: Iterable[Line]) -> str:
    """What lines show, for those who do not see them.

    >>> numbers([Line("a", [0.5, 1.0]), Line("b", [0.25])])
    'a: 0.50, 1.00; b: 0.25'
    """
    return "; ".join(f"{line.name}: {', '.join(f'{v:.2f}' for v in line.values)}" for line in lines)


def figure(title: str, svg: str, words: str) -> str:
    """HTML of a drawing of curves under its title; the words say what it shows."""
    return f'<figure class="curves"><figcaption>{escape(title)}</figcaption>{image(svg, f"{title}. {words}")}</figure>'


def text(x: float, y: float, words: str, anchor: str = "end", colour: str = "") -> str:
    """Words at pixels of the drawing, which they end at, start at or have in their "middle"."""
    fill = f' fill="{colour}"' if colour else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{fill}>{escape(words)}</text>'


def image(svg: str, alt: str) -> str:
    """HTML of a drawing.

    >>> image("<svg/>", "a & b")
    '<img src="data:image/svg+xml;base64,PHN2Zy8+" alt="a &amp; b">'
    """
    return f'<img src="data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}" alt="{escape(alt)}">'
