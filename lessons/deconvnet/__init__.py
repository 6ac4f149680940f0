"""Lesson: one number of a network walked down to a picture, one step at a time."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from deconvviz.metrics import relative_gap
from deconvviz.network.backward import backprop
from deconvviz.ops import LinearMap, conv_adjoint, max_unpool
from deconvviz.ops.rectify import backward
from deconvviz.types import Check
from lessons._kit.draw.pixels import number
from lessons._kit.form import frame, proof
from lessons._kit.form.controls import choice, url_text, url_value
from lessons._kit.form.i18n import mark, t
from lessons._kit.form.page import Lesson
from lessons._kit.form.slider import whole
from lessons._kit.photo import selection
from lessons._kit.photo.labels import TITLES
from lessons._kit.run import networks, warm_up
from lessons.deconvnet import picture, questions, scenes, sums, trace, zoom
from lessons.deconvnet.trace import Measured, Scene, Stage

PICTURES = ("cat", "astronaut", "rocket", "motorcycle", "coffee", "disc", "black")
LAYER, STEP = "relu5", 3
#: What is drawn: the signal before and after the step, one cell of it, the picture at the end, or all of these.
VIEWS = dict.fromkeys(("all", "maps", "cell", "end"), "")


@dataclass(frozen=True)
class State:
    """What the person has chosen.

    Attributes:
      picture: of the gallery.
      layer: where the signal starts.
      channel: its number; "" for the strongest.
      step: 0 is the start.
      cell: "step:row,column,channel" of the cell to look into; if of another step, the first look.
      view: key of `VIEWS`.
    """

    picture: str = "cat"
    layer: str = LAYER
    channel: str = ""
    step: int = STEP
    cell: str = ""
    view: str = "all"


def scene(state: State) -> Scene:
    """The unit of a state and its signal at every step."""
    return trace.scene(state.picture, state.layer, int(state.channel) if state.channel else None)


def stage_of(state: State, shown: Scene) -> Stage:
    """The step of a state, the last one if there are fewer."""
    return shown.stages[min(state.step, len(shown.stages) - 1)]


def cell_of(state: State, stage: Stage) -> sums.Cell:
    """The chosen cell if it was chosen at this step and lies on the signal, else the first look."""
    at, _, numbers = state.cell.partition(":")
    parts = numbers.split(",")
    if at == str(state.step) and len(parts) == 3 and all(p.isascii() and p.isdigit() and len(p) < 5 for p in parts):
        row, column, channel = map(int, parts)
        if all(n < most for n, most in zip((row, column, channel), stage.below.shape, strict=True)):
            return row, column, channel
    return stage.first_look


def checks(state: State) -> list[Check]:
    """The checks of a state."""
    shown = scene(state)
    result, stage = trace.measured(shown), stage_of(state, shown)
    return [
        Check(mark("two computations agree"), result.agreement, 1e-5),
        Check(mark("linear steps are adjoints"), max(gap for _, _, gap in result.dots), 1e-5),
        Check(mark("the cell is its sum"), max(result.cells, stage.gap(cell_of(state, stage))), 1e-5),
        Check(mark("sizes of the forward pass"), result.sizes, 0.0),
        Check(mark("biases never enter"), result.biases, 0.0),
    ]


def call(state: State) -> str:
    """Python that makes the signals of a state."""
    shown = scene(state)
    unit, at = shown.unit, min(state.step, len(shown.stages) - 1)
    return f"""import deconvviz as dv
from deconvviz.data import samples
from deconvviz.network.backward.reconstruct import signal_at

