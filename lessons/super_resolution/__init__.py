"""Lesson: a photograph is enlarged; what bicubic can, what a trained transposed convolution adds, and what is gone."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from deconvviz.tasks.super_resolution import data, evaluate, predict
from deconvviz.types import Check
from lessons._kit.form import frame, proof
from lessons._kit.form.controls import choice
from lessons._kit.form.i18n import mark, t
from lessons._kit.form.page import Lesson
from lessons._kit.photo import upload
from lessons._kit.photo.header import title_of
from lessons._kit.restoration import picture as restoration_picture
from lessons._kit.restoration import run
from lessons._kit.run import pictures
from lessons.super_resolution import questions, sums

FIRST = "astronaut"


@dataclass(frozen=True)
class State:
    """What the person has chosen; an own photograph stands beside it."""

    image: str = FIRST
    scale: str = "3"
    source: str = "shrunk"
    window: str = "gain"


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
found = predict.apply(photograph, scale={state.scale})
predict.write(found, "large.png")
"""


def chosen() -> tuple[State, pictures.Picture]:
    """Draw the controls and read them."""
    picture = upload.choose(LESSON.presets, FIRST)
    scale = choice(t("Enlarge"), {n: f"× {n}" for n in "234"}, "scale", default=State.scale, tabs=True)
    sources = {"shrunk": t("made small first: the truth is known"), "as": t("enlarged as it is")}
    source = choice(t("The photograph is"), sources, "source")
    windows = {
        "gain": t("where the network gains most"),
        "loss": t("where it gains least"),
        "middle": t("in the middle"),
    }
    return State(picture.id or FIRST, scale, source, choice(t("Look closely"), windows, "window")), picture


def badges(state: State, picture: pictures.Picture) -> None:
    """The proofs, and the figures of the benchmark."""
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
    proof.badges_of(checks(state, picture), meanings, codes)
    figures = predict.variants()[f"x{state.scale}"]["figures"]
    label = t(
        "Set5: {psnr} dB, bicubic {bicubic} dB",
        psnr=f"{figures['psnr']:.2f}",
        bicubic=f"{figures['psnr_bicubic']:.2f}",
    )
    proof.measurement(label, t("Mean over the five pictures of the benchmark, kept with the weights; measured by:"),
                  evaluate.evaluate)  # fmt: skip


def draw(page: frame.Places) -> None:
    """The enlarged pictures, their windows, differences and spectrum."""
    with page.controls:
        state, picture = chosen()
    with page.picture:
        with st.spinner(t("Enlarging: a second, the first time on this machine some seconds")):
            found = shown(state, picture)
        restoration_picture.compare(found, title_of(picture))
        restoration_picture.formula(found)
        restoration_picture.closely(found, state.window)
        restoration_picture.differences(found)
        restoration_picture.spectrum(found)
        badges(state, picture)
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
    text=mark(
        "Bicubic enlarges with fixed weights of 16 cells: smooth, and blind to what pictures are like. The network "
        "learns what must be added to bicubic. Its seven small convolutions run on the small picture; only "
        "its last layer, a [[transposed convolution]] whose [[stride]] is the scale, makes the map large. So it costs "
        "scale² times less.\n\nWaves finer than two small cells "
        "did not fit into the small picture: its Nyquist [[frequency]]. Fixed weights restore few of them; the "
        "[[adjoint]] only spreads out what is there. The network was shown 460 photographs with their small copies "
        "and learned which fine waves go with an edge: it draws edges sharp where the small picture says that there "
        "is one. Grass and hair, whose fine waves follow from nothing, stay blurred.\n\nColour is enlarged by "
        "bicubic: the eye sees less detail in it than in brightness."
    ),
    presets=(
        (mark("Four times: less is known"), {"scale": "4"}),
        (mark("Grass: little to learn from"), {"image": "grass", "scale": "3"}),
        (mark("Enlarge it as it is"), {"source": "as", "image": "cat"}),
    ),
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
