"""The exercise of backpropagation: a derivative along two paths, one pixel of a gradient, and how windows overlap."""

from __future__ import annotations

import numpy as np

from deconvviz.ops import ConvGeometry, conv, conv_adjoint
from lessons._kit.draw.planes import Plane, Row
from lessons._kit.form.exercise import Question, question
from lessons._kit.form.i18n import mark, t
from lessons._kit.numbers.toy_arrays import plane


def two_paths(seed: int) -> Question:
    """The derivative of a score that one number reaches on two paths."""
    random = np.random.default_rng(seed)
    a, b = (int(n) for n in random.permutation(np.arange(2, 8))[:2])
    c, d = (int(n) for n in random.permutation(np.arange(2, 8))[:2])
    shut = bool(random.integers(2))
    second = f"-{b}" if shut else f"{b}"
    one, two = a * c, 0 if shut else b * d
    answer = one + two
    closed = t("z₂ is below zero: its gate is shut, and nothing comes through that path.")
    return question(
        prompt=t(
            "The number x is 1. Two units read it: z₁ = {a} x and z₂ = {second} x. Both are rectified, and the score "
            "is s = {c} r₁ + {d} r₂. **What is the derivative of s by x?**",
            a=a,
            second=second,
            c=c,
            d=d,
        ),
        fields=(t("derivative"),),
        answer=answer,
        wrong=[
            (a * c - b * d, closed)
            if shut
            else (b * d, t("That is the second path alone; the first gate is open too.")),
            (a * c, t("That is the first path alone; the second gate is open too.")),
            (a * c + b * d, closed),
            (a * b * c * d, t("Paths are added; only the factors along one path are multiplied.")),
            (c + d, t("These are the factors of the last layer; the first layer has factors too.")),
            (a + b, t("These are the factors of the first layer; the score has weights too.")),
        ],
        hint=t("Multiply the factors along each path, with 1 or 0 for the gate. Then add the two paths."),
        worked=rf"{a} \cdot 1 \cdot {c} + ({second}) \cdot {int(not shut)} \cdot {d} = {answer}",
    )


def one_pixel(seed: int) -> Question:
    """The derivative of the sum of rectified values by one pixel."""
    random = np.random.default_rng(500 + seed)
    w = random.permutation(np.arange(1, 10))[:4].reshape(2, 2, 1, 1).astype(np.float32)
    w[tuple(random.integers(2, size=2))] *= -1
    z = (random.permutation(np.arange(1, 10))[:6] * random.permutation([1, 1, 1, 1, -1, -1])).reshape(1, 2, 3, 1)
    gates = (z > 0).astype(np.float32)
    back = plane(conv_adjoint(gates, w, ConvGeometry(), (3, 4)))
    every = plane(conv_adjoint(np.ones_like(gates), w, ConvGeometry(), (3, 4)))
    turned = plane(conv_adjoint(gates, w[::-1, ::-1], ConvGeometry(), (3, 4)))
    signal = plane(conv_adjoint(gates * z, w, ConvGeometry(), (3, 4)))
    shut = [(r, c) for r in (1,) for c in (1, 2) if every[r, c] != back[r, c]] or [(1, 1)]
    r, c = shut[int(random.integers(len(shut)))]
    taps = [(i, j) for i in range(2) for j in range(2)]
    products = " + ".join(rf"({int(w[i, j, 0, 0])}) \cdot {int(gates[0, r - i, c - j, 0])}" for i, j in taps)
    answer = int(back[r, c])
    return question(
        prompt=t(
            "A 3 × 4 picture was convolved with w, stride 1, no padding. z came out and was rectified; the score is "
            "the sum of all r. **What is the derivative of the score by the pixel at row {r}, column {c}?**",
            r=r,
            c=c,
        ),
        fields=(t("derivative"),),
        answer=answer,
        wrong=[
            (int(every[r, c]), t("That lets every window through. Where z is below zero, the gate is shut.")),
            (
                int(turned[r, c]),
                t("The kernel was turned. The pixel meets window (u, v) with the weight at (r − u, c − v)."),
            ),
            (int(signal[r, c]), t("The gate passes 1, not the value of z: the score changes as much as r does.")),
            (int(w.sum()), t("These are all weights of the kernel; those at shut gates do not count.")),
            (0, t("Some gates are open: look which of the four windows around the pixel have z above zero.")),
        ],
        hint=t("Which four windows hold this pixel? Take each window's weight on it, and leave out the shut ones."),
        worked=rf"{products} = {answer}",
        picture=[Row("", [Plane(t("z"), plane(z), "output"), Plane(t("kernel w"), w[:, :, 0, 0], "kernel")])],
    )


def overlap(seed: int) -> Question:
    """How the gradient of a sum differs between two neighbouring pixels where windows overlap unevenly."""
    random = np.random.default_rng(900 + seed)
    k, s = ((3, 2), (4, 3), (5, 2), (5, 3), (5, 4))[int(random.integers(5))]
    scale = int(random.integers(1, 8))
    n = k + 5 * s
    geometry = ConvGeometry(s)
    out = np.asarray(conv(np.zeros((1, n, n, 1), np.float32), np.ones((k, k, 1, 1), np.float32), geometry))
    back = plane(conv_adjoint(np.full_like(out, scale), np.ones((k, k, 1, 1), np.float32), geometry, (n, n)))
    r, c = (2 * s + int(m) for m in random.integers(0, s, size=2))
    rows, columns = (len([u for u in range(out.shape[1]) if 0 <= m - s * u < k]) for m in (r, c))
    answer = int(back[r, c])
    return question(
        prompt=t(
            "A kernel of {k} × {k} ones slides with stride {s} over a picture of {n} × {n} pixels, no padding. Each "
            "output sends back {scale}. **What arrives at the pixel at row {r}, column {c}?** Counting starts at 0.",
            k=k,
            s=s,
            n=n,
            scale=scale,
            r=r,
            c=c,
        ),
        fields=(t("gradient"),),
        answer=answer,
        wrong=[
            (rows * columns, t("That is the number of windows; each of them sends back {scale}.", scale=scale)),
            (scale * rows, t("That counts one direction only: windows overlap in rows and in columns.")),
            (
                scale * (rows + columns),
                t("Rows and columns multiply: each row of windows meets each column of windows."),
            ),
            (scale * k * k, t("That would be right at stride 1, where the pixel lies in k × k windows.")),
            (scale, t("More than one window holds this pixel.")),
        ],
        hint=t("Windows begin at rows 0, s, 2s, … How many of them hold row {r}? Do the same for the column.", r=r),
        worked=rf"{rows} \cdot {columns} \cdot {scale} = {answer}",
    )


QUESTIONS = {
    "paths": (mark("Two paths"), two_paths),
    "pixel": (mark("One pixel"), one_pixel),
    "overlap": (mark("Overlap"), overlap),
}
