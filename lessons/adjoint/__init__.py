"""Lesson: the adjoint of a convolution in three views, and why it is not an inverse."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

import jax.numpy as jnp
import numpy as np
import streamlit as st

from deconvviz.errors import GeometryError
from deconvviz.metrics import relative_error
from deconvviz.ops import LinearMap, conv, conv_adjoint, conv_map, conv_vjp
from deconvviz.ops.conventions import CONVENTIONS
from deconvviz.types import Array, Check
from lessons._kit.claims import words
from lessons._kit.form import frame, proof
from lessons._kit.form.controls import choice, is_offered, url_cell
from lessons._kit.form.i18n import mark, t
from lessons._kit.form.page import Lesson
from lessons._kit.numbers import conv_controls, printed_formula, toy_arrays
from lessons._kit.numbers.conv_controls import Sliding
from lessons.adjoint import adjoint_variants, back_views, convention_table, meter, picture, questions, scenes


@dataclass(frozen=True)
class State(Sliding):
    """What the person has chosen."""

    signal: str = "all"
    view: str = "stamp"
    way: str = "adjoint"
    cell: tuple[int, int] = (2, 2)
    back: tuple[int, int] = (2, 2)


def given(state: State) -> tuple[np.ndarray, np.ndarray]:
    """Picture and kernel, NHWC and HWIO: one channel, or two in and two out where swapping them matters."""
    x, w = toy_arrays.picture(state.picture), toy_arrays.kernel(state.kernel)
    if state.way != "channels":
        return x, w
    across, none = np.ones_like(w), np.zeros_like(w)
    both = np.concatenate([np.concatenate([w, across], axis=3), np.concatenate([none, w], axis=3)], axis=2)
    return np.concatenate([x, x[:, ::-1, ::-1]], axis=3), both


def function(state: State) -> Callable[..., Array]:
    """What computes the way back: the chosen view's own code, or the chosen wrong way."""
    return (
        adjoint_variants.VIEWS[state.view][1]
        if state.way == "adjoint"
        else adjoint_variants.VARIANTS[state.way].function
    )


def way_back(state: State, g: Array) -> np.ndarray:
    """What comes back from a signal."""
    return np.asarray(function(state)(g, given(state)[1], state.geometry, toy_arrays.SIZE))


@lru_cache(maxsize=512)
def compute(state: State) -> picture.Arrays:
    """All arrays of a state; `GeometryError` if the kernel does not fit the picture."""
    x, w = given(state)
    z = np.asarray(conv(x, w, state.geometry))
    g = z if state.signal == "all" else toy_arrays.only(z, state.cell)
    right = np.asarray(conv_adjoint(g, w, state.geometry, toy_arrays.SIZE))
    return picture.Arrays(x, w, z, g, way_back(state, g), right)


def operator(state: State) -> LinearMap:
    """The convolution as a linear map A, with the chosen way back as its claimed adjoint."""
    a = conv_map(given(state)[1], state.geometry, toy_arrays.SIZE)
    return replace(a, adjoint=lambda g: jnp.asarray(way_back(state, g)))


def dot_test(state: State) -> float:
    """|⟨Ax, y⟩ − ⟨x, By⟩| / (‖Ax‖ ‖y‖) for random x and y, B the way back; infinite if the sizes do not even fit."""
    try:
        return operator(state).dot_test()
    except GeometryError:
        return math.inf


def sides(state: State) -> meter.Sides:
    """Both sides for the random x and y of the dot test."""
    a, random = operator(state), np.random.default_rng(0)
    x, y = (random.standard_normal(shape).astype(np.float32) for shape in (a.input_shape, a.output_shape))
    z, back = np.asarray(a(x)), way_back(state, y)
    right = float(np.vdot(x, back)) if back.shape == x.shape else None
    scale = float(np.linalg.norm(z) * np.linalg.norm(y))
    return meter.Sides(float(np.vdot(z, y)), right, scale, toy_arrays.SIZE, (back.shape[1], back.shape[2]))


