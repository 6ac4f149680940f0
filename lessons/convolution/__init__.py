"""Lesson: what a convolution computes, down to a single product."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import streamlit as st

from deconvviz.errors import DeconvvizError
from deconvviz.metrics import relative_error
from deconvviz.ops import ConvGeometry, conv
from deconvviz.types import Check
from lessons._kit.claims import words
from lessons._kit.form import frame, proof
from lessons._kit.form.controls import choice, designed, is_offered, nearest, remember, remembered, url_cell, url_value
from lessons._kit.form.i18n import mark, t
from lessons._kit.form.library import said
from lessons._kit.form.page import Lesson
from lessons._kit.numbers import printed_formula, toy_arrays
from lessons.convolution import cells, number_field, photo, picture, questions, scenes, sums, values

#: Session key of a cell in which something stands that is no number.
BAD = "convolution-bad"
#: Name of a switch above the cells -> its two values in the URL.
SWITCHES = {"turned": {"no": "", "yes": ""}, "channels": {"1": "", "3": ""}}


@dataclass(frozen=True)
class State:
    """What the person has chosen; x and w are the cells that were typed, as text."""

    picture: str = "corner"
    kernel: str = "edge"
    stride: int = 1
    padding: int = 0
    dilation: int = 1
    turned: str = "no"
    channels: str = "1"
    x: str = ""
    w: str = ""
    cell: tuple[int, int] = (2, 1)
    tap: tuple[int, int] = (1, 0)

    @property
    def is_photograph(self) -> bool:
        """Whether the picture is too large to show its numbers."""
        return self.picture in values.PHOTOGRAPHS

    @property
    def depth(self) -> int:
        """Number of channels; the photographs are grey."""
        return 1 if self.is_photograph else int(self.channels)

    @property
    def geometry(self) -> ConvGeometry:
        """How the kernel slides."""
        return ConvGeometry(self.stride, self.padding, self.dilation)


def compute(state: State) -> sums.Arrays:
    """All arrays of a state; `DeconvvizError` if the cells are no numbers or the kernel does not fit."""
    return _compute(replace(state, cell=State.cell, tap=State.tap))


@lru_cache(maxsize=256)
def _compute(state: State) -> sums.Arrays:
    x = values.picture(state.picture, state.x, state.depth)
    given = values.kernel(state.kernel, state.w, state.depth)
    turned = state.turned == "yes"
    z = conv(x, given[::-1, ::-1] if turned else given, state.geometry)
    return sums.Arrays(x, given, turned, np.asarray(z), state.geometry)


def traced(state: State) -> float:
    """Distance of all sums of products, tap after tap, from the operator's output."""
    arrays = compute(state)
    return relative_error(arrays.z[0, :, :, 0], sums.every_sum(arrays))


def size(state: State) -> float:
    """Rows and columns by the formula, against those of the output: how many cells they differ by."""
    arrays = compute(state)
    return float(np.abs(np.subtract(sums.output_size(arrays), arrays.z.shape[1:3])).sum())


def turned_kernel(state: State) -> float:
    """The operator with the turned kernel, against true convolution by SciPy."""
    arrays = compute(state)
    turned = np.asarray(conv(arrays.x, arrays.given[::-1, ::-1], state.geometry))[0, :, :, 0]
    return relative_error(turned, sums.scipy_convolution(arrays.x, arrays.given, state.geometry))


def moved(state: State, by: int) -> float:
    """The picture moved by so many columns, with room to move: how far the output is from the old one moved along.

    The output moves by ``by / stride`` columns, rounded down.
    """
    arrays = compute(state)
    room, steps = max(by, state.stride), by // state.stride
    before, after = (np.pad(arrays.x, ((0, 0), (0, 0), (n, room - n), (0, 0))) for n in (0, by))
    old, new = (np.asarray(conv(x, arrays.w, state.geometry)) for x in (before, after))
    return relative_error(new[:, :, steps:], old[:, :, : old.shape[2] - steps])


@lru_cache(maxsize=256)
def _checks(state: State) -> tuple[float, float, float, float]:
    return traced(state), size(state), turned_kernel(state), moved(state, state.stride)


def checks(state: State) -> list[Check]:
    """The checks of a state."""
    summed, shape, turned, along = _checks(replace(state, cell=State.cell, tap=State.tap))
    return [
        Check(mark("every cell is its sum"), summed, 1e-5),
        Check(mark("output size"), shape, 0.0),
        Check(mark("turned kernel = true convolution"), turned, 1e-5),
        Check(mark("a shifted input shifts the output"), along, 1e-5),
    ]


