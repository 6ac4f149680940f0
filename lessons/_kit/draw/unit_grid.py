"""Feature maps that can be clicked: a Streamlit component (version 2: no iframe, no build step).

A click chooses the channel and the position at once. The chosen unit stays in the browser; it travels from the server
only when something else than a click changed it, since any change of the data sends the whole message again.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from typing import Any

import numpy as np
import streamlit as st

from deconvviz.figures.scale import DIVERGING_LEVELS, diverging_lut, sequential_lut
from lessons._kit.draw import component

#: The highest level; even, so that zero of a signed map is a level of its own.
LEVELS = DIVERGING_LEVELS - 1


@dataclass(frozen=True)
class Maps:
    """One page of maps, ready to travel.

    Attributes:
      height, width: cells of a map.
      levels: (count, height, width) uint8: 0 is `low`, `LEVELS` is `high` of that map.
      low, high: the value of the first and the last level of each map.
      peaks: (row, column, value) of the strongest cell of each map.
      channels: the channel of each map.
      signed: whether zero lies in the middle of the levels.
    """

    height: int
    width: int
    levels: np.ndarray
    low: tuple[float, ...]
    high: tuple[float, ...]
    peaks: tuple[tuple[int, int, float], ...]
    channels: tuple[int, ...]
    signed: bool


def quantize(maps: np.ndarray, channels: Sequence[int]) -> Maps:
    """Bring some channels of an activation to 255 levels, each map on its own scale.

    Maps without negative values go from 0 to their maximum, others from -m to m with m the largest magnitude, so that
    zero keeps its colour. A map of zeros stays at the level of zero.

    Args:
      maps: (h, w, c) activations.
      channels: the channels in the order shown.

    >>> page = quantize(np.array([[[0.0, 2.0], [1.0, 4.0]]]), [1])
    >>> page.levels.tolist(), page.high, page.peaks
    ([[[127, 254]]], (4.0,), ((0, 1, 4.0),))
    """
    chosen = np.moveaxis(np.asarray(maps, np.float32)[..., list(channels)], -1, 0)
    count, height, width = chosen.shape
    signed = bool(maps.min() < 0)
    top = np.abs(chosen).reshape(count, -1).max(axis=1)
    low = -top if signed else np.zeros_like(top)
    span = np.where(top > 0, top - low, 1.0)
    scaled = (chosen - low[:, None, None]) / span[:, None, None]
    if signed:
        scaled = np.where(top[:, None, None] > 0, scaled, 0.5)
    flat = chosen.reshape(count, -1).argmax(axis=1)
    peaks = tuple((int(f // width), int(f % width), float(chosen[i].flat[f])) for i, f in enumerate(flat))
    levels = np.rint(LEVELS * scaled).astype(np.uint8)
    return Maps(height, width, levels, tuple(map(float, low)), tuple(map(float, top)), peaks, tuple(channels), signed)


@cache
def palette(signed: bool) -> str:
    """A colour a level as base64 of RGB bytes: cividis from zero, or red and blue around zero."""
    lut = diverging_lut() if signed else sequential_lut()[np.linspace(0, 255, LEVELS + 1).round().astype(int)]
    return base64.b64encode(lut.tobytes()).decode()


def payload(
    maps: Maps, names: Sequence[str], labels: Sequence[str], text: dict[str, str], columns: int = 8
) -> dict[str, Any]:
    """What the browser needs to draw a page of maps; its version changes with every part of it.

    Args:
      maps: the page.
      names: the short name under each map.
      labels: the whole sentence a screen reader says for each map.
      text: "title" of the grid, "hint" under it, "readout" with {channel}, {row}, {column}, {value}.
      columns: maps side by side where there is room.
    """
    packed = zlib.compress(maps.levels.tobytes(), 6)
    signature = repr((maps.channels, maps.low, maps.high, tuple(names), tuple(labels), sorted(text.items())))
    return {
        "version": sha256(packed + signature.encode()).hexdigest()[:16],
        "maps": base64.b64encode(packed).decode(),
        "palette": palette(maps.signed),
        "levels": LEVELS,
        "height": maps.height,
        "width": maps.width,
        "low": list(maps.low),
        "high": list(maps.high),
        "peaks": [list(peak) for peak in maps.peaks],
        "channels": list(maps.channels),
        "names": list(names),
        "labels": list(labels),
        "text": dict(text),
        "columns": columns,
    }


def unit_grid(
    data: dict[str, Any],
    selected: tuple[int, int | None, int | None],
    key: str,
    on_pick: Callable[[], None],
    on_turn: Callable[[], None],
) -> None:
    """Mount the grid.

    Args:
      data: from `payload`; with "asks" a script of the page may take the pick (the event ``unit-pick`` of
        the window) and say which unit is shown (``unit-shown``).
      selected: (channel, row, column) of the chosen unit.
      key: of the component; the pick is in ``st.session_state[key]["pick"]`` as {channel, row, column}.
      on_pick: called when a unit was chosen in the grid.
      on_turn: called when the person turns the page by keyboard; ``["turn"]["by"]`` is +1 or -1.
    """
    sent, token = _selection_to_send(key, selected, data["version"])
    component.mount(
        __file__,
        key=key,
        data=data | {"selected": sent, "token": token},
        on_pick_change=on_pick,
        on_turn_change=on_turn,
    )


def last_pick(key: str) -> dict[str, int] | None:
    """The unit last chosen in the grid itself, as {channel, row, column}, or None."""
    state = st.session_state.get(key) or {}
    pick = state.get("pick")
    return {name: int(pick[name]) for name in ("channel", "row", "column")} if pick else None


def _selection_to_send(
    key: str, selected: tuple[int, int | None, int | None], version: str
) -> tuple[dict[str, Any], str]:
    """The selection for the message: unchanged while the browser already shows the chosen unit, else the new one."""
    known = st.session_state.setdefault(
        f"{key}_sent", {"token": 0, "version": None, "selected": None, "pick": None, "shown": None}
    )
    selection = dict(zip(("channel", "row", "column"), selected, strict=True))
    pick = (st.session_state.get(key) or {}).get("pick")
    if pick and pick != known["pick"]:
        known.update(pick=pick, shown={name: pick.get(name) for name in selection})
    if version != known["version"] or selection != known["shown"]:
        known.update(token=known["token"] + 1, version=version, selected=selection, shown=selection)
    return known["selected"], f"{version}:{known['token']}"
