"""The exercise of occlusion: a table of scores to read, and a score of which one of two parts would do."""

from __future__ import annotations

import numpy as np

from deconvviz.data import samples
from deconvviz.data.preprocess import fit_image
from deconvviz.models import caltech
from lessons._kit.draw import threshold
from lessons._kit.draw.pixels import to_bytes
from lessons._kit.draw.planes import Plane, Row
from lessons._kit.form.exercise import Question, by_dragging, question
from lessons._kit.form.i18n import mark, t
from lessons.occlusion import run
from lessons.occlusion.picture import NAMES as LABELS


def table(seed: int) -> Question:
    """Which square the score rests on most, and by how much it falls there."""
    random = np.random.default_rng(2800 + seed)
    before = int(random.integers(8, 16))
    after = (before - random.choice(np.arange(-6, 9), 12, replace=False)).reshape(3, 4)
    falls = before - after
    row, column = (int(n) for n in np.unravel_index(falls.argmax(), falls.shape))
    low = tuple(int(n) for n in np.unravel_index(falls.argmin(), falls.shape))
    strongest = tuple(int(n) for n in np.unravel_index(np.abs(falls).argmax(), falls.shape))
    top = int(falls.max())
    return question(
        prompt=t(
            "With nothing covered the score is {before}. The table holds the score with each square covered. **Which "
            "square does the score rest on most, and how far does the score fall there?** Counting starts at 0.",
            before=before,
        ),
        fields=(t("row"), t("column"), t("fall")),
        answer=(row, column, top),
        wrong=[
            ((*low, int(falls[low])), t("There the score is highest: covering that square helps the class.")),
            ((row, column, int(after[row, column])), t("That is the score that is left, not the fall.")),
            ((column, row, top), t("Row first, then column.")),
            ((row + 1, column + 1, top), t("Counting starts at 0.")),
            ((*strongest, int(abs(falls[strongest]))), t("The sign matters: there the score rises.")),
        ],
        hint=t("The map of occlusion is the score before minus the score after, square by square."),
        worked=rf"({row}, {column}): \quad {before} - ({int(after[row, column])}) = {top}",
        picture=[Row("", [Plane(t("score with the square covered"), after, "output")])],
    )


def either(seed: int) -> Question:
    """A score that takes the larger of two parts: covering one of them shows little."""
    random = np.random.default_rng(2900 + seed)
    low, high = sorted(int(n) for n in random.choice(np.arange(3, 10), 2, replace=False))
    weight, other = int(random.integers(2, 5)), int(random.integers(1, 9))
    before = weight * high + other
    one, both = before - (weight * low + other), before - other
    return question(
        prompt=t(
            "A network looks for an eye: its score is s = {weight} max(x₁, x₂) + x₃, with x₁ = {high} at the left eye, "
            "x₂ = {low} at the right one, x₃ = {other} elsewhere. Covering sets an x to 0. **How far does s fall when "
            "the left eye is covered, and how far when both are?**",
            weight=weight,
            high=high,
            low=low,
            other=other,
        ),
        fields=(t("left eye covered"), t("both covered")),
        answer=(one, both),
        wrong=[
            ((weight * high, both), t("With the left eye covered the maximum is the right one, not 0.")),
            ((one, one), t("With both covered the maximum is 0.")),
            ((one, weight * (high + low)), t("The maximum takes one of the two; they are not added.")),
            ((0, both), t("The left eye is the larger one: without it the maximum falls to the right one's.")),
            ((one, before), t("x₃ is not covered: its part stays.")),
        ],
        hint=t("Write the score three times: nothing covered, x₁ = 0, x₁ = x₂ = 0."),
        worked=rf"{before} - {before - one} = {one}, \quad {before} - {before - both} = {both}",
    )


def witnessed(seed: int) -> Question:
    """Which threshold makes a method's map agree best with the squares that occlusion finds?"""
    random = np.random.default_rng(3050 + seed)
    patch = run.PATCHES[0]
    while True:
        image, method = (str(random.choice(names)) for names in (run.PHOTOS, run.METHODS))
        falls, values = run.falls(image, "grey", patch), np.maximum(run.map_of(image, method, patch), 0)
        result = falls >= falls.max() / 2
        slide = threshold.Slide(values, _framed(image, result, patch), t(LABELS[method]))
        overlap = {
            stop: float((slide.passing(stop) & result).sum() / (slide.passing(stop) | result).sum())
            for stop in threshold.STOPS
        }
        if result.sum() > 1 and max(overlap.values()) > 0:
            break
    best = max(overlap, key=overlap.__getitem__)
    right = sorted((n for n in overlap if overlap[n] >= overlap[best] - 0.03), key=lambda n: (n != best, n))
    return by_dragging(
        prompt=t(
            "Covering one of the framed squares costs at least half of the largest fall of the score; the method's map "
            "is a claim about the same squares. **Drag the threshold to where what is left agrees best with the "
            "frames:** squares in both, over squares in either."
        ),
        slide=slide,
        right=right,
        why=lambda stop: t(
            "There {left} squares are left, {both} of the {framed} framed ones among them: {overlap} %. It can be "
            "{best} %.",
            left=int(slide.passing(stop).sum()), both=int((slide.passing(stop) & result).sum()),
            framed=int(result.sum()),
            overlap=round(100 * overlap[stop]), best=round(100 * overlap[best]),
        ),
        hint=t("Every square that is left outside a frame costs, and so does every frame that is covered."),
        worked=rf"{best}\,\%:\; {int((slide.passing(best) & result).sum())} / "
        rf"{int((slide.passing(best) | result).sum())}",
    )  # fmt: skip


def _framed(image: str, squares: np.ndarray, patch: int) -> np.ndarray:
    """The photograph as the network is fed it, with white frames around squares."""
    pixels = to_bytes(fit_image(samples.load(image), caltech.INPUT))
    for row, column in np.argwhere(squares) * patch:
        part = pixels[row : row + patch, column : column + patch]
        part[[0, -1]] = part[:, [0, -1]] = 255
    return pixels


QUESTIONS = {
    "witness": (mark("Drag the threshold"), witnessed),
    "table": (mark("A table of scores"), table),
    "either": (mark("Either would do"), either),
}
