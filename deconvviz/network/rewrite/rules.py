"""Backward rules by editing the traced program: every ``max(z, 0)`` is replaced, everything else is left alone.

A rectifier is recognized by what it computes, not by its name: ``jax.nn.relu``, ``jnp.maximum(x, 0)``,
``jnp.where(x > 0, x, 0)``, ``x * (x > 0)``, ``jnp.clip(x, 0)``, and others that `trace.spelled` writes as one of
these, ``(x + abs(x)) / 2``. Other activations (leaky ReLU, GELU, softplus, ...)
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
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from deconvviz.errors import RuleError
from deconvviz.network import _compat
from deconvviz.network.rewrite import replace
from deconvviz.network.rewrite.padding import tame
from deconvviz.network.trace import geometry
from deconvviz.network.trace.curves import is_relu_call
from deconvviz.network.trace.jaxpr import Equation, carrying, flatten, is_literal
from deconvviz.network.trace.loops import LOOPS, Body, replace_bodies
from deconvviz.network.trace.nonlinear import Objection, objections, view_of
from deconvviz.network.trace.pooling import (
    Pools,
    first_in_window,
    first_maximum,
    first_minimum,
    first_of_two,
    window_of,
)
from deconvviz.network.trace.rectifiers import Survey, activation_call, match, survey
from deconvviz.network.trace.spelled import spelled_out
from deconvviz.network.trace.values import Known, entering
from deconvviz.ops.rectify import rectify

__all__ = ["Context", "is_relu_call", "match", "rewrite"]


#: A backward rule for an activation: the signal below, from what went in and the signal that comes down.
CustomRule: TypeAlias = Callable[[Any, Any], Any]


@dataclass(frozen=True, eq=False)
class Context:
    """What `rewrite` knows of a (part of a) program.

    Attributes:
      live: the variables that depend on the input.
      targets: variables that the signal starts from, besides those that nothing reads.
      known: variables that are a known number everywhere (`trace.rectifiers.constants`).
      fields: what the variables run along (`geometry.follow`).
      layer_of: the layer that an equation belongs to, for reports.
      custom_rules: backward rules of activations that are no rectifiers, by name: ``rule(z, g) -> signal below``.
      entering: what is known of the inputs of a body, by what flows into them.
    """

    live: set[Any]
    targets: Sequence[Any] = ()
    known: Mapping[Any, float] | None = None
    fields: Mapping[Any, geometry.Field] | None = None
    layer_of: Callable[[Equation], str | None] = lambda item: None
    custom_rules: Mapping[str, CustomRule] = field(default_factory=dict)
    entering: Mapping[Any, Known] = field(default_factory=dict)


def rewrite(
    equations: Sequence[Equation], rule: str | tuple[str, ...], context: Context | set[Any]
) -> tuple[list[Any], int, list[str], list[str]]:
    """Replace the rectifiers of a flat program, those inside loops and branches included.

    Args:
      equations: the program, or the part of it that a layer rests on.
      rule: a name of `deconvviz.ops.rectify.RULES`, or several, for `deconvviz.ops.rectify.pull_each`.
      context: what is known of the program; or its live variables alone.

    Returns:
      (the equations, how many rectifiers obey, what on the path has no such rule, what has a rule of the person's own).

    Raises:
      RuleError: if the signal would have to pass a while loop.
    """
    context = context if isinstance(context, Context) else Context(context)
    surveyed, signal = survey(equations, context.known), carrying(equations, context.targets)
    pools = Pools(equations, context.live & signal, context.fields or {})
    bent: dict[int, str] = {}
    custom: dict[int, Objection] = {}
    inside_custom: set[int] = set()
    view = view_of(equations, context.live, context.targets, surveyed, pools, context.entering)
    for each in objections(view):
        if each.curve is not None and each.name in context.custom_rules:
            custom[each.curve.indices[-1]] = each
            inside_custom.update(each.curve.indices)
        else:
            bent[each.index] = each.name
    report = _Report(context)
    new: list[Any] = []
    obeyed, by_custom = 0, [each.name for each in custom.values()]
    for index, item in enumerate(equations):
        eqn = item.eqn
        if not any(not is_literal(a) and a in context.live for a in eqn.invars):
            new.append(eqn)  # it works on weights alone: max(w, 0) there is no rectifier of the signal
            continue
        if index in inside_custom:
            new.append(_by_custom_rule(equations, custom[index], context.custom_rules) if index in custom else eqn)
            continue
        if (replacement := _replacement(index, item, surveyed, pools, rule)) is not None:
            new += replacement
            ruled = index in surveyed.rectifiers or index in surveyed.clamps
            # One that only feeds a comparison or a stopped gradient is replaced like the others, but none that obeys.
            obeyed += ruled and any(v in signal for v in eqn.outvars)
        elif any(v in signal for v in eqn.outvars):
            eqn, inner, reasons, custom_names = _inside(eqn, rule, context, view.known)
            by_custom += custom_names
            new.append(eqn)
            obeyed += inner
            report.inside(item, reasons)
        else:
            new += _held_fixed(eqn, context.live) if "callback" in item.primitive else [eqn]
        if index in bent:
            report.add(item, bent[index])
    return new, obeyed, report.reasons, by_custom


def _by_custom_rule(
    equations: Sequence[Equation], activation: Objection, custom_rules: Mapping[str, CustomRule]
) -> Any:
    """The last equation of an activation exchanged for the whole of it, with a backward rule that a person gave."""
    curve, rule = activation.curve, custom_rules[activation.name]
    assert curve is not None
    eqns = [equations[i].eqn for i in curve.indices]
    produced = {v for eqn in eqns for v in eqn.outvars}
    used = dict.fromkeys(a for eqn in eqns for a in eqn.invars if not is_literal(a) and a not in produced)
    operands = [curve.signal, *(a for a in used if a is not curve.signal)]
    run = _compat.callable_of(_compat.empty_jaxpr(), operands, eqns, [curve.result])

    @jax.custom_vjp
    def activated(*values: jax.Array) -> jax.Array:
        return run(*values)[0]

    def down(values: tuple[jax.Array, ...], g: jax.Array) -> tuple[Any, ...]:
        try:
            below = jnp.asarray(rule(values[0], g), g.dtype)
        except Exception as error:  # a person's own function
            first = (str(error).strip().splitlines() or [""])[0][:200]
            raise RuleError(
                f"the rule for {activation.name} raised {type(error).__name__}: {first} It is traced by JAX: write it "
                "with jax.numpy, without asking for values of z or g"
            ) from error
        if below.shape != values[0].shape:
            raise RuleError(
                f"the rule for {activation.name} takes what went in and the signal that comes down, both of shape "
                f"{values[0].shape}, and gives the signal below, of that shape too; it gave {below.shape}"
            )
        return below, *(_no_signal(value) for value in values[1:])

    activated.defvjp(lambda *values: (activated(*values), values), down)
    return replace.call(activated, ("own", activation.name, rule, _written(eqns, operands)), eqns[-1], operands)


def _written(eqns: Sequence[Any], operands: Sequence[Any]) -> tuple[Any, ...]:
    """Equal for two lists of equations that compute the same from their operands."""
    numbers = {v: n for n, v in enumerate([*operands, *(v for eqn in eqns for v in eqn.outvars)])}
    return tuple(
        (
            eqn.primitive.name,
            repr(sorted(eqn.params.items(), key=lambda pair: pair[0])),
            tuple(repr(a.val) if is_literal(a) else numbers[a] for a in eqn.invars),
        )
        for eqn in eqns
    )


def _held_fixed(eqn: Any, live: set[Any]) -> list[Any]:
    """A call to Python whose result carries no signal: JAX refuses to differentiate one, even by nothing."""
    before, operands = [], []
    for atom in eqn.invars:
        if is_literal(atom) or atom not in live:
            operands.append(atom)
            continue
        fixed = _compat.new_variable(atom.aval)
        before.append(replace.call(jax.lax.stop_gradient, ("fixed",), eqn, [atom]).replace(outvars=[fixed]))
        operands.append(fixed)
    return [*before, eqn.replace(invars=operands)]


def _no_signal(value: jax.Array) -> Any:
    if jnp.issubdtype(value.dtype, jnp.inexact):
        return jnp.zeros_like(value)
    return np.zeros(value.shape, jax.dtypes.float0)


def _replacement(
    index: int, item: Equation, surveyed: Survey, pools: Pools, rule: str | tuple[str, ...]
) -> list[Any] | None:
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
        first = first_maximum if item.primitive == "reduce_max" else jax.jit(first_minimum, static_argnames="axes")
        return [
            replace.call(functools.partial(first, axes=axes), ("cells", item.primitive, axes), eqn, list(eqn.invars))
        ]
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


def _inside(
    eqn: Any, rule: str | tuple[str, ...], context: Context, known: Mapping[Any, Known]
) -> tuple[Any, int, list[str], list[str]]:
    """The same equation with the bodies it carries (scan, cond, ...) rewritten."""
    if eqn.primitive.name not in LOOPS:
        return eqn, 0, [], []
    if eqn.primitive.name == "while":
        raise RuleError(
            "a while loop lies on the way of the signal, and no signal can be sent down through one: how often it ran "
            "is not known beforehand. Write the loop as jax.lax.scan, or as jax.lax.fori_loop with fixed bounds, or "
            "choose a layer below it"
        )
    counts: list[int] = []
    reasons: list[str] = []
    by_custom: list[list[str]] = []

    def change(body: Body) -> Any | None:
        # The operands of a loop stay as they are, and its carry is bound to them by place. So a body may be edited
        # between its own inputs and outputs only, and what depends on the image in it is worked out anew from outside.
        flat = spelled_out(flatten(body.closed, is_relu_call))
        live = body.live(flat.equations, flat.jaxpr.invars, flat.outputs, context.live)
        ins, _ = geometry.entering(eqn, body, context.fields or {})
        start = {v: f for v, f in zip(flat.jaxpr.invars, ins, strict=True) if f is not None}
        within = Context(
            live, flat.outputs, fields=geometry.follow(flat.equations, start), custom_rules=context.custom_rules,
            entering=entering(body, flat.jaxpr.invars, known),
        )  # fmt: skip
        eqns, count, why, custom_names = rewrite(flat.equations, rule, within)
        reasons.extend(why)
        if len(flat.constvars) != len(body.closed.jaxpr.constvars):
            return None  # flattening found constants of an inner function: the loop has no place to hand them in
        counts.append(count)
        by_custom.append(custom_names)
        return body.closed.jaxpr.replace(eqns=eqns, outvars=list(flat.outputs))

    changed = replace_bodies(eqn, change)
    if eqn.primitive.name == "cond":  # of its branches one runs
        return changed, max(counts, default=0), reasons, max(by_custom, key=len, default=[])
    return changed, sum(counts), reasons, [name for names in by_custom for name in names]


class _Report:
    """Activations on the path that no rectifier rule is defined for, each layer named once."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._named: set[Any] = set()
        self.reasons: list[str] = []

    def inside(self, item: Equation, reasons: list[str]) -> None:
        """Take in what was met inside the programs of a loop or branch."""
        layer = self._context.layer_of(item)
        self.reasons += [f"{reason} of {layer}" if layer else reason for reason in reasons]

    def add(self, item: Equation, name: str) -> None:
        """Take in one equation that bends the signal."""
        layer, call = self._context.layer_of(item), activation_call(item)
        key = layer or call
        if key is not None and key in self._named:
            return
        self._named.add(key)
        where = f" in {'/'.join(item.scope)}" if item.scope else ""
        if layer is None:
            self.reasons.append(f"{name}{where}")
        else:
            self.reasons.append(layer if name in layer or (call and call[0] in layer) else f"{name} in {layer}")
