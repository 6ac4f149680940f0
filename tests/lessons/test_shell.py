"""The frame of the app: choices that stay on their page, links that lead nowhere, progress that is merged."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from lessons._kit.form import controls, page, progress, shell

PAGE = """
from lessons._kit.form import controls, shell
from lessons._kit.form.page import Page

def render():
    controls.choice("Kernel", {"edge": "Edge", "blur": "Blur"}, "kernel")
    controls.choice("Rank", {"1": "1"}, "rank")

here = Page(slug="home", title="Home", render=render)
lab = Page(slug="laboratory", title="Laboratory", render=render)
shell.run((here, lab))
"""


def test_choices_of_a_page_that_was_left_are_forgotten_and_progress_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    state: dict[str, Any] = {"kernel": "blur", "kernel-shown": "blur", "lang": "zh", "solved": {"a": {"b"}}}
    monkeypatch.setattr("streamlit.session_state", state)
    monkeypatch.setattr(controls, "IN_URL", {"kernel"})
    monkeypatch.setattr("streamlit.query_params", {})
    first, second = (page.Page(slug=slug, title=slug, render=lambda: None) for slug in ("one", "two"))
    shell._arrive(first)
    assert state["kernel"] == "blur", "the page of the first run keeps what its link says"
    shell._arrive(second)
    assert "kernel" not in state
    assert "kernel-shown" not in state
    assert (state["lang"], state["solved"]) == ("zh", {"a": {"b"}})


def test_a_link_that_asks_for_what_is_not_there_says_so_until_something_is_chosen() -> None:
    test = AppTest.from_string(PAGE, default_timeout=60)
    test.query_params["kernel"] = "blurr"
    test.run()
    assert not test.exception
    assert "“blurr”, which does not exist" in test.warning[0].value
    assert "The nearest is “blur”." in test.warning[0].value
    test.run()
    assert len(test.warning) == 1, "a run that the page asks for by itself does not hide it"


def test_a_good_link_and_a_choice_that_became_impossible_are_no_fault_of_the_link() -> None:
    test = AppTest.from_string(PAGE, default_timeout=60)
    test.query_params["kernel"] = "blur"
    test.run()
    assert not test.exception
    assert not test.warning
    test.session_state["rank"] = "7"
    test.run()
    assert not test.warning


def test_what_a_browser_remembers_is_added_and_nonsense_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    state: dict[str, Any] = {"solved": {"convolution": {"size"}}}
    monkeypatch.setattr("streamlit.session_state", state)
    progress.take({"solved": {"convolution": ["value"], "ladder": [3, None], "x": "y"}, "last": "ladder"})
    assert progress.known() == {"convolution": ["size", "value"]}
    assert progress.last() == "ladder"
    for nonsense in (None, [], {"solved": 3}, "text"):
        progress.take(nonsense)
    assert progress.known() == {"convolution": ["size", "value"]}


@pytest.mark.deep
def test_every_lesson_leads_to_the_next_and_the_last_one_to_the_end() -> None:
    lessons = [found for found in page.discover() if isinstance(found, page.Lesson)]
    script = "from lessons._kit.form import frame, page\nframe._foot(page.find_page(page.discover(), {slug!r}))"
    for lesson, after in zip(lessons, [*lessons[1:], page.find_page(page.discover(), page.END)], strict=True):
        links = AppTest.from_string(script.format(slug=lesson.slug), default_timeout=60).run().get("page_link")
        assert links[-1].proto.label == f"Next: {after.title}"
        assert len(links) == (1 if lesson is lessons[0] else 2)


def test_what_a_lesson_builds_on_comes_before_it() -> None:
    """So needs form no circle, and the course can be read in its order."""
    lessons = [found for found in page.discover() if isinstance(found, page.Lesson)]
    before: set[str] = set()
    for lesson in lessons:
        assert set(lesson.needs) <= before, lesson.slug
        assert lesson.needs or not before, f"{lesson.slug} says what it builds on"
        before.add(lesson.slug)


def test_minutes_of_lessons_differ_as_what_is_read_and_done_there(tmp_path: Path) -> None:
    lessons = [found for found in page.discover() if isinstance(found, page.Lesson)]
    minutes = [lesson.minutes for lesson in lessons]
    assert len(set(minutes)) >= 5
    assert 3 <= min(minutes) < max(minutes) / 1.5 <= 20
    story = next(lesson for lesson in lessons if len(lesson.scenes) == 7)
    short = replace(story, scenes=story.scenes[:3], questions=dict(list(story.questions.items())[:1]))
    assert story.minutes - short.minutes >= 2 + 2 * page.QUESTION
    (tmp_path / "__init__.py").write_text("TITLE = mark('one two')\ndef draw():\n    return t('three {x} five', x=1)\n")
    (tmp_path / "picture.py").write_text("WORD = mark('six')\n")
    (tmp_path / "questions.py").write_text("WORD = mark('no word of these counts')\n")
    assert page._words(tmp_path / "__init__.py") == 6
