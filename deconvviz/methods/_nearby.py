"""One step of a search that is held near a picture: towards a layer's values, and not far from where it began."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax  # type: ignore[import-untyped]

from deconvviz.methods import _canvas
from deconvviz.network import Network


def step(network: Network, layer: str) -> tuple[Any, Callable[..., Any]]:
    """Adam's memory, and its step down ``|Phi(x) - a|^2 / |a|^2 + w mean((x - z)^2)``, compiled once a layer.

    Args:
      network: the network.
      layer: the layer's name.

    Returns:
      The Optax transformation, whose ``init`` makes the memory; and
      ``(x (1, H, W, 3), memory, z, w, rate, consts, a, 1 / |a|^2) -> (x inside 0..1, memory)``.
    """
    optimizer = optax.scale_by_adam()

    def make() -> Callable[..., Any]:
        values = _canvas.layer_values(network, layer)

        def loss(x: Any, near: Any, pull: Any, consts: Any, target: Any, weight: Any) -> Any:
            error = jnp.square(values(consts, x) - target).sum() * weight
            return error + pull * jnp.mean(jnp.square(x - near))

        def update(x: Any, memory: Any, near: Any, pull: Any, rate: Any, consts: Any, target: Any, weight: Any) -> Any:
            gradient = jax.grad(loss)(x, near, pull, consts, target, weight)
            updates, memory = optimizer.update(gradient, memory)
            return jnp.clip(x - rate * updates, 0, 1).astype(x.dtype), memory

        return jax.jit(update)

    return optimizer, network.store.compiled(("nearby", layer), make)
