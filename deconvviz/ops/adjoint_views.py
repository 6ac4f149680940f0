"""The adjoint of a convolution in three views, each with code of its own, that give the same numbers.

* `stamp_adjoint`: each cell of the signal lays down its value times the kernel; where stamps overlap they add;
* `insertion_adjoint`: zeros are put between the cells, then an ordinary convolution with the turned kernel runs;
* `matrix_adjoint`: the convolution is written out as a matrix A, transposed, and multiplied with the signal.

They are slow and meant to be read; `conv_adjoint` is the fast one.
"""

from __future__ import annotations

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np

from deconvviz.ops._linear_map import conv_map
from deconvviz.ops._sizes import Pads, check_shape, read_map, read_pair
from deconvviz.ops.conv import ConvGeometry, conv
from deconvviz.types import Array, Size


def stamp_adjoint(g: Array, w: Array, geometry: ConvGeometry, input_size: int | Size) -> np.ndarray:
    """Adjoint of `conv`, stamp by stamp: a loop over the cells of the signal.

    Formula: ``canvas[n, s u + d i, s v + d j, c] += w[i, j, c, o] g[n, u, v, o]``, then the padding is cut off.

    Args:
      g: (N, H', W', O) signal on the output of `conv`.
      w: (kh, kw, I, O) the kernel of `conv`.
      geometry: the geometry of `conv`.
      input_size: (height, width) of x.

    Returns:
      (N, height, width, groups * I).

    Raises:
      GeometryError: if g is not of the size that `conv` gives for `input_size`.

    Source: dumoulin2016guide

    >>> stamp_adjoint(np.ones((1, 1, 2, 1)), np.ones((2, 2, 1, 1)), ConvGeometry(), (2, 3))[0, :, :, 0].tolist()
    [[1.0, 2.0, 1.0], [1.0, 2.0, 1.0]]
    """
    height, width = read_pair("input_size", input_size)
    (top, bottom), (left, right) = geometry.resolve((height, width), (w.shape[0], w.shape[1]))
    (sh, sw), (dh, dw) = geometry.strides, geometry.dilations
    eh, ew = geometry.extent((w.shape[0], w.shape[1]))

    def one_group(g: np.ndarray, w: np.ndarray) -> np.ndarray:
        canvas = np.zeros((g.shape[0], top + height + bottom, left + width + right, w.shape[2]), g.dtype)
        for u in range(g.shape[1]):
            for v in range(g.shape[2]):
                stamp = np.einsum("ijco,no->nijc", w, g[:, u, v])
                canvas[:, sh * u : sh * u + eh : dh, sw * v : sw * v + ew : dw] += stamp
        return canvas[:, top : top + height, left : left + width]

    return _by_group(one_group, g, w, geometry, (height, width))


def insert_zeros(g: Array, stride: int | Size) -> np.ndarray:
    """Spread a signal: ``stride - 1`` zeros between neighbours.

    Formula: ``y[n, s u, s v, o] = g[n, u, v, o]``, 0 elsewhere.

    Args:
      g: (N, H', W', O).
      stride: along rows and columns.

    Returns:
      (N, (H' - 1) sh + 1, (W' - 1) sw + 1, O).

    >>> insert_zeros(np.array([[5.0, 7.0]]).reshape(1, 1, 2, 1), 3)[0, :, :, 0].tolist()
    [[5.0, 0.0, 0.0, 7.0]]
    """
    signal, (sh, sw) = np.asarray(g), read_pair("stride", stride)
    n, height, width, channels = signal.shape
    spread = np.zeros((n, (height - 1) * sh + 1, (width - 1) * sw + 1, channels), signal.dtype)
    spread[:, ::sh, ::sw] = signal
    return spread


def pad_or_crop(x: Array, pads: Pads) -> np.ndarray:
    """Zeros around an (N, H, W, C) array; a negative number takes rows or columns away instead.

    >>> pad_or_crop(np.ones((1, 3, 2, 1)), ((-1, 0), (0, 1)))[0, :, :, 0].tolist()
    [[1.0, 1.0, 0.0], [1.0, 1.0, 0.0]]
    """
    (top, bottom), (left, right) = pads
    around = [(max(lo, 0), max(hi, 0)) for lo, hi in pads]
    padded = np.pad(np.asarray(x), ((0, 0), *around, (0, 0)))
    rows = slice(max(-top, 0), padded.shape[1] - max(-bottom, 0))
    return padded[:, rows, max(-left, 0) : padded.shape[2] - max(-right, 0)]


