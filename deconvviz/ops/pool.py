"""Max pooling that remembers where each maximum was, unpooling back to those places, and average pooling.

A **switch** is the place of a window's maximum: the flat index ``row * W + column`` into the plane of the input (one
plane an image and channel, padding not counted). With the switches held fixed, max pooling is linear: it reads the
input at the switches (`take_switches`); `max_unpool` is the adjoint of that. It *adds* where windows overlap and share
a maximum: plain assignment would lose signal there.

Windows slide as kernels do in `conv`; padding is given as there. Ceil mode is explicit padding, computed by
`ceil_padding`.
"""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from deconvviz.errors import GeometryError
from deconvviz.ops._sizes import Padding, Pads, check_fits, check_shape, read_map, read_padding, read_pair, resolve_pads
from deconvviz.types import Array, Size


@dataclass(frozen=True)
class _Slide:
    """A window that slides over an input: all numbers explicit."""

    input: Size
    window: Size
    stride: Size
    pads: Pads
    output: Size

    def origins(self, axis: int) -> np.ndarray:
        """First input row (column) of each window; negative where it starts in the padding."""
        return np.arange(self.output[axis]) * self.stride[axis] - self.pads[axis][0]

    def counts(self) -> np.ndarray:
        """(H', W') number of cells of each window that lie on the input, not on padding."""
        rows, columns = (
            np.minimum(self.origins(a) + self.window[a], self.input[a]) - np.maximum(self.origins(a), 0) for a in (0, 1)
        )
        return np.outer(rows, columns)


