"""Questions about how features grow; answers and reasons come from the measures of the page, one from real filters."""

from __future__ import annotations

import itertools

import numpy as np

from lessons._kit.draw import planes
from lessons._kit.draw.pixels import address
from lessons._kit.form.exercise import Maker, Question, by_looking, question
from lessons._kit.form.i18n import mark, t
from lessons.growth import measure, network, scenes
from lessons.growth.measure import EPOCHS

#: Epochs whose maps are told apart; a channel is asked for that is still this far away after the last but one.
AGES, FAR = tuple(EPOCHS[i] for i in (0, 3, 4, -1)), 0.5
#: Two numbers whose length is a whole number.
PAIRS = ((3, 4), (4, 3), (5, 12), (12, 5), (0, 5), (5, 0), (-3, 4), (-4, 3), (8, 6), (6, -8))


def direction(seed: int) -> Question:
    """How far apart are two maps of two pixels?"""
    random = np.random.default_rng(9700 + seed)
    first, second = random.choice(len(PAIRS), 2, replace=False)
    a, b = np.array(PAIRS[first]), np.array(PAIRS[second]) * int(random.integers(2, 5))
    inner, norms = int(a @ b), (round(float(np.linalg.norm(a))), round(float(np.linalg.norm(b))))
    exact = 100 * measure.distance(inner, *map(float, norms))
    if (100 * inner) % (norms[0] * norms[1]):  # no whole number of hundredths
        return direction(seed + 1000)
    answer = (round(exact),)
    cosine = 100 * inner // (norms[0] * norms[1])
    return question(
        prompt=t(
            "A map of two pixels: early in training it is ({a1}, {a2}), in the end ({b1}, {b2}). **How many "
            "hundredths is the distance 1 − cos?**",
            a1=planes.number(int(a[0])),
            a2=planes.number(int(a[1])),
            b1=planes.number(int(b[0])),
            b2=planes.number(int(b[1])),
        ),
        fields=(t("hundredths"),),
        answer=answer,
        wrong=[
            (cosine, t("That is the cosine itself; the distance is what it lacks of 1.")),
            (100 + cosine, t("Subtract the cosine from 1; you have added it.")),
            (100 - inner, t("Divide the inner product by both lengths first.")),
            (inner, t("That is the inner product, before it is divided by the lengths.")),
            (100 - round(100 * inner / norms[0] ** 2), t("Each map has a length of its own: divide by both.")),
            (round(float(np.linalg.norm(a - b))), t("That is how far their ends lie apart; it counts brightness too.")),
            (0, t("The distance is 0 only if one map is a positive multiple of the other.")),
        ],
        hint=t("Inner product: multiply pixel by pixel and add. The lengths are {a} and {b}.", a=norms[0], b=norms[1]),
        worked=rf"100\,\Bigl(1 - \tfrac{{{inner}}}{{{norms[0]} \cdot {norms[1]}}}\Bigr) = {answer[0]}",
    )


