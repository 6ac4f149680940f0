"""Lesson: the picture that excites a unit most, made from noise, and what each help on the way is good for."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

import deconvviz as dv
from deconvviz import priors
from deconvviz.types import Check
from lessons._kit.form import frame, proof
from lessons._kit.form.controls import choice
from lessons._kit.form.i18n import mark, t
from lessons._kit.form.page import Lesson
from lessons._kit.inversion import run as inversion_run
from lessons._kit.run import jobs
from lessons.visualization import picture, questions
from lessons.visualization import run as visualization_run
from lessons.visualization.run import LAYERS, Run

WAYS = {
    "waves": mark("waves, with helps"),
    "waves-bare": mark("waves, without helps"),
    "pixels": mark("pixels, with helps"),
    "pixels-bare": mark("pixels, without helps"),
}
BEGINS = {
    "noise": mark("noise"),
    "cat": mark("the cat"),
    "four": mark("noise, four that shall differ"),
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

    @property
    def run(self) -> Run:
        """The visualization that was chosen."""
        return visualization_run.of(self.layer, int(self.unit), self.objective, self.way, self.begin)


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


def of_the_run(state: State) -> list[Check]:
    """What is measured on the picture."""
    return [
        Check(mark("a plain pass says the same"), plain_pass(state), 1e-5),
        Check(mark("no photograph does more"), beaten(state), 0.0),
    ]


def checks(state: State) -> list[Check]:
    """The checks of a state."""
    return [
        *of_the_run(state),
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
    lines = ["import deconvviz as dv", "from deconvviz.data import samples", "", 'network = dv.load("caltech")']
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
    way = choice(t("What is moved"), {key: t(words) for key, words in WAYS.items()}, "way")
    begin = choice(t("Begin with"), {key: t(words) for key, words in BEGINS.items()}, "begin")
    return State(layer, unit, objective, way, begin)


def sheet_of(run: Run) -> tuple[int, ...]:
    """The channels on the sheet that holds the chosen one."""
    first = run.channel // visualization_run.TILES * visualization_run.TILES
    return tuple(range(first, min(first + visualization_run.TILES, run.shape[-1])))


def badges(state: State) -> None:
    """The proofs."""
    same, best, rise, waves, colours = checks(state)
    proof.badges(
        [
            proof.Proof(
                same,
                t("The shown picture goes through the untouched network once more; its values are added up by hand:"),
                (plain_pass, visualization_run.plain_pass, visualization_run.by_hand),
            ),
            proof.Proof(
                best,
                t("By how much the strongest of the 18 built-in pictures beats it; a neuron may be strong anywhere:"),
                (beaten, visualization_run.natural),
            ),
            proof.Proof(
                rise,
                t("The derivative by the waves, against the difference of its values to both sides (float64):"),
                (slope, visualization_run.slope_gap),
            ),
            proof.Proof(
                waves,
                t("Every wave has length 1 and is at right angles to all others, so moving waves loses nothing:"),
                (inversion_run.wave_gap, priors.hartley),
            ),
            proof.Proof(
                colours,
                t("The matrix of uncorrelated colours times its inverse, against 1:"),
                (visualization_run.colour_gap, priors.mix_colours, priors.unmix_colours),
            ),
        ]
    )


def ask(run: Run) -> None:
    """The button that begins the long run."""
    st.button(
        t("Go on to {steps} steps", steps=visualization_run.STEPS),
        key="visualize",
        type="primary",
        on_click=visualization_run.begin,
        args=(run,),
    )
    st.markdown(
        t(
            "Below is a first look after {short} steps. The whole run takes some 3 to 30 s on two free cores.",
            short=visualization_run.SHORT,
        )
    )


def draw(page: frame.Places) -> None:
    """What a unit looks for, beside the photograph it answers most, and the layer channel by channel."""
    with page.controls:
        state = chosen()
    run = state.run
    job = visualization_run.find(run)
    with page.picture:
        with st.spinner(
            t("A first look: {steps} steps; a new kind of run is compiled first", steps=visualization_run.SHORT)
        ):
            look = visualization_run.first_look(run)
        if isinstance(look, str):
            picture.draw(run, look)
            st.warning(t("Said by the library: {reason}", reason=look))
        elif job is None:
            ask(run)
            picture.draw(run, look)
        else:
            jobs.watch(job, lambda job: picture.drawn(run, job))
        if not isinstance(look, str):
            page.later(measured, state)
        st.subheader(t("The layer, channel by channel"), anchor=False)
        picture.sheet(run, sheet_of(run))
    page.code((dv.visualize_snapshots, visualization_run.snapshots), call(state))


def measured(state: State) -> None:
    """The badges."""
    with st.spinner(t("Measuring the checks; from a new layer it takes some seconds the first time")):
        badges(state)


LESSON: Lesson = Lesson(
    slug="feature-visualization",
    title=mark("Feature visualization"),
    render=lambda: frame.page(LESSON, draw),
    order=14,
    needs=("inversion",),
    section="network",
    question=mark("What would excite this unit most?"),
    goal=mark("You will be able to make the picture that a unit is looking for, and to say what was added to it."),
    text=mark(
        "No photograph is needed. Begin with grey noise, ask how the unit's value changes with every number of the "
        "picture, and climb: the derivative of one unit, used again and again.\n\n"
        "Left alone the climb finds noise: fine patterns that strides and pools pass on strongly, and that fall "
        "apart when moved by three pixels. Two helps: the picture is shifted, turned and zoomed a little at every "
        "step, so that only what survives is rewarded, and rough pictures cost [[total variation]].\n\n"
        "Moving waves instead of pixels changes no picture that can be reached, only the path to it: low "
        "[[frequency|frequencies]] come first, in uncorrelated colours.\n\n"
        "A unit often has several faces; pictures that must differ show more of them. What is made is mostly "
        "stronger than any photograph, and rarely looks like one. It says what helps, not what occurs."
    ),
    presets=(
        (mark("Left alone: noise"), {"way": "pixels-bare"}),
        (mark("A class: what is a leopard?"), {"layer": "logits", "unit": "3"}),
        (mark("Four faces of one channel"), {"begin": "four"}),
    ),
    example=State(),
    checks=checks,
    questions=questions.QUESTIONS,
    sources=(
        ("olah2017feature", ""),
        ("simonyan2014deep", mark("section 2")),
        ("mahendran2016visualizing", ""),
    ),
)
