"""For a class: links that give everybody the same numbers, all questions with worked answers, how to grade."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import streamlit as st

from lessons._kit.form import answers, controls, design, exercise
from lessons._kit.form.answers import Task
from lessons._kit.form.design import Design
from lessons._kit.form.i18n import mark, t
from lessons._kit.form.page import Lesson, Page, discover


def render() -> None:
    """Draw the page."""
    st.title(t("For a class"), anchor=False)
    st.markdown(
        t(
            "Choose a lesson, the numbers and the last day, and give the link to your class: everybody gets the same "
            "questions. Each student saves the answers as a file and hands it in; `deconvviz grade` grades a folder "
            "of such files."
        )
    )
    lessons = [page for page in discover() if isinstance(page, Lesson)]
    left, right = st.columns([1, 2], gap="large")
    with left:
        names = {lesson.slug: f"{number} · {t(lesson.title)}" for number, lesson in enumerate(lessons, 1)}
        slug = controls.choice(t("Lesson"), names, "lesson")
        lesson = next(lesson for lesson in lessons if lesson.slug == slug)
        seed = _number(t("Numbers of the questions"), "numbers", 0, exercise.SEEDS - 1, 1)
        day = _day()
        scene = _scene(lesson)
    task = Task(slug, seed, day)
    with right:
        st.subheader(t("The link for the class"), anchor=False)
        link = answers.link(_base(), task, scene)
        st.code(link, language=None, wrap_lines=True)
        st.subheader(t("Grading"), anchor=False)
        st.code(f'deconvviz grade DIR --link "{link}"', language="shell", wrap_lines=True)
        st.markdown(
            t(
                "DIR is the folder with the files. Every answer is computed anew from the arrays; the checksum in a "
                "file shows damage and careless changes, not who answered or with what help."
            )
        )
        with st.expander(t("For students: save your answers")):
            answers.save_button("class")
    st.header(t("Questions and worked answers"), anchor=False)
    st.caption(t("Students can open this page too: choose numbers that they do not know before."))
    worked(lesson, [seed])
    if lesson.design is not None:
        _experiment(lesson.design)


def worked(lesson: Lesson, seeds: Sequence[int]) -> None:
    """All questions of a lesson with their answers."""
    for seed in seeds:
        for kind, (title, maker) in lesson.questions.items():
            question = maker(seed)
            st.subheader(t(title), anchor=False)
            st.markdown(question.prompt)
            exercise.illustrate(question, f"class-{lesson.slug}-{kind}-{seed}")
            right = question.spelled(question.answer)
            if not question.options:
                right = ", ".join(
                    f"{name}: {number}" for name, number in zip(question.fields, question.answer, strict=True)
                )
            st.markdown(f"**{right}**")
            st.latex(question.worked)
            mistakes = "\n".join(
                f"- {question.spelled(given)}: {reason}" for given, reason in question.mistakes.items()
            )
            with st.expander(t("Wrong answers that are explained")):
                st.markdown(mistakes)


def _experiment(question: Design) -> None:
    """The question for an experiment, with its model answer and rubric."""
    st.subheader(t(design.TITLE), anchor=False)
    st.markdown(t(question.prompt))
    st.markdown(f"**{t('A model answer')}**")
    st.markdown(t(question.model))
    st.markdown(f"**{t('Points of a good answer')}**")
    st.markdown("\n".join(f"- {t(point)}" for point in question.rubric))
    st.caption(
        t("Students tick these points themselves after writing. `deconvviz grade` lists text and ticks, ungraded.")
    )


def _number(label: str, key: str, least: int, most: int, first: int) -> int:
    """A whole number, which the link of this page holds too."""
    text = controls.url_text(key)
    known = text.isascii() and text.isdigit() and least <= int(text) <= most
    if text and not known:
        controls.is_stale(key, text, ())
    shown = f"{key}-shown"

    def chosen() -> None:
        st.session_state[key] = str(st.session_state[shown])

    st.session_state[shown] = int(text) if known else first
    return int(st.number_input(label, min_value=least, max_value=most, step=1, key=shown, on_change=chosen))


def _day() -> date | None:
    """The last day, which the link of this page holds too; written, because a calendar takes it only once it closes."""
    text = controls.url_text("day")

    def chosen() -> None:
        st.session_state["day"] = st.session_state["day-shown"].strip()

    st.session_state["day-shown"] = text
    st.text_input(t("Last day (optional)"), placeholder="2026-12-24", key="day-shown", on_change=chosen)
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        st.error(t("“{given}” is no day: write year, month and day as 2026-12-24.", given=text))
        return None


def _scene(lesson: Lesson) -> int | None:
    """The scene that the link opens, where the lesson is told in scenes."""
    if len(lesson.scenes) < 2:
        return None
    number = _number(t("Opens at scene"), "opens", 1, len(lesson.scenes), 1)
    return None if number == 1 else number


def _base() -> str:
    """The address of the app, as this browser has it."""
    url = str(st.context.url or "")
    return url.split("?")[0].rstrip("/").rpartition("/")[0] or "http://127.0.0.1:8501"


PAGE = Page(slug="class", title=mark("For a class"), render=render, order=102)
