"""Questions about learned inversion; right answers and reasons for wrong ones are read from real arrays."""

from __future__ import annotations

import numpy as np

from lessons._kit.draw import planes
from lessons._kit.form.exercise import Maker, Question, by_looking, question
from lessons._kit.form.i18n import mark, t
from lessons._kit.run import shipped

#: Layers of which the picture by the decoder and that by the search are shown.
DEPTHS = ("relu2", "relu4", "relu6", "relu7")


def best_answer(values: np.ndarray) -> int:
    """The whole number whose squared distances to the values add up to the least."""
    return int(np.argmin([np.square(values - guess).sum() for guess in range(int(values.max()) + 1)]))


def unpooled(values: np.ndarray, factor: int) -> np.ndarray:
    """Each value at the start of a block of `factor` cells, zeros behind it."""
    result = np.zeros(len(values) * factor)
    result[::factor] = values
    return result


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
    result = convolved(unpooled(values, 2), taps)
    answer = (int(result[place]),)
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


def maker(seed: int) -> Question:
    """Which of four pictures did the decoder make, and which the search, from the deeper of two layers?"""
    random = np.random.default_rng(12300 + seed)
    early, deep = sorted(str(layer) for layer in random.choice(DEPTHS, 2, replace=False))
    offered = [(method, layer) for layer in (early, deep) for method in ("learned", "optimize")]
    order = [offered[k] for k in random.permutation(len(offered))]
    makers = {"learned": t("the decoder"), "optimize": t("the search")}
    facts = [
        t(
            "Picture {number} was made by {maker} from {layer}: error in pixels {pixels}, feature error {features}.",
            number=number,
            maker=makers[method],
            layer=layer,
            pixels=f"{shipped.facts()[f'{method}/{layer}'][1]:.2g}",
            features=f"{shipped.facts()[f'{method}/{layer}'][0]:.2g}",
        )
        for number, (method, layer) in enumerate(order, 1)
    ]
    return by_looking(
        prompt=t(
            "Four pictures of the cat from two layers, {early} and {deep}: from each layer one by its decoder and one "
            "by a search. **Which are the two from {deep}: the decoder's, and the search's?**",
            early=early,
            deep=deep,
        ),
        choices=[shipped.arrays()[f"{method}/{layer}"] for method, layer in order],
        names=[rf"{method}, {layer}" for method, layer in order],
        facts=facts,
        fields=(t("decoder, {layer}", layer=deep), t("search, {layer}", layer=deep)),
        answer=(order.index(("learned", deep)) + 1, order.index(("optimize", deep)) + 1),
        hint=t("A decoder blurs what it does not know; a search fills it with fine patterns."),
    )


QUESTIONS: dict[str, tuple[str, Maker]] = {
    "maker": (mark("Decoder or search"), maker),
    "mean": (mark("The best guess"), mean),
    "corner": (mark("Between two values"), corner),
}
