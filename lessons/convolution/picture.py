"""The picture of the first lesson: cells to type over, a window, its products, their sum, and the same in symbols."""

from __future__ import annotations

from typing import Any

import numpy as np

from lessons._kit.draw import formula
from lessons._kit.draw.motion import Motion, Step, Term
from lessons._kit.draw.planes import number
from lessons._kit.form.i18n import t
from lessons.convolution import sums
from lessons.convolution.cells import Grid, Line
from lessons.convolution.sums import Arrays, Cell
from lessons.convolution.values import CHANNELS

#: How many rows come out of H rows; columns alike.
SIZE = r"H' = \left\lfloor \frac{H + 2p - (k-1)d - 1}{s} \right\rfloor + 1"
#: Rows and columns of a kernel whose products are all written out.
MOST = 4


def named(name: str, arrays: Arrays, channel: int) -> str:
    """A name, with the channel where there are three."""
    return name if arrays.x.shape[3] == 1 else t("{what}, {which}", what=name, which=t(CHANNELS[channel]))


def _size(size: tuple[int, ...]) -> str:
    return f"{size[0]} × {size[1]}"


def _aligned(lines: list[str]) -> str:
    return r"\begin{aligned} " + r" \\ ".join(lines) + r" \end{aligned}"


def inputs(arrays: Arrays, cell: Cell) -> list[Line]:
    """Picture and kernel of each channel; both can be typed over."""
    rows, columns = sums.places(arrays, cell)
    frame = [(int(r), int(c)) for r in rows for c in columns]
    pads = arrays.geometry.resolve(arrays.size, arrays.kernel_size)
    lines = []
    for channel in range(arrays.x.shape[3]):
        title = named(t("input x, {size}", size=_size(arrays.size)), arrays, channel)
        x = Grid(title, arrays.x[0, :, :, channel], "input", pads, frame=frame, edit="x", channel=channel)
        lines.append(Line([x, kernel(arrays, channel)], ("∗",)))
    return lines


def kernel(arrays: Arrays, channel: int = 0) -> Grid:
    """The kernel as it is written; it can be typed over."""
    title = named(t("kernel w"), arrays, channel)
    return Grid(title, arrays.given[:, :, channel, 0], "kernel", edit="w", channel=channel)


def output(arrays: Arrays, cell: Cell) -> Grid:
    """The plane that comes out; its cells can be chosen."""
    z = arrays.z[0, :, :, 0]
    return Grid(t("output z, {size}", size=_size(z.shape)), z, "output", chosen=cell, pick="cell")


def tracer(arrays: Arrays, cell: Cell, tap: Cell, typed: bool = False) -> Line:
    """From the window to the sum: window times kernel for one channel, the products of each channel for three.

    Args:
      arrays: of the state.
      cell: chosen output cell.
      tap: chosen tap of the kernel.
      typed: the kernel here can be typed over, because it is nowhere else.
    """
    rows, columns = sums.places(arrays, cell)
    at: dict[str, Any] = {"rows": rows.tolist(), "columns": columns.tolist()}
    chosen: dict[str, Any] = {"chosen": tap, "pick": "tap"}
    made = sums.products(arrays, cell)
    answer = arrays.z[0, cell[0] : cell[0] + 1, cell[1] : cell[1] + 1, 0]
    largest = float(np.abs(arrays.z).max()) or 1.0
    last = Grid(t("z"), answer, "output", rows=[cell[0]], columns=[cell[1]], scale=largest, part="sum")
    if arrays.x.shape[3] == 3:
        grids = []
        for channel in range(3):
            title = f"{t(CHANNELS[channel])}: Σ {number(made[:, :, channel].sum())}"
            grids.append(Grid(title, made[:, :, channel], "output", part="products", **chosen))
        title = t("One output cell: the products of each channel, and the sum of all")
        return Line([*grids, last], ("+", "+", "="), title)
    read = Grid(t("window of x"), sums.window(arrays, cell)[:, :, 0], "input", **at, **chosen)
    name = t("kernel w, turned") if arrays.turned else t("kernel w")
    used = kernel(arrays) if typed and not arrays.turned else Grid(name, arrays.w[:, :, 0, 0], "kernel", **chosen)
    total = t("products: Σ {sum}", sum=number(made.sum()))
    product = Grid(total, made[:, :, 0], "output", part="products", **chosen)
    title = t("One output cell: the window times the kernel, added up")
    if typed and arrays.turned:
        return Line([kernel(arrays), used, read, product, last], ("↻", "×", "=", "→"), title)
    return Line([read, used, product, last], ("×", "=", "→"), title)


def motion(arrays: Arrays, cell: Cell) -> Motion:
    """The kernel slides over the picture, and the output fills; each output cell with its sum.

    Args:
      arrays: of the state, numbers shown.
      cell: chosen output cell.
    """
    depth, z = arrays.x.shape[3], arrays.z[0, :, :, 0]
    largest = float(np.abs(z).max()) or 1.0
    steps = []
    for u, v in np.ndindex(*z.shape):
        at = (2 * depth, u, v)
        value = float(z[u, v])
        name = ("z", f"{u},{v}")
        steps.append(Step(at, name, "output", _terms(arrays, (u, v)), value, sets=[(at, value, value / largest)]))
    return Motion(
        steps,
        len(steps),
        t("Point at a cell of z to see its window and its sum, or play."),
        rest=[cell[0] * z.shape[1] + cell[1]],
        empty={2 * depth: ""},
        over=range(0, 2 * depth, 2),
    )


