"""Questions about receptive fields; right answers are measured on a network of ones, mistakes have reasons."""

from __future__ import annotations

import numpy as np

from deconvviz.figures.scale import sequential_rgb
from lessons._kit.draw import threshold
from lessons._kit.form.exercise import Maker, Question, by_dragging, question
from lessons._kit.form.i18n import mark, t
from lessons.fields import theory
from lessons.fields.theory import Window

#: Rows of the picture of a question.
ROWS = 96


def stack(layers: list[tuple[int, int, int]]) -> tuple[tuple[Window, ...], int]:
    """Windows of (k, s, p) one over the other on a picture of `ROWS` x 1, and the rows of the map on top."""
    result, rows = [], ROWS
    for i, (k, s, p) in enumerate(layers):
        result.append(Window(f"layer {i + 1}", (k, 1), (s, 1), (p, 0), (rows, 1)))
        rows = (rows + 2 * p - k) // s + 1
    return tuple(result), rows


def reached(layers: list[tuple[int, int, int]], unit: int) -> np.ndarray:
    """The rows of the picture that reach a unit: where a signal of ones arrives."""
    windows, rows = stack(layers)
    return np.flatnonzero(theory.paths(windows, (unit, 0), (rows, 1))[:, 0])


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


def paths_left(seed: int) -> Question:
    """Where does the threshold leave a given share of the paths into a unit?"""
    random = np.random.default_rng(9600 + seed)
    layers = [(int(random.integers(3, 6)), int(random.integers(1, 3))) for _ in range(3)]
    windows, rows = list[Window](), 41
    for i, (k, s) in enumerate(layers):
        windows.append(Window(f"layer {i + 1}", (k, k), (s, s), (0, 0), (rows, rows)))
        rows = (rows - k) // s + 1
    result = theory.paths(tuple(windows), (rows // 2, rows // 2), (rows, rows))
    reach = np.flatnonzero(result.any(axis=1))
    values = result[reach[0] : reach[-1] + 1, reach[0] : reach[-1] + 1]
    wanted = int(random.integers(3, 18)) * 5
    slide = threshold.Slide(
        values, sequential_rgb(values, 0, float(values.max())), t("how many paths lead from each pixel to the unit")
    )
    share = {stop: 100 * float(values[slide.passing(stop)].sum() / values.sum()) for stop in threshold.STOPS}
    area = {stop: 100 * float(slide.passing(stop).mean()) for stop in threshold.STOPS}
    best = min(share, key=lambda stop: abs(share[stop] - wanted))
    near = max(5.0, abs(share[best] - wanted))
    right = sorted((stop for stop in share if abs(share[stop] - wanted) <= near), key=lambda n: (n != best, n))
    return by_dragging(
        prompt=t(
            "Three layers with equal weights: the map shows through how many paths each pixel of the field reaches "
            "the unit. **Drag the threshold until about {share} % of all paths are left.** Five points more or less "
            "count as right.",
            share=wanted,
        ),
        slide=slide,
        right=right,
        why=lambda stop: t(
            "There {share} % of the paths are left, on {area} % of the field.",
            share=round(share[stop]), area=round(area[stop]),
        ),
        hint=t("The middle of the field holds most of the paths: a small bright part counts for more than a wide rim."),
        worked=rf"{best}\,\%:\; {share[best]:.0f}\,\% \text{{ / }} {area[best]:.0f}\,\%",
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
    "paths": (mark("Where the paths lie"), paths_left),
    "next": (mark("One layer up"), next_layer),
    "first": (mark("First row"), first_row),
}
