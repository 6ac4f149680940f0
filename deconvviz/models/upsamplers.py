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

from functools import lru_cache
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
        places, before, after = _cells(self.kind, kernel.shape[0], s)
        inputs, outputs = kernel.shape[2:]
        folded = jnp.einsum("aqi,brj,ijco->qrcabo", places, places, kernel, precision="highest")
        folded = folded.reshape(*places.shape[1:2] * 2, inputs, s * s * outputs)
        return pixel_shuffle(_conv(x, folded, ((before, after),) * 2), s) + bias


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


@lru_cache
def _cells(kind: str, taps: int, factor: int) -> tuple[np.ndarray, int, int]:
    """Which cell of the small map each tap of a convolution of the enlarged one meets: (places, before, after).

    places[a, q, i] is 1 where the pixel at place a of its block meets, with tap i, the cell q - before away; between
    cells lie zeros if unpooled. So the large map need never be made: the blocks are channels of a small convolution.
    """
    reach = np.arange(factor)[:, None] + np.arange(taps) - (taps - 1) // 2
    cell = reach // factor
    before, after = -int(cell.min()), int(cell.max())
    places = (cell[:, None] == np.arange(-before, after + 1)[:, None]).astype(np.float32)
    if kind == "unpool":
        places *= (reach % factor == 0)[:, None]
    return places, before, after


def _conv(x: jax.Array, kernel: jax.Array, padding: str | tuple[tuple[int, int], ...] = "SAME") -> jax.Array:
    return jax.lax.conv_general_dilated(x, kernel, (1, 1), padding, dimension_numbers=("NHWC", "HWIO", "NHWC"))
