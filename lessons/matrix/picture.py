"""The picture of a convolution as a matrix: planes above, below them A with coloured weights, vec(x) and vec(z)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import streamlit as st

from deconvviz.ops import ConvGeometry
from deconvviz.types import Size
from lessons._kit.draw import component, formula, planes
from lessons._kit.form.i18n import t
from lessons._kit.numbers import taps
from lessons._kit.numbers.toy_arrays import plane
from lessons.matrix import entries
from lessons.matrix.entries import Entry

Cell = tuple[int, int]


@dataclass(frozen=True, eq=False)
class View:
    """What is on screen.

    Attributes:
      x: (1, H, W, 1) picture.
      w: (kh, kw, 1, 1) kernel.
      z: (1, H', W', 1), A x.
      geometry: how the kernel slides.
      look: what is looked at: "row", "weight" or "column" of A, or "all" of it.
      cell: output cell of the row.
      tap: the weight.
      back: input cell of the column.
    """

    x: np.ndarray
    w: np.ndarray
    z: np.ndarray
    geometry: ConvGeometry
    look: str
    cell: Cell
    tap: Cell
    back: Cell

    @property
    def size(self) -> Size:
        """(H, W)."""
        return self.x.shape[1], self.x.shape[2]

    @property
    def kernel_size(self) -> Size:
        """(kh, kw)."""
        return self.w.shape[0], self.w.shape[1]

    @property
    def outputs(self) -> Size:
        """(H', W')."""
        return self.z.shape[1], self.z.shape[2]

    @property
    def row(self) -> int:
        """Of A, that makes `cell`."""
        return self.cell[0] * self.outputs[1] + self.cell[1]

    @property
    def column(self) -> int:
        """Of A, that reads `back`."""
        return self.back[0] * self.size[1] + self.back[1]

    @cached_property
    def entries(self) -> list[Entry]:
        """The places of A that hold a weight."""
        return entries.entries(self.kernel_size, self.geometry, self.size)

    @property
    def lit(self) -> list[Entry]:
        """The entries that are looked at."""
        wanted: dict[str, Callable[[Entry], bool]] = {
            "row": lambda entry: entry.row == self.row,
            "weight": lambda entry: entry.tap == self.tap,
            "column": lambda entry: entry.column == self.column,
            "all": lambda _: True,
        }
        return list(filter(wanted[self.look], self.entries))

    def output_of(self, entry: Entry) -> Cell:
        """The output cell of an entry's row."""
        return entry.row // self.outputs[1], entry.row % self.outputs[1]

    def input_of(self, entry: Entry) -> Cell:
        """The input cell of an entry's column."""
        return entry.column // self.size[1], entry.column % self.size[1]


def draw(view: View) -> None:
    """Planes, matrix, formula and the same with numbers."""
    left, right = st.columns([2, 3])
    with left, st.container(key="matrix-planes"):
        planes.show([rows(view)], "planes", {"row": t("row"), "column": t("column")}, _picked)
    with right, st.container(key="part-matrix"):
        _show_matrix(view)
    if view.look != "all":
        st.latex({"row": row_sum, "weight": weight_count, "column": column_list}[view.look](view))
    st.markdown(meaning(view))


def _picked(name: str, cell: Cell) -> None:
    st.session_state[name] = f"{cell[0]},{cell[1]}"
    look = {"cell": "row", "tap": "weight", "back": "column"}[name]
    st.session_state["look"] = "" if look == "row" else look


def rows(view: View) -> planes.Row:
    """x, w and z as planes, with what is looked at in frames."""
    pads = view.geometry.resolve(view.size, view.kernel_size)
    frame = [tap.input for tap in taps.window(view.cell, view.kernel_size, view.geometry, view.size)]
    reads, writes = {view.input_of(e) for e in view.lit}, {view.output_of(e) for e in view.lit}
    x, w, z = plane(view.x), view.w[:, :, 0, 0], plane(view.z)
    look = view.look
    return planes.Row(
        "",
        [
            planes.Plane(
                t("input x, {size}", size=_size(x)),
                x,
                "input",
                pads,
                frame=frame if look == "row" else (),
                touched=reads if look == "weight" else (),
                chosen=view.back if look == "column" else None,
                pick="back",
            ),
            planes.Plane(t("kernel w"), w, "kernel", chosen=view.tap if look == "weight" else None, pick="tap"),
            planes.Plane(
                t("output z = A x, {size}", size=_size(z)),
                z,
                "output",
                touched=writes if look in ("weight", "column") else (),
                chosen=view.cell if look == "row" else None,
                pick="cell",
            ),
        ],
        ("∗", "="),
    )


def _size(array: np.ndarray) -> str:
    return f"{array.shape[0]} × {array.shape[1]}"


def message(view: View) -> dict[str, Any]:
    """What the browser needs to draw A, vec(x) and vec(z)."""
    x, z = plane(view.x).ravel(), plane(view.z).ravel()
    lit = set(view.lit)
    names = {"rows": len(z), "columns": len(x), "count": len(lit)}
    return {
        "size": list(view.size),
        "outputs": list(view.outputs),
        "entries": [
            [e.row, e.column, *e.tap, planes.number(view.w[*e.tap, 0, 0]), int(e in lit)] for e in view.entries
        ],
        "x": _tinted(x),
        "z": _tinted(z),
        "look": view.look,
        "row": view.row,
        "column": view.column,
        "label": t("A: {rows} rows, one an output cell; {columns} columns, one an input cell", **names)
        + " · "
        + t("{count} entries are lit.", **names),
        "words": {"entry": t("row {row}, column {column}: weight {tap} = {value}")},
    }


