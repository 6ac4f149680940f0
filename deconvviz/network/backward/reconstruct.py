"""From a unit back to the image: the signal sent down by a rule, on both roads.

The derived road cuts the traced program at the layer, replaces its rectifiers by the rule and lets `jax.vjp` pull the
unit's signal back. The explicit road, where the network is a chain, uses no derivative: layer by layer over whole maps
(`explicit`), or, for single units, only within their receptive fields (`windowed`). The map comes from the cheapest
road there is; a proof takes another beside it.
Channel, row and column are traced numbers: one compile a layer, rule and number of units, kept in a bounded cache.

Source: zeiler2014visualizing, springenberg2015striving, simonyan2014deep
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import jax.numpy as jnp
import numpy as np

from deconvviz.errors import DeconvvizError, NetworkError, RuleError
from deconvviz.metrics import relative_gap
from deconvviz.network import units
from deconvviz.network.backward import routes, windowed
from deconvviz.network.backward.explicit import Chain
from deconvviz.network.backward.graph import Graph
from deconvviz.network.network import Network
from deconvviz.network.rewrite.rules import rewrite
from deconvviz.network.rewrite.switches import by_switches
from deconvviz.network.trace.jaxpr import as_function
from deconvviz.network.trace.trace import Node
from deconvviz.ops.rectify import check_rule
from deconvviz.types import Array, Coverage, Reconstruction, Start, Unit, UnitLike

OnUnsupported = Literal["refuse", "gradient"]


@dataclass(frozen=True, eq=False)
class Rewritten:
    """The program up to a layer with its rectifiers under a rule: ``call(consts, x) -> (value,)``."""

    call: Callable[..., Any]
    coverage: Coverage


def rewritten(
    network: Network,
    layer: str,
    rule: str | tuple[str, ...],
    on_unsupported: OnUnsupported = "refuse",
    switches: bool = False,
) -> Rewritten:
    """Cut the network at a layer and put its rectifiers under a rule.

    Args:
      network: the network.
      layer: where the program ends.
      rule: a backward rule, or several, for `deconvviz.ops.rectify.pull_each`.
      on_unsupported: what to do about activations that are no ReLU.
      switches: compute max pooling by `deconvviz.ops.pool.max_pool`: the same function, much faster to differentiate
        on a CPU. Reconstructions do without, for a proof must not share its operators with the other road.

    Raises:
      RuleError: unknown rule; or a rectifier rule on a path without rectifiers, or with activations that have no such
        rule (unless ``on_unsupported="gradient"`` leaves those to their ordinary derivative).
    """
    rules = tuple(map(check_rule, (rule,) if isinstance(rule, str) else rule))
    if on_unsupported not in ("refuse", "gradient"):
        raise RuleError(f"on_unsupported is 'refuse' or 'gradient'; got {on_unsupported!r}")
    node, program = network.node(layer), network.program()
    if not jnp.issubdtype(node.variable.aval.dtype, jnp.floating):
        raise NetworkError(
            f"layer {layer} of {network.name} holds {node.variable.aval.dtype} numbers, through which no "
            "signal goes down: choose a layer below it"
        )
    path = program.path_to(node.variable)
    eqns, obeyed, unsupported = rewrite(path, rules, program.context(node.variable))
    coverage = Coverage(obeyed, obeyed + len(unsupported), tuple(unsupported))
    for each in rules:
        _refuse(network.name, layer, each, on_unsupported, coverage)
    eqns = by_switches(eqns) if switches else eqns
    return Rewritten(as_function(program.flat, eqns, [node.variable]), coverage)


def _refuse(network: str, layer: str, rule: str, on_unsupported: OnUnsupported, coverage: Coverage) -> None:
    if rule == "gradient" or on_unsupported == "gradient":
        return
    if unsupported := coverage.unsupported:
        raise RuleError(
            f"the {rule} rule is defined at ReLUs only, and the path to {layer} of {network} also passes "
            f"{', '.join(unsupported[:4])}{' ...' if len(unsupported) > 4 else ''} ({coverage.obeyed} ReLUs found): "
            "use rule='gradient', or on_unsupported='gradient' to leave those to their ordinary derivative"
        )
    if not coverage.obeyed:
        raise RuleError(
            f"no rectifier (max(x, 0) in any spelling) lies between the image and {layer} of {network}, so the {rule} "
            "rule would silently be the plain gradient: choose a layer above a ReLU, or rule='gradient'"
        )


def reconstruct_units(
    network: Network,
    x: Array,
    wanted: Sequence[UnitLike],
    rule: str = "deconvnet",
    start: Start = "activation",
    on_unsupported: OnUnsupported = "refuse",
    prove: bool = True,
) -> tuple[Reconstruction, ...]:
    """Send units of one model input down to the image, layer by layer, with one forward pass for many units.

    Args:
      network: the network.
      x: (1, H, W, C) model input.
      wanted: the units, of any layers.
      rule: a backward rule.
      start: "activation" or "one".
      on_unsupported: what to do about activations that are no ReLU.
      prove: also take another road where there is one, and report the two roads' agreement.

    Returns:
      One `Reconstruction` a unit, in order; maps in the channel order of the model input.
    """
    chosen = [Unit.of(unit) for unit in wanted]
    by_layer: dict[str, list[int]] = {}
    for index, unit in enumerate(chosen):
        by_layer.setdefault(unit.layer, []).append(index)
    done: dict[int, Reconstruction] = {}
    for indices in by_layer.values():
        results = reconstruct_layer(network, x, [chosen[i] for i in indices], (rule,), start, on_unsupported)[rule]
        results = with_agreement(network, x, {rule: results})[rule] if prove else results
        done.update(zip(indices, results, strict=True))
    return tuple(done[i] for i in range(len(wanted)))


def reconstruct_layer(
    network: Network,
    x: Array,
    wanted: Sequence[Unit],
    rules: Sequence[str] | str,
    start: Start = "activation",
    on_unsupported: OnUnsupported = "refuse",
    refusals: dict[str, str] | None = None,
) -> dict[str, tuple[Reconstruction, ...]]:
    """Send units of one layer down to the image by several rules, with one forward pass for all.

    Args:
      network, x, start, on_unsupported: as in `reconstruct_units`.
      wanted: one unit or more, all of one layer.
      rules: backward rules.
      refusals: where given, rules that cannot apply are left out and say why here: rule -> sentence.

    Returns:
      rule -> one `Reconstruction` a unit, in order, without agreement; maps in the channel order of the model input.

    Raises:
      RuleError, NetworkError: as `reconstruct_units`; those about a rule only where there are no `refusals`.
    """
    if start not in ("activation", "one"):
        raise DeconvvizError(f"start is 'activation' or 'one'; got start={start!r}")
    batch, node = network.checked_input(x), network.node(wanted[0].layer)
    codes = [units.codes(unit, node.layer) for unit in wanted]
    applicable = []
    for rule in dict.fromkeys(map(check_rule, [rules] if isinstance(rules, str) else rules)):
        with _refusing(refusals, [rule]):
            coverage = _coverage(network, node.layer.name)
            _refuse(network.name, node.layer.name, rule, on_unsupported, coverage)
            applicable.append(rule)
    sent: dict[str, list[routes.Sent]] = {}
    with _refusing(refusals, applicable):
        sent = _cheapest(routes.Job(network, node, batch, codes, tuple(applicable), start == "one"))
    results: dict[str, tuple[Reconstruction, ...]] = {}
    for rule, arrived in ((rule, sent[rule]) for rule in applicable if rule in sent):
        with _refusing(refusals, [rule]):
            for unit, one in zip(wanted, arrived, strict=True):
                units.check_finite(network.name, unit, one.activation, one.map)
            results[rule] = tuple(
                Reconstruction(
                    map=one.map, unit=_resolved(unit, node, one.row, one.column), activation=one.activation, rule=rule,
                    start=start, receptive_field=_box(network, node, one.row, one.column), coverage=coverage,
                    agreement=None,
                )
                for unit, one in zip(wanted, arrived, strict=True)
            )  # fmt: skip
    return results


def with_agreement(
    network: Network,
    x: Array,
    maps: Mapping[str, Sequence[Reconstruction]],
    convert: Callable[[np.ndarray], np.ndarray] = lambda map: map,
) -> dict[str, tuple[Reconstruction, ...]]:
    """The same maps, each with its agreement: how far an independent computation of it is from it.

    Only that second computation runs, with one forward pass for all; None stays where there is no second one.

    Args:
      network: the network.
      x: (1, H, W, C) model input that the maps are of.
      maps: rule -> reconstructions, for every rule of the same units of one layer and with the same start.
      convert: what was done to the maps since, if anything.
    """
    first = next(iter(maps.values()), ())
    if not first:
        return {rule: tuple(each) for rule, each in maps.items()}
    node = network.node(first[0].unit.layer)
    codes = [units.codes(one.unit, node.layer) for one in first]
    others = _second(routes.Job(network, node, network.checked_input(x), codes, tuple(maps), first[0].start == "one"))
    if others is None:
        return {rule: tuple(each) for rule, each in maps.items()}
    return {
        rule: tuple(
            replace(one, agreement=relative_gap(one.map, convert(other.map)))
            for one, other in zip(each, others[rule], strict=True)
        )
        for rule, each in maps.items()
    }


@contextlib.contextmanager
def _refusing(refusals: dict[str, str] | None, rules: Sequence[str]) -> Iterator[None]:
    """Write down why these rules cannot apply, or raise where nobody asks for it."""
    try:
        yield
    except (RuleError, NetworkError) as error:
        if refusals is None:
            raise
        refusals.update(dict.fromkeys(rules, str(error)))


def _coverage(network: Network, layer: str) -> Coverage:
    """What lies between the image and a layer, the same for every rule."""
    return network.store.get(
        ("coverage", layer, jnp.result_type(float).name), lambda: rewritten(network, layer, "gradient").coverage
    )


def _cheapest(job: routes.Job) -> dict[str, list[routes.Sent]]:
    """The maps by the computation that takes least."""
    steps, way = job.network.steps_to(job.node.layer.name), _way(job)
    if way and isinstance(steps, Chain):
        return routes.cropped_road(job, steps, way)
    return routes.explicit_road(job, steps) if isinstance(steps, Graph) else _derived(job)


def _second(job: routes.Job) -> dict[str, list[routes.Sent]] | None:
    """The maps by a computation that shares nothing with `_cheapest` but the weights; None where there is none."""
    steps = job.network.steps_to(job.node.layer.name)
    if isinstance(steps, Graph) or _way(job):
        return _derived(job)
    return routes.explicit_road(job, steps) if isinstance(steps, Chain) else None


def _way(job: routes.Job) -> windowed.Plan | None:
    """Where the windows of the units lie; None where whole maps have to do."""
    return routes.way(job.network, job.node) if all(row != units.ALL for _, row, _ in job.codes) else None


def _derived(job: routes.Job) -> dict[str, list[routes.Sent]]:
    """The derived road; what JAX cannot differentiate is refused in a sentence."""
    layer = job.node.layer.name
    cut = job.network.store.get(
        ("cut", layer, job.rules, job.x.dtype.name), lambda: rewritten(job.network, layer, job.rules, "gradient")
    )
    try:
        return routes.derived_road(job, cut.call)
    except (NotImplementedError, ValueError) as error:
        if "ifferentiat" not in str(error):
            raise
        first = (str(error).strip().splitlines() or [""])[0][:200]
        raise RuleError(
            f"no signal can be sent down from {layer} of {job.network.name}: JAX cannot differentiate an "
            f"operation on the way ({first}). Choose a layer below it, or give that operation a jax.custom_vjp"
        ) from error


def _resolved(unit: Unit, node: Node, row: int, column: int) -> Unit:
    if len(node.layer.shape) == 1:
        return replace(unit, row=None, column=None)
    if "all" in (unit.channel, unit.row):
        return replace(unit, row="all", column="all")
    return replace(unit, row=row, column=column)


def _box(network: Network, node: Node, row: int, column: int) -> tuple[int, int, int, int]:
    known = len(node.layer.shape) == 3 and row >= 0
    return network.receptive_box(node.layer.name, row if known else None, column if known else None)


def signal_at(network: Network, x: Array, unit: UnitLike, start: Start = "activation") -> Callable[[Any], Any]:
    """The seed of one unit as a function of the layer's value, for `Chain.walk_down`."""
    unit = Unit.of(unit)
    node = network.node(unit.layer)
    channel, row, column = units.codes(unit, node.layer)
    return lambda value: units.seed(value, channel, row, column, jnp.bool_(start == "one"))[0]
