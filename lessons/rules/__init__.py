"""Lesson: what four rules let through a rectifier in the backward pass, in small numbers and on a photograph."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import jax
import numpy as np
import streamlit as st

from deconvviz.data.samples import SAMPLES
from deconvviz.metrics import relative_error, relative_gap
from deconvviz.network.backward import explicit
from deconvviz.ops.rectify import RULES, backward
from deconvviz.types import Check
from lessons._kit.draw.pixels import number
from lessons._kit.form import frame, proof
from lessons._kit.form.controls import choice, nearest, url_cell, url_value
from lessons._kit.form.i18n import mark, t
from lessons._kit.form.page import Lesson, discover, entry
from lessons._kit.numbers import toy_arrays
from lessons._kit.photo.labels import RULES as NAMES
from lessons._kit.photo.labels import TITLES
from lessons.rules import grid as rules_grid
from lessons.rules import maps, network, questions, scenes

#: What is drawn: numbers, maps, maps with how alike those of other units are, or numbers and maps.
VIEWS = dict.fromkeys(("all", "numbers", "maps", "units"), "")


@dataclass(frozen=True)
class State:
    """What the person has chosen."""

    numbers: str = "mixed"
    image: str = "cat"
    layer: str = "relu5"
    rank: str = "1"
    pair: str = "deconvnet-guided"
    digits: str = ""
    cell: tuple[int, int] = (1, 2)
    view: str = "all"


def grids(state: State) -> tuple[np.ndarray, np.ndarray]:
    """z and g, (3, 5) each."""
    return rules_grid.numbers(state.numbers, state.digits)


def one_by_one(state: State) -> float:
    """Largest distance between a rule of the library and the same rule by hand, cell after cell."""
    z, g = grids(state)
    return max(relative_error(rules_grid.below(z, g)[rule], rules_grid.by_hand(rule, z, g)) for rule in RULES)


def derivative(state: State) -> float:
    """Distance between the gradient rule and the derivative of `jax.nn.relu` that JAX finds by itself."""
    z, g = grids(state)
    _, pull = jax.vjp(jax.nn.relu, z)
    return relative_error(backward("gradient", z, g), pull(g)[0])


def both_masks(state: State) -> float:
    """Distance between guided backprop and the two other rules one after the other, in either order."""
    z, g = grids(state)
    guided = backward("guided", z, g)
    first = backward("deconvnet", z, backward("gradient", z, g))
    second = backward("gradient", z, backward("deconvnet", z, g))
    return max(relative_error(first, guided), relative_error(second, guided))


def blind(state: State) -> float:
    """How far DeconvNet changes with another z, and the gradient of -g is from the gradient of g, turned."""
    z, g = grids(state)
    forgets_z = relative_error(backward("deconvnet", -z[::-1], g), backward("deconvnet", z, g))
    forgets_sign = relative_error(-backward("gradient", z, -g), backward("gradient", z, g))
    return max(forgets_z, forgets_sign)


@lru_cache(maxsize=128)
def _checks(state: State) -> tuple[float, ...]:
    return one_by_one(state), derivative(state), both_masks(state), blind(state)


def two_computations(state: State) -> float:
    """Relative difference of the two computations down the network, the largest over the four rules."""
    return network.two_computations(network.place(state.image, state.layer), int(state.rank) - 1)


def checks(state: State) -> list[Check]:
    """The checks of a state."""
    small = State(state.numbers, digits=state.digits)
    by_hand, jax_gap, masks, forgets = _checks(small)
    return [
        Check(mark("cell by cell"), by_hand, 1e-6),
        Check(mark("gradient is the derivative"), jax_gap, 1e-6),
        Check(mark("guided is both masks"), masks, 1e-6),
        Check(mark("DeconvNet does not look at z, the gradient not at the sign of g"), forgets, 1e-6),
        Check(mark("two computations agree"), two_computations(state), 1e-5),
    ]


def call(state: State) -> str:
    """Python that makes the numbers and the maps of a state."""
    unit = network.place(state.image, state.layer).units[int(state.rank) - 1]
    first, second = state.pair.split("-")
    z, g = grids(state)
    return f"""import numpy as np

import deconvviz as dv
from deconvviz.data import samples
from deconvviz.ops.rectify import RULES, backward

z = {toy_arrays.source(z)}
g = {toy_arrays.source(g)}
below = {{rule: backward(rule, z, g) for rule in RULES}}

