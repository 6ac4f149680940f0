"""Pictures beside each other, pixels sharp, with a title above and a note below each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
import streamlit as st

from lessons._kit.draw.pixels import address, png


@dataclass(frozen=True, eq=False)
class Pane:
    """One picture of a row: title and note translated, (H, W, 3) uint8; whether it is a map on white."""

    title: str
    pixels: np.ndarray
    note: str = ""
    signed: bool = False


def panes(row: Sequence[Pane], square: bool = False) -> None:
    """Pictures beside each other, pixels sharp; ``square``: four, two above two, as large as a first screen allows."""
    figures = "".join(
        f"<figure><b>{escape(pane.title)}</b><img{' class=signed' if pane.signed else ''} "
        f'src="{address(png(pane.pixels))}" alt="{escape(f"{pane.title}; {pane.note}" if pane.note else pane.title)}">'
        f"<figcaption>{escape(pane.note)}</figcaption></figure>"
        for pane in row
    )
    count = " square" if square else {2: " two", 3: " three"}.get(len(row), "")
    st.html(f'<div class="windows{count}">{figures}</div>')
