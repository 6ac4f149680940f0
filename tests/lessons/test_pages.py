"""What every page and every lesson keeps, read from the records that scanning finds."""

from __future__ import annotations

import ast
import importlib.util
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import practice
import pytest
from streamlit.testing.v1 import AppTest

import lessons
from lessons._kit.form import design, glossary, page, sources
from lessons._kit.form.exercise import Question

ROOT = Path(__file__).resolve().parents[2]
PAGES = page.discover()
LESSONS = [found for found in PAGES if isinstance(found, page.Lesson)]
slugs = pytest.mark.parametrize("slug", [found.slug for found in PAGES])
every_lesson = pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.slug)


def test_there_are_pages_and_their_addresses_differ() -> None:
    assert {"laboratory", "convolution-and-its-adjoint"} <= {found.slug for found in PAGES}
    assert not [slug for slug, count in Counter(found.slug for found in PAGES).items() if count > 1]


def test_pages_are_looked_for_once() -> None:
    assert page.discover() is page.discover()


def test_a_file_without_a_page_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "l99_empty.py").write_text("X = 1\n")
    monkeypatch.setattr(lessons, "__path__", [str(tmp_path)])
    with pytest.raises(
        LookupError, match=r"lessons/l99_empty\.py holds no page.*LESSON or PAGE.*docs/add-a-lesson\.md"
    ):
        page.discover()


@pytest.mark.slow
def test_the_app_opens_on_its_first_page() -> None:
    test = AppTest.from_file(str(ROOT / "lessons" / "_app" / "start.py"), default_timeout=120).run()
    assert not test.exception
    assert len(test.segmented_control("lang-shown").options) == 2


@pytest.mark.slow
def test_the_bar_holds_every_lesson() -> None:
    test = AppTest.from_file(str(ROOT / "lessons" / "_app" / "start.py"), default_timeout=120)
    labels = [link.proto.label for link in test.run().get("page_link")]
    assert labels[0] == "Home"
    assert f"1 · {LESSONS[0].title}" in labels
    assert len([label for label in labels if re.fullmatch(r"\d+ · [^*]+", label)]) == len(LESSONS)


@pytest.mark.sampled(2)
@pytest.mark.slow
@slugs
def test_every_page_opens_in_another_language(slug: str, open_page: Callable[..., AppTest]) -> None:
    """The tests of a page open it in English, and in a browser every page is looked at in both."""
    test = open_page(slug, lang="zh")
    assert not test.exception
    assert re.search(r"[\u4e00-\u9fff]", " ".join(element.value for element in test.markdown))
    for block in test.code:
        _imports_resolve(block.value)


def _imports_resolve(code: str) -> None:
    """What code on a page imports of this project is there."""
    try:
        tree = ast.parse(code)
    except SyntaxError:  # a command line
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and str(node.module).split(".")[0] in ("deconvviz", "lessons"):
            module = importlib.import_module(str(node.module))
            for name in node.names:
                assert hasattr(module, name.name) or importlib.util.find_spec(f"{node.module}.{name.name}"), code


@every_lesson
def test_a_lesson_fills_the_form(lesson: page.Lesson) -> None:
    assert lesson.section in page.SECTIONS
    assert lesson.question.endswith("?")
    assert lesson.goal.endswith(".")
    assert lesson.goal.count(".") == 1
    assert lesson.sources
    assert all(sources.citation(key) for key, _ in lesson.sources)
    assert "popovertarget" in glossary.to_html(" ".join(scene.text for scene in lesson.scenes), "k")


def words(text: str) -> int:
    """Words of a text as a person reads it."""
    return len(re.sub(r"\[\[[^|\]]*\||\[\[|\]\]|\*", "", text).split())


@pytest.mark.sampled(6, check=1)
@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.slug)
def test_a_story_keeps_its_form(lesson: page.Lesson) -> None:
    names = {field.name for field in fields(lesson.example)}
    assert 4 <= len(lesson.scenes) <= 7
    *before, last = lesson.scenes
    for scene in lesson.scenes:
        assert 20 < words(scene.text) <= 60, scene.title
        assert {*scene.values, *scene.then, *(scene.controls or ())} <= names, scene.title
        assert bool(scene.look) == bool(scene.parts), scene.title
        assert not {*scene.parts} & {*scene.without}, scene.title
        if scene.ask is not None:
            guess = scene.ask()
            assert guess.answer in guess.options
            assert guess.reasons.keys() == guess.options.keys()
            assert len(guess.options) >= 3
    assert all(scene.controls is not None and len(scene.controls) <= 2 for scene in before)
    assert (last.controls, last.values) == (None, {}), "links of before there were scenes open the last one"


