"""The form of a lesson: headline and goal, controls beside the picture, code, sources, neighbours, progress."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from lessons._kit.form import controls, exercise, glossary, proof
from lessons._kit.form.i18n import t
from lessons._kit.form.page import Lesson, Page, discover, turn_to
from lessons._kit.form.sources import citation
from lessons._kit.run import engine


def head(lesson: Lesson) -> None:
    """The question, and what the reader will be able to do."""
    engine.keep_compiled()
    st.title(t(lesson.question), anchor=False)
    st.markdown(t(lesson.goal))


@contextmanager
def beside(lesson: Lesson) -> Iterator[DeltaGenerator]:
    """The headline and two columns: the controls, drawn within, with the presets below; the right one is handed out."""
    head(lesson)
    left, right = st.columns([3, 8], gap="large")
    with left, st.container(key="controls"):
        yield right
        presets(lesson)


def presets(lesson: Lesson) -> None:
    """Buttons that set several controls at once; what a preset does not name goes back to its default."""
    rest = {field.name: "" for field in fields(lesson.example)}
    st.markdown(f"**{t('Try this')}**")
    with st.container(key="presets", gap="small"):
        for i, (label, values) in enumerate(lesson.presets):
            st.button(
                t(label), key=f"preset-{i}", on_click=controls.set_values, args=(rest | dict(values),), width="stretch"
            )


def code(functions: proof.Code, call: str) -> None:
    """The code that ran: the call that makes this very picture, and the source of the functions it calls."""
    with st.expander(t("The code that ran")):
        st.code(call, language="python", wrap_lines=True)
        proof.show_source(functions)


def text(lesson: Lesson) -> None:
    """What the picture does not say itself."""
    glossary.prose(t(lesson.text), lesson.slug)


def practice(lesson: Lesson) -> None:
    """The exercise."""
    st.header(t("Predict, then look"), anchor=False)
    titles = {kind: t(title) for kind, (title, _) in lesson.questions.items()}
    exercise.show(lesson.slug, {kind: maker for kind, (_, maker) in lesson.questions.items()}, titles)


def foot(lesson: Lesson) -> None:
    """Sources, previous and next page, progress."""
    st.divider()
    sources = "".join(f"\n- {citation(key)}" + (f", {t(place)}" if place else "") for key, place in lesson.sources)
    st.markdown(f"**{t('Sources')}**{sources}")
    pages = discover()
    here = [page.slug for page in pages].index(lesson.slug)
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        if here:
            _turn(t("Previous: {page}", page=t(pages[here - 1].title)), pages[here - 1], "Left")
        st.markdown(_progress(lesson), width="content")
        if here + 1 < len(pages):
            _turn(t("Next: {page}", page=t(pages[here + 1].title)), pages[here + 1], "Right")


def _turn(label: str, page: Page, shortcut: str) -> None:
    """A button that turns to a neighbour; the arrow key presses it."""
    if st.button(label, shortcut=shortcut, key=f"turn-{shortcut}"):
        turn_to(page)


def _progress(lesson: Lesson) -> str:
    done, total = len(exercise.solved(lesson.slug)), len(lesson.questions)
    return t("{done} of {total} questions of this page solved", done=done, total=total)
