"""A picture of the case, what was changed in it, the map of the chosen network, and the figures of a test."""

from __future__ import annotations

import numpy as np
import streamlit as st

from deconvviz.models import planted
from deconvviz.training.planted.pictures import changed
from lessons._kit.draw import bars, image_row
from lessons._kit.draw.pixels import signed_pixels, to_bytes
from lessons._kit.form.i18n import mark, t
from lessons.capstone import run

FAULTS = {
    "honest": mark("honest"),
    "watermark": mark("rests on the mark"),
    "background": mark("rests on the ground"),
    "labels": mark("shuffled labels"),
}
TESTS = {
    "map": mark("Where is its map?"),
    "new": mark("Is it right on new pictures?"),
    "mark": mark("Put the mark on, or take it off"),
    "ground": mark("Exchange warm and cool ground"),
    "digit": mark("Take the digit away"),
}
COUNTED = {
    "new": mark("Right answers, of 24"),
    "mark": mark("Answers that change with the mark, of 24"),
    "ground": mark("Answers that change with the ground, of 24"),
    "digit": mark("Answers that change when the digit is gone, of 24"),
}
METHODS = {"occlusion": mark("Occlusion"), "gradient_x_input": mark("Gradient × input")}


def draw(case: int, letter: str, number: int, test: str, method: str) -> None:
    """The row of pictures, and what the test gives for the four networks."""
    with st.container(key="part-pictures"):
        image_row.show(row(case, letter, number, test, method))
    with st.container(key="part-figures"):
        if test == "map":
            result = run.explained(case, letter, number, method).shares
            parts = {"digit": t("the digit's square"), "mark": t("the mark's place"), "ground": t("the rest")}
            shown = [bars.Bar(parts[part], (share,)) for part, share in result.items()]
            bars.show(
                t("Network {letter}: share of the map on each part of this picture", letter=letter), shown, full=1.0
            )
        else:
            counts = run.counts(case, test)
            shown = [
                bars.Bar(t("Network {letter}", letter=name), (n,), whole=True, second=name == letter)
                for name, n in counts.items()
            ]
            bars.show(t(COUNTED[test]), shown, full=float(run.PICTURES))


def row(case: int, letter: str, number: int, test: str, method: str) -> list[image_row.Picture]:
    """The picture with the network's answer; beside it the changed picture, or the map."""
    parts = run.shown(case)[number]
    change = test if test in ("mark", "ground", "digit") else ""
    made = [shown(case, number, _answer(case, letter, number, ""))]
    if change:
        after = changed(parts, change).image()
        made.append(image_row.Picture(_large(to_bytes(after)), _answer(case, letter, number, change), t("Changed")))
    if test == "map":
        values = run.explained(case, letter, number, method).values
        made.append(image_row.Picture(heat(values), t("red speaks for its answer"), t(METHODS[method])))
    return made


def shown(case: int, number: int, note: str = "") -> image_row.Picture:
    """A picture of the case, with its number and what is written on it."""
    parts = run.shown(case)[number]
    title = t("Picture {number}: a {digit}", number=number + 1, digit=planted.LABELS[parts.digit])
    return image_row.Picture(_large(to_bytes(parts.image())), note, title)


def heat(values: np.ndarray) -> np.ndarray:
    """A map of (48, 48) from blue to red, on its own scale."""
    limit = float(np.abs(values).max()) or 1.0
    return _large(signed_pixels(values[..., None], limit, summed=True))


def _answer(case: int, letter: str, number: int, change: str) -> str:
    return t(
        "network {letter} says {answer}",
        letter=letter,
        answer=planted.LABELS[run.answers(case, letter, change)[number]],
    )


def _large(pixels: np.ndarray) -> np.ndarray:
    return pixels.repeat(5, axis=0).repeat(5, axis=1)
