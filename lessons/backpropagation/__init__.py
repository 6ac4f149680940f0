"""Lesson: backpropagation is the adjoint of each layer, one after another, from the last to the first."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import streamlit as st

from deconvviz.metrics import relative_error
from deconvviz.ops import LinearMap, conv_adjoint
from deconvviz.types import Check
from lessons._kit.form import frame
from lessons._kit.form.controls import choice, nearest, url_cell, url_value
from lessons._kit.form.i18n import mark, t
from lessons._kit.form.page import Lesson
from lessons._kit.numbers import toy_arrays
from lessons.backpropagation import chain, picture, questions, scenes

VIEWS = {"back": "", "chain": "", "nudge": ""}


@dataclass(frozen=True)
class State:
    """What the person has chosen."""

    picture: str = "corner"
    kernel: str = "corner"
    stride: int = 1
    readout: str = "sum"
    view: str = "back"
    cell: tuple[int, int] = (3, 4)


def network(state: State) -> chain.Chain:
    """The network of a state."""
    return _network(replace(state, view=State.view, cell=State.cell))


@lru_cache(maxsize=256)
def _network(state: State) -> chain.Chain:
    return chain.chain(state.picture, state.kernel, state.stride, state.readout)


def nudging(state: State) -> float:
    """The backward pass against a forward pass for each nudged pixel."""
    return relative_error(network(state).backward[2], chain.nudged(network(state)))


def added_up(state: State) -> float:
    """The backward pass against all products along all paths, added up."""
    return relative_error(network(state).backward[2], chain.path_sum(network(state)))


def derived(state: State) -> float:
    """The backward pass against the derivative that JAX finds by itself."""
    return relative_error(network(state).backward[2], chain.derivative(network(state)))


def dot_test(state: State) -> float:
    """|⟨Ju, t⟩ − ⟨u, Jᵀt⟩| / (‖Ju‖ ‖t‖) for random u, t; J convolution and rectifier, gates held."""
    return chain.two_layers(network(state)).dot_test()


@lru_cache(maxsize=128)
def _checks(state: State) -> tuple[float, ...]:
    return nudging(state), added_up(state), derived(state), dot_test(state)


def checks(state: State) -> list[Check]:
    """The checks of a state."""
    names = (mark("every pixel nudged"), mark("all paths added up"), mark("derivative by JAX"), mark("dot test"))
    measured = _checks(replace(state, view=State.view, cell=State.cell))
    return [Check(name, error, 1e-5) for name, error in zip(names, measured, strict=True)]


def call(state: State) -> str:
    """Python that makes the picture of a state."""
    made = network(state)
    return f"""import numpy as np

from deconvviz.ops import ConvGeometry, conv, conv_adjoint

x = {toy_arrays.source(made.x)}
w = {toy_arrays.source(made.w)}
v = {toy_arrays.source(made.v)}  # the weights of the score
geometry = ConvGeometry(stride={made.stride})

z = conv(x, w, geometry) - {-chain.BIAS:g}
r = np.maximum(z, 0)
score = (v * r).sum()

by_r = v
by_z = (z > 0) * by_r
by_x = conv_adjoint(by_z, w, geometry, {toy_arrays.SIZE})
"""


def chosen() -> State:
    """Draw the controls and read them."""
    name = choice(t("Picture"), {k: t(v[0]) for k, v in toy_arrays.PICTURES.items()}, "picture")
    kernel = choice(t("Kernel"), {k: t(v[0]) for k, v in chain.KERNELS.items()}, "kernel", default=State.kernel)
    stride = choice(t("Stride"), {k: k for k in "12"}, "stride", tabs=True)
    readouts = {"sum": t("the sum of all r"), "one": t("one r in the middle")}
    return State(name, kernel, int(stride), choice(t("Score"), readouts, "readout"))


def contents(page: frame.Places) -> None:
    """Forward, backward, and the derivative by one pixel."""
    with page.controls:
        state = chosen()
    with page.picture:
        cell = nearest(url_cell("cell", State.cell), toy_arrays.SIZE)
        picture.draw(network(state), cell, url_value("view", State.view, VIEWS))
    with page.aside:
        st.caption(t("Choose a cell of **x** to see what reaches the score from there."))
    page.checks(
        checks(state),
        (
            t("The backward pass, against a forward pass for each of the 42 pixels, nudged by 1/64:"),
            t("The backward pass, against the products along all paths, added up one by one:"),
            t("The backward pass, against the derivative that JAX finds by itself (`jax.grad`):"),
            t("Convolution and rectifier as one map J, the gates held fixed. ⟨Ju, t⟩ and ⟨u, Jᵀt⟩ for random u, t:"),
        ),
        [(nudging, chain.nudged), (added_up, chain.paths), (derived, chain.derivative), (dot_test, LinearMap.dot_test)],
    )
    with page.more:
        st.latex(r"s = f_3(f_2(f_1(x))), \qquad \nabla_x s = J_1^\top J_2^\top J_3^\top \cdot 1")
    page.code((chain.Chain, conv_adjoint), call(state))


LESSON: Lesson = Lesson(
    slug="backpropagation",
    title=mark("Backpropagation is adjoints in a chain"),
    render=lambda: frame.page(LESSON, contents),
    order=3,
    needs=("convolution-is-a-matrix",),
    question=mark("How does a network know which pixel matters?"),
    goal=mark("You will be able to take the derivative of a score by any pixel, layer by layer, by hand."),
    scenes=scenes.SCENES,
    example=State(),
    checks=checks,
    questions=questions.QUESTIONS,
    sources=(("rumelhart1986learning", ""), ("odena2016deconvolution", mark("checkerboards in gradients"))),
)
