"""Backprop equation by equation, for networks that have no adjoints written by hand.

`jax.vjp` differentiates the rewritten program as a whole and lets XLA fuse it. Here each equation is run by itself, its
values are stored, and going down each is differentiated by itself, at its rectifiers by the rule's formula. The two
share which equations are rectifiers and JAX's derivative of single operations; not how a derivative is put together,
nor what XLA makes of the whole. So it finds mistakes of a transposition, of a fusion and of the exchange of rectifiers;
it does not find a rectifier that was not recognized (`trace.nonlinear` objects to that).

Source: zeiler2014visualizing
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from deconvviz.network import _compat
from deconvviz.network.network import Network
from deconvviz.network.rewrite import rules
from deconvviz.network.trace.jaxpr import Equation, carrying, dependent, fold, is_floating, is_literal
from deconvviz.network.trace.rectifiers import survey
from deconvviz.network.trace.trace import Node
from deconvviz.ops.rectify import backward as rectifier_backward


@dataclass(frozen=True, eq=False)
class Steps:
    """The equations from the model input up to one layer, some of them rectifiers.

    Attributes:
      input, output: variables of the model input and the layer.
      end: where the signal ends, the input or a layer below the other.
      eqns: in execution order.
      rectifiers: result of an equation that is a rectifier -> what goes into it.
      carrying: variables that a signal reaches and that rest on its end.
      fixed: values that do not depend on the image.
    """

    input: Any
    output: Any
    end: Any
    eqns: tuple[Any, ...]
    rectifiers: dict[Any, Any]
    carrying: set[Any]
    fixed: dict[Any, Any]

    def forward(self, x: Any) -> tuple[Any, dict[Any, Any]]:
        """The layer's value, and those of all variables below it."""
        values: dict[Any, Any] = {**self.fixed, self.input: x}
        for eqn in self.eqns:
            results = _function(eqn)(*(_value(a, values) for a in eqn.invars))
            values.update(zip(eqn.outvars, results, strict=True))
        return values[self.output], values

    def backward(self, values: dict[Any, Any], g: Any, rule: str) -> Any:
        """Signals at the end, (units, 1, H, W, C) at the input, for signals (units, *value) of the layer."""
        signals: dict[Any, Any] = {self.output: g}
        for eqn in reversed(self.eqns):
            outs = [None if v is self.end else signals.pop(v, None) for v in eqn.outvars]
            if all(out is None for out in outs):
                continue
            below = self.rectifiers.get(eqn.outvars[0])
            out = outs[0]
            if below is not None and out is not None:
                z = values[below]
                passed = [(below, rectifier_backward(rule, jnp.broadcast_to(z, out.shape), out))]
            else:
                passed = self._through(eqn, values, outs, len(g))
            for variable, signal in passed:
                signals[variable] = signal if variable not in signals else signals[variable] + signal
        none = jnp.zeros((len(g), *values[self.end].shape), g.dtype)
        return signals.get(self.end, none)

    def _through(
        self, eqn: Any, values: dict[Any, Any], outs: Sequence[Any], units: int
    ) -> list[tuple[Any, Any]]:  # fmt: skip
        """(variable, signal) for each operand of one equation that a signal goes down to."""
        moving = dict.fromkeys(
            a for a in eqn.invars if not is_literal(a) and a in self.carrying and a not in self.fixed and is_floating(a)
        )
        if not moving:
            return []
        run, operands = _function(eqn), list(moving)

        def of(*operand_values: Any) -> list[Any]:
            known = dict(zip(operands, operand_values, strict=True))
            results = run(*(known[a] if not is_literal(a) and a in known else _value(a, values) for a in eqn.invars))
            return [r for r, v in zip(results, eqn.outvars, strict=True) if is_floating(v)]

        _, pull = jax.vjp(of, *(values[a] for a in operands))
        arrived = [
            jnp.zeros((units, *v.aval.shape), v.aval.dtype) if out is None else out.astype(v.aval.dtype)
            for out, v in zip(outs, eqn.outvars, strict=True) if is_floating(v)
        ]  # fmt: skip
        return list(zip(operands, jax.vmap(pull)(arrived), strict=True))


def steps_to(network: Network, node: Node, rule: str, to: Node | None = None) -> Steps:
    """The equations up to a layer, rewritten for a rule as far as they are no plain rectifiers.

    Args:
      network: the network.
      node: the layer.
      rule: a backward rule.
      to: the layer where the signal ends; the image if None.

    Raises:
      RuleError: if the signal would have to pass a while loop.
    """
    program = network.program()
    path = program.path_to(node.variable)
    end = program.flat.input if to is None else to.variable
    context = program.context(node.variable, network.rules)
    context = context if to is None else replace(context, live=dependent(path, end))
    eqns, *_ = rules.rewrite(path, rule, context)
    surveyed = survey(path, context.known)
    plain = {path[i].out: z for i, z in surveyed.rectifiers.items() if path[i].out in context.live}
    plain = {} if network.rules else plain
    items = [Equation(eqn, ()) for eqn in eqns]
    # The pieces of a bound bind variables that the program does not have; they move with the image, too.
    live, moving = set(program.live), []
    for eqn in eqns:
        if any(not is_literal(a) and a in live for a in eqn.invars):
            moving.append(eqn)
            live.update(eqn.outvars)
    others = [a for eqn in moving for a in eqn.invars if not is_literal(a) and a not in live]
    fixed = fold(program.flat, others)
    signals = carrying(items, [node.variable]) & dependent(items, end)
    return Steps(program.flat.input, node.variable, end, tuple(moving), plain, signals, fixed)


def _function(eqn: Any) -> Callable[..., list[Any]]:
    """An equation as a function of its operands."""
    params = dict(eqn.params)

    def run(*operands: Any) -> list[Any]:
        inputs = [_compat.new_variable(a.aval) for a in eqn.invars]
        outputs = [_compat.new_variable(v.aval) for v in eqn.outvars]
        alone = eqn.replace(invars=inputs, outvars=outputs, params=params)
        return _compat.callable_of(_compat.empty_jaxpr(), inputs, [alone], outputs)(*operands)

    return run


def _value(atom: Any, values: dict[Any, Any]) -> Any:
    return np.asarray(atom.val, atom.aval.dtype) if is_literal(atom) else values[atom]
