"""The lesson of docs/add-a-lesson.md is a lesson: found, opened, proven, well posed."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest
from test_pages import test_a_lesson_fills_the_form as fills_the_form
from test_pages import test_the_proofs_of_a_lesson_hold as proofs_hold
from test_pages import test_the_questions_of_a_lesson_are_well_posed as well_posed

import lessons
from lessons._kit import page

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "add-a-lesson.md"


@pytest.fixture
def lesson(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[page.Lesson]:
    """The lesson, saved where the document says."""
    text = DOCUMENT.read_text("utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    (file,) = set(re.findall(r"`lessons/(l05_\w+\.py)`", text))
    (tmp_path / file).write_text(re.sub(r"^   ", "", code, flags=re.MULTILINE), "utf-8")
    monkeypatch.setattr(lessons, "__path__", [*lessons.__path__, str(tmp_path)])
    (found,) = [found for found in page.discover() if found.slug == "mean-pooling"]
    assert isinstance(found, page.Lesson)
    yield found
    del sys.modules[f"lessons.{file.removesuffix('.py')}"]


def test_the_lesson_of_the_document_keeps_the_rules(lesson: page.Lesson) -> None:
    fills_the_form(lesson)
    proofs_hold(lesson)
    for seed in range(6):
        well_posed(lesson, seed)


def test_the_lesson_of_the_document_opens(lesson: page.Lesson, open_page: Callable[..., AppTest]) -> None:
    test = open_page(lesson.slug, window="3")
    assert not test.exception
    assert test.title[0].value == lesson.question
    assert test.segmented_control("window-shown").value == "3"
    test.button("preset-0").click()
    assert not test.run().exception
    assert test.text_input("picture").value == "pixel"


def test_the_file_is_as_long_as_lessons_are() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)
    assert 60 <= code.count("\n") <= 200
