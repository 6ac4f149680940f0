"""Sliders over numbers whose value is in the URL, and which scenes can set."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from lessons._kit.form.controls import designed, is_offered, url_value


def whole(label: str, low: int, high: int, key: str, default: int) -> int:
    """A slider.

    Args:
      label: translated name of the control.
      low, high: its ends.
      key: name in the URL and in the session, where the value is text ("" for the default).
      default: where it stands at first.

    Returns:
      the chosen number.
    """
    first = designed(key, str(default))
    value = int(url_value(key, first, {str(number): "" for number in range(low, high + 1)}))
    if not is_offered(key):
        return value
    widget = f"{key}-shown"
    st.session_state[widget] = value

    def chosen() -> None:
        st.session_state[key] = "" if str(st.session_state[widget]) == first else str(st.session_state[widget])

    st.slider(label, low, high, key=widget, on_change=chosen)
    return value


def stops(label: str, numbers: Sequence[int], key: str, default: int) -> int:
    """A slider that stops at some numbers only, evenly apart; otherwise like `whole`."""
    allowed = [str(number) for number in numbers]
    first = designed(key, str(default))
    value = url_value(key, first, dict.fromkeys(allowed, ""))
    if not is_offered(key):
        return int(value)
    widget = f"{key}-shown"
    st.session_state[widget] = value

    def chosen() -> None:
        st.session_state[key] = "" if st.session_state[widget] == first else st.session_state[widget]

    st.select_slider(label, allowed, key=widget, on_change=chosen)
    return int(value)


def span(label: str, low: int, high: int, step: int, key: str, default: tuple[int, int]) -> tuple[int, int]:
    """A slider with two handles that stay a step apart; in the URL "10-80"."""
    allowed = {f"{a}-{b}": "" for a in range(low, high + 1, step) for b in range(a + step, high + 1, step)}
    first = designed(key, f"{default[0]}-{default[1]}")
    text = url_value(key, first, allowed)
    left, right = (int(part) for part in text.split("-"))
    if not is_offered(key):
        return left, right
    widget = f"{key}-shown"
    st.session_state[widget] = (left, right)

    def chosen() -> None:
        a, b = st.session_state[widget]
        b = max(b, a + step) if a + step <= high else b
        a = min(a, b - step)
        st.session_state[key] = "" if f"{a}-{b}" == first else f"{a}-{b}"

    st.slider(label, low, high, step=step, key=widget, on_change=chosen)
    return left, right
