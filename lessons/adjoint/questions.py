"""Questions about a convolution and its adjoint; right answers and reasons for wrong ones are read from real arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from deconvviz.ops import ConvGeometry, conv, conv_adjoint
from lessons._kit.draw import planes
from lessons._kit.form.exercise import CLICK, Maker, Question, by_clicking, by_finding, question
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
    """Where does a tap of the stamp of one output cell land?"""
    random = np.random.default_rng(2000 + seed)
    geometry, size = ConvGeometry(2, 1), (6, 8)
    out = geometry.output_size(size, (3, 3))
    u, v, i, j = (int(random.integers(low, high)) for low, high in ((1, out[0]), (1, out[1]), (0, 3), (0, 3)))
    w = np.arange(1, 10, dtype=np.float32).reshape(3, 3, 1, 1)
    g = np.zeros((1, *out, 1), np.float32)
    g[0, u, v] = 1
    stamp = plane(conv_adjoint(g, w, geometry, size))
    row, column = (int(n) for n in np.argwhere(stamp == w[i, j, 0, 0])[0])

    def why(given: planes.Cell) -> str:
        if not stamp[given]:
            return t("That cell lies outside the stamp, which begins at row {r}, column {c}.", r=2 * u - 1, c=2 * v - 1)
        tap = divmod(int(stamp[given]) - 1, 3)
        return t("Tap {i}, {j} lands there: the stamp lies as the kernel is, not turned.", i=tap[0], j=tap[1])

    shown = (
        planes.Plane(t("signal g"), plane(g), "output"),
        planes.Plane(t("kernel w"), w[:, :, 0, 0], "kernel", frame=[(i, j)]),
        planes.Plane(t("what comes back, still empty"), np.zeros(size), "input", pick=CLICK),
    )
    return by_clicking(
        prompt=t(
            "Stride 2, padding 1. The signal g is 1 in one cell and goes back through the kernel. **Click the cell in "
            "which the framed weight lands.**"
        ),
        picture=(planes.Row("", shown, ("×", "→")),),
        answer=(row, column),
        why=why,
        hint=t("In the forward pass that output cell read a window. Its first tap was at s u − p, s v − p."),
        worked=rf"2\cdot{u} - 1 + {i} = {row}, \qquad 2\cdot{v} - 1 + {j} = {column}",
    )


def wrong_stamp(seed: int) -> Question:
    """Which of four stamps is wrong, and how?"""
    random = np.random.default_rng(2500 + seed)
    w = random.permutation(np.arange(1, 10))[:4].reshape(2, 2)
    w[tuple(random.integers(0, 2, 2))] *= -1
    g = random.permutation(np.arange(2, 6)).reshape(2, 2)
    step, fault = int(random.integers(1, 5)), int(random.integers(1, 5))
    kernel, size = w[:, :, None, None].astype(np.float32), (4, 4)
    geometry = ConvGeometry(2)

    def stamp(number: int, kernel: np.ndarray, value: int, moved: int = 0) -> np.ndarray:
        alone = np.zeros((1, 2, 2, 1), np.float32)
        alone[0, (number - 1) // 2, (number - 1) % 2] = value
        return np.roll(plane(conv_adjoint(alone, kernel, geometry, size)), moved, (0, 1))

    def planted(number: int) -> np.ndarray:
        value = int(g.ravel()[number - 1])
        if number != step:
            return stamp(number, kernel, value)
        return (
            stamp(number, kernel[::-1, ::-1], value),
            stamp(number, kernel, value, 1 if number < 4 else -1),
            stamp(number, kernel, 1),
            stamp(number, np.abs(kernel), value),
        )[fault - 1]

    faults = (t("kernel turned"), t("wrong place"), t("not multiplied by g"), t("signs lost"))
    denied = (
        t("The weights of that stamp lie as in the kernel."),
        t("The corner of that stamp is where it belongs."),
        t("That stamp is the kernel times a number of g, not the kernel itself."),
        t("That stamp has the minus sign of the kernel."),
    )
    fine = t("That stamp is the kernel times its number of g, in its place.")
    strip = [planes.Plane(str(number), planted(number), "input", part="stamp") for number in range(1, 5)]
    pair = (planes.Plane(t("signal g"), g, "output"), planes.Plane(t("kernel w"), w, "kernel"))
    return by_finding(
        prompt=t(
            "Stride 2, no padding. Each number of g, in reading order, stamps the kernel into the 4 × 4 input. One of "
            "the four stamps has a planted fault. **Which one, and what is wrong with it?**"
        ),
        steps=[str(number) for number in range(1, 5)],
        faults=faults,
        answer=(step, fault),
        reasons=[[denied[f] if number == step else fine for f in range(4)] for number in range(1, 5)],
        hint=t("Multiply the kernel by the first number of g and compare; then by the second."),
        worked=rf"{step}:\;\text{{{faults[fault - 1]}}}",
        picture=(planes.Row("", pair, ("×",)), planes.Row("", strip, ("", "", ""))),
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
    "bug": (mark("Find the fault"), wrong_stamp),
    "value": (mark("Value"), returned_value),
}
