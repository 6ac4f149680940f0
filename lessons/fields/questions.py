"""Questions about receptive fields; right answers are measured on a network of ones, mistakes have reasons."""

from __future__ import annotations

import numpy as np

from lessons._kit.form.exercise import Maker, Question, question
from lessons._kit.form.i18n import mark, t
from lessons.fields import theory
from lessons.fields.theory import Window

#: Rows of the picture of a question.
ROWS = 96


def stack(layers: list[tuple[int, int, int]]) -> tuple[tuple[Window, ...], int]:
    """Windows of (k, s, p) one over the other on a picture of `ROWS` x 1, and the rows of the map on top."""
    found, rows = [], ROWS
    for i, (k, s, p) in enumerate(layers):
        found.append(Window(f"layer {i + 1}", (k, 1), (s, 1), (p, 0), (rows, 1)))
        rows = (rows + 2 * p - k) // s + 1
    return tuple(found), rows


def reached(layers: list[tuple[int, int, int]], unit: int) -> np.ndarray:
    """The rows of the picture that reach a unit: where a signal of ones arrives."""
    windows, rows = stack(layers)
    return np.flatnonzero(theory.paths(windows, (unit, 0), (rows, 1))[:, 0])


def _random(seed: int, count: int) -> list[tuple[int, int, int]]:
    random = np.random.default_rng(seed)
    return [(int(random.integers(2, 6)), int(random.integers(1, 4)), 0) for _ in range(count)]


def _described(layers: list[tuple[int, int, int]]) -> str:
    parts = [
        t("layer {number}: window {k}, stride {s}, padding {p}", number=i + 1, k=k, s=s, p=p)
        for i, (k, s, p) in enumerate(layers)
    ]
    return t("; ").join(parts)


def next_layer(seed: int) -> Question:
    """How large is the field one layer up?"""
    (k1, s1, _), (k2, s2, _) = layers = [
        (int(n), int(m), 0) for n, m in np.random.default_rng(9500 + seed).integers((3, 2), (7, 4), (2, 2))
    ]
    _, rows = stack(layers)
    answer = (len(reached(layers, rows // 2)),)
    return question(
        prompt=t("{layers}. **How many rows does a unit of layer 2 see?**", layers=_described(layers)),
        fields=(t("rows"),),
        answer=answer,
        wrong=[
            (k1 + k2 - 1, t("The upper window reads cells that lie {s} pixels apart: multiply by the step.", s=s1)),
            (k1 + k2, t("Windows do not add up: neighbouring fields overlap, and the upper cells lie apart.")),
            (k1 * k2, t("That would need fields beside each other, without overlap.")),
            (k1 + k2 * s1, t("The first of the k cells is counted already: (k − 1) steps, not k.")),
            (k1 + (k2 - 1) * s1 * s2, t("The layer's own stride does not widen its field; it counts one layer up.")),
            (k1 + (k2 - 1) * s2, t("The step below counts, not the layer's own stride.")),
        ],
        hint=t("Layer 1 sees k rows and steps by s. The window above adds (k − 1) such steps."),
        worked=rf"{k1} + ({k2} - 1) \cdot {s1} = {answer[0]}",
    )


def step(seed: int) -> Question:
    """How far apart do neighbouring units look?"""
    layers = [(k, s + 1, 0) for k, s, _ in _random(9600 + seed, 3)]
    layers[-1] = (2, min(layers[-1][1], 3), 0)
    strides = [s for _, s, _ in layers]
    answer = (int(reached(layers, 1)[0] - reached(layers, 0)[0]),)
    size = len(reached(layers, 0))
    return question(
        prompt=t("{layers}. **How many pixels apart are the fields of two neighbouring units of layer 3?**",
                 layers=_described(layers)),
        fields=(t("pixels"),),
        answer=answer,
        wrong=[
        (sum(strides), t("Strides multiply: a step above is many steps below.")),
        (strides[-1], t("That is the step on the map below, not on the picture.")),
        (strides[0] * strides[1], t("The stride of the layer itself counts too.")),
        (size, t("That is the size of the field; neighbouring fields overlap or leave gaps.")),
        (strides[1] * strides[2], t("The first layer steps too.")),
    ],
        hint=t("One step of layer 3 is s cells of layer 2, and each of those is a step of layer 2."),
        worked=" \\cdot ".join(map(str, strides)) + f" = {answer[0]}",
    )  # fmt: skip


def first_row(seed: int) -> Question:
    """Where does the field of a unit begin?"""
    random = np.random.default_rng(9700 + seed)
    k1, s1, p1 = int(random.integers(3, 6)), int(random.integers(2, 4)), int(random.integers(1, 3))
    layers = [(k1, s1, p1), (3, 1, 1)]
    unit = int(random.integers(4, 8))
    first = int(reached(layers, unit)[0])
    offset = -p1 - s1
    answer = (first,)
    return question(
        prompt=t("{layers}. **Which row is the first that unit {unit} of layer 2 sees?** Counting starts at 0.",
                 layers=_described(layers), unit=unit),
        fields=(t("row"),),
        answer=answer,
        wrong=[
        (s1 * unit, t("The padding moves the field: unit 0 begins above the picture.")),
        (s1 * unit - p1, t("The upper layer is padded too, by one cell, and a cell is {s} pixels.", s=s1)),
        (s1 * unit - p1 - 1, t("One padded cell of the upper layer is a whole step of {s} pixels.", s=s1)),
        (s1 * unit + p1 + s1, t("Padding moves the field up, towards smaller rows.")),
        (s1 * (unit + 1) + offset, t("Counting starts at 0.")),
    ],
        hint=t("Unit 0 of layer 1 begins at −p. One padded cell above moves that by one more step."),
        worked=rf"{s1} \cdot {unit} - {p1} - 1 \cdot {s1} = {first}",
    )  # fmt: skip


#: Kind -> (title, maker).
QUESTIONS: dict[str, tuple[str, Maker]] = {
    "next": (mark("One layer up"), next_layer),
    "step": (mark("Step"), step),
    "first": (mark("First row"), first_row),
}