def three_views(state: State) -> float:
    """Largest distance from the stamps, from zero insertion, and from the transposed matrix."""
    arrays = compute(state)
    views = (view(arrays.g, arrays.w, state.geometry, toy_arrays.SIZE) for _, view in adjoint_variants.VIEWS.values())
    return max(relative_error(arrays.back, view) for view in views)


def two_computations(state: State) -> float:
    """Larger distance from `lax.conv_transpose` with the right padding, and from the derivative that JAX finds."""
    arrays = compute(state)
    derived = conv_vjp(arrays.g, arrays.w, state.geometry, toy_arrays.SIZE)
    return max(relative_error(arrays.back, other) for other in (arrays.right, derived))


@lru_cache(maxsize=256)
def _checks(state: State) -> tuple[float, float, float]:
    return dot_test(state), three_views(state), two_computations(state)


def checks(state: State) -> list[Check]:
    """The checks of a state."""
    dot, views, gap = _checks(replace(state, back=State.back))
    return [
        Check(mark("dot test"), dot, 1e-5),
        Check(mark("three views agree"), views, 1e-5),
        Check(mark("two computations agree"), gap, 1e-5),
    ]


@lru_cache(maxsize=64)
def _matrix(state: State) -> np.ndarray:
    arrays, w = compute(state), given(state)[1]
    if state.way == "adjoint":
        return operator(state).dense().T
    wrong = adjoint_variants.VARIANTS[state.way].function
    there = LinearMap(
        lambda g: wrong(g, w, state.geometry, toy_arrays.SIZE), lambda x: x, arrays.z.shape, arrays.back.shape
    )
    return there.dense()


def matrix(state: State) -> np.ndarray:
    """The way back as a matrix, (cells of what comes back, cells of g): Aᵀ, or what a wrong way is instead."""
    plain = replace(State(), kernel=state.kernel, stride=state.stride, padding=state.padding, dilation=state.dilation)
    return _matrix(replace(plain, way=state.way))


def not_inverse(state: State) -> float:
    """How far AᵀAx is from x at its best brightness: min over c of ‖c AᵀAx − x‖ / ‖x‖."""
    arrays = compute(replace(state, signal="all", way="adjoint", view="stamp"))
    back, x = arrays.back.ravel(), arrays.x.ravel()
    return relative_error(back * (back @ x) / ((back @ back) or 1), x)


#: What the code of a wrong way back needs.
IMPORTS = """import jax
import jax.numpy as jnp
from jax import lax

from deconvviz.ops import Pads, conv_adjoint
from deconvviz.types import Array, Size


"""


def call(state: State) -> str:
    """Python that makes the picture of a state; a wrong way back is written out."""
    back, (x, w) = function(state), given(state)
    is_public = back.__module__.startswith("deconvviz.")
    way = f"from {back.__module__} import {back.__name__}\n" if is_public else IMPORTS + inspect.getsource(back)
    g = "z"
    if state.signal != "all":
        row, column = state.cell
        g = f"np.zeros(z.shape, np.float32)\ng[0, {row}, {column}] = z[0, {row}, {column}]"
    return f"""import numpy as np

from deconvviz.ops import ConvGeometry, conv
{way}
x = {toy_arrays.source(x)}
w = {toy_arrays.source(w)}
geometry = ConvGeometry(stride={state.stride}, padding={state.padding}, dilation={state.dilation})
z = conv(x, w, geometry)
g = {g}
back = {back.__name__}(g, w, geometry, input_size={toy_arrays.SIZE})
"""


def chosen() -> State:
    """Draw the controls and read them."""
    return State(*conv_controls.chosen())


def ways(state: State) -> State:
    """Draw the controls of the way back and read them and the chosen cells."""
    signals = {"all": t("the whole output"), "cell": t("only the chosen cell")}
    views = {k: t(title) for k, (title, _) in adjoint_variants.VIEWS.items()}
    names = {k: t(way.title) for k, way in adjoint_variants.VARIANTS.items()}
    signal = choice(t("What goes back"), signals, "signal")
    view = choice(t("Shown as"), views, "view", tabs=True)
    way = choice(t("Backward operator"), names, "way")
    cell, back = url_cell("cell", State.cell), url_cell("back", State.back)
    return replace(state, signal=signal, view=view, way=way, cell=cell, back=back)


