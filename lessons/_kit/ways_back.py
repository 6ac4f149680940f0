"""Ways back through a convolution: the adjoint, and two wrong ones that people write."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import lax

from deconvviz.ops import ConvGeometry, conv_adjoint
from deconvviz.types import Array, Size
from lessons._kit.i18n import mark


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


#: Name in the URL -> (name on screen, function).
WAYS = {
    "adjoint": (mark("the adjoint"), conv_adjoint),
    "turned": (mark("wrong: kernel turned"), turned_kernel),
    "padding": (mark("wrong: padding of the way there"), forward_padding),
}
