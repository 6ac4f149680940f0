"""What trains the small chains of `deconvviz.models.watermark`, and writes their weights with a card."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax  # type: ignore[import-untyped]
from safetensors.numpy import save

from deconvviz.models import watermark
from deconvviz.training.checkpoint import write_whole

State = dict[str, Any]


def first_params(seed: int) -> dict[str, jax.Array]:
    """Of the watermark network's chain: normal kernels of variance 2 over the inputs of an output (He), zero biases."""
    random, params = np.random.default_rng([seed, 77]), {}
    for name, shape in watermark.shapes().items():
        deviation = np.sqrt(2 / np.prod(shape[:-1])) if name.endswith("kernel") else 0.0
        params[name] = jnp.asarray(deviation * random.standard_normal(shape), jnp.float32)
    return params


def training(rate: float, steps: int) -> tuple[Callable[[int], State], Callable[[Any, Any], Any]]:
    """Adam on cross-entropy, at a rate that falls to 0 along half a cosine.

    Returns:
      seed -> the first state, with "params" in it; and the compiled step, (state, (x, labels)) -> (state, figures).
    """
    optimizer = optax.adam(optax.cosine_decay_schedule(rate, steps))

    def initial(seed: int) -> State:
        params = first_params(seed)
        return {"params": params, "memory": optimizer.init(params)}

    def loss(params: Any, x: Any, y: Any) -> Any:
        scores = watermark.forward(params, x)
        entropy = optax.softmax_cross_entropy_with_integer_labels(scores, y).mean()
        return entropy, (scores.argmax(axis=-1) == y).mean()

    @jax.jit
    def step(state: State, batch: Any) -> Any:
        (value, right), slopes = jax.value_and_grad(loss, has_aux=True)(state["params"], *batch)
        updates, memory = optimizer.update(slopes, state["memory"], state["params"])
        new = {"params": optax.apply_updates(state["params"], updates), "memory": memory}
        return new, {"loss": value, "accuracy": right}

    return initial, step


_scores = jax.jit(watermark.forward)


def answers(params: Mapping[str, Any], x: Any) -> np.ndarray:
    """The class with the larger score of each model input, (N,)."""
    return np.asarray(_scores(dict(params), x)).argmax(axis=-1)


def write(
    path: Path, params: Mapping[str, Any], about: Mapping[str, Any], template: Path, facts: Mapping[str, Any]
) -> None:
    """Write weights with what is to be said of them, and beside them their card, filled with that and further facts."""
    arrays = {name: np.asarray(value, np.float32) for name, value in params.items()}
    write_whole(path, save(arrays, metadata={"about": json.dumps(about, sort_keys=True)}))
    counts = {"size": path.stat().st_size, "weights": sum(value.size for value in arrays.values())}
    text = template.read_text("utf-8").format(**{**about, **facts, **counts})
    write_whole(path.with_suffix(".md"), text.encode())
