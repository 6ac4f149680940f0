"""Small networks in different styles, for the tests of the network core. Sizes all differ."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen, nnx

SIZE = (19, 17)
AXES = ("NHWC", "HWIO", "NHWC")


def chain_layers(dtype: str = "float64") -> list[dict[str, Any]]:
    """Conv (stride 2, uneven pads), ReLU, overlapping pool, conv, ReLU, pool with padding: as data for the loops."""
    rng = np.random.default_rng(3)

    def conv(k: int, i: int, o: int, stride: int, pads: Any) -> dict[str, Any]:
        w, b = rng.normal(size=(k, k + 1, i, o)), rng.normal(size=o)
        return {"kind": "conv", "w": w.astype(dtype), "b": b.astype(dtype), "stride": (stride, 1), "pads": pads}

    return [
        conv(3, 3, 4, 2, ((1, 0), (2, 1))),
        {"kind": "relu"},
        {"kind": "max_pool", "window": (3, 3), "stride": (2, 2), "pads": ((0, 0), (0, 0))},
        conv(2, 4, 5, 1, ((0, 1), (1, 1))),
        {"kind": "relu"},
        {"kind": "max_pool", "window": (2, 2), "stride": (2, 2), "pads": ((0, 0), (1, 0))},
    ]


def run_chain(layers: list[dict[str, Any]], x: Any, relu: Any = jax.nn.relu) -> Any:
    """The same layers as a JAX program."""
    for layer in layers:
        if layer["kind"] == "conv":
            w, b = jnp.asarray(layer["w"], x.dtype), jnp.asarray(layer["b"], x.dtype)
            x = jax.lax.conv_general_dilated(x, w, layer["stride"], layer["pads"], dimension_numbers=AXES) + b
        elif layer["kind"] == "relu":
            x = relu(x)
        else:
            window, stride = (1, *layer["window"], 1), (1, *layer["stride"], 1)
            pads = ((0, 0), *layer["pads"], (0, 0))
            x = jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, window, stride, pads)
    return x


def picture(size: tuple[int, int] = SIZE, seed: int = 0, dtype: str = "float32") -> np.ndarray:
    """(1, H, W, 3) noise."""
    return np.random.default_rng(seed).normal(size=(1, *size, 3)).astype(dtype)


class Block(nnx.Module):
    """Convolution, batch norm, ReLU."""

    def __init__(self, inputs: int, outputs: int, rngs: nnx.Rngs) -> None:
        self.conv = nnx.Conv(inputs, outputs, (3, 3), rngs=rngs)
        self.norm = nnx.BatchNorm(outputs, use_running_average=True, rngs=rngs)

    def __call__(self, x: Any) -> Any:
        return nnx.relu(self.norm(self.conv(x)))


class Residual(nnx.Module):
    """An NNX network with a list of blocks, a residual sum, a pool and a head."""

    def __init__(self, rngs: nnx.Rngs) -> None:
        self.stem = Block(3, 4, rngs)
        self.blocks = nnx.List([Block(4, 4, rngs), Block(4, 4, rngs)])
        self.head = nnx.Linear(4, 5, rngs=rngs)

    def __call__(self, x: Any) -> Any:
        x = self.stem(x)
        for block in self.blocks:
            x = nnx.max_pool(x + block(x), (2, 2), (2, 2))
        return self.head(x.mean((1, 2)))


class Plain(linen.Module):
    """A Linen network, compact."""

    @linen.compact
    def __call__(self, x: Any) -> Any:
        x = linen.relu(linen.BatchNorm(use_running_average=True)(linen.Conv(4, (3, 3))(x)))
        x = linen.avg_pool(x, (2, 2), (2, 2))
        return linen.Dense(5)(x.reshape(x.shape[0], -1))
