"""Small random changes that a good picture survives: shifts, turns and zooms."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from deconvviz.types import Array


def shifted(x: Array, rows: Any, columns: Any, most: int) -> jax.Array:
    """The picture moved down and to the right by whole pixels; what comes in repeats the border.

    Args:
      x: (N, H, W, C).
      rows, columns: whole numbers from -most to most; may be traced.
      most: the largest shift, a plain number.

    Returns:
      (N, H, W, C).

    Source: mahendran2016visualizing

    >>> shifted(jnp.arange(4.0).reshape(1, 1, 4, 1), 0, 2, most=2)[0, 0, :, 0].tolist()
    [0.0, 0.0, 0.0, 1.0]
    """
    x = jnp.asarray(x)
    wide = jnp.pad(x, ((0, 0), (most, most), (most, most), (0, 0)), mode="edge")
    return jax.lax.dynamic_slice(wide, (0, most - rows, most - columns, 0), x.shape)


def turned(
    x: Array, degrees: Any = 0.0, zoom: Any = 1.0, rows: Any = 0.0, columns: Any = 0.0, fill: float = 0.5
) -> jax.Array:
    """The picture turned about its centre, zoomed and moved, all in one step of linear interpolation.

    Formula: output position p shows input position ``c + R(-degrees) (p - c - shift) / zoom``, c the centre; outside
    lies ``fill``.

    Args:
      x: (N, H, W, C).
      degrees: counter-clockwise.
      zoom: above 1 enlarges.
      rows, columns: moves down and to the right, in pixels.
      fill: value beyond the border.

    Returns:
      (N, H, W, C).

    Source: olah2017feature

    >>> turned(jnp.arange(4.0).reshape(1, 2, 2, 1), degrees=90.0)[0, :, :, 0].round().tolist()
    [[1.0, 3.0], [0.0, 2.0]]
    """
    x = jnp.asarray(x)
    height, width = x.shape[1:3]
    angle = jnp.deg2rad(jnp.asarray(degrees, x.dtype))
    cos, sin = jnp.cos(angle) / zoom, jnp.sin(angle) / zoom
    i = jnp.arange(height, dtype=x.dtype)[:, None] - (height - 1) / 2 - rows
    j = jnp.arange(width, dtype=x.dtype)[None, :] - (width - 1) / 2 - columns
    source_rows = cos * i + sin * j + (height - 1) / 2
    source_columns = cos * j - sin * i + (width - 1) / 2
    return _interpolated(x, source_rows, source_columns, fill)


def _interpolated(x: jax.Array, rows: jax.Array, columns: jax.Array, fill: float) -> jax.Array:
    """x (N, H, W, C) at positions (H', W'), from the four cells around each."""
    height, width = x.shape[1:3]
    framed = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=fill)
    rows, columns = jnp.clip(rows + 1, 0, height + 1), jnp.clip(columns + 1, 0, width + 1)
    top, left = (jnp.clip(jnp.floor(v), 0, n).astype(int) for v, n in ((rows, height), (columns, width)))
    down, right = (rows - top)[..., None], (columns - left)[..., None]
    flat = framed.reshape(x.shape[0], -1, x.shape[3])
    place = top * (width + 2) + left

    def cell(offset: int) -> jax.Array:
        return jnp.take(flat, place + offset, axis=1)

    upper = cell(0) * (1 - right) + cell(1) * right
    lower = cell(width + 2) * (1 - right) + cell(width + 3) * right
    return upper * (1 - down) + lower * down
