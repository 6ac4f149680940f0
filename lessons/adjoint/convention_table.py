"""The table of conventions: the same numbers given to each library's call, what comes out, how to get the adjoint."""

from __future__ import annotations

import html
from dataclasses import dataclass

import numpy as np
import streamlit as st

from deconvviz.errors import GeometryError
from deconvviz.metrics import relative_error
from deconvviz.ops import ConvGeometry, conv_adjoint
from deconvviz.ops.conventions import CONVENTIONS, adjoint_arguments, as_adjoint, as_code, same_numbers
from deconvviz.types import Size
from lessons._kit.form.i18n import t


@dataclass(frozen=True)
class Line:
    """What one convention gives for one setting.

    Attributes:
      key: of `CONVENTIONS`.
      size: (height, width) of what comes out of the same numbers; None if the library refuses them.
      error: its distance from Aᵀg.
      code: the arguments that make it Aᵀ; "" if the library refuses this geometry.
      converted: distance from Aᵀg of what they give.
    """

    key: str
    size: Size | None
    error: float
    code: str
    converted: float


def measure(key: str, g: np.ndarray, w: np.ndarray, geometry: ConvGeometry, input_size: Size) -> Line:
    """Run one convention with the numbers of the way there, and converted."""
    convention, right = CONVENTIONS[key], conv_adjoint(g, w, geometry, input_size)
    kernel_size = w.shape[0], w.shape[1]
    try:
        given = same_numbers(convention, g, w, geometry, input_size)
        size, error = (given.shape[1], given.shape[2]), relative_error(given, right)
    except GeometryError:
        size, error = None, np.inf
    try:
        converted = relative_error(as_adjoint(convention, g, w, geometry, input_size), right)
        code = as_code(convention, adjoint_arguments(convention, geometry, input_size, kernel_size))
    except GeometryError:
        converted, code = np.inf, ""
    return Line(key, size, error, code, converted)


def show(lines: list[Line], input_size: Size) -> None:
    """Draw the table; it scrolls within its own box."""
    st.html(to_html(lines, input_size))


def to_html(lines: list[Line], input_size: Size) -> str:
    """What was given, and the table, as HTML."""
    heads = (t("call"), t("from Aᵀg"), t("what comes out"), t("kernel axes"), t("to get Aᵀg"))
    given = t(
        "The same g, kernel, stride, padding and dilation, given to each call. Aᵀg is {height} × {width}. w is the "
        "kernel of the forward pass. Axes: I goes into the call, O comes out. Rows by each documentation: n rows "
        "of g, kernel k, stride s, dilation d, padding p (p1 + p2 on two sides), output padding o.",
        height=input_size[0],
        width=input_size[1],
    )
    head = "".join(f'<th scope="col">{html.escape(text)}</th>' for text in heads)
    body = "".join(_row(line) for line in lines)
    label = html.escape(t("Table of conventions"))
    return (
        f'<p class="given">{html.escape(given)}</p><div class="conventions" role="region" tabindex="0" '
        f'aria-label="{label}"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def _row(line: Line) -> str:
    convention = CONVENTIONS[line.key]
    out = f"{line.size[0]} × {line.size[1]}" if line.size else t("nothing")
    if line.error <= 1e-5:
        verdict = t("equal")
    elif line.size is None:
        verdict = t("refused")
    elif np.isinf(line.error):
        verdict = t("other size")
    else:
        verdict = t("{percent} % away", percent=f"{100 * line.error:.0f}")
    how = f"<code>{html.escape(line.code)}</code>" if line.code else t("not possible: no stride with dilation")
    axes = convention.layout + (t(", turns it") if convention.turns else "")
    kind = ' class="equal"' if line.error <= 1e-5 else ""
    name = f"{convention.library}<br><code>{html.escape(convention.name)}</code>"
    rows = f'{html.escape(out)}<br><code class="rows">{html.escape(convention.formula)}</code>'
    cells = "".join(f"<td>{cell}</td>" for cell in (html.escape(verdict), rows, html.escape(axes), how))
    return f'<tr{kind}><th scope="row">{name}</th>{cells}</tr>'
