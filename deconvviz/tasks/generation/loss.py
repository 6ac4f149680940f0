"""What the autoencoder of the task generation is trained by: the evidence lower bound, its two terms in the open."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp

from deconvviz.models import caltech

#: Standard deviation of a pixel around what the decoder says, in 0..1: with the KL term it says what detail is worth.
NOISE = 0.08
#: Layers of the recognition network, early ones, in which pictures may be compared too: (kernel name, stride, pool).
_EARLY = ((1, 2, True), (2, 1, False))


def kl(mean: jax.Array, log_variance: jax.Array) -> jax.Array:
    """KL divergence of N(mean, variance) from N(0, 1), summed over the last axis, in nats; 0 or more.

    Formula: ``1/2 sum (m^2 + v - 1 - log v)``.

    Source: kingma2014auto

    >>> kl(jnp.array([1.0, 0.0]), jnp.zeros(2)).item()
    0.5
    """
    return 0.5 * jnp.sum(mean**2 + jnp.exp(log_variance) - 1 - log_variance, axis=-1)


def log_likelihood(means: jax.Array, images: jax.Array, noise: float = NOISE) -> jax.Array:
    """Logarithm of the density of each of (N, H, W, C) images around the decoder's means, in nats, (N,).

    Formula: ``-|x - y|^2 / (2 s^2) - D log(s sqrt(2 pi))``.

    >>> float(log_likelihood(jnp.zeros((1, 1, 1, 1)), jnp.zeros((1, 1, 1, 1)), 1.0)[0])
    -0.9189385175704956
    """
    squares = jnp.sum((means - images) ** 2, axis=(1, 2, 3))
    values = math.prod(means.shape[1:])
    return -squares / (2 * noise**2) - values * math.log(noise * math.sqrt(2 * math.pi))


def draw(mean: jax.Array, log_variance: jax.Array, key: jax.Array) -> jax.Array:
    """Codes drawn from N(mean, variance), with slopes that reach both (the reparametrization).

    >>> draw(jnp.ones(3), jnp.full(3, -80.0), jax.random.key(0)).tolist()
    [1.0, 1.0, 1.0]
    """
    return mean + jnp.exp(0.5 * log_variance) * jax.random.normal(key, mean.shape)


def early_features(params: caltech.Params, pictures: jax.Array) -> list[jax.Array]:
    """Maps of the recognition network's first two layers on (N, H, W, 3) pictures in 0..1, after their ReLU."""
    x, result = (pictures - 0.5) / 0.25, []
    for number, stride, pool in _EARLY:
        kernel = params[f"conv{number}.kernel"]
        pad = (kernel.shape[0] - stride) // 2 if stride > 1 else kernel.shape[0] // 2
        x = jax.lax.conv_general_dilated(
            x, kernel, (stride, stride), ((pad, pad),) * 2, dimension_numbers=("NHWC", "HWIO", "NHWC")
        )
        x = jax.nn.relu(x + params[f"conv{number}.bias"])
        result.append(x)
        if pool:
            x = jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
    return result


class Bound:
    """The loss: minus the evidence lower bound a pixel value, a mean over the decoders.

    Args:
      noise: standard deviation of a pixel.
      weight: of the KL term; 1 for the bound itself.
      perceptual: weight of the error in early features, each layer's measured in its own variance; 0 for none.
    """

    def __init__(self, noise: float = NOISE, weight: float = 1.0, perceptual: float = 0.0) -> None:
        self._noise, self._weight, self._perceptual = noise, weight, perceptual
        self._params = caltech.load_params() if perceptual else {}

    def __call__(self, net: Any, batch: Any, key: jax.Array) -> tuple[jax.Array, dict[str, jax.Array]]:
        images, _ = batch
        mean, log_variance = net.encode(images)
        codes = draw(mean, log_variance, key)
        smallest = net.smallest(codes)
        result = {name: net.enlarge(smallest, name) for name in net.decoders}
        squares = {name: jnp.mean((y - images) ** 2) for name, y in result.items()}
        values = math.prod(images.shape[1:])
        divergence = jnp.mean(kl(mean, log_variance))
        value = sum(squares.values()) / len(result) / (2 * self._noise**2) + self._weight * divergence / values
        figures = {"kl": divergence, **{f"squares_{name}": square for name, square in squares.items()}}
        if self._perceptual:
            felt = self._felt(jnp.concatenate(list(result.values())), images)
            value, figures = value + self._perceptual * felt, {**figures, "perceptual": felt}
        return value, figures

    def _felt(self, outputs: jax.Array, images: jax.Array) -> jax.Array:
        """Error in early features over their variance, a mean over layers and decoders."""
        times = len(outputs) // len(images)
        errors = []
        for output, target in zip(
            early_features(self._params, outputs), early_features(self._params, images), strict=True
        ):
            error = jnp.mean((output - jnp.tile(target, (times, 1, 1, 1))) ** 2, axis=(0, 1, 2))
            errors.append(jnp.mean(error / (jnp.var(target, axis=(0, 1, 2)) + 1e-3)))
        return sum(errors, start=jnp.zeros(())) / len(errors)
