"""From a unit back to the image: its signal sent down by a rule, computed in two independent ways.

`backprop` holds the computations: `jax.vjp` of the traced program with its rectifiers replaced by the rule, and, where
every operation has an adjoint written by hand, those adjoints layer by layer, for single units only within their
receptive fields. `select` takes the cheapest for the map and another one for the check.
Channel, row and column are traced numbers: one compile a layer and number of units, in a bounded cache.

Source: zeiler2014visualizing, springenberg2015striving, simonyan2014deep
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from deconvviz.errors import DeconvvizError, NetworkError, RuleError
from deconvviz.metrics import relative_gap
from deconvviz.network import units
from deconvviz.network.backward import select, stepwise
from deconvviz.network.backward.backprop import BackpropRequest, BackpropResult, trace_windowed
from deconvviz.network.backward.explicit import Chain, SignalStep
from deconvviz.network.network import Network
from deconvviz.network.rewrite.program import OnUnsupported, coverage_of, refuse, rewritten
from deconvviz.network.trace.trace import Node
from deconvviz.ops.rectify import check_rule
from deconvviz.types import Array, Coverage, Reconstruction, Start, Unit, UnitLike


def reconstruct_units(
    network: Network,
    x: Array,
    targets: Sequence[UnitLike],
    rule: str = "deconvnet",
    start: Start = "activation",
    on_unsupported: OnUnsupported = "refuse",
    prove: bool = True,
) -> tuple[Reconstruction, ...]:
    """Send units of one model input down to the image, layer by layer, with one forward pass for many units.

    Args:
      network: the network.
      x: (1, H, W, C) model input.
      targets: the units, of any layers.
      rule: a backward rule.
      start: "activation" or "one".
      on_unsupported: what to do about activations that are no ReLU.
      prove: also compute the maps another, independent way where there is one, and report how well the two agree.

    Returns:
      One `Reconstruction` a unit, in order; maps in the channel order of the model input.
    """
    chosen = [Unit.of(unit) for unit in targets]
    by_layer: dict[str, list[int]] = {}
    for index, unit in enumerate(chosen):
        by_layer.setdefault(unit.layer, []).append(index)
    done: dict[int, Reconstruction] = {}
    for indices in by_layer.values():
        results = reconstruct_layer(network, x, [chosen[i] for i in indices], (rule,), start, on_unsupported)[rule]
        results = with_agreement(network, x, {rule: results})[rule] if prove else results
        done.update(zip(indices, results, strict=True))
    return tuple(done[i] for i in range(len(targets)))


def reconstruct_layer(
    network: Network,
    x: Array,
    targets: Sequence[Unit],
    rules: Sequence[str] | str,
    start: Start = "activation",
    on_unsupported: OnUnsupported = "refuse",
    refusals: dict[str, str] | None = None,
) -> dict[str, tuple[Reconstruction, ...]]:
    """Send units of one layer down to the image by several rules, with one forward pass for all.

    Args:
      network, x, start, on_unsupported: as in `reconstruct_units`.
      targets: one unit or more, all of one layer.
      rules: backward rules.
      refusals: where given, rules that cannot apply are left out and say why here: rule -> sentence.

    Returns:
      rule -> one `Reconstruction` a unit, in order, without agreement; maps in the channel order of the model input.

    Raises:
      RuleError, NetworkError: as `reconstruct_units`; those about a rule only where there are no `refusals`.
    """
    check_start(start)
    batch, node = network.checked_input(x), network.node(targets[0].layer)
    layer, codes = node.layer.name, [units.codes(unit, node.layer) for unit in targets]
    applicable: dict[str, Coverage] = {}
    for rule in dict.fromkeys(map(check_rule, [rules] if isinstance(rules, str) else rules)):
        with _collecting(refusals, [rule]):
            coverage = coverage_of(network, layer)
            refuse(network.name, layer, rule, on_unsupported, coverage)
            applicable[rule] = coverage
    arrived: dict[str, list[BackpropResult]] = {}
    with _collecting(refusals, applicable):
        arrived = select.cheapest(BackpropRequest(network, node, batch, codes, tuple(applicable), start == "one"))
    maps: dict[str, tuple[Reconstruction, ...]] = {}
    for rule, results in arrived.items():
        with _collecting(refusals, [rule]):
            for unit, result in zip(targets, results, strict=True):
                units.check_finite(network.name, unit, result.activation, result.map)
            pairs = zip(targets, results, strict=True)
            maps[rule] = tuple(record(network, node, *pair, rule, start, applicable[rule]) for pair in pairs)
    return maps


def reconstruct_target(
    network: Network,
    x: Array,
    target: Callable[[Any], Any],
    rule: str = "deconvnet",
    start: Start = "activation",
    on_unsupported: OnUnsupported = "refuse",
    prove: bool = True,
) -> Reconstruction:
    """Send a number that a person makes of the network's output down to the image.

    Formula: with t the target and v the output, ``g = t dt/dv`` (or ``dt/dv``, where start is "one") goes down.

    Args:
      network, x, rule, start, on_unsupported, prove: as in `reconstruct_units`.
      target: v (1, ...) -> one number, made of operations that JAX can differentiate.

    Returns:
      A `Reconstruction` of the whole output, with the target's value as its activation.
    """
    check_start(start)
    batch, program = network.checked_input(x), network.program()
    node = next((node for node in program.nodes if node.variable is program.flat.outputs[0]), None)
    if node is None:
        raise NetworkError(
            f"no signal can be sent down from the output of {network.name}, of shape {program.output_shapes[0]}: a "
            "target needs an output of one row or map of numbers an image"
        )
    layer = node.layer.name
    coverage = coverage_of(network, layer)
    refuse(network.name, layer, check_rule(rule), on_unsupported, coverage)
    call = rewritten(network, layer, rule, "gradient").call
    value, pull = jax.vjp(lambda x: call(program.flat.consts, x)[0], batch)
    number, g = _derivative(target, value)
    g = g if start == "one" else g * number
    (signal,) = pull(g)
    map, whole, agreement = np.asarray(signal)[0], _resolved(Unit(layer, "all"), node, units.ALL, units.ALL), None
    units.check_finite(network.name, whole, number, map)
    if prove:
        steps = network.steps_to(layer)
        if isinstance(steps, str):
            each = stepwise.steps_to(network, node, rule)
            other = each.backward(each.forward(batch)[1], g[None], rule)[0]
        else:
            other = steps.backward(steps.constants, steps.forward(steps.constants, batch)[1], g, rule)
        agreement = relative_gap(map, np.asarray(other)[0])
    result = BackpropResult(map, number, units.ALL, units.ALL)
    return replace(record(network, node, whole, result, rule, start, coverage), agreement=agreement, target=target)


def _derivative(target: Callable[[Any], Any], value: Any) -> tuple[float, Any]:
    """The target of an output and its derivative, or a sentence why there is none."""
    requirement = f"target is a function of the output, an array of shape {value.shape}, that gives one number"
    if not callable(target):
        raise DeconvvizError(f"{requirement}, as in lambda out: out[0, 3] - out[0, 5]; got {target!r}")
    try:
        number, pull = jax.vjp(lambda out: jnp.asarray(target(out)), value)
    except Exception as error:  # a person's own function
        first = (str(error).strip().splitlines() or [""])[0][:200]
        raise DeconvvizError(f"{requirement}; it raised {type(error).__name__}: {first}") from error
    if number.size != 1 or not jnp.issubdtype(number.dtype, jnp.floating):
        raise DeconvvizError(
            f"{requirement} that has a derivative; it gave an array of shape {number.shape}, {number.dtype}"
        )
    return float(number.reshape(())), pull(jnp.ones_like(number))[0]


def check_start(start: str) -> None:
    """Refuse what is no start."""
    if start not in ("activation", "one"):
        raise DeconvvizError(f"start is 'activation' or 'one'; got start={start!r}")


@contextlib.contextmanager
def _collecting(refusals: dict[str, str] | None, rules: Iterable[str]) -> Iterator[None]:
    """Write down why these rules cannot apply, or raise where nobody asks for it."""
    try:
        yield
    except (RuleError, NetworkError) as error:
        if refusals is None:
            raise
        refusals.update(dict.fromkeys(rules, str(error)))


def record(
    network: Network, node: Node, unit: Unit, result: BackpropResult, rule: str, start: Start, coverage: Coverage
) -> Reconstruction:
    """What arrived of one unit, with the place that it was resolved to."""
    has_place = len(node.layer.shape) == 3 and result.row >= 0
    place = (result.row, result.column) if has_place else (None, None)
    return Reconstruction(
        map=result.map,
        unit=_resolved(unit, node, result.row, result.column),
        activation=result.activation,
        rule=rule,
        start=start,
        receptive_field=network.receptive_box(node.layer.name, *place),
        coverage=coverage,
        agreement=None,
    )


def _resolved(unit: Unit, node: Node, row: int, column: int) -> Unit:
    if len(node.layer.shape) == 1:
        return replace(unit, row=None, column=None)
    if "all" in (unit.channel, unit.row):
        return replace(unit, row="all", column="all")
    return replace(unit, row=row, column=column)


def with_agreement(
    network: Network,
    x: Array,
    maps: Mapping[str, Sequence[Reconstruction]],
    convert: Callable[[np.ndarray], np.ndarray] = lambda map: map,
) -> dict[str, tuple[Reconstruction, ...]]:
    """The same maps, each with its agreement: how far an independent computation of it is from it.

    Only that second computation runs, with one forward pass for all.

    Args:
      network: the network.
      x: (1, H, W, C) model input that the maps are of.
      maps: rule -> reconstructions, for every rule of the same units of one layer and with the same start.
      convert: what was done to the maps since, if anything.
    """
    unproven = {rule: tuple(each) for rule, each in maps.items()}
    first = next(iter(unproven.values()), ())
    if not first:
        return unproven
    node = network.node(first[0].unit.layer)
    codes = [units.codes(result.unit, node.layer) for result in first]
    ones = first[0].start == "one"
    request = BackpropRequest(network, node, network.checked_input(x), codes, tuple(maps), ones)
    others = select.independent(request, [result.activation for result in first])
    return {
        rule: tuple(
            replace(result, agreement=relative_gap(result.map, convert(other.map)))
            for result, other in zip(results, others[rule], strict=True)
        )
        for rule, results in unproven.items()
    }


def backward_trace(network: Network, x: Array, unit: UnitLike, rule: str) -> list[SignalStep]:
    """The signal of a unit after every step of its backward pass, the last of which gives the map.

    Args:
      network: one whose operations below the layer are a chain, `Network.chain_to`.
      x: (1, H, W, C) model input.
      unit: starts with its activation; without row and column its strongest position.
      rule: a backward rule.

    Returns:
      One `SignalStep` for the start and for every step that changes the signal; empty where the network is no chain.
    """
    unit = Unit.of(unit)
    node, chain = network.node(unit.layer), network.chain_to(unit.layer)
    if not isinstance(chain, Chain):
        return []
    batch = network.checked_input(x)
    request = BackpropRequest(network, node, batch, [units.codes(unit, node.layer)], (check_rule(rule),), ones=False)
    if plan := select.windows(request):
        return chain.strip(trace_windowed(request, chain, plan))
    passed = network.store.passes.get(("chain", unit.layer), batch, lambda: chain.forward(chain.constants, batch))
    return chain.backward_trace(batch, signal_at(network, batch, unit), rule, passed)


def signal_at(network: Network, x: Array, unit: UnitLike, start: Start = "activation") -> Callable[[Any], Any]:
    """The seed of one unit as a function of the layer's value, for `Chain.backward_trace`."""
    unit = Unit.of(unit)
    node = network.node(unit.layer)
    channel, row, column = units.codes(unit, node.layer)
    return lambda value: units.seed(value, channel, row, column, jnp.bool_(start == "one"))[0]
