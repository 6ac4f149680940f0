"""Lesson: one trained network, four ways to make its map larger; patterns before and after training, scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from deconvviz.models.upsamplers import Upsample
from deconvviz.ops.upsample import checkerboard_energy, overlap_counts
from deconvviz.types import Check
from lessons._kit.form import frame, proof, slider
from lessons._kit.form.controls import choice, designed, is_offered, url_value
from lessons._kit.form.i18n import mark, t
from lessons._kit.form.page import Lesson
from lessons._kit.photo import upload
from lessons._kit.photo.header import title_of
from lessons._kit.run import pictures
from lessons.upsampler_lab import picture as upsampler_picture
from lessons.upsampler_lab import questions, run, scenes

FIRST = "astronaut"
#: Pixels of a square photograph on screen: all of it is in the first screen.
WIDE = 480
#: What is drawn: four windows, the overlap, an even picture before and after training, the scores, or the first two
#: below the whole photograph.
VIEWS = dict.fromkeys(("all", "windows", "overlap", "before", "after", "table"), "")


@dataclass(frozen=True)
class State:
    """What the person has chosen; an own photograph stands beside it."""

    image: str = FIRST
    layer: str = "transposed"
    k: int = 8
    view: str = "all"


def short_way(state: State) -> float:
    """The trained last layer as it runs, against its definition."""
    return run.short_way_error(state.layer)


def same_layer(state: State) -> float:
    """The trained transposed convolution against a sub-pixel layer with the same weights, rearranged."""
    del state
    return run.same_layer_error()


def counted(state: State) -> float:
    """Products of a transposed convolution: a layer of ones against counting."""
    line = overlap_counts(run.CELLS + 2, state.k, run.SCALE, max(0, (state.k - run.SCALE) // 2))
    start = run.SCALE * (run.CELLS // 2)
    line = line[start : start + run.SCALE]
    return float(np.abs(np.outer(line, line) - run.counts("transposed", state.k)).max())


def repeated(state: State) -> float:
    """An even picture becomes a block of 3 x 3 that repeats, before and after training."""
    return max(run.repeats(state.layer, trained) for trained in (False, True))


def energies(state: State) -> float:
    """The share of energy in the waves against variance over mean square."""
    return max(run.energy_by_hand(state.layer, trained) for trained in (False, True))


def alike(state: State) -> float:
    """Difference in the number of weights of the four last layers."""
    del state
    counts = [run.weights(kind) for kind in run.KINDS]
    return float(max(counts) - min(counts))


def checks(state: State) -> list[Check]:
    """The checks of a state."""
    return [
        Check(mark("last layer by its definition"), short_way(state), 1e-5),
        Check(mark("transposed is sub-pixel"), same_layer(state), 1e-5),
        Check(mark("products counted"), counted(state), 0.0),
        Check(mark("the pattern repeats every 3 pixels"), repeated(state), 1e-5),
        Check(mark("energy by hand"), energies(state), 1e-9),
        Check(mark("as many weights in each"), alike(state), 0.0),
    ]


def call(state: State, picture: pictures.Picture) -> str:
    """Python that makes the enlargement of a state."""
    return f"""from deconvviz.data import preprocess, samples
from deconvviz.data.colour import brightness
from deconvviz.ops.upsample import checkerboard_energy
from deconvviz.tasks.super_resolution import data, evaluate, predict

photograph = preprocess.at_most({upload.python(picture)}, 480)
small, truth = data.pair(brightness(photograph), 3)
name, network = predict.load(3, variant={run.variant(state.layer)!r})
print(evaluate.figures(predict.enlarge(small, 3, network), truth, 3))
for module in (predict.untrained(name), network):
    print(checkerboard_energy(evaluate.flat_answer(module, 3)[None, :, :, None], 3))
"""


def chosen() -> tuple[State, pictures.Picture]:
    """Draw the controls and read them."""
    picture = upload.choose(FIRST) if is_offered("image") else pictures.sample(designed("image", FIRST))
    layer = choice(t("Last layer"), {kind: t(name) for kind, name in upsampler_picture.NAMES.items()}, "layer")
    taps = slider.whole(t("Kernel k, for the overlap alone"), 3, 12, "k", State.k)
    return State(picture.id or FIRST, layer, taps, url_value("view", State.view, VIEWS)), picture


def proofs(page: frame.Places, state: State) -> None:
    """The checks."""
    meanings = (
        t("The trained layer runs on the small map, all places of a block at once; against its definition:"),
        t("The trained transposed convolution against a sub-pixel layer that holds its weights in another order:"),
        t("A layer of ones on a map of ones, against counting along rows and columns:"),
        t("An even picture becomes one block of 3 × 3 that repeats, before and after training:"),
        t("For a block that repeats, the share of energy is variance over mean square; against the waves:"),
        t("Largest difference between the numbers of weights of the four last layers:"),
    )
    codes: tuple[proof.Code, ...] = (
        (run.short_way_error, run.long_way), (run.same_layer_error, run.as_subpixel),
        (run.counts, overlap_counts), (run.repeats,),
        (run.energy_by_hand, checkerboard_energy), (run.weights,),
    )  # fmt: skip
    page.checks(checks(state), meanings, codes)


def hero(state: State, picture: pictures.Picture) -> None:
    """The picture of the page: what the view asks for, each part in a frame of its own; one alone has all the room."""
    alone = state.view != "all"
    if state.view == "all":
        with st.container(key="part-compare", width=WIDE):
            upsampler_picture.compare(picture, state.layer, title_of(picture))
    if state.view in ("all", "windows"):
        with st.container(key="part-windows"):
            upsampler_picture.windows(picture, alone)
    if state.view in ("all", "overlap"):
        with st.container(key="part-overlap"):
            upsampler_picture.overlap(state.k, alone)
    if state.view in ("before", "after"):
        with st.container(key="part-before"):
            upsampler_picture.ripples(False, square=state.view == "before")
    if state.view == "after":
        with st.container(key="part-after"):
            upsampler_picture.ripples(True)
        upsampler_picture.formula(state.layer)
    if state.view == "table":
        with st.container(key="part-table"):
            upsampler_picture.scores(picture, state.layer)


def evidence(state: State, picture: pictures.Picture) -> None:
    """What the other views show, below the picture of all."""
    upsampler_picture.ripples(False, True)
    upsampler_picture.formula(state.layer)
    upsampler_picture.scores(picture, state.layer)


def draw(page: frame.Places) -> None:
    """One picture enlarged by four networks, their scores, and where their patterns come from."""
    with page.controls:
        state, picture = chosen()
    with page.picture, st.spinner(t("Enlarging by four networks: some seconds the first time")):
        hero(state, picture)
    with page.wide:
        if state.view == "all":
            page.later(evidence, state, picture)
        page.later(proofs, page, state)
    page.code((Upsample.__call__, checkerboard_energy), call(state, picture))


LESSON: Lesson = Lesson(
    slug="upsampler-lab",
    title=mark("Swap the upsampler"),
    render=lambda: frame.page(LESSON, draw),
    order=26,
    needs=("upsampling-and-checkerboards",),
    section="work",
    question=mark("Does it matter how a map is made larger?"),
    goal=mark("You will be able to say what the choice of the enlarging layer changes, before training and after."),
    scenes=scenes.SCENES,
    example=State(),
    checks=checks,
    questions=questions.QUESTIONS,
    sources=(
        ("odena2016deconvolution", ""),
        ("dong2016accelerating", mark("section 3")),
        ("shi2016realtime", ""),
        ("aitken2017checkerboard", ""),
    ),
)
