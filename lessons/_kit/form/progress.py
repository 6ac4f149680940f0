"""What a person has solved and where they were: kept by the browser, so that a reload loses nothing.

The server knows it only as long as the session lasts. It can be saved as a file, read from one, and cleared.
"""

from __future__ import annotations

from typing import Any

import streamlit as st

from lessons._kit.draw import component
from lessons._kit.form import answers, exercise
from lessons._kit.form.i18n import t
from lessons._kit.form.page import discover

KEY = "progress"
_LAST = "last-lesson"


def keep(with_buttons: bool = False) -> None:
    """Bring the session and the browser's memory to the same state: what either knows, both know.

    Args:
      with_buttons: draw the buttons that save, read and clear it too.
    """
    words = {}
    if with_buttons:
        words = {
            "save": t("Save my progress"),
            "read": t("Read a saved file"),
            "clear": t("Clear my progress"),
            "sure": t("Forget every solved question in this browser?"),
            "bad": t("This file holds no progress of this course."),
            "where": t("Your progress is kept in this browser only; nothing about you is stored on the server."),
        }
    data = {
        "solved": known(),
        "last": last(),
        "answers": answers.known(),
        "written": answers.written(),
        "pages": [page.slug for page in discover()],
        "words": words,
        "cleared": st.session_state.get("progress-cleared", 0),
    }
    with st.container(key="shell-progress" if not words else "progress-buttons"):
        component.mount(
            __file__, KEY, data, on_stored_change=_stored, on_cleared_change=_cleared, on_unknown_change=_stored
        )


def known() -> dict[str, list[str]]:
    """Lesson -> its solved questions, of this session."""
    return {slug: sorted(kinds) for slug, kinds in st.session_state.get(exercise.SOLVED, {}).items() if kinds}


def last() -> str:
    """The lesson that was opened last; "" if none was."""
    return str(st.session_state.get(_LAST, ""))


def unknown() -> str:
    """The address that the browser was opened with, where no page has it; Streamlit itself turns to the first page."""
    return str((st.session_state.get(KEY) or {}).get("unknown") or "")[:60]


def opened(slug: str) -> None:
    """Remember that a lesson was opened."""
    st.session_state[_LAST] = slug


def take(stored: Any) -> None:
    """Add what a browser remembers to this session; what is no progress is left out."""
    if not isinstance(stored, dict):
        return
    lessons = stored.get("solved")
    for slug, kinds in lessons.items() if isinstance(lessons, dict) else ():
        if isinstance(slug, str) and isinstance(kinds, list):
            exercise.solved(slug).update(kind for kind in kinds if isinstance(kind, str))
    if not last() and isinstance(stored.get("last"), str):
        opened(stored["last"])
    answers.take(stored.get("answers"))
    answers.take_written(stored.get("written"))


def _stored() -> None:
    take(st.session_state[KEY].get("stored"))


def _cleared() -> None:
    st.session_state[exercise.SOLVED] = {}
    answers.forget()
    st.session_state.pop(_LAST, None)
    st.session_state["progress-cleared"] = st.session_state.get("progress-cleared", 0) + 1
