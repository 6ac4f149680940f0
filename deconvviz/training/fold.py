"""Batch normalization folded into the convolution before it: a trained network as it is used."""

from __future__ import annotations

from typing import Any

import numpy as np

from deconvviz.types import Array


def fold(kernel: Array, bias: Array | float, norm: Any) -> tuple[np.ndarray, np.ndarray]:
    """Kernel and bias that do what a convolution and batch normalization in use do after it.

    Formula: with scale s, offset b, running mean m and variance v of a channel, and ``gain = s / sqrt(v + e)``:
    ``kernel' = kernel gain``, ``bias' = (bias - m) gain + b``.

    Args:
      kernel: (..., channels).
      bias: (channels,), or 0 for a convolution without.
      norm: a `flax.nnx.BatchNorm` of these channels.

    Returns:
      (kernel', bias'), float32.

    Source: ioffe2015batch

    >>> from flax import nnx
    >>> norm = nnx.BatchNorm(2, epsilon=0.0, rngs=nnx.Rngs(0))
    >>> norm.var[...], norm.mean[...] = np.array([4.0, 1.0]), np.array([1.0, 0.0])
    >>> [array.tolist() for array in fold(np.ones((1, 2)), 0.0, norm)]
    [[[0.5, 1.0]], [-0.5, 0.0]]
    """
    scale, offset, mean, variance = (
        np.asarray(variable[...], np.float64) for variable in (norm.scale, norm.bias, norm.mean, norm.var)
    )
    gain = scale / np.sqrt(variance + norm.epsilon)
    folded = np.asarray(kernel, np.float64) * gain
    return folded.astype(np.float32), ((np.asarray(bias, np.float64) - mean) * gain + offset).astype(np.float32)
