"""What both networks that name pixels are made of: a normalized convolution, a bottleneck, a bilinear step up."""

from __future__ import annotations

from typing import Any

import jax
from flax import nnx

CLASSES = 11


class Unit(nnx.Module):
    """A convolution without bias (a matrix where it is 1x1), batch normalization, ReLU; rows and columns stay."""

    def __init__(self, inputs: int, outputs: int, taps: int = 3, dilation: int = 1, *, rngs: nnx.Rngs) -> None:
        first = nnx.initializers.he_normal()
        if taps == 1:
            self.conv: Any = nnx.Linear(inputs, outputs, use_bias=False, kernel_init=first, rngs=rngs)
        else:
            self.conv = nnx.Conv(
                inputs, outputs, (taps, taps), kernel_dilation=dilation, use_bias=False, kernel_init=first, rngs=rngs
            )
        self.norm = nnx.BatchNorm(outputs, momentum=0.95, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        return jax.nn.relu(self.norm(self.conv(x)))


class Bottleneck(nnx.Module):
    """Narrow, look around, widen, add: starts as the identity."""

    def __init__(self, width: int, inner: int, dilation: int, *, rngs: nnx.Rngs) -> None:
        self.narrow = Unit(width, inner, 1, rngs=rngs)
        self.look = Unit(inner, inner, 3, dilation, rngs=rngs)
        self.widen = nnx.Linear(inner, width, kernel_init=nnx.initializers.zeros, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        return jax.nn.relu(x + self.widen(self.look(self.narrow(x))))


def bilinear(x: jax.Array, factor: int) -> jax.Array:
    """(N, H, W, C) -> (N, s H, s W, C): linear between the middles of the cells, the border kept beyond them.

    >>> bilinear(jax.numpy.array([0.0, 4.0]).reshape(1, 1, 2, 1), 2)[0, 0, :, 0].tolist()
    [0.0, 1.0, 3.0, 4.0]
    """
    n, height, width, channels = x.shape
    return jax.image.resize(x, (n, factor * height, factor * width, channels), "bilinear")
