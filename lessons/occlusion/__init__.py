"""Lesson: occlusion, the independent witness, against the maps of five methods."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy

from deconvviz.checks.randomization import rank_correlation
from deconvviz.methods import occlusion
from deconvviz.types import Check
from lessons._kit.form import frame, method_card
from lessons._kit.form.controls import choice, nearest, url_cell
from lessons._kit.form.i18n import mark, t
from lessons._kit.form.page import Lesson
from lessons._kit.photo.labels import TITLES
from lessons._kit.run.pictures import PHOTOS
from lessons.occlusion import picture as occlusion_picture
from lessons.occlusion import questions, run, scenes


@dataclass(frozen=True)
class State:
    """What the person has chosen."""

    image: str = scenes.FIRST
    cover: str = "grey"
    patch: str = "16"
    method: str = "gradient"
    over: str = "one"
    cell: tuple[int, int] = (2, 3)


def covered_anew(state: State) -> float:
    """How far the stored fall is from one forward pass with the square covered, over the score."""
    fall = float(run.falls(state.image, state.cover, int(state.patch))[state.cell])
    after = run.value(state.image, run.covered(state.image, state.cover, int(state.patch), state.cell))
    return abs(run.score(state.image) - fall - after) / abs(run.score(state.image))


def uncovered(state: State) -> float:
    """How far the stored score is from one forward pass of the whole photograph, over the score."""
    before = run.value(state.image, run.covered(state.image, state.cover, int(state.patch), None))
    return abs(run.score(state.image) - before) / abs(run.score(state.image))


def by_scipy(state: State) -> float:
    """The largest distance between the bars and SciPy's rank correlations."""
    patch, result = int(state.patch), []
    fallen = run.falls(state.image, state.cover, patch)
    for method in run.METHODS:
        again = scipy.stats.spearmanr(run.map_of(state.image, method, patch).ravel(), fallen.ravel()).statistic
        result.append(abs(run.agreement(state.image, method, state.cover, patch) - float(again)))
    return float(np.max(result))


def checks(state: State) -> list[Check]:
    """The checks of a state."""
    return [
        Check(mark("the covered square"), covered_anew(state), 1e-5),
        Check(mark("the whole photograph"), uncovered(state), 1e-5),
        Check(mark("rank correlation"), by_scipy(state), 1e-5),
    ]


def call(state: State) -> str:
    """Python that makes the maps of a state."""
    side = state.patch
    return f"""import deconvviz as dv
from deconvviz.data import samples

network, photograph = dv.load({run.NETWORK!r}), samples.load({state.image!r})
unit = ("logits", network.labels.index({run.label(state.image)!r}))
witness = dv.attribute(network, photograph, unit, "occlusion", patch={side}, stride={side}, baseline={state.cover!r})
witness.pixels[{state.cell[0]} * {side}, {state.cell[1]} * {side}]
map = dv.attribute(network, photograph, unit, {state.method!r})
"""


def chosen() -> State:
    """Draw the controls and read them."""
    image = choice(t("Picture"), {id: t(TITLES[id]) for id in PHOTOS}, "image", default=State.image)
    cover = choice(t("Cover"), {name: t(text) for name, text in occlusion_picture.COVERS.items()}, "cover")
    sides = {str(side): t("{side} × {side} pixels", side=side) for side in run.PATCHES}
    patch = choice(t("Square"), sides, "patch", tabs=True)
    methods = {name: t(text) for name, text in occlusion_picture.NAMES.items()}
    method = choice(t("Map"), methods, "method", default=State.method, about=method_card.about)
    over = choice(t("Bars of"), {"one": t("this photograph"), "all": t("all photographs")}, "over", tabs=True)
    cells = 128 // int(patch)
    return State(image, cover, patch, method, over, nearest(url_cell("cell", State.cell), (cells, cells)))


def draw(page: frame.Places) -> None:
    """The covered photograph, the falls, the bars, and the checks."""
    with page.controls:
        state = chosen()
    with page.picture:
        occlusion_picture.draw(
            state.image, state.cover, int(state.patch), state.cell, state.method, state.over == "all"
        )
    meanings = [
        t("The table comes with the package. The chosen square is covered now, and the network asked again:"),
        t("The score with nothing covered, by the same forward pass:"),
        t("The bars, against the rank correlation of another library (SciPy):"),
    ]
    page.checks(checks(state), meanings, [(covered_anew, run.covered), (uncovered, run.value), (by_scipy,)])
    page.code((occlusion.draw, rank_correlation), call(state))


LESSON: Lesson = Lesson(
    slug="cover-and-see",
    title=mark("Cover and see"),
    render=lambda: frame.page(LESSON, draw),
    order=18,
    needs=("does-the-map-know-the-network",),
    section="trust",
    question=mark("Does the score rest on what the map shows?"),
    goal=mark("You will be able to call occlusion as a witness against a map, and say what its own answers depend on."),
    scenes=scenes.SCENES,
    example=State(),
    checks=checks,
    questions=questions.QUESTIONS,
    sources=(
        ("zeiler2014visualizing", mark("section 4.2")),
        ("selvaraju2017gradcam", mark("the comparison with occlusion")),
        ("petsiuk2018rise", mark("covering many parts at random")),
    ),
)
