"""Backward rules by editing the traced program: every ``max(z, 0)`` is replaced, everything else is left alone.

A rectifier is recognized by what it computes, not by its name: ``jax.nn.relu``, ``jnp.maximum(x, 0)``,
``jnp.where(x > 0, x, 0)``, ``x * (x > 0)``, ``jnp.clip(x, 0)``, the lower half of ReLU6. Other activations (leaky
ReLU, GELU, softplus, ...) have no such rule: they are reported, and a rectifier rule refuses to pass them silently.
The rule is part of the edited program, so two rules can never share a compiled function.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend import core as jex

from deconvviz.network._jaxpr import Equation, body_of, flatten, is_literal
from deconvviz.network._padding import tame
from deconvviz.ops.rectify import rectify

ZERO = "zero"
#: Operations that keep an all-zero array all zero.
_KEEP_ZERO = {"convert_element_type", "copy", "stop_gradient", "broadcast_in_dim", "reshape", "squeeze", "transpose"}
_RELU_PARTS = {"max", "min", "broadcast_in_dim", "convert_element_type", "gt", "ge", "lt", "le", "select_n", "mul"}
#: Elementwise nonlinearities that only activations use. `exp` and powers stay out: softmax and norms need them.
_NONLINEAR = {"tanh", "logistic", "erf", "erfc", "erf_inv", "log1p", "expm1", "abs", "sign", "clamp", "sin", "cos"}
#: Activations of jax.nn and flax that arrive as one named call.
ACTIVATIONS = {"celu", "elu", "gelu", "glu", "hard_sigmoid", "hard_silu", "hard_swish", "hard_tanh", "leaky_relu",
               "log_sigmoid", "mish", "selu", "sigmoid", "silu", "soft_sign", "softplus", "sparse_plus", "squareplus",
               "swish"}  # fmt: skip


@dataclass(frozen=True)
class Mask:
    """The indicator 1[of > 0], or 1[of < 0] if inverted."""

    of: Any
    inverted: bool


class Facts:
    """What is known about variables while walking down a program: zero, a sign mask, or an alias of another."""

    def __init__(self) -> None:
        self._known: dict[Any, Any] = {}

    def of(self, atom: Any) -> Any:
        """ZERO, a Mask, or None."""
        if is_literal(atom):
            value = atom.val
            return ZERO if jnp.ndim(value) == 0 and not jnp.isnan(value) and value == 0 else None
        fact = self._known.get(atom)
        return self.of(fact) if isinstance(fact, jex.Var) else fact

    def root(self, atom: Any) -> Any:
        """The variable that this one is a plain copy of."""
        while not is_literal(atom) and isinstance(self._known.get(atom), jex.Var):
            atom = self._known[atom]
        return atom

    def learn(self, eqn: Any) -> None:
        """Take in one equation."""
        name, ins, out = eqn.primitive.name, eqn.invars, eqn.outvars[0]
        first = self.of(ins[0]) if ins else None
        if name in _KEEP_ZERO and first == ZERO:
            self._known[out] = ZERO
        elif name in ("convert_element_type", "copy") and isinstance(first, Mask):
            self._known[out] = first
        elif name in ("copy", "stop_gradient") and not is_literal(ins[0]):
            self._known[out] = ins[0]
        elif name == "not" and isinstance(first, Mask):
            self._known[out] = Mask(first.of, not first.inverted)
        elif name in ("gt", "ge", "lt", "le"):
            less = name in ("lt", "le")
            if self.of(ins[1]) == ZERO and not is_literal(ins[0]):
                self._known[out] = Mask(self.root(ins[0]), less)
            elif first == ZERO and not is_literal(ins[1]):
                self._known[out] = Mask(self.root(ins[1]), not less)


def rectified(eqn: Any, facts: Facts) -> Any | None:
    """The operand z if the equation computes max(z, 0) of an array of its own shape and dtype, else None."""
    if len(eqn.outvars) != 1:
        return None
    name, ins, out = eqn.primitive.name, eqn.invars, eqn.outvars[0]
    z = None
    if name == "max":
        zero = [facts.of(a) == ZERO for a in ins]
        if zero[0] != zero[1]:
            z = ins[1] if zero[0] else ins[0]
    elif name == "select_n" and len(ins) == 3:
        mask = facts.of(ins[0])
        if isinstance(mask, Mask):
            off, on = (ins[2], ins[1]) if mask.inverted else (ins[1], ins[2])
            z = on if facts.of(off) == ZERO and facts.root(on) is mask.of else None
    elif name == "mul":
        for a, b in ((0, 1), (1, 0)):
            mask = facts.of(ins[b])
            if isinstance(mask, Mask) and not mask.inverted and facts.root(ins[a]) is mask.of:
                z = ins[a]
    if z is None or is_literal(z) or not jnp.issubdtype(out.aval.dtype, jnp.floating):
        return None
    same = z.aval.shape == out.aval.shape and z.aval.dtype == out.aval.dtype
    return z if same else None


def is_relu_call(eqn: Any) -> bool:
    """True if the whole body of a ``custom_jvp_call`` is a ReLU or ReLU6.

    Softplus is ``logaddexp(x, 0)`` and holds a ``max(x, 0)`` too, so finding one inside is not enough.
    """
    body = eqn.params["call_jaxpr"]
    flat = flatten(body)
    if len(body.jaxpr.invars) != 1 or {e.primitive for e in flat.equations} - _RELU_PARTS:
        return False
    return len(match(flat.equations)) == 1


def match(equations: Sequence[Equation]) -> dict[int, Any]:
    """Index of each equation that is a rectifier -> its operand."""
    facts, found = Facts(), {}
    for index, item in enumerate(equations):
        z = rectified(item.eqn, facts)
        if z is not None:
            found[index] = z
        facts.learn(item.eqn)
    return found


@functools.lru_cache(maxsize=4096)
def _template(rule: str, shape: tuple[int, ...], dtype: str) -> Any:
    """One traced equation that computes max(z, 0) with the rule as its derivative."""
    closed = jax.make_jaxpr(functools.partial(rectify, rule=rule))(jax.ShapeDtypeStruct(shape, jnp.dtype(dtype)))
    (eqn,) = closed.jaxpr.eqns
    return eqn


def obey(eqn: Any, z: Any, rule: str) -> Any:
    """The equation that replaces a rectifier: same operand, same result, the rule on the way down."""
    out = eqn.outvars[0]
    template = _template(rule, tuple(out.aval.shape), jnp.dtype(out.aval.dtype).name)
    return template.replace(invars=[z], outvars=[out], source_info=eqn.source_info)


def rewrite(equations: Sequence[Equation], rule: str, live: set[Any]) -> tuple[list[Any], int, list[str]]:
    """Replace the rectifiers of a flat program, those inside loops and branches included.

    Args:
      equations: the program, or the part of it that a layer rests on.
      rule: a name of `deconvviz.ops.rectify.RULES`.
      live: the variables that depend on the input; a rectifier of constants is no rectifier of the signal.

    Returns:
      (the equations, how many rectifiers obey, what on the path has no such rule).
    """
    matched = match(equations)
    new, obeyed, unsupported, named = [], 0, [], set()
    for index, item in enumerate(equations):
        eqn = item.eqn
        if not any(not is_literal(a) and a in live for a in eqn.invars):
            new.append(eqn)
        elif index in matched:
            new.append(obey(eqn, matched[index], rule))
            obeyed += 1
        elif item.primitive == "conv_general_dilated":
            new += tame(eqn)
        else:
            eqn, inner, reasons = _rewrite_inside(eqn, rule)
            new.append(eqn)
            obeyed += inner
            call, why = activation_call(item), objection(item, live)
            unsupported += reasons or ([why] if why and call not in named else [])
            named |= {call} - {None}
    return new, obeyed, unsupported


def _rewrite_inside(eqn: Any, rule: str) -> tuple[Any, int, list[str]]:
    """The same equation with the bodies it carries (scan, while, cond, ...) rewritten."""
    if eqn.primitive.name in ("custom_jvp_call", "custom_vjp_call", "pallas_call"):
        return eqn, 0, []
    params, total, reasons = dict(eqn.params), 0, []

    def inside(value: Any) -> Any:
        nonlocal total
        if body_of(value) is None:
            return value
        closed = value if isinstance(value, jex.ClosedJaxpr) else jex.ClosedJaxpr(value, ())
        flat = flatten(closed, is_relu_call)
        live = set(flat.jaxpr.invars)
        for item in flat.equations:
            live.update(item.eqn.outvars)
        eqns, count, why = rewrite(flat.equations, rule, live)
        reasons.extend(why)
        if not count or len(flat.constvars) != len(closed.jaxpr.constvars):
            return value
        total += count
        body = closed.jaxpr.replace(eqns=eqns, outvars=list(flat.outputs))
        return jex.ClosedJaxpr(body, closed.consts) if isinstance(value, jex.ClosedJaxpr) else body

    for key, value in params.items():
        if isinstance(value, tuple | list) and any(body_of(part) is not None for part in value):
            params[key] = type(value)(map(inside, value))
        else:
            params[key] = inside(value)
    return (eqn.replace(params=params) if total else eqn), total, reasons


def activation_call(item: Equation) -> tuple[str, int] | None:
    """(name, serial number) of the activation that an equation is part of, where it came as one named call."""
    return next((call for call in item.calls if call[0] in ACTIVATIONS), None)


def objection(item: Equation, live: set[Any]) -> str | None:
    """Why an equation on the path is an activation without a rectifier rule, or None if it is none."""
    eqn, name = item.eqn, item.primitive
    where = f" in {'/'.join(item.scope)}" if item.scope else ""
    if name in ("custom_jvp_call", "custom_vjp_call", "pallas_call"):
        body = body_of(eqn.params.get("call_jaxpr") or eqn.params.get("jaxpr"))
        label = getattr(getattr(body, "debug_info", None), "func_name", None) or name
        return f"{label}{where}"
    inputs = [a for a in eqn.invars if not is_literal(a) and a in live]
    if call := activation_call(item):
        return f"{call[0]}{where}"
    if name in _NONLINEAR:
        return f"{name}{where}"
    if name == "select_n" and eqn.invars[0] in live:
        return f"a selection by the signal's own sign{where}"
    if name in ("max", "min") and len(inputs) == 2:
        return f"{name} of two signals{where}"
    if name == "min" and any(is_literal(a) and jnp.ndim(a.val) == 0 and a.val == 0 for a in eqn.invars):
        return f"min with zero{where}"
    return None
