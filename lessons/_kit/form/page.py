"""What a page is, how pages are found, and the navigation built from them."""

from __future__ import annotations

import ast
import importlib
import inspect
import math
import pkgutil
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

import lessons
from deconvviz.types import Check
from lessons._kit.form.design import Design
from lessons._kit.form.exercise import Maker
from lessons._kit.form.i18n import mark, t
from lessons._kit.form.scenes import Scene

#: Paths of the pages that others lead to.
HOME, LABORATORY, END = "home", "laboratory", "end-of-the-course"
#: Sections of the course, in order; "" stands for pages outside the course.
SECTIONS = {
    "operator": mark("The operator"),
    "network": mark("Inside a network"),
    "trust": mark("Can I trust it?"),
    "work": mark("At work"),
}


#: Held while Python code becomes a syntax tree: CPython 3.11 raises SystemError where two threads make one.
SYNTAX = threading.Lock()
#: Words that are read in a minute; minutes for a question of the exercise (predict, answer, read why), for one that
#: asks for an experiment, for a guess within the story, and for a scene that is looked at.
PACE, QUESTION, WRITE, GUESS, LOOK = 200, 1.5, 5, 0.5, 0.5


@dataclass(frozen=True, eq=False)
class Page:
    """A page of the app: the constant `PAGE` of one file of `lessons/`.

    Attributes:
      slug: its path in the URL.
      title: its name in the navigation, marked for the catalogue.
      render: draws the page; takes nothing, keeps its choices in widgets bound to the URL.
      order: place among its neighbours.
      answer: what a script of the page asks beside its runs (`POST answer/SLUG`): a JSON object for a JSON object, or
        None; LookupError and ValueError where the question has none. It runs in a thread without a session.
    """

    slug: str
    title: str
    render: Callable[[], None]
    order: int = 0
    answer: Callable[[Mapping[str, Any]], dict[str, Any] | None] | None = None


@dataclass(frozen=True, eq=False)
class Lesson(Page):
    """A page of the course: the constant `LESSON` of one file of `lessons/`.

    Attributes:
      section: key of `SECTIONS`.
      question: the headline.
      goal: one sentence: what the reader will be able to do.
      scenes: the story, 4 to 7 scenes over one picture; the last offers every control.
      example: a state of the controls.
      checks: the proofs of a state, as plain data: what is on screen is what the tests run.
      questions: kind -> (title, maker of the question of a seed) of the exercise.
      design: a question for an experiment, which a person assesses alone; some lesson of every section has one.
      needs: paths of the lessons that it builds on.
      sources: (key of docs/references.bib, place to read).
    """

    section: str = "operator"
    question: str = ""
    goal: str = ""
    scenes: tuple[Scene, ...] = ()
    example: Any = None
    checks: Callable[[Any], list[Check]] = lambda _state: []
    questions: Mapping[str, tuple[str, Maker]] = field(default_factory=dict)
    design: Design | None = None
    needs: tuple[str, ...] = ()
    sources: tuple[tuple[str, str], ...] = ()

    @property
    def minutes(self) -> int:
        """About how long it takes: its words at `PACE`, and what a person does, each at its time.

        The words are those of its own files, those about its checks and its figures included, without the questions'.
        """
        guesses = sum(scene.ask is not None for scene in self.scenes)
        seconds = QUESTION * len(self.questions) + GUESS * guesses + LOOK * len(self.scenes)
        doing = seconds + WRITE * (self.design is not None)
        return math.ceil(_words(Path(inspect.getfile(self.render))) / PACE + doing)


@cache
def _words(file: Path) -> int:
    """Words of the texts of a lesson: of the folder that its ``__init__.py`` stands in, without ``questions.py``."""
    files = file.parent.glob("*.py") if file.name == "__init__.py" else [file]
    with SYNTAX:
        trees = [ast.parse(file.read_text("utf-8")) for file in files if file.name != "questions.py"]
    calls = (node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args)
    marked = (call.args[0] for call in calls if isinstance(call.func, ast.Name) and call.func.id in ("t", "mark"))
    return sum(
        len(text.value.split()) for text in marked if isinstance(text, ast.Constant) and isinstance(text.value, str)
    )


def discover() -> tuple[Page, ...]:
    """Every page, found by scanning the modules of `lessons/` for `PAGE` or `LESSON`, in reading order.

    Raises:
      LookupError: a module has neither constant.
    """
    return _discovered(tuple(lessons.__path__))


@cache
def _discovered(folders: tuple[str, ...]) -> tuple[Page, ...]:
    """`discover`, once a process: every run of every page asks several times."""
    pages = []
    for info in pkgutil.iter_modules(folders):
        if info.name.startswith("_"):
            continue
        module = importlib.import_module(f"lessons.{info.name}")
        page = getattr(module, "LESSON", None) or getattr(module, "PAGE", None)
        if not isinstance(page, Page):
            raise LookupError(
                f"lessons/{info.name}.py holds no page: give it one constant LESSON or PAGE "
                "(see docs/add-a-lesson.md), or move it to lessons/_kit if pages share it"
            )
        pages.append(page)
    return tuple(sorted(pages, key=_place))


def _place(page: Page) -> tuple[int, int, str]:
    section = list(SECTIONS).index(page.section) + 1 if isinstance(page, Lesson) else 0
    return section, page.order, page.slug


def find_page(pages: Iterable[Page], slug: str) -> Page:
    """The page of that path.

    Raises:
      StopIteration: there is none.
    """
    return next(page for page in pages if page.slug == slug)


def entry(page: Page) -> st.Page:
    """Streamlit's record of a page; the app opens at `HOME`."""
    return st.Page(page.render, title=t(page.title), url_path=page.slug, default=page.slug == HOME)


def turn_to(page: Page) -> None:
    """Leave for another page, which begins as it was designed; the language stays.

    Without `query_params` Streamlit refuses to clear an address that widgets are bound to.
    """
    st.switch_page(entry(page), query_params={})


def style() -> None:
    """Put the style of the app and of all parts that pages share on the page, as one sheet."""
    st.html(_sheet())


@cache
def _sheet() -> str:
    sheets = sorted(Path(__file__).parents[1].glob("*/style.css"))
    return f"<style>{''.join(sheet.read_text('utf-8') for sheet in sheets)}</style>"
