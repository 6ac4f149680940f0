"""The picture of max pooling and the way back: arrows from each maximum, arrows to where its value lands."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st

from lessons._kit.draw import formula, motion, planes
from lessons._kit.form.controls import url_text
from lessons._kit.form.i18n import mark, t
from lessons._kit.numbers import toy_arrays
from lessons._kit.numbers.toy_arrays import plane
from lessons.pooling import unpool_variants
from lessons.pooling.unpool_variants import Cell, Pooling

#: Name in the URL -> (name on screen, rows): like `toy_arrays.PICTURES`, for the maxima.
PICTURES: dict[str, tuple[str, list[list[int]]]] = {
    "hills": (
        mark("hills"),
        [
            [1, 2, 0, 3, 1, 0, 2],
            [2, 6, 3, 1, 0, 4, 1],
            [0, 3, 9, 2, 5, 1, 0],
            [1, 0, 2, 4, 1, 7, 3],
            [5, 1, 0, 1, 8, 2, 1],
            [2, 3, 1, 6, 2, 0, 4],
        ],
    ),
    "corner": toy_arrays.PICTURES["corner"],
    "flat": toy_arrays.PICTURES["flat"],
    "peak": (mark("one peak"), [[9 if (r, c) == (2, 2) else 1 for c in range(7)] for r in range(6)]),
}
#: Of the tint of switches: they are places, no strengths, so they stay pale.
SWITCH_SCALE = 1000.0
_DIGITS = re.compile(r"[0-9]{42}")


def picture(name: str, digits: str) -> np.ndarray:
    """A picture as (1, 6, 7, 1) float32; "own" is made of the digits, row by row (the hills if there are not 42).

    >>> picture("own", "5" * 42).max(), picture("own", "5").max()
    (np.float32(5.0), np.float32(9.0))
    """
    if name == "own" and _DIGITS.fullmatch(digits):
        rows = np.array([int(digit) for digit in digits]).reshape(toy_arrays.SIZE)
    else:
        rows = np.array(PICTURES.get(name, PICTURES["hills"])[1])
    return rows.astype(np.float32)[None, :, :, None]


def url_digits(key: str) -> str:
    """The digits of the person's own picture, as the URL holds them under ``?key=``."""
    return url_text(key)


def raised(x: np.ndarray, cell: Cell) -> str:
    """The digits of a picture with one cell raised by one; 9 becomes 0.

    >>> raised(picture("own", "9" * 42), (0, 1))[:3]
    '909'
    """
    whole = plane(x).astype(int)
    whole[cell] = (whole[cell] + 1) % 10
    return "".join(str(digit) for digit in whole.ravel())


@dataclass(frozen=True, eq=False)
class Arrays:
    """What is on screen: what was pooled, the way back, the signal g = y, and what came back (1, H, W, 1)."""

    pooling: Pooling
    way: str
    back: np.ndarray

    @property
    def y(self) -> np.ndarray:
        """The maxima, (H', W')."""
        return plane(self.pooling.pooled[0])

    @property
    def switches(self) -> np.ndarray:
        """Their flat indices, (H', W')."""
        return plane(self.pooling.pooled[1])

    @property
    def used(self) -> np.ndarray | None:
        """The places that the way back uses, (H', W'); None if it fills windows instead."""
        if self.way not in unpool_variants.SWITCHES:
            return None
        return plane(unpool_variants.SWITCHES[self.way](self.pooling))


def draw(arrays: Arrays, cell: Cell, back: Cell) -> None:
    """Planes with arrows, and both sums.

    Args:
      arrays: of the state.
      cell: chosen window: framed in the picture, its arrow is the thick one.
      back: chosen cell of what came back: the windows whose value arrives there are dashed.
    """
    words = {"row": t("row"), "column": t("column")}

    def picked(name: str, where: Cell) -> None:
        if name == "x":
            st.session_state.update(digits=raised(np.asarray(arrays.pooling.x), where), picture="own")
        else:
            st.session_state[name] = f"{where[0]},{where[1]}"

    planes.show(rows(arrays, cell, back), "planes", words, picked, motion.message(moving(arrays, cell, back)))
    left, right = st.columns(2)
    with left:
        st.latex(forward_line(arrays, cell))
    with right:
        st.latex(backward_line(arrays, back))


