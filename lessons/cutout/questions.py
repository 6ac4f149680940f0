"""Questions about cut-outs; right answers and reasons for wrong ones are read from real arrays."""

from __future__ import annotations

import numpy as np

from deconvviz.tasks.cutout import matting
from deconvviz.tasks.cutout.metrics import intersection_over_union
from deconvviz.tasks.cutout.trimap import trimap_of
from lessons._kit.draw import planes
from lessons._kit.form.exercise import CLICK, Maker, Question, by_clicking, question
from lessons._kit.form.i18n import mark, t


def overlap(seed: int) -> Question:
    """How many pixels are in both masks, and how many in either?"""
    random = np.random.default_rng(23000 + seed)
    while True:
        mine, right = (random.random((4, 6)) < share for share in (0.45, 0.5))
        both, either = int((mine & right).sum()), int((mine | right).sum())
        if 3 <= both < either < 22 and mine.sum() != right.sum():
            break
    answer = (both, either)
    total = int(mine.sum() + right.sum())
    shown = [
        planes.Plane(t("cut out"), mine.astype(np.float64), "kernel"),
        planes.Plane(t("truth"), right.astype(np.float64), "output"),
    ]
    return question(
        prompt=t("**How many pixels are in the intersection of the two masks, and how many in their union?**"),
        fields=(t("intersection"), t("union")),
        answer=answer,
        wrong=[
            ((both, total), t("Pixels that are in both are counted twice there: the union counts each once.")),
            ((either, both), t("The two are swapped: the intersection is never larger than the union.")),
            ((both, int(right.sum())), t("That is the truth alone; what was cut out too much counts in the union.")),
            ((int(mine.sum()), either), t("That is all that was cut out; in the intersection it must be right too.")),
            ((both, 24), t("Pixels that are in neither mask count nowhere.")),
        ],
        hint=t("Count the cells with a 1 in both planes, then those with a 1 in at least one."),
        worked=rf"\text{{IoU}} = \frac{{{both}}}{{{either}}} = "
        rf"{intersection_over_union(mine, right):.2f}",
        picture=(planes.Row("", shown, ("", "")),),
    )


def blend(seed: int) -> Question:
    """What is alpha, from three colours?"""
    random = np.random.default_rng(23100 + seed)
    while True:
        ahead, behind = (int(n) for n in random.integers(0, 21, 2) * 10)
        percent = int(random.integers(1, 10)) * 10
        if abs(ahead - behind) >= 60 and percent != 50 and ahead and behind:
            break
    seen = (percent * ahead + (100 - percent) * behind) // 100
    answer = (percent,)
    share = round(100 * seen / ahead)
    return question(
        prompt=t(
            "At the edge of an object a pixel has the value I = {seen}. The object's own value is F = {ahead}, that of "
            "the background B = {behind}. **What is alpha, in percent?**",
            seen=seen,
            ahead=ahead,
            behind=behind,
        ),
        fields=(t("alpha in percent"),),
        answer=answer,
        wrong=[
            (100 - percent, t("That is the share of the background, 1 − α.")),
            (share, t("That is I / F; the background shines through too and has to be taken off first.")),
            (round(100 * seen / (ahead + behind)), t("The parts are weighted with α and 1 − α, not added.")),
            (50, t("Half would give the mean of the two colours.")),
        ],
        hint=t("I lies on the way from B to F: how far along?"),
        worked=rf"\alpha = \frac{{I - B}}{{F - B}} = \frac{{{seen} - {behind}}}{{{ahead} - {behind}}} = {percent}\,\%",
    )


