"""The trained form of the chain and the folded one are the same function."""

from __future__ import annotations

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from jax import lax
from reference import pool_loops

from deconvviz.models import caltech as network
from deconvviz.training.caltech import chain
from deconvviz.training.caltech.filters import NOISE, fine

NHWC = ("NHWC", "HWIO", "NHWC")


def normal(seed: int, *shape: int) -> jax.Array:
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape), jnp.float32)


def test_the_first_layer_is_a_6x6_convolution_of_stride_2() -> None:
    x, kernel = normal(0, 2, 14, 18, 3), normal(1, 6, 6, 3, 5)

    def direct(kernel: jax.Array) -> jax.Array:
        return lax.conv_general_dilated(x, kernel, (2, 2), ((2, 2), (2, 2)), dimension_numbers=NHWC)

    def both(road: Callable[[jax.Array], jax.Array]) -> tuple[jax.Array, jax.Array]:
        y, back = jax.vjp(road, kernel)
        return y, back(normal(2, *y.shape))[0]

    found = jax.jit(lambda: both(lambda k: chain._stem(x, k)))()
    wanted = jax.jit(lambda: both(direct))()
    np.testing.assert_allclose(found[0], wanted[0], atol=2e-4)
    np.testing.assert_allclose(found[1], wanted[1], atol=2e-3)


def test_first_kernels_start_small_and_smooth() -> None:
    usual, smooth = (
        np.asarray(chain.Chain(3, 0.0, *first, rngs=nnx.Rngs(0)).blocks[0].kernel[...]) for first in ((), (0.25, 1.0))
    )
    wanted = np.sqrt(2 / 108)
    assert usual.std() == pytest.approx(wanted, rel=0.05)
    assert smooth.std() == pytest.approx(wanted / 4, rel=0.1)
    assert smooth.std(axis=(2, 3)) == pytest.approx(np.full((6, 6), wanted / 4), rel=0.3)
    assert fine(usual).mean() == pytest.approx(NOISE, abs=0.02)
    assert fine(smooth).mean() < 0.25


def test_pooling() -> None:
    x = normal(3, 2, 8, 6, 3)
    wanted, _ = pool_loops.max_pool(np.asarray(x), (2, 2), (2, 2), ((0, 0), (0, 0)))
    np.testing.assert_array_equal(chain._pool(x), wanted)


@pytest.fixture(scope="module")
def model() -> chain.Chain:
    """A chain with dropout, its statistics, scales and offsets far from their first values, some scales negative."""
    made = chain.Chain(7, 0.4, rngs=nnx.Rngs(0))
    rng = np.random.default_rng(0)
    for block in made.blocks:
        mean, scale, bias = rng.normal(size=(3, block.norm.mean.shape[0])).astype(np.float32)
        block.norm.mean[...], block.norm.var[...] = jnp.asarray(0.3 * mean), jnp.asarray(np.exp(bias))
        block.norm.scale[...], block.norm.bias[...] = jnp.asarray(scale), jnp.asarray(bias)
    return nnx.view(made, use_running_average=True)


@jax.jit
def trained(model: chain.Chain, x: jax.Array, key: jax.Array | None = None) -> jax.Array:
    return model(x, key)


@pytest.mark.deep
def test_folding_keeps_the_function(model: chain.Chain) -> None:
    x = normal(99, 3, 64, 32, 3)
    wanted = trained(model, x)
    got = jax.jit(network.forward)({k: jnp.asarray(v) for k, v in chain.fold(model).items()}, x)
    assert float(jnp.abs(wanted).max()) > 0.1
    np.testing.assert_allclose(got, wanted, atol=1e-4 * float(jnp.abs(wanted).max()))


def test_folded_arrays_are_those_of_the_network(model: chain.Chain) -> None:
    assert {name: value.shape for name, value in chain.fold(model).items()} == network.shapes(7)
    assert sum(math.prod(shape) for shape in network.shapes().values()) < 950_000


@pytest.mark.deep
def test_dropout_keeps_the_mean(model: chain.Chain) -> None:
    x = jnp.broadcast_to(normal(1, 1, 32, 32, 3), (100, 32, 32, 3))
    dropped, plain = trained(model, x, jax.random.key(0)), trained(model, x)
    assert float(dropped.std(axis=0).min()) > 0
    spread = dropped.std(axis=0) / np.sqrt(100)
    assert (jnp.abs(dropped.mean(axis=0) - plain[0]) < 5 * spread).all()
