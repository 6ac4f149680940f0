"""The picture of a convolution and the way back: window above, the way back below, and both sums written out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Protocol, TypeVar

import numpy as np
import streamlit as st

from deconvviz.errors import GeometryError
from deconvviz.ops import ConvGeometry, Pads
from lessons._kit.draw import formula, motion, planes
from lessons._kit.form.controls import nearest, remember, remembered
from lessons._kit.form.i18n import t
from lessons._kit.numbers.taps import reaching, window
from lessons._kit.numbers.toy_arrays import SIZE, plane
from lessons.adjoint import back_views
from lessons.adjoint.back_views import size_text

Cell = tuple[int, int]


class Chosen(Protocol):
    """A lesson's state, a dataclass: the geometry, a chosen output cell and a chosen cell of what came back."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def padding(self) -> int: ...
    @property
    def cell(self) -> Cell: ...
    @property
    def back(self) -> Cell: ...
    @property
    def geometry(self) -> ConvGeometry: ...


S = TypeVar("S", bound=Chosen)


@dataclass(frozen=True, eq=False)
class Arrays:
    """What is on screen: z = A x, back, which returned from the signal g, and right, which is Aᵀg. NHWC, w HWIO."""

    x: np.ndarray
    w: np.ndarray
    z: np.ndarray
    g: np.ndarray
    back: np.ndarray
    right: np.ndarray

    @property
    def sizes(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """(height, width) of the input and of the kernel."""
        return (self.x.shape[1], self.x.shape[2]), (self.w.shape[0], self.w.shape[1])


def draw(arrays: Arrays, geometry: ConvGeometry, at: back_views.Chosen, matrix: np.ndarray | None) -> None:
    """Planes and sums.

    Args:
      arrays: of the state.
      geometry: how the kernel slides.
      at: the chosen cells, the way back and its view.
      matrix: of the way back, (cells of what comes back, cells of g), where it is to be drawn.
    """
    words = {"row": t("row"), "column": t("column")}
    moving = motion.message(stamps(arrays, geometry, at))
    planes.show(rows(arrays, geometry, at), "planes", words, _picked, moving)
    if arrays.x.shape[3] > 1:
        st.markdown(
            t(
                "Two channels in, two out; **w 0→1** leads from channel 0 of x to channel 1 of z. What channel 1 "
                "of **g** brings back through it belongs to channel 0; this operator hands it to the other one. "
                "Struck out: cells that are not those of Aᵀg."
            )
        )
        return
    if matrix is not None and matrix.size:
        fits = arrays.back.shape == arrays.right.shape
        row = at.back[0] * arrays.back.shape[2] + at.back[1] if fits else None
        back_views.matrix_picture(matrix, row, at.cell[0] * arrays.g.shape[2] + at.cell[1])
    if at.way != "adjoint":  # no operator but the adjoint follows the formula
        return
    left, right = st.columns(2)
    with left:
        st.latex(forward_sum(arrays, geometry, at.cell))
    with right, st.container(key="part-sum"):
        if at.view == "zeros":
            value = float(arrays.back[0, *at.back, 0])
            st.latex(back_views.insertion_sum(arrays.g, arrays.w, geometry, at.back, arrays.sizes[0], value))
        else:
            st.latex(backward_sum(arrays, geometry, at.back))


def symbols(at: back_views.Chosen) -> list[str]:
    """The convolution and its adjoint in symbols, the latter as it is shown."""
    if at.way != "adjoint" or at.view == "stamp":
        return [forward_formula(), backward_formula()]
    return [forward_formula(), back_views.insertion_formula() if at.view == "zeros" else back_views.matrix_formula()]


def _picked(name: str, cell: Cell) -> None:
    st.session_state[name] = f"{cell[0]},{cell[1]}"


def rows(arrays: Arrays, geometry: ConvGeometry, at: back_views.Chosen) -> list[planes.Row]:
    """The rows of planes."""
    if arrays.x.shape[3] > 1:
        return _channel_rows(arrays, geometry, at)
    size, kernel_size = arrays.sizes
    pads = geometry.resolve(size, kernel_size)
    taps = [tap.input for tap in window(at.cell, kernel_size, geometry, size)]
    x, z, g = (plane(a) for a in (arrays.x, arrays.z, arrays.g))
    w = arrays.w[:, :, 0, 0]
    there = [
        planes.Plane(t("input x, {size}", size=size_text(x)), x, "input", pads, frame=taps),
        planes.Plane(t("kernel w"), w, "kernel"),
        planes.Plane(t("output z = A x, {size}", size=size_text(z)), z, "output", chosen=at.cell, pick="cell"),
    ]
    written = {tap.output for tap in reaching(at.back, kernel_size, geometry, size)}
    title = t("signal g, {size}", size=size_text(g))
    signal = planes.Plane(title, g, "output", touched=written, chosen=at.cell, pick="cell", part="signal")
    first = planes.Row(t("Forward: each output cell reads a window"), there, ("∗", "="))
    if not arrays.back.size:
        return [
            first,
            planes.Row(t("Backward: nothing; with this padding the kernel does not fit the signal"), [signal]),
        ]
    result = _returned(arrays, at, pads if at.view == "stamp" else ((0, 0), (0, 0)), taps)
    if at.view == "zeros":
        return [first, back_views.insertion_row(arrays.g, arrays.w, result, geometry, at, size)]
    if at.view == "matrix":
        heading, sign = t("Backward: the transposed matrix, drawn below, times g"), "Aᵀ"
        if at.way != "adjoint":
            heading, sign = t("Backward: the matrix of this wrong operator, drawn below, times g"), "B"
        return [first, planes.Row(heading, [signal, result], (sign,), backward=True)]
    stamp = planes.Plane(t("kernel w"), w[::-1, ::-1] if at.way == "turned" else w, "kernel")
    heading = t("Backward: each output cell lays down a stamp")
    return [first, planes.Row(heading, [signal, stamp, result], ("×", "="), backward=True)]


def _returned(arrays: Arrays, at: back_views.Chosen, pads: Pads, taps: Sequence[Cell]) -> planes.Plane:
    """What came back, with the cells struck out that are wrong."""
    back, right = plane(arrays.back), plane(arrays.right)
    title, wrong = back_views.returned(back, right)
    if back.shape != right.shape:
        return planes.Plane(title, back, "input", part="back")
    marks: dict[str, Any] = {"frame": taps, "wrong": wrong, "chosen": at.back}
    return planes.Plane(title, back, "input", pads, cut=True, pick="back", part="back", **marks)


def _channel_rows(arrays: Arrays, geometry: ConvGeometry, at: back_views.Chosen) -> list[planes.Row]:
    """Two channels in and out: there, the four kernels, the wrong way back, and the adjoint."""
    size, kernel_size = arrays.sizes
    taps = [tap.input for tap in window(at.cell, kernel_size, geometry, size)]
    taps = [(r, c) for r, c in taps if 0 <= r < size[0] and 0 <= c < size[1]]
    there, outputs, signals, wrong, right = [], [], [], [], []
    for k in (0, 1):
        x, z, g, back, true = (a[0, :, :, k] for a in (arrays.x, arrays.z, arrays.g, arrays.back, arrays.right))
        there.append(planes.Plane(t("input x, {channel}", channel=k), x, "input", frame=taps))
        outputs.append(planes.Plane(t("output z, {channel}", channel=k), z, "output", chosen=at.cell, pick="cell"))
        signals.append(planes.Plane(t("signal g, {channel}", channel=k), g, "output", chosen=at.cell, pick="cell"))
        struck = back_views.wrong_cells(back, true)
        title = t("back, {channel}: {count} wrong", channel=k, count=len(struck))
        wrong.append(planes.Plane(title, back, "input", frame=taps, wrong=struck))
        right.append(planes.Plane(t("Aᵀg, {channel}", channel=k), true, "input", frame=taps))
    pairs = [(c, o) for c in (0, 1) for o in (0, 1)]
    kernels = [planes.Plane(f"w {c}→{o}", arrays.w[:, :, c, o], "kernel") for c, o in pairs]
    return [
        planes.Row(t("Forward: each output cell reads a window of both channels"), there + outputs, ("", "→", "")),
        planes.Row("", kernels),
        planes.Row(t("Backward, the channels not swapped"), wrong + signals, ("", "←", "")),
        planes.Row(t("As it should be"), right),
    ]


#: Planes of the two rows, as they are counted in the picture of the stamps.
X, W, Z, G, STAMP, BACK = range(6)


def stamps(arrays: Arrays, geometry: ConvGeometry, at: back_views.Chosen) -> motion.Motion | None:
    """The stamps fall one after the other and add up; each cell of what comes back with the stamps that made it.

    Args:
      arrays: of the state.
      geometry: how the kernel slides.
      at: the chosen cells, the way back and its view.

    Returns:
      None where no stamps are shown, or not those of the adjoint.
    """
    if at.way != "adjoint" or at.view != "stamp" or arrays.x.shape[3] > 1:
        return None
    size, kernel_size = arrays.sizes
    w, g, returned = arrays.w[:, :, 0, 0], plane(arrays.g), plane(arrays.back)
    sums, scale = np.zeros(size), float(np.abs(returned).max()) or 1.0
    arriving: dict[Cell, list[motion.Term]] = {cell: [] for cell in np.ndindex(*size)}
    falling: list[motion.Step] = []
    silent: list[motion.Step] = []
    for u, v in np.ndindex(*g.shape):
        terms, sets, marks = [], [], [("chosen", (Z, u, v)), ("chosen", (G, u, v))]
        for tap in window((u, v), kernel_size, geometry, size):
            factors = (("kernel", float(w[tap.kernel])), ("output", float(g[u, v])))
            terms.append(motion.Term(factors, ((STAMP, *tap.kernel), (BACK, *tap.input))))
            marks += [("frame", (X, *tap.input))]
            if tap.input in arriving:
                arriving[tap.input].append(motion.Term(factors, ((STAMP, *tap.kernel), (G, u, v))))
                sums[tap.input] += w[tap.kernel] * g[u, v]
                value = float(sums[tap.input])
                sets.append(((BACK, *tap.input), value, value / scale))
        name, also = ("w g", f"{u},{v}"), [(Z, u, v)]
        step = motion.Step(
            (G, u, v), name, "input", terms, None, join=", ", closing="", also=also, marks=marks, sets=sets
        )
        (falling if g[u, v] else silent).append(step)
    made = [
        motion.Step(
            (BACK, *cell),
            ("(Aᵀg)", f"{cell[0]},{cell[1]}"),
            "input",
            terms,
            float(returned[cell]),
            closing=" = " if terms else "",
        )
        for cell, terms in arriving.items()
    ]
    steps = [*falling, *silent, *made]
    chosen = {(G, *at.cell), (BACK, *at.back)}
    return motion.Motion(
        steps,
        len(falling),
        t("Point at a cell of g to see its stamp, at a cell of what comes back to see what adds up there, or play."),
        rest=[n for n, step in enumerate(steps) if step.at in chosen],
        empty={BACK: "0"},
        over=[BACK],
        falls=True,
    )


def forward_formula() -> str:
    """The convolution, in symbols."""
    z, w, x = (
        formula.coloured(*pair)
        for pair in (("output", "z_{u,v}"), ("kernel", "w_{i,j}"), ("input", "x_{su+di-p,\\;sv+dj-p}"))
    )
    return rf"{z} = \sum_{{i,j}} {w}\, {x}"


def backward_formula() -> str:
    """The adjoint, in symbols."""
    a, w, g = (
        formula.coloured(*pair)
        for pair in (("input", "(A^\\top g)_{r,c}"), ("kernel", "w_{i,j}"), ("output", "g_{u,v}"))
    )
    return rf"{a} = \sum_{{\substack{{su+di-p=r\\ sv+dj-p=c}}}} {w}\, {g}"


def forward_sum(arrays: Arrays, geometry: ConvGeometry, cell: Cell) -> str:
    """The products of the chosen window, a line for each kernel row."""
    size, kernel_size = arrays.sizes
    taps = window(cell, kernel_size, geometry, size)
    x, w, z = plane(arrays.x), arrays.w[:, :, 0, 0], plane(arrays.z)
    lines: list[list[tuple[str, str]]] = [[] for _ in range(kernel_size[0])]
    for tap in taps:
        (r, c), inside = tap.input, 0 <= tap.input[0] < size[0] and 0 <= tap.input[1] < size[1]
        pair = ("kernel", formula.value(w[tap.kernel])), ("input", formula.value(x[r, c] if inside else 0))
        lines[tap.kernel[0]].append((formula.coloured(*pair[0]), formula.coloured(*pair[1])))
    left = formula.coloured("output", f"z_{{{cell[0]},{cell[1]}}}")
    return formula.total(left, lines, formula.coloured("output", formula.value(z[cell], alone=True)))


def backward_sum(arrays: Arrays, geometry: ConvGeometry, back: Cell) -> str:
    """The products that add up in the chosen cell of what came back, a line for each output row."""
    size, kernel_size = arrays.sizes
    w, g, returned = arrays.w[:, :, 0, 0], plane(arrays.g), plane(arrays.back)
    lines: dict[int, list[tuple[str, str]]] = {}
    for tap in reaching(back, kernel_size, geometry, size):
        pair = ("kernel", formula.value(w[tap.kernel])), ("output", formula.value(g[tap.output]))
        lines.setdefault(tap.output[0], []).append((formula.coloured(*pair[0]), formula.coloured(*pair[1])))
    left = formula.coloured("input", rf"(A^\top g)_{{{back[0]},{back[1]}}}")
    return formula.total(
        left, list(lines.values()), formula.coloured("input", formula.value(returned[back], alone=True))
    )


def fitting(state: S, default: S, kernel_size: Cell) -> S:
    """The state with its cells inside the planes; where the kernel does not fit, a sentence and the last good state.

    Args:
      state: chosen controls.
      default: what to show if nothing fitted yet.
      kernel_size: (height, width) of the chosen kernel.
    """
    try:
        size = state.geometry.output_size(SIZE, kernel_size)
    except GeometryError:
        st.error(
            t(
                "Spread by the dilation the kernel spans {spans} rows, but the padded picture has {rows}: add padding "
                "or lower the dilation. Below is the last picture that worked.",
                spans=state.geometry.extent(kernel_size)[0],
                rows=SIZE[0] + 2 * state.padding,
            )
        )
        return remembered("convolution", default)
    cells = {"cell": nearest(state.cell, size), "back": nearest(state.back, SIZE)}
    return remember("convolution", replace(state, **cells))
