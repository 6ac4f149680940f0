"""From a unit back to the image: the signal sent down by a rule, on both roads.

The first road cuts the traced program at the layer, replaces its rectifiers by the rule and lets `jax.vjp` pull the
unit's signal back. The second road (`deconvviz.network.explicit`), where the network is a chain, uses no derivative.
Channel, row and column are traced numbers: one compile a layer, rule and number of units, kept in a bounded cache.

Source: zeiler2014visualizing, springenberg2015striving, simonyan2014deep
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np

from deconvviz.errors import DeconvvizError, RuleError
from deconvviz.network import rules, units
from deconvviz.network._jaxpr import as_function, dependent
from deconvviz.network.explicit import Chain
from deconvviz.network.network import Network
from deconvviz.network.trace import Node, permuted
from deconvviz.ops.rectify import check_rule
from deconvviz.types import Array, Coverage, Reconstruction, Start, Unit

OnUnsupported = Literal["refuse", "gradient"]
#: Units sent down together; more are done in groups, so memory stays bounded.
GROUP = 16


@dataclass(frozen=True, eq=False)
class Rewritten:
    """The program up to a layer with its rectifiers under a rule: ``call(consts, x) -> (value,)``."""

    call: Callable[..., Any]
    coverage: Coverage


def rewritten(network: Network, layer: str, rule: str, on_unsupported: OnUnsupported = "refuse") -> Rewritten:
    """Cut the network at a layer and put its rectifiers under a rule.

    Raises:
      RuleError: unknown rule; or a rectifier rule on a path without rectifiers, or with activations that have no such
        rule (unless ``on_unsupported="gradient"`` leaves those to their ordinary derivative).
    """
    check_rule(rule)
    if on_unsupported not in ("refuse", "gradient"):
        raise RuleError(f"on_unsupported is 'refuse' or 'gradient'; got {on_unsupported!r}")
    node, program = network.node(layer), network.program()
    path = program.path_to(node.variable)
    live = dependent(path, program.flat.input)
    eqns, obeyed, unsupported = rules.rewrite(path, rule, live)
    if rule != "gradient" and on_unsupported == "refuse":
        _refuse(network.name, layer, rule, obeyed, unsupported)
    coverage = Coverage(obeyed, obeyed + len(unsupported), tuple(unsupported))
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
    """Send units of one model input down to the image, layer by layer in groups, with one forward pass a group.

    Args:
      network: the network.
      x: (1, H, W, C) model input.
      wanted: the units, of any layers.
      rule: a backward rule.
      start: "activation" or "one".
      on_unsupported: what to do about activations that are no ReLU.
      prove: also take the explicit road where there is one, and report the two roads' agreement.

    Returns:
      One `Reconstruction` a unit, in order; maps in the channel order of the model input.
    """
    if start not in ("activation", "one"):
        raise DeconvvizError(f"start is 'activation' or 'one'; got start={start!r}")
    done: dict[int, Reconstruction] = {}
    by_layer: dict[str, list[int]] = {}
    for index, unit in enumerate(wanted):
        by_layer.setdefault(unit.layer, []).append(index)
    for layer, indices in by_layer.items():
        for first in range(0, len(indices), GROUP):
            group = indices[first : first + GROUP]
            results = _one_group(network, x, layer, [wanted[i] for i in group], rule, start, on_unsupported, prove)
            done.update(zip(group, results, strict=True))
    return tuple(done[i] for i in range(len(wanted)))


def _one_group(
    network: Network, x: Array, layer: str, group: list[Unit], rule: str, start: Start, on_unsupported: OnUnsupported,
    prove: bool,
) -> list[Reconstruction]:  # fmt: skip
    node, program = network.node(layer), network.program()
    codes = [units.codes(unit, node.layer) for unit in group]
    size = 1 << (len(group) - 1).bit_length()
    padded = np.asarray(codes + codes[-1:] * (size - len(group)), np.int32)
    batch = network._checked(x)
    key = (layer, rule, on_unsupported, size, batch.dtype.name)
    cut = network.store.get(("cut", *key), lambda: rewritten(network, layer, rule, on_unsupported))
    road = network.store.compiled(("vjp", *key), lambda: _vjp_road(cut, node))
    one = np.bool_(start == "one")
    maps, activations, rows, columns = map(np.asarray, road(program.flat.consts, batch, padded, one))
    gaps: list[float | None] = [None] * len(group)
    steps = network.chain_to(layer) if prove else ""
    if isinstance(steps, Chain):
        resolved = np.stack([padded[:, 0], rows, columns], axis=1).astype(np.int32)
        others = np.asarray(_explicit_road(network, steps, node, batch, resolved, one, rule))
        gaps = [relative_gap(maps[i], others[i]) for i in range(len(group))]
    return [
        Reconstruction(
            map=maps[i], unit=_resolved(unit, node, int(rows[i]), int(columns[i])), activation=float(activations[i]),
            rule=rule, start=start, receptive_field=_box(network, node, int(rows[i]), int(columns[i])),
            coverage=cut.coverage, agreement=gaps[i],
        )
        for i, unit in enumerate(group)
    ]  # fmt: skip


def _vjp_road(cut: Rewritten, node: Node) -> Callable[..., Any]:
    """Compiled: one forward pass, then every unit's signal pulled back through the rewritten program."""

    def road(consts: Any, x: Any, codes: Any, one: Any) -> Any:
        value, pull = jax.vjp(lambda x: permuted(node, cut.call(consts, x)[0]), x)

        def unit(code: Any) -> Any:
            g, activation, row, column = units.seed(value, code[0], code[1], code[2], one)
            return pull(g)[0][0], activation, row, column

        return jax.vmap(unit)(codes)

    return jax.jit(road)


