"""Training a chain to name pictures: optimizer, state, one compiled step, scores."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax  # type: ignore[import-untyped]
from flax import nnx

from deconvviz.models import caltech as network
from deconvviz.training.caltech.chain import Chain, fold
from deconvviz.training.caltech.config import CaltechConfig

State = dict[str, Any]
Batch = tuple[np.ndarray, np.ndarray]
Step = Callable[[State, Batch], tuple[State, dict[str, jax.Array]]]


def make_schedule(recipe: CaltechConfig, steps: int) -> Callable[[Any], Any]:
    """Learning rate of a step: linear warm-up, cosine, and in the last part a straight line to zero."""
    horizon = round(recipe.stretch * steps)
    warm = max(1, round(recipe.warm_up * horizon))
    cosine = optax.warmup_cosine_decay_schedule(0.0, recipe.learning_rate, warm, max(horizon, warm + 1))
    last = max(1, round(recipe.cool_down * steps))
    return lambda step: cosine(step) * jnp.clip((steps - step) / last, 0.0, 1.0)


def make_optimizer(recipe: CaltechConfig, steps: int) -> Any:
    """AdamW on the schedule; only kernels decay."""

    def decayed(params: Any) -> Any:
        return jax.tree_util.tree_map_with_path(lambda path, _: "kernel" in jax.tree_util.keystr(path), params)

    return optax.adamw(make_schedule(recipe, steps), weight_decay=recipe.weight_decay, mask=decayed)


@lru_cache(maxsize=1)
def make_training(recipe: CaltechConfig, classes: int, steps: int) -> tuple[Any, Callable[[], State], Step]:
    """(graph of the network, maker of the first state, compiled step) for `steps` steps in all.

    The state holds "params", "stats" (batch normalization), "average" (moving average of both), "optimizer", "count".
    A batch is (N, S, S, 3) model input and (N, C) targets.
    """
    model = Chain(classes, recipe.dropout, rngs=nnx.Rngs(recipe.seed))
    graph, params, stats = nnx.split(model, nnx.Param, nnx.BatchStat)  # type: ignore[misc]
    optimizer, schedule = make_optimizer(recipe, steps), make_schedule(recipe, steps)

    def initial() -> State:
        average = jax.tree.map(jnp.copy, (params, stats))
        moments, count = optimizer.init(params), jnp.zeros((), jnp.int32)
        return {"params": params, "stats": stats, "average": average, "optimizer": moments, "count": count}

    def loss(params: Any, stats: Any, images: jax.Array, targets: jax.Array, key: jax.Array) -> tuple[jax.Array, Any]:
        net = nnx.merge(graph, params, stats, copy=True)
        smooth = (1 - recipe.smoothing) * targets + recipe.smoothing / classes
        return optax.softmax_cross_entropy(net(images, key), smooth).mean(), nnx.state(net, nnx.BatchStat)

    @jax.jit
    def step(state: State, batch: Batch) -> tuple[State, dict[str, jax.Array]]:
        key = jax.random.fold_in(jax.random.key(recipe.seed), state["count"])
        gradient = jax.value_and_grad(loss, has_aux=True)
        (value, stats), slope = gradient(state["params"], state["stats"], batch[0], batch[1], key)
        updates, moments = optimizer.update(slope, state["optimizer"], state["params"])
        params = optax.apply_updates(state["params"], updates)
        count = state["count"] + 1
        keep = jnp.minimum(recipe.average, (1.0 + count) / (10.0 + count))
        average = jax.tree.map(lambda a, b: keep * a + (1 - keep) * b, state["average"], (params, stats))
        new = {"params": params, "stats": stats, "average": average, "optimizer": moments, "count": count}
        return new, {"loss": value, "learning_rate": schedule(state["count"])}

    return graph, initial, step


def averaged(graph: Any, state: State) -> dict[str, np.ndarray]:
    """The averaged weights as the arrays of `deconvviz.models.caltech.forward`."""
    params, stats = state["average"]
    return fold(nnx.merge(graph, params, stats, copy=True))


def scores(params: network.Params, images: np.ndarray, batch: int = 64) -> np.ndarray:
    """Logits (N, C) of model input (N, H, W, 3), computed in equal batches so that one program serves all."""
    batch = min(batch, len(images))
    run, found = jax.jit(network.forward), []
    for start in range(0, len(images), batch):
        part = images[start : start + batch]
        padded = np.concatenate([part, np.zeros((batch - len(part), *part.shape[1:]), np.float32)])
        found.append(np.asarray(run(params, padded))[: len(part)])
    return np.concatenate(found)
