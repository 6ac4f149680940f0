"""Lesson: a small change that turns the class and hardly the map, and one that turns the map and not the class."""

from __future__ import annotations

from dataclasses import dataclass

import scipy

from deconvviz.checks import adversarial
from deconvviz.checks import network as network_checks
from deconvviz.checks.randomization import rank_correlation, strength
from deconvviz.types import Check
from lessons._kit.form import frame, method_card
from lessons._kit.form.controls import choice
from lessons._kit.form.i18n import mark, t
from lessons._kit.form.page import Lesson
from lessons._kit.photo.labels import TITLES
from lessons._kit.run import networks
from lessons._kit.run.pictures import PHOTOS
from lessons.adversarial import picture as adversarial_picture
from lessons.adversarial import questions, run, scenes


@dataclass(frozen=True)
class State:
    """What the person has chosen."""

    image: str = scenes.FIRST
    kind: str = "class"
    radius: str = str(run.RADII[0])
    rule: str = "guided"
    over: str = "one"


def by_scipy(state: State) -> float:
    """How far the likeness of the maps on screen is from SciPy's rank correlation of them."""
    radius = int(state.radius)
    before, after = (strength(run.map_of(state.image, kind, radius, state.rule)) for kind in ("", state.kind))
    again = float(scipy.stats.spearmanr(before.ravel(), after.ravel()).statistic)
    return abs(again - run.alike(state.image, state.kind, radius, state.rule))


def inside(state: State) -> float:
    """By how much of the radius the change is longer than it, or the picture leaves the range from black to white."""
    spec, radius = networks.load(run.NETWORK).network.input_spec, int(state.radius)
    after = run.changed(state.image, state.kind, radius).input
    return adversarial.excess(spec, run.model_inputs(state.image), after, radius)


def slope(state: State) -> float:
    """The dot test of the gradient at the changed photograph: backwards, against forward differentiation."""
    after = run.changed(state.image, state.kind, int(state.radius)).input
    return network_checks.adjoint(networks.load(run.NETWORK).network, after, "logits").error


def checks(state: State) -> list[Check]:
    """The checks of a state."""
    return [
        Check(mark("rank correlation"), by_scipy(state), 1e-5),
        Check(mark("small enough"), inside(state), 1e-5),
        Check(mark("the gradient"), slope(state), 1e-5),
    ]


def call(state: State) -> str:
    """Python that makes the change and the maps of a state."""
    calls = {
        "noise": f"adversarial.noise(network, x, {state.radius}, seed={PHOTOS.index(state.image)})",
        "class": f"adversarial.turn_class(network, x, {state.radius})",
        "map": f"adversarial.turn_map(network, x, {state.radius}, {run.LAYER!r}, seed={PHOTOS.index(state.image)})",
    }
    return f"""import deconvviz as dv
from deconvviz.api import model_input
from deconvviz.checks import adversarial
from deconvviz.checks.randomization import rank_correlation, strength
from deconvviz.data import samples
from deconvviz.network.score import Score

network = dv.load({run.NETWORK!r})
x = model_input(network, samples.load({state.image!r}))
changed = {calls[state.kind]}
before = Score.of(network, x, ("logits", changed.before)).signals(x, {state.rule!r})[1][0]
after = Score.of(network, changed.input, ("logits", changed.after)).signals(changed.input, {state.rule!r})[1][0]
rank_correlation(strength(before), strength(after))
"""


def chosen() -> State:
    """Draw the controls and read them."""
    image = choice(t("Picture"), {id: t(TITLES[id]) for id in PHOTOS}, "image", default=State.image)
    kinds = {kind: t(name) for kind, name in adversarial_picture.KINDS.items()}
    kind = choice(t("Change"), kinds, "kind", default=State.kind)
    sizes = {str(radius): str(radius) for radius in run.RADII}
    radius = choice(t("Length of the change"), sizes, "radius", tabs=True)
    rules = {rule: t(name) for rule, name in adversarial_picture.NAMES.items()}
    rule = choice(t("Rule"), rules, "rule", default=State.rule, about=method_card.about)
    over = {"one": t("this photograph"), "all": t("all photographs")}
    return State(image, kind, radius, rule, choice(t("Bars of"), over, "over", tabs=True))


def draw(page: frame.Places) -> None:
    """The photographs, the maps, the bars, and the checks."""
    with page.controls:
        state = chosen()
    with page.picture:
        adversarial_picture.draw(
            adversarial_picture.Chosen(state.image, state.kind, int(state.radius), state.rule, state.over == "all")
        )
    meanings = [
        t("The likeness of the two maps on screen, against another library (SciPy):"),
        t("The change is no longer than it may be, and no pixel is darker than black or lighter than white:"),
        t("The gradient that a further step would take, against forward differentiation:"),
    ]
    page.checks(
        checks(state),
        meanings,
        [(by_scipy, rank_correlation), (inside, adversarial.excess), (slope, network_checks.adjoint)],
    )
    page.code((adversarial.turn_class, adversarial.turn_map, rank_correlation), call(state))


LESSON: Lesson = Lesson(
    slug="a-picture-that-fools-the-map",
    title=mark("A picture that fools the map"),
    render=lambda: frame.page(LESSON, draw),
    order=20,
    needs=("does-the-map-know-the-network",),
    section="trust",
    question=mark("Does the map change when the answer does?"),
    goal=mark(
        "You will be able to make a picture that turns a network's answer or its map, and say what that tells of both."
    ),
    scenes=scenes.SCENES,
    example=State(),
    checks=checks,
    questions=questions.QUESTIONS,
    sources=(
        ("goodfellow2015explaining", mark("the fast gradient method")),
        ("madry2018towards", mark("projected gradient")),
        ("ghorbani2019interpretation", mark("changes that turn the map")),
        ("dombrowski2019explanations", mark("maps that a small change makes look like anything")),
    ),
)
