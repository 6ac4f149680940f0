"""Nine patches beside nine reconstructions, the picture that a patch comes from, and the channels to choose from."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np
import streamlit as st

from deconvviz.atlas import Atlas, Layer, Row, contact
from deconvviz.atlas.pictures import level
from deconvviz.types import DisplayImage, Size
from lessons._kit.draw import tiles
from lessons._kit.draw.pixels import address, number, png, signed_pixels
from lessons._kit.form.i18n import t
from lessons._kit.photo.labels import TITLES

#: Channels shown at once.
PAGE = 48
KEY = "nine-channels"


def cell(layer: Layer, size: Size) -> Size:
    """Rows and columns of the receptive field, of the whole input at most."""
    field = layer.receptive_field
    return size if field is None else (min(field[0], size[0]), min(field[1], size[1]))


def nine(atlas: Atlas, rows: Sequence[Row], size: Size, chosen: int, shared: bool) -> None:
    """Patches on the left, reconstructions on the right, strongest first.

    Args:
      atlas, rows: what to show.
      size: (height, width) of every tile.
      chosen: index of the row that is marked.
      shared: one scale for all reconstructions, instead of one each.
    """
    limit = max((row.scale for row in rows), default=0.0)
    patches, maps = [], []
    for i, row in enumerate(rows):
        patch = contact.in_cell(atlas.tile(row, "patches"), row, size)
        pixels = signed_pixels(atlas.map(row), limit, summed=False) if shared else atlas.tile(row, "maps")
        thumbnail = contact.in_cell(pixels, row, size)
        value, scale = number(row.activation), number(limit if shared else row.scale)
        name = row.image.rpartition(".")[0]
        said = t("number {rank}, {name}: activation {value}", rank=i + 1, name=name, value=value)
        patches.append(_figure(patch, f"<b>{i + 1}</b> {escape(value)}", said, i == chosen))
        back = t("reconstruction {rank}: values from {low} to {high}", rank=i + 1, low=f"−{scale}", high=scale)
        maps.append(_figure(thumbnail, f"<b>{i + 1}</b> ±{escape(scale)}", back, i == chosen))
    heads = (
        ("patches", t("What excites it"), t("the patch its unit sees; below: its activation"), patches),
        ("maps", t("What the unit saw"), t("backward from that activation; below: the scale"), maps),
    )
    halves = "".join(
        f"<section data-part={part}><h3>{escape(title)}</h3><p>{escape(line)}</p>"
        f'<div class="cells">{"".join(figures)}</div></section>'
        for part, title, line, figures in heads
    )
    st.html(f'<div class="nine">{halves}</div>')


def _figure(pixels: np.ndarray, caption: str, alt: str, is_chosen: bool) -> str:
    mark = ' class="chosen"' if is_chosen else ""
    return (
        f'<figure{mark}><img src="{address(png(pixels, 6))}" alt="{escape(alt)}">'
        f"<figcaption>{caption}</figcaption></figure>"
    )


def whole(row: Row, image: DisplayImage) -> None:
    """The whole picture of a row as the network sees it, its patch framed."""
    height, width = image.shape[:2]
    top, left, bottom, right = row.box
    place = (
        f"left:{100 * left / width:.3f}%;top:{100 * top / height:.3f}%;"
        f"width:{100 * (right - left) / width:.3f}%;height:{100 * (bottom - top) / height:.3f}%"
    )
    name = _called(row)
    words = t(
        "Number {rank}: rows {top} to {bottom}, columns {left} to {right}",
        rank=row.rank + 1, top=top, bottom=bottom - 1, left=left, right=right - 1,
    )  # fmt: skip
    alt = t("the whole picture {name}, its patch framed", name=name)
    source = address(png(level(image), 6))
    st.html(
        f'<figure class="nine-whole" data-part="whole"><div><img src="{source}" alt="{escape(alt)}">'
        f'<span style="{place}"></span></div><figcaption><b>{escape(name)}</b><br>{escape(words)}</figcaption></figure>'
    )


def _called(row: Row) -> str:
    """A picture for people: those of the gallery have a title, others the name of their file.

    >>> from types import SimpleNamespace
    >>> _called(SimpleNamespace(image="photographs/coffee-1-0.bmp")), _called(SimpleNamespace(image="mine/a-1.png"))
    ('Coffee', 'mine/a-1')
    """
    folder, _, file = row.image.rpartition("/")
    known = TITLES.get(file.partition("-")[0]) if folder == "photographs" else None
    return t(known) if known else row.image.rpartition(".")[0]


def channels(atlas: Atlas, layer: Layer, chosen: int, size: Size) -> None:
    """The channels of the layer as tiles, each with its strongest patch; a click chooses one."""
    at = layer.channels.index(chosen) // PAGE
    shown = layer.channels[at * PAGE : (at + 1) * PAGE]
    items = []
    for channel in shown:
        rows = atlas.rows(layer.name, channel)
        if rows:
            pixels = contact.in_cell(atlas.tile(rows[0], "patches"), rows[0], size)
            lines = (number(rows[0].activation),)
        else:
            pixels, lines = np.full((*size, 3), 128, np.uint8), (t("silent"),)
        label = t("channel {channel}, strongest {value}", channel=channel, value=lines[0])
        items.append(tiles.Tile(str(channel), str(channel), lines, label, tiles.encoded(png(pixels, 6))))
    st.markdown(f"**{t('Channels of {layer}, each by its strongest patch', layer=layer.name)}**")
    tiles.tiles(items, str(chosen), t("Channel"), KEY, _pick, size=60, wrap=True, pixels=max(size) < 60)
    if len(layer.channels) < layer.shape[-1]:
        words = t(
            "{kept} of the layer's {all} channels are in this atlas.", kept=len(layer.channels), all=layer.shape[-1]
        )
        st.caption(words)
    if len(layer.channels) > PAGE:
        _turn(layer, at)


def _turn(layer: Layer, at: int) -> None:
    """Buttons to the neighbouring pages of channels."""
    with st.container(horizontal=True):
        for label, to in ((t("Earlier channels"), at - 1), (t("Later channels"), at + 1)):
            here = 0 <= to * PAGE < len(layer.channels)
            channel = str(layer.channels[to * PAGE]) if here else ""
            st.button(label, key=f"nine-page-{label}", disabled=not here, on_click=_take, args=(channel,))


def _pick() -> None:
    picked = tiles.picked(KEY)
    if picked is not None:
        _take(picked)


def _take(channel: str) -> None:
    st.session_state["channel"] = channel
    st.session_state["rank"] = ""
