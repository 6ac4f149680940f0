"""Lesson: what the layers of one network see while it is trained, and which of them settle first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import streamlit as st

import deconvviz as dv
from deconvviz.data.samples import SAMPLES
from deconvviz.metrics import relative_error
from deconvviz.models import caltech
from deconvviz.types import Check
from lessons._kit.form import frame, proof
from lessons._kit.form.controls import choice, url_value
from lessons._kit.form.i18n import mark, t
from lessons._kit.form.page import Lesson
from lessons._kit.form.slider import stops
from lessons._kit.photo.labels import TITLES
from lessons._kit.run import engine, jobs, networks, pictures
from lessons.growth import measure, network, picture, questions, scenes
from lessons.growth.measure import EPOCHS, RELUS

#: What is drawn: maps and curves, the order of the layers and curves, or all of it.
VIEWS = dict.fromkeys(("all", "maps", "order"), "")


@dataclass(frozen=True)
class State:
    """What the person has chosen; the names are those of the controls."""

    image: str = "cat"
    layer: str = "relu3"
    epoch: str = scenes.FAR
    view: str = "all"


def grown(state: State) -> network.Grown:
    """What the layer sees after that epoch."""
    return network.grown(state.image, state.layer, int(state.epoch))


def is_the_snapshot(state: State) -> float:
    """Distance of the scores of the network on the page from those of the plain function with the stored weights."""
    return relative_error(*network.by_function(state.image, int(state.epoch)))


def two_computations(state: State) -> float:
    """Relative difference of the two computations down to the photograph, of the first channel that is shown."""
    loaded, unit = network.network(int(state.epoch)), grown(state).units[0]
    picture = pictures.sample(state.image)

    def run() -> float:
        result = dv.reconstruct(loaded.network, pictures.fitted(loaded, picture).model, unit)
        return float("inf") if result.agreement is None else result.agreement

    first = network.network(EPOCHS[-1])
    return engine.cached(
        loaded, picture, f"roads {unit}", lambda: engine.run_compiled(first, unit.layer, "deconvnet proven", run)
    )


def unit_length(state: State) -> float:
    """Largest gap between 1 - cos and half the squared distance of the two maps, each made of length one."""
    epoch, result = int(state.epoch), grown(state)
    pairs = zip(
        (one.map for one in network.maps_of(state.image, epoch, list(result.units))),
        (one.map for one in network.maps_of(state.image, EPOCHS[-1], list(_last(state).units))),
        result.distances,
        strict=True,
    )
    return max(abs(_by_length(map, end) - shown) for map, end, shown in pairs)


def _last(state: State) -> network.Grown:
    return network.grown(state.image, state.layer, EPOCHS[-1])


def _by_length(map: np.ndarray, end: np.ndarray) -> float:
    if not np.any(map) or not np.any(end):
        return 1.0
    a, b = (values.astype(np.float64) / np.linalg.norm(values.astype(np.float64)) for values in (map, end))
    return 0.5 * float(np.sum((a - b) ** 2))


def strength_drops_out(state: State) -> float:
    """Relative gap between a map and the activation times the map that starts with 1 instead of the activation."""
    loaded, unit = network.network(int(state.epoch)), grown(state).units[0]
    fitted = pictures.fitted(loaded, pictures.sample(state.image)).model
    both = [dv.reconstruct(loaded.network, fitted, unit, start=start, prove=False) for start in ("activation", "one")]
    return relative_error(both[1].map * both[0].activation, both[0].map)


def figures(state: State) -> float:
    """Largest gap between the accuracy of a snapshot, as its file says, and the curve of the training."""
    return max(abs(one.top1 - measure.accuracy()[one.epoch]) for one in caltech.snapshots())


def checks(state: State) -> list[Check]:
    """The checks of a state."""
    runs, direction, strength, curve, agree = _errors(state)
    return [
        Check(mark("the stored weights run"), runs, 1e-5),
        Check(mark("only direction counts"), direction, 1e-6),
        Check(mark("strength drops out"), strength, 1e-5),
        Check(mark("snapshots lie on the curve"), curve, 1e-9),
        Check(mark("two computations agree"), agree, 1e-5),
    ]


@lru_cache(maxsize=256)
def _errors(state: State) -> tuple[float, ...]:
    return (
        is_the_snapshot(state),
        unit_length(state),
        strength_drops_out(state),
        figures(state),
        two_computations(state),
    )


def call(state: State) -> str:
    """Python that makes the maps and distances of a state."""
    channels = [unit.channel for unit in grown(state).units]
    return f"""import deconvviz as dv
