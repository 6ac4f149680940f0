"""The app as a server: `streamlit run app.py`. What a session runs is `lessons/_app.py`."""

import streamlit as st

from lessons import _server

_server.guard()
app = st.App("lessons/_app.py", middleware=_server.MIDDLEWARE)
