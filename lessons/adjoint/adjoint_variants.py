"""Ways back through a convolution: the adjoint in three views, and four wrong ways that people write."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from deconvviz.ops import ConvGeometry, Pads, conv_adjoint
from deconvviz.ops.adjoint_views import (
    insert_zeros,
    insertion_adjoint,
    matrix_adjoint,
    pad_or_crop,
    stamp_adjoint,
    turn,
)
from deconvviz.types import Array, Size
from lessons._kit.form.i18n import mark


def turned_kernel(g: Array, w: Array, geometry: ConvGeometry, input_size: int | Size) -> jax.Array:
    """Wrong: the stamp is the kernel turned by 180 degrees. Right only for kernels that look the same turned."""
    return conv_adjoint(g, w[::-1, ::-1], geometry, input_size)


def forward_padding(g: Array, w: Array, geometry: ConvGeometry, input_size: int | Size) -> jax.Array:
    """Wrong: the transposed convolution is given the padding of the way there. Mostly not even the right size."""
    size = (input_size, input_size) if isinstance(input_size, int) else input_size
    pads = geometry.resolve(size, (w.shape[0], w.shape[1]))
    return lax.conv_transpose(
        jnp.asarray(g),
        jnp.asarray(w),
        geometry.strides,
        pads,
        rhs_dilation=geometry.dilations,
        transpose_kernel=True,
        precision="highest",
    )


def rounded_size(g: Array, w: Array, geometry: ConvGeometry, input_size: int | Size) -> jax.Array:
    """Wrong: the size is worked out from the output, (n' - 1) s + ke - lo - hi, without the rows that rounding lost.

    Right where the stride divides.
    """
    extent, pads = geometry.extent((w.shape[0], w.shape[1])), geometry.resolve(input_size, (w.shape[0], w.shape[1]))
    sizes = zip(g.shape[1:3], geometry.strides, extent, pads, strict=True)
    height, width = ((n - 1) * s + ke - lo - hi for n, s, ke, (lo, hi) in sizes)
    return conv_adjoint(g, w, geometry, (height, width))


def unswapped_channels(g: Array, w: Array, geometry: ConvGeometry, input_size: int | Size) -> jax.Array:
    """Wrong: the kernel from channel 0 to channel 1 is used on the way from 0 to 1 again, not from 1 back to 0.

    Fits, and is wrong, where there are as many channels in as out.
    """
    return conv_adjoint(g, jnp.swapaxes(jnp.asarray(w), 2, 3), geometry, input_size)


@dataclass(frozen=True)
class Variant:
    """A way back.

    Attributes:
      title: its name on screen.
      function: (g, w, geometry, input size) -> what comes back.
      luck: when it is right although it is wrong, and what to change to see it.
    """

    title: str
    function: Callable[..., Any]
    luck: str = ""


#: Name in the URL -> the way.
VARIANTS = {
    "adjoint": Variant(mark("the adjoint"), conv_adjoint),
    "turned": Variant(
        mark("wrong: kernel turned"),
        turned_kernel,
        mark("Right here by luck: this kernel looks the same turned. Take another one."),
    ),
    "padding": Variant(
        mark("wrong: padding of the forward pass"),
        forward_padding,
        mark("Right here by luck: this padding is its own counterpart. Change it."),
    ),
    "rounded": Variant(
        mark("wrong: size rounded down"),
        rounded_size,
        mark("Right here by luck: no row or column is lost. Take a 3 × 3 kernel and stride 2."),
    ),
    "channels": Variant(mark("wrong: channels not swapped"), unswapped_channels),
}

#: Name in the URL -> (name on screen, function that computes the adjoint in this view).
VIEWS = {
    "stamp": (mark("stamps"), stamp_adjoint),
    "zeros": (mark("zero insertion"), insertion_adjoint),
    "matrix": (mark("matrix"), matrix_adjoint),
}


@dataclass(frozen=True, eq=False)
class Insertion:
    """What a way back does when it is written as zero insertion and a convolution.

    Attributes:
      inner: (1, h, w, O) the signal with zeros between, cropped where the padding is negative.
      first: row and column of the spread signal that the first cell of `inner` is.
      pads: zeros around it.
      kernel: (kh, kw, O, I) that slides over it, unturned, at stride 1.
    """

    inner: np.ndarray
    first: tuple[int, int]
    pads: Pads
    kernel: np.ndarray


def insertion(way: str, g: Array, w: Array, geometry: ConvGeometry, input_size: Size) -> Insertion:
    """A way back as zero insertion: each wrong way goes wrong in the padding or in the kernel."""
    kernel_size = w.shape[0], w.shape[1]
    kernel = {
        "turned": lambda: turn(w)[::-1, ::-1],
        "channels": lambda: turn(w).swapaxes(2, 3),
    }.get(way, lambda: turn(w))()
    pads = geometry.adjoint_pads(input_size, kernel_size)
    if way == "padding":
        pads = geometry.resolve(input_size, kernel_size)
    elif way == "rounded":
        rows, columns = (
            (ke - 1 - lo, ke - 1 - hi)
            for ke, (lo, hi) in zip(
                geometry.extent(kernel_size), geometry.resolve(input_size, kernel_size), strict=True
            )
        )
        pads = rows, columns
    (top, bottom), (left, right) = pads
    inner = pad_or_crop(
        insert_zeros(g, geometry.strides), ((min(top, 0), min(bottom, 0)), (min(left, 0), min(right, 0)))
    )
    around = (max(top, 0), max(bottom, 0)), (max(left, 0), max(right, 0))
    return Insertion(inner, (max(-top, 0), max(-left, 0)), around, np.asarray(kernel))