import numpy as np
from deconvviz.data import samples

photograph = samples.load({state.image!r})
units = [dv.Unit({state.layer!r}, channel) for channel in {channels}]
early, late = (
    dv.reconstruct_many(dv.load("caltech", weights=f"epoch:{{epoch}}"), photograph, units)
    for epoch in ({state.epoch}, {EPOCHS[-1]})
)
pairs = [(np.float64(a.map).ravel(), np.float64(b.map).ravel()) for a, b in zip(early, late)]
distances = [1 - a @ b / (np.linalg.norm(a) * np.linalg.norm(b)) if a.any() and b.any() else 1.0 for a, b in pairs]
"""


def chosen() -> State:
    """Draw the controls and read them."""
    epoch = stops(t("After epoch"), EPOCHS, "epoch", int(State.epoch))
    layer = choice(t("Layer"), {name: name for name in RELUS}, "layer", default=State.layer)
    image = choice(t("Picture"), {id: t(TITLES[id]) for id in SAMPLES if id != "black"}, "image")
    return State(image, layer, str(epoch), url_value("view", State.view, VIEWS))


def proofs(page: frame.Places, state: State) -> None:
    """The checks."""
    with st.spinner(t("Computing it a second, independent way; from a new layer it takes some seconds the first time")):
        runs, direction, strength, curve, agree = checks(state)
    page.proofs(
        [
            proof.Proof(
                runs,
                t("The scores of this picture, against the plain function called with the weights of that epoch:"),
                (is_the_snapshot, caltech.forward, caltech.load_snapshot),
            ),
            proof.Proof(
                direction,
                t("1 − cos is half the squared distance of two maps made of length one. Largest gap over the maps:"),
                (unit_length, measure.distance),
            ),
            proof.Proof(
                strength,
                t("A map grows with its activation and keeps its shape: the map from 1, times the activation:"),
                (strength_drops_out,),
            ),
            proof.Proof(
                curve, t("Accuracy stored with the weights of all eight epochs, against the curve:"), (figures,)
            ),
            proof.Proof(
                agree,
                t("The first map, by JAX's derivative of the rewritten program and by hand, without any derivative:"),
                (two_computations,),
            ),
        ]
    )


def compare(state: State) -> None:
    """The curves and the verdict; they grow while the picture is followed in the background.

    Only the chosen layer is followed unasked: all of them keep two cores busy for some seconds.
    """

    def draw(maps: Mapping[str, Sequence[float]]) -> None:
        if state.view != "maps":
            with st.container(key="part-order"):
                picture.verdict(maps)
        picture.curves(int(state.epoch), state.layer, maps)
        if state.view == "all":
            with st.expander(t("The numbers of the curves")):
                picture.table(maps, int(state.epoch))

    if not networks.is_served():
        draw({})
        return
    job = network.following(state.image, state.layer)
    jobs.watch(job, lambda job: draw(job.latest.distances if job.latest else {}), "growth")
    if state.view == "all" and not network.is_whole(job):
        st.button(
            t("Measure the maps of all layers"),
            key="growth-all",
            help=t("It takes some seconds; then the picture says whether the lower layers came first."),
            on_click=network.follow_all,
            args=(state.image, state.layer),
        )


def draw(page: frame.Places) -> None:
    """The maps after an epoch, the curves of all epochs, who was first; filters and proofs."""
    with page.controls:
        state = chosen()
    with page.picture:
        with st.spinner(t("Running the backward pass; from a new layer it takes some seconds the first time")):
            result = grown(state)
        if state.view != "order":
            picture.draw(state.image, state.layer, int(state.epoch))
        compare(state)
        st.latex(picture.line(result))
    with page.wide:
        st.latex(picture.symbols())
        picture.filters(int(state.epoch))
        page.later(proofs, page, state)
    page.code((measure.apart, measure.halfway, network.maps_of), call(state))


LESSON: Lesson = Lesson(
    slug="growth",
    title=mark("How features grow"),
    render=lambda: frame.page(LESSON, draw),
    order=15,
    needs=("deconvnet-step-by-step",),
    section="network",
    question=mark("What does a network learn first?"),
    goal=mark(
        "You will be able to say which layers settle first in training, how that is measured, and how sure it is."
    ),
    scenes=scenes.SCENES,
    example=State(),
    checks=checks,
    questions=questions.QUESTIONS,
    sources=(("zeiler2014visualizing", mark("section 4, feature evolution")),),
)
