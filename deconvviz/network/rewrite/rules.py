"""Backward rules by editing the traced program: every ``max(z, 0)`` is replaced, everything else is left alone.

A rectifier is recognized by what it computes, not by its name: ``jax.nn.relu``, ``jnp.maximum(x, 0)``,
``jnp.where(x > 0, x, 0)``, ``x * (x > 0)``, ``jnp.clip(x, 0)``. Other activations (leaky ReLU, GELU, softplus, ...)
have no such rule: they are reported, and a rectifier rule refuses to pass them silently. The rule is part of the
edited program, so two rules can never share a compiled function.

An upper bound above a rectifier (ReLU6, ``jnp.clip(x, 0, c)``) is no rectifier: under every rule the signal first
passes it by its ordinary derivative ``[z < c]`` (0 at z = c) and then meets the rule. So the signal below is
``g [0 < z < c]`` (gradient), ``max(g, 0) [z < c]`` (deconvnet), ``max(g, 0) [0 < z < c]`` (guided), ``g [z < c]``
(linear). Max pooling in any spelling sends its signal to the first maximum (`trace.pooling`).

Source: zeiler2014visualizing, springenberg2015striving
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from deconvviz.errors import RuleError
from deconvviz.network import _compat
from deconvviz.network.rewrite import replace
from deconvviz.network.rewrite.padding import tame
from deconvviz.network.trace import geometry
from deconvviz.network.trace.jaxpr import Equation, carrying, flatten, is_literal
from deconvviz.network.trace.loops import CLOSED, LOOPS, Body, replace_bodies
from deconvviz.network.trace.pooling import Pools, first_in_window, first_maximum, first_of_two, window_of
from deconvviz.network.trace.rectifiers import ACTIVATIONS, Survey, activation_call, is_relu_call, match, survey
from deconvviz.ops.rectify import rectify

__all__ = ["ACTIVATIONS", "activation_call", "constant_bound", "is_relu_call", "match", "objection", "rewrite"]

#: Elementwise nonlinearities that only activations use. `exp` and powers stay out: softmax and norms need them.
_NONLINEAR = {"tanh", "logistic", "erf", "erfc", "erf_inv", "log1p", "expm1", "abs", "sign", "clamp", "sin", "cos",
              "floor", "ceil", "round"}  # fmt: skip
#: A bound below the result of these guards a quotient, as in ``x / max(norm(x), eps)``.
_NORMS = {"sqrt", "reduce_sum"}
_SUMS = {"reduce_sum", "reduce_window_sum", "conv_general_dilated", "dot_general"}


@dataclass(frozen=True, eq=False)
class Context:
    """What `rewrite` knows of a (part of a) program.

    Attributes:
      live: the variables that depend on the input.
      targets: variables that the signal starts from, besides those that nothing reads.
      known: variables that are a known number everywhere (`trace.rectifiers.constants`).
      fields: what the variables run along (`geometry.follow`).
      layer_of: the layer that an equation belongs to, for reports.
    """

    live: set[Any]
    targets: Sequence[Any] = ()
    known: Mapping[Any, float] | None = None
    fields: Mapping[Any, geometry.Field] | None = None
    layer_of: Callable[[Equation], str | None] = lambda item: None


def rewrite(
    equations: Sequence[Equation], rule: str | tuple[str, ...], context: Context | set[Any]
) -> tuple[list[Any], int, list[str]]:
    """Replace the rectifiers of a flat program, those inside loops and branches included.

    Args:
      equations: the program, or the part of it that a layer rests on.
      rule: a name of `deconvviz.ops.rectify.RULES`, or several, for `deconvviz.ops.rectify.pull_each`.
      context: what is known of the program; or its live variables alone.

    Returns:
      (the equations, how many rectifiers obey, what on the path has no such rule).

    Raises:
      RuleError: if the signal would have to pass a while loop.
    """
    context = context if isinstance(context, Context) else Context(context)
    surveyed, signal = survey(equations, context.known), carrying(equations, context.targets)
    pools = Pools(equations, context.live & signal, context.fields or {})
    report = _Report(context, equations, surveyed, pools)
    new: list[Any] = []
    obeyed = 0
    for index, item in enumerate(equations):
        eqn = item.eqn
        if not any(not is_literal(a) and a in context.live for a in eqn.invars):
            new.append(eqn)  # it works on weights alone: max(w, 0) there is no rectifier of the signal
        elif (made := _made(index, item, surveyed, pools, rule)) is not None:
            new += made
            ruled = index in surveyed.rectifiers or index in surveyed.clamps
            # One that only feeds a comparison or a stopped gradient is replaced like the others, but none that obeys.
            obeyed += ruled and any(v in signal for v in eqn.outvars)
        elif any(v in signal for v in eqn.outvars):
            eqn, inner, reasons = _inside(eqn, rule, context)
            new.append(eqn)
            obeyed += inner
            report.add(index, item, reasons)
        else:
            new.append(eqn)
    return new, obeyed, report.reasons


def _made(index: int, item: Equation, surveyed: Survey, pools: Pools, rule: str | tuple[str, ...]) -> list[Any] | None:
    """What an equation is replaced by, or None if it stays."""
    eqn = item.eqn
    if index in surveyed.rectifiers:
        z = surveyed.rectifiers[index]
        return [replace.call(functools.partial(rectify, rule=rule), ("rectify", rule), eqn, [z])]
    if index in surveyed.clamps:
        # Two equations in place of one: backward the bound comes first, by its derivative, and then the rule. One
        # rectifier for both would let deconvnet and linear pass what the bound holds back.
        z, out = surveyed.clamps[index], eqn.outvars[0]
        low = replace.call(functools.partial(rectify, rule=rule), ("rectify", rule), eqn, [z])
        middle = _compat.new_variable(out.aval)
        bounds = [middle, eqn.invars[2]]
        return [low.replace(outvars=[middle]), replace.call(_bound, ("bound",), eqn, bounds)]
    if index in surveyed.ceilings:
        z = surveyed.ceilings[index]
        return [replace.call(_bound, ("bound",), eqn, [z, next(a for a in eqn.invars if a is not z)])]
    if index in pools.cells:
        axes = tuple(eqn.params["axes"])
        return [replace.call(functools.partial(first_maximum, axes=axes), ("cells", axes), eqn, list(eqn.invars))]
    if index in pools.pairs:
        return [replace.call(first_of_two, ("pair",), eqn, list(eqn.invars))]
    if index in pools.windows:
        window = window_of(eqn)
        return [replace.call(first_in_window(window), ("window", window), eqn, list(eqn.invars[:1]))]
    return tame(eqn) if item.primitive == "conv_general_dilated" else None


@jax.custom_vjp
def _bound(z: jax.Array, bound: jax.Array) -> jax.Array:
    """``min(z, bound)`` whose derivative is ``[z < bound]``, 0 at the bound itself as in `jax.nn.relu6`."""
    return jax.lax.min(z, jnp.broadcast_to(bound, z.shape))


def _bound_backward(residuals: tuple[jax.Array, jax.Array], g: jax.Array) -> tuple[jax.Array, jax.Array]:
    z, bound = residuals
    return jnp.where(z < bound, g, jnp.zeros((), g.dtype)), jnp.zeros_like(bound)


_bound.defvjp(lambda z, bound: (_bound(z, bound), (z, bound)), _bound_backward)


def _inside(eqn: Any, rule: str | tuple[str, ...], context: Context) -> tuple[Any, int, list[str]]:
    """The same equation with the bodies it carries (scan, cond, ...) rewritten."""
    if eqn.primitive.name not in LOOPS:
        return eqn, 0, []
    if eqn.primitive.name == "while":
        raise RuleError(
            "a while loop lies on the way of the signal, and no signal can be sent down through one: how often it ran "
            "is not known beforehand. Write the loop as jax.lax.scan, or as jax.lax.fori_loop with fixed bounds, or "
            "choose a layer below it"
        )
    total, reasons = 0, []

    def change(body: Body) -> Any | None:
        nonlocal total
        # The operands of a loop stay as they are, and its carry is bound to them by place. So a body may be edited
        # between its own inputs and outputs only, and what depends on the image in it is worked out anew from outside.
        flat = flatten(body.closed, is_relu_call)
        live = body.live(flat.equations, flat.jaxpr.invars, flat.outputs, context.live)
        ins, _ = geometry.entering(eqn, body, context.fields or {})
        start = {v: f for v, f in zip(flat.jaxpr.invars, ins, strict=True) if f is not None}
        within = Context(live, flat.outputs, fields=geometry.follow(flat.equations, start))
        eqns, count, why = rewrite(flat.equations, rule, within)
        reasons.extend(why)
        if len(flat.constvars) != len(body.closed.jaxpr.constvars):
            return None  # flattening found constants of an inner function: the loop has no place to hand them in
        total += count
        return body.closed.jaxpr.replace(eqns=eqns, outvars=list(flat.outputs))

    return replace_bodies(eqn, change), total, reasons


class _Report:
    """Activations on the path that no rectifier rule is defined for, each layer named once."""

    def __init__(self, context: Context, equations: Sequence[Equation], surveyed: Survey, pools: Pools) -> None:
        self._context, self._equations, self._surveyed, self._pools = context, equations, surveyed, pools
        self._named: set[Any] = set()
        self.reasons: list[str] = []

    def add(self, index: int, item: Equation, inner: list[str]) -> None:
        """Take in one equation that stays as it is, and what was found inside it."""
        layer, call = self._context.layer_of(item), activation_call(item)
        why = objection(item, self._context.live) or self._neighbour(index, item)
        self.reasons += [f"{reason} of {layer}" if layer else reason for reason in inner]
        key = layer or call
        if call and layer and call[0] in layer:
            why = layer
        if why is None or inner or (key is not None and key in self._named):
            return
        self._named.add(key)
        where = f" in {'/'.join(item.scope)}" if item.scope else ""
        self.reasons.append(f"{why}{where}" if layer is None else layer if why in layer else f"{why} in {layer}")

    def _neighbour(self, index: int, item: Equation) -> str | None:
        """Objections that depend on other equations."""
        if item.primitive == "reduce_max" and index not in self._pools.shifts:
            return "max over channels"
        if index in self._surveyed.powers and not self._summed(item.out):
            return "power of a rectified signal"
        return constant_bound(item, self._equations, self._context.live)

    def _summed(self, variable: Any) -> bool:
        """Is the value only summed up, as the squares of a normalization are?"""
        readers = [item.primitive for item in self._equations if any(a is variable for a in item.eqn.invars)]
        return bool(readers) and set(readers) <= _SUMS


def constant_bound(item: Equation, equations: Sequence[Equation], live: set[Any]) -> str | None:
    """``max(x, c)`` and ``min(x, c)`` bend the signal, unless c is out of reach or keeps a norm above zero."""
    signals = [a for a in item.eqn.invars if not is_literal(a) and a in live]
    if item.primitive not in ("max", "min") or len(signals) != 1:
        return None
    makers = {other.primitive for other in equations if any(v is signals[0] for v in other.eqn.outvars)}
    bound = next((a for a in item.eqn.invars if a is not signals[0]), None)
    plain = bound is not None and is_literal(bound) and jnp.ndim(bound.val) == 0
    out_of_reach = plain and not _within(float(bound.val), signals[0])  # type: ignore[union-attr]
    guard = item.primitive == "max" and (makers & _NORMS or is_guard(item))
    return None if out_of_reach or guard else f"{item.primitive} with a constant"


def is_guard(item: Equation) -> bool:
    """A ``max(0, v)`` that is no rectifier keeps the variance of a normalization above zero."""
    return any(is_literal(a) and jnp.ndim(a.val) == 0 and float(a.val) == 0 for a in item.eqn.invars)


def _within(bound: float, signal: Any) -> bool:
    """Can numbers of the signal's type lie on both sides of the bound?"""
    info = jnp.finfo(signal.aval.dtype)
    return float(info.min) < bound < float(info.max)


def objection(item: Equation, live: set[Any]) -> str | None:
    """Why an equation on the path is an activation without a rectifier rule, or None if it is none."""
    eqn, name = item.eqn, item.primitive
    if name in CLOSED:
        body = _compat.program_in(eqn.params.get("call_jaxpr") or eqn.params.get("jaxpr"))
        return (body and _compat.function_name(body.jaxpr)) or name
    inputs = [a for a in eqn.invars if not is_literal(a) and a in live]
    if call := activation_call(item):
        return call[0]
    if name in _NONLINEAR:
        return "sigmoid" if name == "logistic" else name
    if name == "select_n" and eqn.invars[0] in live:
        return "a selection by the signal itself"
    if name in ("max", "min") and len(inputs) == 2:
        return f"{name} of two signals"
    if name == "min" and any(is_literal(a) and jnp.ndim(a.val) == 0 and a.val == 0 for a in eqn.invars):
        return "min with zero"
    return None
