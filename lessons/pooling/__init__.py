"""Lesson: max pooling, its switches, and the ways to put a maximum back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache, partial

import jax
import numpy as np
import streamlit as st
from jax import lax

from deconvviz.metrics import relative_error
from deconvviz.ops import LinearMap, Pads, ceil_padding, max_pool, max_pool_map, take_switches
from deconvviz.types import Check
from lessons._kit.draw import bars
from lessons._kit.form import frame, proof
from lessons._kit.form.controls import choice, nearest, url_cell
from lessons._kit.form.i18n import mark, t
from lessons._kit.form.page import Lesson
from lessons._kit.numbers import printed_formula, toy_arrays
from lessons.pooling import picture as pooling_picture
from lessons.pooling import questions, scenes, unpool_variants


@dataclass(frozen=True)
class State:
    """What the person has chosen."""

    picture: str = "hills"
    window: int = 2
    stride: int = 2
    edge: str = "drop"
    way: str = "true"
    digits: str = ""
    cell: tuple[int, int] = (1, 1)
    back: tuple[int, int] = (2, 2)


def pooling(state: State) -> unpool_variants.Pooling:
    """The picture of a state and how it is pooled; windows that hang over the edge are kept or left out."""
    pads = ceil_padding(toy_arrays.SIZE, state.window, state.stride) if state.edge == "keep" else ((0, 0), (0, 0))
    return unpool_variants.Pooling(
        pooling_picture.picture(state.picture, state.digits), state.window, state.stride, pads
    )


@lru_cache(maxsize=512)
def _backs(state: State) -> dict[str, np.ndarray]:
    how = pooling(state)
    return {
        name: np.asarray(u) for name, u in unpool_variants.every_way(how.x, how.window, how.stride, how.pads).items()
    }


def backs(state: State) -> dict[str, np.ndarray]:
    """What comes back on each way, (1, 6, 7, 1)."""
    return _backs(replace(state, way=State.way, cell=State.cell, back=State.back))


@lru_cache(maxsize=512)
def _arrays(state: State) -> pooling_picture.Arrays:
    how = pooling(state)
    back = np.asarray(unpool_variants.VARIANTS[state.way][1](how.pooled[0], how))
    return pooling_picture.Arrays(how, state.way, back)


def compute(state: State) -> pooling_picture.Arrays:
    """All arrays of a state: its own way back alone, so that the picture need not wait for the others."""
    return _arrays(replace(state, cell=State.cell, back=State.back))


def operator(state: State) -> LinearMap:
    """Pooling with its switches held fixed, with the chosen way back as its claimed adjoint."""
    arrays = compute(state)
    switches, way = arrays.pooling.pooled[1], unpool_variants.VARIANTS[state.way][1]
    return LinearMap(
        lambda x: take_switches(x, switches),
        lambda g: way(g, arrays.pooling),
        (1, *toy_arrays.SIZE, 1),
        switches.shape,
    )


def dot_test(state: State) -> float:
    """|⟨Ax, y⟩ − ⟨x, Aᵀy⟩| / (‖Ax‖ ‖y‖) for random x and y, A pooling with its switches held fixed."""
    return operator(state).dot_test()


def two_computations(state: State) -> float:
    """Distance from the derivative of max pooling that JAX finds by itself; no switch is written down there."""
    arrays = compute(state)
    how = arrays.pooling
    return relative_error(arrays.back, jax_derivative(how.x, how.pooled[0], how.window, how.stride, how.pads))


@partial(jax.jit, static_argnums=(2, 3, 4))
def jax_derivative(x: jax.Array, g: jax.Array, window: int, stride: int, pads: Pads) -> jax.Array:
    """`jax.vjp` of max pooling as JAX's own `reduce_window` does it."""
    sizes, steps, around = (1, window, window, 1), (1, stride, stride, 1), ((0, 0), *pads, (0, 0))
    _, pull = jax.vjp(lambda x: lax.reduce_window(x, -np.inf, lax.max, sizes, steps, around), x)
    return pull(g)[0]


def matrix(state: State) -> float:
    """Distance from the transposed matrix times g; A is made column by column from the way there."""
    arrays, a = compute(state), dense(state)
    g = np.ravel(arrays.pooling.pooled[0])
    return relative_error(arrays.back, (a.T @ g).reshape(arrays.back.shape))


@lru_cache(maxsize=64)
def _dense(state: State) -> np.ndarray:
    return max_pool_map(pooling(state).pooled[1], toy_arrays.SIZE).dense()


def dense(state: State) -> np.ndarray:
    """The matrix A: one row a window, a single 1 in it, at the switch."""
    return _dense(replace(state, way=State.way, cell=State.cell, back=State.back))


@lru_cache(maxsize=256)
def _checks(state: State) -> tuple[float, float, float]:
    return dot_test(state), two_computations(state), matrix(state)


def checks(state: State) -> list[Check]:
    """The checks of a state."""
    dot, gap, transposed = _checks(replace(state, cell=State.cell, back=State.back))
    return [
        Check(mark("dot test"), dot, 1e-5),
        Check(mark("two computations agree"), gap, 1e-5),
        Check(mark("transposed matrix"), transposed, 1e-5),
    ]


def distances(state: State) -> dict[str, float]:
    """Way back -> ‖u − x‖ / ‖x‖: how far what comes back is from what went in."""
    x = pooling(state).x
    return {way: relative_error(back, x) for way, back in backs(state).items()}


