"""The photograph with its seeds over it, and dots that a person puts there: object, background, or away with one."""

from __future__ import annotations

import numpy as np
import streamlit as st

from lessons._kit.draw import component
from lessons._kit.draw.pixels import address, jpeg, png, to_bytes
from lessons._kit.form.i18n import t
from lessons.cutout import run

#: Colours of seeds, as in brush.css: object, background.
COLOURS = ((0, 137, 123), (230, 120, 20))
#: Transparency of seeds over the photograph, 0..255.
VEIL = 140
#: In the URL: no dots, where the scene has some.
NONE = "none"


def veil(trimap: np.ndarray) -> np.ndarray:
    """(h, w, 4) uint8: seeds in their colours, transparent where nobody knows."""
    pixels = np.zeros((*trimap.shape, 4), np.uint8)
    for level, colour in zip((1.0, 0.0), COLOURS, strict=True):
        pixels[trimap == level] = (*colour, VEIL)
    return pixels


def show(picture: np.ndarray, trimap: np.ndarray | None, dots: str, note: str, key: str) -> None:
    """Draw it; new dots arrive under "dots" in the URL and the session.

    Args:
      picture: (H, W, 3), 0..1.
      trimap: seeds as they are used; None where there are none.
      dots: those of the person, as `cutout_run.dots_of` reads them.
      note: translated; stands under it.
      key: of the component.
    """
    data = {
        "source": address(jpeg(to_bytes(picture))),
        "over": address(png(veil(trimap))) if trimap is not None else "",
        "size": list(picture.shape[:2]),
        "dots": dots if run.dots_of(dots) else "",
        "radius": run.RADIUS,
        "fine": run.FINE,
        "most": run.MOST,
        "title": t("Seeds"),
        "note": note,
        "tools": [["o", t("object")], ["b", t("background")], ["x", t("rub out")]],
        "tool": t("What a dot says"),
        "clear": t("Remove my dots"),
        "keys": t("Click or drag. Keys: arrows move the cross (ten times as far with Shift), Enter sets a dot."),
        "count": t("{count} dots of yours", count="{count}"),
    }

    def drawn() -> None:
        st.session_state["dots"] = str(st.session_state[key]["dots"]) or NONE

    component.mount(__file__, key=key, data=data, on_dots_change=drawn)
