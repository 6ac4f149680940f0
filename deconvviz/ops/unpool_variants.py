"""Unpooling that is not the adjoint: other switches, overwriting, filling the window.

`max_unpool` with the switches of the input itself is the adjoint of max pooling. Everything here is linear in the
signal too, but carries it elsewhere: to the middle of each window, to a random cell, to every cell. Windows, strides
and padding are those of `max_pool`.
"""

from __future__ import annotations

from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np

from deconvviz.ops._sizes import Padding, check_shape, read_map, read_pair
from deconvviz.ops.pool import _read_slide, _read_switches, _Slide
from deconvviz.types import Array, Size

Filling = Literal["nearest", "bilinear"]


def centre_switches(
    input_size: int | Size, window: int | Size, stride: int | Size | None = None, padding: Padding = 0
) -> np.ndarray:
    """The cell in the middle of each window, as if every maximum had stood there.

    Formula: row ``i s + (k - 1) // 2 - top``, moved onto the input where padding puts it outside; so for columns.

    Args:
      input_size: (height, width) of what was pooled.
      window: rows and columns, as in `max_pool`, like stride and padding.
      stride: rows and columns per step; the window itself if None.
      padding: as in `max_pool`.

    Returns:
      (1, H', W', 1) int32, flat index ``row * W + column``.

    Raises:
      GeometryError: if nothing fits.

    Source: dosovitskiy2015learning

    >>> centre_switches((3, 6), 3)[0, :, :, 0].tolist()
    [[7, 10]]
    """
    slide = _read_slide(input_size, window, stride, padding)
    rows, columns = (
        np.clip(slide.origins(axis) + (slide.window[axis] - 1) // 2, 0, slide.input[axis] - 1) for axis in (0, 1)
    )
    return (rows[:, None] * slide.input[1] + columns)[None, :, :, None].astype(np.int32)


def random_switches(
    input_size: int | Size, window: int | Size, stride: int | Size | None = None, padding: Padding = 0, *, seed: int
) -> np.ndarray:
    """A random cell of each window, every cell on the input as likely as the others.

    Args:
      input_size: (height, width) of what was pooled.
      window: rows and columns, as in `max_pool`, like stride and padding.
      stride: rows and columns per step; the window itself if None.
      padding: as in `max_pool`.
      seed: of the random numbers.

    Returns:
      (1, H', W', 1) int32, flat index ``row * W + column``.

    Raises:
      GeometryError: if nothing fits.

    >>> places = random_switches((2, 4), 2, seed=0)
    >>> places.shape, all(place in (0, 1, 4, 5) for place in places[:, :, 0].ravel())
    ((1, 1, 2, 1), True)
    """
    slide = _read_slide(input_size, window, stride, padding)
    random = np.random.default_rng(seed)
    first = [np.maximum(slide.origins(axis), 0) for axis in (0, 1)]
    end = [np.minimum(slide.origins(axis) + slide.window[axis], slide.input[axis]) for axis in (0, 1)]
    rows = random.integers(first[0][:, None], end[0][:, None], size=slide.output)
    columns = random.integers(first[1], end[1], size=slide.output)
    return (rows * slide.input[1] + columns)[None, :, :, None].astype(np.int32)


def overwrite_unpool(g: Array, switches: Array, input_size: int | Size) -> jax.Array:
    """Unpooling that assigns where it should add: of the windows that share a switch the last one wins.

    Formula: ``u[n, r, t, c] = g[n, i, j, c]`` of the last window (i, j) in reading order whose switch is ``r W + t``.
    Equals `max_unpool` where no two windows share a switch.

    Args:
      g: (N, H', W', C) signal on the output of `max_pool`.
      switches: (N, H', W', C) whole numbers.
      input_size: (height, width) of what was pooled.

    Returns:
      (N, height, width, C) of the type of g.

    Raises:
      GeometryError: if g and switches differ in shape, or a switch lies outside the plane.

    >>> switches = jnp.array([1, 1, 3]).reshape(1, 1, 3, 1)
    >>> overwrite_unpool(jnp.array([1.0, 2.0, 4.0]).reshape(1, 1, 3, 1), switches, (2, 2))[0, :, :, 0].tolist()
    [[0.0, 2.0], [0.0, 4.0]]
    """
    g, size = read_map("g", g), read_pair("input_size", input_size)
    places = _read_switches(switches, size)
    check_shape("g", g, places.shape, "the pooled map that these switches belong to")
    n, height, width, channels = g.shape
    image, channel = np.arange(n, dtype=np.int32)[:, None, None], np.arange(channels, dtype=np.int32)
    order = np.arange(height * width, dtype=np.int32)[None, :, None]
    last = jnp.full((n, size[0] * size[1], channels), -1, jnp.int32)
    last = last.at[image, places.reshape(n, -1, channels), channel].max(order)
    values = jnp.take_along_axis(g.reshape(n, -1, channels), jnp.maximum(last, 0), axis=1)
    return jnp.where(last >= 0, values, 0).reshape(n, *size, channels)


def filling_weights(
    input_size: int | Size,
    window: int | Size,
    stride: int | Size | None = None,
    padding: Padding = 0,
    *,
    filling: Filling,
) -> tuple[np.ndarray, np.ndarray]:
    """How much of each window arrives at each row, and at each column, when windows are filled instead of pointed into.

    Formula: window i has its middle at ``m = i s + (k - 1) / 2 - top``. "bilinear" gives row r the weight
    ``max(0, 1 - |r - m| / s)``, "nearest" gives it the window whose middle is nearest, the first of two; rows before
    the first middle or after the last one take that window whole.

    Args:
      input_size: (height, width) of what was pooled.
      window: rows and columns, as in `max_pool`, like stride and padding.
      stride: rows and columns per step; the window itself if None.
      padding: as in `max_pool`.
      filling: "nearest" or "bilinear".

    Returns:
      (height, H') and (width, W') float32; every row sums to 1.

    Raises:
      GeometryError: if nothing fits.

    >>> filling_weights((1, 4), (1, 2), filling="bilinear")[1].tolist()
    [[1.0, 0.0], [0.75, 0.25], [0.25, 0.75], [0.0, 1.0]]
    """
    slide = _read_slide(input_size, window, stride, padding)
    return _axis_weights(slide, 0, filling), _axis_weights(slide, 1, filling)


def _axis_weights(slide: _Slide, axis: int, filling: Filling) -> np.ndarray:
    """`filling_weights` along one axis."""
    windows = np.arange(slide.output[axis])
    middle = slide.origins(axis)[0] + (slide.window[axis] - 1) / 2
    place = np.clip((np.arange(slide.input[axis]) - middle) / slide.stride[axis], 0, windows[-1])
    if filling == "nearest":
        place = np.ceil(place - 0.5)
    return np.maximum(0.0, 1.0 - np.abs(place[:, None] - windows)).astype(np.float32)


def fill_unpool(
    g: Array,
    window: int | Size,
    stride: int | Size | None = None,
    padding: Padding = 0,
    *,
    input_size: int | Size,
    filling: Filling,
) -> jax.Array:
    """The pooled map made large by filling: no switch is used, and no cell stays empty.

    Formula: ``u[n, r, t, c] = sum_{i, j} R[r, i] C[t, j] g[n, i, j, c]`` with R and C from `filling_weights`.

    Args:
      g: (N, H', W', C) pooled map.
      window: rows and columns, as in `max_pool`, like stride and padding.
      stride: rows and columns per step; the window itself if None.
      padding: as in `max_pool`.
      input_size: (height, width) of what was pooled.
      filling: "nearest" or "bilinear".

    Returns:
      (N, height, width, C) of the type of g.

    Raises:
      GeometryError: if g is not of the size that pooling gives, or nothing fits.

    Source: odena2016deconvolution

    >>> fill_unpool(jnp.array([2.0, 4.0]).reshape(1, 1, 2, 1), (1, 2), input_size=(1, 5), filling="nearest").ravel()
    Array([2., 2., 4., 4., 4.], dtype=float32)
    """
    g, slide = read_map("g", g), _read_slide(input_size, window, stride, padding)
    why = f"the output of this pooling on an input of {slide.input[0]} x {slide.input[1]}"
    check_shape("g", g, (g.shape[0], *slide.output, g.shape[3]), why)
    rows, columns = (jnp.asarray(_axis_weights(slide, axis, filling), g.dtype) for axis in (0, 1))
    return jnp.einsum("ri,tj,nijc->nrtc", rows, columns, g, precision="highest")
