"""Checks of one reconstruction: two computations of it, the adjoint below it, the rule at its rectifiers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from deconvviz.network._jit import jit_plainly
from deconvviz.network.network import Network
from deconvviz.network.rewrite.program import rewritten
from deconvviz.network.trace.jaxpr import as_function
from deconvviz.types import Array, Check, Reconstruction

#: What two computations of the same float32 map may differ by.
TOLERANCE = 1e-5


def agreement(reconstruction: Reconstruction) -> Check | None:
    """The relative difference of two independent computations of a map; None where there is only one."""
    if reconstruction.agreement is None:
        return None
    return Check("two computations agree", reconstruction.agreement, TOLERANCE)


def coverage(reconstruction: Reconstruction) -> Check:
    """The share of activations on the path that did not obey the rule."""
    covered = reconstruction.coverage
    return Check("rectifiers obey", (covered.total - covered.obeyed) / covered.total if covered.total else 0.0, 0.0)


def adjoint(network: Network, x: Array, layer: str, seed: int = 0) -> Check:
    """Dot test of the gradient rule at an image: ``<J v, g> = <v, J' g>`` for random v and g.

    J v comes from forward-mode differentiation of the untouched program, J' g from the rewritten one, so the two
    sides share nothing but the weights. The gap is divided by the product of the norms.

    Args:
      network: the network.
      x: (1, H, W, C) model input.
      layer: where g lives.
      seed: of v and g.
    """
    node, program = network.node(layer), network.program()
    batch = network.checked_input(x)

    def make() -> Callable[..., Any]:
        path = [item.eqn for item in program.path_to(node.variable)]
        plain = as_function(program.flat, path, [node.variable])
        ruled = rewritten(network, layer, "gradient").call

        def both(consts: Any, x: Any, v: Any, key: Any) -> Any:
            value, forward = jax.jvp(lambda x: plain(consts, x)[0], (x,), (v,))
            g = jax.random.normal(key, value.shape, value.dtype)
            (back,) = jax.vjp(lambda x: ruled(consts, x)[0], x)[1](g)
            gap = jnp.abs(jnp.vdot(forward, g) - jnp.vdot(v, back))
            scale = jnp.maximum(
                jnp.linalg.norm(forward) * jnp.linalg.norm(g), jnp.linalg.norm(v) * jnp.linalg.norm(back)
            )
            return jnp.where(scale > 0, gap / scale, 0.0)

        return jit_plainly(both)

    v = np.random.default_rng(seed).standard_normal(batch.shape).astype(batch.dtype)
    measure = network.store.compiled(("adjoint", layer, batch.dtype.name), make)
    error = float(measure(program.flat.consts, batch, v, jax.random.key(seed)))
    return Check("adjoint", error, TOLERANCE)
