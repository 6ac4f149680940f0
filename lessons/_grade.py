"""`python -m lessons._grade DIR`: grade the answers of a class anew, from the arrays of every question.

What a file says of itself is not believed: the maker of each question makes it again from its seed, and the right
answer is read there. Texts that their writers assessed themselves are listed apart and never counted. `deconvviz grade`
starts this.
"""

from __future__ import annotations

import argparse
import csv
import html
import io
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.metadata import version
from pathlib import Path

from deconvviz import storage
from deconvviz.errors import DataError, DeconvvizError, nearest
from lessons._kit.form import answers, design
from lessons._kit.form.answers import Answered, Assessed, Sheet, Task
from lessons._kit.form.exercise import SEEDS, Answer
from lessons._kit.form.i18n import LANGUAGES, speaking, t
from lessons._kit.form.library import said
from lessons._kit.form.page import Lesson, discover

COLUMNS = (
    "file", "name", "lesson", "question", "seed", "answers", "right", "solved", "tries", "first", "last", "late",
    "checksum", "self_assessed",
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One graded question of one person.

    Attributes:
      answered: what was answered.
      right: the answer of the arrays.
      tries: the answer that was right, counted from 1; 0 where none was before the right one was shown.
      is_late: the right answer came after the last day, or all answers did.
    """

    answered: Answered
    right: Answer
    tries: int
    is_late: bool


@dataclass(frozen=True)
class Text:
    """What a person wrote and assessed alone.

    Attributes:
      assessed: the text and the ticks.
      points: of the rubric.
      is_late: it was changed after the last day.
    """

    assessed: Assessed
    points: int
    is_late: bool


@dataclass
class Graded:
    """One file.

    Attributes:
      file: its name.
      sheet: what it holds; None where it cannot be read.
      rows: its questions.
      texts: what was written and assessed by the person; nothing of it is graded.
      notes: what the teacher should know of it, a sentence each.
    """

    file: str
    sheet: Sheet | None = None
    rows: list[Row] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def grade(folder: Path, tasks: Sequence[Task]) -> list[Graded]:
    """Every file ``*.json`` of a folder, graded.

    Args:
      folder: of the files.
      tasks: what the teacher asked for; empty takes every question with whatever seed.

    Raises:
      DataError: there is no such folder, or no such file in it; a task names no lesson.
    """
    if not folder.is_dir():
        raise DataError(f"DIR={str(folder)!r} is no folder: name the one that holds the files of the class")
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() == ".json")
    if not paths:
        raise DataError(f"{folder} holds no .json file: put the files of the class there, one a person")
    for task in tasks:
        if task.slug not in lessons():
            raise DataError(
                f"--link names the lesson {task.slug!r}, which there is not; {nearest(task.slug, lessons())}"
            )
    graded = [grade_file(path, tasks) for path in paths]
    _note_copies(graded)
    return graded


@cache
def lessons() -> dict[str, Lesson]:
    """Slug -> lesson, in the order of the course."""
    return {page.slug: page for page in discover() if isinstance(page, Lesson)}


def grade_file(path: Path, tasks: Sequence[Task]) -> Graded:
    """One file; whatever is wrong with it becomes a note."""
    graded = Graded(path.name)
    try:
        graded.sheet = sheet = answers.read(storage.read_bytes(path, DataError))
    except DataError as error:
        graded.notes.append(t("This file cannot be graded: {reason}.", reason=said(error)))
        return graded
    if not sheet.is_whole:
        graded.notes.append(
            t("The checksum does not fit: the file was changed after it was saved, or damaged. Ask for a new one.")
        )
    if sheet.course != version("deconvviz"):
        graded.notes.append(
            t(
                "It was answered with release {theirs}, and is graded with {ours}: questions may differ.",
                theirs=sheet.course[:40],
                ours=version("deconvviz"),
            )
        )
    graded_once: set[tuple[str, str, int]] = set()
    for one in sheet.answered:
        place = (one.slug, one.kind, one.seed)
        wanted = [task for task in tasks if (task.slug, task.seed) == (one.slug, one.seed)]
        if place in graded_once:
            graded.notes.append(t("{question} appears twice; the first answer counts.", question=_name(one)))
        elif one.slug not in lessons() or one.kind not in lessons()[one.slug].questions:
            graded.notes.append(t("There is no question {question}; it is left out.", question=_name(one)))
        elif not 0 <= one.seed < SEEDS * 10:
            graded.notes.append(
                t("{question} has seed {seed}, which does not exist.", question=_name(one), seed=one.seed)
            )
        elif one.given and (wanted or not tasks):
            graded.rows.append(row(one, wanted[0] if wanted else None))
        graded_once.add(place)
    if tasks and any(not _asked(one, tasks) for one in sheet.answered):
        graded.notes.append(t("Answers to other numbers than the links ask for are left out."))
    graded.texts = texts_of(sheet, tasks)
    return graded


def texts_of(sheet: Sheet, tasks: Sequence[Task]) -> list[Text]:
    """The texts of a person to the questions for an experiment that were asked for."""
    result = []
    for one in sheet.assessed:
        lesson = lessons().get(one.slug)
        wanted = [task for task in tasks if task.slug == one.slug]
        if lesson is None or lesson.design is None or (tasks and not wanted):
            continue
        points = len(lesson.design.rubric)
        met = tuple(number for number in one.met if one.opened and 1 <= number <= points)
        is_late = bool(wanted) and _is_late(wanted[0], one.time)
        result.append(Text(replace(one, met=met), points, is_late))
    return result


def _asked(one: Answered, tasks: Sequence[Task]) -> bool:
    return any((task.slug, task.seed) == (one.slug, one.seed) for task in tasks)


def _name(one: Answered) -> str:
    return f"“{one.slug[:60]}/{one.kind[:60]}”"


def row(one: Answered, task: Task | None) -> Row:
    """A question, with the right answer read from its arrays."""
    right = right_answers(one.slug, one.kind, one.seed)
    counted = one.given[: answers.TRIES]
    tries = next((number for number, given in enumerate(counted, 1) if given in right), 0)
    is_late = task is not None and _is_late(task, one.times[tries - 1 if tries else 0])
    return Row(one, right[0], tries, is_late)


def _is_late(task: Task, time: str) -> bool:
    """Whether a time lies after the last day of a task."""
    if task.due is None:
        return False
    end = datetime(task.due.year, task.due.month, task.due.day, tzinfo=UTC) + timedelta(days=1)
    return answers.moment(time) >= end


@cache
def right_answers(slug: str, kind: str, seed: int) -> tuple[Answer, ...]:
    """The answers of the arrays, the best one first; a class asks for the same ones many times."""
    question = lessons()[slug].questions[kind][1](seed)
    return question.answer, *sorted(set(question.equals) - {question.answer})


def _note_copies(graded: Iterable[Graded]) -> None:
    """Say which files hold the same answers given at the same seconds."""
    first: dict[tuple[Answered, ...], str] = {}
    for one in graded:
        if one.sheet is not None and one.sheet.answered:
            other = first.setdefault(one.sheet.answered, one.file)
            if other != one.file:
                one.notes.append(t("It holds the same answers of the same seconds as {file}.", file=other))


def table(graded: Iterable[Graded]) -> str:
    """The CSV: a row for each question of each person; of a text only its own column says what its writer ticked."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for one in graded:
        for each in one.rows:
            assert one.sheet is not None
            said = each.answered
            writer.writerow(
                (
                    _cell(one.file), _cell(one.sheet.name), said.slug, said.kind, said.seed,
                    " | ".join(map(_numbers, said.given)), _numbers(each.right), int(each.tries > 0), each.tries,
                    said.times[0], said.times[-1], int(each.is_late), "fits" if one.sheet.is_whole else "does not fit",
                    "",
                )
            )  # fmt: skip
        for text in one.texts:
            assert one.sheet is not None
            wrote = text.assessed
            writer.writerow(
                (
                    _cell(one.file), _cell(one.sheet.name), wrote.slug, design.KIND, "", _cell(wrote.text), "", "", "",
                    wrote.time, wrote.time, int(text.is_late), "fits" if one.sheet.is_whole else "does not fit",
                    _ticks(text),
                )
            )  # fmt: skip
    return out.getvalue()


def _ticks(text: Text) -> str:
    """The points that the writer of a text ticked, such as "3 of 5"; "draft" before the model answer was opened."""
    return f"{len(text.assessed.met)} of {text.points}" if text.assessed.opened else "draft"


def _cell(text: str) -> str:
    """A text of a stranger for a spreadsheet, which would run what begins like a formula."""
    return f"'{text}" if text[:1] in "=+-@\t\r" and text else text


def _numbers(answer: Answer) -> str:
    return " ".join(map(str, answer))


def report(graded: Sequence[Graded], tasks: Sequence[Task]) -> str:
    """The page: who solved what, what is wrong with which file, and what a checksum tells."""
    asked = columns(graded, tasks)
    head = "".join(f"<th>{_e(t(lessons()[slug].title))}<br>{_e(t(lessons()[slug].questions[kind][0]))}</th>"
                   for slug, kind in asked)  # fmt: skip
    people = [one for one in graded if one.sheet is not None]
    rows = "".join(_person(one, asked) for one in people)
    notes = "".join(
        f"<li><b>{_e(one.file)}</b>{_of(one)}<ul>{''.join(f'<li>{_e(note)}</li>' for note in one.notes)}</ul></li>"
        for one in graded
        if one.notes
    )
    wanted = "".join(f"<li>{_e(t(lessons()[task.slug].title))}: {_e(_task(task))}</li>" for task in tasks)
    said = [
        t("✓ solved at the first answer, ✓2 at the second. ✗ not solved before the answer was shown, – not answered."),
        t("* There is a note on this file, below."),
        t("Every right answer was computed anew from the arrays of its question and seed. Days end at midnight UTC."),
        t(
            "The checksum shows damage, and a change by somebody who did not make a new checksum. It does not show "
            "who answered, with what help, or whether the file was written by a program: the course is open, and "
            "whoever runs its code can make a fitting checksum for any answers. To be certain, ask in person."
        ),
    ]
    return f"""<!doctype html>
<meta charset="utf-8"><title>{_e(t("Grades"))}</title>
<style>
body {{ font: 14px/1.4 system-ui, sans-serif; margin: 24px; }} table {{ border-collapse: collapse; }}
th, td {{ border: 1px solid #999; padding: 4px 8px; text-align: center; }} td:first-child {{ text-align: left; }}
.late {{ background: #fde9c8; }} td.text {{ text-align: left; white-space: pre-wrap; max-width: 80ch; }}
p, ul {{ max-width: 90ch; }}
</style>
<h1>{_e(t("Grades"))}</h1>
<p>{_e(t("{count} files, {date}", count=len(graded), date=datetime.now(UTC).date().isoformat()))}</p>
<ul>{wanted}</ul>
<table><tr><th>{_e(t("Name"))}</th><th>{_e(t("Solved"))}</th>{head}</tr>{rows}</table>
{"".join(f"<p>{_e(sentence)}</p>" for sentence in said)}
<ul>{notes}</ul>
{_texts(people)}
"""


def _of(one: Graded) -> str:
    """Whose file it is, as it says."""
    return f" ({_e(one.sheet.name)})" if one.sheet is not None and one.sheet.name.strip() else ""


def _texts(people: Iterable[Graded]) -> str:
    """The texts with what their writers ticked, apart from everything that was graded."""
    rows = []
    for one in people:
        assert one.sheet is not None
        name = _e(one.sheet.name.strip() or one.file)
        for text in one.texts:
            said = t("draft: the model answer was not opened")
            if text.assessed.opened:
                said = t("{met} of {count} points", met=len(text.assessed.met), count=text.points)
            late = f" {_e(t('late'))}" if text.is_late else ""
            rows.append(
                f"<tr><td>{name}</td><td>{_e(t(lessons()[text.assessed.slug].title))}</td>"
                f"<td{' class=late' if text.is_late else ''}>{_e(said)}{late}</td>"
                f'<td class="text">{_e(text.assessed.text)}</td></tr>'
            )
    if not rows:
        return ""
    note = t(
        "These texts are self-assessed: each student ticked what the own text says of the rubric, after reading the "
        "model answer. No machine graded them, and they count in no number above."
    )
    heads = (t("Name"), t("Lesson"), t("Self-assessed"), t("Text"))
    head = "".join(f"<th>{_e(word)}</th>" for word in heads)
    return f"<h2>{_e(t('Self-assessed'))}</h2><p>{_e(note)}</p><table><tr>{head}</tr>{''.join(rows)}</table>"


def _e(text: str) -> str:
    return html.escape(text)


def _task(task: Task) -> str:
    numbers = t("numbers {seed}", seed=task.seed)
    return numbers if task.due is None else f"{numbers}, {t('until {day}', day=task.due.isoformat())}"


def columns(graded: Iterable[Graded], tasks: Sequence[Task]) -> list[tuple[str, str]]:
    """(lesson, question) of every column: those of the links, else those that anybody answered; in course order."""
    answered = {(each.answered.slug, each.answered.kind) for one in graded for each in one.rows}
    slugs = {task.slug for task in tasks}
    every = [(slug, kind) for slug, lesson in lessons().items() for kind in lesson.questions]
    return [place for place in every if place[0] in slugs or (not tasks and place in answered)]


def _person(one: Graded, asked: Sequence[tuple[str, str]]) -> str:
    """A row of the table; of a question with several seeds the best counts."""
    assert one.sheet is not None
    best: dict[tuple[str, str], Row] = {}
    for each in sorted(one.rows, key=lambda each: (each.is_late, each.tries or 9), reverse=True):
        best[each.answered.slug, each.answered.kind] = each
    solved = sum(place in best and best[place].tries > 0 and not best[place].is_late for place in asked)
    cells = "".join(_mark(best.get(place)) for place in asked)
    name = (one.sheet.name.strip() or one.file) + (" *" if one.notes else "")
    return f"<tr><td>{_e(name)}</td><td>{solved} / {len(asked)}</td>{cells}</tr>"


def _mark(each: Row | None) -> str:
    if each is None:
        return "<td>–</td>"
    sign = {0: "✗", 1: "✓"}.get(each.tries, f"✓{each.tries}")
    return f'<td class="late">{sign} {_e(t("late"))}</td>' if each.is_late else f"<td>{sign}</td>"


def main(arguments: Sequence[str] | None = None) -> None:
    """Grade a folder and write both files."""
    parser = argparse.ArgumentParser(prog="deconvviz grade")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--link", action="append", default=[])
    parser.add_argument("--csv", type=Path, required=True)
    parser.add_argument("--html", type=Path, required=True)
    parser.add_argument("--lang", choices=LANGUAGES, default="en")
    asked = parser.parse_args(arguments)
    try:
        with speaking(asked.lang):
            tasks = [answers.task_of(link) for link in asked.link]
            graded = grade(asked.folder, tasks)
            storage.write(asked.csv, table(graded).encode("utf-8-sig"))
            storage.write(asked.html, report(graded, tasks).encode())
    except (DeconvvizError, OSError) as error:
        print(f"deconvviz: {error}", file=sys.stderr)
        sys.exit(2)
    unread = sum(one.sheet is None for one in graded)
    noted = sum(bool(one.notes) for one in graded)
    print(f"{len(graded)} files: {len(graded) - unread} graded, {unread} not readable, {noted} with notes")
    texts = sum(len(one.texts) for one in graded)
    if texts:
        print(f"self-assessed texts, listed apart and not graded: {texts}")
    print(f"{asked.csv}\n{asked.html}")


if __name__ == "__main__":
    main()
