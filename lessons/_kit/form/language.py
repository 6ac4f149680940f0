"""The switch with which a person chooses the language of the app."""

from __future__ import annotations

import streamlit as st

from lessons._kit.form.controls import choice
from lessons._kit.form.i18n import KEY, LANGUAGES, first_known, look_again


def switch() -> str:
    """Show the switch at the right edge of the page and return the language's code."""
    look_again()
    with st.container(horizontal=True, horizontal_alignment="right", key="language-switch"):
        browser = first_known(st.context.locale)
        chosen = choice("Language · 语言", LANGUAGES, KEY, default=browser, tabs=True, hidden_label=True)
    look_again()  # the switch may have put aside a language that is none
    return chosen
