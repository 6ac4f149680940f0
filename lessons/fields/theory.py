"""What a unit can see, from the windows below it alone: the recursion, and a network of ones that walks it back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from deconvviz.network.backward.explicit import Chain
from deconvviz.ops.conv import ConvGeometry, conv_adjoint
from deconvviz.types import Box, Size


@dataclass(frozen=True)
class Window:
    """How one layer slides its window over the map below.

    Attributes:
      name: of the layer.
      span: rows and columns of the window.
      stride: rows and columns per step.
      before: padding above and to the left.
      below: (height, width) of the map below.
    """

    name: str
    span: Size
    stride: Size
    before: Size
    below: Size


@dataclass(frozen=True)
class Field:
    """What the units of one layer see, as (rows, columns) of input pixels.

    Unit i sees the pixels ``step * i + first`` to ``step * i + first + size - 1`` of an axis.
    """

    name: str
    size: Size
    step: Size
    first: Size

    def box(self, unit: Size) -> Box:
        """(top, left, bottom, right) that a unit sees, not clipped; bottom and right exclusive.

        >>> Field("conv1", (6, 6), (2, 2), (-2, -2)).box((0, 3))
        (-2, 4, 4, 10)
        """
        top, left = (self.step[a] * unit[a] + self.first[a] for a in (0, 1))
        return top, left, top + self.size[0], left + self.size[1]

    def unit_at(self, pixel: Size, map_size: Size) -> Size:
        """The unit of a map whose field has its middle nearest to a pixel.

        >>> Field("conv1", (6, 6), (2, 2), (-2, -2)).unit_at((11, 900), (64, 64))
        (5, 63)
        """
        nearest = [round((pixel[a] - self.first[a] - (self.size[a] - 1) / 2) / self.step[a]) for a in (0, 1)]
        return min(max(nearest[0], 0), map_size[0] - 1), min(max(nearest[1], 0), map_size[1] - 1)

    def middle(self, unit: Size) -> Size:
        """The pixel in the middle of a unit's field."""
        top, left, bottom, right = self.box(unit)
        return (top + bottom - 1) // 2, (left + right - 1) // 2


def windows(network: Any, layer: str) -> tuple[Window, ...]:
    """The windows between the input and a layer, lowest first; the network has to be a chain."""
    chain = network.chain_to(layer)
    assert isinstance(chain, Chain), chain
    slides = [(step.name, step.slide) for step in chain.steps if step.slide is not None]
    return tuple(Window(name, s.span, s.stride, s.before, s.below[:2]) for name, s in slides)


def recursion(below: Sequence[Window]) -> list[Field]:
    """The field after each window.

    Formula: ``r = r' + (k - 1) j'``, ``j = j' s``, ``o = o' - p j'``, with r the size, j the step, o the first pixel
    of unit 0, primes for the layer below, and 1, 1, 0 on the picture itself.

    Source: dumoulin2016guide

    >>> [f.size[0] for f in recursion([Window("a", (3, 3), (2, 2), (1, 1), (9, 9)), Window("b", (3, 3), (1, 1), (0, 0),
    ...     (5, 5))])]
    [3, 7]
    """
    size, step, first = (1, 1), (1, 1), (0, 0)
    result = []
    for w in below:
        size = (size[0] + (w.span[0] - 1) * step[0], size[1] + (w.span[1] - 1) * step[1])
        first = (first[0] - w.before[0] * step[0], first[1] - w.before[1] * step[1])
        step = (step[0] * w.stride[0], step[1] * w.stride[1])
        result.append(Field(w.name, size, step, first))
    return result


def traced(network: Any, layer: str) -> Field:
    """The same read off the traced program (`deconvviz.network.trace.geometry`)."""
    rows, columns = sorted(network.node(layer).field.spanned(), key=lambda track: track.axis)
    return Field(
        layer,
        (int(rows.high - rows.low) + 1, int(columns.high - columns.low) + 1),
        (int(rows.step), int(columns.step)),
        (int(rows.low), int(columns.low)),
    )


def paths(below: Sequence[Window], unit: Size, map_size: Size) -> np.ndarray:
    """How many ways lead from each pixel up to a unit, (H, W): the backward pass of a network whose weights are all 1.

    Each layer becomes a convolution with a kernel of ones, pooling too; nothing can cancel, no path is dead.
    """
    g = np.zeros((1, *map_size, 1), np.float32)
    g[0, *unit, 0] = 1
    for w in reversed(below):
        out = g.shape[1:3]
        after = [max(0, (out[a] - 1) * w.stride[a] + w.span[a] - w.below[a] - w.before[a]) for a in (0, 1)]
        geometry = ConvGeometry(w.stride, ((w.before[0], after[0]), (w.before[1], after[1])))
        g = np.asarray(conv_adjoint(g, np.ones((*w.span, 1, 1), np.float32), geometry, w.below))
    return g[0, :, :, 0]


def clipped(box: Box, size: Size) -> Box:
    """The part of a box on the picture.

    >>> clipped((-2, 4, 4, 10), (8, 8))
    (0, 4, 4, 8)
    """
    top, left, bottom, right = box
    return max(top, 0), max(left, 0), min(bottom, size[0]), min(right, size[1])


def inside(box: Box, size: Size) -> np.ndarray:
    """True on the pixels of a box, (H, W)."""
    top, left, bottom, right = clipped(box, size)
    mask = np.zeros(size, bool)
    mask[top:bottom, left:right] = True
    return mask
