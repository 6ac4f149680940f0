"""From a unit back to the image: the signal sent down by a rule, on both roads.

The derived road cuts the traced program at the layer, replaces its rectifiers by the rule and lets `jax.vjp` pull the
unit's signal back. The explicit road, where the network is a chain, uses no derivative: layer by layer over whole maps
(`explicit`), or, for single units, only within their receptive fields (`windowed`). The map comes from the cheapest
road there is; a proof takes another beside it.
Channel, row and column are traced numbers: one compile a layer, rule and number of units, kept in a bounded cache.

Source: zeiler2014visualizing, springenberg2015striving, simonyan2014deep
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import jax.numpy as jnp
import numpy as np

from deconvviz.errors import DeconvvizError, NetworkError, RuleError
from deconvviz.metrics import relative_gap
from deconvviz.network import units
from deconvviz.network.backward import routes
from deconvviz.network.backward.explicit import Chain
from deconvviz.network.backward.graph import Graph
from deconvviz.network.network import Network
from deconvviz.network.rewrite import rules
from deconvviz.network.rewrite.switches import by_switches
from deconvviz.network.trace.jaxpr import as_function
from deconvviz.network.trace.trace import Node
from deconvviz.ops.rectify import check_rule
from deconvviz.types import Array, Coverage, Reconstruction, Start, Unit

OnUnsupported = Literal["refuse", "gradient"]


@dataclass(frozen=True, eq=False)
class Rewritten:
    """The program up to a layer with its rectifiers under a rule: ``call(consts, x) -> (value,)``."""

    call: Callable[..., Any]
    coverage: Coverage


def rewritten(
    network: Network, layer: str, rule: str, on_unsupported: OnUnsupported = "refuse", switches: bool = False
) -> Rewritten:
    """Cut the network at a layer and put its rectifiers under a rule.

    Args:
      network: the network.
      layer: where the program ends.
      rule: a backward rule.
      on_unsupported: what to do about activations that are no ReLU.
      switches: compute max pooling by `deconvviz.ops.pool.max_pool`: the same function, much faster to differentiate
        on a CPU. Reconstructions do without, for a proof must not share its operators with the other road.

    Raises:
      RuleError: unknown rule; or a rectifier rule on a path without rectifiers, or with activations that have no such
        rule (unless ``on_unsupported="gradient"`` leaves those to their ordinary derivative).
    """
    check_rule(rule)
    if on_unsupported not in ("refuse", "gradient"):
        raise RuleError(f"on_unsupported is 'refuse' or 'gradient'; got {on_unsupported!r}")
    node, program = network.node(layer), network.program()
    if not jnp.issubdtype(node.variable.aval.dtype, jnp.floating):
        raise NetworkError(
            f"layer {layer} of {network.name} holds {node.variable.aval.dtype} numbers, through which no "
            "signal goes down: choose a layer below it"
        )
    path = program.path_to(node.variable)
    eqns, obeyed, unsupported = rules.rewrite(path, rule, program.context(node.variable))
    if rule != "gradient" and on_unsupported == "refuse":
        _refuse(network.name, layer, rule, obeyed, unsupported)
    coverage = Coverage(obeyed, obeyed + len(unsupported), tuple(unsupported))
    eqns = by_switches(eqns) if switches else eqns
    return Rewritten(as_function(program.flat, eqns, [node.variable]), coverage)


def _refuse(network: str, layer: str, rule: str, obeyed: int, unsupported: Sequence[str]) -> None:
    if unsupported:
        raise RuleError(
            f"the {rule} rule is defined at ReLUs only, and the path to {layer} of {network} also passes "
            f"{', '.join(unsupported[:4])}{' ...' if len(unsupported) > 4 else ''} ({obeyed} ReLUs found): use "
            "rule='gradient', or on_unsupported='gradient' to leave those to their ordinary derivative"
        )
    if not obeyed:
        raise RuleError(
            f"no rectifier (max(x, 0) in any spelling) lies between the image and {layer} of {network}, so the {rule} "
            "rule would silently be the plain gradient: choose a layer above a ReLU, or rule='gradient'"
        )


def reconstruct_units(
    network: Network,
    x: Array,
    wanted: Sequence[Unit],
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
    if start not in ("activation", "one"):
        raise DeconvvizError(f"start is 'activation' or 'one'; got start={start!r}")
    batch = network._checked(x)
    done: dict[int, Reconstruction] = {}
    by_layer: dict[str, list[int]] = {}
    for index, unit in enumerate(wanted):
        by_layer.setdefault(unit.layer, []).append(index)
    for layer, indices in by_layer.items():
        chosen = [wanted[i] for i in indices]
        results = _of_layer(network, batch, layer, chosen, rule, start, on_unsupported, prove)
        done.update(zip(indices, results, strict=True))
    return tuple(done[i] for i in range(len(wanted)))


def _of_layer(
    network: Network, x: np.ndarray, layer: str, wanted: list[Unit], rule: str, start: Start,
    on_unsupported: OnUnsupported, prove: bool,
) -> list[Reconstruction]:  # fmt: skip
    """The units of one layer: down the cheapest road, and another one beside it as a proof."""
    node = network.node(layer)
    codes = [units.codes(unit, node.layer) for unit in wanted]
    cut = network.store.get(
        ("cut", layer, rule, on_unsupported, x.dtype.name), lambda: rewritten(network, layer, rule, on_unsupported)
    )
    job = routes.Job(network, node, x, codes, rule, start == "one")
    steps = network.steps_to(layer)
    way = routes.way(network, node) if all(row != units.ALL for _, row, _ in codes) else None

    def derived() -> list[routes.Sent]:
        return _derived(job, cut, (on_unsupported,))

    others: list[routes.Sent] | None
    if way and isinstance(steps, Chain):
        sent = routes.cropped_road(job, steps, way)
        others = derived() if prove else None
    elif isinstance(steps, Graph):
        sent = routes.explicit_road(job, steps)
        others = derived() if prove else None
    else:
        sent = derived()
        others = routes.explicit_road(job, steps) if prove and isinstance(steps, Chain) else None
    gaps = [relative_gap(a.map, b.map) for a, b in zip(sent, others, strict=True)] if others else [None] * len(sent)
    for unit, one in zip(wanted, sent, strict=True):
        units.check_finite(network.name, unit, one.activation, one.map)
    return [
        Reconstruction(
            map=one.map, unit=_resolved(unit, node, one.row, one.column), activation=one.activation, rule=rule,
            start=start, receptive_field=_box(network, node, one.row, one.column), coverage=cut.coverage, agreement=gap,
        )
        for unit, one, gap in zip(wanted, sent, gaps, strict=True)
    ]  # fmt: skip


def _derived(job: routes.Job, cut: Rewritten, key: tuple[Any, ...]) -> list[routes.Sent]:
    """The derived road; what JAX cannot differentiate is refused in a sentence."""
    try:
        return routes.derived_road(job, cut.call, key)
    except (NotImplementedError, ValueError) as error:
        if "ifferentiat" not in str(error):
            raise
        first = (str(error).strip().splitlines() or [""])[0][:200]
        raise RuleError(
            f"no signal can be sent down from {job.node.layer.name} of {job.network.name}: JAX cannot differentiate an "
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


def signal_at(network: Network, x: Array, unit: Unit, start: Start = "activation") -> Callable[[Any], Any]:
    """The seed of one unit as a function of the layer's value, for `Chain.walk_down`."""
    node = network.node(unit.layer)
    channel, row, column = units.codes(unit, node.layer)
    return lambda value: units.seed(value, channel, row, column, jnp.bool_(start == "one"))[0]
