"""Which input cells an output cell of a convolution reads, and which output cells reach an input cell.

Index arithmetic only, one loop a formula, so that a lesson can write every product out.
"""

from __future__ import annotations

from dataclasses import dataclass

from deconvviz.ops import ConvGeometry
from deconvviz.types import Size

Cell = tuple[int, int]


@dataclass(frozen=True)
class Tap:
    """One weight that joins an output cell to an input cell (which lies on the padding if outside the input)."""

    output: Cell
    kernel: Cell
    input: Cell


def window(output: Cell, kernel_size: Size, geometry: ConvGeometry, input_size: Size) -> list[Tap]:
    """The taps of one output cell, kernel row by kernel row: ``r = s u + d i - p``.

    >>> [tap.input for tap in window((0, 1), (1, 2), ConvGeometry(stride=2), (3, 4))]
    [(0, 2), (0, 3)]
    """
    (top, _), (left, _) = geometry.resolve(input_size, kernel_size)
    (sh, sw), (dh, dw), (u, v) = geometry.strides, geometry.dilations, output
    return [
        Tap(output, (i, j), (sh * u + dh * i - top, sw * v + dw * j - left))
        for i in range(kernel_size[0])
        for j in range(kernel_size[1])
    ]


def reaching(cell: Cell, kernel_size: Size, geometry: ConvGeometry, input_size: Size) -> list[Tap]:
    """The taps that join an input cell to the output, output row by output row.

    >>> [(tap.output, tap.kernel) for tap in reaching((0, 1), (1, 2), ConvGeometry(), (3, 4))]
    [((0, 0), (0, 1)), ((0, 1), (0, 0))]
    """
    height, width = geometry.output_size(input_size, kernel_size)
    return [
        tap
        for u in range(height)
        for v in range(width)
        for tap in window((u, v), kernel_size, geometry, input_size)
        if tap.input == cell
    ]