def rows(arrays: Arrays, cell: Cell, back: Cell) -> list[planes.Row]:
    """The two rows of planes, with their arrows."""
    frame = arrays.pooling.cells(cell)
    reaching = [window for window, _ in unpool_variants.arriving(arrays.way, arrays.pooling, back)]
    x, y, returned = plane(arrays.pooling.x), arrays.y, plane(arrays.back)
    pads = arrays.pooling.pads
    there = [
        planes.Plane(
            t("input x, {size}", size=_size(x)),
            x,
            "input",
            pads,
            cut=True,
            frame=frame,
            chosen=_place(arrays.switches, cell),
            pick="x",
        ),
        planes.Plane(t("maxima y, {size}", size=_size(y)), y, "output", chosen=cell, pick="cell", part="maxima"),
        planes.Plane(
            t("switches s"), arrays.switches, "kernel", scale=SWITCH_SCALE, chosen=cell, pick="cell", part="switches"
        ),
    ]
    here = [
        planes.Plane(t("signal g = y"), y, "output", touched=reaching, chosen=cell, pick="cell"),
        planes.Plane(
            t("what comes back, {size}", size=_size(returned)),
            returned,
            "input",
            pads,
            cut=True,
            frame=frame,
            chosen=back,
            pick="back",
            part="back",
            scale=float(x.max()) or None,
        ),
    ]
    windows = list(np.ndindex(*y.shape))
    up = [planes.Arrow(0, _place(arrays.switches, w), 1, w, w == cell) for w in windows]
    down = [] if arrays.used is None else [planes.Arrow(0, w, 1, _place(arrays.used, w), w == cell) for w in windows]
    return [
        planes.Row(t("Forward: each window keeps its maximum and remembers where it stood"), there, arrows=up),
        planes.Row(
            t("Backward: {way}", way=t(unpool_variants.VARIANTS[arrays.way][0])), here, backward=True, arrows=down
        ),
    ]


#: Planes of the two rows, as they are counted in `moving`.
X, Y, S, G, BACK = range(5)


def moving(arrays: Arrays, cell: Cell, back: Cell) -> motion.Motion:
    """The maxima run up their arrows one after the other, then down again; both ends of an arrow light up together.

    Args:
      arrays: of the state.
      cell: chosen window.
      back: chosen cell of what came back.
    """
    x, y, returned = plane(arrays.pooling.x), arrays.y, plane(arrays.back)
    windows = [(i, j) for i, j in np.ndindex(*y.shape)]
    shares = unpool_variants.shares(arrays.way, arrays.pooling)
    landing = {w: [(r, c) for r, c in np.ndindex(*x.shape) if shares[w][r, c]] for w in windows}
    has_arrows = arrays.used is not None
    up, down, sums = [], [], np.zeros(x.shape)
    for n, w in enumerate(windows):
        top, own = float(y[w]), _place(arrays.switches, w)
        inside = [at for at in arrays.pooling.cells(w) if 0 <= at[0] < x.shape[0] and 0 <= at[1] < x.shape[1]]
        ends = [("chosen", at) for at in ((X, *own), (Y, *w), (S, *w), (G, *w), *((BACK, *at) for at in landing[w]))]
        ends = ends if has_arrows else ends[:4]
        held = [((Y, *w), top, _tint(top, y)), ((G, *w), top, _tint(top, y))]
        held.append(((S, *w), float(arrays.switches[w]), float(arrays.switches[w]) / SWITCH_SCALE))
        up.append(
            motion.Step(
                (Y, *w),
                ("y", f"{w[0]},{w[1]}"),
                "output",
                [motion.Term((("input", float(x[at])),), ((X, *at),)) for at in inside],
                top,
                "max{",
                ", ",
                "} = ",
                also=[(S, *w)],
                marks=ends,
                sets=held,
                strong=[n, n],
                until=[n, -1],
            )
        )
        put = shares[w] * top
        sums = np.where(shares[w] != 0, put, sums) if arrays.way == "overwrite" else sums + put
        lands = [motion.Term((("output", float(put[at])),), ((BACK, *at),)) for at in landing[w]]
        places = ", ".join(f"u {r},{c}" for r, c in landing[w]) if has_arrows else "u"
        down.append(
            motion.Step(
                (G, *w),
                ("g", f"{w[0]},{w[1]}"),
                "output",
                lands,
                None,
                join=", ",
                closing=f" → {places}",
                marks=ends,
                sets=[((BACK, *at), float(sums[at]), _tint(float(sums[at]), x)) for at in landing[w]],
                strong=[n, n],
                until=[len(windows) - 1, n],
            )
        )
    made = [
        _sum_step(arrays, at, [w for w in windows if shares[w][at]], float(returned[at]), windows, shares)
        for at in ((r, c) for r, c in np.ndindex(*x.shape))
    ]
    steps = [*up, *down, *made]
    chosen = {(Y, *cell), (BACK, *back)}
    return motion.Motion(
        steps,
        2 * len(windows),
        t("Point at a maximum or at a cell of what comes back to see both ends of its arrow, or play."),
        rest=[n for n, step in enumerate(steps) if step.at in chosen],
        empty={Y: "", S: "", G: "", BACK: "0"},
        over=[X],
    )


