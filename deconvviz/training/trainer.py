"""What trains every application: a Flax module, a loss, Adam on a schedule, a moving average of the weights.

`Trainer` gives `deconvviz.training.loop.Plan` its first state and its step, and the trained module back.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import optax  # type: ignore[import-untyped]
from flax import nnx

from deconvviz.errors import TrainingError, nearest

Recipe = TypeVar("Recipe", bound=Any)
State = dict[str, Any]
Figures = dict[str, jax.Array]
#: (module in training mode, batch, key) -> (scalar to make small, what else is worth a line in the metrics).
Loss = Callable[[Any, Any, jax.Array], tuple[jax.Array, Figures]]


@dataclass(frozen=True)
class Schedule:
    """How the weights move.

    Attributes:
      learning_rate: its peak, after a linear warm-up and before the cosine down to zero.
      warm_up: share of the steps of the cosine.
      stretch: the cosine is laid out for this many times the steps.
      cool_down: last share of the steps, in which the rate falls linearly to zero from where the cosine stands.
      clip: largest norm of a gradient; 0 for any.
      momentum: decay of Adam's mean of gradients; less where two parts of the loss work against each other.
      decay: of Adam's mean of squared gradients.
      weight_decay: of kernels, decoupled.
      average: decay of the moving average of the weights; 0 for the weights themselves.
      slower: (part of an array's name, factor): these arrays move that much slower.
    """

    learning_rate: float = 1e-3
    warm_up: float = 0.05
    stretch: float = 1.0
    cool_down: float = 0.0
    clip: float = 1.0
    momentum: float = 0.9
    decay: float = 0.99
    weight_decay: float = 0.0
    average: float = 0.0
    slower: tuple[tuple[str, float], ...] = field(default=())

    def rate(self, steps: int) -> Callable[[Any], Any]:
        """Step -> learning rate, for a run of so many steps.

        >>> [round(float(Schedule(0.1, warm_up=0.5).rate(4)(step)), 3) for step in range(5)]
        [0.0, 0.05, 0.1, 0.05, 0.0]
        """
        horizon = round(self.stretch * steps)
        warm = max(1, round(self.warm_up * horizon))
        cosine = optax.warmup_cosine_decay_schedule(0.0, self.learning_rate, warm, max(horizon, warm + 1))
        if not self.cool_down:
            return lambda step: cosine(step)
        last = max(1, round(self.cool_down * steps))
        return lambda step: cosine(step) * jnp.clip((steps - step) / last, 0.0, 1.0)

    def optimizer(self, steps: int) -> Any:
        """Adam at that rate; kernels alone decay."""
        clip = [optax.clip_by_global_norm(self.clip)] if self.clip else []
        adam = optax.adamw(
            self.rate(steps), b1=self.momentum, b2=self.decay, weight_decay=self.weight_decay, mask=_kernels
        )
        return optax.chain(*clip, adam)


def with_options(recipe: Recipe, options: Mapping[str, Any]) -> Recipe:
    """A recipe, a frozen dataclass, with other values in some of its fields; None leaves a field as it is.

    Raises:
      TrainingError: no such field; offers the nearest.

    >>> with_options(Schedule(), {"warm_up": 0.1}).warm_up
    0.1
    """
    known = [field.name for field in dataclasses.fields(recipe)]
    for name in options:
        if name not in known:
            raise TrainingError(f"there is no option {name!r}; {nearest(name, known)}")
    return dataclasses.replace(recipe, **{name: value for name, value in options.items() if value is not None})


class Trainer:
    """A module, its loss and its optimizer, for `steps` steps in all.

    Args:
      module: as first drawn; it is not changed.
      loss: what is made small.
      schedule: how.
      steps: of the whole run.
      seed: fixes the keys that the loss is handed.

    >>> fit = Trainer(
    ...     nnx.Linear(2, 1, rngs=nnx.Rngs(0)), lambda m, x, key: (jnp.mean(m(x) ** 2), {}), Schedule(0.1), steps=60
    ... )
    >>> state = fit.initial()
    >>> for _ in range(60):
    ...     state, figures = fit.step(state, jnp.eye(2))
    >>> bool(figures["loss"] < 0.01), bool((abs(fit.module(state)(jnp.eye(2))) < 0.1).all())
    (True, True)
    """

    def __init__(self, module: nnx.Module, loss: Loss, schedule: Schedule, *, steps: int, seed: int = 0) -> None:
        self._graph, self._params, self._statistics = _parts(module)
        self._loss, self._schedule, self._seed = loss, schedule, seed
        self._optimizer = schedule.optimizer(steps)
        self.step = jax.jit(self._step)

    def initial(self, module: nnx.Module | None = None) -> State:
        """The first state, a pytree of arrays: of the module as first drawn, or of another of its shape."""
        parts = (self._params, self._statistics) if module is None else _parts(module)[1:]
        average = jax.tree.map(jnp.copy, parts) if self._schedule.average else ()
        moments, count = self._optimizer.init(parts[0]), jnp.zeros((), jnp.int32)
        return {"parts": parts, "average": average, "optimizer": moments, "count": count}

    def module(self, state: State) -> Any:
        """The module of a state, averaged where the schedule says so, ready to be used."""
        result = nnx.merge(self._graph, *(state["average"] or state["parts"]), copy=True)
        result.eval()
        return result

    def _step(self, state: State, batch: Any) -> tuple[State, Figures]:
        params, statistics = state["parts"]
        key = jax.random.fold_in(jax.random.key(self._seed), state["count"])

        def loss(params: Any) -> tuple[jax.Array, tuple[Any, Figures]]:
            module = nnx.merge(self._graph, params, statistics, copy=True)
            value, figures = self._loss(module, batch, key)
            return value, (nnx.state(module, nnx.BatchStat), figures)

        (value, (statistics, figures)), slope = jax.value_and_grad(loss, has_aux=True)(params)
        updates, moments = self._optimizer.update(slope, state["optimizer"], params)
        parts = optax.apply_updates(params, self._slowed(updates)), statistics
        average, count = state["average"], state["count"] + 1
        if self._schedule.average:
            keep = jnp.minimum(self._schedule.average, (1.0 + count) / (10.0 + count))
            average = jax.tree.map(lambda a, b: keep * a + (1 - keep) * b, average, parts)
        new = {"parts": parts, "average": average, "optimizer": moments, "count": count}
        return new, {"loss": value, **figures}

    def _slowed(self, updates: Any) -> Any:
        def one(path: Any, update: jax.Array) -> jax.Array:
            name = jax.tree_util.keystr(path)
            for part, factor in self._schedule.slower:
                update = update * factor if part in name else update
            return update

        return jax.tree_util.tree_map_with_path(one, updates)


def _parts(module: nnx.Module) -> tuple[Any, Any, Any]:
    """(graph, parameters, statistics) of a module in training mode."""
    module.train()
    graph, params, statistics = nnx.split(module, nnx.Param, nnx.BatchStat)  # type: ignore[misc]
    return graph, params, statistics


def _kernels(params: Any) -> Any:
    """What decays: kernels, neither biases nor scales."""
    return jax.tree_util.tree_map_with_path(lambda path, _: "kernel" in jax.tree_util.keystr(path), params)
