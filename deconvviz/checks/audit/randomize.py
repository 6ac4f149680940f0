"""Maps of a network whose weights are made random: from the top down, or one layer at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from deconvviz.checks.audit.similarity import similarities
from deconvviz.checks.randomization import weight_layers
from deconvviz.errors import check_choice
from deconvviz.methods import attribution
from deconvviz.network.network import Network
from deconvviz.network.score import Score
from deconvviz.types import Array, Unit, UnitLike

ORDERS = ("top_down", "independent")
HOW = ("permute", "redraw")


@dataclass(frozen=True, eq=False)
class Randomization:
    """The maps of one unit and picture while the weights of layers are made random.

    Attributes:
      method: its name.
      order: "top_down" (each step randomizes one layer more, the top one first) or "independent" (that layer alone).
      how: "permute" or "redraw".
      unit: with its row and column resolved.
      layers: the layer that each step randomized last; "" for the untouched network, which comes first.
      maps: (steps, H, W, C) or (steps, H, W).
      rank_correlation: of each map's strengths with the first, -1 to 1.
      signed_rank_correlation: with the signs.
      ssim, hog: the same by structure.
      seed: of the draws.
    """

    method: str
    order: str
    how: str
    unit: Unit
    layers: tuple[str, ...]
    maps: np.ndarray
    rank_correlation: tuple[float, ...]
    signed_rank_correlation: tuple[float, ...]
    ssim: tuple[float, ...]
    hog: tuple[float, ...]
    seed: int


def random_weights(network: Network, layers: Sequence[str], how: str = "permute", seed: int = 0) -> tuple[Any, ...]:
    """The network's constants with the weights of some layers made random.

    "permute" shuffles the entries of each array, which keeps their distribution. "redraw" draws each kernel from a
    normal distribution with its own mean and standard deviation; vectors (biases, running statistics) are shuffled
    there too, for a drawn variance could be negative. The draws of a layer do not depend on which others are random.

    Raises:
      NetworkError: the network holds no kernel.
      DeconvvizError: another word for how.

    Source: adebayo2018sanity
    """
    check_choice("how", how, HOW)
    consts = list(network.program().flat.consts)
    for number, (name, places) in enumerate(weight_layers(network)):
        for place in places if name in layers else ():
            array, random = np.asarray(consts[place]), np.random.default_rng([seed, number, place])
            if how == "redraw" and array.ndim > 1:
                drawn = np.asarray(random.normal(array.mean(), array.std(), array.shape), array.dtype)
            else:
                drawn = random.permutation(array.ravel()).reshape(array.shape)
            consts[place] = drawn
    return tuple(consts)


def exchanged(network: Network, layers: Sequence[str], every: Sequence[Any]) -> tuple[Any, ...]:
    """The network's constants, those of some layers taken from what `random_weights` drew for every layer."""
    places = dict(weight_layers(network))
    random = {place for name in layers for place in places[name]}
    consts = network.program().flat.consts
    return tuple(every[k] if k in random else each for k, each in enumerate(consts))


def top_down(network: Network, layer: str, most: int | None = None) -> list[tuple[str, ...]]:
    """What `cascade` shuffles at each step: the layers with weights that a layer rests on, from the top down.

    The first step shuffles none, the last one all.

    Args:
      most: steps at most after the first, evenly apart; each layer is one if None.
    """
    names = [name for name, _ in weight_layers(network, layer)][::-1]
    steps = min(len(names), most or len(names))
    return [tuple(names[: round(step * len(names) / steps)]) for step in range(steps + 1)]


def cascade(
    network: Network, layer: str, seed: int = 0, most: int | None = None
) -> Iterator[tuple[tuple[str, ...], Network]]:
    """The network while the layers that a layer rests on are shuffled from the top down: (those shuffled, network).

    The weights are those of `random_weights`. No step compiles anything that the untouched network has compiled.
    """
    every = random_weights(network, tuple(name for name, _ in weight_layers(network)), "permute", seed)
    for names in top_down(network, layer, most):
        yield names, network.with_weights(exchanged(network, names, every))


def randomize(
    network: Network,
    x: Array,
    unit: UnitLike,
    method: str = "deconvnet",
    order: str = "top_down",
    seed: int = 0,
    how: str = "permute",
    **options: Any,
) -> Randomization:
    """The cascade of one unit: see `deconvviz.randomize`."""
    check_choice("order", order, ORDERS)
    batch = network.checked_input(x)
    score = Score.of(network, batch, unit)
    names = [name for name, _ in weight_layers(network)][::-1]
    steps = [names[: k + 1] if order == "top_down" else [name] for k, name in enumerate(names)]
    maps = [attribution.drawn(score, batch, method, seed, **options).signal]
    for layers in steps:
        other = score.with_weights(random_weights(network, layers, how, seed))
        maps.append(attribution.drawn(other, batch, method, seed, **options).signal)
    alike = [similarities(maps[0], other) for other in maps]
    of = {name: tuple(similarity[name] for similarity in alike) for name in alike[0]}
    return Randomization(
        method,
        order,
        how,
        score.unit,
        ("", *names),
        np.stack(maps),
        of["rank"],
        of["signed"],
        of["ssim"],
        of["hog"],
        seed,
    )
