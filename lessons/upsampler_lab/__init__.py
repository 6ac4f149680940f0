"""Lesson: one trained network, four ways to make its map larger; patterns before and after training, scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from deconvviz.models.upsamplers import Upsample
from deconvviz.ops.upsample import checkerboard_energy, overlap_counts
from deconvviz.types import Check
from lessons._kit.form import frame, proof, slider
from lessons._kit.form.controls import choice
from lessons._kit.form.i18n import mark, t
from lessons._kit.form.page import Lesson
from lessons._kit.photo import upload
from lessons._kit.photo.header import title_of
from lessons._kit.run import pictures
from lessons.upsampler_lab import picture as upsampler_picture
from lessons.upsampler_lab import questions, run

FIRST = "astronaut"


@dataclass(frozen=True)
class State:
    """What the person has chosen; an own photograph stands beside it."""

    image: str = FIRST
    layer: str = "transposed"
    k: int = 8


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
    picture = upload.choose(LESSON.presets, FIRST)
    layer = choice(t("Last layer"), {kind: t(name) for kind, name in upsampler_picture.NAMES.items()}, "layer")
    taps = slider.whole(t("Kernel k, for the overlap alone"), 3, 12, "k", State.k)
    return State(picture.id or FIRST, layer, taps), picture


def badges(state: State) -> None:
    """The proofs."""
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
    proof.badges_of(checks(state), meanings, codes)


def draw(page: frame.Places) -> None:
    """One picture enlarged by four networks, their scores, and where their patterns come from."""
    with page.controls:
        state, picture = chosen()
    with page.picture:
        with st.spinner(t("Enlarging by four networks: some seconds the first time")):
            upsampler_picture.compare(picture, state.layer, title_of(picture))
            upsampler_picture.windows(picture)
        upsampler_picture.scores(picture, state.layer)
        upsampler_picture.overlap(state.k)
        upsampler_picture.ripples()
        upsampler_picture.formula(state.layer)
        badges(state)
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
    text=mark(
        "One network for super-resolution, trained four times: same seed, same parts of pictures, same number of "
        "steps. Only the last layer differs, and it has as many weights each time: a [[transposed convolution]], a "
        "sub-pixel convolution, a resize with a convolution, an unpooling with a convolution.\n\nWith random weights "
        "an even picture shows what a layer is inclined to. Where each place of a block meets its own weights, a "
        "pattern of period 3 appears, although the overlap is even: the [[stride]] divides the [[kernel]]. Resize "
        "first, or begin sub-pixel with one kernel for all places, and it stays even.\n\nTraining removes most of "
        "it. Transposed and sub-pixel convolution compute the same functions here, one layer written in two ways; "
        "unpooling reads other neighbours at the lower and right places of a block. With one run each, small "
        "differences between them say nothing."
    ),
    presets=(
        (mark("Even overlap"), {"k": "9"}),
        (mark("Resize, then convolve"), {"layer": "resize"}),
        (mark("Sub-pixel on bricks"), {"layer": "subpixel", "image": "brick"}),
    ),
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
