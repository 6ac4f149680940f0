"""Four computations of the backward pass from units of one layer: by vjp, by adjoints, within windows, by equations.

Each takes a `BackpropRequest` and returns, for every rule, one `BackpropResult` a unit, in order, all after one forward
pass. Programs are compiled once and kept in the network's store; channel, row and column are traced numbers, and groups
are filled up to powers of two, so few programs are needed.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import jax
import numpy as np

from deconvviz.network import units
from deconvviz.network._jit import jit, jit_plainly
from deconvviz.network.backward import stepwise, windowed
from deconvviz.network.backward.explicit import Chain
from deconvviz.network.backward.graph import Graph
from deconvviz.network.network import Network
from deconvviz.network.trace.trace import Node, as_in_program, permuted
from deconvviz.ops.rectify import number_of, pull_each

#: Signals sent back together over whole maps; more are done in groups, so memory stays bounded.
GROUP = 16


@dataclass(frozen=True, eq=False)
class BackpropRequest:
    """Units of one layer and the rules by which their signals are to be sent back to the image.

    Attributes:
      network, node: the network and the layer.
      x: (1, H, W, C) model input.
      codes: (channel, row, column) of each unit, from `units.codes`.
      rules: backward rules.
      ones: start with 1 instead of the activation.
    """

    network: Network
    node: Node
    x: np.ndarray
    codes: list[tuple[int, int, int]]
    rules: tuple[str, ...]
    ones: bool

    def compiled(
        self, name: str, make: Callable[[], Callable[..., Any]], *key: Any, plainly: bool = False
    ) -> Callable[..., Any]:
        """A program of this layer and float type, compiled once; `plainly` where it runs a few times only."""
        full = (name, self.node.layer.name, self.x.dtype.name, *key, plainly)
        return self.network.store.compiled(full, lambda: (jit_plainly if plainly else jit)(make()))


@dataclass(frozen=True, eq=False)
class BackpropResult:
    """What arrived of one unit at the image: (H, W, C) map, activation, place (negative: see `units`)."""

    map: np.ndarray
    activation: float
    row: int
    column: int


#: rule -> one result a unit.
Results: TypeAlias = dict[str, list[BackpropResult]]


def by_vjp(request: BackpropRequest, call: Callable[..., Any], plainly: bool = False) -> Results:
    """`jax.vjp` of the rewritten program: one forward pass a group, every signal pulled back through it by every rule.

    Args:
      request: the units and rules.
      call: the program rewritten for these rules, ``call(consts, x) -> (value,)``.
      plainly: compile it quickly, for a few runs.
    """

    def make() -> Callable[..., Any]:
        def run(consts: Any, x: Any, codes: Any, ones: Any) -> Any:
            value, pull = jax.vjp(lambda x: permuted(request.node, call(consts, x)[0]), x)

            def unit(code: Any) -> Any:
                g, activation, row, column = units.seed(value, code[0], code[1], code[2], ones)
                return pull_each(pull, g, request.rules)[:, 0], activation, row, column

            if len(codes) == 1:  # an axis of one would hide the shapes that convolutions are quickest at
                return tuple(part[None] for part in unit(codes[0]))
            return jax.vmap(unit)(codes)

        return run

    consts = request.network.program().flat.consts
    results: Results = {rule: [] for rule in request.rules}
    for count, (codes,) in _groups(max(1, GROUP // len(request.rules)), np.asarray(request.codes, np.int32)):
        run = request.compiled("vjp", make, request.rules, len(codes), plainly=plainly)
        maps, *at = (np.asarray(part)[:count] for part in run(consts, request.x, codes, np.bool_(request.ones)))
        for index, rule in enumerate(request.rules):
            results[rule] += _results(maps[:, index], *at)
    return results


def by_adjoints(request: BackpropRequest, steps: Chain | Graph) -> Results:
    """Forward with stored switches, backward by hand over whole maps, operator by operator.

    Not compiled as a whole: each operator of `deconvviz.ops` is, once for all layers above it and all rules.
    """
    node = request.node

    def make() -> Callable[..., Any]:
        def seeds(value: Any, codes: Any, ones: Any) -> Any:
            g, *at = jax.vmap(lambda c: units.seed(permuted(node, value), c[0], c[1], c[2], ones))(codes)
            return (as_in_program(node, g[:, 0]), *at)

        return seeds

    value, memories = steps.forward(steps.constants, request.x)
    results: Results = {rule: [] for rule in request.rules}
    for count, (codes,) in _groups(GROUP, np.asarray(request.codes, np.int32)):
        g, *places = request.compiled("seeds", make, len(codes))(value, codes, np.bool_(request.ones))
        at = [np.asarray(part)[:count] for part in places]
        for rule in request.rules:
            results[rule] += _results(np.asarray(steps.backward(steps.constants, memories, g, rule))[:count], *at)
    return results


def by_equations(request: BackpropRequest) -> Results:
    """Equation by equation (`stepwise`), each differentiated by itself."""
    node = request.node
    results: Results = {}

    def make() -> Callable[..., Any]:
        def seeds(value: Any, codes: Any, ones: Any) -> Any:
            g, *at = jax.vmap(lambda c: units.seed(permuted(node, value), c[0], c[1], c[2], ones))(codes)
            return (jax.vmap(lambda each: as_in_program(node, each))(g), *at)

        return seeds

    for rule in request.rules:
        steps = request.network.store.get(
            ("equations", node.layer.name, rule, request.x.dtype.name),
            functools.partial(stepwise.steps_to, request.network, node, rule),
        )
        value, values = steps.forward(request.x)
        arrived: list[BackpropResult] = []
        for count, (codes,) in _groups(GROUP, np.asarray(request.codes, np.int32)):
            g, *places = request.compiled("equation seeds", make, len(codes))(value, codes, np.bool_(request.ones))
            at = [np.asarray(part)[:count] for part in places]
            arrived += _results(np.asarray(steps.backward(values, g, rule))[:count, 0], *at)
        results[rule] = arrived
    return results


def _results(
    maps: Iterable[Any], activations: Iterable[Any], rows: Iterable[Any], columns: Iterable[Any]
) -> list[BackpropResult]:
    at = zip(maps, activations, rows, columns, strict=True)
    return [BackpropResult(map, float(a), int(row), int(column)) for map, a, row, column in at]


def window_plan(network: Network, node: Node) -> windowed.Plan | None:
    """Where the windows of single units lie in the backward pass; None where only whole maps will do."""

    def make() -> windowed.Plan | None:
        shape = node.layer.shape
        if len(shape) != 3 or not node.in_order:
            return None
        steps = network.chain_to(node.layer.name)
        return windowed.plan_windows(steps, (shape[0], shape[1])) if isinstance(steps, Chain) else None

    return network.store.get(("windows", node.layer.name), make)


def by_adjoints_windowed(request: BackpropRequest, steps: Chain, plan: windowed.Plan) -> Results:
    """The same for single units, each within its receptive field only.

    One unit at a given place needs no more of the forward pass than its field, which pays in large networks.
    """
    single = len(request.codes) == 1 and request.codes[0][1] >= 0 and plan.saved_flops > windowed.MIN_SAVED_FLOPS
    memories, channels, places, activations = _forward_windowed(request, steps, plan, single)
    strengths = np.ones_like(activations) if request.ones else activations
    results: Results = {}
    for rule in request.rules:
        maps: list[np.ndarray] = []
        for count, arrays in _groups(plan.units_at_once, channels, places, strengths):
            if len(channels) == 1 and not single:  # the program of `trace_windowed`: one less to compile
                run = _signals(request, steps, plan)
            else:
                make = functools.partial(windowed.backward, steps, plan, request.node.layer.shape[-1], single)
                run = request.compiled("windows backward", make, single, len(arrays[0]))
            windows = np.asarray(run(number_of(rule), steps.constants, memories, *arrays)[-1])
            maps += list(windowed.whole_maps(plan.windows[0], windows[:count], arrays[1][:count]))
        results[rule] = _results(maps, activations, places[:, 0], places[:, 1])
    return results


def _forward_windowed(
    request: BackpropRequest, steps: Chain, plan: windowed.Plan, single: bool
) -> tuple[Any, np.ndarray, np.ndarray, np.ndarray]:
    """(memories, channels, places, activations) of the units after a forward pass; see `windowed.forward`."""
    forward = request.compiled("windows forward", lambda: windowed.forward(steps, plan, single), single)
    channels, places = np.asarray(request.codes, np.int32)[:, 0], np.asarray(request.codes, np.int32)[:, 1:]
    if single:
        value, memories = forward(steps.constants, request.x, places)
        return memories, channels, places, np.asarray(value)[0][0, 0, channels]
    value, memories = request.network.store.passes.get(
        ("windows", request.node.layer.name), request.x, lambda: forward(steps.constants, request.x, places)
    )
    values = np.asarray(value)[0]
    places = _resolved(values, channels, places)
    return memories, channels, places, values[places[:, 0], places[:, 1], channels]


def trace_windowed(request: BackpropRequest, steps: Chain, plan: windowed.Plan) -> list[np.ndarray]:
    """The signal of a single unit by a single rule: at the layer and then below every step, whole maps (h, w, c)."""
    (rule,) = request.rules
    memories, channels, places, activations = _forward_windowed(request, steps, plan, single=False)
    strengths = np.ones_like(activations) if request.ones else activations
    run = _signals(request, steps, plan)
    every = run(number_of(rule), steps.constants, memories, channels, places, strengths)
    windows = reversed(plan.windows)
    return [windowed.whole_maps(window, np.asarray(g), places)[0] for window, g in zip(windows, every, strict=True)]


def _signals(request: BackpropRequest, steps: Chain, plan: windowed.Plan) -> Callable[..., Any]:
    """`windowed.signals` of a single unit, by any rule."""
    make = functools.partial(windowed.signals, steps, plan, request.node.layer.shape[-1])
    return request.compiled("windows signals", make)


def _resolved(values: np.ndarray, channels: np.ndarray, places: np.ndarray) -> np.ndarray:
    """(units, 2) places, each `STRONGEST` replaced by the first place of its channel's largest value."""
    best = values.reshape(-1, values.shape[-1])[:, channels].argmax(0)
    strongest = np.stack(np.divmod(best, values.shape[1]), axis=1).astype(np.int32)
    return np.where(places == units.STRONGEST, strongest, places)


def _groups(most: int, *arrays: np.ndarray) -> Iterator[tuple[int, list[np.ndarray]]]:
    """(how many, the arrays' next rows) of at most so many units; the last one is repeated up to a power of two."""
    for first in range(0, len(arrays[0]), most):
        parts = [array[first : first + most] for array in arrays]
        count = len(parts[0])
        missing = (1 << (count - 1).bit_length()) - count
        yield count, [np.concatenate([part, np.repeat(part[-1:], missing, axis=0)]) for part in parts]