def proofs(page: frame.Places, state: State) -> None:
    """The number that answers the headline, the meter where the way back can be chosen, and the checks."""
    dots = t("Aᵀ is the adjoint when ⟨Ax, y⟩ = ⟨x, Aᵀy⟩ for all x and y. Both sides, for random x and y:")
    views = t("Against the stamps, zero insertion, and the transposed matrix, each by its own code:")
    same = t("Against `lax.conv_transpose` with the right padding, and the derivative that JAX finds (`jax.vjp`):")
    codes: tuple[proof.Code, ...] = (
        (dot_test, LinearMap.dot_test),
        (three_views, *(view for _, view in adjoint_variants.VIEWS.values())),
        (two_computations, conv_adjoint, conv_vjp),
    )
    measured = checks(state)
    page.checks(measured, (dots, views, same), codes)
    with page.picture if is_offered("way") else page.wide, st.container(key="part-meter"):
        meter.show(sides(state))
        luck = adjoint_variants.VARIANTS[state.way].luck
        if luck and all(check.holds for check in measured):
            st.info(t(luck))
    away = not_inverse(state)
    word = t("here an inverse") if away < 1e-6 else t("no inverse")
    label = t("AᵀAx is {percent} % away from x: {word}", percent=f"{100 * away:.0f}", word=word)
    meaning = t("The picture that came back, at its best brightness, against the picture that went in.")
    shown = state.way == "adjoint" and is_offered("kernel")
    with page.picture if shown else page.wide, st.container(key="part-away"):
        proof.measurement(label, meaning, not_inverse)


def conventions(state: State) -> None:
    """The table of what libraries call a transposed convolution, made when it is opened."""
    table = st.expander(
        t("The same numbers in JAX, Flax, PyTorch and Keras"), key="libraries", on_change="rerun", bind="query-params"
    )
    if table.open:
        arrays = compute(replace(state, way="adjoint", view="stamp"))
        with table:
            lines = [
                convention_table.measure(key, arrays.g, arrays.w, state.geometry, toy_arrays.SIZE)
                for key in CONVENTIONS
            ]
            convention_table.show(lines, toy_arrays.SIZE)


def draw(page: frame.Places) -> None:
    """The operator and one way back from it, the proofs, what libraries and articles write."""
    with page.controls:
        state = ways(chosen())
    with page.picture:
        state = picture.fitting(state, State(), toy_arrays.kernel(state.kernel).shape[:2])
        at = back_views.Chosen(state.cell, state.back, state.way, state.view)
        written_out = matrix(state) if state.view == "matrix" and state.way != "channels" else None
        picture.draw(compute(state), state.geometry, at, written_out)
    with page.aside:
        st.caption(
            t(
                "Choose a cell of **z** or **g**: the solid frame is its window above and its stamp below. "
                "Choose a cell of what comes back: the dashed cells of **g** reach it."
            )
        )
    proofs(page, state)
    with page.more:
        for line in picture.symbols(at):
            st.latex(line)
        conventions(state)
        for key in ("F000.1", "F001.1", "F002.2", "F003.1"):
            printed_formula.show(key, t(words.COMPUTES[key]))
    page.code((function(state), conv, conv_adjoint), call(state))


LESSON: Lesson = Lesson(
    slug="convolution-and-its-adjoint",
    title=mark("Convolution and its adjoint"),
    render=lambda: frame.page(LESSON, draw),
    order=4,
    needs=("convolution-is-a-matrix",),
    question=mark("Is the transposed convolution an inverse?"),
    goal=mark("You will be able to run a convolution backwards by hand, and say what comes back and what does not."),
    scenes=scenes.SCENES,
    example=State(),
    checks=checks,
    questions=questions.QUESTIONS,
    sources=(("dumoulin2016guide", mark("chapter 4")), ("long2015fully", mark("section 3.3"))),
)
