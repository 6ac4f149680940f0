"""The first page: the question, a picture that answers it, the course, and the way to the laboratory."""

from __future__ import annotations

import streamlit as st

from lessons._app.first_look import TITLE
from lessons._kit.form import progress, shell
from lessons._kit.form.i18n import mark, t
from lessons._kit.form.page import HOME, LABORATORY, Lesson, Page, discover, find_page, turn_to
from lessons._kit.photo import bring
from lessons._kit.run import networks, pictures, shipped, warm_up
from lessons.home import course_map, hero

NETWORK = "caltech"


def render() -> None:
    """Draw the page; nothing on it waits for the network, which is made ready behind it."""
    st.title(t(TITLE), anchor=False)
    hero.show()
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
        _button(t("Open the laboratory"), find_page(pages, LABORATORY))
        with st.popover(t("Try your own photograph"), width="content"), st.container(width=320, key="lab-pictures"):
            bring.field()
    if bring.anywhere():
        turn_to(find_page(pages, LABORATORY))
    st.header(t("The course"), anchor=False)
    course_map.show(lessons)
    st.header(t("Beside the course"), anchor=False)
    shell.beside(pages, "home-beside")
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


PAGE = Page(slug=HOME, title=mark("Home"), render=render)
