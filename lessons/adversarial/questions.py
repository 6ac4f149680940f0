"""The exercise of small changes: a linear network turned by hand, and a table of measured maps."""

from __future__ import annotations

import numpy as np

from lessons._kit.draw.planes import Plane, Row
from lessons._kit.form.exercise import Question, question
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


def steadiest(seed: int) -> Question:
    """The rule whose maps of a photograph change least in the worst of the three changes."""
    random = np.random.default_rng(4200 + seed)
    image, radius = PHOTOS[int(random.integers(len(PHOTOS)))], run.RADII[int(random.integers(len(run.RADII)))]
    rows = [[run.similarity(image, kind, radius, rule) for rule in run.RULES] for kind in run.KINDS]
    table = np.rint(100 * np.array(rows)).astype(int)
    worst = table.min(axis=0)
    column = int(worst.argmax())
    answer = (column + 1, int(worst[column]))
    highest, mean = int(table.max(axis=0).argmax()), int(table[0].argmax())
    return question(
        prompt=t(
            "Measured: 100 times the rank correlation of the map before with the map after, on one photograph. Rows: "
            "noise, a change made to turn the class, one made to turn the map. Columns: {rules}. **Which column has "
            "the largest smallest number, and which number is it?** The first of two equal columns counts.",
            rules=", ".join(t(picture.NAMES[rule]) for rule in run.RULES),
        ),
        fields=(t("column"), t("its smallest number")),
        answer=answer,
        wrong=[
            ((highest + 1, int(table[:, highest].max())),
             t("That is the largest number of all. A map is judged by the change that harms it most.")),
            ((column + 1, int(table[:, column].max())), t("That is the column's largest number, not its smallest.")),
            ((mean + 1, int(table[0, mean])), t("That is the row of noise alone; the other changes count too.")),
            ((int(worst.argmin()) + 1, int(worst.min())), t("That is the column that is harmed most.")),
        ],
        hint=t("Write the smallest number of each column under it, then take the largest of the three."),
        worked=rf"\max_k({', '.join(map(str, worst))}) = {answer[1]},\quad k = {answer[0]}",
        picture=[Row("", [Plane(t("100 × rank correlation"), table, "output")])],
    )  # fmt: skip


QUESTIONS = {
    "by-hand": (mark("Turned by hand"), by_hand),
    "steadiest": (mark("The steadiest map"), steadiest),
}
