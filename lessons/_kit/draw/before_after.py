"""Two pictures of one size on top of each other, and a divider that uncovers the one or the other.

The divider follows the mouse or a finger, or the arrow keys once it has the focus (Shift for ten times as far, Home
and End for the whole of one picture). Nothing is asked of the server while it moves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from deconvviz.types import Size
from lessons._kit.form.i18n import t

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Side:
    """One of the two pictures.

    Attributes:
      title: translated; stands in its corner.
      source: its data address, as `lab_picture.address` makes it.
    """

    title: str
    source: str


@st.cache_resource(show_spinner=False)
def _component() -> Callable[..., Any]:
    code, style = ((HERE / f"before_after.{end}").read_text("utf-8") for end in ("js", "css"))
    return st.components.v2.component("before_after", js=code, css=style)


def show(
    before: Side, after: Side, size: Size, key: str, *, note: str = "", at: int = 50, pixels: bool = False
) -> None:
    """Draw the pictures.

    Args:
      before: left of the divider.
      after: right of it.
      size: (rows, columns) of both; only their ratio counts.
      key: of the component in the session; the divider stays where it is while the key does.
      note: translated; stands under the pictures.
      at: where the divider stands at first, percent of the width.
      pixels: enlarge without smoothing.
    """
    name = t("Divider between “{left}” and “{right}”", left=before.title, right=after.title)
    data = {
        "sides": [{"title": side.title, "source": side.source} for side in (before, after)],
        "size": list(size),
        "note": note,
        "at": at,
        "pixels": pixels,
        "name": name,
        "keys": t("Drag the divider, or move it with the arrow keys."),
        "value": t("{percent} % “{left}”", percent="{percent}", left=before.title),
    }
    _component()(key=key, data=data)
