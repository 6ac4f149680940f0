"""The exercise of sparse codes: pictures to be told apart, one step by hand, and numbers to be counted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from deconvviz.figures.scale import sequential_rgb
from deconvviz.ops.sparse import soft_threshold
from lessons._kit.draw import image_row, threshold
from lessons._kit.form.exercise import Maker, Question, by_dragging, by_looking, question
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


def shrunk(seed: int) -> Question:
    """Which threshold leaves the stamps of a picture?"""
    random = np.random.default_rng(15200 + seed)
    image = list(run.PICTURES)[int(random.integers(len(run.PICTURES)))]
    strength = np.abs(run.responses(image)[0])
    kernel = int(random.choice(np.argsort(-strength.max(axis=(0, 1)))[:12]))
    values = strength[:, :, kernel].astype(float)
    slide = threshold.Slide(
        values,
        sequential_rgb(values, 0, float(values.max())),
        t("first step of the code, sizes of one kernel's numbers"),
    )
    left = {stop: int(slide.passing(stop).sum()) for stop in threshold.STOPS}
    stop = int(random.choice([stop for stop in threshold.STOPS if 3 <= left[stop] <= values.size // 2]))
    dots = np.where(slide.passing(stop)[:, :, None], slide.ground, np.uint8(160))
    target = image_row.Picture(np.kron(dots, np.ones((6, 6, 1), np.uint8)), t("what is to be left"), width=192)
    question = by_dragging(
        prompt=t(
            "A step of the search puts to zero whatever is smaller than the threshold: the dearer a stamp, the higher "
            "it is. **Drag the threshold until the numbers are left that the second picture shows.**"
        ),
        slide=slide,
        right=[other for other in sorted(left, key=lambda one: one != stop) if left[other] == left[stop]],
        why=lambda other: t(
            "There {left} numbers are left; the picture shows {wanted}.", left=left[other], wanted=left[stop]
        ),
        hint=t("Look for the weakest point of the picture: the threshold stands just below it."),
        worked=rf"{stop}\,\%:\; {left[stop]} / {values.size}",
    )
    return replace(question, given=[target])


QUESTIONS: dict[str, tuple[str, Maker]] = {
    "looked": (mark("Which is which"), looked),
    "step": (mark("One step"), step),
    "shrunk": (mark("Drag the threshold"), shrunk),
}