def call(state: State) -> str:
    """Python that makes the picture of a state."""
    turn = "[::-1, ::-1]" if state.turned == "yes" else ""
    x = toy_arrays.source(values.picture(state.picture, state.x, state.depth))
    w = toy_arrays.source(values.kernel(state.kernel, state.w, state.depth))
    return f"""import numpy as np

from deconvviz.ops import ConvGeometry, conv

x = {x}
w = {w}{turn}
z = conv(x, w, ConvGeometry(stride={state.stride}, padding={state.padding}, dilation={state.dilation}))
"""


def chosen() -> State | None:
    """Draw the controls and read them; None, after a sentence beside the control, if they make no picture."""
    own = {"own": t("your own")}
    pictures = {k: t(v[0]) for k, v in values.PICTURES.items()}
    photographs = {k: t("photograph: {name}", name=t(v)) for k, v in values.PHOTOGRAPHS.items()}
    state = State(choice(t("Picture"), pictures | own | photographs, "picture"), x=number_field.url_text("x"))
    works = _said(lambda: values.picture(state.picture, state.x, 1))
    kernels = {k: t(v[0]) for k, v in values.KERNELS.items()}
    state = replace(state, kernel=choice(t("Kernel"), kernels | own, "kernel"), w=number_field.url_text("w"))
    works &= _said(lambda: values.kernel(state.kernel, state.w, 1))
    with st.container(horizontal=True):
        stride = number_field.whole(t("Stride"), "stride", State.stride)
        padding = number_field.whole(t("Padding"), "padding", State.padding)
        dilation = number_field.whole(t("Dilation"), "dilation", State.dilation)
    still = t("Stride {given} is not possible: the window moves on by 1 to {high} cells; at 0 it would never move.")
    around = t("Padding {given} is not possible: it is a whole number of rows and columns of zeros, 0 to {high}.")
    apart = t("Dilation {given} is not possible: neighbouring taps lie 1 to {high} cells apart.")
    works &= _said(lambda: number_field.within(stride, 1, 9, still))
    works &= _said(lambda: number_field.within(padding, 0, 3, around))
    works &= _said(lambda: number_field.within(dilation, 1, 9, apart))
    if not works:
        return None
    state = replace(state, stride=int(stride), padding=int(padding), dilation=int(dilation))
    return state if _said(lambda: fit(state)) else None


def fit(state: State) -> None:
    """Do nothing, or say that the kernel is larger than the padded picture.

    Raises:
      DeconvvizError: it is.
    """
    kernel = values.kernel(state.kernel, state.w, 1).shape[:2]
    height, width = values.picture(state.picture, state.x, 1).shape[1:3]
    spans = state.geometry.extent((kernel[0], kernel[1]))
    room = height + 2 * state.padding, width + 2 * state.padding
    if spans[0] > room[0] or spans[1] > room[1]:
        raise DeconvvizError(
            t(
                "The kernel spans {spans} cells, but the padded picture has only {room}: add padding or lower the "
                "dilation. The last picture that worked stays.",
                spans=f"{spans[0]} × {spans[1]}",
                room=f"{room[0]} × {room[1]}",
            )
        )


def _said(attempt: Callable[[], object]) -> bool:
    """Whether something works; if not, its sentence is on the page."""
    try:
        attempt()
    except DeconvvizError as error:
        st.error(said(error))
        return False
    return True


def shown(state: State | None) -> State:
    """The state to show: the chosen one or the last that worked, with switches and cells that exist in it."""
    turned, channels = url_value("turned", "no", SWITCHES["turned"]), url_value("channels", "1", SWITCHES["channels"])
    state = remembered("first", State()) if state is None else remember("first", state)
    state = replace(state, turned=turned, channels=channels)
    arrays = compute(state)
    height, width = arrays.z.shape[1:3]
    cell = nearest(url_cell("cell", State.cell), (height, width))
    return replace(state, cell=cell, tap=nearest(url_cell("tap", State.tap), arrays.kernel_size))


