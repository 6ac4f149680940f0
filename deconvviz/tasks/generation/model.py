"""A trained autoencoder in use: codes of pictures, pictures of codes, and what is said of both."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from deconvviz.models import caltech
from deconvviz.tasks._shared import weights as stored
from deconvviz.tasks.generation import DECODER, loss
from deconvviz.tasks.generation.codes import Codes
from deconvviz.tasks.generation.network import make
from deconvviz.tasks.generation.recognized import recognized


class Model:
    """A trained autoencoder; ask `model` for one.

    Attributes:
      labels: the classes that it was trained on.
      shapes: columns / rows of each class, as its pictures were before they were squeezed.
      about: what the file says of it: options, recipe, figures, data.
      net: the module.
      codes: where the codes of each class lie.
    """

    def __init__(self, weights: Path | None, variant: str | None) -> None:
        known = stored.variants("generation", weights)
        self.variant = variant or next(iter(known))
        self.net = stored.load("generation", self.variant, make, weights)
        self._use(known[self.variant])
        self.codes = Codes.of(self.net, self.labels)

    def _use(self, about: dict[str, Any]) -> None:
        self.about = about
        self.labels: tuple[str, ...] = tuple(about["options"]["labels"])
        self.shapes: tuple[float, ...] = tuple(about["options"]["shapes"])
        self._programs: dict[tuple[str, ...], Callable[[np.ndarray], Any]] = {}

    @property
    def noise(self) -> float:
        """Standard deviation of a pixel in the bound that it was trained with."""
        return float(self.about["recipe"]["noise"])

    def encode(self, pictures: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and logarithm of the variance, (N, latents) float64, of (N, 64, 64, 3) pictures in 0..1."""
        mean, log_variance = self._program("encode")(np.asarray(pictures, np.float32))
        return np.asarray(mean, np.float64), np.asarray(log_variance, np.float64)

    def decode(self, codes: np.ndarray, decoder: str = DECODER) -> np.ndarray:
        """(N, 64, 64, 3) float32 pictures of (N, latents) codes, about 0..1 and not clipped."""
        return np.asarray(self._program("decode", decoder)(np.asarray(codes, np.float32)))

    def kl(self, mean: np.ndarray, log_variance: np.ndarray) -> np.ndarray:
        """KL divergence of codes from the standard normal density, in nats, over the last axis."""
        return np.asarray(loss.kl(jnp.asarray(mean), jnp.asarray(log_variance)))

    def log_likelihood(self, means: np.ndarray, images: np.ndarray) -> np.ndarray:
        """(N,) nats: of images around the decoder's means, with the model's own noise."""
        return np.asarray(loss.log_likelihood(jnp.asarray(means), jnp.asarray(images), self.noise))

    def recognized_as(self, pictures: np.ndarray, label: str) -> list[tuple[str, float]]:
        """What the recognition network calls (N, 64, 64, 3) pictures, stretched to a class's shape: (name, share)."""
        scores, _ = recognized(np.clip(pictures, 0, 1), [self.shapes[self.codes.index(label)]] * len(pictures))
        shares = np.exp(scores - scores.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        names = caltech.labels()
        return [(names[row.argmax()], float(row.max())) for row in shares]

    def untrained(self) -> Model:
        """The same autoencoder with its first weights, and this one's densities of codes."""
        first = object.__new__(Model)
        first.variant, first.codes, first.net = self.variant, self.codes, make(self.about["options"])
        first._use(self.about)
        return first

    def _program(self, method: str, *fixed: str) -> Callable[[np.ndarray], Any]:
        if (method, *fixed) not in self._programs:
            self._programs[method, *fixed] = stored.jitted(self.net, method, *fixed)
        return self._programs[method, *fixed]


def model(weights: str | os.PathLike[str] | None = None, variant: str | None = None) -> Model:
    """The autoencoder of a file, kept in memory.

    Args:
      weights: a run of `train`, or its file; the shipped one if None.
      variant: which of the file's; the first if None.

    Raises:
      WeightsError: no such file or variant, or one that does not fit.
    """
    return _model(None if weights is None else Path(weights), variant)


@lru_cache(maxsize=4)
def _model(weights: Path | None, variant: str | None) -> Model:
    return Model(weights, variant)
