"""The way back in its views: stamps, zero insertion, matrix; rows of planes, the products of one cell, and Aᵀ drawn."""

from __future__ import annotations

import base64
import html
from dataclasses import dataclass

import numpy as np
import streamlit as st

from deconvviz.figures import files
from deconvviz.figures.scale import diverging_rgb, signed_limit
from deconvviz.ops import ConvGeometry
from lessons._kit.draw import formula, planes
from lessons._kit.form.i18n import t
from lessons._kit.numbers import taps
from lessons._kit.numbers.toy_arrays import plane
from lessons.adjoint import adjoint_variants

Cell = tuple[int, int]


@dataclass(frozen=True)
class Chosen:
    """Where the person is: an output cell, a cell of what came back, the way and the view."""

    cell: Cell
    back: Cell
    way: str = "adjoint"
    view: str = "stamp"


def size_text(array: np.ndarray) -> str:
    """Rows × columns of a plane."""
    return f"{array.shape[0]} × {array.shape[1]}"


def returned(back: np.ndarray, right: np.ndarray) -> tuple[str, set[Cell]]:
    """Title of what came back, (height, width), and its cells that are not those of Aᵀg."""
    name = t("what comes back, {size}", size=size_text(back))
    if back.shape != right.shape:
        return name + t(", not {size}", size=size_text(right)), set()
    wrong = wrong_cells(back, right)
    return (name + t(": {count} cells wrong", count=len(wrong)) if wrong else name), wrong


def wrong_cells(back: np.ndarray, right: np.ndarray) -> set[Cell]:
    """Cells, (row, column), in which two planes of one size differ."""
    return {(int(r), int(c)) for r, c in np.argwhere(np.abs(back - right) > 1e-4)}


def insertion_row(
    g: np.ndarray, w: np.ndarray, result: planes.Plane, geometry: ConvGeometry, at: Chosen, size: Cell
) -> planes.Row:
    """The spread signal, the kernel that slides over it, and what comes back; one channel, NHWC and HWIO."""
    how = adjoint_variants.insertion(at.way, g, w, geometry, size)
    inner, (first_row, first_column), (sh, sw) = plane(how.inner), how.first, geometry.strides
    own = {(r, c) for r, c in np.ndindex(inner.shape) if not ((r + first_row) % sh or (c + first_column) % sw)}
    window = {tap.input for tap in taps.window(at.back, w.shape[:2], _sliding(how, geometry), inner.shape)}
    row, column = sh * at.cell[0] - first_row, sw * at.cell[1] - first_column
    title = t("g, zeros between, {size}", size=_padded_size(inner, how))
    spread = planes.Plane(
        title,
        inner,
        "output",
        how.pads,
        touched=window,
        quiet=set(np.ndindex(inner.shape)) - own,
        chosen=(row, column) if (row, column) in own else None,
    )
    name = t("kernel w") if at.way == "turned" else t("kernel w, turned")
    kernel = planes.Plane(name, how.kernel[:, :, 0, 0], "kernel")
    heading = t("Backward: zeros between the cells, then a convolution with the turned kernel at stride 1")
    return planes.Row(heading, [spread, kernel, result], ("∗", "="), backward=True)


def _sliding(how: adjoint_variants.Insertion, geometry: ConvGeometry) -> ConvGeometry:
    """How the turned kernel slides over the spread signal."""
    return ConvGeometry(1, how.pads, geometry.dilation)


def _padded_size(inner: np.ndarray, how: adjoint_variants.Insertion) -> str:
    (top, bottom), (left, right) = how.pads
    return f"{inner.shape[0] + top + bottom} × {inner.shape[1] + left + right}"


def insertion_sum(g: np.ndarray, w: np.ndarray, geometry: ConvGeometry, back: Cell, size: Cell, value: float) -> str:
    """The products of the window that makes one cell of what comes back, a line for each kernel row."""
    how = adjoint_variants.insertion("adjoint", g, w, geometry, size)
    inner, kernel = plane(how.inner), how.kernel[:, :, 0, 0]
    lines: list[list[tuple[str, str]]] = [[] for _ in range(kernel.shape[0])]
    for tap in taps.window(back, kernel.shape, _sliding(how, geometry), inner.shape):
        (r, c), inside = tap.input, 0 <= tap.input[0] < inner.shape[0] and 0 <= tap.input[1] < inner.shape[1]
        pair = formula.value(kernel[tap.kernel]), formula.value(inner[r, c] if inside else 0)
        lines[tap.kernel[0]].append((formula.coloured("kernel", pair[0]), formula.coloured("output", pair[1])))
    left = formula.coloured("input", rf"(A^\top g)_{{{back[0]},{back[1]}}}")
    return formula.total(left, lines, formula.coloured("input", formula.value(value, alone=True)))


def insertion_formula() -> str:
    """Zero insertion, in symbols: a hat for the spread signal, a bar for the turned kernel."""
    a, w, g = (
        formula.coloured(*pair)
        for pair in (
            ("input", "(A^\\top g)_{r,c}"),
            ("kernel", "\\bar w_{i,j}"),
            ("output", "\\hat g_{r+di,\\;c+dj}"),
        )
    )
    return rf"{a} = \sum_{{i,j}} {w}\, {g}"


def matrix_formula() -> str:
    """The matrix times the signal, in symbols: k counts the cells of g, m those of x."""
    a, w, g = (
        formula.coloured(*pair) for pair in (("input", "(A^\\top g)_m"), ("kernel", "A_{k,m}"), ("output", "g_k"))
    )
    return rf"{a} = \sum_k {w}\, {g}"


def matrix_picture(matrix: np.ndarray, row: int | None, column: int) -> None:
    """Draw the matrix of a way back, with one row and one column framed.

    Args:
      matrix: (cells of what comes back, cells of g).
      row: of the chosen cell of what comes back; None if it has no such cell.
      column: of the chosen cell of g.
    """
    rows, columns = matrix.shape
    text = t(
        "{rows} rows, one a cell of what comes back; {columns} columns, one a cell of g. "
        "Framed: the row that makes the chosen cell, and the column that is the stamp of the chosen cell of g.",
        rows=rows,
        columns=columns,
    )
    source = f"data:image/svg+xml;base64,{base64.b64encode(_svg(matrix, row, column).encode()).decode()}"
    st.html(
        f'<figure class="matrix"><img class="signed" src="{source}" alt="{html.escape(text)}" '
        f'style="width: {8 * columns + 2}px">'
        f"<figcaption>{html.escape(text)}</figcaption></figure>"
    )


def _svg(matrix: np.ndarray, row: int | None, column: int) -> str:
    rows, columns = matrix.shape
    pixels = base64.b64encode(files.png_bytes(diverging_rgb(matrix, signed_limit(matrix)))).decode()
    framed = f'<rect x="{8 * column}" y="0" width="8" height="{8 * rows}" stroke="#7b1fa2"/>'
    if row is not None:
        framed += f'<rect x="0" y="{8 * row}" width="{8 * columns}" height="8" stroke="#00695c"/>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-1 -1 {8 * columns + 2} {8 * rows + 2}">'
        f'<image href="data:image/png;base64,{pixels}" width="{8 * columns}" height="{8 * rows}" '
        f'style="image-rendering: pixelated"/><g fill="none" stroke-width="2">'
        f'<rect x="0" y="0" width="{8 * columns}" height="{8 * rows}" stroke="#808080" stroke-width="1"/>'
        f"{framed}</g></svg>"
    )
