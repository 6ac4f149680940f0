"""Lesson: what deconvolution was in 2010: a picture explained by few stamps of a layer's kernels."""

from __future__ import annotations

import numpy as np
import streamlit as st

from deconvviz.metrics import relative_error
from deconvviz.ops import conv_adjoint
from deconvviz.ops.sparse import largest_gain, soft_threshold, sparse_codes
from deconvviz.types import Check
from lessons._kit.draw.formula import coloured
from lessons._kit.form import frame
from lessons._kit.form.controls import choice
from lessons._kit.form.i18n import mark, t
from lessons._kit.form.page import Lesson
from lessons.sparse_code import picture, questions, run, scenes
from lessons.sparse_code.run import State

#: Pixels that are added up by hand.
BY_HAND = 24


def dot_test(state: State) -> float:
    """How far from the two sides of the adjoint's definition being equal, for random codes."""
    return run.stamps().dot_test()


def as_layer(state: State) -> float:
    """The code after one step, against a convolution and a rectifier for each sign."""
    gain, weight = largest_gain(run.stamps()), float(state.weight)
    answers = run.responses(state.image) / gain
    layer = np.maximum(answers - weight / gain, 0) - np.maximum(-answers - weight / gain, 0)
    return relative_error(run.codes(state.image, state.weight)[0].code, layer)


def by_loops(state: State) -> float:
    """Pixels of the stamped picture, each added up number by number from the code and the kernels."""
    code, made = run.code(state).code[0].astype(np.float64), run.stamped(state)[0]
    kernel = run.kernel().astype(np.float64)
    stride, padding = run.STRIDE, run.PADDING
    rows, columns, _ = code.shape
    places = np.random.default_rng(0).integers(0, made.shape[0], (BY_HAND, 2))
    sums = np.zeros((BY_HAND, 3))
    for number, (row, column) in enumerate(places):
        for r in range(rows):
            for c in range(columns):
                i, j = row + padding - stride * r, column + padding - stride * c
                if 0 <= i < kernel.shape[0] and 0 <= j < kernel.shape[1]:
                    sums[number] += kernel[i, j] @ code[r, c]
    return relative_error(np.array([made[row, column] for row, column in places]), sums)


def rises(state: State) -> float:
    """By how much the objective rises at most in a step, over its size."""
    objective = run.code(state).objective.astype(np.float64)
    return float(max(np.diff(objective).max(initial=0.0), 0.0) / objective[0])


def checks(state: State) -> list[Check]:
    """The checks of a state."""
    return [
        Check(mark("dot test"), dot_test(state), 1e-5),
        Check(mark("first step"), as_layer(state), 1e-5),
        Check(mark("stamps by hand"), by_loops(state), 1e-5),
        Check(mark("never rises"), rises(state), 1e-6),
    ]


def call(state: State) -> str:
    """Python that makes the code of a state."""
    return f"""from dataclasses import replace

import deconvviz as dv
from deconvviz.data import preprocess, samples
from deconvviz.models import caltech
from deconvviz.ops import ConvGeometry, conv_map
from deconvviz.ops.sparse import sparse_codes

spec = replace(caltech.INPUT, size={run.SIZE})
x = preprocess.model_input(preprocess.fit_image(samples.load({state.image!r}), spec), spec)
y = x - x.mean(axis=(1, 2), keepdims=True)
stamps = conv_map(caltech.load_params()["conv1.kernel"], ConvGeometry(stride=2, padding=2), {run.SIZE}).transpose
(found,) = sparse_codes(stamps, y, weight={state.weight}, steps=({state.steps},))
picture = stamps(found.code)
"""


def formula() -> str:
    """What is searched for, in the colours of input, kernel and output."""
    y, z, k = coloured("input", "y"), coloured("output", "z"), coloured("kernel", "S")
    return rf"\min_{{{z}}}\; \tfrac12 \lVert {y} - {k} {z} \rVert^2 + \lambda \sum \lvert {z} \rvert"


def draw(page: frame.Places) -> None:
    """The controls, pictures, codes and bars, and the checks."""
    with page.controls:
        image = choice(t("Picture"), {id: t(name) for id, name in run.PICTURES.items()}, "image", default=State.image)
        weight = choice(t("Weight λ"), {one: one for one in run.WEIGHTS}, "weight", tabs=True)
        steps = {str(number): str(number) for number in run.STEPS}
        state = State(image, weight, choice(t("Steps"), steps, "steps", default=State.steps, tabs=True))
    with page.picture:
        with st.spinner(t("Searching for the code, some seconds the first time")):
            run.codes(state.image, state.weight)
        picture.draw(state)
        st.latex(formula())
    meanings = [
        t("Both sides of the adjoint's definition, for random codes and pictures:"),
        t("The code after one step, against a convolution and a rectifier for each sign:"),
        t("Pixels of the stamped picture, each added up from the code and the kernels number by number:"),
        t("The largest rise of squared error plus price in a step, over where it began:"),
    ]
    page.checks(checks(state), meanings, [(dot_test, conv_adjoint), (as_layer, soft_threshold), (by_loops,), (rises,)])
    page.code((sparse_codes, soft_threshold), call(state))


LESSON: Lesson = Lesson(
    slug="deconvolution-in-2010",
    title=mark("Deconvolution in 2010"),
    render=lambda: frame.page(LESSON, draw),
    order=30,
    needs=("convolution-and-its-adjoint",),
    section="work",
    question=mark("What was a deconvolutional network in 2010?"),
    goal=mark(
        "You will be able to say what deconvolutional networks searched for in 2010, and what was left out since."
    ),
    scenes=scenes.SCENES,
    example=State(),
    checks=checks,
    questions=questions.QUESTIONS,
    sources=(
        ("zeiler2010deconvolutional", mark("its price is |z| to the power 0.8, its kernels are learned")),
        ("zeiler2011adaptive", mark("with switches")),
        ("beck2009fast", mark("the search used here")),
        ("gregor2010learning", mark("a network as a few steps of it")),
        ("zeiler2014visualizing", mark("without the search")),
    ),
)
