"""The network that takes noise and JPEG blocks away: convolve at stride 2, work there, convolve back, fuse.

The four ways to fuse what comes back, d, with the picture that went in, x:

- none: d.
- add: x + d, so that d is what has to change.
- weighted: a x + b d with learned numbers a and b, both 0.5 at first (the average of article 001).
- concatenate: a 3x3 convolution over the two planes.

Source: mao2016image, zhang2017beyond, zhang2018ffdnet
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from deconvviz.errors import NetworkError, nearest
from deconvviz.models.convolutions import Conv3
from deconvviz.models.upsamplers import Upsample
from deconvviz.ops.upsample import pixel_unshuffle
from deconvviz.tasks.enhancement import FUSIONS

#: Of the first weights of the layer that makes the picture, in units of He's: it begins by changing little.
GENTLE = 0.1


class Enhancer(nnx.Module):
    """(N, H, W, 1) grey pictures around 0..1 -> the same size, cleaned; H and W multiples of `stride`.

    A convolution of stride 2 with 6x6 taps (computed as `pixel_unshuffle` and 3x3), `depth` 3x3 convolutions at half
    resolution, a transposed convolution of stride 2 with 4x4 taps, fusion. With `inner` channels a second pair of a
    convolution and a transposed convolution of stride 2 stands after the first of the `depth`, with `blocks` residual
    blocks of two 3x3 convolutions at a quarter of the resolution between them, and is added to what went into it.

    Args:
      options: "width" and "depth"; "fusion" of `FUSIONS`; "norm", batch normalization after the `depth` convolutions;
        "upsampler" of `deconvviz.models.upsamplers`; "inner" and "blocks".
      seed: of the first weights.

    Raises:
      NetworkError: no such fusion.

    >>> Enhancer({"width": 4, "depth": 2})(jnp.ones((1, 6, 8, 1))).shape
    (1, 6, 8, 1)
    """

    def __init__(self, options: Mapping[str, Any], seed: int = 0) -> None:
        given = {"fusion": "add", "norm": False, "upsampler": "transposed", "inner": 0, "blocks": 0, **options}
        if given["fusion"] not in FUSIONS:
            raise NetworkError(f"there is no fusion {given['fusion']!r}; {nearest(str(given['fusion']), FUSIONS)}")
        rngs, width, inner = nnx.Rngs(seed), int(given["width"]), int(given["inner"])
        self.fusion: str = given["fusion"]
        self.stride = 4 if inner else 2
        self.encode = Conv3(4, width, rngs=rngs)
        self.body = nnx.List([Conv3(width, width, rngs=rngs) for _ in range(given["depth"])])
        self.deeper = nnx.List([Deeper(width, inner, int(given["blocks"]), rngs)] if inner else [])
        self.decode = Upsample(given["upsampler"], width, 1, 2, scale=GENTLE, rngs=rngs)
        if self.fusion == "weighted":
            self.weights = nnx.Param(jnp.full(2, 0.5))
        if self.fusion == "concatenate":
            self.fuse = Conv3(2, 1, rngs=rngs)
        # Last, so that convolutions begin alike with and without them.
        counted = range(given["depth"] if given["norm"] else 0)
        self.norms = nnx.List([nnx.BatchNorm(width, momentum=0.9, rngs=rngs) for _ in counted])

    def __call__(self, x: jax.Array) -> jax.Array:
        return self.fused(x, self.back(x))

    def back(self, x: jax.Array) -> jax.Array:
        """d, what the transposed convolution makes: (N, H, W, 1)."""
        y = jax.nn.relu(self.encode(pixel_unshuffle(x, 2)))
        for number, conv in enumerate(self.body):
            y = conv(y)
            if len(self.norms):
                y = self.norms[number](y)
            y = jax.nn.relu(y)
            if number == 0 and len(self.deeper):
                y = self.deeper[0](y)
        return self.decode(y)

    def fused(self, x: jax.Array, d: jax.Array) -> jax.Array:
        """The picture that went in and what came back, made one."""
        if self.fusion == "add":
            return x + d
        if self.fusion == "weighted":
            weights = self.weights[...]
            return weights[0] * x + weights[1] * d
        return self.fuse(jnp.concatenate([x, d], axis=-1)) if self.fusion == "concatenate" else d


class Deeper(nnx.Module):
    """(N, H, W, width) -> the same, by way of half the rows and columns, added to what went in.

    Args:
      width, inner: channels outside and inside.
      blocks: residual blocks inside.
      rngs: where the first weights are drawn.
    """

    def __init__(self, width: int, inner: int, blocks: int, rngs: nnx.Rngs) -> None:
        self.down = nnx.Linear(4 * width, inner, rngs=rngs)
        self.first = nnx.List([Conv3(inner, inner, rngs=rngs) for _ in range(blocks)])
        self.second = nnx.List([Conv3(inner, inner, scale=0.3, rngs=rngs) for _ in range(blocks)])
        self.up = Upsample("transposed", inner, width, 2, kernel=2, scale=0.5, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        y = self.down(pixel_unshuffle(x, 2))
        for first, second in zip(self.first, self.second, strict=True):
            y = y + second(jax.nn.relu(first(y)))
        return x + self.up(y)


def make(options: Mapping[str, Any]) -> Enhancer:
    """The network that a file of weights tells of."""
    return Enhancer(options)


def reach(module: Enhancer) -> int:
    """Pixels around an output pixel that can move it, at most."""
    half = len(module.body) + 1
    quarter = 2 * len(module.deeper[0].first) if len(module.deeper) else 0
    return 2 * half + 4 * quarter + module.stride + 4