def _read_slide(input_size: int | Size, window: int | Size, stride: int | Size | None, padding: Padding) -> _Slide:
    """The window's geometry in numbers; refuses what has no output, and windows that see nothing but padding."""
    size, window = read_pair("input_size", input_size), read_pair("window", window)
    stride = window if stride is None else read_pair("stride", stride)
    pads = resolve_pads(padding, size, window, window, stride, "window")
    height, width = ((n + lo + hi - k) // s + 1 for n, k, s, (lo, hi) in zip(size, window, stride, pads, strict=True))
    slide = _Slide(size, window, stride, pads, (height, width))
    for axis, name in enumerate(("rows", "columns")):
        origins = slide.origins(axis)
        if origins[0] + window[axis] <= 0 or origins[-1] >= size[axis]:
            raise GeometryError(
                f"a window of {window[axis]} {name} at stride {stride[axis]} on {size[axis]} {name} padded by "
                f"{pads[axis][0]} and {pads[axis][1]} would see nothing but padding, so it has no value: "
                f"got padding={padding!r}; keep the padding below the window"
            )
    return slide


def max_pool(
    x: Array, window: int | Size, stride: int | Size | None = None, padding: Padding = 0
) -> tuple[jax.Array, jax.Array]:
    """The largest value in each window, and where it was.

    Formula: ``y[n, i, j, c] = max_{p, q} x[n, i sh + p - top, j sw + q - left, c]`` over the cells on the input.
    Ties go to the first cell in reading order (row by row); padding never wins, not even over -inf; NaN wins over
    numbers, the first of several. Differentiable in x: the vjp equals `max_unpool` at the switches.

    Args:
      x: (N, H, W, C) real; whole numbers are converted to floating ones.
      window: rows and columns; a whole number or a pair.
      stride: rows and columns per step; the window itself if None.
      padding: a whole number, (rows, columns), ((top, bottom), (left, right)), "SAME" or "VALID", below the window.

    Returns:
      y: (N, H', W', C) of the type of x.
      switches: (N, H', W', C) int32, flat index ``row * W + column`` into the unpadded plane of x.

    Raises:
      GeometryError: if nothing fits, or a window would see nothing but padding.

    Source: zeiler2011adaptive, zeiler2014visualizing

    >>> x = jnp.array([[1.0, 5.0, 2.0], [7.0, 0.0, 7.0]]).reshape(1, 2, 3, 1)
    >>> y, switches = max_pool(x, 2, stride=1)
    >>> y.ravel().tolist(), switches.ravel().tolist()
    ([7.0, 7.0], [3, 5])
    """
    x = read_map("x", x)
    return _max_pool(x, _read_slide((x.shape[1], x.shape[2]), window, stride, padding))


@functools.partial(jax.custom_jvp, nondiff_argnums=(1,))
@functools.partial(jax.jit, static_argnums=1)
def _max_pool(x: jax.Array, slide: _Slide) -> tuple[jax.Array, jax.Array]:
    """`max_pool` on checked arguments: a running maximum over the cells of the window, so one pass for XLA to fuse."""
    _, height, width, _ = x.shape
    padded = jnp.pad(x, ((0, 0), *slide.pads, (0, 0)), constant_values=-jnp.inf)
    best = jnp.full((x.shape[0], *slide.output, x.shape[3]), -jnp.inf, x.dtype)
    place = jnp.full(best.shape, -1, jnp.int32)
    for p, q in itertools.product(range(slide.window[0]), range(slide.window[1])):
        rows, columns = (slide.origins(axis).astype(np.int32) + shift for axis, shift in ((0, p), (1, q)))
        inside = np.outer((rows >= 0) & (rows < height), (columns >= 0) & (columns < width))[None, :, :, None]
        here = (rows[:, None] * width + columns)[None, :, :, None]
        value = _tap(padded, slide, p, q)
        wins = (value > best) | (jnp.isnan(value) & ~jnp.isnan(best)) | ((place < 0) & inside)
        best, place = jnp.where(wins, value, best), jnp.where(wins, here, place)
    return best, place


@_max_pool.defjvp
def _max_pool_jvp(slide: _Slide, primals: tuple, tangents: tuple) -> tuple[tuple, tuple]:
    """The derivative is `take_switches`, whose transpose is `max_unpool`: ten times faster on CPU than XLA's own."""
    y, switches = _max_pool(primals[0], slide)
    return (y, switches), (_take(tangents[0], switches), np.zeros(switches.shape, jax.dtypes.float0))


def _tap(padded: jax.Array, slide: _Slide, p: int, q: int) -> jax.Array:
    """What cell (p, q) of every window sees: a shifted, strided view of the padded input."""
    (height, width), (sh, sw) = slide.output, slide.stride
    n, _, _, c = padded.shape
    last = (n, p + (height - 1) * sh + 1, q + (width - 1) * sw + 1, c)
    return lax.slice(padded, (0, p, q, 0), last, (1, sh, sw, 1))


def take_switches(x: Array, switches: Array) -> jax.Array:
    """Max pooling with its switches held fixed: read x at them. Linear in x; the adjoint is `max_unpool`.

    Formula: ``y[n, i, j, c] = x[n, s // W, s % W, c]`` with ``s = switches[n, i, j, c]``.

    Args:
      x: (N, H, W, C).
      switches: (N, H', W', C) from `max_pool` of an input of that size.

    Returns:
      (N, H', W', C) of the type of x.

    Raises:
      GeometryError: if the two do not belong together.

    Source: zeiler2011adaptive

    >>> x = jnp.array([[1.0, 5.0], [7.0, 0.0]]).reshape(1, 2, 2, 1)
    >>> take_switches(x, max_pool(-x, 2)[1]).item()
    0.0
    """
    x = read_map("x", x)
    n, height, width, channels = x.shape
    switches = _read_switches(switches, (height, width))
    check_shape("switches", switches, (n, *switches.shape[1:3], channels), "a pooled map of x")
    return _take(x, switches)


@jax.jit
def _take(x: jax.Array, switches: jax.Array) -> jax.Array:
    """`take_switches` on checked arguments."""
    n, _, _, channels = x.shape
    plane = x.reshape(n, -1, channels)
    return jnp.take_along_axis(plane, switches.reshape(n, -1, channels), axis=1).reshape(switches.shape)


def max_unpool(g: Array, switches: Array, input_size: int | Size) -> jax.Array:
    """The signal put back to where the maxima were, adding where windows shared one; zero elsewhere.

    Formula: ``u[n, r, t, c] = sum_{i, j} g[n, i, j, c] [switches[n, i, j, c] == r W + t]``. Equals `jax.vjp` of max
    pooling at the input that gave the switches.

    Args:
      g: (N, H', W', C) signal on the output of `max_pool`.
      switches: (N, H', W', C) whole numbers from that `max_pool`.
      input_size: (height, width) of what was pooled.

    Returns:
      (N, height, width, C) of the type of g. On a GPU the additions come in any order, so where windows overlap the
      last digit may change from run to run.

    Raises:
      GeometryError: if g and switches differ in shape, or a switch lies outside the plane (seen outside jit only;
        inside jit such a switch is dropped).

    Source: zeiler2011adaptive, zeiler2014visualizing

    >>> switches = jnp.array([1, 1, 3]).reshape(1, 1, 3, 1)
    >>> max_unpool(jnp.array([1.0, 2.0, 4.0]).reshape(1, 1, 3, 1), switches, (2, 2))[0, :, :, 0].tolist()
    [[0.0, 3.0], [0.0, 4.0]]
    """
    g, size = read_map("g", g), read_pair("input_size", input_size)
    switches = _read_switches(switches, size)
    check_shape("g", g, switches.shape, "the pooled map that these switches belong to")
    return _put(g, switches, size)


@functools.partial(jax.jit, static_argnums=2)
def _put(g: jax.Array, switches: jax.Array, size: Size) -> jax.Array:
    """`max_unpool` on checked arguments."""
    n, _, _, channels = g.shape
    image, channel = np.arange(n, dtype=np.int32)[:, None, None], np.arange(channels, dtype=np.int32)
    plane = jnp.zeros((n, size[0] * size[1], channels), g.dtype)
    plane = plane.at[image, switches.reshape(n, -1, channels), channel].add(g.reshape(n, -1, channels), mode="drop")
    return plane.reshape(n, *size, channels)


def _read_switches(switches: Array, size: Size) -> jax.Array:
    """Switches as int32, refused if they are no whole numbers or (outside jit) point outside the plane."""
    array = jnp.asarray(switches)
    if array.ndim != 4 or not jnp.issubdtype(array.dtype, jnp.integer):
        raise GeometryError(
            "switches are whole numbers of shape (batch, height, width, channels) as max_pool gives them; "
            f"got shape {array.shape}, dtype {array.dtype}"
        )
    if not isinstance(array, jax.core.Tracer) and array.size:
        known = np.asarray(array)  # NumPy: inside jit, jnp would trace even an array that is known
        low, high = int(known.min()), int(known.max())
        if low < 0 or high >= size[0] * size[1]:
            raise GeometryError(
                f"switches from {low} to {high} do not lie in a plane of {size[0]} x {size[1]} = {size[0] * size[1]} "
                "cells: is input_size the size of what was pooled?"
            )
    return array.astype(jnp.int32)


def avg_pool(
    x: Array,
    window: int | Size,
    stride: int | Size | None = None,
    padding: Padding = 0,
    count_include_pad: bool = True,
) -> jax.Array:
    """The mean of each window.

    Formula: ``y[n, i, j, c] = (1 / m[i, j]) sum_{p, q} xp[n, i sh + p, j sw + q, c]`` with xp padded by zeros and m
    the number of cells: all of the window, or those on the input.

    Args:
      x: (N, H, W, C) real.
      window: rows and columns; a whole number or a pair.
      stride: rows and columns per step; the window itself if None.
      padding: as in `max_pool`.
      count_include_pad: True divides by the whole window, False by its cells on the input (with padding from
        `ceil_padding` this is the choice that other libraries agree on).

    Returns:
      (N, H', W', C) of the type of x.

    Raises:
      GeometryError: if nothing fits, or a window would see nothing but padding.

    Source: dumoulin2016guide

    >>> avg_pool(jnp.arange(6.0).reshape(1, 2, 3, 1), (2, 1)).ravel().tolist()
    [1.5, 2.5, 3.5]
    """
    x = read_map("x", x)
    slide = _read_slide((x.shape[1], x.shape[2]), window, stride, padding)
    padded = jnp.pad(x, ((0, 0), *slide.pads, (0, 0)))
    return _box_sum(padded, slide.window, slide.stride) / _divisor(slide, count_include_pad, x.dtype)


def avg_pool_adjoint(
    g: Array,
    window: int | Size,
    stride: int | Size | None = None,
    padding: Padding = 0,
    *,
    input_size: int | Size,
    count_include_pad: bool = True,
) -> jax.Array:
    """Adjoint of `avg_pool`: each output's signal spread evenly over its window.

    Formula: ``u[n, r, t, c] = sum g[n, i, j, c] / m[i, j]`` over the windows (i, j) that hold (r, t).

    Args:
      g: (N, H', W', C) signal on the output of `avg_pool`.
      window: that of `avg_pool`; so are stride, padding and count_include_pad.
      stride: rows and columns per step; the window itself if None.
      padding: as in `max_pool`.
      input_size: (height, width) of what was pooled.
      count_include_pad: as in `avg_pool`.

    Returns:
      (N, height, width, C) of the type of g.

    Raises:
      GeometryError: if g is not of the size that `avg_pool` gives, or nothing fits.

    Source: dumoulin2016guide

    >>> avg_pool_adjoint(jnp.array([2.0, 4.0]).reshape(1, 1, 2, 1), (1, 2), 1, input_size=(1, 3)).ravel().tolist()
    [1.0, 3.0, 2.0]
    """
    g = read_map("g", g)
    slide = _read_slide(input_size, window, stride, padding)
    why = f"the output of this pooling on an input of {slide.input[0]} x {slide.input[1]}"
    check_shape("g", g, (g.shape[0], *slide.output, g.shape[3]), why)
    shares = g / _divisor(slide, count_include_pad, g.dtype)
    around = [(k - 1, k - 1 + s, s - 1) for k, s in zip(slide.window, slide.stride, strict=True)]
    spread = lax.pad(shares, jnp.zeros((), g.dtype), [(0, 0, 0), *around, (0, 0, 0)])
    full = _box_sum(spread, slide.window, (1, 1))
    (top, _), (left, _) = slide.pads
    return full[:, top : top + slide.input[0], left : left + slide.input[1], :]


def _box_sum(x: jax.Array, window: Size, stride: Size) -> jax.Array:
    """Sum over windows of an array that is already padded."""
    zero = np.zeros((), x.dtype)
    return lax.reduce_window(x, zero, lax.add, (1, *window, 1), (1, *stride, 1), "VALID")


def _divisor(slide: _Slide, count_include_pad: bool, dtype: jnp.dtype) -> jax.Array:
    """What the sum of each window is divided by."""
    counts = np.full(slide.output, slide.window[0] * slide.window[1]) if count_include_pad else slide.counts()
    return jnp.asarray(counts, dtype)[None, :, :, None]


def ceil_padding(
    input_size: int | Size, window: int | Size, stride: int | Size | None = None, padding: Padding = 0
) -> Pads:
    """Padding that makes pooling round its output size up ("ceil mode") instead of down.

    Formula: per axis ``n' = ceil((n + lo + hi - k) / s) + 1``, one less if the last window would start behind the
    input; hi grows to ``(n' - 1) s + k - n - lo`` if that is more.

    Args:
      input_size: (height, width) of what is pooled.
      window: rows and columns.
      stride: rows and columns per step; the window itself if None.
      padding: the padding that is asked for besides, numbers only.

    Returns:
      ((top, bottom), (left, right)) for `max_pool` or `avg_pool`.

    Raises:
      GeometryError: if even so nothing fits, or padding is a word.

    Source: dumoulin2016guide

    >>> ceil_padding((7, 8), 3, 2)
    ((0, 0), (0, 1))
    """
    size, window = read_pair("input_size", input_size), read_pair("window", window)
    stride = window if stride is None else read_pair("stride", stride)
    pads = read_padding(padding)
    if isinstance(pads, str):
        raise GeometryError(f"ceil mode adds to padding given in numbers; got padding={padding!r}")
    rows, columns = (_ceil_axis(n, k, s, *pad) for n, k, s, pad in zip(size, window, stride, pads, strict=True))
    check_fits(size, window, window, (rows, columns), "window")
    return rows, columns


def _ceil_axis(n: int, k: int, s: int, lo: int, hi: int) -> tuple[int, int]:
    """`ceil_padding` along one axis."""
    steps = -((k - n - lo - hi) // s)
    if steps * s >= n + lo:
        steps -= 1
    return lo, max(hi, steps * s + k - n - lo)
