"""The layers from left to right, and where it ends, the predicted classes."""

from __future__ import annotations

from functools import lru_cache
from html import escape

import numpy as np
import streamlit as st

from deconvviz.types import Layer
from lessons._kit.draw.pixels import heat_pixels, number, png
from lessons._kit.draw.tiles import Tile, encoded, picked, tiles
from lessons._kit.form.i18n import t
from lessons._kit.photo import selection
from lessons._kit.photo.labels import class_name, kind, size
from lessons._kit.run import engine, networks, pictures

#: Classes shown.
TOP = 5


def show(loaded: networks.Loaded, forward: engine.Forward, picture: pictures.Picture, chosen: Layer) -> None:
    """Draw the layers in a row with the chosen layer raised."""
    with st.container(horizontal=True, gap="medium", key="lab-layers"):
        with st.container(key="lab-layers-tiles", width="stretch"):
            _tiles(loaded, forward, picture, chosen)
        with st.container(key="lab-layers-classes", width=208):
            st.html(_says(loaded.network.labels, forward))


def _tiles(loaded: networks.Loaded, forward: engine.Forward, picture: pictures.Picture, chosen: Layer) -> None:
    layers = loaded.network.layers

    def on_pick() -> None:
        name = picked("lab-layers-pick")
        if name is not None and name in {layer.name for layer in layers}:
            selection.choose_layer(name)

    items = []
    for layer in visible(layers, chosen):
        shape = layer.shape
        lines = (f"{shape[0]}×{shape[1]}", str(shape[2])) if len(shape) == 3 else (size(shape), "")
        label = t("{name}, {kind}, {size}", name=layer.name, kind=kind(layer.kind), size=size(shape))
        drawn = _mean_picture(loaded.digest, picture.digest, layer.name, forward)
        name = t("mean") if layer.kind == "mean" else layer.name.partition(".")[2] or layer.name
        items.append(Tile(layer.name, name, lines, label, drawn))
    wide = max((layer.shape[0] for layer in layers if len(layer.shape) == 3), default=0) >= 100
    tiles(items, chosen.name, t("Layers"), "lab-layers-pick", on_pick, size=52 if wide else 40, pixels=True)


def visible(layers: tuple[Layer, ...], chosen: Layer) -> list[Layer]:
    """The layers in the row: of a network in blocks (``fire2``, ``fire2.expand1x1``) the insides of the chosen only.

    >>> layers = tuple(Layer(name, "relu", (4, 4, 8), (1, 1), (3, 3)) for name in ("a.x", "a", "b.x", "b"))
    >>> [layer.name for layer in visible(layers, layers[1])]
    ['a.x', 'a', 'b']
    """
    block = chosen.name.partition(".")[0]
    return [layer for layer in layers if "." not in layer.name or layer.name.partition(".")[0] == block]


@lru_cache(maxsize=512)
def _mean_key(network: str, picture: str, layer: str) -> dict[str, str]:
    return {}


def _mean_picture(network: str, picture: str, layer: str, forward: engine.Forward) -> str:
    """The mean over channels of the magnitude of an activation, as a small picture."""
    tile = _mean_key(network, picture, layer)
    if "png" not in tile:
        mean = np.abs(selection.planes(forward.maps[layer])).mean(axis=-1)
        if forward.maps[layer].ndim != 3:
            mean = _folded(np.abs(forward.maps[layer]).ravel())
        tile["png"] = encoded(png(heat_pixels(mean), level=6))
    return tile["png"]


def _folded(values: np.ndarray) -> np.ndarray:
    """A vector as a square picture, row by row; cells left over are 0."""
    side = int(np.ceil(np.sqrt(values.size)))
    square = np.zeros(side * side)
    square[: values.size] = values
    return square.reshape(side, side)


def _says(labels: tuple[str, ...] | None, forward: engine.Forward) -> str:
    """What comes out at the end: the likeliest classes, or what the output is where it is no row of class scores."""
    if forward.probabilities is not None:
        return _classes(labels, forward.probabilities)
    output = np.asarray(forward.output)
    if output.size == 1:
        said = t("One number: {value}", value=number(float(output.reshape(-1)[0])))
    else:
        said = t(
            "{size} numbers from {low} to {high}: no row of class scores, so no classes are listed.",
            size=size(output.shape),
            low=number(float(output.min())),
            high=number(float(output.max())),
        )
    return f'<div class="lab-classes"><h3>{escape(t("The network says"))}</h3><p>{escape(said)}</p></div>'


def _classes(labels: tuple[str, ...] | None, probabilities: np.ndarray) -> str:
    best = np.argsort(-probabilities, kind="stable")[:TOP]
    rows = []
    for index in best:
        name = label_of(labels, int(index))
        percent = 100 * float(probabilities[index])
        rows.append(
            f'<li><span class="name">{escape(name)}</span><span class="value">{percent:.1f} %</span>'
            f'<span class="bar"><span style="width:{percent:.2f}%"></span></span></li>'
        )
    return f'<div class="lab-classes"><h3>{escape(t("The network says"))}</h3><ol>{"".join(rows)}</ol></div>'


def label_of(labels: tuple[str, ...] | None, index: int) -> str:
    """Name of a class as people write it, or its number."""
    if not labels or index >= len(labels):
        return t("class {number}", number=index)
    return class_name(labels[index])
