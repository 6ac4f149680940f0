"""The first page: the question, a picture that answers it, the course, and the way to the laboratory."""

from __future__ import annotations

import streamlit as st

from lessons._kit.form import exercise, progress
from lessons._kit.form.i18n import mark, t
from lessons._kit.form.page import HOME, LABORATORY, SECTIONS, Lesson, Page, discover, entry, named, turn_to
from lessons._kit.photo import header
from lessons._kit.run import networks, pictures, shipped, warm_up
from lessons.home import hero

NETWORK = "caltech"


def render() -> None:
    """Draw the page; nothing on it waits for the network, which is made ready behind it."""
    st.title(t("What does a network see, run backwards?"), anchor=False)
    st.markdown(
        t(
            "A network turns a picture into numbers. Here you take one number and run the network backwards, layer "
            "by layer, down to the pixels that it is connected to. Every picture comes with its formula and its "
            "checks."
        )
    )
    pages = discover()
    lessons = [page for page in pages if isinstance(page, Lesson)]
    with st.container(horizontal=True):
        _start(lessons)
        _button(t("Open the laboratory"), named(pages, LABORATORY))
        with st.popover(t("Try your own photograph"), width="content"), st.container(width=320, key="lab-pictures"):
            header.field()
    if header.was_taken():
        turn_to(named(pages, LABORATORY))
    hero.show()
    st.header(t("The course"), anchor=False)
    for column, section in zip(st.columns(len(SECTIONS)), SECTIONS, strict=True):
        members = [lesson for lesson in lessons if lesson.section == section]
        if members:
            with column:
                st.subheader(t(SECTIONS[section]), anchor=False)
                for lesson in members:
                    card(lessons.index(lesson) + 1, lesson)
    progress.keep(with_buttons=True)
    if networks.is_served():
        warm_up.start(NETWORK, pictures.sample(shipped.PICTURE))


def _start(lessons: list[Lesson]) -> None:
    """The way into the course: its first lesson, or the one that was open last."""
    before = [lesson for lesson in lessons if lesson.slug == progress.last()]
    if before:
        number = lessons.index(before[0]) + 1
        _button(
            t("Continue: lesson {number}, {title}", number=number, title=t(before[0].title)), before[0], primary=True
        )
    else:
        _button(t("Start the course"), lessons[0], primary=True)


def _button(label: str, page: Page, primary: bool = False) -> None:
    if st.button(label, type="primary" if primary else "secondary", key=f"open-{page.slug}"):
        turn_to(page)


def card(number: int, lesson: Lesson) -> None:
    """A lesson: its number in the course, question, what it is about, and how much of its exercise is solved."""
    done, total = len(exercise.solved(lesson.slug)), len(lesson.questions)
    with st.container(border=True, gap="small", key=f"card-{lesson.slug}"):
        st.page_link(entry(lesson), label=f"**{number} · {t(lesson.question)}**")
        st.markdown(t(lesson.title))
        tick = "✓ " if done == total else ""
        st.markdown(tick + t("{done} of {total} questions solved", done=done, total=total))


PAGE = Page(slug=HOME, title=mark("Home"), render=render)
