"""What tells whether a map can be trusted: the same with shuffled weights, for another unit, and by covering."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import uniform_filter

from deconvviz import compiled
from deconvviz.checks.audit.randomize import cascade as cascade_of
from deconvviz.checks.audit.randomize import top_down
from deconvviz.checks.randomization import rank_correlation, strength
from deconvviz.data.preprocess import signed_rgb
from deconvviz.methods.attribution import drawn
from deconvviz.network.backward.reconstruct import reconstruct_layer
from deconvviz.network.network import Network
from deconvviz.network.score import Score
from deconvviz.ops.rectify import RULES
from deconvviz.types import Box, Unit
from lessons._kit.draw.pixels import crop
from lessons._kit.photo import selection
from lessons._kit.run import engine, jobs, networks, pictures

#: Steps of the shuffling at most: a deep network's layers are shuffled several at a time.
STEPS = 10
#: Seconds that a step waits at most for what somebody else waits for.
PATIENCE = 5.0
#: The patch that covers, as a share of the receptive field's side: one in so many.
SHARE = 6


@dataclass(frozen=True, eq=False)
class Map:
    """A map within the receptive field, and how like the one on the page it is.

    Attributes:
      levels: (h, w, 3) int8; 127 is the largest magnitude. Small, for many are held.
      likeness: rank correlation of the strengths of the two, -1 to 1; None where this one is zero everywhere.
    """

    levels: np.ndarray
    likeness: float | None


@dataclass(frozen=True, eq=False)
class Cascade:
    """The maps of a unit by every rule while the layers that it rests on are shuffled.

    Attributes:
      shuffled: the layers that are shuffled at each step, from the top down; none at the first, all at the last.
      steps: rule -> map, of every step that is done.
      other: another unit of the layer, and its maps; None where the layer has no other that is active there.
      whole: rule -> the map of the first step as it was computed, for comparing.
    """

    shuffled: tuple[tuple[str, ...], ...]
    steps: tuple[dict[str, Map], ...]
    other: tuple[Unit, dict[str, Map]] | None
    whole: dict[str, np.ndarray]

    @property
    def is_done(self) -> bool:
        """Whether every step is there."""
        return len(self.steps) == len(self.shuffled)


def start(loaded: networks.Loaded, picture: pictures.Picture, unit: Unit) -> jobs.Job[Cascade]:
    """The cascade of a unit, computed in the background; the same for all who look at it."""
    key = f"cascade {loaded.identity} {picture.digest} {unit!r}"
    return jobs.start(key, lambda: cascade(loaded, picture, unit), jobs.SHORT)


def cascade(loaded: networks.Loaded, picture: pictures.Picture, unit: Unit) -> Iterator[Cascade]:
    """Step after step, each as soon as nobody waits for something else.

    Every network of the cascade is the same program with other weights, the one that the page's maps came from: no
    step compiles anything of its own.

    Raises:
      NetworkError: the unit rests on no weights that could be shuffled.
    """
    net = loaded.network
    x = pictures.model_inputs(loaded, picture)
    box = box_of(net, unit)
    result = Cascade(tuple(top_down(net, unit.layer, STEPS)), (), None, {})
    networks_of = cascade_of(net, unit.layer, most=STEPS)
    for _ in result.shuffled:
        with compiled.background():  # taken anew each time: a job that was stopped goes on in another thread
            compiled.give_way(PATIENCE)
            other = next(networks_of)[1]
            maps = _maps(loaded, other, x, unit, box)
            if not result.steps:
                result = replace(result, whole=maps, other=_another(loaded, picture, x, unit, box, maps))
            step = {rule: _compared(one, result.whole[rule]) for rule, one in maps.items()}
        result = replace(result, steps=(*result.steps, step))
        yield result


def box_of(net: Network, unit: Unit) -> Box:
    """The receptive field of a unit, or the whole picture."""
    place = (unit.row, unit.column) if isinstance(unit.row, int) and isinstance(unit.column, int) else (None, None)
    return net.receptive_box(unit.layer, *(place if len(net.layer(unit.layer).shape) == 3 else (None, None)))


def _maps(loaded: networks.Loaded, net: Network, x: np.ndarray, unit: Unit, box: Box) -> dict[str, np.ndarray]:
    """The maps by every rule that applies, cut to the receptive field; 1 goes down, so that only silence is zero."""

    def run() -> dict[str, np.ndarray]:
        result = reconstruct_layer(net, x, [unit], RULES, "one", refusals={})
        return {rule: crop(signed_rgb(one.map, net.input_spec), box) for rule, (one,) in result.items()}

    return engine.run_compiled(loaded, unit.layer, "maps", run)


def _another(
    loaded: networks.Loaded, picture: pictures.Picture, x: np.ndarray, unit: Unit, box: Box, maps: dict[str, np.ndarray]
) -> tuple[Unit, dict[str, Map]] | None:
    """Another channel of the same place, drawn among those that are active there, and its maps."""
    values = selection.planes(engine.forward(loaded, picture).maps[unit.layer])
    here = values[unit.row or 0, unit.column or 0]  # type: ignore[index]  # a unit of this page has a place or none
    others = np.setdiff1d(np.flatnonzero(here), [unit.channel])
    if not others.size:
        return None
    other = replace(unit, channel=int(np.random.default_rng(0).choice(others)))
    result = _maps(loaded, loaded.network, x, other, box)
    return other, {rule: _compared(one, maps[rule]) for rule, one in result.items()}


def _compared(one: np.ndarray, first: np.ndarray) -> Map:
    """A map in whole numbers, and its likeness to the first."""
    top = float(np.abs(one).max(initial=0.0))
    if not top:
        return Map(np.zeros(one.shape, np.int8), None)
    return Map(np.rint(one * (127 / top)).astype(np.int8), rank_correlation(strength(one), strength(first)))


def occlusion(loaded: networks.Loaded, picture: pictures.Picture, unit: Unit) -> np.ndarray:
    """How far the unit falls where a patch of its receptive field is covered with grey: (h, w), of that field."""
    net, box = loaded.network, box_of(loaded.network, unit)
    x = pictures.model_inputs(loaded, picture)

    def run() -> np.ndarray:
        score = Score.of(net, x, unit)
        return crop(np.asarray(drawn(score, x, "occlusion", patch=patch_of(box), region=box).signal), box)

    name = f"occlusion {unit!r}"
    return engine.cached(loaded, picture, name, lambda: engine.run_compiled(loaded, unit.layer, "occlusion", run))


def patch_of(box: Box) -> tuple[int, int]:
    """(height, width) of the patch that covers a part of a receptive field."""
    return max(1, (box[2] - box[0]) // SHARE), max(1, (box[3] - box[1]) // SHARE)


def agreement(map: np.ndarray, falls: np.ndarray, box: Box) -> float:
    """Rank correlation of a map's strengths, smoothed over the patch, with the falls of the unit: -1 to 1."""
    return rank_correlation(uniform_filter(strength(map), patch_of(box)), falls)
