"""Convolution and its adjoint, the latter by two independent computations.

``conv`` maps x (the input) to z; as everywhere in deep learning it is a correlation, the kernel is not flipped. Being
linear in x it is a matrix A, and its adjoint A' takes a signal g on the output back to the input. That adjoint is what
others call "deconvolution", "transposed convolution" or "input gradient". Here it exists twice:

* `conv_adjoint` writes it down: `lax.conv_transpose` with a flipped kernel and a computed padding;
* `conv_vjp` asks JAX to derive it from `conv`.

Per axis, with n input rows, kernel k, stride s, dilation d and padding (lo, hi)::

    ke   = (k - 1) d + 1                    rows that the kernel spans
    n'   = (n + lo + hi - ke) // s + 1      rows of the output
    lost = (n + lo + hi - ke) mod s         padded rows that no window reaches
    padding of the adjoint = (ke - 1 - lo, ke - 1 - hi + lost)

The forward padding, or a string, given to `lax.conv_transpose` yields another size, or worse: the right size and wrong
numbers. Where the formula is negative (padding >= ke) both computations crop instead, since XLA on CPU may read outside
the input there (openxla/xla issue 48713).
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jax import lax

from deconvviz.errors import GeometryError
from deconvviz.ops._sizes import Padding, Pads, check_shape, read_map, read_padding, read_pair, resolve_pads, whole
from deconvviz.types import Array, Size

_AXES = ("NHWC", "HWIO", "NHWC")
_KERNEL_AXES = "height, width, channels in per group, channels out"


@dataclass(frozen=True)
class ConvGeometry:
    """How a kernel slides over its input. Fields are normalised, so equal geometries are equal and hash alike.

    Args:
      stride: rows and columns per step; a whole number or a (rows, columns) pair, 1 or more.
      padding: zeros around the input. A whole number: as many on all four sides. A pair (rows, columns): so many above
        and below, so many left and right. ((top, bottom), (left, right)): explicit. "VALID": none. "SAME": so many that
        the output has ceil(input / stride) rows and columns, the odd one at the bottom or right. Case does not matter.
      dilation: distance between taps of the kernel; a whole number or a pair, 1 or more.
      groups: channels in and out fall into so many groups that do not see each other.

    Raises:
      GeometryError: if a field is not as above.

    Source: dumoulin2016guide

    >>> ConvGeometry(stride=2, padding=1) == ConvGeometry(stride=(2, 2), padding=((1, 1), (1, 1)))
    True
    >>> ConvGeometry(stride=2, padding="same").output_size((7, 10), (3, 3))
    (4, 5)
    """

    stride: int | Size = 1
    padding: Padding = 0
    dilation: int | Size = 1
    groups: int = 1

    def __post_init__(self) -> None:
        set_field = object.__setattr__
        set_field(self, "stride", read_pair("stride", self.stride))
        set_field(self, "dilation", read_pair("dilation", self.dilation))
        set_field(self, "padding", read_padding(self.padding))
        groups = whole(self.groups)
        if groups is None or groups < 1:
            raise GeometryError(f"groups is a whole number, 1 or more; got groups={self.groups!r}")
        set_field(self, "groups", groups)

    @property
    def strides(self) -> Size:
        """Step along (rows, columns)."""
        return read_pair("stride", self.stride)

    @property
    def dilations(self) -> Size:
        """Distance between taps along (rows, columns)."""
        return read_pair("dilation", self.dilation)

    def extent(self, kernel_size: int | Size) -> Size:
        """Rows and columns that a kernel spans: ``(k - 1) d + 1``.

        >>> ConvGeometry(dilation=(1, 2)).extent((3, 3))
        (3, 5)
        """
        (kh, kw), (dh, dw) = read_pair("kernel_size", kernel_size), self.dilations
        return (kh - 1) * dh + 1, (kw - 1) * dw + 1

    def resolve(self, input_size: int | Size, kernel_size: int | Size) -> Pads:
        """The padding as explicit numbers for this input and kernel.

        Args:
          input_size: (height, width) in pixels.
          kernel_size: (height, width) in taps.

        Returns:
          ((top, bottom), (left, right)), none negative.

        Raises:
          GeometryError: if the kernel is larger than the padded input.

        >>> ConvGeometry(stride=2, padding="SAME").resolve((7, 10), (3, 3))
        ((1, 1), (0, 1))
        """
        size, kernel = read_pair("input_size", input_size), read_pair("kernel_size", kernel_size)
        return resolve_pads(self.padding, size, kernel, self.extent(kernel), self.strides, "kernel")

    def output_size(self, input_size: int | Size, kernel_size: int | Size) -> Size:
        """(height, width) of the output: ``(n + lo + hi - ke) // s + 1``.

        Raises:
          GeometryError: if the kernel is larger than the padded input.

        Source: dumoulin2016guide

        >>> ConvGeometry(stride=(2, 3), padding=1, dilation=2).output_size((11, 13), (3, 2))
        (5, 5)
        """
        pads = self.resolve(input_size, kernel_size)
        sizes = zip(read_pair("input_size", input_size), self.extent(kernel_size), self.strides, pads, strict=True)
        height, width = ((n + lo + hi - ke) // s + 1 for n, ke, s, (lo, hi) in sizes)
        return height, width

    def adjoint_pads(self, input_size: int | Size, kernel_size: int | Size) -> Pads:
        """Padding with which `lax.conv_transpose` is the adjoint; negative numbers mean cropping.

        Formula: ``(ke - 1 - lo, ke - 1 - hi + lost)``, ``lost = (n + lo + hi - ke) mod s``.

        Raises:
          GeometryError: if the kernel is larger than the padded input.

        Source: dumoulin2016guide

        >>> ConvGeometry(stride=2, padding=1).adjoint_pads((8, 9), (3, 3))
        ((1, 2), (1, 1))
        """
        pads = self.resolve(input_size, kernel_size)
        sizes = zip(read_pair("input_size", input_size), self.extent(kernel_size), self.strides, pads, strict=True)
        rows, columns = ((ke - 1 - lo, ke - 1 - hi + (n + lo + hi - ke) % s) for n, ke, s, (lo, hi) in sizes)
        return rows, columns


def conv(x: Array, w: Array, geometry: ConvGeometry = ConvGeometry()) -> jax.Array:
    """Convolution layer without bias: the kernel slides over the input, unflipped.

    Formula: ``z[n, i, j, o] = sum_{p, q, c} xp[n, i sh + p dh, j sw + q dw, c] w[p, q, c, o]`` with xp the padded x and
    c running over the group of o.

    Args:
      x: (N, H, W, groups * I) input, real; whole numbers are converted to floating ones.
      w: (kh, kw, I, O) kernel, O a multiple of groups; group m makes the outputs m O/groups and following.
      geometry: stride, padding, dilation, groups.

    Returns:
      z (N, H', W', O) in the common type of x and w, computed at the highest precision of the device (no TF32).

    Raises:
      GeometryError: if shapes and geometry do not fit, or a dtype is complex.

    Source: dumoulin2016guide

    >>> x = jnp.arange(12.0).reshape(1, 3, 4, 1)
    >>> conv(x, jnp.ones((2, 2, 1, 1)), ConvGeometry(stride=(1, 2)))[0, :, :, 0].tolist()
    [[10.0, 18.0], [26.0, 34.0]]
    """
    x, w = _same_type(read_map("x", x), read_map("w", w, _KERNEL_AXES))
    _check_kernel(w, geometry)
    _, height, width, channels = x.shape
    if channels != w.shape[2] * geometry.groups:
        raise GeometryError(
            f"the kernel takes {w.shape[2]} channels in each of {geometry.groups} groups, "
            f"{w.shape[2] * geometry.groups} in all, but x has {channels}; x is {x.shape}, w is {w.shape}"
        )
    kernel_size = (w.shape[0], w.shape[1])
    pads = geometry.resolve((height, width), kernel_size)
    x, pads = _pad_excess(x, pads, geometry.extent(kernel_size))
    return lax.conv_general_dilated(
        x,
        w,
        geometry.strides,
        pads,
        rhs_dilation=geometry.dilations,
        dimension_numbers=_AXES,
        feature_group_count=geometry.groups,
        precision=lax.Precision.HIGHEST,
    )


def conv_adjoint(g: Array, w: Array, geometry: ConvGeometry, input_size: int | Size) -> jax.Array:
    """Adjoint of `conv` in x, the explicit computation: `lax.conv_transpose` with computed padding.

    Formula: ``y[n, r, t, c] = sum g[n, i, j, o] w[p, q, c, o]`` over all i, j, p, q, o with
    ``i sh + p dh - top = r`` and ``j sw + q dw - left = t``. So ``<conv(x), g> = <x, conv_adjoint(g)>`` for all x, g.

    Args:
      g: (N, H', W', O) signal on the output of `conv`.
      w: (kh, kw, I, O) the kernel of `conv`, as it is.
      geometry: the geometry of `conv`, as it is.
      input_size: (height, width) of x; many input sizes share one output size, so it has to be told.

    Returns:
      (N, height, width, groups * I), in the common type of g and w, at the highest precision of the device.

    Raises:
      GeometryError: if g is not of the size that `conv` gives for `input_size`, or shapes and geometry do not fit.

    Source: dumoulin2016guide

    >>> conv_adjoint(jnp.ones((1, 1, 2, 1)), jnp.ones((2, 2, 1, 1)), ConvGeometry(), (2, 3))[0, :, :, 0].tolist()
    [[1.0, 2.0, 1.0], [1.0, 2.0, 1.0]]
    """
    g, w, size = _read_signal(g, w, geometry, input_size)
    return _conv_adjoint(g, w, geometry, size)


@functools.partial(jax.jit, static_argnums=(2, 3))
def _conv_adjoint(g: jax.Array, w: jax.Array, geometry: ConvGeometry, size: Size) -> jax.Array:
    """`conv_adjoint` on checked arguments: one transposed convolution a group, then the crop."""
    kh, kw, per_group, channels = w.shape
    (top, bottom), (left, right) = geometry.adjoint_pads(size, (kh, kw))

    def one_group(g: jax.Array, w: jax.Array) -> jax.Array:
        return lax.conv_transpose(
            g,
            w,
            geometry.strides,
            ((max(top, 0), max(bottom, 0)), (max(left, 0), max(right, 0))),
            rhs_dilation=geometry.dilations,
            dimension_numbers=_AXES,
            transpose_kernel=True,
            precision=lax.Precision.HIGHEST,
            use_consistent_padding=False,
        )

    if geometry.groups == 1:
        y = one_group(g, w)
    else:
        split = (geometry.groups, channels // geometry.groups)
        parts = jax.vmap(one_group, in_axes=(3, 3), out_axes=3)(
            g.reshape(*g.shape[:3], *split), w.reshape(kh, kw, per_group, *split)
        )
        y = parts.reshape(*parts.shape[:3], geometry.groups * per_group)
    top, left = max(-top, 0), max(-left, 0)
    return y[:, top : top + size[0], left : left + size[1], :]


def conv_vjp(g: Array, w: Array, geometry: ConvGeometry, input_size: int | Size) -> jax.Array:
    """Adjoint of `conv` in x, by differentiation: `jax.vjp` of `conv` itself.

    Formula: ``A' g`` where ``A x = conv(x, w, geometry)``.

    Args:
      g: (N, H', W', O) signal on the output of `conv`.
      w: (kh, kw, I, O) the kernel of `conv`.
      geometry: the geometry of `conv`.
      input_size: (height, width) of x.

    Returns:
      (N, height, width, groups * I): equal to `conv_adjoint` up to rounding.

    Raises:
      GeometryError: as `conv_adjoint`.

    >>> conv_vjp(jnp.ones((1, 1, 2, 1)), jnp.ones((2, 2, 1, 1)), ConvGeometry(), (2, 3))[0, :, :, 0].tolist()
    [[1.0, 2.0, 1.0], [1.0, 2.0, 1.0]]
    """
    g, w, size = _read_signal(g, w, geometry, input_size)
    x = jnp.zeros((g.shape[0], *size, w.shape[2] * geometry.groups), g.dtype)
    _, pull = jax.vjp(lambda x: conv(x, w, geometry), x)
    (y,) = pull(g)
    return y


def _same_type(a: jax.Array, b: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Both arrays in their common type."""
    dtype = jnp.promote_types(a.dtype, b.dtype)
    return a.astype(dtype), b.astype(dtype)


