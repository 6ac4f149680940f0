"""The trained form of the chain and the folded one are the same function."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import lax
from reference import pool_loops

from deconvviz.models import caltech as network
from deconvviz.training import chain

NHWC = ("NHWC", "HWIO", "NHWC")


def normal(seed: int, *shape: int) -> jax.Array:
    return jax.random.normal(jax.random.key(seed), shape)


def test_the_first_layer_is_a_6x6_convolution_of_stride_2() -> None:
    x, kernel = normal(0, 2, 14, 18, 3), normal(1, 6, 6, 3, 5)

    def direct(kernel: jax.Array) -> jax.Array:
        return lax.conv_general_dilated(x, kernel, (2, 2), ((2, 2), (2, 2)), dimension_numbers=NHWC)

    blocks = chain._stem(x, kernel)
    np.testing.assert_allclose(blocks, direct(kernel), atol=2e-4)
    signal = normal(2, *blocks.shape)
    slope = jax.vjp(lambda k: chain._stem(x, k), kernel)[1](signal)[0]
    np.testing.assert_allclose(slope, jax.vjp(direct, kernel)[1](signal)[0], atol=2e-3)


def test_pooling() -> None:
    x = normal(3, 2, 8, 6, 3)
    wanted, _ = pool_loops.max_pool(np.asarray(x), (2, 2), (2, 2), ((0, 0), (0, 0)))
    np.testing.assert_array_equal(chain._pool(x), wanted)


def test_folding_keeps_the_function() -> None:
    """With statistics, scales and offsets far from their first values, some scales negative."""
    model = chain.Chain(7, rngs=nnx.Rngs(0))
    for i, block in enumerate(model.blocks):
        n = block.norm.mean.shape[0]
        block.norm.mean[...], block.norm.var[...] = 0.3 * normal(4 * i, n), jnp.exp(normal(4 * i + 1, n))
        block.norm.scale[...], block.norm.bias[...] = normal(4 * i + 2, n), normal(4 * i + 3, n)
    x = normal(99, 3, 64, 32, 3)
    wanted = nnx.view(model, use_running_average=True)(x)
    got = network.forward({k: jnp.asarray(v) for k, v in chain.fold(model).items()}, x)
    assert float(jnp.abs(wanted).max()) > 0.1
    np.testing.assert_allclose(got, wanted, atol=1e-4 * float(jnp.abs(wanted).max()))


def test_folded_arrays_are_those_of_the_network() -> None:
    folded = chain.fold(chain.Chain(rngs=nnx.Rngs(0)))
    assert {name: value.shape for name, value in folded.items()} == network.shapes()
    assert sum(value.size for value in folded.values()) < 950_000


def test_dropout_keeps_the_mean() -> None:
    model = nnx.view(chain.Chain(5, 0.4, rngs=nnx.Rngs(0)), use_running_average=True)
    x = jnp.broadcast_to(normal(1, 1, 32, 32, 3), (100, 32, 32, 3))
    dropped, plain = model(x, jax.random.key(0)), model(x[:1])
    assert float(dropped.std(axis=0).min()) > 0
    spread = dropped.std(axis=0) / np.sqrt(100)
    assert (jnp.abs(dropped.mean(axis=0) - plain[0]) < 5 * spread).all()
