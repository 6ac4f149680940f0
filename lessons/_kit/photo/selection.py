"""The choices of the laboratory. All of them live in the URL; one that is missing or impossible falls back.

A channel, row or column that is not chosen means the strongest one, so a link without them stays meaningful in every
layer and for every picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from deconvviz.data.samples import SAMPLES
from deconvviz.types import Layer, Unit
from lessons._kit.form import controls
from lessons._kit.run import pictures

FIRST_PICTURE = "cat"
#: Maps side by side, and rows of them on a page.
COLUMNS, ROWS = 6, 4
PER_PAGE = COLUMNS * ROWS
#: The numbers of a unit, in the order of the URL.
_UNIT_KEYS = ("channel", "row", "column")
_UPLOAD = "lab-upload"


@dataclass(frozen=True)
class Typed:
    """A layer and what was chosen of its unit; None means the strongest."""

    layer: Layer
    channel: int | None
    row: int | None
    column: int | None


@dataclass(frozen=True)
class Chosen:
    """One unit with its position, and its value on this picture.

    Attributes:
      unit: row and column are None in layers without positions.
      row, column: of the (h, w, c) maps; 0 in layers without positions.
      value: the activation there.
      peak: the largest activation of the channel, and where it is.
    """

    unit: Unit
    row: int
    column: int
    value: float
    peak: tuple[float, int, int]


def picture(first: str = FIRST_PICTURE) -> pictures.Picture:
    """The picture of this session: the upload if there is one, else the one of the URL, else the first."""
    uploaded = st.session_state.get(_UPLOAD)
    id = controls.url_value("image", first, SAMPLES)
    return uploaded or pictures.sample(id)


def choose_sample(id: str, first: str = FIRST_PICTURE) -> None:
    """Take a picture of the gallery; an upload is forgotten. For callbacks."""
    st.session_state["image"] = "" if id == first else id
    forget_upload()
    empty_field()
    forget_position()


def keep_upload(brought: pictures.Picture) -> None:
    """Take an upload."""
    st.session_state[_UPLOAD] = brought
    controls.settle("image")
    forget_position()


def forget_upload() -> None:
    """Back to the gallery."""
    st.session_state.pop(_UPLOAD, None)


def empty_field() -> None:
    """Show the field for uploads anew, without a file. For callbacks."""
    st.session_state["lab-uploads"] = uploads() + 1


def uploads() -> int:
    """How often the field for uploads was emptied; part of its key."""
    return int(st.session_state.get("lab-uploads", 0))


def first_layer(layers: tuple[Layer, ...]) -> str:
    """The layer a visitor meets first: the last rectifier that still has a map of at least 8 x 8, else the last map."""
    maps = [layer for layer in layers if len(layer.shape) == 3]
    rectified = [layer for layer in maps if layer.kind == "relu" and min(layer.shape[:2]) >= 8]
    return (rectified or maps or list(layers))[-1].name


def typed(layers: tuple[Layer, ...]) -> Typed:
    """The layer and what is chosen of its unit, as the URL says: ``?unit=layer:channel,row,column``.

    Any part may be missing. It is one value, so that the browser's Back undoes one choice at a time. A link written by
    hand may say ``?layer=..&channel=..&row=..&column=..`` instead.
    """
    _from_separate_names()
    text = controls.url_text("unit")
    typed, is_known = _read(layers, text)
    if not is_known:
        controls.is_stale("unit", text, [layer.name for layer in layers])
    return typed


def current(layer: Layer, activation: np.ndarray) -> Chosen:
    """The chosen unit of a layer, where `typed` has drawn the choice already."""
    chosen, _ = _read((layer,), _unit_text())
    return resolve(layer, planes(activation), chosen.channel, chosen.row, chosen.column)


def _read(layers: tuple[Layer, ...], text: str) -> tuple[Typed, bool]:
    """What the text says, and whether all of it is there."""
    name, _, numbers = text.partition(":")
    by_name = {layer.name: layer for layer in layers}
    chosen = by_name.get(name) or by_name[first_layer(layers)]
    if name not in by_name and name:
        numbers = ""
    shape = (*chosen.shape[:-1], 1, 1)[:2] + chosen.shape[-1:]
    tops = (shape[2] - 1, shape[0] - 1, shape[1] - 1)
    channel, row, column = (_number(part, top) for part, top in zip(_parts(numbers), tops, strict=True))
    is_whole = [number is not None for number in (channel, row, column)] == [bool(part) for part in _parts(numbers)]
    is_known = (not name or name in by_name) and numbers.count(",") <= 2 and is_whole
    return Typed(chosen, channel, row, column), is_known


def _from_separate_names() -> None:
    values = {key: st.query_params.get(key, "") for key in ("layer", *_UNIT_KEYS)}
    unit = f"{values['layer']}:{','.join(values[key] for key in _UNIT_KEYS)}".rstrip(",").rstrip(":")
    if unit and "unit" not in st.session_state and "unit" not in st.query_params:
        st.session_state["unit"] = st.query_params["unit"] = unit
    for key in values:
        if key in st.query_params:
            del st.query_params[key]


def _parts(numbers: str) -> list[str]:
    return [*numbers.split(","), "", "", ""][:3]


def _number(text: str, top: int) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 and int(text) <= top else None


def choose_layer(name: str) -> None:
    """Take a layer; its strongest unit on the first page. For callbacks."""
    st.session_state["unit"] = name
    st.session_state["page"] = 1


def forget_unit() -> None:
    """Back to the strongest unit of the layer. For callbacks."""
    choose_layer(_unit_text().partition(":")[0])


def forget_position() -> None:
    """Back to the strongest position of the channel. For callbacks."""
    name, _, numbers = _unit_text().partition(":")
    channel = _parts(numbers)[0]
    st.session_state["unit"] = f"{name}:{channel}" if channel else name


def choose_unit(channel: int, row: int, column: int) -> None:
    """Take a unit of the layer. For callbacks."""
    st.session_state["unit"] = f"{_unit_text().partition(':')[0]}:{channel},{row},{column}"


def is_of(layer: str) -> bool:
    """Whether the choice is one of that layer, or names none yet. For callbacks."""
    return _unit_text().partition(":")[0] in ("", layer)


def choose_number(key: str, value: int | None) -> None:
    """Take one number of the unit; None for the strongest. For callbacks."""
    name, _, numbers = _unit_text().partition(":")
    parts = _parts(numbers)
    parts[_UNIT_KEYS.index(key)] = "" if value is None else str(value)
    st.session_state["unit"] = f"{name}:{','.join(parts)}".rstrip(",").rstrip(":")


def _unit_text() -> str:
    return str(st.session_state.get("unit") or "")


def planes(activation: np.ndarray) -> np.ndarray:
    """An activation as (h, w, c); layers without positions become 1 x 1, tokens one column.

    >>> planes(np.zeros(5)).shape, planes(np.zeros((7, 5))).shape
    ((1, 1, 5), (7, 1, 5))
    """
    places = (*activation.shape[:-1], 1, 1)[:2]
    return activation.reshape(*places, activation.shape[-1])


def strengths(maps: np.ndarray) -> np.ndarray:
    """The largest activation of each channel of (h, w, c) maps."""
    return maps.max(axis=(0, 1))


def order(maps: np.ndarray, by_number: bool) -> np.ndarray:
    """Channels in the order of the pages: strongest first, ties by number; or by number.

    >>> order(np.array([[[1.0, 3.0, 3.0]]]), by_number=False).tolist()
    [1, 2, 0]
    """
    if by_number:
        return np.arange(maps.shape[-1])
    return np.argsort(-strengths(maps), kind="stable")


def resolve(layer: Layer, maps: np.ndarray, channel: int | None, row: int | None, column: int | None) -> Chosen:
    """Fill in what is not chosen: the strongest channel, and within it the strongest position.

    With only a row or only a column, the strongest position in it.

    >>> maps = np.array([[[1.0, 0.0], [2.0, 5.0]], [[4.0, 1.0], [3.0, 0.0]]])
    >>> chosen = resolve(Layer("relu1", "relu", (2, 2, 2), (1, 1), (3, 3)), maps, 0, None, 1)
    >>> chosen.unit, chosen.value, chosen.peak
    (Unit(layer='relu1', channel=0, row=1, column=1), 3.0, (4.0, 1, 0))
    """
    if channel is None:
        channel = int(strengths(maps).argmax())
    plane = maps[..., channel]
    top = divmod(int(plane.argmax()), plane.shape[1])
    if row is None and column is None:
        row, column = top
    elif row is None:
        row = int(plane[:, column].argmax())
    elif column is None:
        column = int(plane[row].argmax())
    assert row is not None
    assert column is not None
    value = float(plane[row, column])
    peak = (float(plane[top]), top[0], top[1])
    flat = len(layer.shape) == 1
    unit = Unit(layer.name, channel) if flat else Unit(layer.name, channel, row, column)
    return Chosen(unit, row, column, value, peak)
