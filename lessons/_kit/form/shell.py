"""What stands around every page: the bar with the course, the title of the browser's tab, links that lead nowhere."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from lessons._kit.form import controls, exercise, i18n, progress
from lessons._kit.form.i18n import t
from lessons._kit.form.page import HOME, LABORATORY, SECTIONS, Lesson, Page, entry, find_page

#: Pages that belong to no lesson: the bar and the first page lead there.
BESIDE = ("glossary", "class", "audit-report", "grey-maps")
#: In the session: the page of the last run, whether its first run is not done yet, what its link asked for in vain.
_PAGE, _FRESH, _REPORTED = "shell-page", "shell-fresh", "shell-said"


def run(pages: Sequence[Page]) -> None:
    """Draw the bar, and under it the page that the address names."""
    turned = st.navigation([entry(page) for page in pages], position="hidden")
    here = next(page for page in pages if entry(page).url_path == turned.url_path)
    st.set_page_config(page_title=f"{t(here.title)} · deconvviz")
    _arrive(here)
    controls.begin_run()
    _bar(pages, here)
    notice = st.container(key="shell-notice")
    unknown = progress.unknown()
    if unknown and here.slug == HOME:
        with notice:
            _no_such_page(unknown, pages)
    if not isinstance(here, Lesson) and here.slug != HOME:  # those do it themselves, once what it holds is drawn
        progress.keep()
    place, is_fresh = notice.empty(), st.session_state[_FRESH]
    if not is_fresh:  # a note that is done with goes before the page is drawn, which may take its time
        _warn(place)
    turned.run()
    noted = controls.take_stale()
    if is_fresh:
        st.session_state.update({_FRESH: False, _REPORTED: (noted, _address(noted))})
        _warn(place)


def _arrive(here: Page) -> None:
    """A page begins as it was designed, or as its address says: choices of the page before stay there."""
    before = st.session_state.get(_PAGE)
    if before != here.slug:
        st.session_state.update({_PAGE: here.slug, _FRESH: True, controls.SETTLED: set()})
        if before is not None:
            controls.forget_choices()
    elif not st.session_state[_FRESH]:
        controls.take_stale()  # a choice that another choice made impossible is no fault of a link


def _warn(place: DeltaGenerator) -> None:
    """Say what the link of this visit asked for in vain, until something else is chosen."""
    stale, then = st.session_state[_REPORTED]
    left = [link for link in stale if link.key not in st.session_state[controls.SETTLED]]
    if left and _address(stale) == then:
        with place.container():
            for link in left:
                st.warning(_words(link))


def _address(stale: Sequence[controls.Stale]) -> dict[str, str]:
    """The choices in the URL, the language and what was asked for in vain apart."""
    vain = {(link.key, link.value) for link in stale}
    return {key: value for key, value in st.query_params.items() if key != i18n.KEY and (key, value) not in vain}


def _bar(pages: Sequence[Page], here: Page) -> None:
    """Home, the course, the laboratory; where one stands is marked."""
    lessons = [page for page in pages if isinstance(page, Lesson)]
    place = t("Course")
    if isinstance(here, Lesson):
        place = t("Lesson {number} of {count}", number=lessons.index(here) + 1, count=len(lessons))
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="shell"):
        st.page_link(entry(find_page(pages, HOME)), label=t("Home"))
        with st.popover(place, icon=":material/menu:", width="content"), st.container(width=1040, key="shell-course"):
            with st.container(horizontal=True, key="shell-pages"):
                st.page_link(entry(find_page(pages, HOME)), label=t("Home"))
                st.page_link(entry(find_page(pages, LABORATORY)), label=t("Laboratory"))
            course(lessons, here)
            beside(pages, "shell-beside")
        st.page_link(entry(find_page(pages, LABORATORY)), label=t("Laboratory"))
        if isinstance(here, Lesson):
            st.html(f'<p class="shell-here">{t(SECTIONS[here.section])} · <b>{t(here.title)}</b></p>')


def beside(pages: Sequence[Page], key: str) -> None:
    """The pages that belong to no lesson, in one line; key is of that line."""
    with st.container(horizontal=True, key=key):
        for page in pages:
            if page.slug in BESIDE:
                st.page_link(entry(page), label=t(page.title))


def course(lessons: Sequence[Lesson], here: Page) -> None:
    """The lessons by section, with a tick where all questions are solved."""
    for column, section in zip(st.columns(len(SECTIONS)), SECTIONS, strict=True):
        with column:
            is_here = isinstance(here, Lesson) and here.section == section
            name = t(SECTIONS[section])
            st.markdown(f"**{name}** · {t('you are here')}" if is_here else f"**{name}**")
            for number, lesson in enumerate(lessons, 1):
                if lesson.section == section:
                    tick = " ✓" if exercise.is_solved(lesson.slug, lesson.questions) else ""
                    st.page_link(entry(lesson), label=f"{number} · {t(lesson.title)}{tick}")


def _no_such_page(slug: str, pages: Sequence[Page]) -> None:
    """Say that there is no such page, and offer the nearest."""
    st.warning(t("There is no page “{address}”, so this is the first page.", address=slug))
    close = get_close_matches(slug, [page.slug for page in pages], n=1, cutoff=0.4)
    if close:
        page = find_page(pages, close[0])
        st.page_link(entry(page), label=t("Did you mean “{page}”?", page=t(page.title)))


def _words(stale: controls.Stale) -> str:
    message = t(
        "The link asks for {key} = “{value}”, which does not exist; the page shows what it opens with.",
        key=stale.key,
        value=stale.value,
    )
    return message + (" " + t("The nearest is “{nearest}”.", nearest=stale.nearest) if stale.nearest else "")