net = dv.load("caltech")
x = dv.model_input(net, samples.load({state.picture!r}))
unit = dv.{unit!r}
frames = net.chain_to(unit.layer).backward_trace(x, signal_at(net, x, unit), "deconvnet")
signal = frames[{at}].signal
"""


def chosen() -> State:
    """Draw the controls and read them."""
    picture = choice(t("Picture"), {name: t(TITLES[name]) for name in PICTURES}, "picture")
    layer = choice(t("Layer"), {name: name for name in trace.layers()}, "layer", default=LAYER)
    maps = trace.maps(picture, layer)
    strengths = selection.strengths(maps)
    ordered = [int(channel) for channel in selection.order(maps, by_number=False)]
    names = {str(c): f"{c}: {number(strengths[c])}" for c in ordered}
    channel = choice(t("Channel, strongest first"), names, "channel", default=str(ordered[0]))
    last = len(trace.scene(picture, layer, int(channel)).stages) - 1
    step, view = whole(t("Step down"), 0, last, "step", min(STEP, last)), url_value("view", State.view, VIEWS)
    return State(picture, layer, channel, last if view == "end" else step, url_text("cell"), view)


def proofs(page: frame.Places, state: State, shown: Scene) -> None:
    """The checks, and how much each rectifier let through."""
    result = trace.measured(shown)
    codes: list[proof.Code] = [
        (relative_gap, backprop.by_vjp),
        (LinearMap.dot_test, trace.linear),
        (sums.meeting, sums.windows, Stage.arrived),
        (trace.size_gap,),
        (trace.without_biases,),
    ]
    meanings = [
        t(
            "The picture after the last step, against `jax.vjp` of the same program with its rectifiers under the "
            "rule. That computation knows of no step."
        ),
        _dots(result),
        t(
            "The strongest cell of every step and the chosen one, written out number by number, against the signal's "
            "own cell. Relative to the sum of magnitudes."
        ),
        t("Rows, columns and channels of every signal, against the map that stood there in the forward pass."),
        _biases(shown, result),
    ]
    page.checks(checks(state), meanings, codes)
    passed = [(stage.name, stage.passed) for stage in shown.stages if stage.passed is not None]
    if shown.chosen.value > 0:
        low, high = (f"{100 * f(share for _, share in passed):.0f}" for f in (min, max))
        label = t("rectifiers let {low} to {high} % through", low=low, high=high)
        with page.wide, st.container(key="passed"):
            proof.measurement(label, _passed(passed), backward)


def _dots(result: Measured) -> str:
    words = t(
        "⟨Ax, y⟩ against ⟨x, Aᵀy⟩ for random x and y: A is the filter without its bias, or max pooling with its "
        "switches held fixed. Rectify is not linear, so it is no adjoint and not on this list."
    )
    return words + "\n\n" + "\n".join(f"- {name}: {proof.error_text(gap)}" for _, name, gap in result.dots)


def _biases(shown: Scene, result: Measured) -> str:
    return t(
        "Every bias put to 7 in the backward pass: the picture changes by this much. In the forward pass they do "
        "count: with all biases zero this unit would be {without} instead of {value}.",
        without=number(result.without),
        value=number(shown.chosen.value),
    )


def _passed(passed: list[tuple[str, float]]) -> str:
    words = t(
        "Share of the signal, by the sum of magnitudes, that is left after each rectifier. What is dropped appears in "
        "no picture: this is a choice of the method, and no property of the network."
    )
    return words + "\n\n" + "\n".join(f"- {name}: {100 * share:.0f} %" for name, share in passed)


def draw(page: frame.Places) -> None:
    """The signal on its way to the pixels."""
    with page.controls:
        with st.spinner(t("Loading the network, about two seconds the first time")):
            trace.layers()
        state = chosen()
    with page.picture:
        shown = scene(state)
        stage = stage_of(state, shown)
        cell = cell_of(state, stage)
        picture.film(shown, state.step)
        if state.view in ("all", "maps"):
            picture.pair(shown, state.step, cell)
            zoom.words(stage)
        if state.view in ("all", "cell"):
            picture.channels(stage, cell, state.step, before=state.view == "all")
            zoom.show(stage, cell)
    with page.picture if state.view == "end" else page.wide:
        picture.two_computations(shown)
    proofs(page, state, shown)
    page.code((conv_adjoint, max_unpool, backward, backprop.by_vjp), call(state))
    if networks.is_served():
        warm_up.freeze_gc()


LESSON: Lesson = Lesson(
    slug="deconvnet-step-by-step",
    title=mark("DeconvNet, step by step"),
    render=lambda: frame.page(LESSON, draw),
    order=8,
    needs=("convolution-and-its-adjoint", "pooling-and-switches"),
    section="network",
    question=mark("How does one number become a picture?"),
    goal=mark(
        "You will be able to say what unpool, rectify and filter each do to a signal in the backward pass to the "
        "pixels."
    ),
    scenes=scenes.SCENES,
    example=State(),
    checks=checks,
    questions=questions.QUESTIONS,
    sources=(("zeiler2014visualizing", mark("section 2.1")), ("zeiler2011adaptive", "")),
)
