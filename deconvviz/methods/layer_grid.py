"""Feature visualization of many units of a layer: one after the other, or several canvases at once.

All units share one compiled step, since the unit is data of it. Every canvas starts from the same noise and meets the
same shifts, turns and zooms as a run of its own would, so a picture does not depend on its neighbours. On a CPU several
canvases at once take as long as one after the other, and the first picture comes later: it takes one at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from deconvviz.errors import DeadUnitError, DeconvvizError
from deconvviz.methods import _loop, _presets
from deconvviz.methods import activation_maximization as single
from deconvviz.methods._settings import Settings, check_whole, with_options
from deconvviz.network import Network
from deconvviz.types import LayerVisualization, Unit

#: Canvases at once on an accelerator.
BATCH = 16


@dataclass
class _Sheet:
    """The pictures so far, filled in as the runs go on."""

    network: Network
    goals: list[single.Goal]
    settings: Settings
    seed: int
    recipe: str
    images: np.ndarray = field(init=False)
    activations: np.ndarray = field(init=False)
    done: np.ndarray = field(init=False)
    dead: np.ndarray = field(init=False)
    notes: list[str] = field(init=False)

    def __post_init__(self) -> None:
        count = len(self.goals)
        self.images = np.full((count, *self.network.input_spec.size, 3), 0.5, np.float32)
        self.activations = np.full(count, np.nan)
        self.done = np.zeros(count, int)
        self.dead = np.zeros(count, bool)
        self.notes = [""] * count

    def snapshot(self) -> LayerVisualization:
        """The pictures as they are now."""
        steps = self.settings.steps
        return LayerVisualization(
            layer=self.goals[0].unit.layer, objective=self.goals[0].objective,
            channels=np.array([goal.unit.channel for goal in self.goals]), images=self.images.copy(),
            activations=self.activations.copy(), finished=self.done >= steps, notes=tuple(self.notes),
            dead=self.dead.copy(), seed=self.seed, step=int(self.done.sum()), steps=steps * len(self.goals),
            recipe=self.recipe,
        )  # fmt: skip

    def take(self, known: LayerVisualization) -> None:
        """Put in what another run has finished.

        Raises:
          DeconvvizError: that run was another one.
        """
        if known.recipe != self.recipe or known.images.shape[1:] != self.images.shape[1:]:
            raise DeconvvizError(
                f"these pictures of {known.layer} from seed {known.seed} cannot go on: network, layer, objective, seed "
                "and settings have to be those that they began with (the channels may change)"
            )
        places: dict[Any, int] = {int(channel): at for at, channel in enumerate(known.channels) if known.finished[at]}
        for place, goal in enumerate(self.goals):
            at = places.get(goal.unit.channel)
            if at is not None:
                self.put(place, known.images[at], known.activations[at], self.settings.steps, known.notes[at])
                self.dead[place] = known.dead[at]

    def put(self, place: int, image: np.ndarray, activation: float, done: int, note: str) -> None:
        """A picture on its place."""
        self.images[place], self.activations[place] = image, activation
        self.done[place], self.notes[place] = done, note


def snapshots(
    network: Network,
    layer: str,
    channels: Sequence[int] | None = None,
    *,
    objective: str | None = None,
    seed: int = 0,
    batch: int | None = None,
    resume: LayerVisualization | None = None,
    every: int = _loop.EVERY,
    **options: Any,
) -> Iterator[LayerVisualization]:
    """Visualizes units of a layer, one or a batch after the other; see `deconvviz.visualize_layer_snapshots`."""
    record = network.layer(layer)
    settings = with_options(_presets.visualization(network, record), options)
    at_once = batch if batch is not None else (1 if jax.default_backend() == "cpu" else BATCH)
    check_whole(seed=(seed, 0), batch=(at_once, 1), every=(every, 1))
    indices = range(record.shape[-1]) if channels is None else channels
    goals = [single.goal(network, Unit(record.name, channel), objective) for channel in indices]
    if not goals or len({goal.unit for goal in goals}) < len(goals):
        raise DeconvvizError(f"channels are one number or more, none of them twice; got channels={list(indices)}")
    sheet = _Sheet(network, goals, settings, seed, _recipe(network, goals[0], seed, settings))
    if resume is not None:
        sheet.take(resume)
    missing = [place for place in range(len(goals)) if sheet.done[place] < settings.steps]
    yield sheet.snapshot()
    for first in range(0, len(missing), at_once):
        places = missing[first : first + at_once]
        yield from _alone(sheet, places[0], every) if at_once == 1 else _together(sheet, places, at_once, every)


def _recipe(network: Network, goal: single.Goal, seed: int, settings: Settings) -> str:
    """Digest of all that the pictures of a layer depend on, but the unit."""
    return sha256(repr((network.digest, goal.unit.layer, goal.objective, seed, settings)).encode()).hexdigest()


def _alone(sheet: _Sheet, place: int, every: int) -> Iterator[LayerVisualization]:
    """One unit, woken where it sleeps; a dead one is noted."""
    settings = {name: getattr(sheet.settings, name) for name in sheet.settings.__dataclass_fields__}
    try:
        for now in single.snapshots(sheet.network, sheet.goals[place], seed=sheet.seed, every=every, **settings):
            ended = now.step >= now.steps
            sheet.put(place, now.image, now.activation, now.step, now.note)
            yield sheet.snapshot()
        if not ended:  # it diverged: what there is counts
            sheet.done[place] = sheet.settings.steps
            yield sheet.snapshot()
    except DeadUnitError as error:
        sheet.put(place, np.full_like(sheet.images[place], 0.5), 0.0, sheet.settings.steps, str(error))
        sheet.dead[place] = True
        yield sheet.snapshot()


def _together(sheet: _Sheet, places: list[int], at_once: int, every: int) -> Iterator[LayerVisualization]:
    """Several canvases in one step; whose unit sleeps gets a run of its own."""
    padded = places + [places[-1]] * (at_once - len(places))  # one size, one program
    optimization = single.problem(sheet.network, [sheet.goals[place] for place in padded], sheet.settings)
    begun = single.begin(sheet.network, sheet.settings, sheet.seed)
    params = jnp.repeat(begun.state.params, at_once, axis=0)
    progress = _loop.first_progress(sheet.settings, params, sheet.seed)
    for now in _loop.advance(optimization, progress, sheet.settings.steps, every):
        progress = now
        images, activations = (np.asarray(value) for value in optimization.measure(now.state.params, optimization.data))
        images = np.clip(images.astype(np.float32), 0, 1)
        for i, place in enumerate(places):
            sheet.put(place, images[i], float(activations[i]), now.done, now.note)
        yield sheet.snapshot()
    for i, place in enumerate(places):
        sheet.done[place] = sheet.settings.steps
        if single.sleeps(progress.figures[:, i]):
            yield from _alone(sheet, place, every)
    yield sheet.snapshot()
