"""The exercise of small changes: a linear network turned by hand, and a table of measured maps."""

from __future__ import annotations

import numpy as np

from lessons._kit.draw.planes import Cell, Plane, Row
from lessons._kit.form.exercise import CLICK, Question, by_clicking, question
from lessons._kit.form.i18n import mark, t
from lessons._kit.run.pictures import PHOTOS
from lessons.adversarial import picture, run

#: Pixels of the small picture.
COUNT = 5


def by_hand(seed: int) -> Question:
    """By how much the lead of a class falls when each pixel changes by one, and the change that turns the class."""
    random = np.random.default_rng(4100 + seed)
    weights = random.integers(1, 7, COUNT) * random.choice((-1, 1), COUNT)
    fall = int(np.abs(weights).sum())
    needed = int(random.integers(2, 6))
    lead = fall * (needed - 1) + int(random.integers(1, fall))
    summed, largest = abs(int(weights.sum())), int(np.abs(weights).max())
    terms = " + ".join(str(abs(int(n))) for n in weights)
    return question(
        prompt=t(
            "A linear network of five pixels: score 1 less score 2 is the sum of **w** times the pixels, and here it "
            "is {lead}. Every pixel may change by at most so many levels, each up or down as you like. **By how much "
            "does the lead fall at most for one level, and how many whole levels turn the class?**",
            lead=lead,
        ),
        fields=(t("fall for one level"), t("levels")),
        answer=(fall, needed),
        wrong=[
            ((summed, lead // max(summed, 1) + 1),
             t("That is every pixel moved the same way. Move each against the sign of its weight.")),
            ((largest, lead // largest + 1), t("That is one pixel alone; all five may change.")),
            ((fall, needed - 1), t("The lead is then still above 0: one level more turns it.")),
            ((fall, needed + 1), t("One level less is enough.")),
        ],
        hint=t("Each pixel takes the size of its weight from the lead for every level. Add them, then divide."),
        worked=rf"{terms} = {fall}, \quad {needed - 1} \cdot {fall} < {lead} < {needed} \cdot {fall}",
        picture=[Row("", [Plane("w", weights[None], "kernel")])],
    )  # fmt: skip


def harmed(seed: int) -> Question:
    """Which change of which photograph turned the map most while the class stayed?"""
    random = np.random.default_rng(4400 + seed)
    while True:
        radius, rule = run.RADII[int(random.integers(len(run.RADII)))], str(random.choice(run.RULES))
        shown = [str(image) for image in random.permutation(PHOTOS)]
        table = np.array([[run.similarity(image, kind, radius, rule) for image in shown] for kind in run.KINDS])
        table = np.rint(100 * table).astype(int)
        result = [[run.label(image, kind, radius) for image in shown] for kind in run.KINDS]
        stays = np.array(result) == np.array([run.label(image) for image in shown])
        among = np.where(stays, table, 1000)
        if (among == among.min()).sum() == 1 and table.min() < among.min():
            break
    row, column = (int(n) for n in np.unravel_index(among.argmin(), among.shape))

    def why(given: Cell) -> str:
        if not stays[given]:
            return t("There another class is found: a map of another class may well be another map.")
        return t("There the class stays, but the map keeps {share} hundredths; look for less.", share=int(table[given]))

    pair = (
        Plane(t("1 where the class stays"), stays.astype(int), "input"),
        Plane(t("100 × rank correlation of {rule}", rule=t(picture.NAMES[rule])), table, "output", pick=CLICK),
    )
    return by_clicking(
        prompt=t(
            "Measured on eleven photographs (columns). Rows: noise, a change made to turn the class, one made to turn "
            "the map. **Click the number that says most against the map: the class stays, the map does not.**"
        ),
        picture=[Row("", pair, ("",))],
        answer=(row, column),
        why=why,
        hint=t("Where another class is found the map has a reason to change. Leave these out, then take the smallest."),
        worked=rf"({row},\; {column}): \quad {table[row, column]}",
    )


QUESTIONS = {
    "by-hand": (mark("Turned by hand"), by_hand),
    "harmed": (mark("Against the map"), harmed),
}
