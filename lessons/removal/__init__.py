"""Lesson: deletion and insertion curves, against chance and edges, and what they depend on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from deconvviz.checks.audit import controls, removal
from deconvviz.types import Check
from lessons._kit.form import frame, method_card, slider
from lessons._kit.form.controls import choice
from lessons._kit.form.i18n import mark, t
from lessons._kit.form.page import Lesson
from lessons._kit.photo.labels import TITLES
from lessons._kit.run.pictures import PHOTOS
from lessons.removal import picture as removal_picture
from lessons.removal import questions, run, scenes


@dataclass(frozen=True)
class State:
    """What the person has chosen."""

    image: str = scenes.FIRST
    order: str = "guided"
    kind: str = "deletion"
    cover: str = "grey"
    steps: str = "1"
    over: str = "one"


def _curve(state: State) -> np.ndarray:
    return run.computed(state.image, state.order, state.kind, state.cover)


def untouched(state: State) -> float:
    """How far the curve's ends are from the whole photograph and from the bare cover, each through the network anew."""
    ends = [run.model_inputs(state.image), run.covered(state.image, state.cover)]
    if state.kind == "insertion":
        ends.reverse()
    return float(np.abs(_curve(state)[[0, -1]] - run.probability(state.image, np.concatenate(ends))).max())


def by_trapezoids(state: State) -> float:
    """How far the library's area is from a sum over the trapezoids."""
    curve = _curve(state)
    total = sum((float(curve[k]) + float(curve[k + 1])) / 2 / removal.STEPS for k in range(removal.STEPS))
    return abs(removal.area(curve) - total)


def backwards(state: State) -> float:
    """How far the curve is from the other test's, pixels in reverse, read from its end; a picture at a time."""
    x, cover = run.model_inputs(state.image), run.covered(state.image, state.cover)
    places = removal.order(run.values(state.image, state.order))[::-1]
    made = removal.pictures(x, cover, places, state.kind == "deletion")
    return float(np.abs(_curve(state) - run.probability(state.image, made)[::-1]).max())


def checks(state: State) -> list[Check]:
    """The checks of a state."""
    return [
        Check(mark("the ends of the curve"), untouched(state), 1e-5),
        Check(mark("area under the curve"), by_trapezoids(state), 1e-9),
        Check(mark("deletion is insertion backwards"), backwards(state), 1e-5),
    ]


def call(state: State) -> str:
    """Python that makes the curve of a state."""
    orders = {
        controls.RANDOM: f"np.random.default_rng([{PHOTOS.index(state.image)}, 9]).random(x.shape[1:3])",
        controls.EDGES: "picture_only.edges(x)",
    }
    options = f", **controls.options(network, {state.order!r})"
    by_method = f"controls.ranked({state.order!r}, drawn(score, x, {state.order!r}{options}).signal)"
    return f"""import numpy as np
import deconvviz as dv
from deconvviz.api import model_input
from deconvviz.checks.audit import controls, picture_only, removal
from deconvviz.data import samples
from deconvviz.methods.attribution import drawn
from deconvviz.methods.baselines import baseline
from deconvviz.network.score import Score

network = dv.load({run.NETWORK!r})
x = model_input(network, samples.load({state.image!r}))
cover = baseline(x, network.input_spec, {state.cover!r})
score = Score.of(network, x, ("logits", int(network.run(x)[0].argmax())))
values = {orders.get(state.order, by_method)}
pictures = removal.pictures(x, cover, removal.order(values), {state.kind == "insertion"})
probability = controls.scorer(score, x, cover)
ends = (float(probability(x)[0]), float(probability(cover)[0]))
curve = removal.curve(probability, x, cover, values, ends, {state.kind == "insertion"})
curve[{state.steps}], removal.area(curve)
"""


def chosen() -> State:
    """Draw the controls and read them."""
    image = choice(t("Picture"), {id: t(TITLES[id]) for id in PHOTOS}, "image", default=State.image)
    orders = {order: t(name) for order, name in removal_picture.NAMES.items()}
    order = choice(t("Order of the pixels"), orders, "order", default=State.order, about=method_card.about)
    kind = choice(t("Pixels"), {kind: t(name) for kind, name in removal_picture.KINDS.items()}, "kind", tabs=True)
    cover = choice(t("Cover"), {name: t(text) for name, text in removal_picture.COVERS.items()}, "cover")
    steps = slider.whole(t("Eighths of the pixels"), 0, removal.STEPS, "steps", int(State.steps))
    over = choice(t("Curves of"), {"one": t("this photograph"), "all": t("all photographs")}, "over", tabs=True)
    return State(image, order, kind, cover, str(steps), over)


def draw(page: frame.Places) -> None:
    """The photograph with pixels exchanged, the curves, the areas, and the checks."""
    with page.controls:
        state = chosen()
    with page.picture:
        removal_picture.draw(
            removal_picture.Chosen(
                state.image, state.order, state.kind, state.cover, int(state.steps), state.over == "all"
            )
        )
    meanings = [
        t("The whole photograph and the bare cover, sent through the network by themselves:"),
        t("The area, against a sum over the trapezoids one by one:"),
        t("Deleting is inserting in the reverse order, read from the end; the pictures made and sent through anew:"),
    ]
    page.checks(checks(state), meanings, [(untouched, run.probability), (by_trapezoids,), (backwards,)])
    page.code((removal.pictures, removal.curve, removal.area), call(state))


LESSON: Lesson = Lesson(
    slug="delete-insert-and-chance",
    title=mark("Delete, insert, and chance"),
    render=lambda: frame.page(LESSON, draw),
    order=19,
    needs=("cover-and-see",),
    section="trust",
    question=mark("Does the class go with the pixels that a map calls important?"),
    goal=mark("You will be able to read deletion and insertion curves, and say why they are a weak judge of maps."),
    scenes=scenes.SCENES,
    example=State(),
    checks=checks,
    questions=questions.QUESTIONS,
    sources=(
        ("petsiuk2018rise", mark("deletion and insertion")),
        ("samek2017evaluating", mark("removing regions in the order of a map, against a random order")),
        ("hooker2019benchmark", mark("deleted pixels make pictures unlike those of the training")),
        ("sturmfels2020visualizing", mark("what stands for nothing decides the ranking")),
    ),
)