def half(seed: int) -> Question:
    """After which of the epochs is a layer's distance at most half, or a quarter, of its first?"""
    layer = measure.CONVS[seed % len(measure.CONVS)]
    parts, name = ((2, t("half")), (4, t("a quarter")))[seed // len(measure.CONVS) % 2]
    shown = [round(100 * value) for value in measure.kernels()[layer]]
    reached = [k for k, value in enumerate(shown) if parts * value <= shown[0]]
    at = reached[0]
    fall = shown[0] - shown[at]
    answer = (EPOCHS[at], fall)
    absolute = next(k for k, value in enumerate(shown) if parts * value <= 100)
    rows = (
        planes.Plane(t("epoch"), np.array([EPOCHS]), "kernel"),
        planes.Plane(t("distance"), np.array([shown]), "input"),
    )
    return question(
        prompt=t(
            "The filters of {layer}: below, distances in hundredths. **After which of these epochs is it, for the "
            "first time, at most {part} of what it was after epoch 1, and by how many hundredths has it fallen then?**",
            layer=layer,
            part=name,
        ),
        fields=(t("epoch"), t("fallen by")),
        answer=answer,
        wrong=[
            ((EPOCHS[at], shown[at]), t("That is the distance there; the question is by how much it has fallen.")),
            (
                (EPOCHS[at - 1], shown[0] - shown[at - 1]),
                t("There it is still {value}, above {limit}.", value=shown[at - 1], limit=shown[0] / parts),
            ),
            (
                (EPOCHS[absolute], shown[0] - shown[absolute]),
                t("Half or a quarter of the first distance, {first}, not of 100.", first=shown[0]),
            ),
            ((at + 1, fall), t("That is the number of the column; the epoch is asked for.")),
            ((at, fall), t("That counts columns; the epoch is asked for.")),
            (
                (EPOCHS[-1] // parts, fall),
                t("That is the same share of the epochs; the distance does not fall evenly with them."),
            ),
            ((EPOCHS[-1], shown[0] - shown[-1]), t("By then it is 0; it was low enough before.")),
        ],
        hint=t("Divide {first} by {parts}, then read along the distances.", first=shown[0], parts=parts),
        worked=rf"{shown[at]} \le \tfrac{{{shown[0]}}}{{{parts}}} < {shown[at - 1]} \;\Rightarrow\; {answer[0]}, "
        rf"\quad {shown[0]} - {shown[at]} = {fall}",
        picture=tuple(planes.Row("", (row,)) for row in rows),
    )


def pairs(seed: int) -> Question:
    """In how many pairs of layers was the lower one first?"""
    random = np.random.default_rng(9800 + seed)
    result = next(v for v in (random.choice(np.arange(3, 60), 6, replace=False) for _ in range(99)) if _mixed(v))
    values = [int(value) for value in result]
    right, total = measure.in_order(values)
    answer = (right,)
    neighbours = sum(a < b for a, b in itertools.pairwise(values))
    return question(
        prompt=t(
            "Six layers, from the bottom, are halfway after epochs {epochs}. **In how many pairs of layers was the "
            "lower one first?**",
            epochs=", ".join(map(str, values)),
        ),
        fields=(t("pairs"),),
        answer=answer,
        wrong=[
            (total - right, t("Those are the pairs in which the upper one was first.")),
            (neighbours, t("Layers that are not neighbours make pairs too.")),
            (total, t("That is how many pairs there are.")),
            (2 * right, t("Every pair counts once.")),
            (len(values), t("That is how many layers there are; count pairs.")),
        ],
        hint=t("Take the layers one by one: how many above it have a larger number?"),
        worked=" + ".join(str(sum(v < w for w in values[i + 1 :])) for i, v in enumerate(values[:-1])) + f" = {right}",
    )


def _mixed(values: np.ndarray) -> bool:
    """Neither sorted nor with as many pairs in order as out of order."""
    right, total = measure.in_order([int(value) for value in values])
    return 0 < right < total and 2 * right != total


def ages(seed: int) -> Question:
    """Which map of one channel is the earliest, and which the latest?"""
    random = np.random.default_rng(9900 + seed)
    known = {epoch: network.grown(scenes.IMAGE, scenes.LAYER, epoch) for epoch in AGES}
    i = int(random.choice([i for i, away in enumerate(known[AGES[-2]].distances) if away > FAR]))
    order = [AGES[k] for k in random.permutation(len(AGES))]
    return by_looking(
        prompt=t(
            "Channel {channel} of {layer} after four epochs of training, each map on its own scale. **Which map is the "
            "earliest, and which is the latest?**",
            channel=known[AGES[0]].units[i].channel,
            layer=scenes.LAYER,
        ),
        choices=[address(known[epoch].maps[i]) for epoch in order],
        names=[t("epoch {epoch}", epoch=epoch) for epoch in order],
        facts=[
            t(
                "Map {number} is of epoch {epoch}: its distance from the last one is {away}.",
                number=number,
                epoch=epoch,
                away=f"{known[epoch].distances[i]:.2f}",
            )
            for number, epoch in enumerate(order, 1)
        ],
        fields=(t("earliest"), t("latest")),
        answer=(order.index(AGES[0]) + 1, order.index(AGES[-1]) + 1),
        hint=t("Training turns coloured noise into lines."),
    )


#: Kind -> (title, maker).
QUESTIONS: dict[str, tuple[str, Maker]] = {
    "ages": (mark("Early and late"), ages),
    "direction": (mark("Direction"), direction),
    "half": (mark("Halfway"), half),
    "pairs": (mark("Who was first"), pairs),
}
