"""Which unit is meant: names checked against the layer, positions resolved, all as traced numbers.

A layer of tokens, (tokens, channels), is taken as a map of one column: row n, column 0 is token n. One of three spatial
axes, (depth, rows, columns, channels), is taken as a map of depth times rows: row n of slice d is row d * rows + n.
"""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp
import numpy as np

from deconvviz.errors import NetworkError
from deconvviz.types import Layer, Unit

#: Traced stand-ins for "the strongest position", and for "the whole map" or, as a channel, "every channel".
STRONGEST, ALL = -1, -2


def codes(unit: Unit, layer: Layer) -> tuple[int, int, int]:
    """(channel, row, column) as numbers that a compiled function takes, checked against the layer.

    Raises:
      NetworkError: for a channel or position that the layer does not have.

    >>> codes(Unit("relu1", 3), Layer("relu1", "relu", (8, 8, 4), (1, 1), (3, 3)))
    (3, -1, -1)
    """
    if not layer.shape:
        raise NetworkError(f"layer {layer.name} is one number an image, without channels: choose a layer below it")
    channels = layer.shape[-1]
    if unit.channel == "all":
        return ALL, ALL, ALL
    if not _whole(unit.channel) or not 0 <= unit.channel < channels:
        raise NetworkError(
            f"layer {layer.name} has {channels} channels, numbered 0 to {channels - 1}; got channel={unit.channel!r}"
        )
    if unit.row is None or (len(layer.shape) == 1 and unit.row == "all"):
        return int(unit.channel), STRONGEST, STRONGEST
    if unit.row == "all":
        return int(unit.channel), ALL, ALL
    if len(layer.shape) == 1:
        raise NetworkError(
            f"layer {layer.name} is a vector of {channels} channels without rows and columns; "
            f"got row={unit.row!r}, column={unit.column!r}: leave them out"
        )
    height, width = (layer.shape[0], 1) if len(layer.shape) == 2 else (math.prod(layer.shape[:-2]), layer.shape[-2])
    row, column = unit.row, unit.column
    fits = _whole(row) and _whole(column) and 0 <= int(row) < height and 0 <= int(column) < width  # type: ignore[arg-type]
    if not fits:
        raise NetworkError(
            f"layer {layer.name} has {height} rows and {width} columns, counted from 0; "
            f"got row={row!r}, column={column!r}"
        )
    return int(unit.channel), int(row), int(column)  # type: ignore[arg-type]


def _whole(number: Any) -> bool:
    """True for whole numbers of any type; True and False are none."""
    return hasattr(number, "__index__") and not isinstance(number, bool)


def seed(value: Any, channel: Any, row: Any, column: Any, ones: Any) -> tuple[Any, Any, Any, Any]:
    """The signal that starts the backward pass, from a layer's value and traced codes.

    Formula: ``g = m * a`` (or m, where ``one``), m the indicator of the unit: one position, a whole map, or all.

    Args:
      value: (1, h, w, c), (1, depth, h, w, c), (1, tokens, c) or (1, c).
      channel, row, column: numbers from `codes`.
      ones: whether every chosen entry is 1 instead of the activation.

    Returns:
      (g like value, activation, row, column): the activation at the position, the largest of all for `ALL`.
    """
    plane = jnp.where(channel == ALL, value[0].max(-1), jnp.take(value[0], jnp.maximum(channel, 0), axis=-1))
    chosen = (jnp.arange(value.shape[-1]) == channel) | (channel == ALL)
    if plane.ndim == 0:
        return jnp.where(chosen[None], jnp.where(ones, jnp.ones_like(value), value), 0), plane, row, column
    if plane.ndim > 2:
        g, *rest = seed(value.reshape(1, -1, *value.shape[-2:]), channel, row, column, ones)
        return g.reshape(value.shape), *rest
    if plane.ndim == 1:
        g, *rest = seed(value[:, :, None, :], channel, row, column, ones)
        return g[:, :, 0, :], *rest
    height, width = plane.shape
    best = jnp.argmax(plane)
    at_row = jnp.where(row == STRONGEST, best // width, row)
    at_column = jnp.where(column == STRONGEST, best % width, column)
    rows, columns = jnp.arange(height)[:, None], jnp.arange(width)[None, :]
    spot = ((rows == at_row) & (columns == at_column)) | (row == ALL)
    keep = spot[None, :, :, None] & chosen
    activation = jnp.where(row == ALL, plane.max(), plane[jnp.maximum(at_row, 0), jnp.maximum(at_column, 0)])
    return jnp.where(keep, jnp.where(ones, jnp.ones_like(value), value), 0), activation, at_row, at_column


def check_finite(name: str, unit: Unit, activation: float, signal: Any) -> None:
    """Refuse what would become a picture of NaN.

    Raises:
      NetworkError: if the activation or the signal at the image is no finite number.
    """
    if not np.isfinite(activation):
        raise NetworkError(
            f"channel {unit.channel} of {unit.layer} in {name} is {activation} for this image, so nothing can be sent "
            "down from it: are the weights finite, and is the image in the range that the network expects?"
        )
    if not np.isfinite(signal).all():
        raise NetworkError(
            f"the signal of channel {unit.channel} of {unit.layer} in {name} is no finite number at the image: an "
            "operation on the way has no finite derivative there (a root or a quotient at 0, say); try another image "
            "or a layer below it"
        )
