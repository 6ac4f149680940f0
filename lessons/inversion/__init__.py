"""Lesson: what a layer still knows about the picture, found by searching for a picture that it answers alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

import deconvviz as dv
from deconvviz import priors
from deconvviz.data.samples import SAMPLES
from deconvviz.types import Check
from lessons._kit.form import frame, proof
from lessons._kit.form.controls import choice, is_offered
from lessons._kit.form.i18n import mark, t
from lessons._kit.form.page import Lesson
from lessons._kit.inversion import picture
from lessons._kit.inversion import run as inversion_run
from lessons._kit.inversion.run import LAYERS, Run
from lessons._kit.photo.labels import TITLES
from lessons._kit.run import jobs
from lessons.inversion import questions, scenes


@dataclass(frozen=True)
class State:
    """What the person has chosen."""

    image: str = "cat"
    layer: str = "relu4"
    prior: str = "on"
    moved: str = "preset"
    seed: str = "0"

    @property
    def run(self) -> Run:
        """The inversion that was chosen."""
        moved = "" if self.moved == "preset" else self.moved
        return inversion_run.of(self.image, self.layer, int(self.seed), self.prior == "on", moved)


def by_hand(state: State) -> float:
    """Relative difference of the feature error that is shown and the same by hand, from the picture that is shown."""
    result = inversion_run.shown(state.run)
    slow = inversion_run.measured(state.run, result.image)
    return abs(result.feature_error - slow) / slow


def same_pixels(state: State) -> float:
    """Largest difference of pixels: a run, the same run again, and the same stopped half-way and continued."""
    once, again, continued = (result.image for result in inversion_run.short(state.run))
    return float(max(np.abs(once - again).max(), np.abs(once - continued).max()))


def still(_state: State) -> list[Check]:
    """What holds before any picture is computed."""
    return [
        Check(mark("slope of the total variation"), inversion_run.variation_gap(), 1e-5),
        Check(mark("waves are orthonormal"), inversion_run.wave_gap(), 1e-5),
    ]


def of_the_run(state: State) -> list[Check]:
    """What is measured on pictures that were computed."""
    return [
        Check(mark("feature error by hand"), by_hand(state), 1e-5),
        Check(mark("same seed, same pixels"), same_pixels(state), 0.0),
    ]


def checks(state: State) -> list[Check]:
    """The checks of a state."""
    return of_the_run(state) + still(state)


def call(state: State) -> str:
    """Python that makes the picture of a state."""
    options = "".join(f", {name}={value!r}" for name, value in state.run.options.items())
    return f"""import deconvviz as dv
from deconvviz.data import samples

network, photograph = dv.load("caltech"), samples.load({state.image!r})
for now in dv.invert_snapshots(network, photograph, {state.layer!r}, steps={inversion_run.STEPS}{options}):
    print(now.step, now.feature_error, now.image_error)
picture = now.image
"""


def chosen() -> State:
    """Draw the controls and read them."""
    image = choice(t("Picture"), {id: t(TITLES[id]) for id in SAMPLES if id != "black"}, "image")
    layer = choice(t("Layer"), {name: name for name in LAYERS}, "layer", default=State.layer)
    prior = choice(
        t("Prefer smooth pictures"), {"on": t("yes, as suits the layer"), "off": t("no, features alone")}, "prior"
    )
    choices = {"preset": t("as suits the layer"), "pixel": t("pixels"), "fourier": t("waves")}
    moved = choice(t("What the search moves"), choices, "moved")
    seed = choice(t("Seed"), {str(number): str(number) for number in range(4)}, "seed")
    return State(image, layer, prior, moved, seed)


def ask(run: Run) -> None:
    """The button that begins the search, and how long it takes."""
    known = inversion_run.seconds(run.layer)
    words = (
        t(
            "{steps} steps, some 10 to 30 s on two cores, longer the first time.",
            steps=inversion_run.STEPS,
        )
        if known is None
        else t("{steps} steps, about {seconds} s here.", steps=inversion_run.STEPS, seconds=max(round(known), 1))
    )
    st.button(
        t("Invert {layer}", layer=run.layer), key="invert", type="primary", on_click=inversion_run.begin, args=(run,)
    )
    st.markdown(words)


def proofs(page: frame.Places, state: State, ran: bool) -> None:
    """The checks; those of the run once there is one."""
    run_codes: tuple[proof.Code, ...] = (
        (by_hand, inversion_run.feature_error),
        (same_pixels, inversion_run.snapshots),
    )
    run_meanings = (
        t("The shown picture goes through the network once more; the error is added up without the library:"),
        t("The first steps again, and again with a stop half-way. Largest difference of any pixel:"),
    )
    meanings = (
        t("The derivative that JAX finds, against differences of the value itself, pixel by pixel:"),
        t("Every wave has length 1 and is at right angles to all others, so moving waves loses nothing:"),
    )
    codes: tuple[proof.Code, ...] = (
        (inversion_run.variation_gap, priors.total_variation),
        (inversion_run.wave_gap, priors.hartley),
    )
    if ran:
        page.checks(of_the_run(state) + still(state), run_meanings + meanings, run_codes + codes)
    else:
        page.checks(still(state), meanings, codes)


def draw(page: frame.Places) -> None:
    """The photograph, the picture made from a layer's numbers, and the proofs once it rests."""
    with page.controls:
        state = chosen()
        run = state.run
        job, before = inversion_run.find(run), inversion_run.beforehand(run)
        if job is None and (before is None or is_offered("seed")):
            ask(run)
    with page.picture:
        if job is None:
            picture.draw(run, before)
            if before is not None and is_offered("seed"):
                st.markdown(t("Made beforehand, with the same steps and the same seed. The button makes it here."))
        else:
            jobs.watch(job, lambda job: picture.drawn(run, job))
    with page.wide:
        page.later(proofs, page, state, job is not None and job.resting and job.latest is not None)
    page.code((dv.invert_snapshots, inversion_run.snapshots), call(state))


LESSON: Lesson = Lesson(
    slug="inversion",
    title=mark("Inversion"),
    render=lambda: frame.page(LESSON, draw),
    order=11,
    needs=("deconvnet-step-by-step",),
    section="network",
    question=mark("What does a layer still know about the picture?"),
    goal=mark("You will be able to make a picture from a layer's numbers alone, and to say how far to trust it."),
    scenes=scenes.SCENES,
    example=State(),
    checks=checks,
    questions=questions.QUESTIONS,
    sources=(
        ("mahendran2015understanding", mark("sections 2 and 3")),
        ("mahendran2016visualizing", ""),
        ("olah2017feature", ""),
    ),
)
