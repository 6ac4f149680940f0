"""The lesson on backpropagation against slow loops: forward, backward, nudges, paths, questions, and its page."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from reference import conv_loops
from streamlit.testing.v1 import AppTest

from lessons import backpropagation as lesson
from lessons._kit.numbers import toy_arrays
from lessons.backpropagation import chain, picture, questions, scenes

SLUG = lesson.LESSON.slug
State = lesson.State
STATES = [
    State(name, kernel, stride, readout)
    for (name, kernel), stride, readout in itertools.product(
        [("corner", "corner"), ("stripe", "numbered"), ("flat", "ones"), ("corner", "edge")], (1, 2), ("sum", "one")
    )
]
every_state = pytest.mark.parametrize("state", STATES, ids=lambda s: "-".join(map(str, vs(s))))


def vs(state: lesson.State) -> list[object]:
    return list(vars(state).values())[:4]


def looped(state: lesson.State) -> tuple[np.ndarray, float, np.ndarray]:
    """z, the score and its derivative by x, by loops."""
    net = lesson.network(state)
    how = ((state.stride,) * 2, ((0, 0), (0, 0)), (1, 1), 1)
    z = conv_loops.conv(net.x, net.w, *how) - 1
    by_z = np.where(z > 0, net.v, 0)
    return z, float((np.where(z > 0, z, 0) * net.v).sum()), conv_loops.conv_adjoint(by_z, net.w, *how, net.x.shape[1:3])


@pytest.mark.sampled(check=6)
@every_state
def test_forward_and_backward_are_those_of_the_loops(state: lesson.State) -> None:
    net, (z, score, by_x) = lesson.network(state), looped(state)
    np.testing.assert_array_equal(net.forward[0], z)
    assert net.forward[2] == score
    np.testing.assert_array_equal(net.backward[2], by_x)
    assert np.abs(z).min() >= 1, "no nudge may open or shut a gate"


@pytest.mark.sampled(9)
@pytest.mark.slow
@every_state
def test_the_checks_hold_and_see_a_wrong_backward_pass(state: lesson.State, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [check.name for check in lesson.checks(state) if not check.holds] == []
    net = lesson.network(state)
    if not net.backward[2].any():
        return
    wrong = chain.Chain(net.x, net.w, net.stride, net.v)
    wrong.__dict__["backward"] = (*net.backward[:2], net.backward[2][:, ::-1] + 1)
    monkeypatch.setattr(lesson, "network", lambda _: wrong)
    assert min(lesson.nudging(state), lesson.added_up(state), lesson.derived(state)) > 0.1
    wrong.__dict__["gates"] = np.roll(net.gates, 1, axis=1) + 1
    map_ = chain.two_layers(wrong)
    assert replace(map_, adjoint=chain.two_layers(net).adjoint).dot_test() > 1e-3


@pytest.mark.slow
def test_the_sum_in_the_formula_is_the_derivative() -> None:
    for state, cell in itertools.product(STATES, ((0, 0), (2, 3), (4, 4))):
        net = lesson.network(state)
        line = re.sub(r"\\color\{#\w+\}|\\;|[{}&]|\\begin\w*|\\end\w*", "", picture.products(net, cell))
        _, *terms, result = re.sub(" +", " ", line.replace("−", "-")).split("=")
        found = re.findall(r"\(?(-?[\d.]+)\)? \\cdot (\d) \\cdot \(?(-?[\d.]+)\)?", " ".join(terms))
        total = sum(float(a) * float(b) * float(c) for a, b, c in found)
        value = looped(state)[2][0, *cell, 0]
        assert (total, float(re.findall(r"-?[\d.]+", result)[0])) == (value, value)
        assert len(found) == len(chain.paths(net, cell))
        assert picture.quotient(net, cell).endswith(f"= {value:.0f}")


def test_the_scenes_say_what_the_loops_say() -> None:
    assert not looped(State("corner", "edge"))[2].any()
    assert scenes.all_shut().answer == "still"
    board = looped(State("flat", "ones", 2))[2]
    assert scenes.checkerboard().answer == str(len(np.unique(board))) == "4"
    assert len(np.unique(looped(State("flat", "ones", 1))[2][0, 2:4, 2:5])) == 1, "stride 1 has no pattern inside"


def test_the_code_on_the_page_makes_the_picture() -> None:
    made: dict[str, np.ndarray] = {}
    exec(lesson.call(STATES[2]), made)
    np.testing.assert_array_equal(made["by_x"], looped(STATES[2])[2])


def _looped_answer(kind: str, question: questions.Question) -> int | tuple[int, ...]:
    if kind == "bug":
        w1, z1, w2, z2, v = (plane.values for plane in question.picture[0].planes)
        shown = [plane.values[:, 0] for plane in question.picture[1].planes]
        steps = (v[:, 0], shown[0] * (z2[:, 0] > 0), w2.T @ shown[1], shown[2] * (z1[:, 0] > 0), w1.T @ shown[3])
        (wrong,) = [i for i, one in enumerate(steps) if not np.array_equal(one, shown[i])]
        before, matrix = shown[wrong - 1], w2 if wrong == 2 else w1
        made = (before, before * (before > 0), matrix @ before, np.abs(matrix).T @ before)
        kinds = (0, 1) if wrong % 2 else (2, 3)
        (fault,) = [kind + 1 for kind in kinds if np.array_equal(made[kind], shown[wrong])]
        return wrong + 1, fault
    numbers = [int(n) for n in re.findall(r"(?<!\d)-?\d+", question.prompt)]
    if kind == "paths":
        x, a, b, c, d = numbers
        score = lambda x: c * max(a * x, 0) + d * max(b * x, 0)  # noqa: E731
        return round((score(x + 1e-3) - score(x)) / 1e-3)
    if kind == "pixel":
        z, w = (plane.values[None, :, :, None] for plane in question.picture[0].planes[:2])
        row, column = (int(n) for n in re.findall(r"row (\d), column (\d)", question.prompt)[0])
        w = w.reshape(2, 2, 1, 1)
        back = conv_loops.conv_adjoint((z > 0) * 1.0, w, (1, 1), ((0, 0), (0, 0)), (1, 1), 1, (3, 4))
        return int(back[0, row, column, 0])
    raise AssertionError(kind)


@pytest.mark.slow
@pytest.mark.sampled(check=1)
@pytest.mark.parametrize("kind", questions.QUESTIONS)
def test_answers_are_those_of_the_loops_and_differ(kind: str) -> None:
    made = [questions.QUESTIONS[kind][1](seed) for seed in range(20)]
    again = [_looped_answer(kind, question) for question in made]
    assert [question.answer for question in made] == [one if isinstance(one, tuple) else (one,) for one in again]
    assert len({question.answer for question in made}) >= 8


@pytest.mark.slow
def test_a_link_opens_its_state(open_page: Callable[..., AppTest]) -> None:
    test = open_page(SLUG, kernel="numbered", stride="2", picture="stripe", cell="3,4")
    assert not test.exception
    net = lesson.network(State("stripe", "numbered", 2))
    assert picture.products(net, (3, 4)) in " ".join(element.value for element in test.latex)
    assert "4 of 4 checks hold" in " ".join(element.value for element in test.markdown)
    assert net.backward[2].shape[1:3] == toy_arrays.SIZE