def seeds(seed: int) -> Question:
    """Which values become seeds?"""
    random = np.random.default_rng(23200 + seed)
    values = random.permutation(np.arange(20) + int(random.integers(1, 9))).reshape(4, 5)
    foreground, background = ((0.2, 0.3), (0.3, 0.1), (0.1, 0.4), (0.25, 0.15))[seed % 4]
    marks = trimap_of(values.astype(np.float64), (4, 5), foreground, background)
    least, unknown = int(values[marks == 1].min()), int((marks == 0.5).sum())
    ahead = int((marks == 1).sum())
    answer = (least, unknown)
    return question(
        prompt=t(
            "A class map of 20 pixels. The strongest {ahead} % become seeds of the object, the weakest {behind} % "
            "seeds of the background. **What is the smallest value that is a seed of the object, and for how many "
            "pixels does alpha stay to be found?**",
            ahead=round(100 * foreground),
            behind=round(100 * background),
        ),
        fields=(t("smallest value"), t("unknown pixels")),
        answer=answer,
        wrong=[
            ((least, 20 - ahead), t("The background seeds are known too: take both off.")),
            ((least - 1, unknown), t("That value is no longer among the strongest {count}.", count=ahead)),
            ((least + 1, unknown), t("One more still belongs to the strongest {count}.", count=ahead)),
            ((int(values.max()), unknown), t("That is the strongest one; {count} become seeds.", count=ahead)),
            ((int(values[marks == 0].max()), unknown), t("That is the strongest one of the background seeds.")),
        ],
        hint=t("{count} of the 20 pixels become seeds of the object: count down from the largest value.", count=ahead),
        worked=rf"{int(values.max())} - {ahead} + 1 = {least}, \quad 20 - {ahead} - {20 - ahead - unknown} = {unknown}",
        picture=(planes.Row("", (planes.Plane(t("class map"), values.astype(np.float64), "input"),), ("",)),),
    )


def falls(seed: int) -> Question:
    """Where does alpha fall below a half?"""
    random = np.random.default_rng(23300 + seed)
    rows, columns, soft = 5, 10, 3
    while True:  # two brightnesses, and on the way from one to the other three between, none of them half way
        ahead, behind = (int(n) for n in random.integers(1, 20, 2))
        between = random.integers(min(ahead, behind), max(ahead, behind) + 1, soft)
        if (
            abs(ahead - behind) >= 8
            and len({*between, ahead, behind}) == soft + 2
            and ahead + behind not in 2 * between
        ):
            break
    slope = np.sort(between) if ahead < behind else -np.sort(-between)
    first = np.clip(int(random.integers(1, 6)) + np.cumsum(random.integers(-1, 2, rows)), 1, columns - soft - 1)
    values = np.full((rows, columns), float(behind))
    for line, begin in zip(values, first, strict=True):
        line[:begin], line[begin : begin + soft] = ahead, slope
    trimap = np.full((rows, columns), 0.5)
    trimap[:, 0], trimap[:, -1] = 1, 0
    alpha = matting.closed_form(np.repeat(values[..., None] / 20, 3, axis=-1), trimap)
    row = int(random.integers(1, rows - 1))
    answer = (row, int(np.argmax(alpha[row] < 0.5)))

    def why(cell: planes.Cell) -> str:
        here = f"{alpha[cell]:.2f}"
        if cell[0] != row:
            return t("That is row {there}; asked for is row {row}.", there=cell[0], row=row)
        if cell[1] in (0, columns - 1):
            return t("That is a seed: its alpha is given.")
        if alpha[cell] < 0.5:
            return t("There alpha is {alpha}, but it fell below one half before that.", alpha=here)
        return t(
            "There alpha is still {alpha}: the brightness {value} is nearer to the object’s {ahead} than to the "
            "background’s {behind}.",
            alpha=here,
            value=f"{values[cell]:g}",
            ahead=ahead,
            behind=behind,
        )

    asked = frozenset((row, column) for column in range(columns))
    shown = planes.Plane(t("brightness"), values, "input", frame=asked, pick=CLICK)
    return by_clicking(
        prompt=t(
            "A grey picture. All of its first column are seeds of the object, all of its last column seeds of the "
            "background; matting finds alpha between them. **Click the first cell of row {row}, counted from 0, in "
            "which alpha is below one half.**",
            row=row,
        ),
        picture=[planes.Row("", [shown])],
        answer=answer,
        why=why,
        hint=t("Alpha follows colour, not distance: it is even where the picture is even, and falls with it."),
        worked=rf"\alpha_{{{row}}} = " + r"\;".join(f"{value:.2f}" for value in alpha[row]),
    )


#: Kind -> (title, maker).
QUESTIONS: dict[str, tuple[str, Maker]] = {
    "falls": (mark("Where alpha falls"), falls),
    "blend": (mark("Alpha of a pixel"), blend),
    "seeds": (mark("From map to seeds"), seeds),
    "overlap": (mark("Overlap"), overlap),
}
