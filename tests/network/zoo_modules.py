"""Small networks in Flax NNX, Flax Linen, Equinox, and as pairs of functions like Haiku's, each with its slow twin."""

from __future__ import annotations

import functools
import importlib.util
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import zoo
from flax import linen, nnx
from reference import network_loops as loops
from zoo import Example, draw

RELU, EVEN = zoo.RELU, ((1, 1), (1, 1))
K1, K2, K3 = draw(11, 3, 3, 3, 4), draw(12, 3, 3, 4, 4), draw(13, 4, 5)
BIAS, MEAN, SPREAD, GAIN, SHIFT = (draw(20 + n, 4) for n in range(5))
SPREAD = SPREAD**2 + 0.5
STEM = loops.conv(K1, BIAS, (1, 1), EVEN)
BODY = loops.conv(K2, 0, (1, 1), EVEN)
HEAD = {"kind": "dense", "w": K3, "b": 0}
BY = GAIN / np.sqrt(SPREAD + 1e-5)
NORM = {"kind": "scale", "by": BY, "shift": SHIFT - MEAN * BY}
ZEROS = nnx.initializers.zeros_init()
POOL = loops.pool("max_pool", (2, 2))


class Block(nnx.Module):
    """Convolution, batch norm in inference, and one and the same ReLU module wherever one is needed."""

    def __init__(self, inputs: int, kernel: Any, bias: Any, dtype: str, rngs: nnx.Rngs) -> None:
        self.conv = nnx.Conv(
            inputs, 4, (3, 3), use_bias=bias is not None, param_dtype=dtype, dtype=dtype, kernel_init=ZEROS, rngs=rngs
        )
        self.conv.kernel.set_value(jnp.asarray(kernel, dtype))
        if bias is not None:
            self.conv.bias.set_value(jnp.asarray(bias, dtype))
        self.norm = nnx.BatchNorm(4, use_running_average=True, param_dtype=dtype, dtype=dtype, rngs=rngs)
        self.norm.mean.set_value(jnp.asarray(MEAN, dtype))
        self.norm.var.set_value(jnp.asarray(SPREAD, dtype))
        self.norm.scale.set_value(jnp.asarray(GAIN, dtype))
        self.norm.bias.set_value(jnp.asarray(SHIFT, dtype))

    def __call__(self, x: Any) -> Any:
        return self.norm(self.conv(x))


class Residual(nnx.Module):
    """Blocks in a list, a residual sum, nnx.max_pool, a mean and a dense head."""

    def __init__(self, dtype: str) -> None:
        rngs = nnx.Rngs(0)
        self.stem = Block(3, K1, BIAS, dtype, rngs)
        self.blocks = nnx.List([Block(4, K2, None, dtype, rngs)])
        self.head = nnx.Linear(4, 5, use_bias=False, param_dtype=dtype, dtype=dtype, kernel_init=ZEROS, rngs=rngs)
        self.head.kernel.set_value(jnp.asarray(K3, dtype))

    def __call__(self, x: Any) -> Any:
        x = nnx.relu(self.stem(x))
        for block in self.blocks:
            x = nnx.max_pool(x + nnx.relu(block(x)), (2, 2), (2, 2))
        return self.head(x.mean((1, 2)))


class Compact(linen.Module):
    """Compact, with a module under remat, average pooling and a flattened map."""

    dtype: Any

    @linen.compact
    def __call__(self, x: Any) -> Any:
        x = linen.Conv(4, (3, 3), dtype=self.dtype, param_dtype=self.dtype)(x)
        x = linen.relu(linen.BatchNorm(use_running_average=True, dtype=self.dtype, param_dtype=self.dtype)(x))
        x = linen.avg_pool(x, (2, 2), (2, 2))
        x = linen.remat(linen.Conv)(4, (3, 3), use_bias=False, dtype=self.dtype, param_dtype=self.dtype)(x)
        return linen.relu(x).reshape(x.shape[0], -1)


def compact(dtype: str) -> Any:
    cast = lambda tree: jax.tree.map(lambda a: jnp.asarray(a, dtype), tree)  # noqa: E731
    params = {
        "Conv_0": {"kernel": K1, "bias": BIAS},
        "BatchNorm_0": {"scale": GAIN, "bias": SHIFT},
        "CheckpointConv_0": {"kernel": K2},
    }
    variables = {"params": params, "batch_stats": {"BatchNorm_0": {"mean": MEAN, "var": SPREAD}}}
    return lambda x: Compact(dtype).apply(cast(variables), x)


def transformed(function: Any) -> tuple[Any, Any]:
    """(init, apply) of a function that asks for its parameters by name, as Haiku's transform gives them."""

    def init(shapes: dict[str, np.ndarray], dtype: str) -> dict[str, Any]:
        return {name: jnp.asarray(value, dtype) for name, value in shapes.items()}

    return init, lambda params, x: function(params.__getitem__, x)


def haiku_style(dtype: str) -> Any:
    def function(get: Any, x: Any) -> Any:
        with jax.named_scope("net/stem"):
            x = jnp.maximum(zoo.conv({**STEM, "w": get("stem/w"), "b": 0}, x) + get("stem/b"), 0.0)
        with jax.named_scope("net/pool"):
            x = jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
        with jax.named_scope("net/head"):
            return x.mean((1, 2)) @ get("head/w")

    init, apply = transformed(function)
    params = init({"stem/w": K1, "stem/b": BIAS, "head/w": K3}, dtype)
    return lambda x: apply(params, x)


@functools.cache
def equinox_model() -> Any:
    """Drawing first weights compiles a good deal, so it is done once."""
    import equinox as eqx

    return eqx.nn.Sequential(
        [
            eqx.nn.Conv2d(3, 4, 3, padding=1, key=jax.random.key(0)),
            eqx.nn.Lambda(jax.nn.relu),
            eqx.nn.MaxPool2d(2, 2),
            eqx.nn.Conv2d(4, 4, 3, padding=1, use_bias=False, key=jax.random.key(1)),
        ]
    )


def equinox_style(dtype: str) -> Any:
    """Channels first, one image at a time under vmap, the weights in the module."""
    import equinox as eqx

    model = equinox_model()
    put = lambda a: jnp.asarray(a, dtype)  # noqa: E731
    weights = (put(K1.transpose(3, 2, 0, 1)), put(BIAS[:, None, None]), put(K2.transpose(3, 2, 0, 1)))
    model = eqx.tree_at(lambda m: (m[0].weight, m[0].bias, m[3].weight), model, weights)
    return lambda x: jax.vmap(model)(x.transpose(0, 3, 1, 2)).transpose(0, 2, 3, 1)


MODULES: dict[str, Example] = {
    "Flax NNX": Example(
        Residual,
        [
            STEM, NORM, RELU, {"kind": "residual", "layers": [BODY, NORM, RELU]}, POOL, {"kind": "mean"}, HEAD,
        ],
        2,
    ),
    "Flax Linen": Example(
        compact, [STEM, NORM, RELU, loops.pool("avg_pool", (2, 2)), BODY, RELU, {"kind": "flatten"}], 2
    ),
    "Haiku style": Example(haiku_style, [STEM, RELU, POOL, {"kind": "mean"}, HEAD], 1),
}  # fmt: skip
if importlib.util.find_spec("equinox"):
    MODULES["Equinox"] = Example(equinox_style, [STEM, RELU, POOL, BODY], 1)
