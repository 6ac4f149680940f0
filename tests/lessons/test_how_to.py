"""The lesson that docs/add-a-lesson.md shows is a lesson: it opens, its proofs hold, its questions are well posed."""

from __future__ import annotations

import importlib
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import test_architecture
from streamlit.testing.v1 import AppTest

import lessons
from lessons._kit.form import page

NAME = "lessons.average_pooling"
ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "add-a-lesson.md"


@pytest.fixture
def lesson(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> page.Lesson:
    """The document's folder, put beside the other lessons."""
    code = re.search(r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.S)
    assert code
    folder = tmp_path / "average_pooling"
    folder.mkdir()
    (folder / "__init__.py").write_text(code[1], encoding="utf-8")
    monkeypatch.setattr(lessons, "__path__", [*lessons.__path__, str(tmp_path)])
    monkeypatch.delitem(sys.modules, NAME, raising=False)
    importlib.invalidate_caches()
    return importlib.import_module(NAME).LESSON


@pytest.mark.deep
def test_the_lesson_opens_and_its_proofs_hold(lesson: page.Lesson, open_page: Callable[..., AppTest]) -> None:
    test = open_page(lesson.slug, picture="flat", window="3")
    assert not test.exception
    assert test.title[0].value == lesson.question
    assert all(check.holds for check in lesson.checks(lesson.example))
    assert len(lesson.checks(lesson.example)) >= 2
    assert test.subheader[0].value == lesson.scenes[-1].title
    test.button("turn-scene-Left").click().run()
    assert test.subheader[0].value == lesson.scenes[-2].title
    assert [box.label for box in test.selectbox] == ["Window"]


def test_its_story_keeps_the_form(lesson: page.Lesson) -> None:
    assert 4 <= len(lesson.scenes) <= 7
    guess = next(scene.ask for scene in lesson.scenes if scene.ask)()
    assert guess.answer == "4"
    assert guess.reasons.keys() == guess.options.keys()


def test_it_opens_in_a_language_that_nobody_translated_it_into(
    lesson: page.Lesson, open_page: Callable[..., AppTest]
) -> None:
    test = open_page(lesson.slug, lang="zh")
    assert not test.exception
    assert test.title[0].value == lesson.question


@pytest.mark.slow
def test_it_keeps_the_rules_of_the_house(lesson: page.Lesson, tmp_path: Path) -> None:
    source = (tmp_path / "average_pooling" / "__init__.py").read_text("utf-8")
    for folder in ("lessons", "deconvviz"):
        shutil.copytree(ROOT / folder, tmp_path / "project" / folder, ignore=shutil.ignore_patterns("__pycache__"))
    copy = tmp_path / "project" / "lessons" / "average_pooling" / "__init__.py"
    copy.parent.mkdir()
    copy.write_text(source, "utf-8")
    assert set(test_architecture.problems(tmp_path / "project")) <= set(test_architecture.problems(ROOT))


def test_its_questions_are_well_posed(lesson: page.Lesson) -> None:
    for seed in range(12):
        for _, maker in lesson.questions.values():
            question = maker(seed)
            assert question.answer not in question.mistakes
            assert len(question.mistakes) >= 2
            assert str(question.answer[0]) in question.worked


def test_averages_come_back_spread_out(lesson: page.Lesson) -> None:
    module = sys.modules[NAME]
    values = module.back(module.State("pixel", "3"))
    assert values[:, 6].tolist() == [0] * 6, "the seventh column is in no window"
    assert values[0:3, 3:6].tolist() == [[pytest.approx(1 / 81)] * 3] * 3
