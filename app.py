"""The app: page settings, the language, the lessons found by scanning, navigation, run."""

import streamlit as st

from lessons._kit.form import language, page

st.set_page_config(page_title="deconvviz", layout="wide", initial_sidebar_state="collapsed")
page.style()
language.switch()
st.navigation(page.navigation(page.discover()), position="top").run()
