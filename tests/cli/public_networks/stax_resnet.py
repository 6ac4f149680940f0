"""A small residual network in the manner of JAX's stax example, written anew: a pair of functions, weights apart.

Its batch normalization knows no running averages, as in the original.
Source: https://github.com/google/jax, examples/resnet50.py
"""

import functools
from typing import Any

import jax
from jax.example_libraries import stax


def block(filters: int, strides: tuple[int, int] | None = None) -> Any:
    """Two convolutions and a sum with the input, or with a convolution of it where the size changes."""
    main = [stax.Conv(filters, (3, 3), strides, "SAME"), stax.BatchNorm(), stax.Relu]
    main += [stax.Conv(filters, (3, 3), padding="SAME"), stax.BatchNorm()]
    around = stax.serial(stax.Conv(filters, (1, 1), strides), stax.BatchNorm()) if strides else stax.Identity
    return stax.serial(stax.FanOut(2), stax.parallel(stax.serial(*main), around), stax.FanInSum, stax.Relu)


def network() -> Any:
    """Three blocks between a convolution and an average over the map."""
    stem = [stax.Conv(8, (3, 3), padding="SAME"), stax.BatchNorm(), stax.Relu]
    blocks = [block(8), block(12, (2, 2)), block(16, (2, 2))]
    return stax.serial(*stem, *blocks, stax.AvgPool((8, 8)), stax.Flatten, stax.Dense(10), stax.LogSoftmax)


init, apply = network()


def forward(params: Any, x: Any) -> Any:
    """Log probabilities (N, 10) of images (N, 32, 32, 3)."""
    return apply(params, x)


_, params = init(jax.random.key(0), (-1, 32, 32, 3))
predict = functools.partial(forward, params)
