"""Layers that make a map larger by four methods, alike in everything else: what the applications swap.

Each is followed by nothing: activation and normalization are the network's affair.

- transposed: a transposed convolution, computed by `transposed_conv_blocks`.
- subpixel: a 3x3 convolution to s^2 times the channels, then `pixel_shuffle`; its kernel starts as that of nearest
  neighbours followed by a convolution (ICNR).
- resize: nearest neighbours, then a convolution.
- unpool: every value in the upper left corner of a block of zeros, then a convolution.

Source: dumoulin2016guide, shi2016realtime, odena2016deconvolution, dosovitskiy2016inverting
"""

from __future__ import annotations

from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from deconvviz.errors import GeometryError, nearest
from deconvviz.ops.upsample import icnr, pixel_shuffle, transposed_conv_blocks

Upsampler = Literal["transposed", "subpixel", "resize", "unpool"]
UPSAMPLERS: tuple[Upsampler, ...] = ("transposed", "subpixel", "resize", "unpool")


class Upsample(nnx.Module):
    """(N, H, W, inputs) -> (N, s H, s W, outputs).

    Args:
      kind: one of `UPSAMPLERS`.
      inputs, outputs: channels.
      factor: s.
      kernel: taps a side; 2 s for "transposed", 3 for "subpixel" and 2 s + 1 for the others if None.
      scale: of the first weights, in units of He's.
      rngs: where the first weights are drawn.

    Raises:
      GeometryError: no such kind.

    >>> layer = Upsample("resize", 3, 5, 2, rngs=nnx.Rngs(0))
    >>> layer(jnp.ones((1, 4, 6, 3))).shape
    (1, 8, 12, 5)
    """

    def __init__(
        self,
        kind: str,
        inputs: int,
        outputs: int,
        factor: int = 2,
        kernel: int | None = None,
        *,
        scale: float = 1.0,
        rngs: nnx.Rngs,
    ) -> None:
        if kind not in UPSAMPLERS:
            raise GeometryError(f"there is no upsampler {kind!r}; {nearest(str(kind), UPSAMPLERS)}")
        self.kind, self.factor = kind, factor
        taps = kernel or {"transposed": 2 * factor, "subpixel": 3}.get(kind, 2 * factor + 1)
        self.padding = max(0, (taps - factor) // 2) if kind == "transposed" else taps // 2
        # Cells of the input that a pixel is made of: a transposed convolution and a convolution between zeros meet
        # one in factor^2 of their taps.
        fan_in = inputs * (taps / factor if kind in ("transposed", "unpool") else taps) ** 2
        deviation = scale * (2.0 / fan_in) ** 0.5
        if kind == "transposed":
            first = jax.random.normal(rngs.params(), (taps, taps, outputs, inputs))
        else:
            first = jax.random.normal(rngs.params(), (taps, taps, inputs, outputs))
        if kind == "subpixel":
            first = icnr(first, factor)
        self.kernel = nnx.Param(deviation * first)
        self.bias = nnx.Param(jnp.zeros(outputs))

    def __call__(self, x: jax.Array) -> jax.Array:
        kernel, bias, s = self.kernel[...], self.bias[...], self.factor
        if self.kind == "subpixel":
            same = jax.lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
            return pixel_shuffle(same, s) + bias
        if self.kind != "transposed":
            kernel = spread_kernel(kernel, s, self.kind).swapaxes(2, 3)
        return transposed_conv_blocks(x, kernel, s, self.padding) + bias


def spread_kernel(kernel: jax.Array, factor: int, kind: str) -> jax.Array:
    """The kernel of the transposed convolution, of stride s, that an upsampler is: the large map need never be made.

    Formula: ``y[s u + j - p] += k[j] x[u]`` along each axis. "transposed": k is the kernel. A convolution w of t taps,
    p = t // 2, after zeros have been put between the values is ``k[j] = w[t - 1 - j]``, after repeating them
    ``k[j] = sum_b w[t - 1 + b - j]``, 0 <= b < s.

    Args:
      kernel: (t, t, C_in, C_out).
      factor: s.
      kind: "transposed", "resize" or "unpool".

    Returns:
      (t + s - 1, t + s - 1, C_in, C_out), the last s - 1 taps 0 for "unpool"; for "transposed" the kernel itself.

    Source: dosovitskiy2016inverting, odena2016deconvolution

    >>> spread_kernel(jnp.ones((5, 5, 1, 1)), 2, "resize")[0, :, 0, 0].tolist()
    [1.0, 2.0, 2.0, 2.0, 2.0, 1.0]
    """
    if kind == "transposed":
        return kernel
    kernel = kernel[::-1, ::-1]
    shifts = range(factor) if kind == "resize" else (0,)
    for axis in (0, 1):
        kernel = sum((_shifted(kernel, axis, b, factor - 1 - b) for b in shifts), start=jnp.zeros((), kernel.dtype))
    return kernel


def interpolation(kind: str, factor: int, taps: int) -> np.ndarray:
    """Kernel of one channel in and one out with which a layer enlarges by linear interpolation, as FCN's layers begin.

    Exact for every kind but "resize" at an even factor, where it is a little softer.

    Args:
      kind: one of `UPSAMPLERS`.
      factor: s.
      taps: of the layer, 2 s or more; 3 s - 1 or more for "unpool", 3 for "subpixel".

    Returns:
      (taps, taps, 1, 1), for "subpixel" (3, 3, 1, s^2), in the order of the layer's kernel.

    Source: long2015fully

    >>> interpolation("transposed", 2, 4)[0, :, 0, 0].tolist()
    [0.0625, 0.1875, 0.1875, 0.0625]
    """
    at, middle = np.arange(taps), (factor - 1) / 2
    if kind == "subpixel":
        places = (np.arange(factor) - middle) / factor
        line = np.maximum(0, 1 - np.abs(at[:, None] - 1 - places))
        return np.einsum("qa,rb->qrab", line, line).reshape(taps, taps, 1, factor**2)
    if kind == "resize":  # a box over boxes is a triangle
        line = np.clip(factor / 2 + 0.5 - np.abs(at - (taps - 1) // 2), 0, 1) / factor
    else:
        centre = (taps - factor) // 2 + middle if kind == "transposed" else (taps - 1) // 2 - middle
        line = np.maximum(0, 1 - np.abs(at - centre) / factor)
    return np.outer(line, line)[..., None, None]


def _shifted(kernel: jax.Array, axis: int, before: int, after: int) -> jax.Array:
    return jnp.pad(kernel, [(before, after) if a == axis else (0, 0) for a in range(kernel.ndim)])
