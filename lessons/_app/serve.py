"""The app as a server: what `deconvviz app` hands to Streamlit. What a session runs is `start.py`."""

from pathlib import Path

import streamlit as st

from deconvviz import storage
from lessons import _server
from lessons._app import answers, first_look, health, idle

storage.share_heaps()
_server.guard()
idle.begin()
routes = [*health.ROUTES, *answers.ROUTES]
middleware = [*_server.MIDDLEWARE, (first_look.FirstLook, (), {})]
app = st.App(Path(__file__).with_name("start.py"), routes=routes, middleware=middleware)
