"""One unit's maps by `jax.vjp` of the network's function on the part of the picture that holds its receptive field.

What a unit is made from lies within its field, so on a part that holds the field the same function gives the same
activation and the same derivative: the part begins at a whole step of the layer, so every filter and every pool falls
on the same pixels, and it ends where the picture ends wherever the field does. The function is traced anew for that
size; it shares nothing with the windows of `windowed`. Whether it is the same function there is seen by the activation,
and where it is another number, no maps are given.
"""

from __future__ import annotations

import contextlib
import math
from typing import Any

import numpy as np

from deconvviz.network.backward import backprop
from deconvviz.network.backward.backprop import BackpropRequest, BackpropResult, Results
from deconvviz.network.network import Network
from deconvviz.network.rewrite.program import rewritten
from deconvviz.network.trace.trace import Node
from deconvviz.types import Size

#: Share of the picture from which the part costs about as much as the whole.
LARGE = 0.8
#: How far activations of the whole picture and of the part may differ, relative to the activation: by rounding.
ROUNDING = 1e-4


def by_cropped_vjp(request: BackpropRequest, activation: float) -> Results | None:
    """The maps of a single unit; None for several, for none at a place, and where only the whole picture will do.

    Args:
      request: the unit and the rules.
      activation: of the unit, on the whole picture.
    """
    (channel, row, column), *others = request.codes
    if others or row < 0 or (small := _smaller(request.network, request.node)) is None:
        return None
    layer, steps = request.node.layer.name, request.node.layer.stride
    assert steps is not None, "a smaller part has steps"
    box, (height, width) = request.network.receptive_box(layer, row, column), small.input_spec.size
    top, left = (
        min(start // step * step, whole - part)
        for start, step, whole, part in zip(box[:2], steps, request.x.shape[1:3], (height, width), strict=True)
    )
    rows, columns = slice(top, top + height), slice(left, left + width)
    codes = [(channel, row - top // steps[0], column - left // steps[1])]
    part = BackpropRequest(small, small.node(layer), request.x[:, rows, columns], codes, request.rules, request.ones)
    results: Results = {}
    for rule, (result,) in backprop.by_vjp(part, _program(part).call, plainly=True).items():
        if not math.isclose(result.activation, activation, rel_tol=ROUNDING):
            return None
        whole = np.zeros(request.x.shape[1:], result.map.dtype)
        whole[rows, columns] = result.map
        results[rule] = [BackpropResult(whole, result.activation, row, column)]
    return results


def part_of(picture: Size, steps: Size, field: Size) -> Size:
    """(height, width) of the part: room for a field that begins anywhere between two steps, whole steps less than all.

    >>> part_of((128, 128), (4, 4), (16, 16)), part_of((30, 9), (4, 4), (9, 9))
    ((20, 20), (14, 9))
    """
    needs = zip(picture, steps, field, strict=True)
    height, width = (whole - max(0, (whole - size - step + 1) // step) * step for whole, step, size in needs)
    return height, width


def _smaller(network: Network, node: Node) -> Network | None:
    """The same function of such a part; None where that saves little, and where the function refuses it."""

    def make() -> Network | None:
        layer, whole = node.layer, network.input_spec.size
        if layer.stride is None or layer.receptive_field is None:
            return None
        size = part_of(whole, layer.stride, layer.receptive_field)
        if math.prod(size) > LARGE * math.prod(whole):
            return None
        with contextlib.suppress(Exception):  # a person's own function may raise anything where the size is another
            small = network.at_size(size)
            same = small.node(layer.name).layer
            if (same.shape[-1], same.stride, same.receptive_field) == (
                layer.shape[-1], layer.stride, layer.receptive_field
            ):  # fmt: skip
                return small
        return None

    small: Network | None = network.store.get(("part", node.layer.name, node.variable.aval.dtype.name), make)
    return small


def _program(part: BackpropRequest) -> Any:
    key = ("rewritten", part.node.layer.name, part.rules, part.x.dtype.name)
    return part.network.store.get(key, lambda: rewritten(part.network, part.node.layer.name, part.rules, "gradient"))
