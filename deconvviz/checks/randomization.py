"""Sanity check of a picture: how much of it is left when the network's weights are shuffled from the top down.

A picture that shows what the network has learned must change when that is destroyed. The weights are inputs of the
compiled program, so a cascade of any length compiles once a rule.

What the source did and this does not: it draws new weights from the network's first distribution, where this shuffles
the trained ones, which keeps their distribution; it also trains on shuffled labels; and DeconvNet was not among its
methods. It was objected that how much a map changes depends on the task (yona2021revisiting), and that shuffling from
the top leaves much of the forward signal, so that noisy maps pass more easily (binder2023shortcomings); why guided maps
forget the upper layers is also argued without shuffling (nie2018theoretical, sixt2020explanations).

Source: adebayo2018sanity
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from deconvviz.errors import NetworkError
from deconvviz.network.network import Network
from deconvviz.network.rewrite.program import rewritten
from deconvviz.network.trace.jaxpr import is_literal
from deconvviz.types import Array


@dataclass(frozen=True, eq=False)
class Cascade:
    """The maps of one class and image while the weights are shuffled layer by layer, the top one first.

    Attributes:
      rule: backward rule.
      shuffled: name of the layer shuffled last at each step; "" for the untouched network, which comes first.
      maps: (steps, H, W, C) maps.
      similarity: rank correlation of each with the first, from -1 to 1; the first is 1.
    """

    rule: str
    shuffled: tuple[str, ...]
    maps: np.ndarray
    similarity: tuple[float, ...]


def weight_layers(network: Network, under: str | None = None) -> list[tuple[str, tuple[int, ...]]]:
    """The layers with weights in execution order: (name, places of their arrays among the program's constants).

    An array of two or more axes opens a layer (its kernel); smaller ones that follow belong to it (bias, scale).

    Args:
      network: any.
      under: name of a layer: those alone that it rests on, its own weights among them; all if None.

    Raises:
      NetworkError: if the network holds no such array, or no such layer.
    """
    if under is not None:
        rests = {
            id(atom) for item in network.program().path_to(network.node(under).variable) for atom in item.eqn.invars
        }
        needed = [id(variable) in rests for variable in network.program().flat.constvars]
        layers = [(name, places) for name, places in weight_layers(network) if any(needed[place] for place in places)]
        if not layers:
            raise NetworkError(f"{under} of {network.name} rests on no kernel, so there are no weights to shuffle")
        return layers
    flat, used = network.program().flat, []
    place = {id(variable): index for index, variable in enumerate(flat.constvars)}
    for item in flat.equations:
        for atom in item.eqn.invars:
            index = None if is_literal(atom) else place.get(id(atom))
            if index is not None and index not in used and jnp.issubdtype(flat.consts[index].dtype, jnp.floating):
                used.append(index)
    groups: list[list[int]] = []
    for index in used:
        if np.ndim(flat.consts[index]) > 1:
            groups.append([index])
        elif groups:
            groups[-1].append(index)
    if not groups:
        raise NetworkError(f"{network.name} holds no kernel as a constant, so there are no weights to shuffle")
    names = [layer.name for layer in network.layers if layer.kind in ("conv", "dense")]
    if len(names) != len(groups):
        names = [f"weights {i + 1}" for i in range(len(groups))]
    return [(name, tuple(group)) for name, group in zip(names, groups, strict=True)]


def cascade(network: Network, x: Array, rule: str, seed: int = 0, layers: int | None = None) -> Cascade:
    """Shuffle the entries of each layer's arrays, the top layer first, and draw the map of the top class each time.

    The class is the one that the untouched network finds; the signal that goes down is 1 at its score.

    Args:
      network: a classifier whose last layer is a vector of scores.
      x: (1, H, W, C) model input.
      rule: backward rule.
      seed: of the shuffling.
      layers: how many layers to shuffle; all if None.

    Raises:
      NetworkError: no weights, or the last layer is no vector.
      RuleError: the rule cannot apply.

    Source: adebayo2018sanity
    """
    top, batch, consts = network.layers[-1], network.checked_input(x), list(network.program().flat.consts)
    if len(top.shape) != 1:
        raise NetworkError(f"the last layer of {network.name} is {top.name} of shape {top.shape}, not a list of scores")
    groups = weight_layers(network)[::-1][:layers]
    call = network.store.compiled(("cascade", rule, batch.dtype.name), lambda: _map_of(network, top.name, rule))
    class_index = np.int32(network.run(batch)[0].argmax())
    random = np.random.default_rng(seed)
    maps = [np.asarray(call(tuple(consts), batch, class_index))]
    for _, group in groups:
        for index in group:
            array = np.asarray(consts[index])
            consts[index] = random.permutation(array.ravel()).reshape(array.shape)
        maps.append(np.asarray(call(tuple(consts), batch, class_index)))
    similarity = tuple(rank_correlation(strength(maps[0]), strength(other)) for other in maps)
    return Cascade(rule, ("", *(name for name, _ in groups)), np.stack(maps), similarity)


def _map_of(network: Network, layer: str, rule: str) -> Callable[..., Any]:
    """Compiled: constants, model input and class -> the map of that class, under the rule."""
    cut = rewritten(network, layer, rule)

    def run(consts: Any, x: Any, class_index: Any) -> Any:
        value, pull = jax.vjp(lambda x: cut.call(consts, x)[0], x)
        return pull(jax.nn.one_hot(class_index, value.shape[-1], dtype=value.dtype)[None])[0][0]

    return jax.jit(run)


def strength(signed: Array) -> np.ndarray:
    """How strong a map is at each pixel: magnitudes added over the channels, (H, W).

    >>> strength(np.array([[[1.0, -2.0]]])).tolist()
    [[3.0]]
    """
    return np.abs(np.asarray(signed, np.float64)).sum(axis=-1)


def rank_correlation(a: Array, b: Array) -> float:
    """Spearman's correlation: that of the ranks, equal values sharing their mean rank; 0 if one side is constant.

    >>> rank_correlation([1, 2, 3, 4], [10, 20, 30, 4000]), rank_correlation([1, 2, 3], [3, 2, 1])
    (1.0, -1.0)
    """
    first, second = (ranks(values) for values in (a, b))
    first, second = first - first.mean(), second - second.mean()
    # sums of products: the threads of a library's dot product cost more than they save here
    scale = float(np.sqrt((first * first).sum() * (second * second).sum()))
    return round(float((first * second).sum()) / scale, 12) if scale else 0.0


def ranks(values: Array) -> np.ndarray:
    """Rank of each value, from 0, flat; equal values get the mean of theirs.

    >>> ranks([3.0, 1.0, 3.0]).tolist()
    [1.5, 0.0, 1.5]
    """
    from scipy.stats import rankdata  # imported late: it takes half a second

    return np.asarray(rankdata(np.ravel(values)) - 1)


def mean_similarity(cascades: Sequence[Cascade]) -> np.ndarray:
    """(steps,) mean of the similarities of several cascades of the same length."""
    return np.mean([cascade.similarity for cascade in cascades], axis=0)
