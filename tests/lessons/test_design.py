"""Questions for an experiment: written, compared, self-assessed; kept, exported, and graded by nobody."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import handouts
import practice
import pytest
from streamlit.testing.v1 import AppTest

from deconvviz.errors import DataError
from deconvviz.tasks.segmentation import predict
from lessons import _grade
from lessons._kit.form import answers, design
from lessons._kit.form.answers import Task
from lessons._kit.form.i18n import speaking, t
from lessons._kit.form.page import SECTIONS, Lesson, discover
from lessons.convolution import questions

LESSONS = [page for page in discover() if isinstance(page, Lesson)]
ASKED = [lesson for lesson in LESSONS if lesson.design is not None]
SLUG, TEXT = "segmentation", "Both decoders, five seeds each, measured at edges."
EARLY, LATE = "2026-12-24T23:59:59.000+00:00", "2026-12-25T00:00:00.000+00:00"


def record(text: str = TEXT, *met: int, opened: bool = True, time: str = EARLY) -> dict[str, Any]:
    return {"text": text, "met": list(met), "opened": opened, "time": time}


def test_every_section_asks_for_an_experiment() -> None:
    assert [lesson.section for lesson in ASKED] == sorted(SECTIONS, key=list(SECTIONS).index)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("lesson", ASKED, ids=lambda lesson: lesson.slug)
def test_a_question_asks_and_its_model_answer_can_be_checked(lesson: Lesson, language: str) -> None:
    assert lesson.design is not None
    with speaking(language):
        prompt, model = t(lesson.design.prompt), t(lesson.design.model)
        points = [t(point) for point in lesson.design.rubric]
    assert prompt.count("**") == 2
    assert 3 <= len(points) == len(set(points)) <= 6
    assert model.count("\n\n") >= 1
    assert len(model) > len(prompt)
    words = " ".join([model, *points])
    assert re.search("control|reference" if language == "en" else "对照|参照", words)
    assert re.search("refute|falls" if language == "en" else "否定|不成立", words)


def test_the_figures_of_the_question_are_those_of_the_file() -> None:
    assert _grade.lessons()[SLUG].design is not None
    prompt = _grade.lessons()[SLUG].design.prompt  # type: ignore[union-attr]
    found = {name: f"{100 * one['figures']['mean_iou']:.1f} %" for name, one in predict.variants().items()}
    assert f"{found['transposed']} with a transposed convolution" in prompt
    assert f"{found['unpool']} with unpooling" in prompt


def graded(folder: Path, texts: dict[str, Any], tasks: tuple[Task, ...] = ()) -> _grade.Graded:
    (folder / "a.json").write_text(answers.document("Ada", {}, texts), "utf-8")
    return _grade.grade(folder, tasks)[0]


def test_a_text_is_listed_as_self_assessed_and_counts_nowhere(tmp_path: Path) -> None:
    one = graded(tmp_path, {SLUG: record(TEXT, 2, 5, 9)})
    (text,) = one.texts
    assert (text.assessed.met, text.points, one.rows, one.notes) == ((2, 5), 5, [], [])
    (row,) = csv.DictReader(io.StringIO(_grade.table([one])))
    assert (row["question"], row["answers"], row["self_assessed"]) == ("design", TEXT, "2 of 5")
    assert {row[key] for key in ("right", "solved", "tries")} == {""}
    page = _grade.report([one], ())
    assert "2 of 5 points" in page
    assert "No machine graded them" in page
    assert "0 / 0" in page


def test_a_draft_has_no_points_and_a_formula_does_not_run(tmp_path: Path) -> None:
    one = graded(tmp_path, {SLUG: record("=1+1", 1, opened=False)})
    (row,) = csv.DictReader(io.StringIO(_grade.table([one])))
    assert (row["answers"], row["self_assessed"]) == ("'=1+1", "draft")
    assert "<i>" not in _grade.report([graded(tmp_path, {SLUG: record("<i>")})], ())


def test_a_link_asks_for_its_lesson_and_its_day(tmp_path: Path) -> None:
    task = Task(SLUG, 12, date(2026, 12, 24))
    for time, is_late in ((EARLY, False), (LATE, True)):
        (text,) = graded(tmp_path, {SLUG: record(time=time), "top-nine": record()}, (task,)).texts
        assert text.is_late == is_late
    assert graded(tmp_path, {"ladder": record()}).texts == []


def test_the_command_says_that_it_did_not_grade(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "class"
    folder.mkdir()
    right = {"convolution/value/12": {"given": [list(questions.one_value(12).answer)], "times": [EARLY]}}
    (folder / "a.json").write_text(answers.document("Ada", right, {SLUG: record()}), "utf-8")
    _grade.main([str(folder), "--csv", str(tmp_path / "g.csv"), "--html", str(tmp_path / "g.html")])
    assert "self-assessed texts, listed apart and not graded: 1" in capsys.readouterr().out
    assert "1 / 1" in (tmp_path / "g.html").read_text("utf-8")


def test_files_from_before_there_were_texts_are_read_and_bad_ones_get_a_sentence() -> None:
    known = json.loads(answers.document("Ada", {}, {SLUG: record()}))
    del known["self_assessed"]
    assert answers.read(json.dumps(known).encode()).assessed == ()
    for change, sentence in (({"met": ["1"]}, "met"), ({"time": "now"}, "is no time"), ({"text": 3}, "should be text")):
        bad = known | {"self_assessed": [{"lesson": SLUG, **record(), **change}]}
        with pytest.raises(DataError, match=sentence):
            answers.read(json.dumps(bad).encode())


def test_of_two_texts_the_later_counts_and_nonsense_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    state: dict[str, Any] = {}
    monkeypatch.setattr("streamlit.session_state", state)
    answers.take_written({SLUG: record("old", time=EARLY)})
    answers.take_written({SLUG: record("new", 1, time=LATE)})
    answers.take_written({SLUG: record("old", time=EARLY)})
    for nonsense in (None, [], {"x": 1}, {"a b": record()}, {"a": record("x" * 4000)}, {"b": record(time="now")}):
        answers.take_written(nonsense)
    assert {slug: one["text"] for slug, one in answers.written().items()} == {SLUG: "new"}
    answers.write(SLUG, record("newest"))
    assert abs(answers.moment(answers.written()[SLUG]["time"]) - datetime.now(UTC)) < timedelta(minutes=1)
    answers.forget()
    assert answers.written() == {}


@pytest.mark.slow
def test_the_model_answer_opens_once_something_is_written_and_ticks_are_kept() -> None:
    test = practice.choose(practice.alone(SLUG), SLUG, design.KIND)
    model = _grade.lessons()[SLUG].design.model  # type: ignore[union-attr]
    opener = next(button for button in test.button if button.label == "Compare with a model answer")
    assert opener.disabled
    assert model not in [one.value for one in test.markdown]
    test.text_area(f"{SLUG}-{design.KIND}").set_value(TEXT).run()
    practice.press(test, "Compare with a model answer")
    assert model in [one.value for one in test.markdown]
    assert test.text_area(f"{SLUG}-{design.KIND}").disabled
    test.checkbox(f"{SLUG}-{design.KIND}-2").check().run()
    assert any(one.value.startswith("1 of 5 points, by your own judgement") for one in test.caption)
    kept = test.session_state["written"][SLUG]
    assert (kept["text"], kept["met"], kept["opened"]) == (TEXT, [2], True)
    assert test.session_state["solved"].get(SLUG, set()) == set()
    practice.press(test, "Write again")
    kept = test.session_state["written"][SLUG]
    assert (kept["text"], kept["met"], kept["opened"]) == (TEXT, [], False)


@pytest.mark.slow
def test_the_page_for_a_class_and_the_handout_have_the_model_answer(open_page: Callable[..., AppTest]) -> None:
    test = open_page("class", lesson=SLUG, numbers="12")
    asked = _grade.lessons()[SLUG].design
    assert asked is not None
    assert {asked.prompt, asked.model} <= {one.value for one in test.markdown}
    sheet = handouts.document(_grade.lessons()[SLUG], 26, 1, b"", ())
    assert '<div class="model">' in sheet
    assert asked.rubric[0] in sheet
