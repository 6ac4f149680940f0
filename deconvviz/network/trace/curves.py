"""Activations as functions of one signal, entry by entry: from where to where they go, and what they are called.

``x / (1 + exp(-x))`` is SiLU in any spelling. The equations are evaluated at some numbers and compared with the
activations of `jax.nn`; what agrees with none of them stays without a name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from deconvviz.network import _compat
from deconvviz.network.trace.jaxpr import Equation, flatten, is_floating, is_literal, needed
from deconvviz.network.trace.rectifiers import match
from deconvviz.network.trace.values import ENTRYWISE, View, bends, number_of

#: Numbers at which activations differ: both signs, near 0, beyond every bound.
_AT = np.array([-9.0, -4.0, -2.5, -1.3, -0.7, -0.2, -0.03, 0.03, 0.2, 0.6, 1.4, 2.7, 5.0, 9.0], np.float32)
_RELU_PARTS = {"max", "min", "broadcast_in_dim", "convert_element_type", "gt", "ge", "lt", "le", "select_n", "mul"}
_KNOWN: tuple[tuple[str, Callable[[Any], Any]], ...] = (
    ("gelu", jax.nn.gelu),
    ("gelu", lambda z: jax.nn.gelu(z, approximate=False)),
    ("silu", jax.nn.silu),
    ("hard_silu", jax.nn.hard_silu),
    ("elu", jax.nn.elu),
    ("selu", jax.nn.selu),
    ("softplus", jax.nn.softplus),
    ("mish", lambda z: z * jnp.tanh(jax.nn.softplus(z))),
    ("sigmoid", jax.nn.sigmoid),
    ("hard_sigmoid", jax.nn.hard_sigmoid),
    ("log_sigmoid", jax.nn.log_sigmoid),
    ("tanh", jnp.tanh),
    ("hard_tanh", jax.nn.hard_tanh),
    ("soft_sign", jax.nn.soft_sign),
    ("squareplus", jax.nn.squareplus),
    ("squared relu", lambda z: jnp.maximum(z, 0) ** 2),
    ("abs", jnp.abs),
)


@dataclass(frozen=True, eq=False)
class Curve:
    """An activation that takes a signal entry by entry.

    Attributes:
      signal: the variable that goes in.
      result: the one that comes out.
      indices: the equations between the two.
    """

    signal: Any
    result: Any
    indices: tuple[int, ...]


def is_relu_call(eqn: Any) -> bool:
    """True if a ``custom_jvp_call`` computes a ReLU or ReLU6, and passes its derivative.

    Softplus is ``logaddexp(x, 0)`` and holds a ``max(x, 0)`` too, so finding one inside is not enough. And a ReLU that
    an author gave another derivative, the identity for example, is none.
    """
    body = _compat.program_in(eqn.params["call_jaxpr"])
    if body is None or len(body.jaxpr.invars) != 1:
        return False
    flat = flatten(body)
    if {e.primitive for e in flat.equations} - _RELU_PARTS or len(match(flat.equations)) != 1:
        return False
    own, plain = (
        _slopes(eqn.invars, [eqn], eqn.outvars),
        _slopes(body.jaxpr.invars, body.jaxpr.eqns, body.jaxpr.outvars),
    )
    return own is not None and plain is not None and bool(np.allclose(own, plain))


def _slopes(inputs: Sequence[Any], eqns: Sequence[Any], outputs: Sequence[Any]) -> np.ndarray | None:
    """The derivative that JAX takes of a function of one number, at `_AT`."""
    run = _compat.callable_of(_compat.empty_jaxpr(), inputs, eqns, outputs)
    like = jax.ShapeDtypeStruct(inputs[0].aval.shape, inputs[0].aval.dtype)
    try:
        slope = _compat.traced(lambda z: jax.jvp(lambda z: run(z)[0], (z,), (jnp.ones_like(z),))[1], like)
        flat = flatten(slope, lambda eqn: True)
        with jax.ensure_compile_time_eval():
            return _evaluated([item.eqn for item in flat.equations], flat.input, flat.outputs[0])
    except Exception:  # no derivative, or one that is not evaluated number by number
        return None


def curve_of_call(view: View, call: tuple[str, int]) -> Curve | None:
    """A named call as a function of one signal, entry by entry; None where it is none."""
    indices = tuple(i for i in view.path() if call in view.equations[i].calls and view.outs(i))
    made = {v for i in indices for v in view.outs(i)}
    entering = {a for i in indices for a in view.moving(view.equations[i].eqn) if a not in made}
    leaving = {v for v in made if v in view.targets or set(view.readers.get(v, ())) - set(indices)}
    if len(entering) != 1 or len(leaving) != 1:
        return None
    signal, result = entering.pop(), leaving.pop()
    entrywise = all(_by_itself(view.equations[i]) for i in indices) and signal.aval.shape == result.aval.shape
    return Curve(signal, result, indices) if entrywise else None


def curves_of(view: View, value: Any, first: int, last: int) -> list[Curve]:
    """The activation that a bent value is part of, with more and more of the scales and shifts around it.

    Args:
      view: the program.
      value: that something bends.
      first, last: indices of the first and the last equation that bends the same signal.
    """
    signal = view.known[value].origin
    if signal is value or signal is number_of(view, value):
        index = view.makers[value]  # one operation of its own: a call, a sort, a product with another signal
        moving = view.moving(view.equations[index].eqn)
        single = len(moving) == 1 and moving[0].aval.shape == value.aval.shape and _by_itself(view.equations[index])
        return [Curve(moving[0], value, (index,))] if single else []
    maker = view.makers.get(signal)
    members = [i for i in view.path() if i != maker and any(view.known[v].origin is signal for v in view.outs(i))]
    result: list[Curve] = []
    for count, index in enumerate(members, start=1):
        # Complete where nothing beyond takes more of it than its last result, and before it is bent once more.
        if index > last and bends(view, index):
            break
        out = view.equations[index].out
        within = [members[n] for n in needed([view.equations[i] for i in members[:count]], [out])]
        inner = {v for i in within for v in view.outs(i) if i != index}
        read = {i for v in inner for i in view.readers.get(v, ())} - set(within)
        alone = not read and not inner & view.targets and not _meets_again(view, out, signal, members[count:])
        if index >= last and first in within and last in within and alone:
            result += _narrowed(view, Curve(signal, out, tuple(within)), first)
    return result


def _meets_again(view: View, result: Any, signal: Any, later: Sequence[int]) -> bool:
    """Is a result put together with another function of its signal, entry by entry, as in ``z sigmoid(z)``?"""
    above = {result}
    for index in later:
        moving = view.moving(view.equations[index].eqn)
        if any(a in above for a in moving):
            if any(a not in above and (a is signal or view.known[a].origin is signal) for a in moving):
                return True
            above.update(view.outs(index))
    return False


def _narrowed(view: View, curve: Curve, first: int) -> list[Curve]:
    """The same from every value before its first bend that all of it goes through, the last one first."""
    starts = [curve]
    for count, index in enumerate(curve.indices, start=1):
        value, above = view.equations[index].out, curve.indices[count:]
        before = {curve.signal, *(v for i in curve.indices[:count] for v in view.outs(i) if v is not value)}
        alone = not any(a in before for i in above for a in view.moving(view.equations[i].eqn))
        if index < first and alone and above:
            starts.append(Curve(value, curve.result, above))
    return starts[::-1]


def known_name(view: View, curve: Curve) -> str | None:
    return name_of(_whole(view, curve), curve.signal, curve.result)


def _whole(view: View, curve: Curve) -> list[Any]:
    """The equations of an activation, with those of its constants in front."""
    fixed = [a for i in curve.indices for a in view.equations[i].eqn.invars if not is_literal(a) and a not in view.live]
    before = needed(view.equations, fixed) if fixed else []
    return [view.equations[i].eqn for i in (*before, *curve.indices)]


def _by_itself(item: Equation) -> bool:
    """An operation entry by entry, or a call whose derivative is its author's."""
    return item.primitive in ENTRYWISE or item.primitive in _compat.CUSTOM


