"""One cell of a step, large: the numbers around it before and after, the formula with them, the products that meet."""

from __future__ import annotations

from html import escape

import numpy as np
import streamlit as st

from deconvviz.figures.scale import signed_limit
from lessons._kit.draw import formula
from lessons._kit.draw.pixels import number
from lessons._kit.form.i18n import mark, t
from lessons._kit.reconstruction import trace
from lessons.deconvnet import sums
from lessons.deconvnet.trace import Stage

#: What a step does, in words.
WORDS = {kind: trace.FORMULAS[kind][1] for kind in ("start", "filter", "unpool")} | {
    "rectify": mark("What is negative becomes zero. What this rectifier was given in the forward pass plays no part.")
}


def words(stage: Stage) -> None:
    """What the step does, and how much of the signal a rectifier lets through."""
    with st.container(key="part-share"):
        st.markdown(t(WORDS[stage.kind]) + _share(stage))


def show(stage: Stage, cell: sums.Cell) -> None:
    """Draw the cell."""
    row, column, channel = cell
    title = t("One cell: row {row}, column {column}, channel {channel}", row=row, column=column, channel=channel)
    st.html(f'<h2 class="dn-here">{escape(title)}</h2>')
    with st.container(key="part-zoom"):
        st.latex(r"\begin{gathered} " + r" \\[4pt] ".join(lines(stage, cell)) + r" \end{gathered}")
        st.html(f'<div class="dn-zoom">{"".join(_tables(stage, cell))}</div>')


def _share(stage: Stage) -> str:
    if stage.passed is None or not stage.above.any():
        return ""
    percent = f"{100 * stage.passed:.0f}"
    return " " + t("{percent} % of the signal passes here, by the sum of magnitudes.", percent=percent)


def lines(stage: Stage, cell: sums.Cell) -> list[str]:
    """The formula of the step, and the same with the numbers of the cell."""
    row, column, channel = cell
    above, below, kernel = (formula.coloured(c, s) for c, s in (("output", "g"), ("input", "g'"), ("kernel", "w")))
    here = rf"{below}_{{{row},{column},{channel}}}"
    result = latex(float(stage.below[cell]))
    if stage.kind == "start":
        first = rf"{below} = {formula.coloured('output', 'a')} \cdot e_{{\mathrm{{unit}}}}"
        return [first, rf"{here} = {result}"]
    if stage.kind == "rectify":
        value = latex(float(stage.above[cell]))
        return [rf"{below} = \max({above}, 0)", rf"{here} = \max({formula.coloured('output', value)}, 0) = {result}"]
    if stage.kind == "unpool":
        general = (
            rf"{below}_{{r,c,k}} = \sum_{{u,v}} {above}_{{u,v,k}} \, [s_{{u,v,k}} = {stage.below.shape[1]}\,r + c]"
        )
        return [general, *_switch_lines(stage, cell, here, result)]
    slide = stage.step.slide if stage.step else None
    assert slide is not None
    (sh, _), (top, _) = slide.stride, slide.before
    general = rf"{below}_{{r,c,k}} = \sum_{{o}} \sum_{{i,j}} {kernel}_{{i,j,k,o}} \; {above}_{{u,v,o}}"
    places = rf"{_times(sh)}u + i - {top} = r, \quad {_times(sh)}v + j - {top} = c"
    met = stage.meeting(cell)
    few, others = len(met.largest), met.count - len(met.largest)
    largest = rf"\underbrace{{{latex(met.total - met.rest)}}}_{{{few}}}"
    return [general, places, rf"{here} = {largest} + \underbrace{{{latex(met.rest)}}}_{{{others}}} = {result}"]


def _times(stride: int) -> str:
    return "" if stride == 1 else rf"{stride}\,"


def _switch_lines(stage: Stage, cell: sums.Cell, here: str, result: str) -> list[str]:
    """One line for each window that holds the cell, then the sum."""
    width, (row, column, channel) = stage.below.shape[1], cell
    terms = []
    for window in stage.windows(cell):
        (u, v), (r, c) = window.place, window.maximum
        hit = "=" if window.maximum == (row, column) else r"\neq"
        terms.append(rf"s_{{{u},{v},{channel}}} = {width * r + c} {hit} {width} \cdot {row} + {column}")
    return [*terms, rf"{here} = {result}"]


def latex(value: float) -> str:
    r"""A number of three figures as LaTeX.

    >>> latex(-0.0312), latex(-0.0000312)
    ('-0.0312', '-3.1 \\cdot 10^{-5}')
    """
    text = number(value).replace("−", "-")
    mantissa, e, power = text.partition("e")
    return rf"{mantissa} \cdot 10^{{{power}}}" if e else text


