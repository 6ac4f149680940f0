"""The program up to a layer with its rectifiers under a rule, and what of it the rule does not cover."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import jax.numpy as jnp

from deconvviz.errors import NetworkError, RuleError
from deconvviz.network import _compat
from deconvviz.network.network import Network
from deconvviz.network.rewrite.products import by_products
from deconvviz.network.rewrite.rules import rewrite
from deconvviz.network.rewrite.switches import by_switches
from deconvviz.network.trace.jaxpr import as_function, carrying, dependent
from deconvviz.ops.rectify import check_rule
from deconvviz.types import Coverage

OnUnsupported: TypeAlias = Literal["refuse", "gradient"]


@dataclass(frozen=True, eq=False)
class Rewritten:
    """The program up to a layer with its rectifiers under a rule: ``call(consts, x) -> (value,)``."""

    call: Callable[..., Any]
    coverage: Coverage
    eqns: tuple[Any, ...] = ()


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
        on a CPU. Reconstructions do without, for a check must not share its operators with the other computation.

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
    if program.flat.input not in carrying(path, [node.variable]):
        raise NetworkError(
            f"no signal comes down from layer {layer} of {network.name} to the image: everything on the way passes a "
            "comparison, a rounding to whole numbers or a stop_gradient, whose derivative is 0: choose a layer below it"
        )
    eqns, obeyed, unsupported, custom = rewrite(path, rules, program.context(node.variable, network.rules))
    coverage = Coverage(obeyed, obeyed + len(unsupported), tuple(unsupported), tuple(custom))
    for each in rules:
        refuse(network.name, layer, each, on_unsupported, coverage)
    eqns = by_products(by_switches(eqns) if switches else eqns)
    return Rewritten(as_function(program.flat, eqns, [node.variable]), coverage, tuple(eqns))


def rewritten_above(network: Network, layer: str, to: str, rule: str) -> Rewritten:
    """The program from one layer up to another under a rule: ``call(consts, x, value of the lower one) -> (value,)``.

    Everything that does not rest on the lower layer is worked out from the image and counts as constant.
    """
    program, node, inner = network.program(), network.node(layer), network.node(to).variable
    path = program.path_to(node.variable)
    above = dependent(path, inner)
    context = replace(program.context(node.variable, network.rules), live=above)
    eqns, obeyed, unsupported, custom = rewrite(path, rule, context)
    # The equation that makes the inner value gives it another name; the value itself comes from outside.
    other = _compat.new_variable(inner.aval)
    eqns = [e.replace(outvars=[other if v is inner else v for v in e.outvars]) for e in eqns]
    flat = program.flat
    run = _compat.callable_of(flat.jaxpr, [*flat.constvars, flat.input, inner], eqns, [node.variable])
    coverage = Coverage(obeyed, obeyed + len(unsupported), tuple(unsupported), tuple(custom))
    return Rewritten(lambda consts, x, value: run(*consts, x, value), coverage)


def refuse(
    network: str, layer: str, rule: str, on_unsupported: OnUnsupported, coverage: Coverage, to: str = "the image"
) -> None:
    """Refuse a rule that would pass activations which it is not defined for, or that would meet no rectifier.

    Raises:
      RuleError: says what lies on the path, and what can be done.
    """
    if rule == "gradient" or on_unsupported == "gradient":
        return
    if unsupported := coverage.unsupported:
        raise RuleError(
            f"the {rule} rule is defined at ReLUs only, and the path to {layer} of {network} also passes "
            f"{', '.join(unsupported[:4])}{' ...' if len(unsupported) > 4 else ''} ({coverage.obeyed} ReLUs found): "
            "use rule='gradient', on_unsupported='gradient' to leave those to their ordinary derivative, or give them "
            "a backward rule of your own: rules={'gelu': lambda z, g: ...}"
        )
    if not coverage.obeyed and not coverage.own:
        raise RuleError(
            f"no rectifier (max(x, 0), as maximum, where, clip or a mask computes it) lies between {to} and {layer} of "
            f"{network}, so the {rule} rule would silently be the plain gradient: choose a layer above a ReLU, or "
            "rule='gradient'"
        )


def coverage_of(network: Network, layer: str) -> Coverage:
    """What lies between the image and a layer, the same for every rule.

    Raises:
      NetworkError, RuleError: no signal can be sent down from the layer by any rule.
    """

    def make() -> Coverage:
        return rewritten(network, layer, "gradient").coverage

    return network.store.get(("coverage", layer, jnp.result_type(float).name), make)
