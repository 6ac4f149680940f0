"""Eight by eight cells to write a digit on: with the mouse, a finger, or the keyboard."""

from __future__ import annotations

import streamlit as st

from lessons._kit.draw import component
from lessons._kit.form.i18n import t
from lessons.recognition import run


def show(text: str, key: str) -> None:
    """Draw it; what is written arrives under "pad" in the URL and the session, and is then what is looked at."""
    data = {
        "cells": text if run.cells(text).any() else "0" * 64,
        "signs": run.SIGNS,
        "title": t("Write a digit"),
        "keys": t("Drag to write. Keys: arrows move, Enter writes or rubs out a cell."),
        "clear": t("Wipe"),
        "ink": t("{count} of 64 cells written", count="{count}"),
    }

    def drawn() -> None:
        written = str(st.session_state[key]["cells"])
        is_any = bool(run.cells(written).any())
        st.session_state.update(pad=written if is_any else "", digit=run.OWN if is_any else "")

    component.mount(__file__, key=key, data=data, on_cells_change=drawn)
