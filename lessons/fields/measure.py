"""What a unit does see on a photograph: where its derivative is not zero, and where most of it lies on average."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

import deconvviz as dv
from deconvviz.data import samples
from deconvviz.data.preprocess import model_input
from deconvviz.types import Box, Unit
from lessons._kit.run import engine, networks, pictures
from lessons.fields import theory
from lessons.fields.theory import Field

#: Layers whose units are offered: those that slide a window.
LAYERS = (
    "conv1", "pool1", "conv2", "pool2", "conv3", "conv4", "pool4", "conv5", "conv6", "pool6", "conv7",
)  # fmt: skip
#: The strongest channels that are offered.
CHANNELS = 6
#: Photographs and channels that the effective field is averaged over.
PHOTOS = tuple(one.id for one in samples.SAMPLES.values() if one.kind == "photo")[:8]
AVERAGED = 4
#: Share of the squared derivative that the effective field holds.
SHARE = 0.9


@dataclass(frozen=True, eq=False)
class Effective:
    """The squared derivative, averaged over photographs and channels, each with the sum 1.

    Attributes:
      energy: (rows, columns) of the field, centred on it; zero where the field hangs over the picture.
      side: rows of the smallest square around the middle that holds `SHARE` of it.
      units: how many were averaged.
      outside: the largest share of one unit's derivative outside its field.
    """

    energy: np.ndarray
    side: int
    units: int
    outside: float


def strongest(loaded: networks.Loaded, picture: pictures.Picture, layer: str) -> tuple[int, ...]:
    """The channels of a layer with the largest values on a photograph."""
    maps = engine.forward(loaded, picture).maps[layer]
    order = np.argsort(-maps.max(axis=(0, 1)), kind="stable")
    return tuple(int(channel) for channel in order[:CHANNELS])


def derivative(loaded: networks.Loaded, picture: pictures.Picture, unit: Unit) -> np.ndarray:
    """The derivative of the unit times its activation, (H, W, 3): zero where the derivative is."""
    return engine.reconstruct(loaded, picture, unit).by_rule["gradient"].map


def support(slopes: np.ndarray) -> np.ndarray:
    """True where the derivative is not exactly zero in some colour, (H, W)."""
    return np.any(np.asarray(slopes) != 0, axis=-1)


def outside(slopes: np.ndarray, box: Box) -> float:
    """Share of the squared derivative outside a box.

    >>> outside(np.ones((2, 5, 3)), (0, 0, 2, 4))
    0.2
    """
    energy = (np.asarray(slopes, np.float64) ** 2).sum(axis=-1)
    total = energy.sum()
    return float(energy[~theory.inside(box, energy.shape)].sum() / total) if total else 0.0


def effective(loaded: networks.Loaded, field: Field) -> Effective:
    """The effective field of a layer, over `PHOTOS` and `AVERAGED` channels at the middle of the map; kept.

    Source: luo2016understanding
    """
    name = f"effective {field.name} {PHOTOS} {AVERAGED}"
    return engine.cached(loaded, pictures.sample(PHOTOS[0]), name, lambda: _effective(loaded, field))


def _effective(loaded: networks.Loaded, field: Field) -> Effective:
    layer = loaded.network.layer(field.name)
    middle = layer.shape[0] // 2, layer.shape[1] // 2
    channels = np.linspace(0, layer.shape[2] - 1, AVERAGED).round().astype(int)
    units = [Unit(field.name, int(channel), *middle) for channel in channels]
    box, total, count, worst = field.box(middle), np.zeros(field.size), 0, 0.0
    for id in PHOTOS:
        image = pictures.fitted(loaded, pictures.sample(id)).model
        for unit in units:  # one by one: the program of a single unit is compiled already
            one = dv.reconstruct(loaded.network, image, unit, rule="gradient", start="one", prove=False)
            energy = (one.map.astype(np.float64) ** 2).sum(axis=-1)
            if energy.any():
                total += on_field(energy / energy.sum(), box)
                count += 1
                worst = max(worst, outside(one.map, box))
    energy = total / max(1, count)
    return Effective(energy, side_of(energy, SHARE), count, worst)


def on_field(values: np.ndarray, box: Box) -> np.ndarray:
    """The part of (H, W) or (H, W, C) values in a box, zero where the box hangs over the picture.

    >>> on_field(np.ones((2, 2)), (-1, 0, 1, 2)).tolist()
    [[0.0, 0.0], [1.0, 1.0]]
    """
    top, left, bottom, right = box
    out = np.zeros((bottom - top, right - left, *values.shape[2:]), values.dtype)
    a, b, c, d = theory.clipped(box, values.shape[:2])
    out[a - top : c - top, b - left : d - left] = values[a:c, b:d]
    return out


def side_of(energy: np.ndarray, share: float) -> int:
    """Rows of the smallest square around the middle that holds a share of the energy.

    >>> side_of(np.pad(np.full((2, 2), 0.25), 3), 0.9), side_of(np.full((5, 5), 0.04), 0.9)
    (2, 5)
    """
    height, width = energy.shape
    total, margin = float(energy.sum()), 0
    while 2 * (margin + 1) < min(height, width):
        m = margin + 1
        if energy[m : height - m, m : width - m].sum() < share * total:
            break
        margin = m
    return height - 2 * margin


def changed(loaded: networks.Loaded, picture: pictures.Picture, unit: Unit, box: Box) -> tuple[float, float]:
    """How much a unit changes when every pixel outside its field becomes noise, and when the middle one inside does."""
    key = f"changed {unit} {box}"
    return engine.cached(loaded, picture, key, lambda: measure_change(loaded, picture, unit, box))


def measure_change(loaded: networks.Loaded, picture: pictures.Picture, unit: Unit, box: Box) -> tuple[float, float]:
    """The same, measured anew."""
    net, image = loaded.network, pictures.fitted(loaded, picture).model
    mask = theory.inside(box, image.shape[:2])
    noise = np.random.default_rng(11).random(image.shape, np.float32)
    around = np.where(mask[..., None], image, noise)
    slopes = np.abs(derivative(loaded, picture, unit)).sum(axis=-1)
    pixel = np.unravel_index(slopes.argmax(), slopes.shape)
    touched = image.copy()
    touched[pixel] = 1 - image[pixel]
    before, far, near = (_value(net, one, unit) for one in (image, around, touched))
    return abs(far - before), abs(near - before)


def _value(net: Any, image: np.ndarray, unit: Unit) -> float:
    values = net.taps(model_input(image, net.input_spec), [layer.name for layer in net.layers])
    return float(values[unit.layer][0, unit.row, unit.column, unit.channel])
