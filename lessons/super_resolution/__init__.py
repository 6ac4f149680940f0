"""Lesson: a photograph is enlarged; what bicubic can, what a trained transposed convolution adds, and what is gone."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from deconvviz.tasks.super_resolution import data, evaluate, predict
from deconvviz.types import Check
from lessons._kit.form import frame, proof
from lessons._kit.form.controls import choice, designed, is_offered, url_value
from lessons._kit.form.i18n import mark, t
from lessons._kit.form.page import Lesson
from lessons._kit.photo import upload
from lessons._kit.photo.header import title_of
from lessons._kit.restoration import run
from lessons._kit.run import pictures
from lessons.super_resolution import picture as super_picture
from lessons.super_resolution import questions, scenes, sums

FIRST = "astronaut"
#: Pixels of a square photograph on screen: all of it is in the first screen.
WIDE = 480
#: What is drawn: both enlargements, the window without and with the network's answer, what it adds, waves, or most.
VIEWS = dict.fromkeys(("all", "compare", "cells", "close", "added", "waves"), "")


@dataclass(frozen=True)
class State:
    """What the person has chosen; an own photograph stands beside it."""

    image: str = FIRST
    scale: str = "3"
    source: str = "shrunk"
    window: str = "gain"
    view: str = "all"


def shown(state: State, picture: pictures.Picture | None = None) -> run.Enlarged:
    """What is on the page."""
    return run.shown(picture or pictures.sample(state.image), int(state.scale), state.source == "shrunk")


def bicubic_by_hand(state: State, picture: pictures.Picture | None = None) -> float:
    """Largest difference between the library's bicubic and sums of 16 products."""
    return sums.bicubic_error(shown(state, picture))


def adjoint(state: State, picture: pictures.Picture | None = None) -> float:
    """Dot test of the shrinking and its adjoint."""
    del picture
    return sums.adjoint_error(int(state.scale))


def last_layer(state: State, picture: pictures.Picture | None = None) -> float:
    """The last layer in blocks against a transposed convolution by its definition."""
    return sums.last_layer_error(shown(state, picture))


def psnr_by_hand(state: State, picture: pictures.Picture | None = None) -> float:
    """PSNR of the library against PSNR row after row."""
    return sums.psnr_error(shown(state, picture))


def checks(state: State, picture: pictures.Picture | None = None) -> list[Check]:
    """The checks of a state."""
    return [
        Check(mark("bicubic by hand"), bicubic_by_hand(state, picture), 1e-9),
        Check(mark("dot test of the shrinking"), adjoint(state), 1e-5),
        Check(mark("blocks are the transposed convolution"), last_layer(state, picture), 1e-5),
        Check(mark("PSNR by hand"), psnr_by_hand(state, picture), 1e-9),
    ]


def call(state: State, picture: pictures.Picture) -> str:
    """Python that makes the enlargement of a state."""
    if state.source == "shrunk":
        return f"""from deconvviz.data import preprocess, samples
from deconvviz.data.colour import brightness
from deconvviz.tasks.super_resolution import data, evaluate, predict

photograph = preprocess.at_most({upload.python(picture)}, {run.LONGER})
small, truth = data.pair(brightness(photograph), {state.scale})
name, network = predict.load({state.scale})
print(evaluate.figures(predict.enlarge(small, {state.scale}, network), truth, {state.scale}))
print(evaluate.figures(data.bicubic(small, {state.scale}), truth, {state.scale}))
"""
    return f"""from deconvviz.data import preprocess, samples
from deconvviz.tasks.super_resolution import predict

photograph = preprocess.at_most({upload.python(picture)}, {run.AS_IT_IS})
found = predict.apply(photograph, scale={state.scale}, turns=1)
predict.write(found, "large.png")
"""


