"""Decoders that learn on beside a critic: detail that a code leaves open is drawn, no longer averaged away.

Squared error alone is smallest for the mean of all pictures that a code may stand for, which is blurred. Here encoder
and codes stay as they were, and the decoders make small, a mean over them:

- the squared error of rebuilt pictures, as the bound weighs it;
- their squared distance in four layers of a network that never judges them afterwards, the robust twin;
- what a critic says against rebuilt and drawn pictures. It reads the same layers, and blocks of 4 x 4 pixels, knows
  the class, and is trained at the same time to tell made pictures from photographs.

Source: larsen2016autoencoding, sauer2021projected
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from deconvviz.models import caltech
from deconvviz.ops.upsample import pixel_unshuffle
from deconvviz.tasks.generation.network import CENTRE, SPREAD, Autoencoder, rectify
from deconvviz.training.inverter.loss import values
from deconvviz.training.trainer import Figures

#: Layers of the robust twin that are compared and judged, and channels of the critic's own layers.
LAYERS, WIDTH = ("relu1", "relu2", "relu3", "relu4"), 48
#: Pixels a side of the blocks that the critic reads.
BLOCK = 4
_stopped = jax.lax.stop_gradient


class Looks:
    """Layers of the robust twin on pictures, each channel with the mean 0 and the variance 1 that photographs give it.

    Args:
      shown: (N, 64, 64, 3) in 0..1, photographs.
    """

    def __init__(self, shown: np.ndarray) -> None:
        self._params = caltech.load_params(caltech.ROBUST_WEIGHTS)
        seen = values(caltech.CHAIN, self._params, LAYERS, jnp.asarray(shown))
        self._moments = [(x.mean((0, 1, 2)), x.std((0, 1, 2)) + 1e-2) for x in seen]
        self.channels = [x.shape[-1] for x in seen]

    def __call__(self, pictures: jax.Array) -> list[jax.Array]:
        seen = values(caltech.CHAIN, self._params, LAYERS, pictures)
        return [(x - mean) / deviation for x, (mean, deviation) in zip(seen, self._moments, strict=True)]


class Critic(nnx.Module):
    """Says of every place of a picture, in some layers and in its pixels, how much it looks like a photograph.

    Args:
      channels: of the layers that it reads.
      classes: of pictures, each judged by its own last weights.
      rngs: where the first weights are drawn.
    """

    def __init__(self, channels: Sequence[int], classes: int, *, rngs: nnx.Rngs) -> None:
        inputs = (*channels, 3 * BLOCK**2)
        self.first = nnx.List([nnx.Linear(one, WIDTH, rngs=rngs) for one in inputs])
        self.second = nnx.List([nnx.Conv(WIDTH, WIDTH, (3, 3), rngs=rngs) for _ in inputs])
        self.last = nnx.List([nnx.Linear(WIDTH, classes, rngs=rngs) for _ in inputs])

    def __call__(self, seen: Sequence[jax.Array], pictures: jax.Array, classes: jax.Array) -> list[jax.Array]:
        """One (N, H, W) map of scores a layer, and one of the pixels; above 0 for a photograph."""
        inputs = (*seen, pixel_unshuffle((pictures - CENTRE) / SPREAD, BLOCK))
        scores = [
            last(rectify(second(rectify(first(x)))))
            for x, first, second, last in zip(inputs, self.first, self.second, self.last, strict=True)
        ]
        return [jnp.take_along_axis(x, classes[:, None, None, None], axis=-1)[..., 0] for x in scores]


class Pair(nnx.Module):
    """The autoencoder and its critic, which are trained by one optimizer."""

    def __init__(self, net: Autoencoder, critic: Critic) -> None:
        self.net, self.critic = net, critic


class Against:
    """The loss: each of the two gets the slopes of its own part alone.

    Args:
      looks: what layers say of pictures.
      noise: standard deviation of a pixel in the bound.
      felt: weight of the distance in layers.
      judged: weight of what the critic says.
    """

    def __init__(self, looks: Looks, noise: float, felt: float, judged: float) -> None:
        self._looks, self._noise, self._felt, self._judged = looks, noise, felt, judged

    def __call__(self, pair: Any, batch: Any, key: jax.Array) -> tuple[jax.Array, Figures]:
        images, classes = batch
        net, count = pair.net, len(images)
        graph, state = nnx.split(pair.critic)
        unmoved = nnx.merge(graph, jax.tree.map(_stopped, state))
        mean = _stopped(net.encode(images)[0])
        noise = jax.random.normal(key, mean.shape)
        drawn = net.class_means[...][classes] + jnp.einsum("nij,nj->ni", net.class_factors[...][classes], noise)
        smallest, twice = net.smallest(jnp.concatenate([mean, drawn])), jnp.concatenate([classes, classes])
        wanted = [_stopped(x) for x in self._looks(images)]
        found = hinge(pair.critic(wanted, images, classes))
        figures = {name: jnp.zeros(()) for name in ("squares", "felt", "judged")}
        for name in net.decoders:
            made = net.enlarge(smallest, name)
            seen = self._looks(made)
            apart = [jnp.mean((x[:count] - y) ** 2) for x, y in zip(seen, wanted, strict=True)]
            figures["squares"] += jnp.mean((made[:count] - images) ** 2) / len(net.decoders)
            figures["felt"] += _mean(apart) / len(net.decoders)
            figures["judged"] -= _mean([jnp.mean(x) for x in unmoved(seen, made, twice)]) / len(net.decoders)
            scores = pair.critic([_stopped(x) for x in seen], _stopped(made), twice)
            found += hinge([-x for x in scores]) / len(net.decoders)
        mine = figures["squares"] / (2 * self._noise**2)
        mine += self._felt * figures["felt"] + self._judged * figures["judged"]
        return mine + found, {**figures, "critic": found}


def hinge(scores: Sequence[jax.Array]) -> jax.Array:
    """Mean of max(0, 1 - score) over each map, and over maps.

    >>> float(hinge([jnp.array([2.0, 0.5]), jnp.array([-1.0])]))
    1.125
    """
    return _mean([jnp.mean(jax.nn.relu(1 - x)) for x in scores])


def _mean(values: Sequence[jax.Array]) -> jax.Array:
    return jnp.mean(jnp.stack(values))
