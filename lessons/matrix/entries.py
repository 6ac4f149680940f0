"""The matrix of a convolution, entry by entry: where each weight stands, how often, and how large the whole is.

Index arithmetic only. Row ``u W' + v`` of A makes output cell (u, v), column ``r W + c`` reads input cell (r, c).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from deconvviz.ops import ConvGeometry
from deconvviz.types import Size
from lessons._kit.numbers import taps

Cell = tuple[int, int]


@dataclass(frozen=True)
class Entry:
    """One weight in A: its row, its column, and which weight of the kernel it is."""

    row: int
    column: int
    tap: Cell


def entries(kernel_size: Size, geometry: ConvGeometry, input_size: Size) -> list[Entry]:
    """Every place of A that holds a weight, row by row; a tap on the padding has no column.

    >>> [(entry.row, entry.column, entry.tap) for entry in entries((1, 2), ConvGeometry(stride=(1, 2)), (1, 4))]
    [(0, 0, (0, 0)), (0, 1, (0, 1)), (1, 2, (0, 0)), (1, 3, (0, 1))]
    """
    (rows, columns), (height, width) = geometry.output_size(input_size, kernel_size), input_size
    return [
        Entry(u * columns + v, tap.input[0] * width + tap.input[1], tap.kernel)
        for u in range(rows)
        for v in range(columns)
        for tap in taps.window((u, v), kernel_size, geometry, input_size)
        if 0 <= tap.input[0] < height and 0 <= tap.input[1] < width
    ]


def dense(w: np.ndarray, geometry: ConvGeometry, input_size: Size) -> np.ndarray:
    """A of a one-channel convolution, (output cells, input cells), written entry by entry.

    Args:
      w: (kh, kw, 1, 1) kernel.
      geometry: how it slides.
      input_size: (height, width).

    >>> dense(np.array([[3, 5]]).reshape(1, 2, 1, 1), ConvGeometry(), (1, 3)).tolist()
    [[3.0, 5.0, 0.0], [0.0, 3.0, 5.0]]
    """
    kernel_size = w.shape[0], w.shape[1]
    a = np.zeros((int(np.prod(geometry.output_size(input_size, kernel_size))), int(np.prod(input_size))), np.float32)
    for entry in entries(kernel_size, geometry, input_size):
        a[entry.row, entry.column] = w[*entry.tap, 0, 0]
    return a


def axis_counts(kernel_size: Size, geometry: ConvGeometry, input_size: Size) -> tuple[list[int], list[int]]:
    """For each kernel row, in how many output rows it meets the picture and not the padding; the same for columns.

    Formula: the number of u from 0 to n' − 1 with ``0 <= s u + d i - lo < n``.

    >>> axis_counts((3, 2), ConvGeometry(padding=(1, 0)), (5, 5))
    ([4, 5, 4], [4, 4])
    """
    outputs, pads = geometry.output_size(input_size, kernel_size), geometry.resolve(input_size, kernel_size)

    def count(axis: int, tap: int) -> int:
        start = geometry.dilations[axis] * tap - pads[axis][0]
        first = max(0, -(start // geometry.strides[axis]))
        last = min(outputs[axis] - 1, (input_size[axis] - 1 - start) // geometry.strides[axis])
        return max(0, last - first + 1)

    rows, columns = ([count(axis, tap) for tap in range(kernel_size[axis])] for axis in (0, 1))
    return rows, columns


@dataclass(frozen=True)
class Growth:
    """What a convolution weighs: as a kernel, and written out as A.

    Attributes:
      size: (height, width) of the input.
      channels: of the input, and as many of the output.
      weights: numbers in the kernel.
      rows: output cells of all channels.
      columns: input cells of all channels.
      places: entries of A that hold a weight; all others are zero.
    """

    size: Size
    channels: int
    weights: int
    rows: int
    columns: int
    places: int

    @property
    def entries(self) -> int:
        """Numbers in A."""
        return self.rows * self.columns


def growth(kernel_size: Size, geometry: ConvGeometry, input_size: Size, channels: int = 1) -> Growth:
    """The sizes, by arithmetic alone; A is not made.

    >>> layer = growth((3, 3), ConvGeometry(padding=1), (224, 224), 64)
    >>> layer.weights, layer.entries
    (36864, 10312216477696)
    """
    height, width = geometry.output_size(input_size, kernel_size)
    rows, columns = axis_counts(kernel_size, geometry, input_size)
    return Growth(
        input_size,
        channels,
        kernel_size[0] * kernel_size[1] * channels**2,
        height * width * channels,
        input_size[0] * input_size[1] * channels,
        sum(rows) * sum(columns) * channels**2,
    )
