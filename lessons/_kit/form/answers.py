"""What a person answered, for a teacher: the browser keeps it, one file holds it, and whoever reads it grades it anew.

A file says which question with which seed was answered how and when, never what is right: `lessons/_grade.py` asks the
makers of the questions for that.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from importlib.metadata import version
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import streamlit as st

from deconvviz import storage
from deconvviz.errors import DataError
from lessons._kit.form import controls
from lessons._kit.form.i18n import t

#: After so many answers the right one is shown: later ones count no more.
TRIES = 2
#: Names in an address: the seed that everybody answers, and the last day, as 2026-12-24.
SEED, DUE = "exercise", "due"
#: What the file says of itself.
FORMAT, EDITION = "deconvviz-answers", 1
#: Answered questions that are remembered, and answers of each.
MOST, MOST_GIVEN = 1000, 20
_ANSWERS, _WRITTEN = "answers", "written"
#: Letters of a text that is kept.
MOST_TEXT = 3000
#: A question for an experiment of which nothing is written; `met` are the ticked points of its rubric, from 1.
BLANK: Mapping[str, Any] = MappingProxyType({"text": "", "met": (), "opened": False, "time": ""})
_SLUG = re.compile(r"[a-z0-9_-]{1,80}")
_PLACE = re.compile(r"[a-z0-9_-]{1,80}/[a-z0-9_-]{1,80}/[0-9]{1,9}")
_ONE = {"given": [[int]], "times": [str]}
_TEXT = {"text": str, "met": [int], "opened": bool, "time": str}
_SHAPE = {
    "format": str,
    "edition": int,
    "course": str,
    "name": str,
    "answers": [{"question": str, "seed": int, "given": [[int]], "times": [str]}],
    "self_assessed?": [{"lesson": str, **_TEXT}],
    "checksum": str,
}


@dataclass(frozen=True)
class Answered:
    """One question that a person answered.

    Attributes:
      slug, kind: of the lesson and of the question in it.
      seed: of its numbers.
      given: every answer, the first one first.
      times: when each was given, ISO 8601 in UTC.
    """

    slug: str
    kind: str
    seed: int
    given: tuple[tuple[int, ...], ...]
    times: tuple[str, ...]


@dataclass(frozen=True)
class Assessed:
    """A text that its writer compared with a model answer; nothing of it is graded.

    Attributes:
      slug: of the lesson.
      text: what was written.
      met: the points of the rubric that the writer ticked, from 1.
      opened: whether the model answer was opened: before that nothing is ticked, and the text is a draft.
      time: of the last change, ISO 8601 in UTC.
    """

    slug: str
    text: str
    met: tuple[int, ...]
    opened: bool
    time: str


@dataclass(frozen=True)
class Sheet:
    """The answers of one person.

    Attributes:
      name: as the person wrote it.
      course: release of the course that asked.
      answered: the questions.
      is_whole: whether the checksum fits.
      assessed: what was written and assessed by the person.
    """

    name: str
    course: str
    answered: tuple[Answered, ...]
    is_whole: bool
    assessed: tuple[Assessed, ...] = ()


@dataclass(frozen=True)
class Task:
    """What a teacher's link asks for.

    Attributes:
      slug: the lesson.
      seed: of the numbers.
      due: the last day, in UTC; None where there is none.
    """

    slug: str
    seed: int
    due: date | None = None


def link(base: str, task: Task, scene: int | None = None) -> str:
    """The address that opens a lesson, at a scene, with these numbers.

    >>> link("http://127.0.0.1:8501/", Task("convolution", 12, date(2026, 12, 24)), 3)
    'http://127.0.0.1:8501/convolution?exercise=12&due=2026-12-24&scene=3'
    """
    query = {SEED: str(task.seed)}
    if task.due is not None:
        query[DUE] = task.due.isoformat()
    if scene is not None:
        query["scene"] = str(scene)
    return f"{base.rstrip('/')}/{task.slug}?{urlencode(query)}"


def task_of(address: str) -> Task:
    """What a teacher's link asks for.

    Raises:
      DataError: it names no lesson, no seed, or a day that there is not.

    >>> task_of("http://127.0.0.1:8501/convolution?exercise=12&due=2026-12-24")
    Task(slug='convolution', seed=12, due=datetime.date(2026, 12, 24))
    """
    try:
        parts = urlsplit(address)
        query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        slug = parts.path.rstrip("/").rpartition("/")[2]
        seed = query.get(SEED, "")
        if not slug or not (seed.isascii() and seed.isdigit() and len(seed) < 10):
            raise ValueError(f"a lesson and {SEED}=NUMBER are missing")
        return Task(slug, int(seed), date.fromisoformat(query[DUE]) if DUE in query else None)
    except ValueError as error:
        raise DataError(
            f"{address!r} is no teacher's link ({error}); it looks like "
            f".../convolution?{SEED}=12&{DUE}=2026-12-24: copy it from the page “For a class”"
        ) from error


def known() -> dict[str, dict[str, Any]]:
    """What this session knows: "lesson/question/seed" -> its answers and their times."""
    remembered: dict[str, dict[str, Any]] = st.session_state.setdefault(_ANSWERS, {})
    return remembered


def note(slug: str, kind: str, seed: int, answer: tuple[int, ...]) -> None:
    """Remember an answer and the time."""
    all_known = known()
    place = f"{slug}/{kind}/{seed}"
    if len(all_known) < MOST or place in all_known:
        entry = all_known.setdefault(place, {"given": [], "times": []})
        if len(entry["given"]) < MOST_GIVEN:
            entry["given"].append(list(answer))
            entry["times"].append(datetime.now(UTC).isoformat(timespec="seconds"))


def written() -> dict[str, dict[str, Any]]:
    """What this session has of texts: lesson -> a record like `BLANK`."""
    remembered: dict[str, dict[str, Any]] = st.session_state.setdefault(_WRITTEN, {})
    return remembered


def write(slug: str, record: Mapping[str, Any]) -> None:
    """Remember the text of a lesson, or its ticks, and the time."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    written()[slug] = {**record, "met": list(record["met"]), "time": now}


