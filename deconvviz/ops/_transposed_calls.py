"""Transposed convolutions as libraries define them: one function a call, and the size that its documentation promises.

JAX and Flax are `lax.conv_transpose` itself; PyTorch and Keras are their documented formulas, for no library has to be
installed. All take an (N, H', W', channels) signal and a kernel in the library's own order of axes.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import numpy as np
from jax import lax

from deconvviz.errors import GeometryError
from deconvviz.ops._sizes import Pads
from deconvviz.ops.adjoint_views import insert_zeros, pad_or_crop
from deconvviz.ops.conv import ConvGeometry, conv
from deconvviz.types import Size


def by_jax(
    g: jax.Array,
    kernel: jax.Array,
    stride: Size,
    dilation: Size,
    padding: Any,
    _output_padding: Size | None = None,
    *,
    transpose_kernel: bool = False,
    consistent: bool = False,
) -> np.ndarray:
    """`lax.conv_transpose`; it knows no output padding.

    A padding that takes rows away is done by cropping what comes out: XLA on CPU may read outside its input there
    (openxla/xla issue 48713).
    """
    if consistent:
        spans = [(k - 1) * d for k, d in zip(kernel.shape[:2], dilation, strict=True)]
        pads = [(min(lo, span), min(hi, span)) for (lo, hi), span in zip(padding, spans, strict=True)]
    else:
        pads = [(max(lo, 0), max(hi, 0)) for lo, hi in padding]
    y = lax.conv_transpose(
        g,
        kernel,
        stride,
        pads,
        rhs_dilation=dilation,
        transpose_kernel=transpose_kernel,
        use_consistent_padding=consistent,
        precision="highest",
    )
    rows, columns = ((-abs(lo - a), -abs(hi - b)) for (lo, hi), (a, b) in zip(padding, pads, strict=True))
    return pad_or_crop(y, (rows, columns))


by_jax_turning = partial(by_jax, transpose_kernel=True)
by_jax_consistent = partial(by_jax, transpose_kernel=True, consistent=True)


def by_torch(
    g: jax.Array, kernel: jax.Array, stride: Size, dilation: Size, padding: Size, output_padding: Size | None
) -> jax.Array:
    """`ConvTranspose2d`: spread by the stride, pad by ``d (k - 1) - padding``, more at the end; kernel (in, out, h, w).

    Raises:
      GeometryError: the output padding is as large as both stride and dilation.
    """
    extra = output_padding or (0, 0)
    if any(op >= max(s, d) for op, s, d in zip(extra, stride, dilation, strict=True)):
        raise GeometryError(
            f"ConvTranspose2d wants an output padding below stride or dilation; got output_padding={extra}, "
            f"stride={stride}, dilation={dilation}"
        )
    spans = (d * (k - 1) for d, k in zip(dilation, kernel.shape[2:], strict=True))
    rows, columns = ((span - p, span - p + op) for span, p, op in zip(spans, padding, extra, strict=True))
    return _slide(g, kernel.transpose(2, 3, 0, 1), stride, dilation, (rows, columns))


def by_keras(
    g: jax.Array, kernel: jax.Array, stride: Size, dilation: Size, padding: str, output_padding: Size | None
) -> jax.Array:
    """`Conv2DTranspose`: "valid" keeps all stamps, "same" gives ``n' s`` rows; kernel (h, w, out, in).

    Raises:
      GeometryError: a stride and a dilation at once, or an output padding as large as the stride.
    """
    if max(stride) > 1 and max(dilation) > 1:
        raise GeometryError(
            f"Conv2DTranspose takes no stride and dilation at once; got strides={stride}, dilation_rate={dilation}"
        )
    extra = output_padding or (None, None)
    if any(op is not None and op >= s for op, s in zip(extra, stride, strict=True)):
        raise GeometryError(
            f"Conv2DTranspose wants an output padding below the stride; got output_padding={extra}, strides={stride}"
        )
    spans = ((k - 1) * d + 1 for k, d in zip(kernel.shape[:2], dilation, strict=True))
    rows, columns = (_keras_pads(ke, s, padding, op) for ke, s, op in zip(spans, stride, extra, strict=True))
    return _slide(g, kernel.swapaxes(2, 3), stride, dilation, (rows, columns))


def _keras_pads(ke: int, s: int, padding: str, extra: int | None) -> tuple[int, int]:
    """Zeros before and after the spread signal."""
    if padding == "valid":
        return ke - 1, ke - 1 + (max(s - ke, 0) if extra is None else extra)
    total = s + ke - 2 if extra is None else ke + ke % 2 - 2 + extra
    before = min((total + 1) // 2, ke - 1)
    return before, total - before


def _slide(g: jax.Array, kernel: jax.Array, stride: Size, dilation: Size, pads: Pads) -> jax.Array:
    """Spread, pad, and slide the turned kernel, given as (h, w, in, out)."""
    return conv(pad_or_crop(insert_zeros(g, stride), pads), kernel[::-1, ::-1], ConvGeometry(dilation=dilation))


def jax_rows(n: int, k: int, s: int, d: int, padding: tuple[int, int], _extra: int | None) -> int:
    """Rows that `lax.conv_transpose` gives: its padding is added to the spread signal."""
    return (n - 1) * s + 1 + sum(padding) - (k - 1) * d


def consistent_rows(n: int, k: int, s: int, d: int, padding: tuple[int, int], _extra: int | None) -> int:
    """Rows with ``use_consistent_padding``: its padding is that of the forward convolution."""
    return (n - 1) * s + (k - 1) * d + 1 - sum(padding)


def torch_rows(n: int, k: int, s: int, d: int, padding: int, extra: int | None) -> int:
    """Rows that `ConvTranspose2d` documents."""
    return (n - 1) * s - 2 * padding + d * (k - 1) + (extra or 0) + 1


def keras_rows(n: int, k: int, s: int, d: int, padding: str, extra: int | None) -> int:
    """Rows that `Conv2DTranspose` documents; without an output padding they are inferred."""
    ke = (k - 1) * d + 1
    if extra is None:
        return n * s if padding == "same" else n * s + max(ke - s, 0)
    return (n - 1) * s + ke - 2 * (ke // 2 if padding == "same" else 0) + extra
