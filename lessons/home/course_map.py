"""The course as rows of cards, each with a picture of its lesson's own: scripts/thumbnails.py makes them."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import streamlit as st

from lessons._kit.draw.pixels import address
from lessons._kit.draw.plot import is_dark
from lessons._kit.form import exercise
from lessons._kit.form.i18n import t
from lessons._kit.form.page import SECTIONS, Lesson, entry

#: Pixels of such a picture, width and height.
SIZE = (400, 250)


def show(lessons: Sequence[Lesson]) -> None:
    """Draw the sections in order, each with its lessons."""
    st.html(Path(__file__).with_name("style.css"))
    for section, name in SECTIONS.items():
        members = [lesson for lesson in lessons if lesson.section == section]
        if members:
            st.subheader(t(name), anchor=False)
            with st.container(horizontal=True, key=f"course-{section}"):
                for lesson in members:
                    _card(lessons.index(lesson) + 1, lesson)


def thumbnail(lesson: Lesson, theme: str) -> Path:
    """Where the picture of a lesson's card is, whether there is one or not; theme is "light" or "dark"."""
    return Path(inspect.getfile(inspect.unwrap(lesson.checks))).with_name(f"thumbnail-{theme}.webp")


@cache
def _picture(file: Path) -> str:
    """A file as a data address, read once a process; "" where there is none."""
    return address(file.read_bytes()) if file.exists() else ""


def _card(number: int, lesson: Lesson) -> None:
    """A lesson: its picture, its number in the course, question, title, and how much of its exercise is solved."""
    done, total = len(exercise.solved(lesson.slug)), len(lesson.questions)
    file = thumbnail(lesson, "dark" if is_dark() else "light")
    progress = t("{done} of {total} questions solved", done=done, total=total)
    with st.container(border=True, gap="small", key=f"card-{lesson.slug}"):
        if picture := _picture(file):
            st.html(f'<img class="thumbnail" src="{picture}" alt="">')
        st.page_link(entry(lesson), label=f"**{number} · {t(lesson.question)}**")
        st.caption(f"{t(lesson.title)} · {'✓ ' if done == total else ''}{progress}" if done else t(lesson.title))
