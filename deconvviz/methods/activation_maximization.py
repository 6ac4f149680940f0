"""Feature visualization: a picture made from noise to excite a neuron, a channel, a direction or a class.

Formula: maximize over pictures x ``f(Phi(T(x)))`` minus penalties, T random shifts, turns and zooms, Phi the layer
with values a: f is ``a_ijc`` (neuron), the mean over the map of ``a_c`` (channel), ``a_c`` of a vector (class), or the
mean over the map of ``<v, a> / |v|`` (direction v). For N pictures at once ``diversity`` times the mean cosine of their
Gram matrices at the layer is taken off, so that they differ.

A rectified unit that sleeps sends no derivative down. A run that starts in such a place takes its first steps with the
rectifiers taken away in the backward pass; a unit that this does not wake is dead, and is refused.

Source: olah2017feature, simonyan2014deep
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from deconvviz import priors
from deconvviz.errors import DeadUnitError, DeconvvizError, nearest
from deconvviz.methods import _canvas, _loop, _presets
from deconvviz.methods._settings import Settings, check_whole, with_options
from deconvviz.network import Network, units
from deconvviz.types import Array, DisplayImage, Layer, Unit, UnitLike, Visualization

OBJECTIVES = ("neuron", "channel", "class", "direction")
#: At most so many steps with the rectifiers taken away in the backward pass, for a unit that sleeps.
WAKING = 256


@dataclass(frozen=True, eq=False)
class Goal:
    """What is to be excited: weights over a layer's values.

    Attributes:
      unit: with row and column filled in for a neuron.
      objective: one of `OBJECTIVES`.
      weights: like one picture's values of the layer, (h, w, c) or (c,); the activation is their scalar product.
    """

    unit: Unit
    objective: str
    weights: np.ndarray


@dataclass(frozen=True, eq=False)
class _Run:
    """What a `Visualization` carries so that it can go on."""

    progress: _loop.Progress
    settings: Settings
    belongs: tuple[Any, ...]


def goal(network: Network, unit: UnitLike | str, objective: str | None = None, direction: Array | None = None) -> Goal:
    """What is to be excited.

    Args:
      network: the network.
      unit: a `Unit`; or a layer's name, where there is a direction. A neuron without row and column is the middle one.
      objective: "neuron", "channel", "class" or "direction"; None follows from the unit: its row and column name a
        neuron, a layer without rows and columns holds classes, all else is a channel.
      direction: (c,) one number a channel.

    Raises:
      NetworkError: no such layer, channel or position.
      DeconvvizError: an objective that the layer does not have, a direction of another length or of length 0.

    >>> from flax import nnx
    >>> from deconvviz.types import InputSpec
    >>> net = Network(lambda x: nnx.relu(x), input_spec=InputSpec(size=(5, 7)))
    >>> goal(net, Unit("relu1", 2), "neuron").unit
    Unit(layer='relu1', channel=2, row=2, column=3)
    """
    unit = unit if isinstance(unit, str) else Unit.of(unit)
    layer = network.layer(unit if isinstance(unit, str) else unit.layer)
    chosen = objective or _usual(unit, layer, direction)
    if chosen not in OBJECTIVES:
        raise DeconvvizError(f"there is no objective {chosen!r}; {nearest(str(chosen), OBJECTIVES)}")
    if (chosen == "direction") != (direction is not None):
        raise DeconvvizError(f"a direction goes with objective='direction'; got objective={chosen!r}, {direction=}")
    if chosen == "direction":
        return _toward(unit if isinstance(unit, Unit) else Unit(unit, 0), layer, np.asarray(direction, np.float64))
    if isinstance(unit, str):
        raise DeconvvizError(f"objective={chosen!r} needs a unit, dv.Unit({unit!r}, channel); got the layer alone")
    if chosen == "class" and len(layer.shape) != 1:
        raise DeconvvizError(
            f"a class is an entry of a layer without rows and columns; {layer.name} has shape {layer.shape}: take "
            "objective='channel', or the last layer"
        )
    units.codes(unit, layer)
    if unit.channel == "all":
        raise DeconvvizError(f"a picture excites one channel of {layer.name}, or a direction; got channel='all'")
    if chosen == "neuron" and len(layer.shape) > 1 and not isinstance(unit.row, int):
        middle = [size // 2 for size in layer.shape[:-1]] + [0]
        unit = replace(unit, row=middle[0], column=middle[1])
    return Goal(unit, chosen, _indicator(unit, layer, chosen))


def _usual(unit: Unit | str, layer: Layer, direction: Array | None) -> str:
    if direction is not None:
        return "direction"
    if len(layer.shape) == 1:
        return "class"
    return "neuron" if isinstance(unit, Unit) and isinstance(unit.row, int) else "channel"


def _indicator(unit: Unit, layer: Layer, objective: str) -> np.ndarray:
    """1 at the neuron or class; one over the number of positions all over a channel."""
    weights = np.zeros(layer.shape)
    if objective == "neuron" and len(layer.shape) > 1:
        place: Any = (*[unit.row, unit.column][: len(layer.shape) - 1], unit.channel)
        weights[place] = 1
    else:
        weights[..., int(unit.channel)] = 1 / max(1, int(np.prod(layer.shape[:-1])))
    return weights


def _toward(unit: Unit, layer: Layer, direction: np.ndarray) -> Goal:
    if direction.shape != layer.shape[-1:] or not np.isfinite(direction).all() or not direction.any():
        raise DeconvvizError(
            f"a direction in {layer.name} is {layer.shape[-1]} finite numbers, one a channel, not all 0; got an array "
            f"of shape {direction.shape}"
        )
    unitary = direction / np.linalg.norm(direction)
    return Goal(unit, "direction", np.broadcast_to(unitary / np.prod(layer.shape[:-1]), layer.shape))


def snapshots(
    network: Network,
    goal: Goal,
    *,
    seed: int = 0,
    pictures: int = 1,
    diversity: float = 1.0,
    start: DisplayImage | None = None,
    resume: Visualization | None = None,
    every: int = _loop.EVERY,
    **options: Any,
) -> Iterator[Visualization]:
    """Visualizes a unit step by step; see `deconvviz.visualize_snapshots`."""
    layer = network.layer(goal.unit.layer)
    settings = _presets.visualization(network, layer) if resume is None else resume.state.settings
    settings = with_options(settings, options)
    check_whole(seed=(seed, 0), pictures=(pictures, 1), every=(every, 1))
    if not (np.isfinite(diversity) and diversity >= 0):
        raise DeconvvizError(f"diversity is a number from 0 up; got diversity={diversity!r}")
    begun = None if start is None else start.tobytes()
    belongs = (network.digest, goal.weights.tobytes(), seed, pictures, diversity, begun, settings.compiled)
    progress = begin(network, settings, seed, pictures, start) if resume is None else _continued(resume, belongs)
    optimization = problem(network, [goal], settings, pictures, diversity)

    def snapshot(now: _loop.Progress) -> Visualization:
        images, activations = (np.asarray(value) for value in optimization.measure(now.state.params, optimization.data))
        images, best = np.clip(images.astype(np.float32), 0, 1), int(np.argmax(activations))
        return Visualization(
            image=images[best], activation=float(activations[best]), losses=now.losses[:, best], unit=goal.unit,
            objective=goal.objective, images=images, activations=activations, seed=seed, step=now.done,
            steps=settings.steps, note=now.note, state=_Run(now, settings, belongs),
        )  # fmt: skip

    if progress.done >= settings.steps:
        yield snapshot(progress)
    for now in _awake(network, goal, optimization, progress, pictures, diversity, every):
        yield snapshot(now)


def _awake(
    network: Network, goal: Goal, optimization: _loop.Problem, progress: _loop.Progress, pictures: int,
    diversity: float, every: int,
) -> Iterator[_loop.Progress]:  # fmt: skip
    """The run; where the unit sleeps at its start, another start with the rectifiers taken away backward."""
    steps = optimization.settings.steps
    for now in _loop.advance(optimization, progress, steps, every):
        if progress.done == 0 and sleeps(now.figures):
            break
        yield now
    else:
        return
    waker = problem(network, [goal], optimization.settings, pictures, diversity, "linear")
    for now in _loop.advance(waker, progress, min(WAKING, steps), every):
        progress = now
        if not sleeps(progress.figures):
            break
    if sleeps(progress.figures):
        _refuse(network, goal, progress)
    yield progress
    yield from _loop.advance(optimization, progress, steps, every)


def _refuse(network: Network, goal: Goal, progress: _loop.Progress) -> None:
    """Says that the unit is dead, or, after a short run, that it has not moved yet."""
    name = "this direction" if goal.objective == "direction" else f"channel {goal.unit.channel}"
    value, dead = progress.figures[-1].max(), progress.done >= WAKING
    raise DeadUnitError(
        f"{name} of {goal.unit.layer} in {network.name} {'is dead' if dead else 'sleeps'}: it stays at {value:g} "
        f"whatever the picture is, after {progress.done} steps that ignored the rectifiers in the backward pass too; "
        f"choose another one{'' if dead else f', or give {WAKING} steps or more'}"
    )


def sleeps(figures: np.ndarray) -> bool:
    """True if nothing that the run did moved the unit; figures (steps,) or (steps, N) of all pictures."""
    return len(figures) > 0 and bool((figures == figures[0]).all()) and (len(figures) > 1 or not figures.any())


def _objective(pictures: int, diversity: float) -> _loop.Objective:
    """Minus the activation, and how alike the pictures are."""

    def objective(values: jax.Array, data: Any) -> tuple[jax.Array, jax.Array]:
        activations = (values * data[1]).reshape(len(values), -1).sum(-1)
        alike = diversity * priors.similarity(_as_map(values)) if pictures > 1 and diversity else 0.0
        return alike - activations, activations

    return objective


def _as_map(values: jax.Array) -> jax.Array:
    """(N, h, w, c) of maps, tokens and vectors."""
    return values.reshape(len(values), -1, 1, values.shape[-1])


def problem(
    network: Network, goals: Sequence[Goal], settings: Settings, pictures: int = 1, diversity: float = 1.0,
    rule: str = "gradient",
) -> _loop.Problem:  # fmt: skip
    """What is optimized: so many pictures for one goal, or one picture each for several goals of a layer.

    The goals are data of the compiled step: all units of a layer share one program.
    """
    layer, dtype = goals[0].unit.layer, jnp.result_type(float)
    weights = goals[0].weights
    if len(goals) > 1:
        weights, pictures, diversity = np.stack([goal.weights for goal in goals]), len(goals), 0.0
    key = (layer, pictures, float(diversity), settings.compiled, np.dtype(dtype).name)
    objective = _objective(pictures, diversity)

    def make(maker: Callable[..., Any], by: str) -> Callable[[], Callable[..., Any]]:
        return lambda: maker(settings, _canvas.layer_values(network, layer, by), objective)

    return _loop.Problem(
        step=network.store.compiled(("visualize", rule, *key), make(_loop.make_step, rule)),
        measure=network.store.compiled(("visualized", *key), make(_loop.make_measure, "gradient")),
        settings=settings,
        data=(network.program().flat.consts, jnp.asarray(weights, dtype)),
        bounded=False,
    )


def begin(
    network: Network, settings: Settings, seed: int = 0, pictures: int = 1, image: Array | None = None
) -> _loop.Progress:
    """A run before its first step, from noise or a little noise on an image (H, W, 3)."""
    keys = [jax.random.fold_in(jax.random.key(seed), picture) for picture in range(pictures)]
    params = jnp.concatenate([_canvas.start(settings, network.input_spec, key, image) for key in keys])
    return _loop.first_progress(settings, params, seed)


def _continued(resume: Visualization, belongs: tuple[Any, ...]) -> _loop.Progress:
    if not isinstance(resume.state, _Run) or resume.state.belongs != belongs:
        raise DeconvvizError(
            f"this run of {resume.unit} with seed {resume.seed} cannot go on: network, unit, objective, seed, "
            "pictures, start and settings have to be those that it began with (the number of steps, "
            "the rate and the weights of the penalties may change)"
        )
    return resume.state.progress
