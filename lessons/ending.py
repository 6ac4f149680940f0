"""The page after the last lesson: what was solved, what is left, and where to go from here."""

from __future__ import annotations

import streamlit as st

from lessons._kit.form import exercise
from lessons._kit.form.i18n import mark, t
from lessons._kit.form.page import END, LABORATORY, Lesson, Page, discover, entry, find_page


def render() -> None:
    """Draw the page."""
    st.title(t("You have come to the end of the course"), anchor=False)
    pages = discover()
    lessons = [page for page in pages if isinstance(page, Lesson)]
    done = sum(len(exercise.solved(lesson.slug)) for lesson in lessons)
    total = sum(len(lesson.questions) for lesson in lessons)
    st.markdown(t("You have solved {done} of {total} questions of the course.", done=done, total=total))
    left, right = st.columns(2, gap="large")
    with left:
        st.header(t("What you can do now"), anchor=False)
        solved = [lesson for lesson in lessons if exercise.is_solved(lesson.slug, lesson.questions)]
        if not solved:
            st.markdown(t("Solve all questions of a lesson, and what it taught you appears here."))
        for lesson in solved:
            st.markdown(f"✓ **{t(lesson.title)}**  \n{t(lesson.goal)}")
        st.header(t("Where to go"), anchor=False)
        st.page_link(entry(find_page(pages, LABORATORY)), label=t("Look into any unit of the network"))
        st.page_link(entry(find_page(pages, "your-own-network")), label=t("Bring a network of your own"))
        st.page_link(entry(lessons[0]), label=t("Begin again"))
    with right:
        st.header(t("Questions that are left"), anchor=False)
        for number, lesson in enumerate(lessons, 1):
            open_ = len(lesson.questions) - len(exercise.solved(lesson.slug))
            if open_ > 0:
                words = t("{number} · {title}: {count} left", number=number, title=t(lesson.title), count=open_)
                st.page_link(entry(lesson), label=words)


PAGE = Page(slug=END, title=mark("The end of the course"), render=render, order=100)
