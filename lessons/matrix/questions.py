"""Questions about a convolution as a matrix; right answers are read from matrices that were really made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from deconvviz.ops import ConvGeometry, conv_map
from lessons._kit.draw import planes
from lessons._kit.form.exercise import CLICK, Maker, Question, by_clicking, question
from lessons._kit.form.i18n import mark, t

Cell = tuple[int, int]


@dataclass(frozen=True)
class Setting:
    """The numbers of one question."""

    size: Cell
    kernel: Cell
    stride: int
    padding: int

    @property
    def geometry(self) -> ConvGeometry:
        """How the kernel slides."""
        return ConvGeometry(self.stride, self.padding)

    @property
    def outputs(self) -> Cell:
        """(rows, columns) of z."""
        rows, columns = self.geometry.output_size(self.size, self.kernel)
        return rows, columns

    @property
    def marked(self) -> np.ndarray:
        """A with the number of the weight, 1 to kh kw, in the place of each weight."""
        numbers = np.arange(1, 1 + self.kernel[0] * self.kernel[1], dtype=np.float32).reshape(*self.kernel, 1, 1)
        return conv_map(numbers, self.geometry, self.size).dense()

    def number(self, tap: Cell) -> int:
        """Of a weight, in `marked`."""
        return 1 + tap[0] * self.kernel[1] + tap[1]

    @property
    def text(self) -> str:
        """The setting in words."""
        (h, w), (kh, kw) = self.size, self.kernel
        return t(
            "A picture of {h} × {w}, a kernel of {kh} × {kw}, stride {s}, padding {p}.",
            h=h,
            w=w,
            kh=kh,
            kw=kw,
            s=self.stride,
            p=self.padding,
        )


def _draw(seed: int, wanted: Callable[[Setting], bool]) -> tuple[Setting, np.random.Generator]:
    """A setting of the seed that is wanted, its sizes all different, and the random numbers that follow."""
    random = np.random.default_rng(seed)
    while True:
        h, w, kh, kw, s, p = (
            int(random.integers(low, high)) for low, high in ((4, 7), (4, 8), (2, 4), (2, 4), (1, 3), (0, 2))
        )
        setting = Setting((h, w), (kh, kw), s, p)
        if h != w and kh != kw and wanted(setting):
            return setting, random


def shape(seed: int) -> Question:
    """How many rows and columns has A?"""
    q, _ = _draw(9000 + seed, lambda q: q.padding == 1 and q.outputs != q.size and q.outputs[0] != q.outputs[1])
    rows, columns = q.marked.shape
    answer = (rows, columns)
    (h, w), (out_h, out_w) = q.size, q.outputs
    bare = Setting(q.size, q.kernel, q.stride, 0).outputs
    return question(
        prompt=f"{q.text} **{t('How many rows and how many columns does A have?')}**",
        fields=(t("rows"), t("columns")),
        answer=answer,
        wrong=[
            ((columns, rows), t("Rows and columns are swapped: A x must have one number for each output cell.")),
            (
                (rows, (h + 2 * q.padding) * (w + 2 * q.padding)),
                t("The padding is no input: A has no columns for cells that are always zero."),
            ),
            (
                (bare[0] * bare[1], columns),
                t("Without the padding z would have that size; the padding makes it larger."),
            ),
            ((out_h, h), t("Those are the rows of z and of x. A has one row and one column for each cell.")),
            (
                (q.kernel[0] * q.kernel[1], columns),
                t("That is one row for each weight; A has one for each output cell."),
            ),
            ((columns, columns), t("A is square only where z is as large as x.")),
        ],
        hint=t("First find the size of z. Then unroll: one row for each cell of z, one column for each cell of x."),
        worked=rf"{out_h} \cdot {out_w} = {rows}, \qquad {h} \cdot {w} = {columns}",
    )


def repetitions(seed: int) -> Question:
    """How often does a weight stand in A?"""

    def missed(q: Setting) -> bool:
        return q.padding == 1 and int((q.marked == 1).sum()) < q.outputs[0] * q.outputs[1]

    q, _ = _draw(9100 + seed, missed)
    a = q.marked
    count = int((a == 1).sum())
    answer = (count,)
    places = np.argwhere(a == 1)
    down = len({int(row) // q.outputs[1] for row, _ in places})
    across = count // down
    (out_h, out_w), (h, w) = q.outputs, q.size
    return question(
        prompt=f"{q.text} **{t('How often does the weight w at 0, 0 appear in A?')}**",
        fields=(t("times"),),
        answer=answer,
        wrong=[
            (out_h * out_w, t("In the first windows this weight falls on the padding, which has no column in A.")),
            (h * w, t("That is the number of columns; the weight is used at most once for each output cell.")),
            (1, t("It is stored once, but used in many windows.")),
            (down, t("That is how many rows of z use it; each has several columns.")),
            (across, t("That is how many columns of z use it; there are several rows.")),
            (q.kernel[0] * q.kernel[1], t("That is how many weights the kernel has.")),
            (out_h * across, t("The padding above was forgotten.")),
            (down * out_w, t("The padding at the left was forgotten.")),
        ],
        hint=t("Count the windows whose first cell lies on the picture: along the rows, along the columns, multiply."),
        worked=rf"{down} \cdot {across} = {count}",
    )


#: Sizes of a picture and a kernel whose matrix has 15 columns: a telephone shows no more.
SMALL = (((3, 5), (2, 3)), ((3, 5), (2, 2)), ((5, 3), (3, 2)), ((5, 3), (2, 2)))


def place(seed: int) -> Question:
    """Where in A does a weight meet an input cell?"""
    random = np.random.default_rng(9200 + seed)
    size, kernel = SMALL[int(random.integers(len(SMALL)))]
    q = Setting(size, kernel, 1, 0)
    marked = q.marked
    a = (marked > 0).astype(float)
    u, v = (int(random.integers(0, n)) for n in q.outputs)
    i, j = (int(random.integers(0, n)) for n in q.kernel)
    row = u * q.outputs[1] + v
    column = int(np.flatnonzero(marked[row] == q.number((i, j)))[0])
    width = q.size[1]

    def why(given: tuple[int, int]) -> str:
        out = divmod(given[0], q.outputs[1])
        read = divmod(given[1], width)
        if marked[given] == 0:
            return t(
                "That entry is 0: output cell {u}, {v} does not read input cell {r}, {c}.",
                u=out[0], v=out[1], r=read[0], c=read[1],
            )  # fmt: skip
        tap = divmod(int(marked[given]) - 1, q.kernel[1])
        return t(
            "There output cell {u}, {v} reads input cell {r}, {c} with the weight at {i}, {j}.",
            u=out[0], v=out[1], r=read[0], c=read[1], i=tap[0], j=tap[1],
        )  # fmt: skip

    shown = planes.Plane(t("A: 1 where a weight stands"), a, "kernel", pick=CLICK)
    return by_clicking(
        prompt=q.text
        + " "
        + t(
            "**Click the entry of A with which output cell {u}, {v} takes the weight at {i}, {j}.** Rows of A are "
            "output cells, columns are input cells, in reading order; counting starts at 0.",
            u=u, v=v, i=i, j=j,
        ),
        picture=(planes.Row("", [shown]),),
        answer=(row, column),
        why=why,
        hint=t("Which input cell r, c does the weight read there? That cell has the number r · {w} + c.", w=width),
        worked=rf"{u} \cdot {q.outputs[1]} + {v} = {row}, \qquad "
        rf"({u} + {i})\cdot{width} + ({v} + {j}) = {column}",
    )  # fmt: skip


#: Kind -> (title, maker).
QUESTIONS: dict[str, tuple[str, Maker]] = {
    "place": (mark("Place in A"), place),
    "shape": (mark("Size"), shape),
    "repetitions": (mark("Repetitions"), repetitions),
}