network, photograph = dv.load("caltech"), samples.load({state.image!r})
unit = dv.{unit!r}
maps = {{rule: dv.reconstruct(network, photograph, unit, rule=rule).map for rule in RULES}}
difference = maps[{first!r}] - maps[{second!r}]
"""


def chosen() -> tuple[State, network.Place]:
    """Draw the controls and read them."""
    grid = {name: t(title) for name, (title, _, _) in rules_grid.NUMBERS.items()} | {"own": t("your own")}
    numbers = choice(t("Numbers"), grid, "numbers")
    digits = rules_grid.url_digits("digits")
    image = choice(t("Picture"), {id: t(TITLES[id]) for id in SAMPLES if id != "black"}, "image")
    layer = choice(t("Layer"), {name: name for name in network.LAYERS}, "layer", default=State.layer)
    at = network.place(image, layer)
    units = {
        str(i + 1): t("channel {channel}, activation {value}", channel=unit.channel, value=number(value))
        for i, (unit, value) in enumerate(zip(at.units, at.values, strict=True))
    }
    rank = choice(t("Unit at the strongest place"), units, "rank")
    pairs = {pair: " − ".join(t(NAMES[rule]) for rule in pair.split("-")) for pair in network.PAIRS}
    pair = choice(t("Difference"), pairs, "pair", default=State.pair)
    view = url_value("view", State.view, VIEWS)
    return State(numbers, image, layer, rank, pair, digits if numbers == "own" else "", view=view), at


def picked(state: State, name: str, where: tuple[int, int]) -> None:
    """What a click on a cell does: raise it in z or g, choose it elsewhere."""
    if name in ("z", "g"):
        st.session_state.update(digits=rules_grid.raised(*grids(state), name, where), numbers="own")
    st.session_state["cell"] = f"{where[0]},{where[1]}"


def proofs(page: frame.Places, state: State) -> None:
    """The checks."""
    with st.spinner(t("Computing it a second, independent way; from a new layer it takes some seconds the first time")):
        by_hand, jax_gap, masks, forgets, agree = checks(state)
    page.proofs(
        [
            proof.Proof(
                by_hand,
                t("Every rule as the library computes it, against plain conditions, one cell after the other:"),
                (one_by_one, rules_grid.by_hand),
            ),
            proof.Proof(
                jax_gap,
                t("Against the derivative of the rectifier that JAX finds by itself (`jax.vjp`):"),
                (derivative,),
            ),
            proof.Proof(
                masks, t("DeconvNet after gradient, and gradient after DeconvNet, against guided:"), (both_masks,)
            ),
            proof.Proof(
                forgets,
                t("DeconvNet with another z gives the same. The gradient of −g is the same with its sign turned:"),
                (blind,),
            ),
            proof.Proof(
                agree,
                t(
                    "The four maps, each computed in two independent ways: by JAX's derivative of the rewritten "
                    "program, and by hand through switches, rule and transposed filters, without any derivative:"
                ),
                (two_computations, explicit.Chain.backward, relative_gap),
            ),
        ]
    )


def finding(at: network.Place) -> None:
    """How alike the maps of different units are, said in words from the numbers."""
    result = network.likeness(at)
    maps.alike(result)
    guided, gradient = maps.mean(result["guided"]), maps.mean(result["gradient"])
    words = t(
        "Mean cosine between the maps of different units: guided {guided}, gradient {gradient}.",
        guided=f"{guided:.2f}",
        gradient=f"{gradient:.2f}",
    )
    st.markdown(words)
    if guided > 0.5 and guided > 2 * gradient:
        st.markdown(t("The guided map shows what is in the photograph, and hardly which unit was chosen."))
    claims = next(page for page in discover() if page.slug == "claims-under-test")
    if st.button(t("Claim under test: do these maps explain the network?"), key="to-claims"):
        st.switch_page(entry(claims), query_params={"card": "C10"})


def draw(page: frame.Places) -> None:
    """The four rules on small masks and on a trained network, their differences, and the proofs."""
    with page.controls:
        state, at = chosen()
    rank, cell = int(state.rank) - 1, nearest(url_cell("cell", State.cell), rules_grid.SIZE)
    with page.picture:
        if state.view in ("all", "numbers"):
            rules_grid.draw(*grids(state), cell, lambda name, where: picked(state, name, where))
        if state.view != "numbers":
            with st.spinner(t("Running the backward pass; from a new layer it takes some seconds the first time")):
                network.reconstructions(at, rank)
            if state.view == "all":
                maps.draw(at, rank, state.pair)
            else:
                maps.side_by_side(at, rank)
            if state.view == "maps":
                maps.difference(at, rank, state.pair)
    if state.view in ("all", "numbers"):
        page.aside.caption(
            t(
                "Dashed: stopped because z is not above zero. Framed: stopped because g is negative. Choose a cell of "
                "**z** or **g** to raise it by one (3 becomes −3), any other cell to see its numbers."
            )
        )
    with page.picture if state.view == "units" else page.wide, st.container(key="part-units"):
        page.later(finding, at)
    with page.wide:
        page.later(numbers, at, rank, state.pair)
        st.latex(rules_grid.symbols())
        page.later(proofs, page, state)  # after the numbers: a second computation takes longer than the maps
    page.code((backward, network.shares), call(replace(state, cell=cell)))


def numbers(at: network.Place, rank: int, pair: str) -> None:
    """How far the maps of two rules differ, and what each rule stopped."""
    maps.differences(at, rank, pair)
    maps.table(network.stopped(at, rank))


LESSON: Lesson = Lesson(
    slug="four-rules-at-a-rectifier",
    title=mark("Four rules at a rectifier"),
    render=lambda: frame.page(LESSON, draw),
    order=9,
    needs=("deconvnet-step-by-step",),
    section="network",
    question=mark("What may pass a rectifier in the backward pass?"),
    goal=mark("You will be able to say which signals each rule stops, why, and what that does to a map."),
    scenes=scenes.SCENES,
    example=State(),
    checks=checks,
    questions=questions.QUESTIONS,
    sources=(
        ("zeiler2014visualizing", mark("section 2.1")),
        ("springenberg2015striving", ""),
        ("simonyan2014deep", ""),
        ("nie2018theoretical", ""),
        ("adebayo2018sanity", ""),
    ),
)
