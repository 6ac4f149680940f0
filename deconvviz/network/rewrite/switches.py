"""Max pooling over windows exchanged for `deconvviz.ops.pool.max_pool`, whose derivative is ten times faster on a CPU.

XLA derives the derivative of a window's maximum as ``select_and_scatter_add``, which goes through every window again;
`max_pool` remembers where each maximum was. Both give the same values, and both send a window's signal to its first
maximum in reading order, so the derivative is the same too, ties included.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from deconvviz.errors import GeometryError
from deconvviz.network.rewrite.replace import call
from deconvviz.ops.pool import max_pool


def by_switches(eqns: Sequence[Any]) -> list[Any]:
    """The equations with every max pooling of (N, H, W, C) maps that `max_pool` can compute exchanged for it.

    Windows over other axes, dilated ones, those of whole numbers, those that see nothing but padding, and those inside
    loops stay as they are.
    """
    return [_exchanged(eqn) or eqn for eqn in eqns]


def _exchanged(eqn: Any) -> Any | None:
    """The same maximum as a call of `max_pool`; None where that cannot compute it."""
    p = eqn.params
    if eqn.primitive.name != "reduce_window_max" or not jnp.issubdtype(eqn.invars[0].aval.dtype, jnp.floating):
        return None
    slides = (p["window_dimensions"], p["window_strides"], p["padding"], p["base_dilation"], p["window_dilation"])
    if any(len(along) != 4 for along in slides) or set(p["base_dilation"]) | set(p["window_dilation"]) != {1}:
        return None
    if any((p["window_dimensions"][d], p["window_strides"][d], *p["padding"][d]) != (1, 1, 0, 0) for d in (0, 3)):
        return None
    window, stride, padding = (tuple(along[1:3]) for along in slides[:3])
    pooled = jax.jit(lambda x: max_pool(x, window, stride, padding)[0])
    try:  # `max_pool` refuses windows that see nothing but padding, which XLA answers with minus infinity
        return call(pooled, ("switches", window, stride, padding), eqn, list(eqn.invars))
    except GeometryError:
        return None
