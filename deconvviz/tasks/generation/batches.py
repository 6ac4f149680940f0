"""Pictures through the trained autoencoder of the task generation, any number of them with one compiled program."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from deconvviz.tasks._shared import weights
from deconvviz.tasks.generation.network import Autoencoder

#: Pictures that go through the network at once.
_CHUNK = 24


def encoded(net: Autoencoder, pictures: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and logarithm of the variance of the codes of (N, 64, 64, 3) pictures, float64."""
    result = _in_chunks(weights.jitted(net, "encode"), pictures)
    mean, log_variance = (np.concatenate([np.asarray(part[i], np.float64) for part in result]) for i in (0, 1))
    return mean[: len(pictures)], log_variance[: len(pictures)]


def decoded(net: Autoencoder, codes: np.ndarray, decoder: str) -> np.ndarray:
    """(N, 64, 64, 3) float32 pictures of (N, latents) codes, not clipped."""
    result = np.concatenate([np.asarray(part) for part in _in_chunks(weights.jitted(net, "decode", decoder), codes)])
    return result[: len(codes)]


def _in_chunks(run: Callable[[np.ndarray], Any], values: np.ndarray) -> list[Any]:
    """What `run` says of all values, always of as many at once, so that one program serves; zeros fill the last."""
    blank = np.zeros((-len(values) % _CHUNK, *values.shape[1:]))
    padded = np.concatenate([values, blank]).astype(np.float32)
    return [run(padded[start : start + _CHUNK]) for start in range(0, len(padded), _CHUNK)]
