"""Lesson: a network that was trained on changes made against it, and what became of its gradient."""

from __future__ import annotations

from dataclasses import dataclass

import scipy

from deconvviz.checks import adversarial
from deconvviz.checks import network as network_checks
from deconvviz.checks.randomization import rank_correlation
from deconvviz.types import Check
from lessons._kit.form import frame, method_card
from lessons._kit.form.controls import choice
from lessons._kit.form.i18n import mark, t
from lessons._kit.form.page import Lesson
from lessons._kit.photo import twins
from lessons._kit.photo.labels import TITLES
from lessons._kit.run import networks
from lessons._kit.run.pictures import PHOTOS
from lessons.robust import picture as robust_picture
from lessons.robust import questions, run, scenes


@dataclass(frozen=True)
class State:
    """What the person has chosen."""

    image: str = scenes.FIRST
    training: str = "plain"
    radius: str = str(run.RADII[1])
    rule: str = "gradient"
    figures: str = "follows"
    names: str = "shown"


def by_scipy(state: State) -> float:
    """How far the rank correlation with the falls of the score is from SciPy's."""
    signed, falls = run.map_of(state.image, state.training, state.rule), run.falls(state.image, state.training)
    again = float(scipy.stats.spearmanr(run.squares(signed).ravel(), falls.ravel()).statistic)
    return abs(again - rank_correlation(run.squares(signed), falls))


def inside(state: State) -> float:
    """By how much of the radius the change is longer than it, or the picture leaves the range from black to white."""
    spec, radius = networks.load(twins.TWINS[state.training]).network.input_spec, int(state.radius)
    after = run.changed(state.image, state.training, radius).input
    return adversarial.excess(spec, run.model_inputs(state.image), after, radius)


def slope(state: State) -> float:
    """The dot test of the robust network's gradient: backwards, against forward differentiation."""
    network = networks.load(twins.TWINS["robust"]).network
    return network_checks.adjoint(network, run.model_inputs(state.image), "logits").error


def checks(state: State) -> list[Check]:
    """The checks of a state."""
    return [
        Check(mark("rank correlation"), by_scipy(state), 1e-5),
        Check(mark("small enough"), inside(state), 1e-5),
        Check(mark("the gradient"), slope(state), 1e-5),
    ]


def call(state: State) -> str:
    """Python that makes the change and the map of a state."""
    return f"""import deconvviz as dv
from deconvviz.api import model_input
from deconvviz.checks import adversarial
from deconvviz.data import samples
from deconvviz.network.score import Score

network = dv.load({twins.TWINS[state.training]!r})
x = model_input(network, samples.load({state.image!r}))
changed = adversarial.turn_class(network, x, {state.radius})
found = [network.labels[number] for number in (changed.before, changed.after)]
signed = Score.of(network, x, ("logits", changed.before)).signals(x, {state.rule!r})[1][0]
"""


def chosen() -> State:
    """Draw the controls and read them."""
    image = choice(t("Picture"), {id: t(TITLES[id]) for id in PHOTOS}, "image", default=State.image)
    training = twins.choose()
    radius = choice(
        t("Length of the change"), {str(n): str(n) for n in run.RADII}, "radius", default=State.radius, tabs=True
    )
    rules = {rule: t(name) for rule, name in robust_picture.NAMES.items()}
    rule = choice(t("Rule"), rules, "rule", default=State.rule, about=method_card.about)
    figures = {name: t(title) for name, title in robust_picture.FIGURES.items()}
    bars = choice(t("Bars of"), figures, "figures", default=State.figures)
    names = {"shown": t("shown"), "hidden": t("hidden")}
    return State(image, training, radius, rule, bars, choice(t("Names of the networks"), names, "names", tabs=True))


def draw(page: frame.Places) -> None:
    """The photographs, the maps, the bars, and the checks."""
    with page.controls:
        state = chosen()
    with page.picture:
        robust_picture.draw(
            robust_picture.Chosen(
                state.image, state.training, int(state.radius), state.rule, state.figures, state.names == "shown"
            )
        )
    meanings = [
        t("The map's likeness with the falls of the score, against another library (SciPy):"),
        t("The change is no longer than its radius, and the picture stays between black and white:"),
        t("The robust network's gradient, backwards against forward differentiation:"),
    ]
    page.checks(
        checks(state),
        meanings,
        [(by_scipy, rank_correlation), (inside, adversarial.excess), (slope, network_checks.adjoint)],
    )
    page.code((adversarial.turn_class,), call(state))


LESSON: Lesson = Lesson(
    slug="a-network-that-was-attacked",
    title=mark("A network that was attacked"),
    render=lambda: frame.page(LESSON, draw),
    order=21,
    needs=("a-picture-that-fools-the-map",),
    section="trust",
    question=mark("Why are gradients grainy, and do they have to be?"),
    goal=mark("You will be able to say what training on attacked photographs does to a gradient, and what it costs."),
    scenes=scenes.SCENES,
    example=State(),
    checks=checks,
    questions=questions.QUESTIONS,
    sources=(
        ("madry2018towards", mark("training on attacked photographs")),
        ("tsipras2019robustness", mark("gradients that people can read, and the price")),
        ("engstrom2019adversarial", ""),
    ),
)
