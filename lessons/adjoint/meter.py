"""The adjoint meter: the two sides of ⟨Ax, y⟩ = ⟨x, By⟩ as numbers and bars; they agree only if B is the adjoint."""

from __future__ import annotations

import html
from dataclasses import dataclass

import streamlit as st

from lessons._kit.draw.planes import number
from lessons._kit.form.i18n import t


@dataclass(frozen=True)
class Sides:
    """Both products for one x and y; `right` is None where By is not of the size of x.

    Attributes:
      left: ⟨Ax, y⟩.
      right: ⟨x, By⟩.
      scale: ‖Ax‖ ‖y‖, what the gap is measured against.
      x_size: (height, width) of x.
      back_size: of By.
    """

    left: float
    right: float | None
    scale: float
    x_size: tuple[int, int]
    back_size: tuple[int, int]

    @property
    def agree(self) -> bool:
        """Whether the two are equal, up to rounding."""
        return self.right is not None and abs(self.left - self.right) <= 1e-5 * self.scale


def show(sides: Sides) -> None:
    """Draw the two bars and say whether they agree."""
    st.html(to_html(sides))


def to_html(sides: Sides) -> str:
    """A table of two rows: product, bar, number."""
    values = [("⟨Ax, y⟩", sides.left), ("⟨x, By⟩", sides.right)]
    known = [value for _, value in values if value is not None]
    low, high = min(0.0, *known), max(0.0, *known)
    span = (high - low) or 1.0
    rows = "".join(_row(name, value, low, span, sides) for name, value in values)
    caption = t("x and y at random, B the chosen backward operator: is B = Aᵀ?")
    if sides.right is None:
        verdict = t("The two cannot even be compared.")
    elif sides.agree:
        verdict = t("The two agree.")
    else:
        verdict = t("The two differ by {gap}.", gap=number(abs(sides.left - sides.right)))
    kind = "agree" if sides.agree else "differ"
    return (
        f'<table class="bars meter {kind}"><caption>{html.escape(caption)}</caption><tbody>{rows}</tbody></table>'
        f'<p class="meter-verdict">{html.escape(verdict)}</p>'
    )


def _row(name: str, value: float | None, low: float, span: float, sides: Sides) -> str:
    if value is None:
        (height, width), (rows, columns) = sides.x_size, sides.back_size
        text = t(
            "no product: By is {rows} × {columns}, x is {height} × {width}",
            rows=rows,
            columns=columns,
            height=height,
            width=width,
        )
        return f'<tr><th scope="row">{name}</th><td colspan="2">{html.escape(text)}</td></tr>'
    start, length = 100 * (min(value, 0.0) - low) / span, 100 * abs(value) / span
    bar = f'<span class="bar" style="margin-left: {start:.3g}%; width: {length:.3g}%"></span>'
    return (
        f'<tr><th scope="row">{name}</th><td><span class="track">{bar}</span></td>'
        f'<td class="number">{number(value)}</td></tr>'
    )
