"""The exercise of the randomization test: a rank correlation by hand, and the step that changes a real map most."""

from __future__ import annotations

import numpy as np

from deconvviz.checks.randomization import rank_correlation
from lessons._kit.draw import plot
from lessons._kit.draw.planes import Plane, Row
from lessons._kit.form.exercise import Question, by_looking, question
from lessons._kit.form.i18n import mark, t
from lessons.shuffled import picture, run

#: Pixels of the small maps.
COUNT = 5


def ranks(seed: int) -> Question:
    """The rank correlation of two maps of five pixels, times ten."""
    random = np.random.default_rng(2600 + seed)
    first, second = (np.sort(random.choice(np.arange(1, 60), COUNT, replace=False)) for _ in range(2))
    first, second = random.permutation(first), random.permutation(second)
    d = first.argsort().argsort() - second.argsort().argsort()
    total = int(d @ d)
    answer = round(10 * rank_correlation(first, second))
    pearson = round(10 * float(np.corrcoef(first, second)[0, 1]))
    terms = " + ".join(str(int(n * n)) for n in d)
    return question(
        prompt=t(
            "Two maps of five pixels: **a** of the trained network, **b** of the shuffled one. **What is their rank "
            "correlation, times ten?** With d the difference of the ranks of a pixel it is 1 − 6 Σd² / (n (n² − 1))."
        ),
        fields=(t("ten times the rank correlation"),),
        answer=answer,
        wrong=[
            (total, t("That is the sum of the squared differences; it has to go into the formula.")),
            (-answer, t("The sign is turned: equal ranks give 1, ranks in reverse give −1.")),
            (10 - answer, t("That is what is taken from 1; the correlation is what is left.")),
            (pearson, t("That is the correlation of the numbers themselves. Replace each by its rank first.")),
            (10, t("That would be two maps with all pixels in the same order.")),
            (0, t("Count again: the differences of these ranks do not balance so.")),
        ],
        hint=t("Write the ranks 1 to 5 under both rows, subtract, square, add up; n is 5, so n (n² − 1) is 120."),
        worked=rf"\sum d^2 = {terms} = {total}, \quad 10 \left(1 - \tfrac{{6 \cdot {total}}}{{120}}\right) = {answer}",
        picture=[Row("", [Plane("a", first[None], "input"), Plane("b", second[None], "output")])],
    )


def steepest(seed: int) -> Question:
    """The step at which a measured curve falls most, and by how many hundredths."""
    random = np.random.default_rng(2700 + seed)
    image, rule = run.PHOTOS[int(random.integers(len(run.PHOTOS)))], run.RULES[int(random.integers(len(run.RULES)))]
    hundredths = np.rint(100 * np.array(run.similarity(image, rule))).astype(int)
    falls = hundredths[:-1] - hundredths[1:]
    step = int(falls.argmax())
    answer = (step + 1, int(falls[step]))
    second = int(np.argsort(-falls, kind="stable")[1])
    return question(
        prompt=t(
            "Measured: 100 times the rank correlation of {rule} on one photograph, from the untouched network (step 0) "
            "to all layers shuffled. **At which step does it fall most, and by how much?** The first of two equal "
            "falls counts.",
            rule=t(picture.NAMES[rule]),
        ),
        fields=(t("step"), t("fall in hundredths")),
        answer=answer,
        wrong=[
            ((step, answer[1]), t("That is the step before the fall: it is counted where the lower value stands.")),
            ((answer[0], int(hundredths[step + 1])), t("That is the value after the fall, not the fall.")),
            ((second + 1, int(falls[second])), t("That is the second largest fall.")),
            ((len(falls), int(hundredths[0] - hundredths[-1])), t("That is the whole fall; one step is asked for.")),
        ],
        hint=t("Subtract each value from the one before it. The value at step 0 is 100."),
        worked=rf"{answer[0]}: \quad {hundredths[step]} - ({hundredths[step + 1]}) = {answer[1]}",
        picture=[Row("", [Plane(t("100 × rank correlation, step 0 to 8"), hundredths[None], "output")])],
    )


def four_cascades(seed: int) -> Question:
    """Which of four measured curves is guided backprop's, and which is of noise?"""
    random = np.random.default_rng(2750 + seed)
    image = str(random.choice(run.PHOTOS))
    order = [str(rule) for rule in random.permutation([*run.RULES, run.NOISE])]
    drawn = [np.array(run.similarity(image, rule)) for rule in order]
    names = [t(picture.NAMES[rule]) for rule in order]
    steady = order[int(np.argmax([one[1:].mean() for one in drawn]))]
    return by_looking(
        prompt=t(
            "Measured on one photograph: the rank correlation with the map of the trained network (top 1, bottom "
            "below 0), from step 0 on the left to all layers shuffled. **Which curve is of noise drawn anew at every "
            "step, and which is of the map that rests least on what was learned?**"
        ),
        choices=[plot.sketch((one + 0.2) / 1.2) for one in drawn],
        names=names,
        facts=[
            t("Picture {number}: {name}; mean after the first step {mean} %.", number=number, name=name,
              mean=round(100 * float(one[1:].mean())))
            for number, (name, one) in enumerate(zip(names, drawn, strict=True), 1)
        ],
        fields=(t("noise"), t("rests least on what was learned")),
        answer=(order.index(run.NOISE) + 1, order.index(steady) + 1),
        hint=t("Noise has nothing to do with the map before. A map that stays alike does not need the weights."),
    )  # fmt: skip


QUESTIONS = {
    "curves": (mark("Four curves"), four_cascades),
    "ranks": (mark("Ranks"), ranks),
    "steepest": (mark("The steepest step"), steepest),
}
