"""Exercises: right answers are accepted, wrong ones are explained, the second one is worked out."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import practice
import pytest
from reference import conv_loops
from streamlit.testing.v1 import AppTest

from lessons._kit.form import exercise
from lessons._kit.form.exercise import Question
from lessons.adjoint import questions

SLUG = "convolution-and-its-adjoint"


def formulas(test: AppTest) -> list[str]:
    """The formulas on the page, bare."""
    return [element.value.strip("$\n") for element in test.latex]


def other(question: Question) -> tuple[int, ...]:
    """A wrong answer that nobody can explain."""
    return tuple(number + 1000 for number in question.answer)


@pytest.mark.deep
@pytest.mark.parametrize("kind", questions.QUESTIONS)
def test_the_right_answer_is_accepted_and_counted(kind: str, open_page: Callable[..., AppTest]) -> None:
    test = practice.choose(open_page(SLUG), SLUG, kind)
    question = questions.QUESTIONS[kind][1](0)
    practice.answer(test, SLUG, kind, question.answer)
    assert test.success[0].value.startswith("Right: ")
    assert not test.error
    assert question.worked in formulas(test)
    assert any("1 of 4 questions" in element.value for element in test.markdown)


@pytest.mark.deep
@pytest.mark.parametrize("kind", questions.QUESTIONS)
def test_a_known_mistake_gets_its_own_reason(kind: str, open_page: Callable[..., AppTest]) -> None:
    question = questions.QUESTIONS[kind][1](0)
    for given, reason in list(question.mistakes.items())[:4]:
        test = practice.choose(open_page(SLUG), SLUG, kind)
        practice.answer(test, SLUG, kind, given)
        assert reason in test.error[0].value
        assert [info.value for info in test.info] == [question.hint]
        assert question.worked not in formulas(test)
        assert any("0 of 4 questions" in element.value for element in test.markdown)


@pytest.mark.slow
def test_after_the_second_wrong_answer_it_is_worked_out_and_can_be_tried_anew(
    open_page: Callable[..., AppTest],
) -> None:
    test, question = open_page(SLUG), questions.output_rows(0)
    practice.answer(test, SLUG, "size", other(question))
    assert test.error[0].value == f"Not {question.answer[0] + 1000}."
    practice.answer(test, SLUG, "size", (question.answer[0] + 2000,))
    assert question.worked in formulas(test)
    practice.press(test, "New numbers")
    assert questions.output_rows(1).prompt in [element.value for element in test.markdown]
    assert not test.error
    practice.answer(test, SLUG, "size", questions.output_rows(1).answer, 1)
    assert test.success


@pytest.mark.slow
def test_an_empty_answer_is_asked_for_again(open_page: Callable[..., AppTest]) -> None:
    test = practice.press(open_page(SLUG), "Check my prediction")
    assert "whole number" in test.warning[0].value
    assert not test.error


def test_a_stamp_is_wrong_where_the_loops_say_so() -> None:
    for seed in range(12):
        question = questions.wrong_stamp(seed)
        g, w = (plane.values for plane in question.picture[0].planes)
        wrong = []
        for number, shown in enumerate(question.picture[1].planes, 1):
            alone = np.zeros((1, 2, 2, 1))
            cell = divmod(number - 1, 2)
            alone[0, cell[0], cell[1], 0] = g[cell]
            stamp = conv_loops.conv_adjoint(alone, w[:, :, None, None], (2, 2), ((0, 0), (0, 0)), (1, 1), 1, (4, 4))
            wrong += [number] if not np.array_equal(stamp[0, :, :, 0], shown.values) else []
        assert wrong == [question.answer[0]]


def test_the_clicked_cell_is_where_the_weight_lands() -> None:
    for seed in range(12):
        question = questions.stamp_corner(seed)
        g, w, empty = question.picture[0].planes
        (tap,) = w.frame
        back = conv_loops.conv_adjoint(
            g.values[None, :, :, None], w.values[:, :, None, None], (2, 2), ((1, 1), (1, 1)), (1, 1), 1, (6, 8)
        )
        assert back[0, question.answer[0], question.answer[1], 0] == w.values[tap]
        assert len(question.mistakes) == empty.values.size - 1, "every other cell has its reason"


@pytest.mark.parametrize("seed", range(25))
def test_answers_are_those_of_the_loops(seed: int) -> None:
    question = questions.returned_value(seed)
    g, w = (plane.values for plane in question.picture[0].planes)
    back = conv_loops.conv_adjoint(
        g[None, :, :, None], w[:, :, None, None], (1, 1), ((0, 0), (0, 0)), (1, 1), 1, (3, 4)
    )
    r, c = map(int, re.findall(r"row (\d), column (\d)", question.prompt)[0])
    assert question.answer == (int(back[0, r, c, 0]),)


@pytest.mark.slow
def test_an_answer_that_was_shown_does_not_count(open_page: Callable[..., AppTest]) -> None:
    test, question = open_page(SLUG), questions.output_rows(0)
    practice.answer(test, SLUG, "size", other(question))
    practice.answer(test, SLUG, "size", (question.answer[0] + 2000,))
    for given in (question.answer, other(question), question.answer):
        practice.answer(test, SLUG, "size", given)
        assert not test.success
        assert any("0 of 4 questions" in element.value for element in test.markdown)
    practice.press(test, "New numbers")
    practice.answer(test, SLUG, "size", questions.output_rows(1).answer, 1)
    assert any("1 of 4 questions" in element.value for element in test.markdown)


@pytest.mark.slow
def test_a_right_answer_after_the_hint_counts(open_page: Callable[..., AppTest]) -> None:
    test, question = open_page(SLUG), questions.output_rows(0)
    practice.answer(test, SLUG, "size", other(question))
    practice.answer(test, SLUG, "size", question.answer)
    assert any("1 of 4 questions" in element.value for element in test.markdown)


@pytest.mark.deep
def test_the_link_names_the_numbers_and_people_begin_with_their_own(
    open_page: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch
) -> None:
    prompts = {seed: questions.output_rows(seed).prompt for seed in (12, 34)}
    monkeypatch.setattr(exercise, "own_seed", lambda: 34)
    assert prompts[34] in [element.value for element in open_page(SLUG).markdown]
    assert prompts[12] in [element.value for element in open_page(SLUG, exercise="12").markdown]
    for nonsense in ("x", "-1", "99999999"):
        assert prompts[34] in [element.value for element in open_page(SLUG, exercise=nonsense).markdown]
    monkeypatch.undo()
    assert len({exercise.own_seed() for _ in range(20)}) > 10


def test_a_lucky_mistake_is_no_mistake() -> None:
    question = exercise.question("?", ("a", "b"), (1, 2), [((1, 2), "lucky"), ((2, 1), "swapped")], "", "")
    assert question.mistakes == {(2, 1): "swapped"}
    assert exercise.question("?", ("n",), 4, [(4, "lucky"), (5, "no"), ((5,), "again")], "", "").mistakes == {
        (5,): "no"
    }


@pytest.mark.deep
def test_questions_change_with_the_seed() -> None:
    for _, maker in questions.QUESTIONS.values():
        assert len({(maker(seed).prompt, maker(seed).answer) for seed in range(8)}) > 4
