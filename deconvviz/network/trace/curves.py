"""Which activation of the literature a few equations compute, told by the values that they give.

``x / (1 + exp(-x))`` is SiLU in any spelling. The equations are evaluated at some numbers and compared with the
activations of `jax.nn`; what agrees with none of them stays without a name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from deconvviz.network._compat import is_literal

#: Numbers at which activations differ: both signs, near 0, beyond every bound.
_AT = np.array([-9.0, -4.0, -2.5, -1.3, -0.7, -0.2, -0.03, 0.03, 0.2, 0.6, 1.4, 2.7, 5.0, 9.0], np.float32)
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
    for name, activation in _KNOWN:
        if np.allclose(values, np.asarray(activation(_AT)), rtol=1e-4, atol=2e-5):
            return name
    slopes = values / _AT
    below, above = slopes[_AT < 0], slopes[_AT > 0]
    straight = np.ptp(below) < 1e-4 and np.ptp(above) < 1e-4
    if not straight or abs(below[0] - above[0]) < 1e-3 or abs(above[0]) < 1e-6:
        return None
    return "leaky_relu" if below[0] else "a relu in a spelling that is not known as one"


def _evaluated(eqns: Sequence[Any], signal: Any, result: Any) -> np.ndarray | None:
    """The result at `_AT`; None where the equations rest on more than the signal and plain numbers."""
    values: dict[Any, Any] = {signal: jnp.asarray(_AT)}
    for eqn in eqns:
        operands = []
        for atom in eqn.invars:
            if is_literal(atom):
                operands.append(jnp.asarray(atom.val, atom.aval.dtype))
            elif atom in values:
                operands.append(values[atom])
            else:
                return None
        if len({jnp.shape(a) for a in operands}) > 1:
            operands = list(jnp.broadcast_arrays(*operands))
        spread = eqn.primitive.name in ("broadcast_in_dim", "reshape")
        out = operands[0] if spread else eqn.primitive.bind(*operands, **eqn.params)
        values.update(zip(eqn.outvars, out if eqn.primitive.multiple_results else [out], strict=True))
    return np.asarray(values[result], np.float64) if result in values else None
