"""The form of a lesson: headline and goal, controls beside the picture, text, exercise, code, sources, progress."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from deconvviz.types import Check
from lessons._kit.form import controls, exercise, progress, proof, scenes
from lessons._kit.form.i18n import t
from lessons._kit.form.page import END, SECTIONS, Lesson, Page, discover, entry, find_page
from lessons._kit.form.sources import citation
from lessons._kit.run import networks


@dataclass(frozen=True, eq=False)
class Columns:
    """The two columns under the headline.

    Attributes:
      controls: at the left, with the scene.
      aside: below them.
      picture: at the right.
      verdict: below the picture: how many checks hold.
    """

    controls: DeltaGenerator
    aside: DeltaGenerator
    picture: DeltaGenerator
    verdict: DeltaGenerator


class Places:
    """Where a lesson draws what is its own; a place that is not used leaves no gap.

    Attributes:
      wide, more: in the evidence, before the code.
    """

    def __init__(self, lesson: Lesson) -> None:
        scene = scenes.begin(lesson)
        self._waiting = st.container()
        top = st.container()
        self._fixed = st.container()
        expanded = st.session_state.setdefault(controls.EVIDENCE, "libraries" in st.query_params)
        with st.expander(t("Evidence: checks, code, sources"), expanded=expanded):
            self._proofs = st.container()
            self.wide = st.container()
            self.more = st.container()
            self._code = st.container()
            self._sources = st.container()
        self._last: list[tuple[DeltaGenerator, Callable[..., object], tuple[Any, ...]]] = []
        with top:  # before the exercise, whose question may have to be computed
            self._columns = two_columns(lesson, scene)

    @property
    def controls(self) -> DeltaGenerator:
        """See `Columns`."""
        return self._columns.controls

    @property
    def aside(self) -> DeltaGenerator:
        """See `Columns`."""
        return self._columns.aside

    @property
    def picture(self) -> DeltaGenerator:
        """See `Columns`."""
        return self._columns.picture

    def checks(self, checks: Iterable[Check], meanings: Iterable[str], codes: Iterable[proof.Code]) -> None:
        """`proofs` of checks with, in the same order, the meaning and the code of each."""
        self.proofs([proof.Proof(*row) for row in zip(checks, meanings, codes, strict=True)])

    def proofs(self, proofs: Sequence[proof.Proof]) -> None:
        """The checks of the picture: how many hold below it, each with its meaning and its code in the evidence."""
        with self._columns.verdict:
            proof.verdict([item.check for item in proofs])
        with self._proofs, st.container(key="proofs"):
            proof.show_checks(proofs)

    def code(self, functions: proof.Code, call: str) -> None:
        """Show the code that ran, below everything of the lesson."""
        with self._code:
            code(functions, call)

    def later(self, draw: Callable[..., object], *args: Any) -> None:
        """Leave room here for what takes long, and draw it there once the rest of the page is on screen."""
        self._last.append((st.container(), draw, args))


def page(lesson: Lesson, draw: Callable[[Places], None]) -> None:
    """Draw a lesson: the only place that says in which order. What is to be read and answered waits for no computing.

    Args:
      lesson: the record.
      draw: draws what is the lesson's own into its places; a ``style.css`` beside the file of this function is the
        lesson's own too.
    """
    networks.keep_compiled()
    sheet = Path(inspect.getfile(draw)).with_name("style.css")
    if sheet.exists():
        st.html(sheet)
    _headline(lesson)
    places = Places(lesson)
    foot = st.container()
    with places._fixed:
        practice(lesson)
    with places._sources:
        _sources(lesson)
    with foot:
        _foot(lesson)
    progress.opened(lesson.slug)
    progress.keep()
    with places._waiting, st.spinner(t("Computing what this page shows"), show_time=True):
        draw(places)
    for place, draw_last, args in places._last:
        with place:
            draw_last(*args)


def two_columns(lesson: Lesson, scene: int = 0) -> Columns:
    """The scene with its controls beside the picture."""
    left, right = st.columns([4, 8], gap="large")
    with left, st.container(key="controls"):
        container, below = scenes.show(lesson, scene), st.container()
    with right:
        return Columns(container, below, st.container(), st.container())


def code(functions: proof.Code, call: str) -> None:
    """The code that ran: the call that makes this very picture, and the source of the functions it calls."""
    with st.expander(t("The code that ran")):
        st.code(call, language="python", wrap_lines=True)
        proof.show_source(functions)


def practice(lesson: Lesson) -> None:
    """The exercise."""
    st.header(t("Predict, then look"), anchor=False)
    titles = {kind: t(title) for kind, (title, _) in lesson.questions.items()}
    exercise.show(lesson.slug, {kind: maker for kind, (_, maker) in lesson.questions.items()}, titles, lesson.design)


def _headline(lesson: Lesson) -> None:
    """Where one is, about how long it takes, what it builds on, the question, the goal."""
    lessons = [page for page in discover() if isinstance(page, Lesson)]
    numbers = {page.slug: number for number, page in enumerate(lessons, 1)}
    facts = [
        t(SECTIONS[lesson.section]),
        t("Lesson {number} of {count}", number=numbers[lesson.slug], count=len(lessons)),
        t("about {minutes} minutes", minutes=lesson.minutes),
    ]
    if lesson.needs:
        needed = ", ".join(f"{numbers[slug]} ({t(find_page(lessons, slug).title)})" for slug in lesson.needs)
        facts.append(t("builds on lesson {lessons}", lessons=needed))
    st.html(f'<p class="lesson-place">{" · ".join(map(escape, facts))}</p>')
    st.title(t(lesson.question), anchor=False)
    st.markdown(t(lesson.goal))


def _sources(lesson: Lesson) -> None:
    """What the lesson rests on."""
    sources = "".join(f"\n- {citation(key)}" + (f", {t(place)}" if place else "") for key, place in lesson.sources)
    st.markdown(f"**{t('Sources')}**{sources}")


def _foot(lesson: Lesson) -> None:
    """The lessons before and after, progress."""
    pages = discover()
    chain = [*(page for page in pages if isinstance(page, Lesson)), find_page(pages, END)]
    here = [page.slug for page in chain].index(lesson.slug)
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        if here:
            _turn(t("Previous: {page}", page=t(chain[here - 1].title)), chain[here - 1], "Left")
        st.markdown(_progress(lesson), width="content")
        _turn(t("Next: {page}", page=t(chain[here + 1].title)), chain[here + 1], "Right")


def _turn(label: str, page: Page, shortcut: str) -> None:
    """A link to a neighbour, so that Back finds this page as it was left; the arrow key follows it (progress.js)."""
    arrow = {"Left": "back", "Right": "forward"}[shortcut]
    with st.container(key=f"turn-{shortcut}", width="content"):
        st.page_link(entry(page), label=label, icon=f":material/arrow_{arrow}:")


def _progress(lesson: Lesson) -> str:
    done, total = len(exercise.solved(lesson.slug)), len(lesson.questions)
    return t("{done} of {total} questions of this page solved", done=done, total=total)
