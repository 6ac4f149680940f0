"""Controls whose value is in the URL in every language, and scenes that set several of them at once.

Streamlit writes the shown label of a choice into the URL. A translated label would make a link that opens in one
language only, so `choice` keeps the value's own name in a hidden bound field and shows the labels in a free widget.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal, TypeVar

import streamlit as st

S = TypeVar("S")
#: Names of all choices that stand in the URL, the language apart: a page that is left leaves none behind.
IN_URL = {"page", "libraries"}
_LANGUAGE = "lang"
_STALE = "stale-links"
#: In the session: names of choices that were made in place of what the link of this visit asked for.
SETTLED = "stale-settled"
#: In the session: where a scene puts controls, and which it offers (None: all); it outlives a run for fragments.
_STAGE = "scene-stage"
#: In the session: whether the address that opened the page asked for what stands in the evidence.
EVIDENCE = "scene-evidence"

#: In the session: values of the URL as the last run drew them, and those that a run began with and has not drawn yet.
_DRAWN, _PLANNED = "choices-drawn", "choices-planned"
#: In the session: what is wrong with the file that was brought last; it stays with the page.
PROBLEM = "file-problem"


@dataclass(frozen=True)
class Stale:
    """A part of a link that asks for what is not there.

    Attributes:
      key: name of the choice.
      value: its value in the link.
      nearest: the known value that is spelled most like it; "" if none is.
    """

    key: str
    value: str
    nearest: str


def stage(values: Mapping[str, str] | None = None, offered: Iterable[str] | None = None) -> None:
    """Say where controls stand at first, and which of them are drawn; called without arguments: as their page has it.

    Args:
      values: name -> value of the URL.
      offered: names of the controls that are drawn; None draws all.
    """
    st.session_state[_STAGE] = dict(values or {}), None if offered is None else frozenset(offered)


def designed(key: str, default: str) -> str:
    """Where a control stands at first: where the scene puts it, else at the default of the page."""
    values, _ = _staged(key)
    return str(values.get(key, default))


def is_offered(key: str) -> bool:
    """Whether a control is to be drawn; one that is not keeps its value in the URL all the same."""
    _, offered = _staged(key)
    return offered is None or key in offered


def _staged(key: str) -> tuple[Mapping[str, str], frozenset[str] | None]:
    """What the scene says of a control; nothing of the language: that belongs to every page and is drawn before it."""
    nothing: tuple[Mapping[str, str], frozenset[str] | None] = ({}, None)
    return nothing if key == _LANGUAGE else st.session_state.get(_STAGE, nothing)


def begin_run() -> None:
    """Keep what was chosen just before; called once a run, before any control is drawn.

    A run that the next click interrupts has not told the browser yet what its callbacks set. That click then brings
    the values of before along, and a choice would be lost whenever somebody is quicker than the page.
    """
    drawn = st.session_state.setdefault(_DRAWN, {})
    for key, value in st.session_state.get(_PLANNED, {}).items():
        if st.session_state.get(key, "") == drawn.get(key, "") != value:
            st.session_state[key] = value
    values = {key: st.session_state.get(key, "") for key in list(IN_URL)}  # other sessions may add to it meanwhile
    st.session_state[_PLANNED] = {key: value for key, value in values.items() if value != drawn.get(key, "")}


def url_text(key: str) -> str:
    """The text that the URL holds under ``?key=``."""
    if key != _LANGUAGE:
        IN_URL.add(key)
    with st.container(key=f"url-{key}"):
        value = st.text_input(key, key=key, bind="query-params", label_visibility="collapsed")
    st.session_state.setdefault(_DRAWN, {})[key] = value
    st.session_state.get(_PLANNED, {}).pop(key, None)
    return value


def forget_choices() -> None:
    """Let go of every choice of the page that was left; what the address says is taken from there."""
    for name in (_STAGE, EVIDENCE, PROBLEM, _DRAWN, _PLANNED, "scene-home"):
        st.session_state.pop(name, None)
    for key in IN_URL - set(st.query_params):
        for name in (key, f"{key}-shown", f"{key}-last"):
            st.session_state.pop(name, None)


def is_stale(key: str, value: str, known: Iterable[str]) -> None:
    """Note that the link asks for what is not there; the frame of the app says so."""
    close = get_close_matches(value, [name for name in known if name], n=1, cutoff=0.5)
    st.session_state.setdefault(_STALE, {})[key] = Stale(key, value, close[0] if close else "")


def take_stale() -> list[Stale]:
    """What was noted since the last time."""
    return list(st.session_state.pop(_STALE, {}).values())


def settle(key: str) -> None:
    """Something else was chosen in place of what the link asked for in vain. For choices that stand in no link."""
    st.session_state.setdefault(SETTLED, set()).add(key)


def url_value(key: str, default: str, allowed: Mapping[str, object]) -> str:
    """The value that the URL holds under ``?key=``, or the default where it holds none or an unknown one."""
    requested = st.session_state.get(key, "")
    if requested not in allowed:
        st.session_state[key] = ""
    value = url_text(key)
    requested = value or requested
    if requested and requested not in allowed and key != _LANGUAGE:
        is_stale(key, str(requested), allowed)
    return value if value in allowed else designed(key, default)


def url_cell(key: str, default: tuple[int, int]) -> tuple[int, int]:
    """A (row, column) that the URL holds as ``?key=row,column``; the default where it holds none or nonsense.

    Streamlit's own fields cannot hold a pair; a lesson sets it with ``st.session_state[key] = "row,column"``.
    """
    text = url_text(key)
    parts = text.split(",")
    if text and not _is_pair(parts):
        is_stale(key, text, ())
    if not _is_pair(parts):
        parts = designed(key, "").split(",")
    row, column = (int(part) for part in parts) if _is_pair(parts) else default
    return row, column


def nearest(cell: tuple[int, int], size: tuple[int, int]) -> tuple[int, int]:
    """The cell itself, or the nearest one of a plane of that size.

    >>> nearest((2, 9), (6, 7))
    (2, 6)
    """
    return min(max(cell[0], 0), size[0] - 1), min(max(cell[1], 0), size[1] - 1)


def _is_pair(parts: list[str]) -> bool:
    return len(parts) == 2 and all(part.isascii() and part.isdigit() and len(part) < 6 for part in parts)


def choice(
    label: str,
    options: Mapping[str, str],
    key: str,
    *,
    default: str | None = None,
    tabs: bool = False,
    hidden_label: bool = False,
    about: Callable[[str], str] | None = None,
) -> str:
    """A choice of one.

    Args:
      label: translated name of the control.
      options: value -> translated text.
      key: name of the choice in the URL and in the session.
      tabs: side by side (few, short) instead of a list to open.
      hidden_label: the label is for screen readers only.
      about: what to know of the chosen value, as Markdown behind a question mark beside the label.

    Returns:
      the chosen value.
    """
    default = designed(key, default or next(iter(options)))
    value = url_value(key, default, options)
    if not is_offered(key):
        return value
    widget = f"{key}-shown"
    st.session_state[widget] = value

    def chosen() -> None:
        st.session_state[key] = "" if st.session_state[widget] == default else st.session_state[widget]

    visible: Literal["collapsed", "visible"] = "collapsed" if hidden_label else "visible"
    help = (about(value) or None) if about is not None else None
    if tabs:
        st.segmented_control(
            label,
            list(options),
            format_func=lambda name: options[name],
            help=help,
            required=True,
            key=widget,
            on_change=chosen,
            label_visibility=visible,
        )
    else:
        st.selectbox(
            label,
            list(options),
            format_func=lambda name: options[name],
            help=help,
            key=widget,
            on_change=chosen,
            label_visibility=visible,
        )
    return value


def switch(label: str, key: str, *, off: str, on: str) -> bool:
    """A choice of two, off at first.

    Args:
      label: translated; says what is so when it is on.
      key: name of the choice in the URL and in the session.
      off, on: its two values in the URL.
    """
    default = designed(key, off)
    is_on = url_value(key, off, {off: "", on: ""}) == on
    if not is_offered(key):
        return is_on
    widget = f"{key}-shown"
    st.session_state[widget] = is_on

    def turned() -> None:
        value = on if st.session_state[widget] else off
        st.session_state[key] = "" if value == default else value

    st.toggle(label, key=widget, on_change=turned)
    return is_on


def set_values(values: Mapping[str, str]) -> None:
    """Set controls made by `choice` and `url_value`: what the turn to a scene does."""
    for key, value in values.items():
        st.session_state[key] = value


def remember(key: str, state: S) -> S:
    """Keep the last state that worked, and return it."""
    st.session_state[f"{key}-last"] = state
    return state


def remembered(key: str, default: S) -> S:
    """The last state that worked; the default if none did."""
    last: S = st.session_state.get(f"{key}-last", default)
    return last
