"""Choose a unit: the photograph with its receptive field, and the feature maps of the layer to click on."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any, TypeAlias

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from deconvviz.types import Box, Layer
from lessons._kit.draw.pixels import address, jpeg, number, to_bytes
from lessons._kit.draw.unit_grid import last_pick, payload, quantize, unit_grid
from lessons._kit.form.controls import choice
from lessons._kit.form.i18n import current_language, t
from lessons._kit.photo import selection
from lessons._kit.photo.header import title_of
from lessons._kit.photo.labels import kind, size
from lessons._kit.photo.selection import COLUMNS, PER_PAGE, Chosen, Typed
from lessons._kit.run import engine, networks, pictures
from lessons.laboratory.layers import label_of

GRID = "lab-maps"
#: In the session: how often a number was typed.
TYPED = "lab-typed"
#: Draws the numbers of the unit; returns its layer and the unit.
Follow: TypeAlias = Callable[[networks.Loaded, pictures.Picture, engine.Forward], tuple[Layer, Chosen]]


def choose(
    loaded: networks.Loaded, picture: pictures.Picture, forward: engine.Forward, follow: Follow
) -> tuple[Layer, Chosen, DeltaGenerator]:
    """Draw the photograph and the maps; return the layer, the chosen unit, and the place beside for what it saw.

    Args:
      follow: draws the numbers of the unit and returns layer and unit.
    """
    with st.container(horizontal=True, gap="medium", key="lab-choose"):
        units = st.container(key="lab-units")
        beside = st.container(key="lab-saw")
    with units:
        head = st.container()
        with st.container(horizontal=True, gap="medium"):
            left = st.container(key="lab-photo")
            right = st.container(key="lab-grid")
    photo = left.container()
    with left:
        layer, chosen = follow(loaded, picture, forward)
    beside.html(_heading(t("What it saw"), ""))
    head.html(_heading(t("Choose a unit"), f"{layer.name} · {kind(layer.kind)} · {size(layer.shape)}"))
    photo.html(_photo(loaded, picture, box_of(loaded, chosen)))
    with right:
        maps = selection.planes(forward.maps[layer.name])
        _grid(loaded, picture, layer, maps, _page(maps), chosen)
    return layer, chosen, beside


def box_of(loaded: networks.Loaded, chosen: Chosen) -> Box:
    """The receptive field of a unit, or the whole picture."""
    known = chosen.unit.row is not None
    return loaded.network.receptive_box(chosen.unit.layer, *((chosen.row, chosen.column) if known else (None, None)))


def _heading(title: str, facts: str) -> str:
    return f'<div class="lab-heading"><h2>{escape(title)}</h2><span>{escape(facts)}</span></div>'


def _page(maps: np.ndarray) -> np.ndarray:
    """Draw sorting and paging; return the channels of the page."""
    pages = -(-maps.shape[-1] // PER_PAGE)
    with st.container(
        horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", key="lab-paging"
    ):
        sorting = choice(
            t("Order of the maps"),
            {"strength": t("Strongest first"), "number": t("By number")},
            "sort",
            tabs=True,
            hidden_label=True,
        )
        if "page" in st.session_state:
            st.session_state["page"] = min(max(1, int(st.session_state["page"] or 1)), pages)
        page = st.pagination(pages, key="page", bind="query-params") if pages > 1 else 1
    start = (page - 1) * PER_PAGE
    return selection.order(maps, by_number=sorting == "number")[start : start + PER_PAGE]


def _grid(
    loaded: networks.Loaded,
    picture: pictures.Picture,
    layer: Layer,
    maps: np.ndarray,
    shown: np.ndarray,
    chosen: Chosen,
) -> None:
    channels = [int(channel) for channel in shown]
    name = f"maps {layer.name} {channels} {current_language()}"
    data = engine.cached(loaded, picture, name, lambda: _maps(loaded, layer, maps, channels))
    unit_grid(data | {"asks": True}, (int(chosen.unit.channel), chosen.row, chosen.column), GRID, _picked, _turned)


def _maps(loaded: networks.Loaded, layer: Layer, maps: np.ndarray, channels: list[int]) -> dict[str, Any]:
    """The maps of a page as the browser takes them."""
    page = quantize(maps, channels)
    is_output = layer.name == loaded.network.layers[-1].name and loaded.network.labels
    names = [label_of(loaded.network.labels, c) if is_output else str(c) for c in page.channels]
    text = {
        "title": t("Feature maps of {layer}", layer=layer.name),
        "hint": t("Click a spot in a map. Keys: arrows, Enter, Shift with arrows moves the spot."),
        "readout": t("channel {channel} · row {row} · column {column} · {value}"),
    }
    labels = [
        t(
            "channel {channel}, strongest {value} at row {row}, column {column}",
            channel=n,
            value=number(v),
            row=r,
            column=c,
        )
        for n, (r, c, v) in zip(names, page.peaks, strict=True)
    ]
    return payload(page, names, labels, text, COLUMNS)


def _picked() -> None:
    pick = last_pick(GRID)
    if pick:
        selection.choose_unit(pick["channel"], pick["row"], pick["column"])


def _turned() -> None:
    turn = st.session_state[GRID].get("turn")
    if turn:
        st.session_state["page"] = max(1, int(st.session_state.get("page") or 1) + int(turn["by"]))


def _photo(loaded: networks.Loaded, picture: pictures.Picture, box: Box) -> str:
    """The photograph as the network sees it, finer, with the receptive field framed."""
    whole = pictures.fitted(loaded, picture).screen
    source = engine.cached(loaded, picture, "photo", lambda: address(jpeg(to_bytes(whole))))
    return (
        f'<figure class="lab-photo"><div><img src="{source}" alt="{escape(photo_alt(picture, box))}">'
        f'<span style="{frame_style(loaded, box)}"></span></div>'
        f"<figcaption>{escape(photo_caption(loaded, box))}</figcaption></figure>"
    )


def frame_style(loaded: networks.Loaded, box: Box) -> str:
    """Where the frame of a receptive field lies on the photograph, as CSS."""
    rows, columns = loaded.network.input_spec.size
    top, left, bottom, right = box
    return (
        f"left:{100 * left / columns:.3f}%;top:{100 * top / rows:.3f}%;"
        f"width:{100 * (right - left) / columns:.3f}%;height:{100 * (bottom - top) / rows:.3f}%"
    )


def photo_alt(picture: pictures.Picture, box: Box) -> str:
    """The photograph and its frame for those who do not see them."""
    top, left, bottom, right = box
    return t(
        "{title}; the receptive field is rows {top} to {bottom}, columns {left} to {right}",
        title=title_of(picture),
        top=top,
        bottom=bottom - 1,
        left=left,
        right=right - 1,
    )


def photo_caption(loaded: networks.Loaded, box: Box) -> str:
    """What the frame on the photograph is."""
    rows, columns = loaded.network.input_spec.size
    top, left, bottom, right = box
    return t(
        "Frame: the {height} × {width} of {rows} × {columns} pixels that reach the unit",
        height=bottom - top,
        width=right - left,
        rows=rows,
        columns=columns,
    )


def numbers(maps: np.ndarray, chosen: Chosen, typed: Typed) -> None:
    """The unit as numbers to type; an empty field means the strongest, whose number it shows."""
    height, width, channels = maps.shape
    unit = chosen.unit
    fields = (
        ("channel", t("Channel"), channels - 1, unit.channel),
        ("row", t("Row"), height - 1, chosen.row),
        ("column", t("Column"), width - 1, chosen.column),
    )
    line = st.container(horizontal=True, wrap=False, gap="small", key="lab-numbers")
    for key, label, top, value in fields:
        shown = f"{key}-shown"
        st.session_state[shown] = getattr(typed, key)
        field: Any = line.number_input
        field(
            label,
            min_value=0,
            max_value=max(top, 1),
            value=None,
            step=1,
            key=shown,
            disabled=top == 0,
            on_change=_typed,
            args=(key,),
            placeholder=str(value),
        )
    st.html(f'<p class="lab-value">{escape(_value(chosen))}</p>')


def _typed(key: str) -> None:
    st.session_state[TYPED] = st.session_state.get(TYPED, 0) + 1
    selection.choose_number(key, st.session_state[f"{key}-shown"])


def _value(chosen: Chosen) -> str:
    value = number(chosen.value)
    if chosen.value == chosen.peak[0]:
        return t(
            "Activation {value}, the strongest place of channel {channel}", value=value, channel=chosen.unit.channel
        )
    return t(
        "Activation {value}; channel {channel} reaches {peak} at row {row}, column {column}",
        value=value,
        channel=chosen.unit.channel,
        peak=number(chosen.peak[0]),
        row=chosen.peak[1],
        column=chosen.peak[2],
    )