def _check_kernel(w: jax.Array, geometry: ConvGeometry) -> None:
    """Refuse a kernel whose outputs do not fall evenly into the groups."""
    if w.shape[3] % geometry.groups:
        raise GeometryError(
            f"{w.shape[3]} channels out do not fall evenly into {geometry.groups} groups; "
            f"w is {w.shape} ({_KERNEL_AXES})"
        )


def _pad_excess(x: jax.Array, pads: Pads, extent: Size) -> tuple[jax.Array, Pads]:
    """Pad x beyond ``ke - 1`` on each side by hand; what `lax` then pads has a vjp that pads, never crops."""
    (top, bottom), (left, right) = (
        (min(lo, ke - 1), min(hi, ke - 1)) for (lo, hi), ke in zip(pads, extent, strict=True)
    )
    excess = (pads[0][0] - top, pads[0][1] - bottom), (pads[1][0] - left, pads[1][1] - right)
    if excess != ((0, 0), (0, 0)):
        x = jnp.pad(x, ((0, 0), *excess, (0, 0)))
    return x, ((top, bottom), (left, right))


def _read_signal(
    g: Array, w: Array, geometry: ConvGeometry, input_size: int | Size
) -> tuple[jax.Array, jax.Array, Size]:
    """Signal, kernel and input size of an adjoint, checked against each other."""
    g, w = _same_type(read_map("g", g), read_map("w", w, _KERNEL_AXES))
    _check_kernel(w, geometry)
    size = read_pair("input_size", input_size)
    expected = (g.shape[0], *geometry.output_size(size, (w.shape[0], w.shape[1])), w.shape[3])
    check_shape("g", g, expected, f"the output of this convolution on an input of {size[0]} x {size[1]}")
    return g, w, size
