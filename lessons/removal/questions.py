"""The exercise of deletion and insertion: an area by hand, and two rankings of measured areas."""

from __future__ import annotations

import numpy as np

from deconvviz.checks.audit import controls, removal
from lessons._kit.draw import plot
from lessons._kit.draw.planes import Plane, Row
from lessons._kit.form.exercise import Question, by_looking, question
from lessons._kit.form.i18n import mark, t
from lessons.removal import picture, run


def by_hand(seed: int) -> Question:
    """The area under a curve of five points, in hundredths."""
    random = np.random.default_rng(3000 + seed)
    values = np.sort(random.choice(np.arange(2, 96), 5, replace=False))[::-1].copy()
    values[-1] -= (values[0] + 2 * values[1:-1].sum() + values[-1]) % 8  # so that the area is whole
    if values[-1] < 0:
        values[-1] += 8
    answer = round(removal.area(values))
    first, *inner, last = (int(n) for n in values)
    mean = round(float(values.mean()))
    return question(
        prompt=t(
            "A deletion curve, in hundredths of probability: nothing deleted, a quarter, half, three quarters, all. "
            "**What is the area under it, in hundredths, by trapezoids?** The whole width is 1."
        ),
        fields=(t("area in hundredths"),),
        answer=answer,
        wrong=[
            (4 * answer, t("Each trapezoid is a quarter wide; divide by four.")),
            (mean, t("That is the mean of the five points; the first and the last count half.")),
            (round(sum([first, *inner]) / 4), t("Those are rectangles with their left heights.")),
            (round(sum([*inner, last]) / 4), t("Those are rectangles with their right heights.")),
            (round((first + last) / 2), t("That is one trapezoid from the first to the last point.")),
        ],
        hint=t("Add the inner points to half of the first and half of the last, and divide by four."),
        worked=rf"\tfrac14 \left( \tfrac{{{first}}}2 + {' + '.join(map(str, inner))} + \tfrac{{{last}}}2 \right)"
        rf" = {answer}",
        picture=[Row("", [Plane(t("100 × probability"), values[None], "output")])],
    )


def two_covers(seed: int) -> Question:
    """The best order of a photograph with either cover, and what the second says of the first's winner."""
    random = np.random.default_rng(3100 + seed)
    kind = run.KINDS[int(random.integers(2))]
    image = run.PHOTOS[int(random.integers(len(run.PHOTOS)))]
    table = np.rint(1000 * np.array([[run.area(image, o, kind, c) for o in run.ORDERS] for c in run.COVERS]))
    table = table.astype(int)
    best = np.argmin if kind == "deletion" else np.argmax
    worst = np.argmax if kind == "deletion" else np.argmin
    grey, blur = (int(best(row)) for row in table)
    distance = abs(int(table[1, blur] - table[1, 0]))
    names = ", ".join(f"{k} {t(picture.NAMES[order])}" for k, order in enumerate(run.ORDERS))
    said = (
        t("Measured: 1000 times the area of deletion on one photograph; row 0 with grey, row 1 with the blurred "
          "photograph as cover. Columns: {names}. **Which column is best in row 0, which in row 1, and how far is the "
          "latter from the random order of its row?** The first of two equal ones counts.", names=names)
        if kind == "deletion"
        else t("Measured: 1000 times the area of insertion on one photograph; row 0 with grey, row 1 with the blurred "
               "photograph as cover. Columns: {names}. **Which column is best in row 0, which in row 1, and how far is "
               "the latter from the random order of its row?** The first of two equal ones counts.", names=names)
    )  # fmt: skip
    return question(
        prompt=said,
        fields=(t("best column, grey"), t("best column, blurred"), t("distance")),
        answer=(grey, blur, distance),
        wrong=[
            ((*(int(worst(row)) for row in table), abs(int(table[1, worst(table[1])] - table[1, 0]))),
             t("Those are the worst: deletion wants a small area, insertion a large one.")),
            ((grey + 1, blur + 1, distance), t("Counting starts at 0.")),
            ((blur, grey, distance), t("Row 0 first, then row 1.")),
            ((grey, blur, int(table[1, blur])), t("That is the area itself; its distance from column 0 is asked for.")),
            ((grey, blur, abs(int(table[0, grey] - table[0, 0]))), t("That is the distance in row 0.")),
        ],
        hint=t("Deletion: the smallest number of each row. Insertion: the largest. Column 0 is the random order."),
        worked=rf"{grey}, \; {blur}: \quad |{table[1, blur]} - {table[1, 0]}| = {distance}",
        picture=[Row("", [Plane(t("1000 × area"), table, "output")])],
    )  # fmt: skip


def four_curves(seed: int) -> Question:
    """Which of four curves is an insertion by a map, and which a deletion in random order?"""
    random = np.random.default_rng(3200 + seed)
    while True:
        image, cover = str(random.choice(run.PHOTOS)), str(random.choice(run.COVERS))
        method = str(random.choice(run.METHODS))
        if min(run.gain(image, method, kind, cover) for kind in run.KINDS) > 0.02:
            break
    made = [(order, kind) for order in (method, controls.RANDOM) for kind in run.KINDS]
    made = [made[i] for i in random.permutation(len(made))]
    kinds = {"deletion": t("deletion"), "insertion": t("insertion")}
    names = [t("{kind}, {order}", kind=kinds[kind], order=t(picture.NAMES[order])) for order, kind in made]
    drawn = [run.curve(image, order, kind, cover) for order, kind in made]
    areas = [round(100 * removal.area(one)) for one in drawn]
    return by_looking(
        prompt=t(
            "Measured on one photograph: the probability of its class, from nothing exchanged (left) to all pixels "
            "(right), by a map and in random order. **Which curve is the insertion by the map, and which the deletion "
            "in random order?** The map is the better order for both."
        ),
        choices=[plot.sketch(one) for one in drawn],
        names=names,
        facts=[
            t("Picture {number}: {name}; area {area} %.", number=number, name=name, area=area)
            for number, (name, area) in enumerate(zip(names, areas, strict=True), 1)
        ],
        fields=(t("insertion by the map"), t("deletion in random order")),
        answer=(made.index((method, "insertion")) + 1, made.index((controls.RANDOM, "deletion")) + 1),
        hint=t(
            "A deletion begins with the whole photograph, an insertion ends with it. Better is a deletion that falls "
            "early, and an insertion that rises early."
        ),
    )


QUESTIONS = {
    "curves": (mark("Four curves"), four_curves),
    "by_hand": (mark("An area by hand"), by_hand),
    "two_covers": (mark("Two covers"), two_covers),
}
