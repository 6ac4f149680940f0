"""Questions about a convolution and its adjoint; right answers and reasons for wrong ones are read from real arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from deconvviz.ops import ConvGeometry, conv, conv_adjoint
from lessons._kit.draw import planes
from lessons._kit.form.exercise import Maker, Question, question
from lessons._kit.form.i18n import mark, t
from lessons._kit.numbers.toy_arrays import plane
from lessons.adjoint.adjoint_variants import turned_kernel


@dataclass(frozen=True)
class Setting:
    """The numbers of one question: n input rows, kernel k, stride s, padding p, dilation d along rows."""

    n: int
    k: int
    s: int
    p: int
    d: int

    @property
    def text(self) -> str:
        """The setting in words."""
        return t("stride {s}, padding {p}, dilation {d}", s=self.s, p=self.p, d=self.d)

    @property
    def geometry(self) -> ConvGeometry:
        """The same along rows and columns."""
        return ConvGeometry(self.s, self.p, self.d)


def _draw(seed: int, start: int, wanted: Callable[[Setting], bool], rows: tuple[int, int] = (5, 10)) -> Setting:
    """A setting of the seed that fits and is wanted; rows: least number of input rows, and one more than the most."""
    return next(setting for setting in _settings(1000 * start + seed, rows) if wanted(setting))


def _settings(seed: int, rows: tuple[int, int]) -> Iterator[Setting]:
    random = np.random.default_rng(seed)
    while True:
        n, k, s, p, d = (int(random.integers(low, high)) for low, high in (rows, (2, 5), (1, 4), (0, 3), (1, 3)))
        if p < k and n + 2 * p >= (k - 1) * d + 1:
            yield Setting(n, k, s, p, d)


def output_rows(seed: int) -> Question:
    """How many rows has the output?"""
    q = _draw(seed, 1, lambda q: q.s > 1 and q.p > 0, rows=(8, 40))
    x, w = np.zeros((1, q.n, q.n, 1), np.float32), np.zeros((q.k, q.k, 1, 1), np.float32)
    answer = (conv(x, w, q.geometry).shape[1],)
    ke = (q.k - 1) * q.d + 1
    room = q.n + 2 * q.p - ke
    return question(
        prompt=t(
            "The input has {n} rows, the kernel {k}; {setting}. **How many rows does the output have?**",
            n=q.n,
            k=q.k,
            setting=q.text,
        ),
        fields=(t("rows"),),
        answer=answer,
        wrong=[
            (
                (q.n - ke) // q.s + 1,
                t("That is the size without the padding: {p} rows are added above and below.", p=q.p),
            ),
            ((q.n + q.p - ke) // q.s + 1, t("The padding was counted once; it is added on both sides.")),
            (room // q.s, t("That is the number of steps. There is one window more than there are steps.")),
            (-(-room // q.s) + 1, t("Rounded up: a window that would hang over the edge is not read. Round down.")),
            (room + 1, t("That is the size at stride 1; here the window moves {s} rows at a time.", s=q.s)),
            ((q.n + 2 * q.p - q.k) // q.s + 1, t("The dilation was left out: the kernel spans {ke} rows.", ke=ke)),
            (q.n, t("The output keeps the input's size only at stride 1 with just enough padding.")),
        ],
        hint=t(
            "The kernel spans (k − 1) d + 1 rows. Count the steps it can take inside the padded input, then add one."
        ),
        worked=rf"\left\lfloor \frac{{{q.n} + 2\cdot{q.p} - {ke}}}{{{q.s}}} \right\rfloor + 1 = {answer[0]}",
    )


def stamp_corner(seed: int) -> Question:
    """Where does the stamp of one output cell begin?"""
    q = _draw(seed, 2, lambda q: q.s > 1 and q.p > 0)
    w = np.zeros((q.k, q.k, 1, 1), np.float32)
    w[0, 0] = 1
    size = (q.n, q.n)
    out = q.geometry.output_size(size, (q.k, q.k))
    random = np.random.default_rng(seed)
    inside = [(u, v) for u in range(1, out[0]) for v in range(1, out[1]) if u != v] or [(out[0] - 1, out[1] - 1)]
    u, v = inside[int(random.integers(len(inside)))]
    g = np.zeros((1, *out, 1), np.float32)
    g[0, u, v] = 1
    landed = plane(conv_adjoint(g, w, q.geometry, size))
    row, column = (int(i) for i in np.unravel_index(landed.argmax(), landed.shape))
    answer = (row, column)
    far = (q.k - 1) * q.d
    return question(
        prompt=t(
            "The adjoint, {setting}, kernel {k} × {k}. The signal is 1 at output row {u}, column {v}, and 0 "
            "elsewhere. **At which input row and column does the stamp's first tap (0, 0) land?** Counting starts "
            "at 0.",
            setting=q.text,
            k=q.k,
            u=u,
            v=v,
        ),
        fields=(t("row"), t("column")),
        answer=answer,
        wrong=[
            (
                (q.s * u, q.s * v),
                t("The padding shifts it: row 0 of the padded input is row −{p} of the input.", p=q.p),
            ),
            ((u - q.p, v - q.p), t("The stride is missing: the next output cell stamps {s} rows further down.", s=q.s)),
            ((u, v), t("That is the output cell itself; stride and padding lead to its place in the input.")),
            ((q.s * u + q.p, q.s * v + q.p), t("The padding goes the other way: it is subtracted.")),
            ((column, row), t("Row and column are swapped.")),
            ((row + far, column + far), t("That is where the last tap lands: the stamp is not turned.")),
        ],
        hint=t("In the forward pass that output cell read a window. Its first tap was at s u − p, s v − p."),
        worked=rf"{q.s}\cdot{u} - {q.p} = {row}, \qquad {q.s}\cdot{v} - {q.p} = {column}",
    )


def returned_value(seed: int) -> Question:
    """What comes back at one cell where stamps overlap?"""
    random = np.random.default_rng(3000 + seed)
    w = random.permutation(np.arange(1, 7))[:4].reshape(2, 2, 1, 1).astype(np.float32)
    g = random.permutation(np.arange(1, 10))[:6].reshape(1, 2, 3, 1).astype(np.float32)
    geometry, size = ConvGeometry(), (3, 4)
    r, c = int(random.integers(1, 2)), int(random.integers(1, 3))
    back = plane(conv_adjoint(g, w, geometry, size))
    turned = plane(turned_kernel(g, w, geometry, size))
    gp, wp = plane(g), w[:, :, 0, 0]
    taps = [(i, j) for i in range(2) for j in range(2)]
    products = [(wp[i, j], gp[r - i, c - j]) for i, j in taps]
    answer = (int(back[r, c]),)
    lines = r" + ".join(rf"{int(a)} \cdot {int(b)}" for a, b in products)
    return question(
        prompt=t(
            "The signal g goes back through the kernel w, stride 1, no padding. "
            "**What comes back at row {r}, column {c} of the 3 × 4 input?**",
            r=r,
            c=c,
        ),
        fields=(t("value"),),
        answer=answer,
        wrong=[
            (
                int(turned[r, c]),
                t("The kernel was turned. A stamp lies as the kernel is; only the reading order turns."),
            ),
            (int(wp.sum() * gp[r - 1, c - 1]), t("Only one output cell was used; four stamps overlap here.")),
            *(
                (
                    (int(a * b),),
                    t("That is one stamp of four: {a} · {b}. Where stamps overlap they add.", a=int(a), b=int(b)),
                )
                for a, b in products
            ),
            (int(sum(gp[r - i, c - j] for i, j in taps)), t("The signals were added without their weights.")),
            *(
                ((int(back[y, x]),), t("That is the value at row {y}, column {x}.", y=y, x=x))
                for y in range(3)
                for x in range(4)
            ),
        ],
        hint=t(
            "Four output cells reach it: those whose window covered row {r}, column {c}. "
            "Each brings the weight with which it read the cell.",
            r=r,
            c=c,
        ),
        worked=rf"{lines} = {answer[0]}",
        picture=(
            planes.Row(
                "", (planes.Plane(t("signal g"), gp, "output"), planes.Plane(t("kernel w"), wp, "kernel")), ("×",)
            ),
        ),
    )


#: Kind -> (title, maker).
QUESTIONS: dict[str, tuple[str, Maker]] = {
    "size": (mark("Size"), output_rows),
    "stamp": (mark("Place"), stamp_corner),
    "value": (mark("Value"), returned_value),
}
