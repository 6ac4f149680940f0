"""Eight by eight cells to write a digit on: with the mouse, a finger, or the keyboard."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from lessons._kit.form.i18n import t
from lessons.recognition import run

HERE = Path(__file__).parent


@st.cache_resource(show_spinner=False)
def _component() -> Callable[..., Any]:
    code, style = ((HERE / f"pad.{end}").read_text("utf-8") for end in ("js", "css"))
    return st.components.v2.component("digits_pad", js=code, css=style)


def show(text: str, key: str) -> None:
    """Draw it; what is written arrives under "pad" in the URL and the session."""
    data = {
        "cells": text if run.cells(text).any() else "0" * 64,
        "signs": run.SIGNS,
        "title": t("Write a digit"),
        "keys": t("Drag to write. Keys: arrows move, Enter writes or rubs out a cell."),
        "clear": t("Wipe"),
        "ink": t("{count} of 64 cells written", count="{count}"),
    }

    def drawn() -> None:
        st.session_state["pad"] = str(st.session_state[key]["cells"])

    _component()(key=key, data=data, on_cells_change=drawn)