def events(state: State) -> cells.Events:
    """What clicks, typed cells and switches do."""
    arrays = compute(state)

    def pick(name: str, cell: tuple[int, int]) -> None:
        st.session_state[name] = f"{cell[0]},{cell[1]}"

    def edit(name: str, channel: int, cell: tuple[int, int], text: str) -> None:
        array = arrays.x[0] if name == "x" else arrays.given[:, :, :, 0]
        try:
            changed = values.edited(array, (*cell, channel), text)
        except DeconvvizError as error:
            st.session_state[BAD] = cells.Bad(name, channel, cell, text, said(error)), _cells(state)
            return
        st.session_state.pop(BAD, None)
        st.session_state.update({name: changed, "picture" if name == "x" else "kernel": "own"})

    def press(name: str) -> None:
        value = next(value for value in SWITCHES[name] if value != getattr(state, name))
        st.session_state[name] = "" if value == designed(name, getattr(State, name)) else value

    return cells.Events(pick, edit, press)


def _cells(state: State) -> tuple[str, ...]:
    """What the numbers in the cells depend on; what was typed wrongly is forgotten when they change."""
    return state.picture, state.kernel, state.channels, state.x, state.w


def draw(page: frame.Places, state: State) -> None:
    """Photograph or cells, the chosen window down to a single product, and the formulas."""
    arrays, listeners = compute(state), events(state)
    bad, where = st.session_state.get(BAD, (None, ()))
    bad = bad if where == _cells(state) else None
    switches = [("turned", t("Turn the kernel by 180°: true convolution"), arrays.turned)]
    if not state.is_photograph:
        switches.append(("channels", t("Three channels"), state.depth == 3))
    switches = [switch for switch in switches if is_offered(switch[0])]
    tracer = picture.tracer(arrays, state.cell, state.tap, typed=state.is_photograph)
    if state.is_photograph:
        name = t(values.PHOTOGRAPHS[state.picture])
        photo.show(arrays, state.cell, name, listeners.pick)
        cells.show([], None, [tracer], switches, bad, listeners)
        how = t("Choose a place in **x** or **z**, a product of its window; type into a cell of **w**.")
    else:
        lines, out = picture.inputs(arrays, state.cell), picture.output(arrays, state.cell)
        cells.show(lines, out, [tracer], switches, bad, listeners, picture.motion(arrays, state.cell))
        how = t("Type into a cell of **x** or **w**. Choose a cell of **z** to see its window, then a product of it.")
    left, right = st.columns(2)
    with left:
        st.latex(picture.one_product(arrays, state.cell, state.tap))
        with st.container(key="part-sizes"):
            st.latex(picture.sizes(arrays))
    with right:
        st.latex(picture.whole_sum(arrays, state.cell))
    with page.aside:
        st.caption(how)
    with page.more:
        st.latex(picture.symbols(arrays))
        st.latex(picture.SIZE)


def proofs(page: frame.Places, state: State) -> None:
    """The checks, and where moving along ends."""
    every = t("All output cells by adding tap after tap, no convolution called, against the operator (`conv`):")
    shape = t("Rows and columns by the formula, against those that came out:")
    turn = t("The operator with the kernel turned by 180°, against true convolution by SciPy (`convolve2d`):")
    along = t(
        "The picture moved by one stride, with room to move: the output moves by one cell. (At an edge this ends: what "
        "leaves the picture is lost.) Old output, moved along, against the new one:"
    )
    codes: list[proof.Code] = [
        (traced, sums.every_sum),
        (size, sums.output_size),
        (turned_kernel, sums.scipy_convolution),
        (moved,),
    ]
    page.checks(checks(state), (every, shape, turn, along), codes)
    if state.stride > 1:
        away = t("moved by one cell, z changes by {percent} %", percent=f"{100 * moved(state, 1):.0f}")
        with page.more:
            proof.measurement(
                away, t("Less than a stride: the windows now read other cells, so z does not just move."), moved
            )


def contents(page: frame.Places) -> None:
    """The sliding window, the proofs, and what articles print."""
    with page.controls:
        state = chosen()
    with page.picture:
        state = shown(state)
        draw(page, state)
    proofs(page, state)
    with page.more:
        printed_formula.show("F002.1", t(words.COMPUTES["F002.1"]))
        printed_formula.show("F003.1", t(words.COMPUTES["F003.1"]))
    page.code((conv, sums.window, sums.products), call(state))


LESSON: Lesson = Lesson(
    slug="convolution",
    title=mark("Convolution"),
    render=lambda: frame.page(LESSON, contents),
    order=1,
    question=mark("What does a convolution compute?"),
    goal=mark("You will be able to compute any output cell by hand, and say how many cells there are."),
    scenes=scenes.SCENES,
    example=State(),
    checks=checks,
    questions=questions.QUESTIONS,
    sources=(("dumoulin2016guide", mark("chapter 2")),),
)