def _explicit_road(
    network: Network, steps: Chain, node: Node, x: Any, codes: np.ndarray, one: Any, rule: str
) -> Any:  # fmt: skip
    """Up with stored switches, down by hand, operator by operator; positions are already resolved.

    Not compiled as a whole: each operator of `deconvviz.ops` is, once for all layers above it and all rules.
    """
    value, memories = steps.up(steps.constants, x)

    def make() -> Callable[..., Any]:
        def seeds(value: Any, codes: Any, one: Any) -> Any:
            g = jax.vmap(lambda c: units.seed(permuted(node, value), c[0], c[1], c[2], one)[0][0])(codes)
            if node.permutation is not None:
                g = g.transpose([node.permutation.index(d) for d in range(4)])
            return g

        return jax.jit(seeds)

    g = network.store.compiled(("seeds", node.layer.name, len(codes), value.dtype.name), make)(value, codes, one)
    return steps.down(steps.constants, memories, g, rule)


def relative_gap(a: Array, b: Array) -> float:
    """``norm(a - b) / max(norm(a), norm(b))``; 0 where both are zero.

    >>> round(relative_gap(np.array([3.0, 4.0]), np.array([3.0, 4.5])), 5)
    0.09245
    """
    first, second = np.asarray(a, np.float64), np.asarray(b, np.float64)
    scale = max(np.linalg.norm(first), np.linalg.norm(second))
    return float(np.linalg.norm(first - second) / scale) if scale else 0.0


def _resolved(unit: Unit, node: Node, row: int, column: int) -> Unit:
    if len(node.layer.shape) == 1:
        return replace(unit, row=None, column=None)
    return unit if unit.row == "all" else replace(unit, row=row, column=column)


def _box(network: Network, node: Node, row: int, column: int) -> tuple[int, int, int, int]:
    known = len(node.layer.shape) == 3 and row >= 0
    return network.receptive_box(node.layer.name, row if known else None, column if known else None)


def signal_at(network: Network, x: Array, unit: Unit, start: Start = "activation") -> Callable[[Any], Any]:
    """The seed of one unit as a function of the layer's value, for `Chain.walk_down`."""
    node = network.node(unit.layer)
    channel, row, column = units.codes(unit, node.layer)
    return lambda value: units.seed(value, channel, row, column, jnp.bool_(start == "one"))[0]
