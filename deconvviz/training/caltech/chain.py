"""The chain of `deconvviz.models.caltech` as it is trained: Flax NNX, batch normalization after every convolution."""

from __future__ import annotations

from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import lax

from deconvviz.models.caltech import CHAIN, CLASSES
from deconvviz.training.fold import fold as fold_norm
from deconvviz.types import Array

EPSILON = 1e-5


class Block(nnx.Module):
    """Convolution without bias, batch normalization, optional 2x2 max pooling, ReLU.

    Pooling before the ReLU is the same function as pooling after it (both are monotone) and costs a quarter.
    """

    def __init__(self, kernel: int, stride: int, depth: int, channels: int, pool: bool, rngs: nnx.Rngs) -> None:
        self.stride, self.pool = stride, pool
        scale = np.sqrt(2.0 / (kernel * kernel * depth))
        self.kernel = nnx.Param(scale * jax.random.normal(rngs.params(), (kernel, kernel, depth, channels)))
        self.norm = nnx.BatchNorm(channels, momentum=0.9, epsilon=EPSILON, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        return self.after(self.norm(self.linear(x, self.kernel[...])))

    def linear(self, x: jax.Array, kernel: jax.Array) -> jax.Array:
        """What comes before the norm."""
        return _stem(x, kernel) if self.stride == 2 else _conv(x, kernel)

    def after(self, x: jax.Array) -> jax.Array:
        """What comes after the norm."""
        return jax.nn.relu(_pool(x) if self.pool else x)


class Chain(nnx.Module):
    """Seven blocks, global average pooling, dropout, one dense layer."""

    def __init__(
        self, classes: int = CLASSES, dropout: float = 0.0, first_scale: float = 1.0, first_blur: float = 0.0, *,
        rngs: nnx.Rngs,
    ) -> None:  # fmt: skip
        depth, blocks = 3, []
        for step in CHAIN:
            blocks.append(Block(step.kernel, step.stride, depth, step.channels, step.pool, rngs))
            depth = step.channels
        self.blocks = nnx.List(blocks)
        first = blocks[0].kernel
        first[...] = first_scale * smooth(first[...], first_blur)
        self.dropout = dropout
        self.kernel = nnx.Param(jax.random.normal(rngs.params(), (depth, classes)) / np.sqrt(depth))
        self.bias = nnx.Param(jnp.zeros(classes))

    def __call__(self, x: jax.Array, key: jax.Array | None = None) -> jax.Array:
        for block in self.blocks:
            x = block(x)
        x = jnp.mean(x, axis=(1, 2))
        if key is not None and self.dropout > 0:
            keep = jax.random.bernoulli(key, 1 - self.dropout, x.shape)
            x = jnp.where(keep, x / (1 - self.dropout), 0)
        return x @ self.kernel[...] + self.bias[...]


def smooth(kernel: jax.Array, blur: float) -> jax.Array:
    """Noise (K, K, ...) blurred by a Gaussian of this deviation in pixels, of the same variance in every place.

    >>> rough = jax.random.normal(jax.random.key(0), (6, 6, 99))
    >>> [round(float(jnp.std(jnp.diff(noise, axis=0)) / jnp.std(noise)), 1) for noise in (rough, smooth(rough, 1.0))]
    [1.4, 0.6]
    """
    if blur <= 0:
        return kernel
    place = jnp.arange(len(kernel))
    weights = jnp.exp(-((place[:, None] - place) ** 2) / (2 * blur**2))
    weights /= jnp.linalg.norm(weights, axis=1, keepdims=True)
    return jnp.einsum("ai,bj,ij...->ab...", weights, weights, kernel)


def fold(model: Chain) -> dict[str, np.ndarray]:
    """The arrays of `deconvviz.models.caltech.forward`: batch normalization folded into kernels and biases."""
    folded: dict[str, np.ndarray] = {}
    for i, block in enumerate(model.blocks, start=1):
        folded[f"conv{i}.kernel"], folded[f"conv{i}.bias"] = fold_norm(block.kernel[...], 0.0, block.norm)
    return folded | {"logits.kernel": np.asarray(model.kernel[...]), "logits.bias": np.asarray(model.bias[...])}


def start_from(model: Chain, params: Mapping[str, Array], images: Array) -> None:
    """Gives a chain the arrays of `deconvviz.models.caltech.forward`: the inverse of `fold`.

    A folded file no longer says what batch normalization had measured. So each is measured again on `images`, and its
    scale and offset are chosen such that the block is the folded one.

    Args:
      model: a chain of the same classes; changed.
      params: named as in `deconvviz.models.caltech.shapes`.
      images: (N, S, S, 3) model input, some hundred pictures as training shows them.
    """
    x = jnp.asarray(images)
    for i, block in enumerate(model.blocks, start=1):
        kernel, bias = jnp.asarray(params[f"conv{i}.kernel"]), jnp.asarray(params[f"conv{i}.bias"])
        x = block.linear(x, kernel)
        mean, variance = jnp.mean(x, (0, 1, 2)), jnp.var(x, (0, 1, 2))
        block.kernel[...] = kernel
        block.norm.mean[...], block.norm.var[...] = mean, variance
        scale, offset = block.norm.scale, block.norm.bias
        assert scale is not None, "the norms of a chain are scaled"
        assert offset is not None, "and moved"
        scale[...], offset[...] = jnp.sqrt(variance + EPSILON), bias + mean
        x = block.after(x + bias)
    model.kernel[...], model.bias[...] = jnp.asarray(params["logits.kernel"]), jnp.asarray(params["logits.bias"])


def _conv(x: jax.Array, kernel: jax.Array) -> jax.Array:
    return lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))


def _stem(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """A 6x6 convolution of stride 2 and padding 2 as a 3x3 one over blocks of 2x2 pixels: several times as fast."""
    n, height, width, depth = x.shape
    blocks = x.reshape(n, height // 2, 2, width // 2, 2, depth).transpose(0, 1, 3, 2, 4, 5)
    kernel = kernel.reshape(3, 2, 3, 2, depth, -1).transpose(0, 2, 1, 3, 4, 5).reshape(3, 3, 4 * depth, -1)
    return _conv(blocks.reshape(n, height // 2, width // 2, 4 * depth), kernel)


def _pool(x: jax.Array) -> jax.Array:
    rows = jnp.maximum(x[:, ::2], x[:, 1::2])
    return jnp.maximum(rows[:, :, ::2], rows[:, :, 1::2])
