"""The atlas that the page on the top nine shows, and its rows computed afresh from the pictures themselves."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path

import numpy as np
import streamlit as st

import deconvviz as dv
from deconvviz import catalog
from deconvviz.atlas import SHIPPED, Atlas, Row
from deconvviz.atlas.pictures import level, reader
from deconvviz.data import images
from deconvviz.data.preprocess import fit_image, model_input
from deconvviz.errors import DeconvvizError, ImageError
from deconvviz.types import DisplayImage
from lessons._kit.form.i18n import t
from lessons._kit.photo import network
from lessons._kit.run import engine, networks

#: Names an atlas of one's own.
VARIABLE = "DECONVVIZ_ATLAS"
#: Channels whose pictures are kept as they are computed afresh (a megabyte each).
CACHED_CHANNELS = 24


@dataclass(frozen=True, eq=False)
class Fresh:
    """The pictures of a channel, read and run again.

    Attributes:
      images: at the model's size, (H, W, 3).
      peaks: the channel's largest value in each.
      values: its value at the position of the row.
      boxes: receptive field of the row's unit.
      maps: reconstruction of the row's unit in that field.
    """

    images: tuple[DisplayImage, ...]
    peaks: tuple[float, ...]
    values: tuple[float, ...]
    boxes: tuple[tuple[int, int, int, int], ...]
    maps: tuple[np.ndarray, ...]


def folder() -> Path:
    """The folder of the atlas that the app was started with, or of the shipped one."""
    named = os.environ.get(VARIABLE, "").strip()
    return Path(named) if named else SHIPPED


def opened() -> tuple[Atlas, str]:
    """The atlas, and why it is not the one that was asked for; "" if it is."""
    try:
        return _opened(str(folder()), _stamp(folder())), ""
    except DeconvvizError as error:
        return _opened(str(SHIPPED), _stamp(SHIPPED)), str(error)


@st.cache_resource(show_spinner=False, max_entries=2)
def _opened(place: str, stamp: int) -> Atlas:
    return Atlas.open(place)


def _stamp(place: Path) -> int:
    """When the atlas there was written; another one is another atlas."""
    file = place / "atlas.json"
    return file.stat().st_mtime_ns if file.is_file() else 0


def network_of(atlas: Atlas) -> tuple[networks.Loaded | None, str]:
    """The network that the atlas was built with, or None and why it is not here."""
    name, digest = atlas.about["network"]["name"], atlas.about["network"]["digest"]
    for candidate in filter(None, (name if name in catalog.models() else "", network.own())):
        if network.is_here(candidate) and networks.load(candidate).digest == digest:
            return networks.load(candidate), ""
    return None, t(
        "The checks need the network of this atlas, {name}, with the same weights. Start the app with it: make app "
        "NETWORK=package.module:object",
        name=name,
    )


def fresh(atlas: Atlas, loaded: networks.Loaded, layer: str, channel: int) -> Fresh:
    """The rows of a channel, computed afresh; kept for the last `CACHED_CHANNELS` channels.

    Raises:
      ImageError: a picture is gone, or is another one than when the atlas was built.
    """
    return _fresh(f"{atlas.folder} {_stamp(atlas.folder)}", loaded.digest, layer, channel, atlas, loaded)


@st.cache_resource(show_spinner=False, max_entries=CACHED_CHANNELS)
def _fresh(folder: str, digest: str, layer: str, channel: int, _atlas: Atlas, _loaded: networks.Loaded) -> Fresh:
    network, rule = _loaded.network, str(_atlas.about["rule"])
    result = []
    for row in _atlas.rows(layer, channel):
        image = fit_image(load(_atlas, row), network.input_spec)
        x = model_input(image, network.input_spec)
        values = engine.run_compiled(_loaded, layer, "taps", partial(network.taps, x, [layer]))[layer][0]
        again = partial(dv.reconstruct, network, image, row.unit, rule=rule, prove=False)
        reconstruction = engine.run_compiled(_loaded, layer, f"{rule} of an atlas", again)
        top, left, bottom, right = reconstruction.receptive_field
        peak, value = float(values[..., channel].max()), float(values[(*_place(row), channel)])
        result.append((image, peak, value, reconstruction.receptive_field, reconstruction.map[top:bottom, left:right]))
    return Fresh(*zip(*result, strict=True)) if result else Fresh((), (), (), (), ())


def _place(row: Row) -> tuple[int, ...]:
    """Row and column of the unit; nothing for a vector."""
    return () if row.unit.row is None else (int(row.unit.row), int(row.unit.column or 0))


def load(atlas: Atlas, row: Row) -> DisplayImage:
    """The whole picture of a row, (H, W, 3).

    Raises:
      ImageError: it is gone, or another one than when the atlas was built.
    """
    data = reader(atlas.about["folder"])(row.image)
    if sha256(data).hexdigest() != row.digest:
        raise ImageError(f"{row.image} is another picture than when the atlas was built: build the atlas again")
    return images.load(data, name=row.image)


def activation_gap(rows: tuple[Row, ...], fresh: Fresh) -> float:
    """Largest relative distance of a stored activation from the channel's value at its place, and from its largest."""
    pairs = [(row.activation, new) for news in (fresh.values, fresh.peaks) for row, new in zip(rows, news, strict=True)]
    return max((abs(old - new) / abs(new) for old, new in pairs), default=0.0)


def map_excess(atlas: Atlas, rows: tuple[Row, ...], fresh: Fresh) -> float:
    """How much further a stored reconstruction is from a fresh one than a byte explains, over the tile's scale."""
    worst = 0.0
    for row, new in zip(rows, fresh.maps, strict=True):
        if row.scale:
            worst = max(worst, float(np.abs(atlas.map(row) - new).max()) / row.scale - 1 / 254)
    return worst


def box_gap(atlas: Atlas, rows: tuple[Row, ...], fresh: Fresh) -> float:
    """Largest distance of a stored box from the field, in pixels, or of a patch from its picture, in grey levels."""
    worst = 0
    for row, image, box in zip(rows, fresh.images, fresh.boxes, strict=True):
        worst = max(worst, *(abs(a - b) for a, b in zip(row.box, box, strict=True)))
        cut = level(image[row.box[0] : row.box[2], row.box[1] : row.box[3]])
        worst = max(worst, int(np.abs(cut.astype(int) - atlas.tile(row, "patches")).max(initial=0)))
    return float(worst)


def outside_gap(loaded: networks.Loaded, row: Row, image: DisplayImage) -> float:
    """Relative change of the unit when every pixel outside its patch becomes noise."""
    top, left, bottom, right = row.box
    noisy = np.random.default_rng(16).integers(0, 256, image.shape, np.uint8) / np.float32(255)
    noisy[top:bottom, left:right] = image[top:bottom, left:right]
    before, after = (
        loaded.network.taps(model_input(one, loaded.network.input_spec), [row.unit.layer])[row.unit.layer][0]
        for one in (image, noisy)
    )
    old, new = (float(values[(*_place(row), row.unit.channel)]) for values in (before, after))
    return abs(new - old) / abs(old)
