"""Lesson: maps of a network whose weights are shuffled from the top down, and what that test can say."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy

from deconvviz.checks.audit.randomize import random_weights
from deconvviz.checks.randomization import cascade, rank_correlation, strength
from deconvviz.types import Check
from lessons._kit.form import frame, method_card, slider
from lessons._kit.form.controls import choice
from lessons._kit.form.i18n import mark, t
from lessons._kit.form.page import Lesson
from lessons._kit.photo.labels import TITLES
from lessons._kit.run import networks
from lessons.shuffled import picture as shuffled_picture
from lessons.shuffled import questions, run, scenes


@dataclass(frozen=True)
class State:
    """What the person has chosen."""

    image: str = scenes.FIRST
    rule: str = "guided"
    steps: str = "1"
    over: str = "one"


def as_measured(state: State) -> float:
    """The largest distance between the stored figures and those of the maps on screen."""
    return float(
        np.abs(np.subtract(run.of(state.image, state.rule).similarity, run.similarity(state.image, state.rule))).max()
    )


def by_scipy(state: State) -> float:
    """The largest distance between the rank correlations and SciPy's."""
    result = run.of(state.image, state.rule)
    first = strength(result.maps[0]).ravel()
    again = [float(scipy.stats.spearmanr(first, strength(one).ravel()).statistic) for one in result.maps]
    return float(np.abs(np.subtract(result.similarity, again)).max())


def same_numbers(state: State) -> float:
    """The largest distance between the sorted weights of the trained and of the shuffled network."""
    network = networks.load(run.NETWORK).network
    before = network.program().flat.consts
    after = random_weights(network, run.layers(), "permute", run.seed_of(state.image))
    return max(
        float(np.abs(np.sort(np.ravel(a)) - np.sort(np.ravel(b))).max()) for a, b in zip(before, after, strict=True)
    )


def checks(state: State) -> list[Check]:
    """The checks of a state."""
    return [
        Check(mark("stored figures"), as_measured(state), 1e-5),
        Check(mark("rank correlation"), by_scipy(state), 1e-5),
        Check(mark("shuffled, not changed"), same_numbers(state), 1e-9),
    ]


def call(state: State) -> str:
    """Python that makes the maps of a state."""
    if state.rule == run.NOISE:
        return f"""import numpy as np
from deconvviz.checks.randomization import rank_correlation, strength

random = np.random.default_rng([{run.seed_of(state.image)}, 11])
maps = random.standard_normal(({len(run.layers()) + 1}, 128, 128, 1))
rank_correlation(strength(maps[0]), strength(maps[{state.steps}]))
"""
    return f"""import deconvviz as dv
from deconvviz.api import model_input
from deconvviz.checks.randomization import cascade
from deconvviz.data import samples

network = dv.load({run.NETWORK!r})
x = model_input(network, samples.load({state.image!r}))
found = cascade(network, x, {state.rule!r}, seed={run.seed_of(state.image)})
before, after = found.maps[0], found.maps[{state.steps}]
found.similarity[{state.steps}]
"""


def chosen() -> State:
    """Draw the controls and read them."""
    image = choice(t("Picture"), {id: t(TITLES[id]) for id in run.PHOTOS}, "image", default=State.image)
    rules = {rule: t(name) for rule, name in shuffled_picture.NAMES.items()}
    rule = choice(t("Rule"), rules, "rule", default=State.rule, about=method_card.about)
    steps = slider.whole(t("Layers shuffled, from the top"), 0, len(run.layers()), "steps", int(State.steps))
    over = {"one": t("this photograph"), "all": t("all photographs")}
    return State(image, rule, str(steps), choice(t("Curves of"), over, "over", tabs=True))


def draw(page: frame.Places) -> None:
    """The maps before and after, the curves, and the checks."""
    with page.controls:
        state = chosen()
    with page.picture:
        result = run.of(state.image, state.rule)
        shuffled_picture.draw(state.image, result, int(state.steps), state.over == "all")
    meanings = [
        t("The curves come with the package. This one is computed anew from the maps on screen, and compared:"),
        t("Against the rank correlation of another library (SciPy), at every step:"),
        t("All weights of all layers, sorted, before and after shuffling: the same numbers in other places."),
    ]
    page.checks(checks(state), meanings, [(as_measured, cascade), (by_scipy, rank_correlation), (same_numbers,)])
    page.code((cascade, strength, rank_correlation), call(state))


LESSON: Lesson = Lesson(
    slug="does-the-map-know-the-network",
    title=mark("Shuffle the network"),
    render=lambda: frame.page(LESSON, draw),
    order=17,
    needs=("four-rules-at-a-rectifier",),
    section="trust",
    question=mark("Does the map know the network?"),
    goal=mark(
        "You will be able to test whether a map rests on what a network has learned, and say what the test is worth."
    ),
    scenes=scenes.SCENES,
    example=State(),
    checks=checks,
    questions=questions.QUESTIONS,
    sources=(
        ("adebayo2018sanity", mark("section 3")),
        ("yona2021revisiting", mark("how much a map changes depends on the task too")),
        ("binder2023shortcomings", mark("noisy maps pass more easily")),
        ("nie2018theoretical", mark("why guided maps recover the picture")),
        ("sixt2020explanations", mark("why modified backward passes forget the upper layers")),
    ),
)
