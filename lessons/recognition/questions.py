"""Questions about the small recognition network; right answers and reasons for wrong ones are read from real arrays."""

from __future__ import annotations

import numpy as np

from lessons._kit.draw import planes
from lessons._kit.form.exercise import Maker, Question, question
from lessons._kit.form.i18n import mark, t


def sizes(seed: int) -> Question:
    """How large is a map after a convolution without padding and a pool?"""
    random = np.random.default_rng(25000 + seed)
    side, kernel = int(random.integers(10, 16)) * 2, int(random.choice([3, 5]))
    side += (side - kernel + 1) % 2  # what is pooled divides by two
    after, pooled = side - kernel + 1, (side - kernel + 1) // 2
    second = pooled - kernel + 1
    answer = (pooled, second)
    return question(
        prompt=t(
            "A picture of {n} × {n} goes through a convolution of {k} × {k} without padding and a 2 × 2 pool, then "
            "through a second convolution of {k} × {k}. **How many rows are there after the pool, and how many after "
            "the second convolution?**",
            n=side,
            k=kernel,
        ),
        fields=(t("after the pool"), t("after the second convolution")),
        answer=answer,
        wrong=[
            ((side // 2, side // 2 - kernel + 1), t("Without padding the convolution itself takes rows off the rim.")),
            ((after, second), t("That is before the pool, which halves it.")),
            (
                ((side - kernel) // 2, (side - kernel) // 2 - kernel + 1),
                t("A window of k fits n − k + 1 times, not n − k."),
            ),
            ((pooled, pooled // 2), t("The second number is asked before its pool: {k} − 1 rows less.", k=kernel)),
            ((pooled, pooled), t("The second convolution has no padding either.")),
        ],
        hint=t("A window of k rows fits n − k + 1 times into n rows; the pool halves that."),
        worked=rf"({side} - {kernel} + 1) / 2 = {pooled}, \quad {pooled} - {kernel} + 1 = {second}",
    )


def normalized(seed: int) -> Question:
    """What does batch normalization make of a channel?"""
    random = np.random.default_rng(25100 + seed)
    while True:
        mean, spread = int(random.integers(2, 9)), int(random.integers(2, 6))
        values = mean + spread * np.array([-1, 1, 1, -1])
        gain, shift = int(random.integers(2, 5)), int(random.integers(-3, 4))
        if shift and gain != spread:
            break
    random.shuffle(values)
    first = int(values[0])
    unit = (first - mean) // spread
    answer = (gain * unit + shift,)
    return question(
        prompt=t(
            "One channel has these four values in a batch. Batch normalization takes off their mean, divides by their "
            "standard deviation (over n, ε = 0), multiplies with the gain {gain} and adds {shift}. **What becomes of "
            "the first value?**",
            gain=gain,
            shift=planes.number(shift),
        ),
        fields=(t("first value"),),
        answer=answer,
        wrong=[
            (unit, t("That is before the gain and the shift.")),
            (gain * unit, t("The shift is added last.")),
            (gain * (first - mean) + shift, t("Divide by the standard deviation first.")),
            (gain * first + shift, t("Take the mean off first.")),
            (gain * -unit + shift, t("Mind the sign: it is the value minus the mean.")),
        ],
        hint=t("The mean is {mean}, and every value is as far from it as every other.", mean=mean),
        worked=rf"{gain} \cdot \frac{{{first} - {mean}}}{{{spread}}} + ({shift}) = {answer[0]}",
        picture=(planes.Row("", (planes.Plane("z", values[None].astype(np.float64), "kernel"),), ("",)),),
    )


def gap(seed: int) -> Question:
    """Where does overfitting begin?"""
    random = np.random.default_rng(25200 + seed)
    turn = int(random.integers(3, 7))
    faster = np.concatenate([random.integers(4, 9, turn - 1), random.integers(1, 4, 8 - turn)])
    seen = int(random.integers(75, 95)) - np.concatenate([[0], np.cumsum(faster)])
    slower = np.concatenate([-random.integers(1, 4, turn - 1), random.integers(2, 8, 8 - turn)])
    unseen = int(seen[0] + random.integers(1, 6)) + np.concatenate([[0], np.cumsum(slower)])
    best, last = int(unseen.argmin()) + 1, int(unseen[-1] - seen[-1])
    answer = (best, last)
    lines = (
        (t("loss on the seen, hundredths"), seen, "input"),
        (t("loss on the unseen, hundredths"), unseen, "output"),
    )
    rows = [planes.Row("", (planes.Plane(name, one[None].astype(float), kind),), ("",)) for name, one, kind in lines]
    return question(
        prompt=t(
            "Eight epochs of a training run, from left to right. **After which epoch, counted from 1, should one "
            "have stopped, and how large is the gap after the last one, in hundredths?**"
        ),
        fields=(t("epoch"), t("gap")),
        answer=answer,
        wrong=[
            ((8, last), t("There the loss on what it learns from is smallest; that says nothing about the unseen.")),
            ((best + 1, last), t("There the loss on the unseen has risen already.")),
            (
                (best, int(unseen[best - 1] - seen[best - 1])),
                t("That is the gap at the best epoch, not at the last one."),
            ),
            ((best, -last), t("The gap is unseen minus seen: a network that overfits has a positive one.")),
            ((best - 1, last), t("Epochs are counted from 1.")),
        ],
        hint=t("Only digits that it never saw tell how good it is."),
        worked=rf"\min = {int(unseen.min())} \;(\text{{{best}}}), \quad {int(unseen[-1])} - {int(seen[-1])} = {last}",
        picture=rows,
    )


#: Kind -> (title, maker).
QUESTIONS: dict[str, tuple[str, Maker]] = {
    "sizes": (mark("Sizes"), sizes),
    "norm": (mark("Batch normalization"), normalized),
    "gap": (mark("When to stop"), gap),
}
