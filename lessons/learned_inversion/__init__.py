"""Lesson: a second network that learned to give the picture behind a layer's numbers."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

import deconvviz as dv
from deconvviz.models import inverters
from deconvviz.types import Check
from lessons._kit.draw.pixels import number
from lessons._kit.form import frame, proof
from lessons._kit.form.controls import choice
from lessons._kit.form.i18n import mark, t
from lessons._kit.form.page import Lesson
from lessons._kit.photo.labels import TITLES
from lessons.learned_inversion import picture, questions, run, scenes


@dataclass(frozen=True)
class State:
    """What the person has chosen."""

    image: str = "astronaut"
    layer: str = "relu4"
    change: str = "none"
    beside: str = "none"


def pixels_by_hand(state: State) -> float:
    """Relative difference of the library's error in pixels and the same added up by hand."""
    result = run.answered(state.image, state.layer)
    photograph = run.shown(state.image, state.layer, "none").photograph
    slow = run.by_hand(result.image, photograph)
    return abs(result.image_error - slow) / slow


def features_by_hand(state: State) -> float:
    """The same of the feature error: the answer goes through the network once more."""
    result = run.answered(state.image, state.layer)
    values = run.values_of(state.image, state.layer)
    slow = run.by_hand(run.again(result.image, state.layer), values)
    return abs(result.feature_error - slow) / slow


def numbers_alone(state: State) -> float:
    """Largest difference of any pixel between answers to the same numbers, reached in three ways."""
    return run.three_ways(state.image, state.layer)


def beats_the_mean(state: State) -> float:
    """By how much the inverter is worse than a picture of the mean colour, median over the photographs."""
    learned, flat = run.medians(state.layer)
    return max(0.0, learned - flat)


def checks(state: State) -> list[Check]:
    """The checks of a state."""
    return [
        Check(mark("error in pixels by hand"), pixels_by_hand(state), 1e-5),
        Check(mark("feature error by hand"), features_by_hand(state), 1e-5),
        Check(mark("same numbers, same picture"), numbers_alone(state), 1e-5),
        Check(mark("better than the mean colour"), beats_the_mean(state), 0.0),
    ]


def call(state: State) -> str:
    """Python that makes the picture of a state."""
    return f"""import deconvviz as dv
from deconvviz.data import samples

network, photograph = dv.load("caltech"), samples.load({state.image!r})
found = dv.invert(network, photograph, {state.layer!r}, method="learned")
print(found.feature_error, found.image_error)
picture = found.image
"""


def chosen() -> State:
    """Draw the controls and read them."""
    image = choice(t("Picture"), {id: t(TITLES[id]) for id in run.PHOTOGRAPHS}, "image", default=State.image)
    layer = choice(t("Layer"), {name: name for name in run.layers()}, "layer", default=State.layer)
    changes = {
        "none": t("none"),
        "swap": t("right half of another photo"),
        "silent": t("stronger half of the channels off"),
    }
    change = choice(t("Change of the layer's numbers"), changes, "change")
    beside = {"none": t("nothing")}
    if run.searched(image, layer, change) is not None:
        beside["search"] = t("the picture of a search")
    if change == "none":
        beside["refined"] = t("the answer, refined")
    return State(image, layer, change, choice(t("Beside it"), beside, "beside"))


def measured(page: frame.Places, state: State) -> None:
    """The errors over all photographs, and the checks."""
    with st.spinner(t("Measuring all photographs, some seconds the first time")):
        picture.errors(state.image)
        now = checks(state)
        learned, flat = run.medians(state.layer)
    meanings = (
        t("What the library reports for the photograph, and the same added up number by number:"),
        t("The answer goes through the network once more; the difference is added up number by number:"),
        t(
            "The photograph; the same between columns of noise that the network never sees; and no photograph "
            "at all, but the stored numbers of the layer. Largest difference of any pixel:"
        ),
        t("Median error over the built-in photographs; by how much it lies above that of the mean colour:"),
    )
    codes: tuple[proof.Code, ...] = (
        (pixels_by_hand, run.by_hand),
        (features_by_hand, run.by_hand),
        (run.three_ways,),
        (beats_the_mean, run.medians),
    )
    page.checks(now, meanings, codes)
    proof.measurement(
        t("{layer}: median {learned} against {flat}", layer=state.layer, learned=number(learned), flat=number(flat)),
        t("Median error in pixels over the built-in photographs: of the inverter, and of the mean colour."),
        run.medians,
    )


def draw(page: frame.Places) -> None:
    """What the decoder makes of the layer's numbers, and its errors over all photographs."""
    with page.controls:
        state = chosen()
    place = (state.image, state.layer, state.change)
    with page.picture:
        with st.spinner(t("Sending the layer's numbers through its decoder, some seconds the first time")):
            result = run.beforehand(*place) or run.shown(*place)
        picture.draw(*place, result, beside=state.beside)
        picture.formula(result, state.layer)
    with page.wide:
        page.later(measured, page, state)
    page.code((dv.invert, inverters.Inverter.__call__), call(state))


LESSON: Lesson = Lesson(
    slug="learned-inversion",
    title=mark("Learned inversion"),
    render=lambda: frame.page(LESSON, draw),
    order=12,
    needs=("inversion",),
    section="network",
    question=mark("Can a network learn to run another one backwards?"),
    goal=mark("You will be able to say what a decoder that was trained on photographs adds to a layer's numbers."),
    scenes=scenes.SCENES,
    example=State(),
    checks=checks,
    questions=questions.QUESTIONS,
    sources=(
        ("dosovitskiy2016inverting", mark("sections 3 and 4")),
        ("odena2016deconvolution", ""),
    ),
)