def _sum_step(
    arrays: Arrays,
    at: Cell,
    arriving: list[Cell],
    value: float,
    windows: list[Cell],
    shares: dict[Cell, np.ndarray],
) -> motion.Step:
    """What arrives at one cell of what comes back."""
    arriving = arriving[-1:] if arrays.way == "overwrite" else arriving
    terms = []
    for w in arriving:
        share, g = float(shares[w][at]), ("output", float(arrays.y[w]))
        terms.append(motion.Term((g,) if share == 1 else (("", share), g), ((G, *w),)))
    arrow = windows.index(arriving[0]) if arriving and arrays.used is not None else -1
    end = [] if arrow < 0 else [("chosen", (X, *_place(arrays.switches, arriving[0])))]
    return motion.Step(
        (BACK, *at),
        ("u", f"{at[0]},{at[1]}"),
        "input",
        terms,
        value,
        closing=" = " if terms else "",
        marks=end,
        strong=[arrow, arrow],
    )


def _tint(value: float, array: np.ndarray) -> float:
    return value / (float(np.abs(array).max()) or 1.0)


def _place(switches: np.ndarray, window: Sequence[int]) -> Cell:
    """(row, column) of a window's switch."""
    row, column = divmod(int(switches[tuple(window)]), toy_arrays.SIZE[1])
    return row, column


def _size(array: np.ndarray) -> str:
    return f"{array.shape[0]} × {array.shape[1]}"


def forward_formula() -> str:
    """Max pooling with its switches, in symbols."""
    y, s = formula.coloured("output", "y_{i,j}"), formula.coloured("kernel", "s_{i,j}")
    x = formula.coloured("input", "x_{r,c}")
    return rf"{y} = \max_{{(r,c) \in F_{{i,j}}}} {x}, \qquad {s} = W r + c"


def forward_line(arrays: Arrays, cell: Cell) -> str:
    """The chosen window with its numbers."""
    x, (height, width) = plane(arrays.pooling.x), toy_arrays.SIZE
    inside = [(r, c) for r, c in arrays.pooling.cells(cell) if 0 <= r < height and 0 <= c < width]
    values = formula.coloured("input", ", ".join(formula.value(x[at], alone=True) for at in inside))
    row, column = _place(arrays.switches, cell)
    name = f"{{{cell[0]},{cell[1]}}}"
    y = formula.coloured("output", f"y_{name}"), formula.coloured("output", formula.value(arrays.y[cell], alone=True))
    s = formula.coloured("kernel", f"s_{name}"), formula.coloured("kernel", str(width * row + column))
    return (
        rf"\begin{{aligned}} {y[0]} =\;&\max\{{{values}\}} = {y[1]} \\ "
        rf"{s[0]} =\;&{width} \cdot {row} + {column} = {s[1]} \end{{aligned}}"
    )


def backward_formula(way: str) -> str:
    """The way back, in symbols."""
    u, g, s = (formula.coloured(*pair) for pair in (("input", "u_{r,c}"), ("output", "g_{i,j}"), ("kernel", "s_{i,j}")))
    if way in ("nearest", "bilinear"):
        return rf"{u} = \sum_{{i,j}} R_{{r,i}}\, C_{{c,j}}\, {g}"
    if way == "overwrite":
        return rf"{u} \leftarrow {g} \quad ({s} = W r + c)"
    return rf"{u} = \sum_{{{s} = W r + c}} {g}"


def backward_line(arrays: Arrays, back: Cell) -> str:
    """The values that arrive at the chosen cell."""
    terms = []
    for window, weight in unpool_variants.arriving(arrays.way, arrays.pooling, back):
        value = formula.coloured("output", formula.value(arrays.y[window]))
        terms.append(value if weight == 1 else rf"{formula.value(weight)} \cdot {value}")
    left = formula.coloured("input", f"u_{{{back[0]},{back[1]}}}")
    result = formula.coloured("input", formula.value(plane(arrays.back)[back], alone=True))
    return rf"{left} = {' + '.join(terms)} = {result}" if terms else rf"{left} = {result}"