def turn(w: Array) -> np.ndarray:
    """A kernel turned by 180 degrees with its channel axes swapped: what an ordinary convolution runs backward.

    Formula: ``v[i, j, o, c] = w[kh - 1 - i, kw - 1 - j, c, o]``.

    >>> turn(np.arange(6.0).reshape(1, 2, 1, 3)).shape
    (1, 2, 3, 1)
    """
    return np.swapaxes(np.asarray(w)[::-1, ::-1], 2, 3)


def insertion_adjoint(g: Array, w: Array, geometry: ConvGeometry, input_size: int | Size) -> np.ndarray:
    """Adjoint of `conv` by zero insertion: spread, pad, and an ordinary convolution with the turned kernel, stride 1.

    Formula: ``conv(pad(insert_zeros(g, s)), turn(w))``, padding ``(ke - 1 - lo, ke - 1 - hi + lost)`` per axis.

    Args:
      g: as in `stamp_adjoint`, like all that follows.
      w: the kernel of `conv`.
      geometry: the geometry of `conv`.
      input_size: (height, width) of x.

    Returns:
      (N, height, width, groups * I).

    Raises:
      GeometryError: as `stamp_adjoint`.

    Source: dumoulin2016guide

    >>> insertion_adjoint(np.ones((1, 1, 2, 1)), np.ones((2, 2, 1, 1)), ConvGeometry(), (2, 3))[0, :, :, 0].tolist()
    [[1.0, 2.0, 1.0], [1.0, 2.0, 1.0]]
    """
    size = read_pair("input_size", input_size)
    pads = geometry.adjoint_pads(size, (w.shape[0], w.shape[1]))

    def one_group(g: np.ndarray, w: np.ndarray) -> np.ndarray:
        spread = pad_or_crop(insert_zeros(g, geometry.strides), pads)
        return np.asarray(conv(spread, turn(w), ConvGeometry(dilation=geometry.dilations)))

    return _by_group(one_group, g, w, geometry, size)


def matrix_adjoint(g: Array, w: Array, geometry: ConvGeometry, input_size: int | Size) -> np.ndarray:
    """Adjoint of `conv` by its matrix: A is made column by column from `conv`, then transposed and multiplied.

    Args:
      g: as in `stamp_adjoint`, like all that follows.
      w: the kernel of `conv`.
      geometry: the geometry of `conv`.
      input_size: (height, width) of x.

    Returns:
      (N, height, width, groups * I).

    Raises:
      GeometryError: as `stamp_adjoint`, or if the matrix would be too large.

    >>> matrix_adjoint(np.ones((1, 1, 2, 1)), np.ones((2, 2, 1, 1)), ConvGeometry(), (2, 3))[0, :, :, 0].tolist()
    [[1.0, 2.0, 1.0], [1.0, 2.0, 1.0]]
    """
    a = conv_map(w, geometry, input_size)
    g = read_map("g", g)
    check_shape("g", g, (g.shape[0], *a.output_shape[1:]), "the output of this convolution")
    rows = np.asarray(g).reshape(g.shape[0], -1) @ a.dense()
    return rows.reshape(g.shape[0], *a.input_shape[1:])


def _by_group(
    single_group: Callable[[np.ndarray, np.ndarray], np.ndarray], g: Array, w: Array, geometry: ConvGeometry, size: Size
) -> np.ndarray:
    """Run a backward pass on each group of channels by itself and put the channels beside each other."""
    g, w = read_map("g", g), read_map("w", w, "height, width, channels in per group, channels out")
    expected = (g.shape[0], *geometry.output_size(size, (w.shape[0], w.shape[1])), w.shape[3])
    check_shape("g", g, expected, f"the output of this convolution on an input of {size[0]} x {size[1]}")
    dtype, parts = jnp.promote_types(g.dtype, w.dtype), geometry.groups
    signals, kernels = (np.split(np.asarray(array, dtype), parts, axis=3) for array in (g, w))
    return np.concatenate([single_group(*pair) for pair in zip(signals, kernels, strict=True)], axis=3)