def call(state: State) -> str:
    """Python that makes the picture of a state."""
    how = pooling(state)
    place = f"{how.size}, {how.window}, {how.stride}, {how.pads}"
    needed, back = {
        "true": ("", f"max_unpool(y, switches, {how.size})"),
        "overwrite": ("overwrite_unpool", f"overwrite_unpool(y, switches, {how.size})"),
        "centre": ("centre_switches", f"max_unpool(y, centre_switches({place}), {how.size})"),
        "random": (
            "random_switches",
            f"max_unpool(y, random_switches({place}, seed={unpool_variants.SEED}), {how.size})",
        ),
        "other": ("", f"max_unpool(y, max_pool(x[:, ::-1, ::-1], *how)[1], {how.size})"),
        "nearest": ("fill_unpool", f'fill_unpool(y, *how, input_size={how.size}, filling="nearest")'),
        "bilinear": ("fill_unpool", f'fill_unpool(y, *how, input_size={how.size}, filling="bilinear")'),
    }[state.way]
    more = f"\nfrom deconvviz.ops.unpool_variants import {needed}" if needed else ""
    return f"""import numpy as np

from deconvviz.ops import max_pool, max_unpool{more}

x = {toy_arrays.source(how.x)}
how = {how.window}, {how.stride}, {how.pads}  # window, stride, padding
y, switches = max_pool(x, *how)
back = {back}
"""


def chosen() -> State:
    """Draw the controls and read them."""
    pictures = {name: t(title) for name, (title, _) in pooling_picture.PICTURES.items()}
    picture = choice(t("Picture"), pictures | {"own": t("your own")}, "picture")
    with st.container(horizontal=True):
        window = choice(t("Window"), {k: k for k in "23"}, "window", tabs=True)
        stride = choice(t("Stride"), {k: k for k in "123"}, "stride", default="2", tabs=True)
    edges = {"drop": t("left out"), "keep": t("kept")}
    edge = choice(t("Windows over the edge"), edges, "edge", tabs=True)
    digits = pooling_picture.url_digits("digits")
    return State(picture, int(window), int(stride), edge, digits=digits if picture == "own" else "")


def proofs(page: frame.Places, state: State) -> None:
    """The checks, and how far each way is from the picture."""
    dots = t("A is pooling with its switches held fixed. ⟨Ax, y⟩ and ⟨x, Aᵀy⟩, for random x and y:")
    same = t("Against the derivative of max pooling that JAX finds by itself (`jax.vjp`); it knows of no switch:")
    turn = t("A written out as a matrix: one row a window, a single 1 in it. Transposed, and multiplied with g:")
    dot, gap, transposed = measured = checks(state)
    page.proofs(
        [
            proof.Proof(dot, dots, (dot_test, LinearMap.dot_test)),
            proof.Proof(gap, same, (two_computations, jax_derivative)),
            proof.Proof(transposed, turn, (matrix, LinearMap.dense), dense(state)),
        ]
    )
    if state.way != "true" and all(check.holds for check in measured):
        with page.picture:
            st.info(
                t("Right here by luck: no two windows share a maximum, or all switches are the same. Change something.")
            )
    away = distances(state)
    shown = [bars.Bar(t(v[0]), (away[way],), second=way == state.way) for way, v in unpool_variants.VARIANTS.items()]
    with page.more:
        bars.show(t("How far what comes back is from x: ‖u − x‖ / ‖x‖"), shown)


def draw(page: frame.Places) -> None:
    """The windows with their maxima, one way back, the proofs, and what articles print."""
    with page.controls:
        state = chosen()
        way = choice(t("Backward operator"), {k: t(v[0]) for k, v in unpool_variants.VARIANTS.items()}, "way")
    with page.picture:
        state = replace(state, way=way)
        arrays = compute(state)
        height, width = arrays.y.shape
        cell = nearest(url_cell("cell", State.cell), (height, width))
        pooling_picture.draw(arrays, cell, nearest(url_cell("back", State.back), toy_arrays.SIZE))
    with page.aside:
        st.caption(
            t(
                "Choose a cell of **x** to raise it by one (9 becomes 0), a cell of **y**, **s** or **g** to see its "
                "window and its arrow, a cell of what comes back to see the sum that made it."
            )
        )
    proofs(page, state)
    with page.more:
        st.latex(pooling_picture.forward_formula())
        st.latex(pooling_picture.backward_formula(state.way))
        printed_formula.show(
            "F002.3", t("a grey dilation: every place gets the largest value near it; no switch, no larger map")
        )
        printed_formula.show(
            "F003.2", t("windows one row and one column too large, at every position: nothing gets smaller by a stride")
        )
    page.code((unpool_variants.VARIANTS[state.way][1], max_pool, take_switches), call(state))


LESSON: Lesson = Lesson(
    slug="pooling-and-switches",
    title=mark("Pooling and switches"),
    render=lambda: frame.page(LESSON, draw),
    order=6,
    needs=("convolution",),
    question=mark("Where does a pooled maximum go back to?"),
    goal=mark("You will be able to say what unpooling puts where, and what is lost for good."),
    scenes=scenes.SCENES,
    example=State(),
    checks=checks,
    questions=questions.QUESTIONS,
    sources=(
        ("zeiler2011adaptive", ""),
        ("zeiler2014visualizing", mark("section 2.1")),
        ("dosovitskiy2015learning", mark("unpooling without switches")),
    ),
)
