"""The exercise of backpropagation: a derivative along two paths, one pixel of a gradient, and how windows overlap."""

from __future__ import annotations

import numpy as np

from deconvviz.ops import ConvGeometry, conv_adjoint
from lessons._kit.draw.planes import Plane, Row
from lessons._kit.form.exercise import Question, by_finding, question
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


#: A step of `_chain` (from 1) and the fault that is planted in it: 1 the gate is ignored, 2 the gate looks at the
#: signal, 3 the matrix is not transposed, 4 minus signs are lost.
PLANTED = ((2, 1), (2, 2), (4, 1), (4, 2), (3, 3), (3, 4), (5, 3), (5, 4))


def _chain(
    v: np.ndarray, matrices: tuple[np.ndarray, np.ndarray], z: tuple[np.ndarray, np.ndarray], step: int, fault: int
) -> list[np.ndarray]:
    """The signal of the score after each of five steps, from the weights v down to x, with a fault in one of them."""
    signals = [v]
    for number in range(2, 6):
        g, layer = signals[-1], 1 - (number - 2) // 2
        here = fault if number == step else 0
        if number % 2 == 0:
            gate = g > 0 if here == 2 else z[layer] > 0
            signals.append(g.copy() if here == 1 else g * gate)
        else:
            matrix = matrices[layer]
            used = matrix if here == 3 else np.abs(matrix).T if here == 4 else matrix.T
            signals.append(used @ g)
    return signals


def planted(seed: int) -> Question:
    """In which step down a chain was a fault planted, and which?"""
    random = np.random.default_rng(900 + seed)
    step, fault = PLANTED[3 * seed % len(PLANTED)]
    while True:
        matrices = random.integers(-2, 3, (3, 3)), random.integers(-2, 3, (3, 3))
        v, x = random.integers(-3, 4, 3), random.integers(-2, 4, 3)
        z1 = matrices[0] @ x
        z2 = matrices[1] @ np.maximum(z1, 0)
        right = _chain(v, matrices, (z1, z2), 0, 0)
        each = [_chain(v, matrices, (z1, z2), s, f)[s - 1] for s, f in PLANTED]
        differ = all((one != right[s - 1]).any() for one, (s, _) in zip(each, PLANTED, strict=True))
        if differ and all((one != other).any() for one, other in zip(each[::2], each[1::2], strict=True)):
            break
    made = _chain(v, matrices, (z1, z2), step, fault)
    steps = [
        t("1: by r₂"), t("2: by z₂"), t("3: by r₁"), t("4: by z₁"), t("5: by x"),
    ]  # fmt: skip
    faults = (t("gate ignored"), t("gate looks at the signal"), t("W not transposed"), t("minus signs lost"))
    gates, weights = (
        (t("The gate is in its place there."), t("The gate looks at z there, as it should."))
        + (t("At a gate there is no matrix."),) * 2,
        (t("In that step there is no gate."),) * 2
        + (t("The columns of W are used there, as they should be."), t("The minus signs of W are there.")),
    )
    fine = (
        t("Step 1 is right: the weights v of the score."),
        t("Step 2 is right: step 1 where z₂ is above zero."),
        t("Step 3 is right: W₂ᵀ times step 2."),
        t("Step 4 is right: step 3 where z₁ is above zero."),
        t("Step 5 is right: W₁ᵀ times step 4."),
    )
    reasons = [(gates if step % 2 == 0 else weights) if n == step else [fine[n - 1]] * 4 for n in range(1, 6)]
    forward = (
        Plane("W₁", matrices[0], "kernel"), Plane("z₁", z1[:, None], "input"), Plane("W₂", matrices[1], "kernel"),
        Plane("z₂", z2[:, None], "input"), Plane("v", v[:, None], "kernel"),
    )  # fmt: skip
    strip = [Plane(name, one[:, None], "output") for name, one in zip(steps, made, strict=True)]
    return by_finding(
        prompt=t(
            "z₁ = W₁x, r₁ = max(z₁, 0), z₂ = W₂r₁, r₂ = max(z₂, 0), s = v·r₂. Below, the derivative of s from step to "
            "step, each computed from the one before; in one step a fault was planted. **Which step, which fault?**"
        ),
        steps=steps,
        faults=faults,
        answer=(step, fault),
        reasons=reasons,
        hint=t("A gate copies or stops a number. A matrix goes back by its columns: Wᵀ. Try each step by itself."),
        worked=rf"{step}:\;\text{{{faults[fault - 1]}}}",
        picture=[Row("", forward, ("",) * 4), Row("", strip, ("→",) * 4)],
    )


QUESTIONS = {
    "bug": (mark("Find the fault"), planted),
    "paths": (mark("Two paths"), two_paths),
    "pixel": (mark("One pixel"), one_pixel),
}
