"""The lesson on pooling and switches: what it shows is what the loops give, and wrong ways turn red."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import practice
import pytest
from reference import pool_loops, unpool_loops
from streamlit.testing.v1 import AppTest

from lessons import pooling as lesson
from lessons._kit.numbers import toy_arrays
from lessons.pooling import picture, questions, scenes, unpool_variants
from lessons.pooling.unpool_variants import Cell

SLUG = lesson.LESSON.slug
State = lesson.State
STATES = [
    State(picture, window, stride, edge)
    for picture, (window, stride, edge) in zip(
        itertools.cycle(picture.PICTURES), itertools.product((2, 3), (1, 2, 3), ("drop", "keep")), strict=False
    )
]
every_state = pytest.mark.parametrize("state", STATES, ids=str)
SHARED = State(picture="peak", window=3)


def loops(state: lesson.State) -> tuple[np.ndarray, np.ndarray, tuple, tuple]:
    """Picture, switches, how it is pooled as pairs, and its padding."""
    how = lesson.pooling(state)
    pairs = (how.window,) * 2, (how.stride,) * 2
    _, switches = pool_loops.max_pool(np.asarray(how.x), *pairs, how.pads)
    return np.asarray(how.x), switches, pairs, how.pads


@pytest.mark.sampled(3)
@pytest.mark.slow
@every_state
def test_the_planes_are_those_of_the_loops(state: lesson.State) -> None:
    x, switches, pairs, pads = loops(state)
    y, _ = pool_loops.max_pool(x, *pairs, pads)
    arrays = lesson.compute(state)
    np.testing.assert_array_equal(arrays.y, toy_arrays.plane(y))
    np.testing.assert_array_equal(arrays.switches, toy_arrays.plane(switches))
    backs = lesson.backs(state)
    turned = pool_loops.max_pool(x[:, ::-1, ::-1], *pairs, pads)[1]
    middle = unpool_loops.centres(toy_arrays.SIZE, *pairs, pads)[None, :, :, None]
    np.testing.assert_array_equal(backs["true"], pool_loops.max_unpool(y, switches, toy_arrays.SIZE))
    np.testing.assert_array_equal(backs["overwrite"], unpool_loops.overwrite(y, switches, toy_arrays.SIZE))
    np.testing.assert_array_equal(backs["other"], pool_loops.max_unpool(y, turned, toy_arrays.SIZE))
    np.testing.assert_array_equal(backs["centre"], pool_loops.max_unpool(y, middle, toy_arrays.SIZE))
    for name in ("nearest", "bilinear"):
        slow = unpool_loops.fill(y, *pairs, pads, toy_arrays.SIZE, name == "nearest")
        np.testing.assert_allclose(backs[name], slow, atol=1e-5)


@every_state
def test_random_switches_stay_in_their_windows(state: lesson.State) -> None:
    how = lesson.pooling(state)
    places = toy_arrays.plane(unpool_variants.at_random(how))
    for window in np.ndindex(*places.shape):
        assert divmod(int(places[window]), toy_arrays.SIZE[1]) in how.cells(window)


@pytest.mark.sampled(22, check=4)
@every_state
@pytest.mark.parametrize("way", unpool_variants.VARIANTS)
def test_what_arrives_at_a_cell_is_its_value(state: lesson.State, way: str) -> None:
    arrays = lesson.compute(replace(state, way=way))
    for cell in ((2, 2), (5, 6), (0, 0), (4, 3)):
        total = sum(weight * arrays.y[window] for window, weight in unpool_variants.arriving(way, arrays.pooling, cell))
        assert total == pytest.approx(toy_arrays.plane(arrays.back)[cell], abs=1e-5)


@pytest.mark.sampled(6, check=4)
@every_state
def test_the_proofs_hold_for_adding_at_the_true_switches(state: lesson.State) -> None:
    assert [check.name for check in lesson.checks(state) if not check.holds] == []


@pytest.mark.parametrize("way", [way for way in unpool_variants.VARIANTS if way != "true"])
def test_wrong_ways_turn_red_where_a_maximum_is_shared(way: str) -> None:
    assert not any(check.holds for check in lesson.checks(replace(SHARED, way=way, edge="keep")))


def test_overwriting_is_right_by_luck_where_windows_do_not_overlap() -> None:
    assert all(check.holds for check in lesson.checks(State(way="overwrite")))


def test_nothing_brings_the_picture_back_and_overlap_takes_adding_away_from_it() -> None:
    assert all(min(lesson.distances(state).values()) > 0.2 for state in (State(), SHARED))
    assert lesson.distances(SHARED)["true"] > lesson.distances(SHARED)["overwrite"]
    apart = lesson.distances(State())
    assert min(apart.values()) == apart["true"] == apart["overwrite"]


def test_arrows_go_from_the_maxima_and_to_the_places_used() -> None:
    arrays = lesson.compute(State(way="centre"))
    up, down = (row.arrows for row in picture.rows(arrays, (1, 2), (0, 0)))
    assert len(up) == len(down) == 9
    assert [(a.start, a.end) for a in up if a.strong] == [((3, 5), (1, 2))]
    assert [(a.start, a.end) for a in down if a.strong] == [((1, 2), (2, 4))]
    assert not picture.rows(lesson.compute(State(way="nearest")), (0, 0), (0, 0))[1].arrows


def test_a_click_raises_a_cell() -> None:
    x = picture.picture("hills", "")
    digits = picture.raised(x, (2, 2))
    raised = picture.picture("own", digits)
    assert (x[0, 2, 2, 0], raised[0, 2, 2, 0]) == (9, 0)
    assert np.count_nonzero(raised != x) == 1


@pytest.mark.parametrize("digits", ["", "12", "x" * 42, "1" * 43, "１" * 42])
def test_digits_that_make_no_picture_show_the_hills(digits: str) -> None:
    np.testing.assert_array_equal(picture.picture("own", digits), picture.picture("hills", ""))


@pytest.mark.parametrize(
    "state",
    [*(State(way=way, edge="keep") for way in unpool_variants.VARIANTS), replace(SHARED, way="overwrite")],
    ids=lambda state: f"{state.way}-{state.edge}",
)
def test_the_code_on_the_page_makes_the_picture(state: lesson.State) -> None:
    made: dict[str, np.ndarray] = {}
    exec(lesson.call(state), made)
    np.testing.assert_allclose(made["back"], lesson.compute(state).back, atol=1e-6)


@pytest.mark.parametrize("way", unpool_variants.VARIANTS)
def test_what_is_played_ends_as_what_comes_back(way: str) -> None:
    state = State("peak", window=3, edge="keep", way=way)
    arrays = lesson.compute(state)
    moving = picture.moving(arrays, (1, 1), (2, 2))
    held = {at: value for step in moving.steps[: moving.count] for at, value, _ in step.sets}
    for at, value in np.ndenumerate(arrays.back[0, :, :, 0]):
        assert held.get((picture.BACK, *at), 0.0) == pytest.approx(value, abs=1e-5)
    for step in moving.steps[moving.count :]:
        terms = [np.prod([value for _, value in term.factors]) for term in step.terms]
        assert sum(terms) == pytest.approx(step.value, abs=1e-5)
    assert {moving.steps[n].at for n in moving.rest} == {(picture.Y, 1, 1), (picture.BACK, 2, 2)}


def latex(test: AppTest) -> str:
    assert not test.exception
    return " ".join(element.value for element in test.latex)


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_link_opens_its_state(language: str, open_page: Callable[..., AppTest]) -> None:
    link = {"picture": "peak", "window": "3", "way": "overwrite", "cell": "1,2", "back": "2,2", "lang": language}
    test = open_page(SLUG, **link)
    arrays = lesson.compute(State("peak", 3, way="overwrite"))
    assert picture.forward_line(arrays, (1, 2)) in latex(test)
    assert picture.backward_line(arrays, (2, 2)) in latex(test)
    red = "fails" if language == "en" else "不成立"
    assert sum(red in text for text in practice.verdicts(test)) == 3


def test_the_own_picture_is_in_the_link_and_a_wild_cell_is_no_error(open_page: Callable[..., AppTest]) -> None:
    digits = picture.raised(picture.picture("flat", ""), (0, 0))
    test = open_page(SLUG, picture="own", digits=digits, cell="99,0", back="77,77", stride="x")
    assert picture.forward_line(lesson.compute(State("own", digits=digits)), (2, 0)) in latex(test)


@pytest.mark.slow
def test_a_scene_turns_red_where_it_says_so(open_page: Callable[..., AppTest]) -> None:
    test = open_page(SLUG, scene="4")
    assert "0 of 3 checks hold" in " ".join(element.value for element in test.markdown)
    arrays = lesson.compute(State(way="other"))
    assert picture.backward_line(arrays, (2, 2)) in latex(test)
    test.button("turn-scene-Left").click().run()
    assert "3 of 3 checks hold" in " ".join(element.value for element in test.markdown)


def test_the_questions_of_the_scenes_are_answered_by_the_loops() -> None:
    hills = picture.picture("hills", "")[:, :6, :6]
    _, switches = pool_loops.max_pool(hills, (2, 2), (2, 2), ((0, 0), (0, 0)))
    first = [2 * i * 6 + 2 * j for i in range(3) for j in range(3)]
    assert scenes.in_one_cell().answer == str(int((switches.ravel() == first).sum()))
    values, places = pool_loops.max_pool(picture.picture("peak", ""), (3, 3), (2, 2), ((0, 0), (0, 0)))
    back = pool_loops.max_unpool(values, places, (6, 7))
    assert scenes.shared().answer == str(int(back.max()))


def _loops_answer(kind: str, question: questions.Question) -> Cell | tuple[int]:
    """The answer again, from the planes that the question shows."""
    x = question.picture[0].planes[kind == "landing"].values
    if kind == "shared":
        g = question.picture[0].planes[1].values
        _, switches = pool_loops.max_pool(x[None, :, :, None], (3, 3), (2, 2), ((0, 0), (0, 0)))
        return (int(pool_loops.max_unpool(g[None, :, :, None], switches, x.shape).max()),)
    k = 2 if kind == "landing" else 3
    _, switches = pool_loops.max_pool(x[None, :, :, None], (k, k), (k, k), ((0, 0), (0, 0)))
    if kind == "tie":
        return (int(switches[0, 0, 0, 0]),)
    ((row, column),) = question.picture[0].planes[0].frame
    row, column = divmod(int(switches[0, row, column, 0]), x.shape[1])
    return row, column


@pytest.mark.sampled(8, check=3)
@pytest.mark.parametrize("kind", questions.QUESTIONS)
@pytest.mark.parametrize("seed", range(8))
def test_answers_are_those_of_the_loops(kind: str, seed: int) -> None:
    question = questions.QUESTIONS[kind][1](seed)
    assert question.answer == _loops_answer(kind, question)