@pytest.mark.sampled(2)
@pytest.mark.slow
@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.slug)
def test_a_story_is_read_from_its_first_scene_to_its_last(
    lesson: page.Lesson, open_page: Callable[..., AppTest]
) -> None:
    test = open_page(lesson.slug)
    for number, scene in enumerate(lesson.scenes, 1):
        assert not test.exception
        assert not test.error
        assert test.subheader[0].value == scene.title
        assert "lang-shown" in {buttons.key for buttons in test.button_group}, (
            "a scene takes no control of the app away"
        )
        assert test.button("turn-scene-Left").disabled == (number == 1)
        assert "".join(test.query_params.get("scene", "1")) == str(number)
        if number < len(lesson.scenes):
            test.button("turn-scene-Right").click().run()
    assert test.button("turn-scene-Right").disabled


@pytest.mark.sampled(6)
@pytest.mark.slow
@every_lesson
def test_the_proofs_of_a_lesson_hold(lesson: page.Lesson) -> None:
    checks = lesson.checks(lesson.example)
    assert len(checks) >= 2
    assert [check.name for check in checks if not check.holds] == []
    assert all(check.tolerance <= 1e-5 for check in checks)


@pytest.mark.sampled(20, check=2)
@every_lesson
@pytest.mark.parametrize("seed", range(12))
def test_the_questions_of_a_lesson_are_well_posed(lesson: page.Lesson, seed: int) -> None:
    for _, maker in lesson.questions.values():
        question: Question = maker(seed)
        assert len(question.answer) == len(question.fields)
        assert all(isinstance(number, int) for number in question.answer)
        assert question.answer not in question.mistakes
        assert len(question.mistakes) >= 2
        assert all(len(given) == len(question.answer) for given in question.mistakes)
        assert str(question.answer[0]) in question.worked
        assert maker(seed).answer == question.answer


@pytest.mark.sampled(5)
@pytest.mark.slow
@pytest.mark.parametrize(
    ("lesson", "kind"),
    [pytest.param(lesson, kind, id=f"{lesson.slug}-{kind}") for lesson in LESSONS for kind in lesson.questions],
)
def test_an_answer_cannot_be_guessed(lesson: page.Lesson, kind: str) -> None:
    """Twenty seeds have eight different answers or more, and seeds of other people work as well."""
    _, maker = lesson.questions[kind]
    assert len({maker(seed).answer for seed in range(20)}) >= 8
    assert maker(9_999).mistakes


@pytest.mark.sampled(3)
@pytest.mark.slow
@pytest.mark.parametrize(
    ("lesson", "kind"),
    [pytest.param(lesson, kind, id=f"{lesson.slug}-{kind}") for lesson in LESSONS for kind in lesson.questions],
)
def test_right_is_accepted_and_a_known_mistake_explained(lesson: page.Lesson, kind: str) -> None:
    _, maker = lesson.questions[kind]
    test = practice.choose(practice.alone(lesson.slug), lesson.slug, kind)
    for seed in (0, 1):
        question = maker(seed)
        mistake, reason = list(question.mistakes.items())[seed]  # another one each time
        practice.answer(test, lesson.slug, kind, mistake, seed)
        assert not test.success
        assert reason in test.error[0].value
        practice.answer(test, lesson.slug, kind, question.answer, seed)
        assert test.success
        assert not test.error
        if seed == 0:
            practice.press(test, "New numbers")


@pytest.mark.deep
@every_lesson
def test_the_exercise_is_on_the_page(lesson: page.Lesson, open_page: Callable[..., AppTest]) -> None:
    kind, (_, maker) = next(iter(lesson.questions.items()))
    test = open_page(lesson.slug)
    titles = [title for title, _ in lesson.questions.values()] + ([design.TITLE] if lesson.design else [])
    assert tuple(test.segmented_control(f"{lesson.slug}-kind").options) == tuple(
        f"{number} {title}" for number, title in enumerate(titles, 1)
    )
    practice.answer(test, lesson.slug, kind, maker(0).answer)
    assert test.success
    assert not test.error
