"""Training a chain to name pictures: schedule, loss, scores."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax  # type: ignore[import-untyped]
from flax import nnx
from jax import lax

from deconvviz.models import caltech as network
from deconvviz.training.caltech.chain import Chain, fold
from deconvviz.training.caltech.config import CaltechConfig
from deconvviz.training.trainer import Figures, Schedule, State, Trainer

Batch = tuple[np.ndarray, np.ndarray]


def schedule_of(config: CaltechConfig) -> Schedule:
    """Linear warm-up, cosine, and in the last part a straight line to zero; no limit to the gradient."""
    return Schedule(
        config.learning_rate, config.warm_up, config.stretch, config.cool_down, clip=0.0, decay=0.999,
        weight_decay=config.weight_decay, average=config.average,
    )  # fmt: skip


@lru_cache(maxsize=1)
def make_trainer(config: CaltechConfig, classes: int, steps: int) -> Trainer:
    """The chain, and how it is trained in `steps` steps: batches are (N, S, S, 3) model input and (N, C) targets.

    Teachers see the same pictures as the chain, so that what they say of a crop is of that crop.

    Source: beyer2022knowledge
    """
    teachers = [network.load_params(file) for file in config.teachers]

    def loss(net: Any, batch: Batch, key: jax.Array) -> tuple[jax.Array, Figures]:
        images, targets = (jnp.asarray(part) for part in batch)
        smooth = (1 - config.smoothing) * targets + config.smoothing / classes
        if teachers:
            taught = sum(jax.nn.softmax(network.forward(teacher, images)) for teacher in teachers) / len(teachers)
            smooth = (1 - config.teaching) * smooth + config.teaching * lax.stop_gradient(taught)
        if config.adversarial:
            key, random = jax.random.split(key)
            images = moved(net, images, smooth, config, random)
        return optax.softmax_cross_entropy(net(images, key), smooth).mean(), {}

    chain = Chain(classes, config.dropout, config.first_scale, config.first_blur, rngs=nnx.Rngs(config.seed))
    return Trainer(chain, loss, schedule_of(config), steps=steps, seed=config.seed)


def moved(net: Any, images: jax.Array, targets: jax.Array, config: CaltechConfig, key: jax.Array) -> jax.Array:
    """Pictures moved so that the loss grows: from a random place in a ball, one step along the gradient, and back in.

    Args:
      net: a chain; neither its arrays nor its statistics change.
      images: (N, S, S, 3) model input.
      targets: (N, C).
      config: radius and step.
      key: fixes the random places.

    Source: wong2020fast
    """
    # In model input a unit is a quarter of the range of pixels, and a ball of half the side has half the radius.
    radius = config.adversarial * images.shape[1] / network.INPUT.size[0] / network.INPUT.std[0]
    where = jax.random.normal(key, images.shape)
    share = jax.random.uniform(jax.random.fold_in(key, 1), (len(images), 1, 1, 1))
    start = share * radius * where / _lengths(where)

    def loss(change: jax.Array) -> jax.Array:
        return optax.softmax_cross_entropy(nnx.clone(net)(images + change), targets).sum()

    slope = jax.grad(loss)(start)
    change = start + config.adversarial_step * radius * slope / jnp.maximum(_lengths(slope), 1e-12)
    return images + lax.stop_gradient(change * jnp.minimum(1.0, radius / _lengths(change)))


def _lengths(pictures: jax.Array) -> jax.Array:
    return jnp.sqrt(jnp.sum(jnp.square(pictures), axis=(1, 2, 3), keepdims=True))


def averaged(trainer: Trainer, state: State) -> dict[str, np.ndarray]:
    """The averaged weights as the arrays of `deconvviz.models.caltech.forward`."""
    return fold(trainer.module(state))


def scores(params: network.Params, images: np.ndarray, batch: int = 64) -> np.ndarray:
    """Logits (N, C) of model input (N, H, W, 3), computed in equal batches so that one program serves all."""
    batch = min(batch, len(images))
    run, result = jax.jit(network.forward), []
    for start in range(0, len(images), batch):
        part = images[start : start + batch]
        padded = np.concatenate([part, np.zeros((batch - len(part), *part.shape[1:]), np.float32)])
        result.append(np.asarray(run(params, padded))[: len(part)])
    return np.concatenate(result)
