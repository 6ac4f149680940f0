"""The exercise of sparse codes: pictures to be told apart, one step by hand, and numbers to be counted."""

from __future__ import annotations

import numpy as np

from deconvviz.ops.sparse import soft_threshold
from lessons._kit.form.exercise import Maker, Question, by_looking, question
from lessons._kit.form.i18n import mark, t
from lessons.sparse_code import run
from lessons.sparse_code.picture import percent, shown


def looked(seed: int) -> Question:
    """Which of four pictures was sent back once, and which is of the dearest code?"""
    random = np.random.default_rng(15000 + seed)
    image, cheap, dear = run.State.image, run.WEIGHTS[0], run.WEIGHTS[-1]
    made = {
        "photograph": run.photograph(image),
        "once": run.once(image),
        "cheap": run.stamped(run.State(weight=cheap)),
        "dear": run.stamped(run.State(weight=dear)),
    }
    names = {
        "photograph": t("photograph"),
        "once": t("sent back once"),
        "cheap": t("weight {weight}", weight=cheap),
        "dear": t("weight {weight}", weight=dear),
    }
    order = [list(made)[i] for i in random.permutation(len(made))]
    facts = [
        t("Picture {number}: {name}; {share} missing.", number=number, name=names[kind],
          share=percent(run.missing(made[kind], image)))
        for number, kind in enumerate(order, 1)
    ]  # fmt: skip
    return by_looking(
        prompt=t(
            "The photograph, the kernels' answers sent back once, and the stamps of two codes. **Which picture was "
            "sent back once, and which is of the code with the dearer stamps?**"
        ),
        choices=[shown(made[kind], image) for kind in order],
        names=[names[kind] for kind in order],
        facts=facts,
        fields=(t("sent back once"), t("dearer stamps")),
        answer=(order.index("once") + 1, order.index("dear") + 1),
        hint=t(
            "Sent back once, edges come out too strong and even parts too weak. Dear stamps stand only where they "
            "explain much."
        ),
    )


def step(seed: int) -> Question:
    """One number of the code after one step."""
    random = np.random.default_rng(15100 + seed)
    gain, before, price = int(random.choice((2, 4, 5))), int(random.integers(-3, 7)), int(random.integers(1, 5))
    change = int(random.integers(2, 9)) * int(random.choice((-1, 1)))
    if seed % 5 == 0:
        change = int(random.integers(0, price + 1)) - before
    moved = before + change
    answer = int(soft_threshold(np.array([float(moved)]), price)[0])
    return question(
        prompt=t(
            "A number of the code is {before}. What is missing, convolved with the kernels, gives {gradient} at its "
            "place. L is {gain}, the weight {weight}. **What is the number after the step?**",
            before=before, gradient=gain * change, gain=gain, weight=gain * price,
        ),
        fields=(t("number"),),
        answer=answer,
        wrong=[
            (moved, t("That is before it is moved towards zero by weight / L.")),
            (int(soft_threshold(np.array([float(before + gain * change)]), gain * price)[0]),
             t("Both the convolution and the weight are divided by L first.")),
            (moved - price, t("Towards zero: a negative number rises, and none crosses zero.")),
            (moved + price, t("Towards zero: a negative number rises, and none crosses zero.")),
            (before, t("The number does not stay: the step adds to it, then moves it towards zero.")),
            (0, t("Only a number nearer to zero than weight / L becomes zero.")),
        ],
        hint=t("Divide by L, add, then move towards zero by weight / L and stop at zero."),
        worked=rf"{before} + \tfrac{{{gain * change}}}{{{gain}}} = {moved},\quad"
        rf"\operatorname{{shrink}}({moved}, \tfrac{{{gain * price}}}{{{gain}}}) = {answer}",
    )  # fmt: skip


def count(seed: int) -> Question:
    """How many numbers a code has, and how many of them are in use."""
    random = np.random.default_rng(15200 + seed)
    stride, side = int(random.choice((2, 4))), int(random.choice((16, 32, 40, 64)))
    kernels, share = int(random.choice((10, 20, 50))), int(random.choice((5, 10, 20)))
    cells = (side // stride) ** 2
    whole, used = cells * kernels, cells * kernels * share // 100
    return question(
        prompt=t(
            "A grey picture of {side} × {side}, {kernels} kernels, stride {stride}, padded so that the code has a "
            "place for every {stride} rows and columns. {share} % of its numbers are not zero. **How many numbers does "
            "the code hold, and how many are not zero?**",
            side=side, kernels=kernels, stride=stride, share=share,
        ),
        fields=(t("numbers of the code"), t("not zero")),
        answer=(whole, used),
        wrong=[
            ((side * side * kernels, side * side * kernels * share // 100),
             t("With that stride there is not a place for every pixel.")),
            ((cells, cells * share // 100), t("Every kernel has a number at every place.")),
            ((whole, whole - used), t("Those are the zeros.")),
            ((side * side, used), t("The first is the picture's; the code has a number for every kernel and place.")),
        ],
        hint=t("Places are rows times columns, each divided by the stride; times the kernels."),
        worked=rf"\left(\tfrac{{{side}}}{{{stride}}}\right)^2 \cdot {kernels} = {whole},\quad"
        rf"{whole} \cdot \tfrac{{{share}}}{{100}} = {used}",
    )  # fmt: skip


QUESTIONS: dict[str, tuple[str, Maker]] = {
    "looked": (mark("Which is which"), looked),
    "step": (mark("One step"), step),
    "count": (mark("Count"), count),
}