def _tinted(values: np.ndarray) -> list[list[Any]]:
    """(number, -1..1) of each cell of a column."""
    scale = float(np.abs(values).max()) or 1.0
    return [[planes.number(value), round(float(value) / scale, 3)] for value in values]


def _show_matrix(view: View) -> None:
    def picked() -> None:
        name, row, column = st.session_state["matrix"]["pick"]
        _picked(str(name), (int(row), int(column)))

    component.mount(__file__, key="matrix", data=message(view), on_pick_change=picked)


def entry_formula() -> str:
    """Which weight stands where, in symbols."""
    row, column = formula.coloured("output", "uW'+v"), formula.coloured("input", "rW+c")
    a, w = rf"A_{{{row},\;{column}}}", formula.coloured("kernel", "w_{i,j}")
    first = rf"{w} & \text{{{t('if')}}}\; r = su+di-p, \\ & \phantom{{\text{{{t('if')}}}\;}} c = sv+dj-p"
    return rf"{a} = \begin{{cases}} {first} \\ 0 & \text{{{t('else')}}} \end{{cases}}"


def row_sum(view: View) -> str:
    """The row that is looked at, times vec(x), a line for each row of the picture."""
    x, w, z = plane(view.x), view.w[:, :, 0, 0], plane(view.z)
    lines: dict[int, list[tuple[str, str]]] = {}
    for entry in (entry for entry in view.entries if entry.row == view.row):
        cell = view.input_of(entry)
        pair = (
            formula.coloured("kernel", formula.value(w[entry.tap])),
            formula.coloured("input", formula.value(x[cell])),
        )
        lines.setdefault(cell[0], []).append(pair)
    u, v = view.cell
    left = formula.coloured("output", rf"z_{{{u},{v}}}") + rf" = \bigl(A \operatorname{{vec}} x\bigr)_{{{view.row}}}"
    return formula.total(left, list(lines.values()), formula.coloured("output", formula.value(z[u, v], alone=True)))


def weight_count(view: View) -> str:
    """How often the weight that is looked at stands in A."""
    down, across = entries.axis_counts(view.kernel_size, view.geometry, view.size)
    i, j = view.tap
    w = formula.coloured("kernel", rf"w_{{{i},{j}}} = {formula.value(view.w[i, j, 0, 0], alone=True)}")
    rows_, columns = t("{n} rows", n=down[i]), t("{n} columns", n=across[j])
    return rf"\#\{{{w}\}} = \text{{{rows_}}} \cdot \text{{{columns}}} = {len(view.lit)}"


def column_list(view: View) -> str:
    """The weights that stand in the column that is looked at, as they lie on the plane z."""
    cells: dict[int, list[str]] = {}
    weights: dict[int, list[str]] = {}
    for entry in (entry for entry in view.entries if entry.column == view.column):
        u, v = view.output_of(entry)
        cells.setdefault(u, []).append(rf"z_{{{u},{v}}}")
        weights.setdefault(u, []).append(formula.value(view.w[*entry.tap, 0, 0], alone=True))
    x = formula.coloured("input", rf"x_{{{view.back[0]},{view.back[1]}}}")
    if not cells:
        return rf"{x} \to 0"
    value = formula.coloured("input", formula.value(plane(view.x)[view.back]))
    z, w = _block("output", cells), _block("kernel", weights)
    return rf"\begin{{gathered}} {x} = {value} \\ {z} \mathrel{{+}}= {value} \cdot {w} \end{{gathered}}"


def _block(colour: str, rows_: dict[int, list[str]]) -> str:
    body = r" \\ ".join(" & ".join(line) for line in rows_.values())
    return formula.coloured(colour, rf"\begin{{bmatrix}} {body} \end{{bmatrix}}")


def meaning(view: View) -> str:
    """One sentence about what is lit."""
    n = len(view.lit)
    if view.look == "all":
        return t(
            "{n} of the {all} entries are places of weights; all others are zero.", n=n, all=view.z.size * view.x.size
        )
    if view.look == "row":
        u, v = view.cell
        text = t("Row {row} of A makes output cell {u}, {v}: the window, unrolled.", row=view.row, u=u, v=v)
        return f"{text} " + t("It holds {n} weights; the other {rest} entries are zero.", n=n, rest=view.x.size - n)
    if view.look == "weight":
        i, j = view.tap
        text = t("One weight, {n} times in A: w at {i}, {j} is stored once and used {n} times.", n=n, i=i, j=j)
        if n < view.z.size:
            text += " " + t(
                "For {lost} of {all} output cells it falls on the padding.", lost=view.z.size - n, all=view.z.size
            )
        return text
    r, c = view.back
    if not n:
        return t("Column {column} of A is empty: no window reads input cell {r}, {c}.", column=view.column, r=r, c=c)
    text = t(
        "Column {column} of A is where input cell {r}, {c} goes: {n} output cells read it.",
        column=view.column,
        r=r,
        c=c,
        n=n,
    )
    turned = t("On the plane z this column is the kernel turned by half a turn.")
    return f"{text} {turned}" if view.geometry.strides == (1, 1) else text
