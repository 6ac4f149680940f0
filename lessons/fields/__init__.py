"""Lesson: which pixels a unit can see, in theory, on a photograph, and on average."""

from __future__ import annotations

import numpy as np
import streamlit as st

from deconvviz.data.samples import SAMPLES
from deconvviz.types import Check
from lessons._kit.draw import bars
from lessons._kit.draw.pixels import number
from lessons._kit.form import frame, proof
from lessons._kit.form.controls import choice, nearest, url_cell, url_value
from lessons._kit.form.i18n import mark, t
from lessons._kit.form.page import Lesson
from lessons._kit.photo.labels import TITLES
from lessons._kit.run import networks, pictures
from lessons.fields import measure, picture, questions, scenes
from lessons.fields import theory as fields_theory
from lessons.fields.picture import Scene
from lessons.fields.run import VIEWS, State, compute


def program(state: State) -> float:
    """Largest difference, in pixels, between the recursion and the traced program, over all layers up to this one."""
    network = networks.load("caltech").network
    gaps = [0]
    for field in fields_theory.recursion(fields_theory.windows(network, state.layer)):
        other = fields_theory.traced(network, field.name)
        pairs = zip((*field.size, *field.step, *field.first), (*other.size, *other.step, *other.first), strict=True)
        gaps += [abs(a - b) for a, b in pairs]
    return float(max(gaps))


def all_ones(state: State) -> float:
    """Share of the pixels where the backward pass of a network of ones and the field disagree."""
    scene = compute(state)
    reached = fields_theory.paths(scene.below, scene.cell, scene.plane.shape) > 0
    return float(np.mean(reached != fields_theory.inside(scene.box, scene.size)))


def stays_inside(state: State) -> float:
    """Largest share of a squared derivative outside the field: of this unit, and of all that are averaged."""
    scene = compute(state)
    averaged = measure.effective(scene.loaded, scene.field)
    return max(averaged.outside, measure.outside(scene.slopes, scene.box))


def noise_around(state: State) -> float:
    """How much the unit changes when every pixel outside its field becomes noise."""
    scene = compute(state)
    return measure.changed(scene.loaded, scene.picture, scene.unit, scene.box)[0]


def checks(state: State) -> list[Check]:
    """The checks of a state."""
    return [
        Check(mark("recursion is the program"), program(state), 0.0),
        Check(mark("ones fill the field"), all_ones(state), 0.0),
        Check(mark("no derivative outside"), stays_inside(state), 0.0),
        Check(mark("noise outside changes nothing"), noise_around(state), 0.0),
    ]


def call(state: State) -> str:
    """Python that measures the field of a state."""
    scene = compute(state)
    return f"""import deconvviz as dv
from deconvviz.data import samples

network = dv.load("caltech")
unit = dv.{scene.unit!r}
box = network.receptive_box(unit.layer, unit.row, unit.column)
found = dv.reconstruct(network, samples.load({state.image!r}), unit, rule="gradient", start="one")
support = (found.map != 0).any(axis=-1)
"""


def chosen() -> State:
    """Draw the controls and read them."""
    image = choice(t("Picture"), {id: t(TITLES[id]) for id in SAMPLES}, "image")
    layer = choice(t("Layer"), {name: name for name in measure.LAYERS}, "layer", default=State.layer)
    channels = measure.strongest(networks.load("caltech"), pictures.sample(image), layer)
    ranks = {str(i + 1): t("channel {channel}", channel=channel) for i, channel in enumerate(channels)}
    rank = choice(t("Channel, strongest first"), ranks, "rank")
    return State(image, layer, rank, url_cell("at", State.at), url_value("view", State.view, VIEWS))


def picked(scene: Scene, cell: tuple[int, int]) -> None:
    """Remember the pixel in the middle of the unit that was pointed at."""
    row, column = nearest(scene.field.middle(cell), scene.size)
    st.session_state["at"] = f"{row},{column}"


def proofs(page: frame.Places, state: State, scene: Scene) -> None:
    """The checks, and what a change inside does."""
    theory, ones, inside, noise = checks(state)
    page.proofs(
        [
            proof.Proof(
                theory,
                t("Size, step and first pixel by the recursion, against those read off the traced program, in pixels:"),
                (fields_theory.recursion, fields_theory.traced),
            ),
            proof.Proof(
                ones,
                t("The same layers with all weights 1, pooling as a sum: its signal fills the field and nothing else."),
                (all_ones, fields_theory.paths),
            ),
            proof.Proof(
                inside,
                t("Share of the squared derivative outside the field, the largest of this unit and of those averaged:"),
                (stays_inside, measure.outside),
            ),
            proof.Proof(
                noise,
                t("Every pixel outside the field becomes noise; the unit stays the same to the last bit:"),
                (noise_around, measure.measure_change),
            ),
        ]
    )
    near = measure.changed(scene.loaded, scene.picture, scene.unit, scene.box)[1]
    proof.measurement(
        t("one pixel inside: changes by {change}", change=number(near)),
        t("The pixel with the largest slope is inverted; so much does the unit change."),
        measure.measure_change,
    )


def shares(scene: Scene, result: measure.Effective) -> None:
    """The field as measured, against the whole field."""
    top, left, bottom, right = fields_theory.clipped(scene.box, scene.size)
    area = max(1, (bottom - top) * (right - left))
    height, width = scene.field.size
    values = (
        (t("on the picture"), area / (height * width)),
        (t("derivative here not zero"), float(measure.support(scene.slopes).sum()) / (height * width)),
        (t("effective, on average"), result.side**2 / (height * width)),
    )
    bars.show(t("Share of the field's area"), [bars.Bar(name, (value,)) for name, value in values], full=1.0)


def draw(page: frame.Places) -> None:
    """The unit to point at, what reaches it, and the proofs."""
    with page.controls:
        state = chosen()
    with page.picture:
        with st.spinner(t("Running the backward pass; from a new layer it takes some seconds the first time")):
            scene = compute(state)
        if state.view in ("all", "field"):
            with st.container(key="part-point"):
                picture.point(scene, lambda cell: picked(scene, cell))
            if not scene.slopes.any():
                st.info(t("This unit's value is zero, so no signal starts from it: point at another one."))
        if state.view != "close":
            st.latex(picture.line(scene))
    with page.picture if state.view in ("all", "close") else page.wide, st.container(key="part-close"):
        page.later(effective, scene)
    with page.picture if state.view == "table" else page.wide, st.container(key="part-table"):
        picture.table(scene.below)
    with page.wide:
        st.latex(picture.symbols())
        page.later(proofs, page, state, scene)
    page.code((fields_theory.recursion, measure.support, measure.side_of), call(state))


def effective(scene: Scene) -> None:
    """The effective field; its average takes long the first time."""
    with st.spinner(t("Averaging over 8 photographs, a few seconds the first time")):
        result = measure.effective(scene.loaded, scene.field)
    picture.close(scene, result)
    shares(scene, result)


LESSON: Lesson = Lesson(
    slug="receptive-fields",
    title=mark("Receptive fields"),
    render=lambda: frame.page(LESSON, draw),
    order=7,
    needs=("convolution", "pooling-and-switches"),
    section="network",
    question=mark("Which pixels can a unit see?"),
    goal=mark("You will be able to work out the field of any unit, and to say how much of it the unit really uses."),
    scenes=scenes.SCENES,
    example=State(),
    checks=checks,
    questions=questions.QUESTIONS,
    sources=(
        ("luo2016understanding", ""),
        ("dumoulin2016guide", mark("chapter 2")),
        ("zeiler2014visualizing", ""),
    ),
)
