"""Four methods of making a map larger, how often each writes on a place, and what of it shows as a checkerboard.

A transposed convolution lays a kernel down every s rows. Where kernels overlap unevenly, some places are written to
more often than others: a pattern of period s. In frequency it lies at the multiples of 1/s, where
`checkerboard_energy` measures it.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from deconvviz.errors import GeometryError
from deconvviz.ops._sizes import read_map, read_pair, whole
from deconvviz.ops.conv import ConvGeometry, conv, conv_adjoint
from deconvviz.types import Array, Size


def overlap_counts(n: int, kernel: int, stride: int, padding: int = 0) -> np.ndarray:
    """How many input cells write on each output cell of a transposed convolution, along one axis.

    Formula: ``count[r] = #{(u, i): s u + i - p = r, 0 <= u < n, 0 <= i < k}``; in two dimensions the counts of rows
    and columns are multiplied.

    Args:
      n: input cells.
      kernel: taps k.
      stride: s.
      padding: p, cells cut off at both ends.

    Returns:
      ((n - 1) s + k - 2 p,) whole numbers.

    Raises:
      GeometryError: if a number is no whole number in its range, or nothing is left after cutting.

    Source: odena2016deconvolution

    >>> overlap_counts(4, 3, 2).tolist()
    [1, 1, 2, 1, 2, 1, 2, 1, 1]
    >>> overlap_counts(4, 4, 2, padding=1).tolist()
    [1, 2, 2, 2, 2, 2, 2, 1]
    """
    n, kernel, stride = (_at_least(1, name, v) for name, v in (("n", n), ("kernel", kernel), ("stride", stride)))
    padding = _at_least(0, "padding", padding)
    length = (n - 1) * stride + kernel
    if length <= 2 * padding:
        raise GeometryError(
            f"padding {padding} cuts {2 * padding} cells off an output of {length}: nothing is left; "
            f"n={n}, kernel={kernel}, stride={stride}"
        )
    counts = np.zeros(length, np.int64)
    for start in range(0, n * stride, stride):
        counts[start : start + kernel] += 1
    return counts[padding : length - padding]


def is_even(kernel: int, stride: int) -> bool:
    """Whether kernels overlap evenly away from the border: exactly if the stride divides the kernel.

    Source: odena2016deconvolution

    >>> is_even(3, 2), is_even(4, 2), is_even(1, 1), is_even(2, 3)
    (False, True, True, False)
    """
    return _at_least(1, "kernel", kernel) % _at_least(1, "stride", stride) == 0


def transposed_conv(x: Array, w: Array, stride: int | Size = 2, padding: int | Size = 0) -> jax.Array:
    """A transposed convolution as a layer: the adjoint of the convolution with this kernel, run forward.

    Formula: ``y[n, r, t, c] = sum x[n, u, v, o] w[i, j, c, o]`` over ``s u + i - p = r``, ``s v + j - p = t``.

    Args:
      x: (N, H, W, O).
      w: (kh, kw, C, O): the kernel of the convolution whose adjoint this is, so C channels come out.
      stride: s, rows and columns.
      padding: p, cut off on all sides.

    Returns:
      (N, (H - 1) s + kh - 2 p, (W - 1) s + kw - 2 p, C).

    Raises:
      GeometryError: if shapes do not fit, or nothing is left after cutting.

    Source: dumoulin2016guide, long2015fully

    >>> transposed_conv(jnp.ones((1, 1, 4, 1)), jnp.ones((1, 3, 1, 1)), (1, 2))[0, 0, :, 0].tolist()
    [1.0, 1.0, 2.0, 1.0, 2.0, 1.0, 2.0, 1.0, 1.0]
    """
    x, w = read_map("x", x), read_map("w", w, "height, width, channels out, channels in")
    strides = read_pair("stride", stride)
    pads = read_pair("padding", padding, least=0)
    sizes = zip(x.shape[1:3], w.shape[:2], strides, pads, strict=True)
    height, width = ((n - 1) * s + k - 2 * p for n, k, s, p in sizes)
    if min(height, width) < 1:
        raise GeometryError(
            f"a transposed convolution with stride {strides} and padding {pads} makes {height} x {width} of "
            f"{x.shape[1]} x {x.shape[2]} cells with a kernel of {w.shape[0]} x {w.shape[1]}: use less padding"
        )
    return conv_adjoint(x, w, ConvGeometry(strides, ((pads[0],) * 2, (pads[1],) * 2)), (height, width))


def transposed_conv_blocks(x: Array, w: Array, stride: int, padding: int = 0) -> jax.Array:
    """`transposed_conv` cut to stride times the size of x, computed as one convolution and a `pixel_shuffle`.

    Formula: with the kernel in blocks of s taps, ``y[s u + a] = sum_t k[s t + a - (s q - p)] x[u + q - t]``,
    q = ceil(p / s): all s x s phases of the output are channels of one convolution of the small map, without the zeros
    between its cells. Rows ``p ... p + s H - 1`` of the uncut transposed convolution.

    Args:
      x: (N, H, W, O).
      w: (kh, kw, C, O), as for `transposed_conv`.
      stride: s, for rows and columns.
      padding: p, cut off at the top and the left; what is too much is cut off at the other sides.

    Returns:
      (N, s H, s W, C).

    Raises:
      GeometryError: if shapes do not fit.

    Source: shi2016realtime, dumoulin2016guide

    >>> x, w = jnp.arange(6.0).reshape(1, 2, 3, 1), jnp.arange(25.0).reshape(5, 5, 1, 1)
    >>> bool((transposed_conv_blocks(x, w, 2, 1) == transposed_conv(x, w, 2)[:, 1:5, 1:7]).all())
    True
    """
    x, w = read_map("x", x), read_map("w", w, "height, width, channels out, channels in")
    s, p = _at_least(1, "stride", stride), _at_least(0, "padding", padding)
    if w.shape[3] != x.shape[3]:
        raise GeometryError(f"w is {w.shape}: its last axis must be the {x.shape[3]} channels of x, which is {x.shape}")
    skipped = -(-p // s)
    front = s * skipped - p
    counts = [max(skipped + 1, -(-(taps + front) // s)) for taps in w.shape[:2]]
    back = [m * s - taps - front for m, taps in zip(counts, w.shape[:2], strict=True)]
    kernel = jnp.pad(w, [(front, back[0]), (front, back[1]), (0, 0), (0, 0)])
    (rows, columns), (channels, depth) = counts, w.shape[2:]
    kernel = kernel.reshape(rows, s, columns, s, channels, depth)[::-1, :, ::-1]
    kernel = kernel.transpose(0, 2, 5, 1, 3, 4).reshape(rows, columns, depth, s * s * channels)
    pads = tuple((m - 1 - skipped, skipped) for m in counts)
    y = lax.conv_general_dilated(x, kernel, (1, 1), pads, dimension_numbers=("NHWC", "HWIO", "NHWC"))
    return pixel_shuffle(y, s)


def pixel_shuffle(x: Array, factor: int) -> jax.Array:
    """Sub-pixel rearrangement: each cell's channels become a block of factor x factor cells. No number is changed.

    Formula: ``y[n, r u + a, r v + b, c] = x[n, u, v, (a r + b) C + c]``, r the factor.

    Args:
      x: (N, H, W, C r^2), the position in the block before the channel.
      factor: r.

    Returns:
      (N, H r, W r, C).

    Raises:
      GeometryError: if the channels do not fall into r^2 equal parts.

    Source: shi2016realtime

    >>> pixel_shuffle(jnp.arange(4.0).reshape(1, 1, 1, 4), 2)[0, :, :, 0].tolist()
    [[0.0, 1.0], [2.0, 3.0]]
    """
    x, r = read_map("x", x), _at_least(1, "factor", factor)
    n, height, width, channels = x.shape
    if channels % (r * r):
        raise GeometryError(
            f"{channels} channels do not make blocks of {r} x {r}: their number must be a multiple of {r * r}; "
            f"x is {x.shape}"
        )
    blocks = x.reshape(n, height, width, r, r, channels // (r * r)).transpose(0, 1, 3, 2, 4, 5)
    return blocks.reshape(n, height * r, width * r, channels // (r * r))


def pixel_unshuffle(y: Array, factor: int) -> jax.Array:
    """Adjoint and inverse of `pixel_shuffle` (space to depth): here the adjoint does undo.

    Args:
      y: (N, H r, W r, C).
      factor: r.

    Returns:
      (N, H, W, C r^2).

    Raises:
      GeometryError: if rows or columns are no multiple of the factor.

    Source: shi2016realtime

    >>> x = jnp.arange(24.0).reshape(1, 2, 3, 4)
    >>> bool((pixel_unshuffle(pixel_shuffle(x, 2), 2) == x).all())
    True
    """
    y, r = read_map("y", y), _at_least(1, "factor", factor)
    n, height, width, channels = y.shape
    if height % r or width % r:
        raise GeometryError(
            f"{height} x {width} cells do not fall into blocks of {r} x {r}: crop or pad y first; y is {y.shape}"
        )
    blocks = y.reshape(n, height // r, r, width // r, r, channels).transpose(0, 1, 3, 2, 4, 5)
    return blocks.reshape(n, height // r, width // r, r * r * channels)


def icnr(w: Array, factor: int) -> jax.Array:
    """A start for sub-pixel convolution that has no checkerboard: every place in the block gets the same kernel.

    With it ``pixel_shuffle(conv(x, icnr(w)))`` is the nearest-neighbour enlargement of ``conv(x, w)``.

    Args:
      w: (kh, kw, I, C), random or not.
      factor: r.

    Returns:
      (kh, kw, I, C r^2).

    Source: aitken2017checkerboard

    >>> icnr(jnp.ones((3, 3, 2, 5)), 2).shape
    (3, 3, 2, 20)
    """
    r = _at_least(1, "factor", factor)
    return jnp.tile(read_map("w", w, "height, width, channels in, channels out"), (1, 1, 1, r * r))


def resize_nearest(x: Array, factor: int) -> jax.Array:
    """Every cell becomes a block of equal cells.

    >>> resize_nearest(jnp.arange(2.0).reshape(1, 1, 2, 1), 2)[0, :, :, 0].tolist()
    [[0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 1.0, 1.0]]
    """
    r = _at_least(1, "factor", factor)
    return jnp.repeat(jnp.repeat(read_map("x", x), r, axis=1), r, axis=2)


def resize_conv(x: Array, w: Array, factor: int) -> jax.Array:
    """Resize, then convolve: every output cell reads a full window, so there is nothing uneven.

    Args:
      x: (N, H, W, I).
      w: (kh, kw, I, C).
      factor: enlargement r; the convolution keeps the size ("SAME").

    Returns:
      (N, H r, W r, C).

    Source: odena2016deconvolution

    >>> resize_conv(jnp.ones((1, 2, 3, 1)), jnp.ones((3, 3, 1, 4)), 2).shape
    (1, 4, 6, 4)
    """
    return conv(resize_nearest(x, factor), w, ConvGeometry(padding="SAME"))


def checkerboard_energy(y: Array, period: int) -> float:
    """Share of a map's energy in patterns of that period: at the multiples of 1/period, constant left out.

    Formula: ``sum |Y[a H/s, b W/s]|^2 / sum |Y|^2``, Y the Fourier transform, a and b from 0 to s - 1 but not both 0;
    the lower sum runs over all frequencies. Rows and columns beyond a multiple of s are left out.

    Args:
      y: (N, H, W, C); energies are added over images and channels.
      period: s, 1 or more; with 1 there is no such pattern and the share is 0.

    Returns:
      0 (none) to 1 (nothing else); 0 for a map of zeros.

    Raises:
      GeometryError: if the map is smaller than one period.

    Source: odena2016deconvolution

    >>> checkerboard_energy(jnp.tile(jnp.array([0.0, 1.0]), 4).reshape(1, 1, 8, 1).repeat(2, 1), 2)
    0.5
    """
    y, s = np.asarray(read_map("y", y), np.float64), _at_least(1, "period", period)
    rows, columns = y.shape[1] // s, y.shape[2] // s
    if not rows or not columns:
        raise GeometryError(f"a map of {y.shape[1]} x {y.shape[2]} is smaller than one period of {s}; y is {y.shape}")
    energy = np.abs(np.fft.fft2(y[:, : rows * s, : columns * s], axes=(1, 2))) ** 2
    total = float(energy.sum())
    pattern = energy[:, ::rows, ::columns].sum() - energy[:, 0, 0].sum()
    return float(pattern) / total if total else 0.0


def _at_least(least: int, name: str, value: int) -> int:
    """A whole number that is not too small."""
    number = whole(value)
    if number is None or number < least:
        raise GeometryError(f"{name} is a whole number, {least} or more; got {name}={value!r}")
    return number