def take_written(stored: Any) -> None:
    """Add the texts that a browser remembers; what is none is left out, and of one lesson the later text counts."""
    for slug, record in stored.items() if isinstance(stored, dict) else ():
        try:
            storage.check_shape(record, _TEXT, ValueError)
            time = moment(record["time"])
        except (ValueError, DataError):
            continue
        old = written().get(slug)
        is_known = old is not None and moment(old["time"]) >= time
        if _SLUG.fullmatch(slug) and len(record["text"]) <= MOST_TEXT and not is_known and len(written()) < MOST:
            written()[slug] = {key: record[key] for key in _TEXT}


def forget() -> None:
    """Forget all answers of this session."""
    st.session_state[_ANSWERS] = {}
    st.session_state[_WRITTEN] = {}


def take(stored: Any) -> None:
    """Add what a browser remembers; what is no answer is left out, and of one question the longer record counts."""
    remembered = known()
    for place, record in stored.items() if isinstance(stored, dict) else ():
        try:
            storage.check_shape(record, _ONE, ValueError)
        except ValueError:
            continue
        count = len(record["given"])
        old = remembered.get(place, {"given": []})["given"]
        if (
            _PLACE.fullmatch(place)
            and len(old) < count == len(record["times"]) <= MOST_GIVEN
            and len(remembered) < MOST
        ):
            remembered[place] = {"given": record["given"], "times": record["times"]}


