"""The fast 3x3 convolution: its values are those of the loops, its slopes those that JAX derives."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from jax import lax
from reference.decoder_loops import convolved

from deconvviz.models.convolutions import Conv3, same_conv

RANDOM = np.random.default_rng(8)


def plain(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """The same convolution, its slopes left to JAX."""
    return lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))


@pytest.mark.sampled(2)
@pytest.mark.slow
@pytest.mark.parametrize("taps", [(3, 3), (1, 5), (5, 3)])
def test_slopes_are_those_that_jax_derives(taps: tuple[int, int]) -> None:
    x, kernel, weight = (
        jnp.asarray(RANDOM.standard_normal(shape), jnp.float32) for shape in ((2, 5, 7, 3), (*taps, 3, 4), (2, 5, 7, 4))
    )
    np.testing.assert_array_equal(same_conv(x, kernel), plain(x, kernel))
    found, wanted = (
        jax.grad(lambda x, k, f=f: (weight * jnp.sin(f(x, k))).sum(), argnums=(0, 1))(x, kernel)
        for f in (same_conv, plain)
    )
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, other, atol=2e-4)


@pytest.mark.slow
def test_the_layer_is_that_of_the_loops() -> None:
    layer = Conv3(3, 2, rngs=nnx.Rngs(1))
    layer.bias[...] = jnp.array([0.25, -3.0])
    x = RANDOM.standard_normal((1, 4, 6, 3)).astype(np.float32)
    wanted = convolved(x[0], np.asarray(layer.kernel[...])) + np.array([0.25, -3.0])
    np.testing.assert_allclose(layer(jnp.asarray(x))[0], wanted, atol=1e-5)


def test_first_weights_keep_the_size_of_what_goes_through() -> None:
    layer = Conv3(32, 64, scale=0.5, rngs=nnx.Rngs(2))
    assert float(layer.kernel[...].std()) == pytest.approx(0.5 * (2 / (9 * 32)) ** 0.5, rel=0.05)