def name_of(eqns: Sequence[Any], signal: Any, result: Any) -> str | None:
    """The activation that the equations compute from one variable to another; None where it is none of the known.

    Args:
      eqns: entry by entry operations; a constant that is no plain number leaves the activation without a name.
      signal, result: the variables at their ends.
    """
    try:
        with jax.ensure_compile_time_eval():
            values = _evaluated(eqns, signal, result)
    except Exception:  # whatever another release of JAX does not evaluate here has no name
        return None
    if values is None:
        return None
    # Numbers of a half precision program are rounded as that rounds them.
    relative, absolute = (1e-4, 2e-5) if jnp.finfo(signal.aval.dtype).bits > 16 else (1e-2, 2e-3)
    for name, activation in _KNOWN:
        if np.allclose(values, np.asarray(activation(_AT)), rtol=relative, atol=absolute):
            return name
    slopes = values / _AT
    below, above = slopes[_AT < 0], slopes[_AT > 0]
    straight = np.ptp(below) < 1e-4 and np.ptp(above) < 1e-4
    if not straight or abs(below[0] - above[0]) < 1e-3 or abs(above[0]) < 1e-6:
        return None
    return "leaky_relu" if abs(below[0]) > 1e-4 else "nearly a relu (write jax.nn.relu where one is meant)"


def _evaluated(eqns: Sequence[Any], signal: Any, result: Any) -> np.ndarray | None:
    """The result at `_AT`; None where the equations rest on more than the signal and plain numbers.

    In float32, whatever the program's own type.
    """
    values: dict[Any, Any] = {signal: jnp.asarray(_AT)}
    for eqn in eqns:
        operands = []
        for atom in eqn.invars:
            if is_literal(atom):
                operands.append(jnp.asarray(atom.val, jnp.float32 if is_floating(atom) else atom.aval.dtype))
            elif atom in values:
                operands.append(values[atom])
            else:
                return None
        if len({jnp.shape(a) for a in operands}) > 1:
            operands = list(jnp.broadcast_arrays(*operands))
        if eqn.primitive.name in ("broadcast_in_dim", "reshape"):
            out = operands[0]
        elif eqn.primitive.name == "convert_element_type" and is_floating(eqn.outvars[0]):
            out = operands[0].astype(jnp.float32)
        else:
            out = eqn.primitive.bind(*operands, **eqn.params)
        values.update(zip(eqn.outvars, out if eqn.primitive.multiple_results else [out], strict=True))
    if (
        is_literal(result) or result not in values or jnp.shape(values[result]) != _AT.shape
    ):  # a constant result is no activation
        return None
    return np.asarray(values[result], np.float64)
