"""`python -m lessons._app run FILE ...`: Streamlit's own command line, and the pages imported meanwhile."""

from __future__ import annotations

from streamlit.web.cli import main

from deconvviz import storage
from lessons._app import ahead

storage.share_heaps()
ahead.begin()
main(prog_name="streamlit")
