"""From a unit down to an inner layer: its signal at that layer, which goes no further.

The program above the inner layer is a function of that layer's value; what reaches the unit past it, a shortcut or
another branch, is held as it is for the image. Two computations, as everywhere: `jax.vjp` of the rewritten program, and
equation by equation (`stepwise`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from deconvviz.errors import NetworkError
from deconvviz.metrics import relative_gap
from deconvviz.network import units
from deconvviz.network._jit import jit
from deconvviz.network.backward import stepwise
from deconvviz.network.backward.backprop import BackpropResult
from deconvviz.network.backward.reconstruct import check_start, record
from deconvviz.network.network import Network
from deconvviz.network.rewrite.program import OnUnsupported, refuse, rewritten_above
from deconvviz.network.trace.trace import as_in_program, permuted
from deconvviz.ops.rectify import check_rule
from deconvviz.types import Array, Reconstruction, Start, Unit, UnitLike


def reconstruct_inner(
    network: Network,
    x: Array,
    unit: UnitLike,
    to: str,
    rule: str = "deconvnet",
    start: Start = "activation",
    on_unsupported: OnUnsupported = "refuse",
    prove: bool = True,
) -> Reconstruction:
    """Send one unit of a model input down to a layer below it.

    Formula: with h the inner layer's value and a the unit as a function of it, ``g = a da/dh`` (or ``da/dh``, where
    start is "one"), each rectifier between the two under the rule.

    Args:
      network, x, rule, start, on_unsupported, prove: as in `reconstruct_units`.
      unit: the unit.
      to: name of the inner layer.

    Returns:
      A `Reconstruction` whose map has the shape of the inner layer, (h, w, c) or (c,).

    Raises:
      NetworkError: no such layer or unit; or the unit does not rest on the inner layer.
      RuleError: the rule cannot apply between the two.
    """
    check_start(start)
    unit = Unit.of(unit)
    batch, node, below = network.checked_input(x), network.node(unit.layer), network.node(to)
    code = units.codes(unit, node.layer)
    program = network.program()
    variables = {v for item in program.path_to(node.variable) for v in item.eqn.outvars}
    if below is node or below.variable not in variables:
        raise NetworkError(
            f"to={to!r} names a layer below the unit, that its value is made from; {unit.layer} of {network.name} is "
            f"{'that layer itself' if below is node else 'made without it'}"
        )
    check_rule(rule)
    above = rewritten_above(network, unit.layer, to, rule)
    refuse(network.name, unit.layer, rule, on_unsupported, above.coverage, to)

    def make() -> Any:
        def run(consts: Any, x: Any, inner: Any, code: Any, ones: Any) -> Any:
            value, pull = jax.vjp(lambda h: permuted(node, above.call(consts, x, h)[0]), inner)
            g, activation, row, column = units.seed(value, code[0], code[1], code[2], ones)
            return permuted(below, pull(g)[0]), activation, row, column, as_in_program(node, g)

        return jit(run)

    key = ("inner", unit.layer, to, rule, batch.dtype.name)
    inner = as_in_program(below, jnp.asarray(network.taps(batch, [to])[to]))
    run = network.store.compiled(key, make)
    signal, activation, row, column, g = run(
        program.flat.consts, batch, inner, np.asarray(code, np.int32), np.bool_(start == "one")
    )
    map = np.asarray(signal)[0]
    units.check_finite(network.name, unit, float(activation), map)
    result = BackpropResult(map, float(activation), int(row), int(column))
    agreement = None
    if prove:
        steps = stepwise.steps_to(network, node, rule, below)
        other = steps.backward(steps.forward(batch)[1], g[None], rule)[0]
        agreement = relative_gap(map, np.asarray(permuted(below, other))[0])
    return replace(record(network, node, unit, result, rule, start, above.coverage), agreement=agreement, to=to)
