"""Colours for an optimizer: axes along which natural pictures do not correlate, and the range of a network's input."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from deconvviz.types import Array, InputSpec

#: Rows red, green, blue; columns about brightness, red against blue, green against both. The square root of the
#: covariance of colours in ImageNet as the authors of [olah2017feature] publish it in Lucid, over its longest column.
_ROOT = np.array([[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]])
COLOUR_BASIS: np.ndarray = _ROOT / np.linalg.norm(_ROOT, axis=0).max()
#: Weights of red, green and blue in a grey channel (BT.601), as `deconvviz.data.preprocess` mixes them.
_LUMA = (0.299, 0.587, 0.114)


def mix_colours(values: Array) -> jax.Array:
    """Values along uncorrelated colour axes as red, green and blue.

    Formula: ``rgb = B v`` with B = `COLOUR_BASIS`.

    Args:
      values: (..., 3).

    Source: olah2017feature

    >>> [round(value, 2) for value in mix_colours(jnp.array([1.0, 0.0, 0.0])).tolist()]  # brightness
    [0.56, 0.58, 0.58]
    """
    v = jnp.asarray(values)
    return jnp.matmul(v, jnp.asarray(COLOUR_BASIS.T, v.dtype), precision="highest")


def unmix_colours(rgb: Array) -> jax.Array:
    """The inverse of `mix_colours`.

    >>> [round(value, 3) for value in unmix_colours(mix_colours(jnp.array([1.0, 2.0, 3.0]))).tolist()]
    [1.0, 2.0, 3.0]
    """
    v = jnp.asarray(rgb)
    return jnp.matmul(v, jnp.asarray(np.linalg.inv(COLOUR_BASIS).T, v.dtype), precision="highest")


def grey(image: Array) -> jax.Array:
    """Brightness of red, green and blue, ``0.299 R + 0.587 G + 0.114 B``.

    Args:
      image: (..., 3).

    Returns:
      (..., 1).

    >>> round(float(grey(jnp.array([1.0, 0.5, 0.0]))[0]), 4)
    0.5925
    """
    x = jnp.asarray(image)
    return (x * jnp.asarray(_LUMA, x.dtype)).sum(-1, keepdims=True)


def from_display(image: Array, spec: InputSpec) -> jax.Array:
    """What a network is fed for pictures of its own size; JAX can differentiate it.

    Formula: ``(image * scale - mean) / std`` in the order of the network's channels, as in
    `deconvviz.data.preprocess.model_input`.

    Args:
      image: (N, H, W, 3), 0..1.
      spec: the network's input.

    Returns:
      (N, H, W, spec.depth).

    >>> spec = InputSpec(size=(1, 1), mean=(1.0, 2.0, 3.0), scale=255.0, channels="BGR")
    >>> from_display(jnp.array([[[[1.0, 0.0, 0.0]]]]), spec).tolist()
    [[[[-1.0, -2.0, 252.0]]]]
    """
    x: Any = jnp.asarray(image)
    if spec.channels == "BGR":
        x = x[..., ::-1]
    elif spec.channels == "L":
        x = grey(x)
    return (x * spec.scale - jnp.asarray(spec.mean, x.dtype)) / jnp.asarray(spec.std, x.dtype)
