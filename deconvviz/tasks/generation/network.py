"""The autoencoder of the task generation: one encoder, one code, four decoders that differ in how they enlarge.

All four are trained at once, on the same pictures, codes and noise, so that what differs between them is the
upsampler alone. What the codes of each class look like after training is part of the module too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from deconvviz.errors import GeometryError, nearest
from deconvviz.models.upsamplers import Upsample
from deconvviz.ops.upsample import pixel_unshuffle
from deconvviz.tasks.generation import DECODERS
from deconvviz.tasks.generation.data import BOTTOM

#: Channels of the maps of 4, 8, 16 and 32 rows, in the backward pass.
WIDTHS = (96, 64, 40, 24)
#: Pictures enter as (x - CENTRE) / SPREAD and leave as CENTRE + SPREAD y.
CENTRE, SPREAD = 0.5, 0.25
#: Slope of the leaky ReLU below zero.
LEAK = 0.2
#: Logarithms of variances are kept within this of 0.
_MOST_LOG = 10.0


class Autoencoder(nnx.Module):
    """Pictures to codes and back.

    Args:
      latents: numbers in a code.
      classes: how many kinds of pictures it is trained on.
      rngs: where the first weights are drawn.

    >>> net = Autoencoder(5, 2, rngs=nnx.Rngs(0))
    >>> mean, log_variance = net.encode(jnp.zeros((3, 64, 64, 3)))
    >>> mean.shape, log_variance.shape, net.decode(mean, "resize").shape
    ((3, 5), (3, 5), (3, 64, 64, 3))
    """

    def __init__(self, latents: int, classes: int, *, rngs: nnx.Rngs) -> None:
        rectified: dict[str, Any] = {"kernel_init": nnx.initializers.he_normal(), "rngs": rngs}
        wide = WIDTHS[0] * BOTTOM**2
        self.latents = latents
        self.half = nnx.Linear(16 * 3, 64, **rectified)
        self.half_more = nnx.Conv(64, 64, (3, 3), **rectified)
        self.quarter = nnx.Linear(4 * 64, 96, **rectified)
        self.quarter_more = nnx.Conv(96, 96, (3, 3), **rectified)
        self.eighth = nnx.Linear(4 * 96, 96, **rectified)
        self.code = nnx.Linear(wide, 2 * latents, kernel_init=nnx.initializers.normal(0.3 * wide**-0.5), rngs=rngs)
        self.spread = nnx.Linear(latents, wide, **rectified)
        self.decoders = nnx.Dict({name: _decoder(*options, rngs) for name, options in DECODERS.items()})
        self.class_means = nnx.BatchStat(jnp.zeros((classes, latents)))
        self.class_factors = nnx.BatchStat(jnp.tile(jnp.eye(latents), (classes, 1, 1)))

    def encode(self, pictures: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Mean and logarithm of the variance, (N, latents) each, of the codes of (N, 64, 64, 3) pictures in 0..1."""
        x = pixel_unshuffle((pictures - CENTRE) / SPREAD, 4)
        x = rectify(self.half_more(rectify(self.half(x))))
        x = rectify(self.quarter_more(rectify(self.quarter(pixel_unshuffle(x, 2)))))
        x = rectify(self.eighth(pixel_unshuffle(x, 2)))
        mean, log_variance = jnp.split(self.code(x.reshape(len(x), -1)), 2, axis=-1)
        return mean, jnp.clip(log_variance, -_MOST_LOG, _MOST_LOG)

    def smallest(self, codes: jax.Array) -> jax.Array:
        """(N, latents) -> (N, 4, 4, 96): the map that every decoder begins with."""
        return rectify(self.spread(codes)).reshape(len(codes), BOTTOM, BOTTOM, WIDTHS[0])

    def decode(self, codes: jax.Array, decoder: str) -> jax.Array:
        """(N, latents) -> (N, 64, 64, 3), around 0..1, by one of `DECODERS`.

        Raises:
          GeometryError: no such decoder.
        """
        if decoder not in self.decoders:
            raise GeometryError(f"there is no decoder {decoder!r}; {nearest(str(decoder), DECODERS)}")
        return self.enlarge(self.smallest(codes), decoder)

    def enlarge(self, x: jax.Array, decoder: str) -> jax.Array:
        """(N, 4, 4, 96) -> (N, 64, 64, 3) by the four layers of one decoder."""
        layers: Sequence[Upsample] = self.decoders[decoder]
        for layer in layers[:-1]:
            x = rectify(layer(x))
        return CENTRE + SPREAD * layers[-1](x)


def rectify(x: jax.Array) -> jax.Array:
    """Leaky ReLU.

    >>> rectify(jnp.array([-5.0, 2.0])).tolist()
    [-1.0, 2.0]
    """
    return jnp.where(x > 0, x, LEAK * x)


def make(options: Mapping[str, Any]) -> Autoencoder:
    """The autoencoder of "latents", "labels" and "seed", as first drawn."""
    return Autoencoder(options["latents"], len(options["labels"]), rngs=nnx.Rngs(options["seed"]))


def _decoder(kind: str, taps: int, rngs: nnx.Rngs) -> nnx.List:
    channels = zip((*WIDTHS,), (*WIDTHS[1:], 3), strict=True)
    return nnx.List(
        [Upsample(kind, one, two, 2, taps, scale=0.3 if two == 3 else 1.0, rngs=rngs) for one, two in channels]
    )
