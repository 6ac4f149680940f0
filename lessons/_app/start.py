"""The script of a session: page settings, the language, the bar with the course, and the page of the address."""

import streamlit as st

from lessons._app import ahead

st.set_page_config(page_title="deconvviz", layout="wide", initial_sidebar_state="collapsed")
ahead.wait()

from lessons._kit.form import language, page, shell  # noqa: E402 not before the other thread has done so

page.style()
language.switch()
shell.run(page.discover())