def document(
    name: str,
    remembered: Mapping[str, Mapping[str, Any]],
    texts: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
) -> str:
    """The file of a person, as JSON.

    Args:
      name: of the person.
      remembered: as `known` returns it.
      texts: as `written` returns it.
    """
    answers = []
    for place, entry in sorted(remembered.items()):
        question, _, seed = place.rpartition("/")
        answers.append({"question": question, "seed": int(seed), "given": entry["given"], "times": entry["times"]})
    record = {
        "format": FORMAT,
        "edition": EDITION,
        "course": version("deconvviz"),
        "name": name,
        "answers": answers,
        "self_assessed": [{"lesson": slug, **record} for slug, record in sorted(texts.items()) if record["text"]],
    }
    return json.dumps({**record, "checksum": checksum(record)}, ensure_ascii=False, indent=1)


def checksum(record: Mapping[str, Any]) -> str:
    """SHA-256 of everything else in the file, however it is spaced."""
    rest = {key: value for key, value in record.items() if key != "checksum"}
    text = json.dumps(rest, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def read(data: bytes) -> Sheet:
    """The answers in a file.

    Raises:
      DataError: it is no such file, or one of another edition of the format.
    """
    record = storage.parse(data, dict, DataError)
    if record.get("format") != FORMAT:
        raise DataError("it is JSON, but holds no answers of this course (saved progress is another file)")
    if record.get("edition") != EDITION:
        raise DataError(
            f"its format is edition {record.get('edition')!r:.20}, this program reads edition {EDITION}; "
            "grade it with the release that saved it"
        )
    storage.check_shape(record, _SHAPE, DataError)
    answered = []
    for i, entry in enumerate(record["answers"]):
        slug, _, kind = entry["question"].partition("/")
        if len(entry["given"]) != len(entry["times"]):
            raise DataError(f"answers[{i}] has {len(entry['given'])} answers and {len(entry['times'])} times")
        for time in entry["times"]:
            moment(time)
        tries = tuple(map(tuple, entry["given"]))
        answered.append(Answered(slug, kind, entry["seed"], tries, tuple(entry["times"])))
    assessed = []
    for entry in record.get("self_assessed", ()):
        moment(entry["time"])
        met = tuple(sorted(set(entry["met"])))
        assessed.append(Assessed(entry["lesson"], entry["text"], met, entry["opened"], entry["time"]))
    is_whole = record["checksum"] == checksum(record)
    return Sheet(record["name"], record["course"], tuple(answered), is_whole, tuple(assessed))


def moment(text: str) -> datetime:
    """A time of the file.

    Raises:
      DataError: it is none, or says no time zone.
    """
    try:
        time = datetime.fromisoformat(text)
        return time.astimezone(UTC) if time.tzinfo else _no_zone()
    except (ValueError, OverflowError) as error:
        raise DataError(f"{text!r:.60} is no time with a time zone, as 2026-12-24T08:30:00+00:00 is") from error


def _no_zone() -> datetime:
    raise ValueError("no time zone")


def due() -> date | None:
    """The last day that the link names."""
    text = controls.url_text(DUE)
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        controls.is_stale(DUE, text, ())
        return None


def file_name(name: str) -> str:
    """Name of a person's file: a folder holds those of a class.

    >>> file_name(" Ada King, 7b "), file_name("陈小红"), file_name("../x")
    ('deconvviz-answers-Ada-King-7b.json', 'deconvviz-answers-陈小红.json', 'deconvviz-answers-x.json')
    """
    return "-".join(filter(None, ["deconvviz-answers", *re.split(r"\W+", name)])) + ".json"


def save_button(key: str) -> None:
    """A name and the button that saves the file."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.text_input(t("Your name"), key=f"{key}-name", max_chars=80, width=320)
        st.download_button(
            t("Save my answers for the teacher"),
            data=document(name.strip(), known(), written()),
            file_name=file_name(name),
            mime="application/json",
            disabled=not name.strip() or not (known() or written()),
            key=f"{key}-save",
            on_click="ignore",
        )
    st.caption(
        t(
            "The file holds {count} answered questions: what you answered, how often and when. Your answers stay in "
            "this browser until you hand the file in.",
            count=len(known()),
        )
    )
