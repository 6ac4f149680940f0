"""Measured numbers as bars in a table: the name, the bar, the number. A screen reader reads the table."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from lessons._kit.form.proof import error_text


@dataclass(frozen=True)
class Bar:
    """One number.

    Attributes:
      name: translated.
      values: the number for each seed; one value for what needs no seed.
      whole: a count: shown without decimals.
      second: in the second colour, to be told apart from its neighbours.
      digits: how many of a number that is no count.
    """

    name: str
    values: Sequence[float]
    whole: bool = False
    second: bool = False
    digits: int = 2

    @property
    def mean(self) -> float:
        """Mean over the seeds."""
        return sum(self.values) / len(self.values)

    @property
    def text(self) -> str:
        """The number as it is shown: the mean, or lowest to highest where they differ visibly.

        >>> Bar("a", (0.5, 0.7)).text, Bar("b", (0.0, 0.0)).text, Bar("c", (1016,), whole=True).text
        ('0.5 … 0.7', '0', '1 016')
        """
        low, high = (self._short(value) for value in (min(self.values), max(self.values)))
        return low if low == high else f"{low} … {high}"

    def _short(self, value: float) -> str:
        if self.whole and math.isfinite(value):
            return f"{value:,.0f}".replace(",", " ")
        return error_text(value, self.digits)


def to_html(caption: str, bars: Sequence[Bar], full: float | None = None) -> str:
    """The table.

    Args:
      caption: translated.
      bars: in reading order; what is infinite fills its track; negative numbers reach to the left of zero.
      full: value of a full track; the largest finite mean if None.

    >>> "width: 50%" in to_html("c", [Bar("a", (1.0,)), Bar("b", (2.0,))])
    True
    >>> "width: 25%; margin-left: 0%" in to_html("c", [Bar("a", (-0.5,)), Bar("b", (1.5,))])
    True
    """
    finite = [bar.mean for bar in bars if math.isfinite(bar.mean)]
    start, end = min([*finite, 0.0]), full or max([*finite, 0.0]) or 1.0
    rows = []
    for bar in bars:
        low, high = sorted((0.0, min(bar.mean, end))) if math.isfinite(bar.mean) else (start, end)
        place = f"width: {100 * (high - low) / (end - start):.3g}%"
        place += f"; margin-left: {100 * (low - start) / (end - start):.3g}%" if start else ""
        kind = "bar second" if bar.second else "bar"
        rows.append(
            f'<tr><th scope="row">{html.escape(bar.name)}</th><td><span class="track">'
            f'<span class="{kind}" style="{place}"></span></span></td>'
            f'<td class="number">{bar.text}</td></tr>'
        )
    return f'<table class="bars"><caption>{html.escape(caption)}</caption><tbody>{"".join(rows)}</tbody></table>'


def show(caption: str, bars: Sequence[Bar], full: float | None = None) -> None:
    """Draw the table."""
    st.html(to_html(caption, bars, full))
