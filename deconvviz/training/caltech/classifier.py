"""Training a chain to name pictures: schedule, loss, scores."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import jax
import numpy as np
import optax  # type: ignore[import-untyped]
from flax import nnx

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
    """The chain, and how it is trained in `steps` steps: batches are (N, S, S, 3) model input and (N, C) targets."""

    def loss(net: Any, batch: Batch, key: jax.Array) -> tuple[jax.Array, Figures]:
        images, targets = batch
        smooth = (1 - config.smoothing) * targets + config.smoothing / classes
        return optax.softmax_cross_entropy(net(images, key), smooth).mean(), {}

    chain = Chain(classes, config.dropout, rngs=nnx.Rngs(config.seed))
    return Trainer(chain, loss, schedule_of(config), steps=steps, seed=config.seed)


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
