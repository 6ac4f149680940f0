"""A whole number to type, kept in the URL; a number that cannot be gets a sentence beside the control."""

from __future__ import annotations

import re

import streamlit as st

from deconvviz.errors import DeconvvizError
from lessons._kit.form.controls import designed, is_offered, url_text
from lessons._kit.form.i18n import t


def whole(label: str, key: str, default: int) -> int | str:
    """A field for a whole number.

    Args:
      label: translated name of the control.
      key: name in the URL and in the session, where the value is text ("" for the default).
      default: where it stands at first.

    Returns:
      the number, which may be any; the text of the URL if that is no whole number.
    """
    text = url_text(key)
    first = int(designed(key, str(default)))
    value = int(text) if re.fullmatch(r"-?[0-9]{1,6}", text) else first
    if not is_offered(key):
        return value if text in ("", str(value)) else text
    shown = f"{key}-shown"
    st.session_state[shown] = value

    def chosen() -> None:
        st.session_state[key] = "" if st.session_state[shown] in (first, None) else str(st.session_state[shown])

    st.number_input(label, step=1, key=shown, on_change=chosen, width=128)
    return value if text in ("", str(value)) else text


def within(given: int | str, low: int, high: int, refusal: str) -> int:
    """The number, if it lies between low and high.

    Args:
      given: of `whole`.
      refusal: translated, with ``{given}`` and ``{high}``: why another number cannot be.

    Raises:
      DeconvvizError: it does not.

    >>> within(2, 1, 9, "")
    2
    """
    if isinstance(given, str) or not low <= given <= high:
        what = given if len(str(given)) <= 20 else f"{str(given)[:20]}…"
        raise DeconvvizError(f"{refusal.format(given=what, high=high)} {t('The last picture that worked stays.')}")
    return given
