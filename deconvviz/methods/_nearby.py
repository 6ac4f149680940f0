"""One step of a search that is held near a picture: towards a layer's values, and not far from where it began."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax  # type: ignore[import-untyped]

from deconvviz.errors import DeconvvizError
from deconvviz.methods import _canvas
from deconvviz.network import Network


def weight_of(layer: str, values: np.ndarray) -> float:
    """``1 / |a|^2`` of a layer's values; values that are zero everywhere are refused.

    >>> weight_of("relu1", np.array([3.0, 4.0]))
    0.04
    """
    length = float(np.square(values.astype(np.float64)).sum())
    if not length:
        raise DeconvvizError(f"{layer} is zero everywhere: every picture that leaves it silent would do")
    return 1 / length


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
