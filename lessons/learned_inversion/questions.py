"""Questions about learned inversion; right answers and reasons for wrong ones are read from real arrays."""

from __future__ import annotations

import numpy as np

from lessons._kit.draw import planes
from lessons._kit.form.exercise import Maker, Question, question
from lessons._kit.form.i18n import mark, t


def best_answer(values: np.ndarray) -> int:
    """The whole number whose squared distances to the values add up to the least."""
    return int(np.argmin([np.square(values - guess).sum() for guess in range(int(values.max()) + 1)]))


def unpooled(values: np.ndarray, factor: int) -> np.ndarray:
    """Each value at the start of a block of `factor` cells, zeros behind it."""
    found = np.zeros(len(values) * factor)
    found[::factor] = values
    return found


def convolved(row: np.ndarray, taps: np.ndarray) -> np.ndarray:
    """Three taps slide over the row, as in networks; zeros around it."""
    padded = np.pad(row, 1)
    return np.array([padded[i : i + 3] @ taps for i in range(len(row))])


def mean(seed: int) -> Question:
    """What does squared error teach to answer where the features do not tell pictures apart?"""
    random = np.random.default_rng(12000 + seed)
    often, seldom = 3 - seed % 2, 1
    dark = int(random.integers(2, 12)) * 4
    bright = dark + (often + seldom) * int(random.integers(5, 12)) * 2
    values = np.array([dark] * often + [bright] * seldom, np.float64)
    answer = (best_answer(values),)
    return question(
        prompt=t(
            "{count} training pictures have the same features. One pixel of theirs is {values}. **What will a decoder "
            "trained with squared error answer for that pixel?**",
            count=len(values),
            values=", ".join(f"{value:g}" for value in values),
        ),
        fields=(t("value"),),
        answer=answer,
        wrong=[
            (dark, t("The commonest value: what the absolute error would teach, not the squared one.")),
            (bright, t("The rarer value is far from most of the pictures.")),
            ((dark + bright) // 2, t("The middle of the two; but one of them comes more often.")),
            (int(values.sum()), t("That is the sum; divide it by the number of pictures.")),
        ],
        hint=t("Where does the sum of squared distances have its minimum?"),
        worked=rf"\frac{{{' + '.join(f'{value:g}' for value in values)}}}{{{len(values)}}} = {answer[0]}",
    )


def corner(seed: int) -> Question:
    """What does an up-convolution write between two values?"""
    random = np.random.default_rng(12100 + seed)
    values, taps = random.integers(1, 6, 3).astype(np.float64), random.choice(np.arange(1, 8), 3, False).astype(float)
    place = 1 + 2 * int(random.integers(0, 2))
    found = convolved(unpooled(values, 2), taps)
    answer = (int(found[place]),)
    a, b = values[place // 2], values[place // 2 + 1]
    row = unpooled(values, 2)
    terms = rf"{taps[0]:g} \cdot {a:g} + {taps[1]:g} \cdot 0 + {taps[2]:g} \cdot {b:g}"
    return question(
        prompt=t(
            "Unpooling put zeros behind each value; then the taps {taps} slide over the row, as in networks. **Which "
            "value is in column {column}, counted from 0?**",
            taps=", ".join(f"{tap:g}" for tap in taps),
            column=place,
        ),
        fields=(t("value"),),
        answer=answer,
        wrong=[
            (int(a * taps[1]), t("The middle tap lies on a zero here; the outer two reach the values.")),
            (int(taps[0] * b + taps[2] * a), t("The left tap reads the left neighbour: the kernel is not flipped.")),
            (int((a + b) * taps.sum()), t("Each value is met by one tap, not by all three.")),
            (0, t("The cell was zero before the convolution; it is filled from its neighbours.")),
            (int(convolved(np.repeat(values, 2), taps)[place]), t("That repeats the values; here zeros are put in.")),
        ],
        hint=t("Lay the middle tap on that column: the other two touch its neighbours."),
        worked=rf"{terms} = {answer[0]}",
        picture=(planes.Row("", (planes.Plane(t("after unpooling"), row[None], "output"),), ("",)),),
    )


def stages(seed: int) -> Question:
    """How many rows come out of the stages?"""
    random = np.random.default_rng(12200 + seed)
    rows, factors = int(random.choice([3, 4, 5, 6, 7])), [int(n) for n in random.integers(2, 5, 3)]
    column = np.ones(rows)
    for factor in factors:
        column = convolved(unpooled(column, factor), np.ones(3))
    answer = (len(column),)
    told, product = ", ".join(map(str, factors)), r" \cdot ".join(map(str, factors))
    return question(
        prompt=t(
            "A map of {rows} rows goes through three up-convolutions that enlarge by {factors}. **How many rows does "
            "the picture have?**",
            rows=rows,
            factors=told,
        ),
        fields=(t("rows"),),
        answer=answer,
        wrong=[
            (rows * sum(factors), t("Factors one after the other multiply; they do not add up.")),
            (rows + sum(factors), t("Every stage multiplies the rows by its factor.")),
            (rows * factors[-1], t("The other stages enlarge too.")),
            (rows * int(np.prod(factors)) ** 2, t("Rows alone: the columns grow by as much beside them.")),
        ],
        hint=t("The convolutions between keep the size; each stage makes every row into several."),
        worked=rf"{rows} \cdot {product} = {answer[0]}",
    )


QUESTIONS: dict[str, tuple[str, Maker]] = {
    "mean": (mark("The best guess"), mean),
    "corner": (mark("Between two values"), corner),
    "stages": (mark("Rows"), stages),
}
