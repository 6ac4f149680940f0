"""Lesson: a convolution, its adjoint, and why the adjoint is not an inverse."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import streamlit as st

from deconvviz.errors import GeometryError
from deconvviz.ops import ConvGeometry, LinearMap, conv, conv_adjoint, conv_map, conv_vjp
from deconvviz.types import Check
from lessons._kit import conv_picture, conv_questions, frame, proof, small, ways_back
from lessons._kit.controls import choice, url_cell
from lessons._kit.i18n import mark, t
from lessons._kit.page import Lesson


@dataclass(frozen=True)
class State:
    """What the person has chosen."""

    picture: str = "corner"
    kernel: str = "numbered"
    stride: int = 1
    padding: int = 1
    dilation: int = 1
    signal: str = "all"
    way: str = "adjoint"
    cell: tuple[int, int] = (2, 2)
    back: tuple[int, int] = (2, 2)

    @property
    def geometry(self) -> ConvGeometry:
        """How the kernel slides."""
        return ConvGeometry(self.stride, self.padding, self.dilation)


@lru_cache(maxsize=512)
def compute(state: State) -> conv_picture.Arrays:
    """All arrays of a state, NHWC and HWIO; `GeometryError` if the kernel does not fit the picture."""
    x, w = small.picture(state.picture), small.kernel(state.kernel)
    z = np.asarray(conv(x, w, state.geometry))
    g = z if state.signal == "all" else small.only(z, state.cell)
    back = ways_back.WAYS[state.way][1](g, w, state.geometry, small.SIZE)
    return conv_picture.Arrays(x, w, z, g, np.asarray(back))


def operator(state: State) -> LinearMap:
    """The convolution as a linear map A, with the chosen way back as its claimed adjoint."""
    return conv_map(small.kernel(state.kernel), state.geometry, small.SIZE, adjoint=ways_back.WAYS[state.way][1])


def dot_test(state: State) -> float:
    """|⟨Ax, y⟩ − ⟨x, Aᵀy⟩| / (‖Ax‖ ‖y‖) for random x and y; infinite if the sizes do not even fit."""
    try:
        return operator(state).dot_test()
    except GeometryError:
        return math.inf


def two_roads(state: State) -> float:
    """Distance from the derivative that JAX finds by itself."""
    arrays = compute(state)
    return proof.distance(arrays.back, conv_vjp(arrays.g, arrays.w, state.geometry, small.SIZE))


def matrix(state: State) -> float:
    """Distance from the transposed matrix times g; A is made column by column from the way there."""
    arrays, a = compute(state), operator(state).dense()
    return proof.distance(arrays.back, (a.T @ arrays.g.ravel()).reshape(arrays.x.shape))


def checks(state: State) -> list[Check]:
    """The proofs of a state."""
    return [
        Check(mark("dot test"), dot_test(state), 1e-5),
        Check(mark("two roads agree"), two_roads(state), 1e-5),
        Check(mark("transposed matrix"), matrix(state), 1e-5),
    ]


def not_inverse(state: State) -> float:
    """How far AᵀAx is from x at its best brightness: min over c of ‖c AᵀAx − x‖ / ‖x‖."""
    arrays = compute(replace(state, signal="all", way="adjoint"))
    back, x = arrays.back.ravel(), arrays.x.ravel()
    return proof.distance(back * (back @ x) / ((back @ back) or 1), x)


def call(state: State) -> str:
    """Python that makes the picture of a state."""
    g = "z" if state.signal == "all" else f"small.only(z, {state.cell})"
    return f"""from deconvviz.ops import ConvGeometry, conv, conv_adjoint
from lessons._kit import small
from lessons._kit.ways_back import forward_padding, turned_kernel