def chosen() -> tuple[State, pictures.Picture]:
    """Draw the controls and read them."""
    picture = upload.choose(FIRST) if is_offered("image") else pictures.sample(designed("image", FIRST))
    scale = choice(t("Enlarge"), {n: f"× {n}" for n in "234"}, "scale", default=State.scale, tabs=True)
    sources = {"shrunk": t("made small first: the truth is known"), "as": t("enlarged as it is")}
    source = choice(t("The photograph is"), sources, "source")
    windows = {
        "gain": t("where the network gains most"),
        "loss": t("where it gains least"),
        "middle": t("in the middle"),
    }
    window = choice(t("Look closely"), windows, "window")
    return State(picture.id or FIRST, scale, source, window, url_value("view", State.view, VIEWS)), picture


def proofs(page: frame.Places, state: State, picture: pictures.Picture) -> None:
    """The checks, and the figures of the benchmark."""
    meanings = (
        t("60 pixels of the bicubic enlargement, each as a sum of 16 products, against the library:"),
        t("Making small and its adjoint: ⟨Rx, y⟩ and ⟨x, Rᵀy⟩ for random arrays:"),
        t("The last layer runs on the small map, all places of a block at once; against its definition:"),
        t("Squared differences added up row after row, against the library (without a truth: of both enlargements):"),
    )
    codes: tuple[proof.Code, ...] = (
        (sums.bicubic_pixel, sums.bicubic_error), (sums.adjoint_error,),
        (sums.last_layer_error,), (sums.psnr_by_hand,),
    )  # fmt: skip
    page.checks(checks(state, picture), meanings, codes)
    figures = predict.variants()[f"x{state.scale}"]["figures"]
    label = t(
        "Set5: {psnr} dB, bicubic {bicubic} dB",
        psnr=f"{figures['psnr_turns']:.2f}",
        bicubic=f"{figures['psnr_bicubic']:.2f}",
    )
    said = t(
        "Mean over the five pictures of the benchmark, kept with the weights; each is enlarged in all eight turns and "
        "reflections, where this page takes one. The weights before these were chosen with a look at them; on Set14, "
        "which no choice rests on, these weights are not measured yet. Measured by:"
    )
    proof.measurement(label, said, evaluate.evaluate)


def hero(state: State, result: run.Enlarged, title: str) -> None:
    """The picture of the page: what the view asks for, each part in a frame of its own."""
    if state.view in ("all", "compare"):
        with st.container(key="part-compare", width=WIDE):
            super_picture.compare(result, title)
        super_picture.formula(result)
    if state.view == "added":
        with st.container(key="part-added", width=WIDE):
            super_picture.added(result)
    if state.view in ("all", "close", "cells"):
        with st.container(key="part-close"):
            super_picture.closely(
                result, state.window, ("bicubic",) if state.view == "cells" else super_picture.METHODS
            )
    if state.view == "waves":
        with st.container(key="part-waves"):
            super_picture.spectrum(result)


def draw(page: frame.Places) -> None:
    """The enlarged pictures, their windows, differences and spectrum."""
    with page.controls:
        state, picture = chosen()
    with page.picture:
        with st.spinner(t("Enlarging: a second, the first time on this machine some seconds")):
            result = shown(state, picture)
        hero(state, result, title_of(picture))
    with page.wide:
        super_picture.likeness(result)
        page.later(super_picture.differences, result)
        if state.view != "waves":
            page.later(super_picture.spectrum, result)
        page.later(proofs, page, state, picture)
    page.code((predict.apply, data.pair), call(state, picture))


LESSON: Lesson = Lesson(
    slug="super-resolution",
    title=mark("Super-resolution"),
    render=lambda: frame.page(LESSON, draw),
    order=21,
    needs=("upsampling-and-checkerboards",),
    section="work",
    question=mark("Can detail that was thrown away come back?"),
    goal=mark("You will be able to say what an enlargement computes, what it learned, and what stays lost."),
    scenes=scenes.SCENES,
    example=State(),
    checks=checks,
    questions=questions.QUESTIONS,
    sources=(
        ("dong2016accelerating", mark("section 3")),
        ("kim2016accurate", ""),
        ("lim2017enhanced", ""),
        ("dong2016image", ""),
        ("keys1981cubic", ""),
        ("wang2004image", mark("equation 13")),
    ),
)