def _tables(stage: Stage, cell: sums.Cell) -> list[str]:
    row, column, channel = cell
    before = t("before, channel {channel}", channel=channel)
    after = t("after, channel {channel}", channel=channel)
    plane = stage.below[..., channel]
    if stage.kind == "filter":
        return [_products(stage, cell), patch(after, plane, (row, column), 2, "input")]
    above = stage.above[..., channel]
    limit = max(signed_limit(above), signed_limit(plane))
    if stage.kind != "unpool":
        limits = {"scale": limit}
        return [
            patch(before, above, (row, column), 2, "output", **limits),
            patch(after, plane, (row, column), 2, "input", **limits),
        ]
    assert stage.switches is not None
    window = stage.windows(cell)[0].place
    return [
        patch(before, above, window, 1, "output", scale=limit),
        patch(t("switches s, channel {channel}", channel=channel), stage.switches[..., channel], window, 1, "kernel"),
        patch(after, plane, (row, column), 2, "input", scale=limit),
    ]


def patch(
    title: str, plane: np.ndarray, at: tuple[int, int], reach: int, colour: str, scale: float | None = None
) -> str:
    """The cells of a plane around one of them, as a table with their true rows and columns.

    Args:
      title: translated caption.
      plane: (h, w); whole numbers are shown as they are and not tinted.
      at: the chosen cell.
      reach: rows and columns on each side of it.
      colour: "input", "kernel" or "output".
      scale: value of full tint; the plane's own largest if None.

    >>> '<td class="positive chosen" style="--tint: 1">2</td>' in patch("t", np.array([[1.0, 2.0]]), (0, 1), 1, "input")
    True
    """
    rows, columns = (range(max(0, i - reach), min(n, i + reach + 1)) for i, n in zip(at, plane.shape, strict=True))
    whole = np.issubdtype(plane.dtype, np.integer)
    limit = scale or signed_limit(plane) or 1.0
    head = "".join(f'<th scope="col">{c}</th>' for c in columns)
    body = []
    for r in rows:
        cells = "".join(_cell(plane[r, c], whole, limit, (r, c) == tuple(at)) for c in columns)
        body.append(f'<tr><th scope="row">{r}</th>{cells}</tr>')
    return (
        f'<table class="plane {colour}"><caption>{escape(title)}</caption>'
        f'<tbody><tr><td class="corner"></td>{head}</tr>{"".join(body)}</tbody></table>'
    )


def _cell(value: float, whole: bool, limit: float, chosen: bool) -> str:
    kinds = [] if whole or not value else ["positive" if value > 0 else "negative"]
    kinds += ["chosen"] if chosen else []
    text = str(value) if whole else short(float(value))
    tint = "" if whole else f' style="--tint: {min(1.0, abs(float(value)) / limit):.3g}"'
    return f'<td class="{" ".join(kinds)}"{tint}>{text}</td>'


def short(value: float) -> str:
    """A number for a small cell, two figures.

    >>> short(0.0), short(-0.0312), short(1234.0), short(0.00004)
    ('0', '−0.031', '1234', '4e−5')
    """
    if abs(value) >= 100:
        text = f"{value:.0f}"
    elif value and abs(value) < 0.001:
        mantissa, power = f"{value:.0e}".split("e")
        text = f"{mantissa}e{int(power)}"
    else:
        text = f"{value:.2g}"
    return text.replace("-", "−")


def _products(stage: Stage, cell: sums.Cell) -> str:
    """The largest products, the sum of the others, and the sum of all beside the signal's own cell."""
    result = stage.meeting(cell)
    count = f"{result.count:,}".replace(",", "\u202f")
    title = t("{count} products meet here; the largest:", count=count)
    if not result.largest:
        title = t("{count} products meet here; all are zero", count=count)
    heads = (t("row, column, channel"), "g", t("tap"), "w", "w · g")
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in heads)
    rows = []
    for one in result.largest:
        place, tap = ", ".join(map(str, one.above)), ", ".join(map(str, one.tap))
        rows.append(
            f'<tr><th scope="row">{place}</th><td class="g">{number(one.signal)}</td><td>{tap}</td>'
            f'<td class="w">{number(one.weight)}</td><td class="p">{number(one.value)}</td></tr>'
        )
    others = t("the other {count}", count=f"{result.count - len(result.largest):,}".replace(",", "\u202f"))
    rows.append(f'<tr><th scope="row" colspan="4">{escape(others)}</th><td class="p">{number(result.rest)}</td></tr>')
    for name, value in ((t("sum of all"), result.total), (t("the signal's cell"), float(stage.below[cell]))):
        rows.append(
            f'<tr class="sum"><th scope="row" colspan="4">{escape(name)}</th><td class="p">{number(value)}</td></tr>'
        )
    return (
        f'<table class="dn-products"><caption>{escape(title)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
    )
