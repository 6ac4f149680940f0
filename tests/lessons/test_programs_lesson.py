"""The lesson of the five programs: what is on screen is what running them says, in both languages."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import practice
import pytest
from streamlit.testing.v1 import AppTest

from deconvviz.articles.programs import PROGRAMS, attempt, mend, shapes_of
from lessons import programs as lesson
from lessons._kit.form.page import discover
from lessons.programs import picture, questions, words

SLUG = lesson.LESSON.slug


def page(test: AppTest) -> str:
    assert not test.exception
    return " ".join(str(element.proto.body) for element in test.get("html"))


def test_every_program_has_its_words() -> None:
    assert words.TITLES.keys() == words.MENDED.keys() == words.SCORES.keys() == words.PICTURES.keys() == set(PROGRAMS)
    assert list(words.FAULTS) == [fault.id for program in PROGRAMS.values() for fault in program.faults]
    slugs = [found.slug for found in discover()]
    assert slugs.index(SLUG) == slugs.index("claims-under-test") + 1


@pytest.mark.sampled(1)
@pytest.mark.slow
@pytest.mark.parametrize("name", PROGRAMS)
def test_the_page_says_what_running_says(name: str, open_page: Callable[..., AppTest]) -> None:
    language = "zh" if name in ("000", "003") else "en"
    test = open_page(SLUG, program=name, lang=language)
    program = PROGRAMS[name]
    codes = [block.value for block in test.code]
    assert all(fault.printed in codes for fault in program.faults)
    assert program.mended.strip() in codes
    raised = [attempt(fault).error for fault in program.faults]
    assert [code for code in codes if code in raised] == [error for error in raised if error]
    shown = [f"{fault.shows} = {attempt(fault).value:g}" for fault in program.faults if fault.shows]
    assert len(test.warning) == len(shown)
    assert all(text in block.value for text, block in zip(shown, test.warning, strict=True))
    html = page(test)
    for _, shape in shapes_of(program) if program.layers else []:
        assert picture.times(shape) in html
    assert f"{mend(name).score:.3g}" in html
    labels = practice.verdicts(test)
    assert sum("成立" in label if language == "zh" else "holds" in label for label in labels) == 2


@pytest.mark.parametrize("seed", range(20))
def test_answers_are_those_by_hand(seed: int) -> None:
    question = questions.size(seed)
    (rows,), (taps,) = (
        map(int, re.findall(form, question.prompt)) for form in (r"of (\d+) rows", r"a convolution (\d+)")
    )
    assert question.answer == (2 * ((rows - taps + 1) // 2 + 2),)
    question = questions.box(seed)
    places = np.argwhere(question.picture[0].planes[0].values)
    low, high = places.min(axis=0), places.max(axis=0)
    assert question.answer == (int(np.prod(high - low + 1)),)
    question = questions.weights(seed)
    taps, _, inputs, outputs = map(int, re.findall(r"\d+", question.prompt))
    assert question.answer == (taps * taps * inputs * outputs + outputs,)


def test_nonsense_in_a_link_opens_the_first_program(open_page: Callable[..., AppTest]) -> None:
    test = open_page(SLUG, program="999")
    assert "3 × 2" in page(test)


def test_the_code_on_the_page_runs(capsys: pytest.CaptureFixture[str]) -> None:
    exec(lesson.call(lesson.State()), {})
    assert "operands could not be broadcast together" in capsys.readouterr().out
