"""Lesson: the ladder. One picture, every layer, three inverters side by side, and how their errors grow with depth."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

import deconvviz as dv
from deconvviz.models import inverters
from deconvviz.network.backward import explicit
from deconvviz.types import Check
from lessons._kit.form import frame, proof
from lessons._kit.form.controls import choice, is_offered
from lessons._kit.form.i18n import mark, t
from lessons._kit.form.page import Lesson
from lessons._kit.inversion import run as inversion_run
from lessons._kit.photo import header, selection, twins
from lessons._kit.photo.twins import TWINS
from lessons._kit.run import jobs, networks, pictures
from lessons.ladder import picture as ladder_picture
from lessons.ladder import questions, run, scenes
from lessons.ladder.run import Ladder


@dataclass(frozen=True)
class State:
    """What the person has chosen; an upload stands in for the picture."""

    image: str = "cat"
    shown: str = "map"
    seed: str = "0"
    training: str = "plain"


def checks(state: State) -> list[Check]:
    """The proofs of a state, on a few rungs."""
    loaded, picture = networks.load(TWINS[state.training]), pictures.sample(state.image)
    return of(run.short(loaded, picture, int(state.seed)), loaded, picture)


def of(ladder: Ladder, loaded: networks.Loaded, picture: pictures.Picture) -> list[Check]:
    """The proofs of a ladder as far as it goes."""
    return [
        Check(mark("search below DeconvNet"), run.above(ladder), 0.0),
        Check(mark("pixels get lost with depth"), run.falling(ladder), 0.0),
        Check(mark("feature errors by hand"), run.by_hand(ladder, loaded, picture), 1e-5),
        Check(mark("two computations of a whole layer agree"), run.two_computations(ladder), 1e-5),
    ]


def call(state: State, sample: bool) -> str:
    """Python that makes the pictures of a state."""
    image = f"samples.load({state.image!r})" if sample else '"your-picture.jpg"'
    return f"""import deconvviz as dv
from deconvviz.data import samples
from deconvviz.models import inverters

network, photograph = dv.load({TWINS[state.training]!r}), {image}
for layer in {inversion_run.LAYERS}:
    seen = dv.reconstruct(network, photograph, dv.Unit(layer, "all"), rule="deconvnet")
    found = dv.invert(network, photograph, layer, steps={run.STEPS}, seed={state.seed})
    print(layer, found.feature_error, found.image_error)
    if layer in inverters.layers(network):
        learned = dv.invert(network, photograph, layer, method="learned")
        print(layer, learned.feature_error, learned.image_error)
"""


def chosen() -> tuple[State, networks.Loaded, pictures.Picture]:
    """Draw the controls and read them."""
    training = twins.choose()
    loaded = networks.load(TWINS[training])
    picture, named = selection.picture(State.image), st.session_state.get("image") or State.image
    if is_offered("image"):
        header.picture_chip(loaded, picture)
    else:  # a scene tells of the photograph that comes with its pictures
        picture, named = pictures.sample(State.image), State.image
    choices = {"map": t("the signed map"), "picture": t("fitted to the photo")}
    shown = choice(t("DeconvNet's answer"), choices, "shown")
    seed = choice(t("Seed of the search"), {str(number): str(number) for number in range(4)}, "seed")
    return State(named, shown, seed, training), loaded, picture


def ask(loaded: networks.Loaded, picture: pictures.Picture, seed: int) -> None:
    """The button that begins, and how long it takes."""
    st.button(
        t("Climb the ladder"),
        key="climb",
        type="primary",
        on_click=run.begin,
        args=(loaded, picture, seed),
    )
    known = [inversion_run.seconds(layer) for layer in inversion_run.LAYERS]
    if all(known):
        words = t("Seven searches, about {seconds} s here.", seconds=round(sum(second or 0 for second in known)))
    else:
        words = t("Seven searches, one to three minutes on two cores. Pictures appear as they are made.")
    st.markdown(words)


def proofs(page: frame.Places, ladder: Ladder, loaded: networks.Loaded, picture: pictures.Picture) -> None:
    """The checks of the rungs so far."""
    with st.spinner(t("Adding up every error by hand")):
        result = of(ladder, loaded, picture)
    meanings = (
        t("At every rung the search has the smaller feature error. By how much it is larger at the worst one:"),
        t("The search's error in pixels grows from rung to rung. By how much it falls at the worst one:"),
        t("Every picture once more through the network, and the error added up without the library:"),
        t(
            "The backward pass from the whole layer, by JAX's derivative of the rewritten program, and by "
            "switches, rule and filters:"
        ),
    )
    codes: tuple[proof.Code, ...] = (
        (run.above,),
        (run.falling,),
        (run.by_hand, inversion_run.measured, inversion_run.feature_error),
        (run.two_computations, explicit.Chain.backward),
    )
    page.checks(result, meanings, codes)


def draw(page: frame.Places) -> None:
    """The pictures that come back from every layer, and the proofs once they are all there."""
    with page.controls:
        state, loaded, picture = chosen()
        job = run.find(loaded, picture, int(state.seed))
        if job is None and is_offered("seed"):
            ask(loaded, picture, int(state.seed))
    known = inverters.layers(loaded.network)
    before = run.beforehand(loaded, picture, int(state.seed)) if job is None else None

    def rungs(ladder: Ladder) -> None:
        ladder_picture.draw(loaded, picture, ladder, known, state.shown == "map")

    with page.picture:
        if job is not None:
            jobs.watch(job, lambda job: rungs(job.latest or Ladder()), key="ladder", every=2.0)
        else:
            rungs(before or Ladder())
    with page.wide:
        if before is not None:
            st.markdown(
                t("Made beforehand, with the same steps. The button of the last scene makes it, and measures checks.")
            )
        ladder_picture.formula(loaded, picture, before or (job and job.latest) or Ladder())
        if job is not None and job.resting and job.latest is not None:
            page.later(proofs, page, job.latest, loaded, picture)
    page.code((dv.invert, run.ladder_snapshots, run.fitted), call(state, picture.id is not None))


LESSON: Lesson = Lesson(
    slug="ladder",
    title=mark("The ladder"),
    render=lambda: frame.page(LESSON, draw),
    order=13,
    needs=("inversion", "learned-inversion"),
    section="network",
    question=mark("How much of the picture is left, layer after layer?"),
    goal=mark(
        "You will be able to say what three reconstructions from a layer show, and what each of them adds by itself."
    ),
    scenes=scenes.SCENES,
    example=State(),
    checks=checks,
    questions=questions.QUESTIONS,
    sources=(
        ("zeiler2014visualizing", mark("section 2.1")),
        ("mahendran2015understanding", ""),
        ("dosovitskiy2016inverting", ""),
    ),
)