def _terms(arrays: Arrays, cell: Cell) -> list[Term]:
    """What is added up in an output cell, as `whole_sum` writes it: products, or sums of a channel or a kernel row."""
    (rows, columns), (kh, kw) = sums.places(arrays, cell), arrays.kernel_size
    read, made = sums.window(arrays, cell), sums.products(arrays, cell)

    def cells(i: int, j: int, c: int) -> tuple[tuple[int, int, int], ...]:
        tap = (kh - 1 - i, kw - 1 - j) if arrays.turned else (i, j)
        return (2 * c, int(rows[i]), int(columns[j])), (2 * c + 1, *tap)

    if made.shape[2] == 1 and max(kh, kw) <= MOST:
        return [
            Term((("kernel", float(arrays.w[i, j, 0, 0])), ("input", float(read[i, j, 0]))), cells(i, j, 0))
            for i, j in np.ndindex(kh, kw)
        ]
    axis = 2 if made.shape[2] == 3 else 0
    return [
        Term(
            (("", float(made.take(n, axis).sum())),),
            tuple(at for place in np.ndindex(*made.shape) if place[axis] == n for at in cells(*place)),
        )
        for n in range(made.shape[axis])
    ]


def symbols(arrays: Arrays) -> str:
    """The convolution, in symbols."""
    many = arrays.x.shape[3] == 3
    index = "k_h-1-i,\\;k_w-1-j" if arrays.turned else "i,j"
    c = ",\\;c" if many else ""
    z = formula.coloured("output", "z_{u,v}")
    w = formula.coloured("kernel", f"w_{{{index}{c}}}")
    x = formula.coloured("input", f"x_{{su+di-p,\\;sv+dj-p{c}}}")
    return rf"{z} = \sum_{{i,j{',c' if many else ''}}} {w}\, {x}"


def sizes(arrays: Arrays) -> str:
    """The size of the output, with the numbers in it."""
    (s, _), (d, _) = arrays.geometry.strides, arrays.geometry.dilations
    (p, _), _ = arrays.geometry.resolve(arrays.size, arrays.kernel_size)
    lines = []
    for name, n, k, out in zip(("H'", "W'"), arrays.size, arrays.kernel_size, arrays.z.shape[1:3], strict=True):
        top = rf"{n} + 2\cdot {p} - {k - 1}\cdot {d} - 1"
        lines.append(rf"{name} &= \left\lfloor \frac{{{top}}}{{{s}}} \right\rfloor + 1 = {out}")
    return _aligned(lines)


def one_product(arrays: Arrays, cell: Cell, tap: Cell) -> str:
    """The single products of the chosen tap, one a channel."""
    rows, columns = sums.places(arrays, cell)
    read, made = sums.window(arrays, cell), sums.products(arrays, cell)
    many = arrays.x.shape[3] == 3
    where = tuple(n - 1 - i for n, i in zip(arrays.kernel_size, tap, strict=True)) if arrays.turned else tap
    lines = []
    for c in range(arrays.x.shape[3]):
        tail = f",{c}" if many else ""
        w = formula.coloured("kernel", f"w_{{{where[0]},{where[1]}{tail}}}")
        x = formula.coloured("input", f"x_{{{rows[tap[0]]},{columns[tap[1]]}{tail}}}")
        weight = formula.coloured("kernel", formula.value(arrays.w[(*tap, c, 0)]))
        value = formula.coloured("input", formula.value(read[(*tap, c)]))
        lines.append(rf"{w}\, {x} &= {weight} \cdot {value} = {formula.value(made[(*tap, c)], alone=True)}")
    return _aligned(lines)


def whole_sum(arrays: Arrays, cell: Cell) -> str:
    """The chosen output cell with all its products; the sums of channels, or of kernel rows, where those are many."""
    z = formula.coloured("output", f"z_{{{cell[0]},{cell[1]}}}")
    answer = formula.coloured("output", formula.value(arrays.z[0, cell[0], cell[1], 0], alone=True))
    made = sums.products(arrays, cell)
    if made.shape[2] == 3 or max(made.shape) > MOST:
        parts = made.sum(axis=(0, 1) if made.shape[2] == 3 else (1, 2))
        return rf"{z} = {' + '.join(formula.value(part) for part in parts)} = {answer}"
    read, w = sums.window(arrays, cell)[:, :, 0], arrays.w[:, :, 0, 0]
    lines = [
        [
            (formula.coloured("kernel", formula.value(weight)), formula.coloured("input", formula.value(value)))
            for weight, value in zip(weights, values, strict=True)
        ]
        for weights, values in zip(w, read, strict=True)
    ]
    return formula.total(z, lines, answer)
