"""The network that starts from SqueezeNet's ImageNet weights: its first layers, a wide look around, and skips.

SqueezeNet 1.0 down to an eighth of the size (conv1, fire2 to fire8), then bottlenecks with dilated convolutions. On
the way up a map is enlarged bilinearly and what the encoder had at that size, narrowed, is added; so edges come back
from the encoder's values instead of its switches. All of it is trained.

Source: iandola2016squeezenet, han2016compression, paszke2016enet
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from deconvviz.models import squeezenet
from deconvviz.tasks.segmentation import SKIPS
from deconvviz.tasks.segmentation.blocks import CLASSES, Bottleneck, Unit, bilinear

#: Channels at 1/2, 1/4, 1/8 of the way up, and inside a bottleneck.
WIDTHS = (16, 32, 128, 24)
DILATIONS = (2, 4, 8, 16)
#: Fire modules that are used: fire2 to fire8.
FIRES = squeezenet.FIRES[:7]
#: As `encoder` of a run: nothing is read, the encoder is trained from nothing.
RANDOM = "random"
#: One deviation of a picture in SqueezeNet's units: that of natural pictures, about a quarter of 0..255.
DEVIATION = 64.0


class Fire(nnx.Module):
    """Squeeze by a 1x1 convolution, expand by a 1x1 and a 3x3 one side by side."""

    def __init__(self, inputs: int, squeezed: int, expanded: int, *, rngs: nnx.Rngs) -> None:
        first = nnx.initializers.he_normal()
        self.squeeze = nnx.Linear(inputs, squeezed, kernel_init=first, rngs=rngs)
        self.expand1x1 = nnx.Linear(squeezed, expanded, kernel_init=first, rngs=rngs)
        self.expand3x3 = nnx.Conv(squeezed, expanded, (3, 3), kernel_init=first, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        x = jax.nn.relu(self.squeeze(x))
        return jax.nn.relu(jnp.concatenate([self.expand1x1(x), self.expand3x3(x)], -1))


class FireEncoder(nnx.Module):
    """(N, H, W, 3) -> (N, H/8, W/8, 512), and the maps (N, H/4, W/4, 256) and (N, H/2, W/2, 96).

    Where `frozen` is set, the first convolution stays as it is: its gradient alone takes a fifth of a step.
    """

    def __init__(self, *, rngs: nnx.Rngs) -> None:
        self.frozen = False
        depth = squeezenet.VERSIONS["1_0"].channels
        self.conv1 = nnx.Conv(
            3, depth, (7, 7), strides=2, padding=3, kernel_init=nnx.initializers.he_normal(), rngs=rngs
        )
        fires = []
        for squeezed, expanded in FIRES:
            fires.append(Fire(depth, squeezed, expanded, rngs=rngs))
            depth = 2 * expanded
        self.fires = nnx.List(fires)

    def __call__(self, x: jax.Array) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
        half = jax.nn.relu(self.conv1(x))
        if self.frozen:
            half = jax.lax.stop_gradient(half)
        quarter = pooled(half)
        for fire in self.fires[:3]:
            quarter = fire(quarter)
        y = pooled(quarter)
        for fire in self.fires[3:]:
            y = fire(y)
        return y, (quarter, half)


class SkipSegmenter(nnx.Module):
    """Scores of the classes: (N, H, W, 3) -> (N, H/2, W/2, 11), H and W multiples of 8.

    Args:
      widths, dilations: of the way up and of the bottlenecks.
      rngs: where the first weights are drawn.
    """

    def __init__(
        self, widths: tuple[int, ...] = WIDTHS, dilations: tuple[int, ...] = DILATIONS, *, rngs: nnx.Rngs
    ) -> None:
        half, quarter, eighth, inner = widths
        self.decoder, self.fusion = SKIPS, "none"
        self.encoder = FireEncoder(rngs=rngs)
        depth = 2 * FIRES[-1][1]
        self.narrow = Unit(depth, eighth, 1, rngs=rngs)
        self.around = nnx.List([Bottleneck(eighth, inner, dilation, rngs=rngs) for dilation in dilations])
        self.down = nnx.List([Unit(eighth, quarter, 1, rngs=rngs), Unit(quarter, half, 1, rngs=rngs)])
        self.beside = nnx.List(
            [
                Unit(2 * FIRES[2][1], quarter, 1, rngs=rngs),
                Unit(squeezenet.VERSIONS["1_0"].channels, half, 1, rngs=rngs),
            ]
        )
        self.mix = nnx.List([Unit(quarter, quarter, rngs=rngs), Unit(half, half, rngs=rngs)])
        self.score = nnx.Linear(eighth, CLASSES, rngs=rngs)
        self.detail = nnx.Linear(half, CLASSES, kernel_init=nnx.initializers.zeros, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        y, skips = self.encoder(x)
        y = self.narrow(y)
        for block in self.around:
            y = block(y)
        coarse = self.score(y)
        for down, beside, mix, skip in zip(self.down, self.beside, self.mix, skips, strict=True):
            y = mix(bilinear(down(y), 2) + beside(skip))
        return bilinear(coarse, 4) + self.detail(y)


def pooled(x: jax.Array) -> jax.Array:
    """Maxima of 3 x 3 cells at every second one, the window hanging over at the end: (N, H, W, C) -> (N, H/2, W/2, C).

    Along rows, then along columns, each the maximum of three slices: several times faster on a processor than
    `reduce_window`, above all backwards.

    >>> pooled(jnp.arange(16.0).reshape(1, 4, 4, 1))[0, :, :, 0].tolist()
    [[10.0, 11.0], [14.0, 15.0]]
    """
    for axis in (1, 2):
        even, odd = (jax.lax.slice_in_dim(x, start, None, 2, axis) for start in (0, 1))
        after = [jax.lax.slice_in_dim(part, start, None, 1, axis) for part, start in ((even, 1), (odd, -1))]
        x = jnp.maximum(jnp.maximum(even, odd), jnp.concatenate(after, axis))
    return x


def fill(module: SkipSegmenter, weights: str | Path | None = None) -> None:
    """Puts SqueezeNet's weights into the encoder, for input of mean 0 and deviation 1 in the order red, green, blue.

    Args:
      module: is changed.
      weights: the file; None for the one on this machine, which is downloaded once.

    Raises:
      WeightsError: no such file, or one of another network.
    """
    arrays = squeezenet.compressed_arrays(weights)
    layers: list[Any] = [module.encoder.conv1]
    for fire in module.encoder.fires:
        layers += [fire.squeeze, fire.expand1x1, fire.expand3x3]
    for layer, part in zip(layers, squeezenet.COMPRESSED.parts, strict=False):
        kernel = arrays[f"{part.stored}.weight"].transpose(2, 3, 1, 0)
        if layer is module.encoder.conv1:
            kernel = DEVIATION * kernel[:, :, ::-1]
        elif kernel.shape[:2] == (1, 1):
            kernel = kernel[0, 0]
        layer.kernel[...] = jnp.asarray(np.ascontiguousarray(kernel))
        layer.bias[...] = jnp.asarray(arrays[f"{part.stored}.bias"])
    module.encoder.frozen = True
