"""Questions about feature visualization; right answers and reasons for wrong ones are read from real arrays."""

from __future__ import annotations

import numpy as np

from lessons._kit.draw import image_row, planes
from lessons._kit.form.exercise import Maker, Question, by_looking, question
from lessons._kit.form.i18n import mark, t
from lessons._kit.run import shipped

#: How much larger than the next the largest and the smallest answer are, and the share of the channel's own at least.
CLEAR, WEAK = 1.5, 0.2


def likeness(seed: int) -> Question:
    """Which of four pictures that were made for other channels excites a channel most, and which least?"""
    random = np.random.default_rng(14300 + seed)
    sheet, said = shipped.arrays()["sheet"], shipped.arrays()["sheet/answers"]
    while True:
        i, *others = (int(one) for one in random.choice(len(sheet), 5, replace=False))
        values = said[others, i]
        lowest, low, high, highest = sorted(values)
        if highest > CLEAR * high and low > CLEAR * lowest and highest > WEAK * said[i, i]:
            break
    channel = shipped.facts()["sheet"][i]
    facts = [
        t("Picture {number} was made for channel {other}; channel {channel} gives it {value}.", number=number,
          other=shipped.facts()["sheet"][other], channel=channel, value=f"{value:.2f}")
        for number, (other, value) in enumerate(zip(others, values, strict=True), 1)
    ]  # fmt: skip
    label = t("made for channel {channel}, which gives it {value}", channel=channel, value=f"{said[i, i]:.2f}")
    return by_looking(
        prompt=t(
            "The first picture was made for channel {channel} of {layer}, the other four for other channels. All are "
            "shown to channel {channel}. **Which of the four does it answer most, and which least?**",
            channel=channel,
            layer=shipped.SHEET,
        ),
        choices=[sheet[other] for other in others],
        names=[f"{value:.2f}" for value in values],
        facts=facts,
        fields=(t("most"), t("least")),
        answer=(int(values.argmax()) + 1, int(values.argmin()) + 1),
        hint=t("Look for the same pattern: direction, spacing and shape of the strokes."),
        given=[image_row.Picture(sheet[i], label, width=160)],
    )


def objectives(seed: int) -> Question:
    """What do two objectives say of one map?"""
    random = np.random.default_rng(14000 + seed)
    while True:
        a = random.integers(0, 10, (3, 3))
        mean = int(a.sum()) // 9
        if a.sum() % 9 == 0 and a[1, 1] not in (mean, a.max()) and 0 in a:
            break
    answer = (mean, int(a[1, 1]))
    awake = round(float(a[a > 0].mean()))
    return question(
        prompt=t(
            "One channel's map for some picture. **What does the objective of the channel say of it, and what that of "
            "the neuron in the middle?**"
        ),
        fields=(t("channel"), t("neuron")),
        answer=answer,
        wrong=[
            ((int(a.sum()), answer[1]), t("The channel's objective is the mean over all positions, not the sum.")),
            (
                (int(a.max()), answer[1]),
                t("A channel is its mean over all positions; the largest value is one neuron."),
            ),
            ((answer[1], answer[0]), t("The two are swapped: the neuron is one position, the channel all of them.")),
            ((mean, int(a.max())), t("The neuron asked for is the one in the middle, strong or not.")),
            ((awake, answer[1]), t("Positions that are zero count too: there are nine.")),
            ((mean, int(a[0, 0])), t("The neuron in the middle is at row 1, column 1, counted from 0.")),
        ],
        hint=t("The channel takes the mean of all nine positions; the neuron takes one of them."),
        worked=rf"\tfrac19 \cdot {int(a.sum())} = {mean}, \quad a_{{11}} = {answer[1]}",
        picture=(planes.Row("", (planes.Plane("a", a.astype(np.float64), "output"),), ("",)),),
    )


def best_picture(seed: int) -> Question:
    """What is the most that any picture gives a unit?"""
    random = np.random.default_rng(14200 + seed)
    while True:
        w = random.integers(-5, 6, 4)
        bias = int(random.integers(-9, 3))
        most = int(w[w > 0].sum()) + bias
        if (w > 0).sum() >= 2 and (w < 0).sum() >= 1 and bias and (most <= 0) == (seed % 3 == 2):
            break
    answer = (most, max(most, 0))
    total, magnitude = int(w.sum()) + bias, int(np.abs(w).sum()) + bias
    kernel = planes.Plane("w", w[None].astype(np.float64), "kernel")
    return question(
        prompt=t(
            "A unit adds up four pixels, each between 0 and 1, with the weights w and the bias {bias}; then comes a "
            "rectifier. **What is the most that any picture gives before the rectifier, and after it?** A unit that "
            "stays at 0 is dead.",
            bias=planes.number(bias),
        ),
        fields=(t("before"), t("after")),
        answer=answer,
        wrong=[
            ((total, max(total, 0)), t("Where a weight is negative the best pixel is 0, not 1.")),
            ((magnitude, max(magnitude, 0)), t("A pixel cannot be negative: a negative weight gives 0 at best.")),
            ((most - bias, max(most - bias, 0)), t("The bias is added too, whatever the picture is.")),
            ((most, most), t("The rectifier comes last: nothing below zero passes.")),
            ((int(w.max()) + bias, max(int(w.max()) + bias, 0)), t("Every pixel with a positive weight is turned up.")),
            ((0, 0), t("Turn each pixel to 0 or to 1, whichever is better, and add up.")),
        ],
        hint=t("The best picture has 1 where the weight is positive and 0 elsewhere."),
        worked=rf"{' + '.join(str(k) for k in w if k > 0)} + ({bias}) = {most}, \quad \max({most},\, 0) = {answer[1]}",
        picture=(planes.Row("", (kernel,), ("",)),),
    )


#: Kind -> (title, maker).
QUESTIONS: dict[str, tuple[str, Maker]] = {
    "alike": (mark("What it answers"), likeness),
    "objective": (mark("Channel or neuron"), objectives),
    "best": (mark("The best picture"), best_picture),
}
