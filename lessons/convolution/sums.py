"""A convolution as the sum that it is: every window, its products, their sum; and the same numbers by SciPy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from deconvviz.ops import ConvGeometry
from deconvviz.types import Array, Size

Cell = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Arrays:
    """What is on screen.

    Attributes:
      x: (1, H, W, C) picture.
      given: (kh, kw, C, 1) kernel as it is written.
      turned: whether it is turned by 180 degrees before it slides: true convolution.
      z: (1, H', W', 1) what the operator of the library makes of x and w.
      geometry: how the kernel slides.
    """

    x: np.ndarray
    given: np.ndarray
    turned: bool
    z: np.ndarray
    geometry: ConvGeometry

    @property
    def w(self) -> np.ndarray:
        """The kernel as it lies on a window, (kh, kw, C, 1)."""
        return self.given[::-1, ::-1] if self.turned else self.given

    @property
    def size(self) -> Size:
        """(height, width) of the picture."""
        return self.x.shape[1], self.x.shape[2]

    @property
    def kernel_size(self) -> Size:
        """(height, width) of the kernel."""
        return self.given.shape[0], self.given.shape[1]


def places(arrays: Arrays, cell: Cell) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the picture that the window of an output cell reads; below 0 or too large on the padding.

    Formula: ``row = s u + d i - p`` for each kernel row i, columns likewise.
    """
    (top, _), (left, _) = arrays.geometry.resolve(arrays.size, arrays.kernel_size)
    (sh, sw), (dh, dw) = arrays.geometry.strides, arrays.geometry.dilations
    kh, kw = arrays.kernel_size
    return sh * cell[0] + dh * np.arange(kh) - top, sw * cell[1] + dw * np.arange(kw) - left


def window(arrays: Arrays, cell: Cell) -> np.ndarray:
    """What the window of an output cell reads, (kh, kw, C); zeros on the padding."""
    rows, columns = places(arrays, cell)
    inside = np.outer((rows >= 0) & (rows < arrays.size[0]), (columns >= 0) & (columns < arrays.size[1]))
    read = arrays.x[0][np.ix_(rows.clip(0, arrays.size[0] - 1), columns.clip(0, arrays.size[1] - 1))]
    return np.where(inside[:, :, None], read, 0)


def products(arrays: Arrays, cell: Cell) -> np.ndarray:
    """What is added up in an output cell, (kh, kw, C): each number of the window times its weight."""
    return window(arrays, cell) * arrays.w[:, :, :, 0]


def every_sum(arrays: Arrays) -> np.ndarray:
    """The sum of the products of every output cell, (H', W'): no convolution is called, tap after tap is added."""
    pads = arrays.geometry.resolve(arrays.size, arrays.kernel_size)
    padded = np.pad(arrays.x[0].astype(np.float64), (*pads, (0, 0)))
    (sh, sw), (dh, dw) = arrays.geometry.strides, arrays.geometry.dilations
    height, width = arrays.geometry.output_size(arrays.size, arrays.kernel_size)
    total = np.zeros((height, width))
    for i, j in np.ndindex(arrays.kernel_size):
        read = padded[dh * i :: sh, dw * j :: sw][:height, :width]
        total += (read * arrays.w[i, j, :, 0]).sum(axis=2)
    return total


def output_size(arrays: Arrays) -> Size:
    """(height, width) of the output by the formula ``floor((n + 2p - ke) / s) + 1``, ``ke = (k - 1) d + 1``."""
    pads = arrays.geometry.resolve(arrays.size, arrays.kernel_size)
    steps = zip(arrays.size, arrays.kernel_size, arrays.geometry.strides, arrays.geometry.dilations, pads, strict=True)
    height, width = ((n + lo + hi - ((k - 1) * d + 1)) // s + 1 for n, k, s, d, (lo, hi) in steps)
    return height, width


def scipy_convolution(x: Array, w: Array, geometry: ConvGeometry) -> np.ndarray:
    """True convolution by SciPy: each padded channel with its spread-out slice, added up, every s-th cell kept.

    Args:
      x: (1, H, W, C).
      w: (kh, kw, C, 1), as it is written: SciPy turns it.
      geometry: how the kernel slides.

    Returns:
      (H', W') float64.
    """
    from scipy import signal  # takes a second to load: not before the first picture

    x, w = np.asarray(x, np.float64), np.asarray(w, np.float64)
    pads = geometry.resolve(x.shape[1:3], w.shape[:2])
    (sh, sw), (dh, dw) = geometry.strides, geometry.dilations
    spread = np.zeros((*geometry.extent(w.shape[:2]), w.shape[2]))
    spread[::dh, ::dw] = w[:, :, :, 0]
    planes = (signal.convolve2d(np.pad(x[0, :, :, c], pads), spread[:, :, c], "valid") for c in range(x.shape[3]))
    return np.sum(list(planes), axis=0)[::sh, ::sw]
