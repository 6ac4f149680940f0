"""Questions about generation; right answers and reasons for wrong ones are read from real arrays."""

from __future__ import annotations

import numpy as np

from deconvviz.ops.upsample import overlap_counts
from deconvviz.tasks.generation import DECODER
from lessons._kit.draw import planes
from lessons._kit.form.exercise import Maker, Question, by_looking, question
from lessons._kit.form.i18n import mark, t
from lessons._kit.photo.labels import class_name
from lessons.generation import run
from lessons.generation.picture import source

#: How far out the codes lie that are told apart: in units of the deviations of the class.
SPREADS = (0.5, 1.0, 2.0, 4.0)


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


def spread(seed: int) -> Question:
    """Which of four codes lies nearest to the mean of its class, and which farthest?"""
    random = np.random.default_rng(24300 + seed)
    model = run.model()
    label, draw = str(random.choice(model.labels)), int(random.integers(1000))
    order = [SPREADS[k] for k in random.permutation(len(SPREADS))]
    codes = np.stack([model.codes.draw(1, seed=draw, label=label, spread=share)[0] for share in order])
    index = model.codes.index(label)
    steps = np.linalg.solve(model.codes.factors[index], (codes - model.codes.means[index]).T)
    away = np.linalg.norm(steps, axis=0)
    return by_looking(
        prompt=t(
            "Four codes of the class “{label}” lie on one line through the middle of the class, and one decoder made "
            "a picture of each. **Which code is nearest to the middle, and which is farthest away?**",
            label=class_name(label),
        ),
        choices=[source(picture, model.shapes[index]) for picture in run.decode(codes, DECODER)],
        names=[f"{value:.1f}" for value in away],
        facts=[
            t(
                "The code of picture {number} is {away} standard deviations away from the middle.",
                number=number,
                away=f"{value:.1f}",
            )
            for number, value in enumerate(away, 1)
        ],
        fields=(t("nearest"), t("farthest")),
        answer=(int(away.argmin()) + 1, int(away.argmax()) + 1),
        hint=t("In the middle lies what the pictures of a class have in common; far out, what none of them has."),
    )


QUESTIONS: dict[str, tuple[str, Maker]] = {
    "overlap": (mark("Overlap"), overlap),
    "spread": (mark("Near and far"), spread),
    "divergence": (mark("The price of a code"), divergence),
}
