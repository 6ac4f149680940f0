"""Questions of the first lesson; right answers and the reasons for wrong ones are read from real arrays."""

from __future__ import annotations

import numpy as np

from deconvviz.ops import ConvGeometry, conv
from lessons._kit.draw import planes
from lessons._kit.form.exercise import CLICK, Answer, Maker, Question, by_clicking, question
from lessons._kit.form.i18n import mark, t
from lessons._kit.numbers.toy_arrays import plane


def one_value(seed: int) -> Question:
    """What is one cell of the output?"""
    random = np.random.default_rng(seed)
    while True:
        x = random.integers(0, 6, (1, 4, 5, 1)).astype(np.float32)
        w = random.integers(-2, 4, (2, 3, 1, 1)).astype(np.float32)
        z, turned = plane(conv(x, w)), plane(conv(x, w[::-1, ::-1]))
        r, c = int(random.integers(1, z.shape[0])), int(random.integers(0, z.shape[1]))
        if z[r, c] != turned[r, c] and np.count_nonzero(w) > 4:
            break
    read, weights = plane(x)[r : r + 2, c : c + 3], w[:, :, 0, 0]
    answer = (int(z[r, c]),)
    others = [(u, v) for u in range(z.shape[0]) for v in range(z.shape[1]) if (u, v) != (r, c)]
    pairs = [
        rf"{_bracket(int(weight))} \cdot {_bracket(int(value))}"
        for weight, value in zip(weights.ravel(), read.ravel(), strict=True)
    ]
    shown = (planes.Plane(t("input x"), plane(x), "input"), planes.Plane(t("kernel w"), weights, "kernel"))
    return question(
        prompt=t("Stride 1, no padding. **What is the output at row {r}, column {c}?**", r=r, c=c),
        fields=(t("value"),),
        answer=answer,
        wrong=[
            (int(turned[r, c]), t("You turned the kernel: that is true convolution. Networks leave it as it is.")),
            (int(read.sum()), t("That is the sum of the window. Each number has its weight first.")),
            (int((read * weights)[0].sum()), t("That is the first kernel row only. Add the second one.")),
            (int(weights.sum() * read[0, 0]), t("Every weight was put on the same number of x.")),
            (int(np.abs(read * weights).sum()), t("The minus signs were lost: a negative weight takes away.")),
            *(((int(z[u, v]),), t("That is the value at row {y}, column {x}.", y=u, x=v)) for u, v in others),
        ],
        hint=t(
            "Put the kernel's first tap on row {r}, column {c} of x. Multiply what lies together, then add all six.",
            r=r,
            c=c,
        ),
        worked=rf"{' + '.join(pairs)} = {answer[0]}",
        picture=(planes.Row("", shown, ("∗",)),),
    )


def _bracket(value: int) -> str:
    return f"({value})" if value < 0 else str(value)


def output_shape(seed: int) -> Question:
    """How large is the output?"""
    random = np.random.default_rng(7000 + seed)
    while True:
        n, m, k, j = (int(random.integers(low, high)) for low, high in ((5, 9), (9, 14), (2, 4), (4, 6)))
        s, p, d = int(random.integers(2, 4)), int(random.integers(1, 3)), int(random.integers(1, 3))
        rooms = tuple(size + 2 * p - (taps - 1) * d - 1 for size, taps in ((n, k), (m, j)))
        if p < k and min(rooms) > s and any(room % s for room in rooms):
            break
    w = np.zeros((k, j, 1, 1), np.float32)
    shape = conv(np.zeros((1, n, m, 1), np.float32), w, ConvGeometry(s, p, d)).shape
    answer = (shape[1], shape[2])

    def by(change: int = 0, steps: int = s, add: int = 1) -> Answer:
        return tuple(max(0, room + change) // steps + add for room in rooms)

    spread = tuple((size + 2 * p - taps) // s + 1 for size, taps in ((n, k), (m, j)))
    lines = [
        rf"\left\lfloor \frac{{{size} + 2\cdot{p} - {(taps - 1) * d + 1}}}{{{s}}} \right\rfloor + 1 = {out}"
        for size, taps, out in ((n, k, answer[0]), (m, j, answer[1]))
    ]
    return question(
        prompt=t(
            "The input is {n} × {m}, the kernel {k} × {j}; {setting}. **How many rows and columns does the output "
            "have?**",
            n=n,
            m=m,
            k=k,
            j=j,
            setting=t("stride {s}, padding {p}, dilation {d}", s=s, p=p, d=d),
        ),
        fields=(t("rows"), t("columns")),
        answer=answer,
        wrong=[
            ((answer[1], answer[0]), t("Row and column are swapped.")),
            (by(-2 * p), t("That is the size without the padding: {p} rows are added above and below.", p=p)),
            (by(-p), t("The padding was counted once; it is added on both sides.")),
            (by(add=0), t("That is the number of steps. There is one window more than there are steps.")),
            (by(s - 1), t("Rounded up: a window that would hang over the edge is not read. Round down.")),
            (by(steps=1), t("That is the size at stride 1; here the window moves {s} rows at a time.", s=s)),
            (spread, t("The dilation was left out: the kernel spans {ke} rows.", ke=(k - 1) * d + 1)),
            ((n, m), t("The output keeps the input's size only at stride 1 with just enough padding.")),
        ],
        hint=t(
            "The kernel spans (k − 1) d + 1 rows. Count the steps it can take inside the padded input, then add one."
        ),
        worked=r", \qquad ".join(lines),
    )


def only_reader(seed: int) -> Question:
    """Which cell of the output changes when one cell of the input does?"""
    random = np.random.default_rng(9000 + seed)
    kernel = random.integers(1, 4, (3, 3, 1, 1)).astype(np.float32)
    geometry = ConvGeometry(2, 1)
    x = random.integers(0, 6, (1, 6, 8, 1)).astype(np.float32)
    r, c = 2 * int(random.integers(0, 3)), 2 * int(random.integers(0, 4))
    changed = x.copy()
    changed[0, r, c] += 1
    z, other = plane(conv(x, kernel, geometry)), plane(conv(changed, kernel, geometry))
    ((u, v),) = np.argwhere(z != other)
    cell = (int(u), int(v))

    def why(given: planes.Cell) -> str:
        rows, columns = ((max(0, 2 * n - 1), min(2 * n + 1, size - 1)) for n, size in zip(given, (6, 8), strict=True))
        return t(
            "That cell reads rows {top} to {bottom} and columns {left} to {right} of x: not the framed one.",
            top=rows[0], bottom=rows[1], left=columns[0], right=columns[1],
        )  # fmt: skip

    shown = (
        planes.Plane(t("input x"), plane(x), "input", frame=[(r, c)]),
        planes.Plane(t("kernel w"), kernel[:, :, 0, 0], "kernel"),
        planes.Plane(t("output z"), z, "output", pick=CLICK),
    )
    return by_clicking(
        prompt=t(
            "Stride 2, padding 1. The framed number of x rises by 1, and exactly one number of z changes. **Click the "
            "cell of z that changes.**"
        ),
        picture=(planes.Row("", shown, ("∗", "=")),),
        answer=cell,
        why=why,
        hint=t("The window of output cell u, v has its middle on row 2 u, column 2 v of x."),
        worked=rf"({r},\; {c}) = (2 \cdot {u},\; 2 \cdot {v}) \quad\Rightarrow\quad ({u},\; {v})",
    )


#: Kind -> (title, maker).
QUESTIONS: dict[str, tuple[str, Maker]] = {
    "reader": (mark("Which cell changes?"), only_reader),
    "value": (mark("Value"), one_value),
    "size": (mark("Size"), output_shape),
}
