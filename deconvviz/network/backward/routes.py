"""The three roads from units of one layer down to the image: derived, explicit, and explicit within the fields.

Each takes a `Job` and returns, for every rule, one `Sent` a unit, in order, all after one forward pass. Programs are
compiled once and kept in the network's store; channel, row and column are traced numbers, and groups are filled up to
powers of two, so few programs are needed.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from deconvviz.network import units
from deconvviz.network._jit import jit
from deconvviz.network.backward import windowed
from deconvviz.network.backward.explicit import Chain
from deconvviz.network.backward.graph import Graph
from deconvviz.network.network import Network
from deconvviz.network.trace.trace import Node, permuted
from deconvviz.ops.rectify import pull_each

#: Units sent down together over whole maps; more are done in groups, so memory stays bounded.
GROUP = 16


@dataclass(frozen=True, eq=False)
class Job:
    """Units of one layer that are to go down.

    Attributes:
      network, node: the network and the layer.
      x: (1, H, W, C) model input.
      codes: (channel, row, column) of each unit, from `units.codes`.
      rules: backward rules.
      one: start with 1 instead of the activation.
    """

    network: Network
    node: Node
    x: np.ndarray
    codes: list[tuple[int, int, int]]
    rules: tuple[str, ...]
    one: bool

    def compiled(self, name: str, make: Callable[[], Callable[..., Any]], *key: Any) -> Callable[..., Any]:
        """A program of this layer and float type, compiled once."""
        full = (name, self.node.layer.name, self.x.dtype.name, *key)
        return self.network.store.compiled(full, lambda: jit(make()))


@dataclass(frozen=True, eq=False)
class Sent:
    """What arrived of one unit: its (H, W, C) map, its activation and its place (negative: see `units`)."""

    map: np.ndarray
    activation: float
    row: int
    column: int


def derived_road(job: Job, call: Callable[..., Any]) -> dict[str, list[Sent]]:
    """`jax.vjp` of the rewritten program: one forward pass a group, every signal pulled back through it by every rule.

    Args:
      job: the units and rules.
      call: the program rewritten for these rules, ``call(consts, x) -> (value,)``.
    """

    def make() -> Callable[..., Any]:
        def road(consts: Any, x: Any, codes: Any, one: Any) -> Any:
            value, pull = jax.vjp(lambda x: permuted(job.node, call(consts, x)[0]), x)

            def unit(code: Any) -> Any:
                g, activation, row, column = units.seed(value, code[0], code[1], code[2], one)
                return pull_each(pull, g, job.rules)[:, 0], activation, row, column

            return jax.vmap(unit)(codes)

        return road

    consts = job.network.program().flat.consts
    sent: dict[str, list[Sent]] = {rule: [] for rule in job.rules}
    for count, (codes,) in _groups(max(1, GROUP // len(job.rules)), np.asarray(job.codes, np.int32)):
        road = job.compiled("derived", make, job.rules, len(codes))
        maps, *at = (np.asarray(part)[:count] for part in road(consts, job.x, codes, np.bool_(job.one)))
        for index, rule in enumerate(job.rules):
            sent[rule] += _sent(maps[:, index], *at)
    return sent


def explicit_road(job: Job, steps: Chain | Graph) -> dict[str, list[Sent]]:
    """Up with stored switches, down by hand over whole maps, operator by operator.

    Not compiled as a whole: each operator of `deconvviz.ops` is, once for all layers above it and all rules.
    """
    node = job.node

    def make() -> Callable[..., Any]:
        def seeds(value: Any, codes: Any, one: Any) -> Any:
            g, *found = jax.vmap(lambda c: units.seed(permuted(node, value), c[0], c[1], c[2], one))(codes)
            g = g[:, 0]
            return (g if node.permutation is None else g.transpose(np.argsort(node.permutation)), *found)

        return seeds

    value, memories = steps.up(steps.constants, job.x)
    sent: dict[str, list[Sent]] = {rule: [] for rule in job.rules}
    for count, (codes,) in _groups(GROUP, np.asarray(job.codes, np.int32)):
        g, *found = job.compiled("seeds", make, len(codes))(value, codes, np.bool_(job.one))
        at = [np.asarray(part)[:count] for part in found]
        for rule in job.rules:
            sent[rule] += _sent(np.asarray(steps.down(steps.constants, memories, g, rule))[:count], *at)
    return sent


def _sent(maps: Iterable[Any], activations: Iterable[Any], rows: Iterable[Any], columns: Iterable[Any]) -> list[Sent]:
    at = zip(maps, activations, rows, columns, strict=True)
    return [Sent(map, float(a), int(row), int(column)) for map, a, row, column in at]


def way(network: Network, node: Node) -> windowed.Plan | None:
    """Where the windows of single units lie on the way down; None where only whole maps will do."""

    def make() -> windowed.Plan | None:
        steps, shape = network.chain_to(node.layer.name), node.layer.shape
        if not isinstance(steps, Chain) or len(shape) != 3 or node.permutation != (0, 1, 2, 3):
            return None
        return windowed.plan(steps, (shape[0], shape[1]))

    return network.store.get(("way", node.layer.name), make)


def cropped_road(job: Job, steps: Chain, way: windowed.Plan) -> dict[str, list[Sent]]:
    """Single units down the explicit road, each within its receptive field, after one forward pass for all.

    One unit at a given place needs no more of the forward pass than its field, which pays in large networks.
    """
    depth = job.node.layer.shape[-1]
    alone = len(job.codes) == 1 and job.codes[0][1] >= 0 and way.saved > windowed.WORTH
    up = job.compiled("climb", lambda: windowed.climb(steps, way, alone), alone)
    channels, places = np.asarray(job.codes, np.int32)[:, 0], np.asarray(job.codes, np.int32)[:, 1:]
    value, memories = up(steps.constants, job.x, places)
    values = np.asarray(value)[0]
    if alone:
        activations = values[0, 0, channels]
    else:
        places = _resolved(values, channels, places)
        activations = values[places[:, 0], places[:, 1], channels]
    strengths = np.ones_like(activations) if job.one else activations
    sent: dict[str, list[Sent]] = {}
    for rule in job.rules:
        maps: list[np.ndarray] = []
        for count, arrays in _groups(way.units_at_once, channels, places, strengths):
            make = functools.partial(windowed.descend, steps, way, rule, depth, alone)
            down = job.compiled("descend", make, rule, alone, len(arrays[0]))
            windows = np.asarray(down(steps.constants, memories, *arrays))
            maps += list(windowed.whole_maps(way, windows[:count], arrays[1][:count]))
        sent[rule] = _sent(maps, activations, places[:, 0], places[:, 1])
    return sent


def _resolved(values: np.ndarray, channels: np.ndarray, places: np.ndarray) -> np.ndarray:
    """(units, 2) places, each `STRONGEST` replaced by the first place of its channel's largest value."""
    best = values.reshape(-1, values.shape[-1])[:, channels].argmax(0)
    found = np.stack(np.divmod(best, values.shape[1]), axis=1).astype(np.int32)
    return np.where(places == units.STRONGEST, found, places)


def _groups(most: int, *arrays: np.ndarray) -> Iterator[tuple[int, list[np.ndarray]]]:
    """(how many, the arrays' next rows) of at most so many units; the last one is repeated up to a power of two."""
    for first in range(0, len(arrays[0]), most):
        parts = [array[first : first + most] for array in arrays]
        count = len(parts[0])
        missing = (1 << (count - 1).bit_length()) - count
        yield count, [np.concatenate([part, np.repeat(part[-1:], missing, axis=0)]) for part in parts]
