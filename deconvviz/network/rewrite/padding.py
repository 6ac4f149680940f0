"""Convolutions padded by their kernel's size or more, put in a form whose derivative XLA gets right on the CPU.

The derivative of such a convolution has negative padding, which XLA:CPU can answer with values read from outside the
array (openxla/xla #48713). Padding by hand what exceeds the kernel gives the same values and a derivative that crops.
"""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
from jax import lax

from deconvviz.network import _compat


def tame(eqn: Any) -> list[Any]:
    """The same convolution as one equation, or as a pad and a convolution where its padding exceeds its kernel."""
    p = eqn.params
    numbers, kernel = p["dimension_numbers"], eqn.invars[1].aval.shape
    if set(p["lhs_dilation"]) != {1}:
        return [eqn]
    config = [(0, 0, 0)] * len(numbers.lhs_spec)
    padding = []
    for n, (dim, k_dim) in enumerate(zip(numbers.lhs_spec[2:], numbers.rhs_spec[2:], strict=True)):
        reach = (kernel[k_dim] - 1) * p["rhs_dilation"][n]
        low, high = p["padding"][n]
        config[dim] = (max(low - reach, 0), max(high - reach, 0), 0)
        padding.append((min(low, reach), min(high, reach)))
    if not any(low or high for low, high, _ in config):
        return [eqn]
    x = eqn.invars[0]
    zero = np.zeros((), x.aval.dtype)
    # A pad equation is traced, not built by hand: its parameters and avals are JAX's to choose.
    traced = _compat.traced(lambda x: lax.pad(x, zero, config), jax.ShapeDtypeStruct(x.aval.shape, x.aval.dtype))
    if traced.consts:
        return [eqn]
    (pad,) = traced.jaxpr.eqns
    padded = _compat.new_variable(pad.outvars[0].aval)
    first = pad.replace(invars=[x, pad.invars[1]], outvars=[padded], source_info=eqn.source_info)
    return [first, eqn.replace(invars=[padded, eqn.invars[1]], params={**p, "padding": tuple(padding)})]
