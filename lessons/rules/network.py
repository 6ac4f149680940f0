"""The four rules on a real unit: six units at one place of a photograph, their maps, and what each rule stopped."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from deconvviz.metrics import relative_gap
from deconvviz.ops.rectify import RULES
from deconvviz.types import Unit
from lessons._kit.run import engine, networks, pictures

#: Layers whose units are offered, each with rectifiers below it.
LAYERS = ("relu2", "relu3", "relu4", "relu5", "relu6", "relu7")
#: How many units at the one place are offered, strongest first.
UNITS = 6
#: Pairs of rules as they stand in the URL.
PAIRS = tuple(f"{a}-{b}" for a, b in itertools.combinations(RULES, 2))


@dataclass(frozen=True, eq=False)
class Place:
    """The strongest place of a layer on a photograph.

    Attributes:
      units: the strongest units there, strongest first.
      values: their activations.
    """

    loaded: networks.Loaded
    picture: pictures.Picture
    units: tuple[Unit, ...]
    values: tuple[float, ...]


@dataclass(frozen=True)
class Stopped:
    """Shares of the signals other than zero that reach a rectifier and are stopped there, 0..1, by rule and reason."""

    rectifier: str
    gradient: float
    deconvnet: float
    guided: float
    guided_by_z: float
    guided_by_g: float


def place(image: str, layer: str) -> Place:
    """The strongest place of a layer, and its strongest units."""
    loaded, picture = networks.load("caltech"), pictures.sample(image)
    maps = engine.forward(loaded, picture).maps[layer]
    row, column = divmod(int(maps.max(axis=-1).argmax()), maps.shape[1])
    order = np.argsort(-maps[row, column], kind="stable")[:UNITS]
    units = tuple(Unit(layer, int(channel), row, column) for channel in order)
    return Place(loaded, picture, units, tuple(float(maps[row, column, channel]) for channel in order))


def reconstructions(at: Place, rank: int) -> engine.Reconstructions:
    """The maps of one of the units, by every rule."""
    return engine.reconstruct(at.loaded, at.picture, at.units[rank])


def two_computations(at: Place, rank: int) -> float:
    """The largest relative difference, over the four rules, between the two computations down to the photograph."""
    proven = engine.checked(at.loaded, at.picture, at.units[rank])
    return max(result.agreement if result.agreement is not None else np.inf for result in proven.values())


def gaps(at: Place, rank: int) -> dict[str, float]:
    """Pair -> relative difference of the two rules' maps, ``|a - b| / max(|a|, |b|)``."""

    def make() -> dict[str, float]:
        maps = {rule: result.map for rule, result in reconstructions(at, rank).by_rule.items()}
        return {pair: relative_gap(*(maps[rule] for rule in pair.split("-"))) for pair in PAIRS}

    return engine.cached(at.loaded, at.picture, f"gaps {at.units[rank]}", make)


def likeness(at: Place) -> dict[str, tuple[float, ...]]:
    """Rule -> cosine between the maps of every two of the units: 1 if a map does not tell which unit it is of."""

    def make() -> dict[str, tuple[float, ...]]:
        result = [reconstructions(at, rank).by_rule for rank in range(len(at.units))]
        return {rule: cosines([one[rule].map for one in result]) for rule in RULES}

    return engine.cached(at.loaded, at.picture, f"likeness {at.units}", make)


def cosines(maps: list[np.ndarray]) -> tuple[float, ...]:
    """``<a, b> / (|a| |b|)`` of every two maps that are not zero.

    >>> cosines([np.array([3.0, 4.0]), np.array([4.0, 3.0]), np.zeros(2)])
    (0.96,)
    """
    flat = [one.ravel() / np.linalg.norm(one) for one in maps if np.any(one)]
    return tuple(round(float(a @ b), 6) for a, b in itertools.combinations(flat, 2))


def stopped(at: Place, rank: int) -> tuple[Stopped, ...]:
    """What every rule stops at every rectifier in the backward pass, from the top."""
    unit = at.units[rank]
    return engine.cached(at.loaded, at.picture, f"stopped {unit}", lambda: _stopped(at, unit))


def _stopped(at: Place, unit: Unit) -> tuple[Stopped, ...]:
    maps = engine.forward(at.loaded, at.picture).maps
    names = [layer.name for layer in at.loaded.network.layers]
    walks = {
        rule: engine.backward_trace(at.loaded, at.picture, unit, rule) for rule in ("gradient", "deconvnet", "guided")
    }
    result = []
    for i, frame in enumerate(walks["gradient"]):
        if frame.kind == "rectify":
            z = maps[names[names.index(frame.name) - 1]]
            arrived = {rule: frames[i - 1].signal for rule, frames in walks.items()}
            result.append(shares(frame.name, z, **arrived))
    return tuple(result)


def shares(name: str, z: np.ndarray, gradient: np.ndarray, deconvnet: np.ndarray, guided: np.ndarray) -> Stopped:
    """Count at one rectifier.

    Args:
      name: of the rectifier.
      z: what went up into it, (h, w, c).
      gradient, deconvnet, guided: the signal that reaches it from above by that rule, each like z.

    >>> z, g = np.array([1.0, -1.0, 2.0, -3.0]), np.array([5.0, 6.0, -7.0, 0.0])
    >>> [round(share, 2) for share in vars(shares("relu1", z, g, g, g)).values() if share != "relu1"]
    [0.33, 0.33, 0.67, 0.33, 0.33]
    """

    def share(where: np.ndarray, g: np.ndarray) -> float:
        return float((where & (g != 0)).sum() / max(1, np.count_nonzero(g)))

    return Stopped(
        name,
        share(z <= 0, gradient),
        share(deconvnet < 0, deconvnet),
        share((z <= 0) | (guided < 0), guided),
        share(z <= 0, guided),
        share(guided < 0, guided),
    )
