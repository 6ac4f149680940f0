"""Layers that make a map larger in four ways, alike in everything else: what the applications swap.

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
        self.padding = max(0, (taps - factor) // 2)
        # Cells of the input that a pixel is made of: a transposed convolution and a convolution between zeros meet
        # one in factor^2 of their taps.
        seen = inputs * (taps / factor if kind in ("transposed", "unpool") else taps) ** 2
        deviation = scale * (2.0 / seen) ** 0.5
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
        if self.kind == "transposed":
            return transposed_conv_blocks(x, kernel, s, self.padding) + bias
        if self.kind == "subpixel":
            return pixel_shuffle(_conv(x, kernel), s) + bias
        if self.kind == "resize":
            x = jnp.repeat(jnp.repeat(x, s, axis=1), s, axis=2)
        else:
            n, height, width, depth = x.shape
            blocks = jnp.zeros((n, height, s, width, s, depth), x.dtype).at[:, :, 0, :, 0].set(x)
            x = blocks.reshape(n, height * s, width * s, depth)
        return _conv(x, kernel) + bias


def _conv(x: jax.Array, kernel: jax.Array) -> jax.Array:
    return jax.lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
