"""The glossary: every term of the course with its definition, its name in the other language, and where it is used."""

from __future__ import annotations

import html
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlencode

import streamlit as st

from lessons._kit.form import controls, glossary, i18n
from lessons._kit.form.i18n import mark, t
from lessons._kit.form.page import Lesson, Page, discover


def render() -> None:
    """Draw the page; a link with ``?term=`` opens with that term on top."""
    st.title(t("Glossary"), anchor=False)
    st.html(Path(__file__).with_name("style.css"))
    st.markdown(
        t(
            "{count} terms that the pages use. In a text each is underlined where it is first used.",
            count=len(glossary.TERMS),
        )
    )
    uses = where_used([page for page in discover() if isinstance(page, Lesson)])
    wanted = controls.url_value(glossary.KEY, "", dict.fromkeys(glossary.TERMS, ""))
    if wanted:
        st.html(f'<dl class="glossary wanted">{entry(wanted, uses[wanted])}</dl>')
    entries = (entry(key, uses[key]) for key in sorted(glossary.TERMS, key=str.lower))
    st.html(f'<dl class="glossary">{"".join(entries)}</dl>')


def where_used(lessons: Iterable[Lesson]) -> dict[str, list[tuple[int, Lesson]]]:
    """Term -> the lessons whose text uses it, with their number in the course."""
    uses: dict[str, list[tuple[int, Lesson]]] = {key: [] for key in glossary.TERMS}
    for number, lesson in enumerate(lessons, 1):
        for key in glossary.used(words(lesson)):
            uses[key].append((number, lesson))
    return uses


def words(lesson: Lesson) -> str:
    """Everything that a lesson says of its subject, in English."""
    return " ".join([lesson.goal, lesson.question, *(scene.text for scene in lesson.scenes)])


def entry(key: str, lessons: Iterable[tuple[int, Lesson]]) -> str:
    """The HTML of a term: its name in both languages, its definition, links to the lessons."""
    term, definition = glossary.TERMS[key]
    here, names = t(term), [i18n.catalogue(language).get(term, term) for language in i18n.LANGUAGES]
    other = [name for name in names if name not in here and here not in name]
    address = urlencode({i18n.KEY: i18n.current_language()})
    links = ", ".join(
        f'<a href="{lesson.slug}?{address}" target="_self">{number} {html.escape(t(lesson.title))}</a>'
        for number, lesson in lessons
    )
    where = f'<dd class="where">{t("Used in:")} {links}</dd>' if links else ""
    title = html.escape(" · ".join([here, *other]))
    return f"<dt>{title}</dt><dd>{html.escape(t(definition))}</dd>{where}"


PAGE = Page(slug="glossary", title=mark("Glossary"), render=render, order=101)
