"""Questions about the small recognition network; right answers and reasons for wrong ones are read from real arrays."""

from __future__ import annotations

import numpy as np

from deconvviz.data import digits
from lessons._kit.draw import planes
from lessons._kit.form.exercise import CLICK, Maker, Question, by_clicking, question
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


#: Steps of gradient descent after which the losses of `_losses` are written down.
EPOCHS = (1, 3, 6, 12, 25, 50, 100)


def _losses(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Loss on 30 learned and on 300 other digits, (3, EPOCHS): trainings of softmax regression by three step sizes."""
    pictures, labels = digits.load()
    order = random.permutation(len(labels))
    learned, others = order[:30], order[30:330]
    targets = np.eye(10)[labels]
    lost = np.zeros((2, 3, len(EPOCHS)))
    for i, rate in enumerate(random.permutation([0.15, 0.6, 2.4])):
        weights = 0.1 * random.standard_normal((pictures[0].size, 10))
        for epoch in range(1, EPOCHS[-1] + 1):
            x = pictures[learned].reshape(len(learned), -1)
            weights -= rate * x.T @ (_softmax(x @ weights) - targets[learned]) / len(learned)
            if epoch in EPOCHS:
                for j, part in enumerate((learned, others)):
                    probabilities = _softmax(pictures[part].reshape(len(part), -1) @ weights)
                    lost[j, i, EPOCHS.index(epoch)] = -np.log(probabilities[targets[part] == 1]).mean()
    return lost[0], lost[1]


def _softmax(scores: np.ndarray) -> np.ndarray:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares: np.ndarray = powers / powers.sum(axis=1, keepdims=True)
    return shares


def keep(seed: int) -> Question:
    """Which state of which training should be kept?"""
    random = np.random.default_rng(25200 + seed)
    while True:
        learned, unseen = (np.rint(100 * losses).astype(int) for losses in _losses(random))
        if (unseen == unseen.min()).sum() == 1 and np.argmin(learned) != np.argmin(unseen):
            break
    row, column = (int(n) for n in np.unravel_index(unseen.argmin(), unseen.shape))

    def why(given: planes.Cell) -> str:
        if learned[given] == learned.min():
            return t("There the loss on what it learns from is smallest; that says nothing about the unseen.")
        return t("There the loss on unseen digits is {loss}; it can be {best}.", loss=int(unseen[given]),
                 best=int(unseen.min()))  # fmt: skip

    pair = (
        planes.Plane(t("loss on the learned, hundredths"), learned, "input", pick=CLICK),
        planes.Plane(t("loss on the unseen, hundredths"), unseen, "output"),
    )
    return by_clicking(
        prompt=t(
            "Three trainings on 30 handwritten digits (rows) with other step sizes, after {epochs} epochs (columns). "
            "**Click, in the left table, the state that should be kept.**",
            epochs=", ".join(map(str, EPOCHS)),
        ),
        picture=(planes.Row("", pair, ("",)),),
        answer=(row, column),
        why=why,
        hint=t("Only digits that it never saw tell how good it is."),
        worked=rf"({row},\; {column}): \quad {unseen[row, column]}",
    )


#: Kind -> (title, maker).
QUESTIONS: dict[str, tuple[str, Maker]] = {
    "keep": (mark("When to stop"), keep),
    "sizes": (mark("Sizes"), sizes),
    "norm": (mark("Batch normalization"), normalized),
}
