"""A photograph with a square covered, what every square does to the score, and how maps agree with it."""

from __future__ import annotations

import numpy as np
import streamlit as st

from deconvviz.data import preprocess
from lessons._kit.draw import bars, image_row, planes
from lessons._kit.draw.pixels import hundredths, larger, number, signed_pixels, to_bytes
from lessons._kit.draw.planes import Cell
from lessons._kit.form.i18n import mark, t
from lessons._kit.photo.labels import TITLES, class_name
from lessons._kit.run import networks
from lessons._kit.run.pictures import PHOTOS
from lessons.occlusion import run

COVERS = {"grey": mark("grey"), "blur": mark("the photograph, blurred")}
NAMES = {
    "gradient": mark("Gradient"),
    "deconvnet": mark("DeconvNet"),
    "guided": mark("Guided backprop"),
    "gradient_x_input": mark("Gradient × input"),
    "grad_cam": mark("Grad-CAM"),
}


def draw(image: str, cover: str, patch: int, cell: Cell, method: str, over_all: bool) -> None:
    """The pictures, the table of falls, and the bars."""
    fallen = run.falls(image, cover, patch)
    with st.container(key="part-photographs"):
        image_row.show(row(image, cover, patch, cell, method))

    def picked(_name: str, where: Cell) -> None:
        st.session_state["cell"] = f"{where[0]},{where[1]}"

    title = t("Fall of the score with each square covered, in hundredths")
    plane = planes.Plane(t("100 × fall"), np.rint(100 * fallen), "output", chosen=cell, pick="cell", part="falls")
    table, beside = st.columns([5, 6], gap="medium")
    with table:
        planes.show([planes.Row(title, [plane])], "planes", {"row": t("row"), "column": t("column")}, picked)
    with beside, st.container(key="part-bars"):
        agreements(image, cover, patch, method, over_all)


def row(image: str, cover: str, patch: int, cell: Cell, method: str) -> list[image_row.Picture]:
    """The photograph with its square covered, the falls and the map of a method as colours."""
    spec = networks.load(run.NETWORK).network.input_spec
    shown = preprocess.display(run.covered(image, cover, patch, cell), spec)
    before, fall = run.score(image), float(run.falls(image, cover, patch)[cell])
    said = t("score of {name}: {before}, covered {after}", name=class_name(run.label(image)), before=number(before),
             after=number(before - fall))  # fmt: skip
    return [
        image_row.Picture(larger(to_bytes(shown), 2), said, t(TITLES[image])),
        image_row.Picture(_heat(run.falls(image, cover, patch)), t("red: the score falls, blue: it rises"),
                          t("Occlusion")),
        image_row.Picture(_heat(run.map_of(image, method, patch)), t("the mean of its map in each square"),
                          t(NAMES[method])),
    ]  # fmt: skip


def _heat(values: np.ndarray) -> np.ndarray:
    """Cells in colours on their own scale, 256 pixels wide."""
    side = 256 // len(values)
    limit = float(np.abs(values).max()) or 1.0
    return larger(signed_pixels(values[..., None], limit, summed=True), side)


def agreements(image: str, cover: str, patch: int, method: str, over_all: bool) -> None:
    """How like each method's map is to occlusion's, as bars; over all photographs with the interval in words."""
    if over_all:
        result = {one: run.over_all(one, cover, patch) for one in run.METHODS}
        title = t("Rank correlation with occlusion over the squares, mean of {count} photographs [95 % interval]",
                  count=len(PHOTOS))  # fmt: skip
        named = {one: f"{t(NAMES[one])} [{hundredths(it.low)}, {hundredths(it.high)}]" for one, it in result.items()}
        shown = [bars.Bar(named[one], (it.mean,), second=one == method) for one, it in result.items()]
    else:
        title = t("Rank correlation with occlusion over the squares, this photograph")
        shown = [
            bars.Bar(t(NAMES[one]), (run.agreement(image, one, cover, patch),), second=one == method)
            for one in run.METHODS
        ]
    bars.show(title, shown, full=1.0)