x, w = small.picture({state.picture!r}), small.kernel({state.kernel!r})
geometry = ConvGeometry(stride={state.stride}, padding={state.padding}, dilation={state.dilation})
z = conv(x, w, geometry)
back = {ways_back.WAYS[state.way][1].__name__}({g}, w, geometry, input_size={small.SIZE})
"""


def chosen() -> State:
    """Draw the controls and read them."""
    picture = choice(t("Picture"), {k: t(v[0]) for k, v in small.PICTURES.items()}, "picture")
    kernel = choice(t("Kernel"), {k: t(v[0]) for k, v in small.KERNELS.items()}, "kernel")
    with st.container(horizontal=True):
        stride = choice(t("Stride"), {k: k for k in "123"}, "stride", tabs=True)
        padding = choice(t("Padding"), {k: k for k in "012"}, "padding", default="1", tabs=True)
        dilation = choice(t("Dilation"), {k: k for k in "123"}, "dilation", tabs=True)
    return State(picture, kernel, int(stride), int(padding), int(dilation))


def ways(state: State) -> State:
    """Draw the switches above the picture and read the chosen cells."""
    signals = {"all": t("the whole output"), "cell": t("only the chosen cell")}
    names = {k: t(v[0]) for k, v in ways_back.WAYS.items()}
    left, right = st.columns(2)
    with left:
        signal = choice(t("What goes back"), signals, "signal", tabs=True)
    with right:
        way = choice(t("The way back"), names, "way")
    cell, back = url_cell("cell", (2, 2)), url_cell("back", (2, 2))
    return replace(state, signal=signal, way=way, cell=cell, back=back)


def proofs(state: State) -> None:
    """The badges, and the number that answers the headline."""
    dots = t("Aᵀ is the adjoint when ⟨Ax, y⟩ = ⟨x, Aᵀy⟩ for all x and y. Both sides, for random x and y:")
    same = t("The same signal, once by the formula and once by the derivative that JAX finds by itself (`jax.vjp`):")
    turn = t("A written out as a matrix, column by column from the way there, then transposed and multiplied with g:")
    dot, roads, transposed = measured = checks(state)
    proof.badges(
        [
            proof.Proof(dot, dots, (dot_test, LinearMap.dot_test)),
            proof.Proof(roads, same, (two_roads, conv_vjp)),
            proof.Proof(transposed, turn, (matrix, LinearMap.dense), operator(state).dense()),
        ]
    )
    if state.way != "adjoint" and all(check.holds for check in measured):
        st.info(t("A wrong way that is right here by luck: this kernel or this padding hides the mistake. Change it."))
    away = not_inverse(state)
    word = t("here an inverse") if away < 1e-6 else t("no inverse")
    label = t("AᵀAx is {percent} % away from x: {word}", percent=f"{100 * away:.0f}", word=word)
    meaning = t("The picture that came back, at its best brightness, against the picture that went in.")
    proof.finding(label, meaning, not_inverse)


def render() -> None:
    """Draw the page."""
    frame.head(LESSON)
    left, right = st.columns([3, 8], gap="large")
    with left, st.container(key="controls"):
        state = chosen()
        frame.presets(LESSON)
    with right:
        state = conv_picture.fitting(ways(state), State(), small.kernel(state.kernel).shape[:2])
        arrays = compute(state)
        conv_picture.draw(arrays, state.geometry, state.cell, state.back, state.way)
        proofs(state)
    frame.text(LESSON)
    frame.practice(LESSON)
    frame.code((ways_back.WAYS[state.way][1], conv, conv_adjoint), call(state))
    frame.foot(LESSON)


LESSON = Lesson(
    slug="convolution-and-its-adjoint",
    title=mark("Convolution and its adjoint"),
    render=render,
    order=3,
    question=mark("Is the transposed convolution an inverse?"),
    goal=mark("You will be able to run a convolution backwards by hand, and say what comes back and what does not."),
    text=mark(
        "A convolution is linear, so it is a matrix A: each output cell is a row, a window read through the "
        "[[kernel]]. The [[adjoint]] Aᵀ uses the same weights the other way round. Each output cell lays down a "
        "[[stamp]]: its value times the kernel, where its window was. Where stamps overlap, they add.\n\n"
        "Nothing is divided and nothing is solved. Aᵀ brings a signal back to the right **place** and the right "
        "**size**, not to its old values. What no window reads ([[stride]]) comes back as zero; what lands on the "
        "[[padding]] is cut off.\n\n"
        "A [[transposed convolution]] is a layer that computes this Aᵀ; papers also call it [[deconvolution]], a word "
        "with four meanings. It undoes a convolution only where windows mix nothing: try the kernel with a single 1."
    ),
    presets=(
        (mark("One stamp"), {"picture": "pixel", "signal": "cell"}),
        (mark("Rows that nobody reads"), {"picture": "flat", "stride": "3", "padding": "0"}),
        (mark("A kernel that can be undone"), {"kernel": "single"}),
    ),
    example=State(),
    checks=checks,
    questions=conv_questions.QUESTIONS,
    sources=(("dumoulin2016guide", mark("chapter 4")), ("zeiler2010deconvolutional", "")),
)
