"""Lesson: the picture that excites a unit most, made from noise, and what each regularizer is good for."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

import deconvviz as dv
from deconvviz import priors
from deconvviz.types import Check
from lessons._kit.form import frame, proof
from lessons._kit.form.controls import choice, is_offered
from lessons._kit.form.i18n import mark, t
from lessons._kit.form.library import said
from lessons._kit.form.page import Lesson
from lessons._kit.inversion import run as inversion_run
from lessons._kit.photo import twins
from lessons._kit.photo.twins import TWINS
from lessons._kit.run import jobs
from lessons.visualization import picture, questions, scenes
from lessons.visualization import run as visualization_run
from lessons.visualization.run import LAYERS, Run

METHODS = {
    "waves": mark("waves, regularized"),
    "waves-bare": mark("waves, left alone"),
    "pixels": mark("pixels, regularized"),
    "pixels-bare": mark("pixels, left alone"),
}
BEGINS = {
    "noise": mark("noise"),
    "cat": mark("the cat"),
    "four": mark("noise, four made to differ"),
    "alike": mark("noise, four left alone"),
}


@dataclass(frozen=True)
class State:
    """What the person has chosen."""

    layer: str = "relu4"
    unit: str = "4"
    objective: str = "channel"
    way: str = "waves"
    begin: str = "noise"
    training: str = "plain"

    @property
    def run(self) -> Run:
        """The visualization that was chosen."""
        return visualization_run.of(
            self.layer, int(self.unit), self.objective, self.way, self.begin, TWINS[self.training]
        )


def plain_pass(state: State) -> float:
    """Relative difference of the activation that is shown, and that of one plain forward pass of the picture."""
    now = visualization_run.shown(state.run)
    if isinstance(now, str):
        return 0.0
    plain = visualization_run.plain_pass(state.run, now.image)
    return abs(plain - now.activation) / (abs(plain) or 1.0)


def beaten(state: State) -> float:
    """By which share of its value the strongest photograph excites the unit more than the made picture; 0 if less."""
    now, best = visualization_run.shown(state.run), visualization_run.natural(state.run).value
    reached = 0.0 if isinstance(now, str) else now.activation
    return max(0.0, best - reached) / (abs(best) or 1.0)


def slope(state: State) -> float:
    """How far the derivative of the objective is from a difference of its values."""
    return visualization_run.slope_gap(state.run)


def checks(state: State) -> list[Check]:
    """The checks of a state."""
    return [
        Check(mark("a plain pass says the same"), plain_pass(state), 1e-5),
        Check(mark("no photograph does more"), beaten(state), 0.0),
        Check(mark("slope of the objective"), slope(state), 1e-5),
        Check(mark("waves are orthonormal"), inversion_run.wave_gap(), 1e-5),
        Check(mark("colours there and back"), visualization_run.colour_gap(), 1e-5),
    ]


def call(state: State) -> str:
    """Python that makes the picture of a state."""
    run = state.run
    options = "".join(f", {name}={value!r}" for name, value in run.options.items() if name != "start")
    start = ', start=samples.load("cat")' if "start" in run.options else ""
    unit = dv.Unit(run.layer, run.channel, *(run.place or ()))
    lines = [
        "import deconvviz as dv",
        "from deconvviz.data import samples",
        "",
        f"network = dv.load({TWINS[state.training]!r})",
    ]
    target = f"dv.{unit!r}"
    if run.objective == "direction":
        lines.append(f'cat = dv.activations(network, samples.load("cat"), {run.layer!r})')
        lines.append("cat = cat.reshape(-1, cat.shape[-1])")
        target, start = repr(run.layer), start + ", direction=cat[(cat**2).sum(1).argmax()]"
    lines.append(
        f"for now in dv.visualize_snapshots(network, {target}, steps={visualization_run.STEPS}{options}{start}):"
    )
    return "\n".join([*lines, "    print(now.step, now.activation)", "picture = now.image", ""])


def chosen() -> State:
    """Draw the controls and read them."""
    layer = choice(t("Layer"), {name: name for name in LAYERS}, "layer", default=State.layer)
    run = visualization_run.of(layer, 0)
    units = {str(c): picture.name(run, c) for c in range(run.shape[-1])}
    unit = choice(t("Unit"), units, "unit", default=State.unit)
    whole = {"class": t("the class")} if len(run.shape) == 1 else {"channel": t("the whole channel")}
    more = {"neuron": t("its middle neuron")} if len(run.shape) > 1 else {}
    goals = {**whole, **more, "direction": t("the direction of the cat")}
    objective = choice(t("What is excited"), goals, "objective")
    way = choice(t("What is moved"), {key: t(words) for key, words in METHODS.items()}, "way")
    begin = choice(t("Begin with"), {key: t(words) for key, words in BEGINS.items()}, "begin")
    return State(layer, unit, objective, way, begin, twins.choose())


def sheet_of(run: Run) -> tuple[int, ...]:
    """The channels on the sheet that holds the chosen one."""
    first = run.channel // visualization_run.TILES * visualization_run.TILES
    return tuple(range(first, min(first + visualization_run.TILES, run.shape[-1])))


def proofs(page: frame.Places, state: State) -> None:
    """The checks."""
    with st.spinner(t("Measuring the checks; from a new layer it takes some seconds the first time")):
        measured = checks(state)
    meanings = (
        t("The shown picture goes through the untouched network once more; its values are added up by hand:"),
        t("By how much the strongest of the 18 built-in pictures beats it; a neuron may be strong anywhere:"),
        t("The derivative by the waves, against the difference of its values to both sides (float64):"),
        t("Every wave has length 1 and is at right angles to all others, so moving waves loses nothing:"),
        t("The matrix of uncorrelated colours times its inverse, against 1:"),
    )
    codes: tuple[proof.Code, ...] = (
        (plain_pass, visualization_run.plain_pass, visualization_run.by_hand),
        (beaten, visualization_run.natural),
        (slope, visualization_run.slope_gap),
        (inversion_run.wave_gap, priors.hartley),
        (visualization_run.colour_gap, priors.mix_colours, priors.unmix_colours),
    )
    page.checks(measured, meanings, codes)


def ask(run: Run, is_whole: bool) -> None:
    """The button that begins the long run.

    Args:
      run: the choice.
      is_whole: whether the picture on the page has had all its steps.
    """
    steps = visualization_run.STEPS
    label = t("Make it here in {steps} steps", steps=steps) if is_whole else t("Go on to {steps} steps", steps=steps)
    st.button(label, key="visualize", type="primary", on_click=visualization_run.begin, args=(run,))
    if is_whole:
        st.markdown(t("Made beforehand, with the same steps and the same seed. The button makes it here."))
    else:
        st.markdown(
            t(
                "This is a first look after {short} steps. The whole run takes some 3 to 30 s on two free cores.",
                short=visualization_run.SHORT,
            )
        )


def draw(page: frame.Places) -> None:
    """What a unit looks for, beside the photograph it answers most, and the layer channel by channel."""
    with page.controls:
        state = chosen()
        asked = st.container()
    run = state.run
    job, before = visualization_run.find(run), visualization_run.beforehand(run)
    with page.picture:
        with st.spinner(
            t("A first look: {steps} steps; a new kind of run is compiled first", steps=visualization_run.SHORT)
        ):
            look = visualization_run.shown(run)
        if isinstance(look, str):
            picture.draw(run, look)
            st.warning(t("Said by the library: {reason}", reason=said(look)))
        elif job is None:
            picture.draw(run, look)
        else:
            jobs.watch(job, lambda _: picture.draw(run, visualization_run.shown(run)))
        if is_offered("unit"):
            st.subheader(t("The layer, channel by channel"), anchor=False)
            picture.sheet(run, sheet_of(run))
    if not isinstance(look, str):
        if job is None and (before is None or is_offered("unit")):
            with asked:
                ask(run, before is not None)
        with page.wide:
            page.later(proofs, page, state)
    page.code((dv.visualize_snapshots, visualization_run.snapshots), call(state))


LESSON: Lesson = Lesson(
    slug="feature-visualization",
    title=mark("Feature visualization"),
    render=lambda: frame.page(LESSON, draw),
    order=14,
    needs=("inversion",),
    section="network",
    question=mark("What would excite this unit most?"),
    goal=mark("You will be able to make the picture that a unit is looking for, and to say what was added to it."),
    scenes=scenes.SCENES,
    example=State(),
    checks=checks,
    questions=questions.QUESTIONS,
    sources=(
        ("olah2017feature", ""),
        ("simonyan2014deep", mark("section 2")),
        ("mahendran2016visualizing", ""),
    ),
)
