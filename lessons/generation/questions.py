"""Questions about generation; right answers and reasons for wrong ones are read from real arrays."""

from __future__ import annotations

import numpy as np

from deconvviz.ops.upsample import overlap_counts
from deconvviz.tasks.generation.codes import between
from lessons._kit.draw import planes
from lessons._kit.form.exercise import Maker, Question, question
from lessons._kit.form.i18n import mark, t


def overlap(seed: int) -> Question:
    """How often are two neighbours in the middle written to?"""
    random = np.random.default_rng(24000 + seed)
    taps, cells = int(random.integers(3, 20)), int(random.integers(12, 17))
    counts = overlap_counts(cells, taps, 2)
    middle = len(counts) // 2
    pair = counts[middle : middle + 2]
    answer = (int(pair.max()), int(pair.min()))
    ways = rf"\lceil {taps} / 2 \rceil = {answer[0]}, \quad \lfloor {taps} / 2 \rfloor = {answer[1]}"
    return question(
        prompt=t(
            "A transposed convolution with {taps} taps and stride 2 enlarges a row of {cells} cells. Far from the "
            "ends, **how many input cells write on an output cell: the most, and the fewest?**",
            taps=taps,
            cells=cells,
        ),
        fields=(t("most"), t("fewest")),
        answer=answer,
        wrong=[
            ((taps, taps), t("Each tap falls on another output cell: the windows start 2 cells apart, not 1.")),
            ((answer[1], answer[0]), t("The right numbers; the larger one comes first.")),
            ((answer[0], answer[0]), t("Evenly only if 2 divides the number of taps.")),
            ((answer[0] + 1, answer[1]), t("Count the windows that start 0, 2, 4, … cells before the place.")),
            ((1, 1), t("Windows of more than 2 cells overlap.")),
        ],
        hint=t("Lay down one window after the other, each 2 cells further, and count."),
        worked=ways,
        picture=(planes.Row("", (planes.Plane(t("the input row"), np.ones((1, cells)), "input"),), ("",)),),
    )


def divergence(seed: int) -> Question:
    """What does a code cost?"""
    random = np.random.default_rng(24100 + seed)
    mean = 2 * random.integers(-3, 4, 3)
    mean[0] = 2 * int(random.integers(1, 4))
    answer = (int(0.5 * (mean**2).sum()),)
    shown = " + ".join(rf"{int(m)}^2" if m >= 0 else rf"({int(m)})^2" for m in mean)
    return question(
        prompt=t(
            "The encoder answers with the means {means} and the variances 1, 1, 1. **How many nats is the KL "
            "divergence from the standard normal density?**",
            means=", ".join(str(int(m)).replace("-", "−") for m in mean),
        ),
        fields=(t("nats"),),
        answer=answer,
        wrong=[
            (int((mean**2).sum()), t("That is the sum of squares; the formula halves it.")),
            (int(np.abs(mean).sum()) // 2, t("The means are squared, not taken as they are.")),
            (int(0.5 * (mean**2).sum()) + 3, t("With v = 1 each v − 1 − log v is 0.")),
            (0, t("Only a code with mean 0 and variance 1 costs nothing.")),
        ],
        hint=t("½ Σ (m² + v − 1 − log v), and the logarithm of 1 is 0."),
        worked=rf"\tfrac12 ({shown}) = {answer[0]}",
    )


def halfway(seed: int) -> Question:
    """Which code lies on the way?"""
    random = np.random.default_rng(24200 + seed)
    steps = int(random.integers(4, 7))
    one, step = int(random.integers(-6, 7)), int(random.choice([-4, -3, -2, 2, 3, 4]))
    other = one + step * (steps - 1)
    place = int(random.integers(2, steps))
    line = between(np.array([float(one)]), np.array([float(other)]), steps)
    answer = (round(float(line[place - 1, 0])),)
    return question(
        prompt=t(
            "One number of the code is {one} for the first picture and {other} for the second. A strip of {steps} "
            "pictures leads from one to the other, both among them. **What is that number for picture {place}?**",
            one=str(one).replace("-", "−"),
            other=str(other).replace("-", "−"),
            steps=steps,
            place=place,
        ),
        fields=(t("value"),),
        answer=answer,
        wrong=[
            (one + step * place, t("The first picture is at 0 steps, so the numbers are one step behind.")),
            (other - step * (place - 1), t("Counted from the other end.")),
            ((one + other) // 2, t("That is the middle of the strip.")),
            (step * (place - 1), t("Steps from 0: add the first code.")),
            (step, t("That is one step.")),
        ],
        hint=t("How many steps are there between the first and the last picture?"),
        worked=rf"{one} + \frac{{{place - 1}}}{{{steps - 1}}} ({other - one}) = {answer[0]}",
    )


QUESTIONS: dict[str, tuple[str, Maker]] = {
    "overlap": (mark("Overlap"), overlap),
    "divergence": (mark("The price of a code"), divergence),
    "halfway": (mark("On the path"), halfway),
}
