"""Answers of a class: kept, saved as one file, read again and graded from the arrays; bad files get a sentence."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import practice
import pytest
from streamlit.testing.v1 import AppTest

from deconvviz.errors import DataError
from lessons import _grade
from lessons._kit.form import answers
from lessons._kit.form.answers import Task
from lessons._kit.form.i18n import speaking
from lessons.convolution import questions

SLUG = "convolution"
EARLY, LATE = "2026-12-24T23:59:59+00:00", "2026-12-25T00:00:00+00:00"
TASK = Task(SLUG, 12, date(2026, 12, 24))
RIGHT = questions.one_value(12).answer


def remembered(*given: tuple[int, ...], kind: str = "value", seed: int = 12, time: str = EARLY) -> dict[str, Any]:
    return {f"{SLUG}/{kind}/{seed}": {"given": [list(one) for one in given], "times": [time] * len(given)}}


def graded(folder: Path, text: str | bytes, tasks: tuple[Task, ...] = ()) -> _grade.Graded:
    (folder / "a.json").write_bytes(text if isinstance(text, bytes) else text.encode())
    return _grade.grade(folder, tasks)[0]


def test_a_file_gives_back_what_was_answered() -> None:
    sheet = answers.read(answers.document("Ada", remembered((3,), RIGHT)).encode())
    assert (sheet.name, sheet.is_whole) == ("Ada", True)
    assert sheet.answered[0].given == ((3,), RIGHT)
    assert (sheet.answered[0].slug, sheet.answered[0].kind, sheet.answered[0].seed) == (SLUG, "value", 12)


@pytest.mark.parametrize(
    ("given", "tries"),
    [([RIGHT], 1), ([(999,), RIGHT], 2), ([(999,), (998,), RIGHT], 0), ([(999,)], 0)],
)
def test_an_answer_counts_until_the_right_one_is_shown(tmp_path: Path, given: list[Any], tries: int) -> None:
    (row,) = graded(tmp_path, answers.document("Ada", remembered(*given))).rows
    assert (row.tries, row.right) == (tries, RIGHT)


def test_what_the_file_says_is_not_believed(tmp_path: Path) -> None:
    record = json.loads(answers.document("Ada", remembered((999,))))
    record["answers"][0] |= {"solved": True, "right": [999]}
    record["checksum"] = answers.checksum(record)
    (row,) = graded(tmp_path, json.dumps(record)).rows
    assert row.tries == 0


def test_a_day_ends_at_midnight(tmp_path: Path) -> None:
    for time, is_late in ((EARLY, False), (LATE, True), ("2026-12-25T07:59:00+08:00", False)):
        (row,) = graded(tmp_path, answers.document("Ada", remembered(RIGHT, time=time)), (TASK,)).rows
        assert row.is_late == is_late


def test_other_numbers_than_the_link_asks_for_do_not_count(tmp_path: Path) -> None:
    text = answers.document("Ada", remembered(RIGHT, seed=13))
    one = graded(tmp_path, text, (TASK,))
    assert one.rows == []
    assert one.notes == ["Answers to other numbers than the links ask for are left out."]
    assert len(graded(tmp_path, text).rows) == 1


def changed(**change: Any) -> str:
    record = json.loads(answers.document("Ada", remembered(RIGHT))) | change
    return json.dumps(record)


def one(**change: Any) -> list[dict[str, Any]]:
    return [{"question": f"{SLUG}/value", "seed": 12, "given": [[1]], "times": [EARLY], **change}]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b"\xff\xfe\x00", "cannot be graded: it is not JSON"),
        ("{", "cannot be graded: it is not JSON"),
        ("[" * 50_000, "nested too deeply"),
        ("[]", "it should be a record; it is []"),
        ('{"solved": {}}', "holds no answers of this course"),
        (changed(edition=2), "its format is edition 2, this program reads edition 1"),
        (changed(course="9.9"), "answered with release 9.9"),
        (changed(answers=one(given=[[7]])), "The checksum does not fit"),
        (changed(answers=one(question="convolution/vlaue")), "There is no question “convolution/vlaue”"),
        (changed(answers=one(question="nonsense")), "There is no question “nonsense/”"),
        (changed(answers=one(seed=-1)), "has seed -1, which does not exist"),
        (changed(answers=one(seed=10**12)), "has seed 1000000000000, which does not exist"),
        (changed(answers=one(given=[["1"]])), "answers[0].given[0][0] should be a whole number; it is '1'"),
        (changed(answers=one(times=[])), "answers[0] has 1 answers and 0 times"),
        (changed(answers=one(times=["yesterday"])), "'yesterday' is no time"),
        (changed(answers=one(times=["2026-12-24T08:00:00"])), "is no time with a time zone"),
        (changed(answers=one() * 2), "appears twice; the first answer counts"),
        (changed(name=3), "name should be text; it is 3"),
        (changed(answers=None), "answers should be a list"),
    ],
)
def test_a_bad_file_gets_a_sentence(tmp_path: Path, text: str | bytes, sentence: str) -> None:
    found = graded(tmp_path, text)
    assert any(sentence in note for note in found.notes), found.notes
    with speaking("zh"):
        assert "<h1>" in _grade.report([found], ())


def test_a_copy_is_named_and_names_cannot_run(tmp_path: Path) -> None:
    for name, person in (("a", "=HYPERLINK(1)"), ("b", "<b>Bob</b>")):
        text = answers.document(person, remembered(RIGHT))
        (tmp_path / f"{name}.json").write_text(text, "utf-8")
    found = _grade.grade(tmp_path, (TASK,))
    assert found[1].notes == ["It holds the same answers of the same seconds as a.json."]
    rows = list(csv.DictReader(io.StringIO(_grade.table(found))))
    assert rows[0]["name"] == "'=HYPERLINK(1)"
    assert [(row["solved"], row["tries"], row["right"]) for row in rows] == [("1", "1", str(RIGHT[0]))] * 2
    page = _grade.report(found, (TASK,))
    assert "<td>&lt;b&gt;Bob&lt;/b&gt; *</td>" in page, "a row says that there is a note on its file"
    assert "<td>=HYPERLINK(1)</td>" in page
    assert "<b>b.json</b> (&lt;b&gt;Bob&lt;/b&gt;)" in page
    assert "<b>Bob" not in page
    assert "1 / 3" in page
    assert "can make a fitting checksum for any answers" in page


def test_three_students_are_graded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "class"
    folder.mkdir()
    for name, given in (("Ada", [RIGHT]), ("Ben", [(999,), RIGHT]), ("Cem", [(999,)])):
        (folder / f"{name}.json").write_text(answers.document(name, remembered(*given)), "utf-8")
    out = ["--csv", str(tmp_path / "g.csv"), "--html", str(tmp_path / "g.html")]
    _grade.main([str(folder), "--link", answers.link("http://here", TASK), *out])
    assert capsys.readouterr().out.startswith("3 files: 3 graded, 0 not readable, 0 with notes")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "g.csv").read_text("utf-8-sig"))))
    assert [(row["name"], row["tries"]) for row in rows] == [("Ada", "1"), ("Ben", "2"), ("Cem", "0")]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nowhere"], "is no folder"),
        (["."], "holds no .json file"),
        ([".", "--link", "http://x/convolution"], "is no teacher's link"),
        ([".", "--link", "http://x/convolution?exercise=1&due=2026-02-30"], "is no teacher's link"),
    ],
)
def test_a_bad_call_gets_a_sentence(
    arguments: list[str], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match="2"):
        _grade.main([*arguments, "--csv", "g.csv", "--html", "g.html"])
    assert sentence in capsys.readouterr().err


def test_a_link_to_no_lesson_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{}")
    with pytest.raises(DataError, match="'convolutoin', which there is not; did you mean convolution"):
        _grade.grade(tmp_path, [Task("convolutoin", 1)])


def test_what_a_browser_remembers_is_added_and_the_longer_record_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    state: dict[str, Any] = {}
    monkeypatch.setattr("streamlit.session_state", state)
    answers.note(SLUG, "value", 12, (3,))
    answers.take(remembered((3,), (4,)))
    assert answers.known()[f"{SLUG}/value/12"]["given"] == [[3], [4]]
    answers.take(remembered((5,)))
    nonsense = {"x": 1, "a/b/c": {"given": [[1]], "times": ["now"]}, "a/b/1": {"given": [1], "times": ["now"]}}
    for stored in (None, [], nonsense):
        answers.take(stored)
    assert answers.known() == remembered((3,), (4,))


@pytest.mark.slow
def test_a_lesson_notes_answers_and_offers_the_file_where_the_link_has_a_day() -> None:
    assert not practice.alone(SLUG).get("download_button")
    test = AppTest.from_string(practice.ALONE.format(slug=SLUG), default_timeout=120)
    test.query_params["due"] = "2026-12-24"
    assert "by 2026-12-24" in test.run().info[-1].value
    assert test.get("download_button")
    practice.choose(test, SLUG, "value")
    practice.answer(test, SLUG, "value", (999,))
    assert test.session_state["answers"][f"{SLUG}/value/0"]["given"] == [[999]]


@pytest.mark.slow
def test_a_clicked_cell_a_dragged_threshold_and_a_found_fault_are_graded_from_the_arrays() -> None:
    places = (("convolution", "reader"), ("receptive-fields", "paths"), ("four-rules-at-a-rectifier", "bug"))
    for slug, kind in places:
        question = _grade.lessons()[slug].questions[kind][1](12)
        for right in {question.answer, *question.equals}:
            wrong = next(iter(question.mistakes))
            answered = answers.Answered(slug, kind, 12, (wrong, right), (EARLY, EARLY))
            assert _grade.row(answered, None).tries == 2
            assert _grade.row(replace(answered, given=(wrong, wrong)), None).tries == 0


@pytest.mark.slow
def test_a_teachers_page_keeps_last_day_and_scene_in_its_link(open_page: Callable[..., AppTest]) -> None:
    test = open_page("class", lesson=SLUG, day="2026-12-24", opens="3")
    assert not test.exception
    assert test.code[0].value.endswith("&due=2026-12-24&scene=3")
    test.text_input("day-shown").set_value(" 2027-01-05 ").run()
    test.number_input("opens-shown").set_value(2).run()
    assert test.code[0].value.endswith("&due=2027-01-05&scene=2")
    assert (test.session_state["day"], test.session_state["opens"]) == ("2027-01-05", "2"), "what a reload opens"
    test.text_input("day-shown").set_value("24.12.").run()
    assert "“24.12.” is no day" in test.error[0].value
    assert "due=" not in test.code[0].value


@pytest.mark.slow
def test_the_page_for_a_class_has_the_link_and_every_answer(open_page: Callable[..., AppTest]) -> None:
    test = open_page("class", lesson=SLUG, numbers="12")
    assert not test.exception
    assert test.code[0].value.endswith("/convolution?exercise=12")
    shown = [element.value for element in test.markdown]
    for _, maker in questions.QUESTIONS.values():
        question = maker(12)
        assert question.prompt in shown
        assert question.worked in [element.value.strip("$\n") for element in test.latex]
