"""The picture of a convolution and the way back: window above, stamp below, and both sums written out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Protocol, TypeVar

import numpy as np
import streamlit as st

from deconvviz.errors import GeometryError
from deconvviz.ops import ConvGeometry
from lessons._kit import formula, planes, walk
from lessons._kit.controls import nearest, remember, remembered
from lessons._kit.i18n import t
from lessons._kit.small import SIZE, plane

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
    """What is on screen: z = A x, and back, which returned from the signal g. NHWC, the kernel w HWIO; one channel."""

    x: np.ndarray
    w: np.ndarray
    z: np.ndarray
    g: np.ndarray
    back: np.ndarray

    @property
    def sizes(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """(height, width) of the input and of the kernel."""
        return (self.x.shape[1], self.x.shape[2]), (self.w.shape[0], self.w.shape[1])


def draw(arrays: Arrays, geometry: ConvGeometry, cell: Cell, back: Cell, way: str) -> None:
    """Planes and sums.

    Args:
      arrays: of the state.
      geometry: how the kernel slides.
      cell: chosen output cell: its window is framed above, its stamp below.
      back: chosen cell of the plane that came back: the output cells that reach it are framed.
      way: "adjoint", or the name of a wrong way.
    """
    words = {"row": t("row"), "column": t("column")}
    planes.show(rows(arrays, geometry, cell, back, way), "planes", words, _picked)
    st.markdown(
        t(
            "Choose a cell of **z** or **g**: the solid frame is its window above and its stamp below. "
            "Choose a cell of what comes back: the dashed cells of **g** reach it. Arrow keys and Enter work too."
        )
    )
    left, right = st.columns(2)
    with left:
        st.latex(forward_formula())
        st.latex(forward_sum(arrays, geometry, cell))
    with right:
        st.latex(backward_formula())
        if way == "adjoint":
            st.latex(backward_sum(arrays, geometry, back))
        else:
            st.markdown(t("The sum is written out for the adjoint only: this way back does not follow the formula."))


def _picked(name: str, cell: Cell) -> None:
    st.session_state[name] = f"{cell[0]},{cell[1]}"


def rows(arrays: Arrays, geometry: ConvGeometry, cell: Cell, back: Cell, way: str) -> list[planes.Row]:
    """The two rows of planes."""
    size, kernel_size = arrays.sizes
    pads = geometry.resolve(size, kernel_size)
    taps = [tap.input for tap in walk.window(cell, kernel_size, geometry, size)]
    reaching = {tap.output for tap in walk.reaching(back, kernel_size, geometry, size)}
    x, w, z, g, returned = (
        plane(a) for a in (arrays.x, arrays.w.transpose(2, 0, 1, 3), arrays.z, arrays.g, arrays.back)
    )
    stamp = w[::-1, ::-1] if way == "turned" else w
    there = [
        planes.Plane(t("input x, {size}", size=_size(x)), x, "input", pads, frame=taps),
        planes.Plane(t("kernel w"), w, "kernel"),
        planes.Plane(t("output z = A x, {size}", size=_size(z)), z, "output", chosen=cell, pick="cell"),
    ]
    fits = returned.shape == size
    here = [
        planes.Plane(t("signal g, {size}", size=_size(g)), g, "output", touched=reaching, chosen=cell, pick="cell"),
        planes.Plane(t("kernel w"), stamp, "kernel"),
        planes.Plane(
            t("what comes back, {size}", size=_size(returned)),
            returned,
            "input",
            pads if fits else ((0, 0), (0, 0)),
            cut=True,
            frame=taps if fits else (),
            chosen=back if fits else None,
            pick="back" if fits else "",
        ),
    ]
    return [
        planes.Row(t("There: each output cell reads a window"), there, ("∗", "=")),
        planes.Row(t("Back: each output cell lays down a stamp"), here, ("×", "="), backward=True),
    ]


def _size(array: np.ndarray) -> str:
    return f"{array.shape[0]} × {array.shape[1]}"


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
    taps = walk.window(cell, kernel_size, geometry, size)
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
    for tap in walk.reaching(back, kernel_size, geometry, size):
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
