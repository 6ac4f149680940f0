"""Tiles of which one is chosen: the row of layers, the gallery, the filmstrip. A Streamlit component (version 2)."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Any

import streamlit as st

from lessons._kit.draw import component


@dataclass(frozen=True)
class Tile:
    """One tile.

    Attributes:
      id: what a choice returns.
      name: its heading.
      lines: up to two short lines under the picture.
      label: what a screen reader says.
      png: the picture, as base64 of a PNG file.
    """

    id: str
    name: str
    lines: tuple[str, ...]
    label: str
    png: str


def encoded(png: bytes) -> str:
    """Base64 of a picture file, as `Tile.png` wants it."""
    return base64.b64encode(png).decode()


def tiles(
    items: Sequence[Tile],
    chosen: str | None,
    title: str,
    key: str,
    on_pick: Callable[[], None],
    *,
    size: int = 48,
    wrap: bool = False,
    pixels: bool = False,
) -> None:
    """Mount the tiles.

    Args:
      items: in order.
      chosen: id of the chosen tile; None if none is.
      title: name of the group for screen readers.
      key: of the component; `picked` reads the choice.
      on_pick: called when a tile was chosen.
      size: width of a tile in pixels.
      wrap: break into lines instead of scrolling sideways.
      pixels: enlarge the pictures without smoothing.
    """
    version, records = _listed(tuple(items))
    data = {
        "version": version,
        "items": records,
        "chosen": chosen,
        "title": title,
        "size": size,
        "wrap": wrap,
        "pixels": pixels,
    }
    component.mount(__file__, key=key, data=data, on_pick_change=on_pick)


@lru_cache(maxsize=64)
def _listed(items: tuple[Tile, ...]) -> tuple[str, list[dict[str, Any]]]:
    """A version that changes with every part of them, and the tiles as the browser takes them."""
    listed = [asdict(item) for item in items]
    return sha256(repr(listed).encode()).hexdigest()[:16], listed


def picked(key: str) -> str | None:
    """Id of the tile last chosen in the component `key`, or None."""
    pick = (st.session_state.get(key) or {}).get("pick")
    return str(pick["id"]) if pick else None
