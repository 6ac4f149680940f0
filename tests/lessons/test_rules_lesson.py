"""The lesson on the four rules: its numbers are those of the loops, its findings those of the network."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import jax
import numpy as np
import pytest
from reference import rectify_loops
from streamlit.testing.v1 import AppTest

import deconvviz as dv
from deconvviz.data import samples
from deconvviz.ops.rectify import RULES, backward
from lessons import rules as lesson
from lessons.rules import grid, questions, scenes
from lessons.rules import network as rules_network

SLUG = lesson.LESSON.slug
State = lesson.State
OWN = "".join(str(digit) for digit in np.random.default_rng(3).integers(0, 7, 30))
STATES = [State(name) for name in grid.NUMBERS] + [State("own", digits=OWN)]
every_state = pytest.mark.parametrize("state", STATES, ids=lambda state: state.numbers)
SMALL_CHECKS = (lesson.one_by_one, lesson.derivative, lesson.both_masks, lesson.blind)


@every_state
def test_the_planes_are_those_of_the_loops(state: lesson.State) -> None:
    z, g = lesson.grids(state)
    for rule, shown in grid.below(z, g).items():
        slow = rectify_loops.backward(rule, z, g)
        np.testing.assert_array_equal(shown, slow)
        np.testing.assert_array_equal(grid.by_hand(rule, z, g), slow)


@every_state
@pytest.mark.parametrize("rule", RULES)
def test_marked_cells_are_those_that_lost_their_signal(state: lesson.State, rule: str) -> None:
    z, g = lesson.grids(state)
    by_z, by_g = grid.stopped(rule, z, g)
    lost = {cell for cell in np.ndindex(*g.shape) if rectify_loops.rule_of_one(rule, z[cell], g[cell]) != g[cell]}
    assert {*by_z, *by_g} == lost
    assert all(not z[cell] > 0 for cell in by_z)
    assert all(g[cell] < 0 for cell in by_g)


@every_state
def test_the_small_proofs_hold(state: lesson.State) -> None:
    assert [check.__name__ for check in SMALL_CHECKS if check(state) > 1e-6] == []


def _rule(**changed: Callable[..., object]) -> Callable[..., object]:
    """`backward` with some rules replaced."""
    return lambda rule, z, g: changed[rule](z, g) if rule in changed else backward(rule, z, g)


@pytest.mark.parametrize(
    ("check", "wrong"),
    [
        ("one_by_one", _rule(guided=lambda z, g: backward("gradient", z, g))),
        ("derivative", _rule(gradient=lambda z, g: np.where(z >= 0, g, 0))),
        ("both_masks", _rule(guided=lambda z, g: backward("deconvnet", z, g))),
        ("blind", _rule(deconvnet=lambda z, g: backward("guided", z, g))),
        ("blind", _rule(gradient=lambda z, g: backward("guided", z, g))),
    ],
)
def test_a_wrong_rule_turns_its_proof_red(
    check: str, wrong: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lesson, "backward", wrong)
    monkeypatch.setattr(grid, "backward", wrong)
    assert getattr(lesson, check)(State()) > 0.1


def test_where_every_z_is_open_the_gates_of_z_make_no_difference() -> None:
    opened = grid.below(*lesson.grids(State("open")))
    np.testing.assert_array_equal(opened["gradient"], opened["linear"])
    np.testing.assert_array_equal(opened["guided"], opened["deconvnet"])
    silent = grid.below(*lesson.grids(State("silent")))
    assert not silent["gradient"].any()
    assert silent["deconvnet"].any()


def test_a_click_raises_a_cell_and_three_goes_round() -> None:
    z, g = grid.numbers("mixed")
    again = grid.numbers("own", grid.raised(z, g, "z", (0, 3)))
    assert (z[0, 3], again[0][0, 3]) == (3, -3)
    np.testing.assert_array_equal(again[1], g)
    down = grid.numbers("own", grid.raised(z, g, "g", (2, 4)))[1]
    assert (g[2, 4], down[2, 4]) == (0, 1)
    assert np.count_nonzero(down != g) == 1


@pytest.mark.parametrize("digits", ["", "12", "7" * 30, "1" * 31, "１" * 30])
def test_digits_that_make_no_grid_show_the_first_numbers(digits: str) -> None:
    np.testing.assert_array_equal(grid.numbers("own", digits), grid.numbers("mixed"))


def test_the_units_stand_at_the_strongest_place() -> None:
    at = rules_network.place("coffee", "relu4")
    maps = dv.activations(dv.load("caltech"), samples.load("coffee"), "relu4")
    row, column = at.units[0].row, at.units[0].column
    assert at.values[0] == pytest.approx(float(maps.max()), rel=1e-5)
    assert list(at.values) == sorted(maps[row, column], reverse=True)[: len(at.values)]
    assert len({unit.channel for unit in at.units}) == rules_network.UNITS


@pytest.mark.deep
def test_both_roads_agree_for_another_unit_and_layer() -> None:
    assert 0 < lesson.two_computations(State(image="coffee", layer="relu3", rank="3")) < 1e-5


@pytest.mark.deep
def test_what_is_stopped_is_counted_at_every_rectifier() -> None:
    at = rules_network.place("cat", "relu4")
    found = rules_network.stopped(at, 1)
    assert [one.rectifier for one in found] == ["relu4", "relu3", "relu2", "relu1"]
    assert found[0] == rules_network.Stopped("relu4", 0, 0, 0, 0, 0)
    for one in found[1:]:
        assert max(one.guided_by_z, one.guided_by_g) < one.guided < one.guided_by_z + one.guided_by_g
        assert 0 < one.gradient < 1
    # The share at relu3 again, from the derivative of what lies above it.
    network, unit = at.loaded.network, at.units[1]
    z = rules_network.engine.forward(at.loaded, at.picture).maps["conv3"]
    _, above = (network.chain_to(name).steps for name in ("relu3", "relu4"))
    steps = above[len(network.chain_to("relu3").steps) :]

    def value(a: jax.Array) -> jax.Array:
        for step in steps:
            a, _ = step.forward(step.constant, a)
        return a[0, unit.row, unit.column, unit.channel]

    g = np.asarray(jax.grad(value)(np.maximum(z, 0)[None]))[0]
    share = ((z <= 0) & (g != 0)).sum() / np.count_nonzero(g)
    assert found[1].gradient == pytest.approx(share, abs=1e-6)


@pytest.mark.deep
@pytest.mark.parametrize("layer", ["relu3", "relu7"])
def test_guided_maps_hardly_tell_which_unit_they_are_of(layer: str) -> None:
    found = {
        rule: np.mean(values) for rule, values in rules_network.likeness(rules_network.place("cat", layer)).items()
    }
    assert found["guided"] > found["deconvnet"] > 0.5
    assert abs(found["gradient"]) < 0.2


@pytest.mark.deep
@pytest.mark.parametrize("state", [State(), State("own", "coffee", "relu3", "4", "gradient-linear", OWN)])
def test_the_code_on_the_page_makes_the_picture(state: lesson.State) -> None:
    made: dict = {}
    assert "lessons" not in lesson.call(state)
    exec(lesson.call(state), made)
    z, g = lesson.grids(state)
    np.testing.assert_array_equal(made["below"]["guided"], rectify_loops.backward("guided", z, g))
    at = rules_network.place(state.image, state.layer)
    found = rules_network.reconstructions(at, int(state.rank) - 1).by_rule
    first, second = state.pair.split("-")
    np.testing.assert_allclose(made["difference"], found[first].map - found[second].map, atol=1e-5)


@pytest.mark.deep
@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_link_opens_its_state(language: str, open_page: Callable[..., AppTest]) -> None:
    test = open_page(
        SLUG, numbers="own", digits=OWN, cell="2,3", image="coffee", layer="relu3", rank="2", lang=language
    )
    assert not test.exception
    z, g = grid.numbers("own", OWN)
    assert grid.line(z, g, (2, 3)) in " ".join(element.value for element in test.latex)
    channel = rules_network.place("coffee", "relu3").units[1].channel
    assert str(channel) in test.selectbox("rank-shown").options[1]


@pytest.mark.deep
def test_wild_links_fall_back(open_page: Callable[..., AppTest]) -> None:
    test = open_page(SLUG, numbers="x", layer="pool9", rank="77", pair="a-b", cell="99,99")
    assert not test.exception
    assert grid.line(*grid.numbers("mixed"), (2, 4)) in " ".join(element.value for element in test.latex)


def test_the_scenes_say_what_the_loops_say() -> None:
    z, g = grid.numbers("open")
    gradient = rectify_loops.backward("gradient", z, g)
    same = [rule for rule in RULES if np.array_equal(rectify_loops.backward(rule, z, g), gradient)]
    assert same == ["gradient", scenes.same_as_gradient().answer] or same == [
        scenes.same_as_gradient().answer,
        "gradient",
    ]
    falling = grid.numbers("falling")
    passed = {rule: np.count_nonzero(rectify_loops.backward(rule, *falling)) for rule in RULES}
    asked = scenes.none_above_zero()
    assert asked.answer == str(passed["deconvnet"])
    assert {int(n) for n in asked.options} == {passed[rule] for rule in ("deconvnet", "gradient", "linear")}
    assert f"{passed['linear']} signals" in asked.prompt


@pytest.mark.slow
def test_a_scene_in_numbers_needs_no_map(open_page: Callable[..., AppTest]) -> None:
    """The first scenes are there at once; the maps come where the story comes to them."""
    test = open_page(SLUG, scene="3")
    assert not test.exception
    assert grid.line(*grid.numbers("mixed"), (1, 2)) in " ".join(element.value for element in test.latex)
    assert 'class="rules-pair' not in " ".join(block.proto.body for block in test.get("html"))
    assert "5 of 5 checks hold" in " ".join(element.value for element in test.markdown)
    test.button("turn-scene-Right").click().run()
    test.button("turn-scene-Right").click().run()
    assert not test.exception
    (row,) = (block.proto.body for block in test.get("html") if 'rules-four" data' in block.proto.body)
    assert row.count("<img") == len(RULES), "the four maps side by side"


def _again(kind: str, question: questions.Question) -> tuple[int, ...]:
    """The answer again, by the loops, from what the question shows."""
    if kind == "bug":
        z, g = (plane.values for plane in question.picture[0].planes)
        rules = ("gradient", "deconvnet", "guided", "linear")
        right = [rectify_loops.backward(rule, z, g) for rule in rules]
        shown = [plane.values for plane in question.picture[1].planes]
        (wrong,) = [i for i in range(4) if not np.array_equal(right[i], shown[i])]
        open_, up = z > 0, g > 0
        without_z = (g, g * up, g * up, g)[wrong]
        without_g = (g * open_, g, g * open_, g)[wrong]
        made = (without_z, without_g, z * (right[wrong] != 0), abs(right[wrong]))
        (fault,) = [i + 1 for i in range(4) if np.array_equal(made[i], shown[wrong])]
        return wrong + 1, fault
    numbers = [int(number) for number in re.findall(r"-?\d+", question.prompt.replace("−", "-"))]
    if kind == "cell":
        up, down = numbers
        return tuple(int(rectify_loops.rule_of_one(rule, up, down)) for rule in ("gradient", "deconvnet", "guided"))
    start, upper, weight, lower = numbers
    both = ("gradient", "deconvnet")
    return tuple(
        int(rectify_loops.rule_of_one(rule, lower, rectify_loops.rule_of_one(rule, upper, start) * weight))
        for rule in both
    )


@pytest.mark.parametrize("kind", questions.QUESTIONS)
@pytest.mark.parametrize("seed", range(8))
def test_answers_are_those_of_the_loops(kind: str, seed: int) -> None:
    question = questions.QUESTIONS[kind][1](seed)
    assert question.answer == _again(kind, question)


@pytest.mark.deep
def test_states_with_the_same_numbers_share_their_proofs() -> None:
    assert lesson.checks(State())[:4] == lesson.checks(replace(State(), pair="gradient-linear"))[:4]
