"""The optimization loop of inversion and feature visualization: steps, snapshots, continuing, and stopping in time.

One step is compiled and called again and again: on a CPU the convolutions of a compiled loop run three times slower
than those outside one (measured with jax 0.10), and the host has nothing else to do. A step's random numbers follow
from its number alone, so a run that was stopped and continued ends in the same pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from deconvviz.methods import _canvas
from deconvviz.methods._settings import Settings, schedule

#: A first snapshot comes after so many steps, further ones after so many.
FIRST, EVERY = 8, 32
#: A loss so many times that of the first step (or 1, if that is more) has diverged.
TOO_MUCH = 1.5
#: What a rate is multiplied by when a run diverges for the first time.
LOWER = 0.1
#: ``(layer's values (N, ...), data) -> (loss of each picture (N,), figure of each picture (N,))``.
Objective = Callable[[jax.Array, Any], tuple[jax.Array, jax.Array]]


class State(NamedTuple):
    """What a step changes."""

    params: jax.Array
    memory: Any
    key: jax.Array
    step: jax.Array


@dataclass(frozen=True, eq=False)
class Problem:
    """What is optimized.

    Attributes:
      step: (state, rate, steps, tv, norm, data) -> (state, losses (N,), figures (N,)), compiled.
      measure: (params, data) -> (pictures (N, H, W, 3), figures (N,)) without random changes, compiled.
      settings: the numbers.
      data: what else the objective reads; the network's constants first.
      bounded: whether a growing loss means that the run diverges.
    """

    step: Callable[..., Any]
    measure: Callable[..., Any]
    settings: Settings
    data: Any
    bounded: bool


@dataclass(frozen=True, eq=False)
class Progress:
    """A run as far as it has come.

    Attributes:
      state: of the last step.
      losses, figures: (steps, N) float64, one row a step.
      slower: what the rate is multiplied by: 1, or less after a run that diverged.
      note: what went wrong during the run, as a sentence; empty if nothing did.
      stopped: True if the run will not go on by itself.
    """

    state: State
    losses: np.ndarray
    figures: np.ndarray
    slower: float = 1.0
    note: str = ""
    stopped: bool = False

    @property
    def done(self) -> int:
        """Steps behind it."""
        return len(self.losses)


def first_progress(settings: Settings, params: jax.Array, seed: int) -> Progress:
    """A run that has not begun."""
    nothing = np.zeros((0, len(params)))
    memory = settings.transformation().init(params)
    return Progress(State(params, memory, jax.random.key(seed), jnp.int32(0)), nothing, nothing)


def make_step(
    settings: Settings, values: Callable[[Any, jax.Array], jax.Array], objective: Objective
) -> Callable[..., Any]:
    """One step, compiled: gradient of the objective and the penalties, the optimizer's update, back into the box."""
    transformation = settings.transformation()

    def loss(params: Any, key: Any, step: Any, steps: Any, tv: Any, norm: Any, data: Any) -> Any:
        image = _canvas.pixels(settings, params)
        disturbed = _canvas.disturbed(settings, image, key, step, steps)
        losses, figures = objective(values(data[0], disturbed), data)
        total = losses + _canvas.penalty(settings, image, tv, norm)
        return total.sum(), (total, figures)

    def single_step(state: State, rate: Any, steps: Any, tv: Any, norm: Any, data: Any) -> Any:
        key = jax.random.fold_in(state.key, state.step)
        gradient, (losses, figures) = jax.grad(loss, has_aux=True)(state.params, key, state.step, steps, tv, norm, data)
        updates, memory = transformation.update(gradient, state.memory, state.params)
        params = state.params - schedule(rate, state.step, steps) * updates
        params = _canvas.inside_box(settings, params.astype(state.params.dtype))
        fine = jnp.isfinite(params).all(axis=(1, 2, 3))
        return State(params, memory, state.key, state.step + 1), jnp.where(fine, losses, jnp.nan), figures

    return jax.jit(single_step)


def make_measure(
    settings: Settings, values: Callable[[Any, jax.Array], jax.Array], objective: Objective
) -> Callable[..., Any]:
    """Pictures and figures as they are, compiled."""

    def measure(params: jax.Array, data: Any) -> Any:
        image = _canvas.pixels(settings, params)
        return image, objective(values(data[0], image), data)[1]

    return jax.jit(measure)


def advance(problem: Problem, progress: Progress, steps: int, every: int = EVERY) -> Iterator[Progress]:
    """Goes on to the given number of steps, and gives a snapshot now and then, the last one at the end.

    A run that diverges goes back to the snapshot before and on at a tenth of the rate, once; the second time it stops
    with that snapshot.
    """
    while progress.done < steps and not progress.stopped:
        length = min(FIRST if progress.done == 0 else every, every, steps - progress.done)
        later = _descend(problem, progress, steps, length)
        if not _diverged(problem, later):
            progress = later
            yield progress
        elif progress.slower == 1.0:
            progress = replace(progress, slower=LOWER, note=_lowered(problem, progress))
        else:
            progress = replace(progress, stopped=True, note=_stopped(problem, progress))
            yield progress


def _descend(problem: Problem, progress: Progress, steps: int, length: int) -> Progress:
    settings, state = problem.settings, progress.state
    rows = []
    for _ in range(length):
        state, *row = problem.step(
            state, settings.rate * progress.slower, steps, settings.tv, settings.norm, problem.data
        )
        rows.append(row)
    losses, figures = (np.array([np.asarray(row[i], np.float64) for row in rows]) for i in (0, 1))
    return replace(
        progress,
        state=state,
        losses=np.concatenate([progress.losses, losses]),
        figures=np.concatenate([progress.figures, figures]),
    )


def _diverged(problem: Problem, progress: Progress) -> bool:
    last = progress.losses[-EVERY:]
    if not np.isfinite(last).all():
        return True
    return problem.bounded and bool((last[-1] > TOO_MUCH * np.maximum(progress.losses[0], 1)).any())


def _lowered(problem: Problem, progress: Progress) -> str:
    return (
        f"the loss grew beyond bounds after step {progress.done} at rate {problem.settings.rate:g}, so the run went on "
        f"from there at {problem.settings.rate * LOWER:g}"
    )


def _stopped(problem: Problem, progress: Progress) -> str:
    return (
        f"the loss grew beyond bounds again after step {progress.done}, at rate {problem.settings.rate * LOWER:g} "
        f"after {problem.settings.rate:g}: this is the last good picture; give a smaller rate"
    )
