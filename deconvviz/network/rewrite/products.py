"""Convolutions by kernels of one tap exchanged for products of matrices, whose derivative copies no weights.

XLA writes a transposed copy of a convolution's kernel at every backward pass, unless the kernel is compiled into the
program; a product of matrices reads its operand either way round. And the derivative of a step of 2 is a picking of
places, where XLA multiplies three of four times by zero. Values and derivative are the same up to rounding.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
from jax import lax

from deconvviz.network.rewrite.replace import call

_AXES = ((0, 3, 1, 2), (3, 2, 0, 1), (0, 3, 1, 2))


def by_products(eqns: Sequence[Any]) -> list[Any]:
    """The equations with every convolution of (N, H, W, C) maps by one tap, in one group and unpadded, exchanged."""
    return [_exchanged(eqn) if eqn.primitive.name == "conv_general_dilated" else eqn for eqn in eqns]


def _exchanged(eqn: Any) -> Any:
    """The same values as a product of matrices; the equation itself where they are none."""
    p, numbers = eqn.params, eqn.params["dimension_numbers"]
    if (tuple(numbers.lhs_spec), tuple(numbers.rhs_spec), tuple(numbers.out_spec)) != _AXES:
        return eqn
    whole = p["feature_group_count"] == p["batch_group_count"] == 1 and set(p["lhs_dilation"]) == {1}
    if not whole or eqn.invars[1].aval.shape[:2] != (1, 1) or any(low or high for low, high in p["padding"]):
        return eqn
    (down, right), precision, dtype = p["window_strides"], p["precision"], p["preferred_element_type"]

    def product(x: jax.Array, w: jax.Array) -> jax.Array:
        picked, contracted = x[:, ::down, ::right], (((3,), (0,)), ((), ()))
        return lax.dot_general(picked, w[0, 0], contracted, precision=precision, preferred_element_type=dtype)

    return call(jax.jit(product), ("product", down, right, str(precision), str(dtype)), eqn, list(eqn.invars))
