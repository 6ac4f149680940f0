"""The four enlarging layers: each is what its name says, computed the long way; alike in size, different in kind."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from reference import conv_loops, upsample_loops

from deconvviz.errors import GeometryError
from deconvviz.models.upsamplers import UPSAMPLERS, Upsample, interpolation
from deconvviz.ops import ConvGeometry, conv
from deconvviz.ops.upsample import pixel_shuffle, resize_nearest, transposed_conv

RANDOM = np.random.default_rng(5)


def long_way(layer: Upsample, x: np.ndarray) -> np.ndarray:
    """The layer without any trick: the large map is made, then the kernel laid over it."""
    kernel, s = layer.kernel[...], layer.factor
    if layer.kind == "transposed":
        whole = np.asarray(transposed_conv(x, kernel, s))
        padded = np.pad(whole, [(0, 0), (0, s), (0, s), (0, 0)])
        p = layer.padding
        return padded[:, p : p + s * x.shape[1], p : p + s * x.shape[2]]
    if layer.kind == "subpixel":
        return np.asarray(pixel_shuffle(conv(x, kernel, ConvGeometry(padding="SAME")), s))
    large = np.array(resize_nearest(x, s))
    if layer.kind == "unpool":
        keep = np.zeros_like(large)
        keep[:, ::s, ::s] = 1
        large *= keep
    return np.asarray(conv(large, kernel, ConvGeometry(padding="SAME")))


@pytest.mark.deep
@pytest.mark.parametrize("kind", UPSAMPLERS)
@pytest.mark.parametrize(("factor", "taps"), [(2, None), (3, 9), (2, 3), (4, 2)])
def test_the_short_way_is_the_long_way(kind: str, factor: int, taps: int | None) -> None:
    layer = Upsample(kind, 3, 2, factor, taps, rngs=nnx.Rngs(1))
    layer.bias[...] = jnp.array([0.5, -2.0])
    x = RANDOM.standard_normal((2, 5, 7, 3)).astype(np.float32)
    y = np.asarray(layer(jnp.asarray(x)))
    assert y.shape == (2, 5 * factor, 7 * factor, 2)
    np.testing.assert_allclose(y, long_way(layer, x) + np.array([0.5, -2.0]), atol=2e-5)


@pytest.mark.slow
def test_the_long_way_is_that_of_the_loops() -> None:
    layer = Upsample("resize", 2, 1, 3, rngs=nnx.Rngs(2))
    x = RANDOM.standard_normal((1, 2, 3, 2)).astype(np.float32)
    large = upsample_loops.resize_nearest(x, 3)
    kernel = np.asarray(layer.kernel[...])
    expected = conv_loops.conv(
        np.pad(large, [(0, 0), (3, 3), (3, 3), (0, 0)]), kernel, (1, 1), ((0, 0),) * 2, (1, 1), 1
    )
    np.testing.assert_allclose(layer(jnp.asarray(x)), expected, atol=2e-5)


@pytest.mark.sampled(2)
@pytest.mark.slow
@pytest.mark.parametrize(("factor", "taps"), [(2, 8), (3, 9), (4, 12)])
def test_with_that_many_taps_all_four_have_as_many_weights(factor: int, taps: int) -> None:
    layers = [Upsample(kind, 5, 1, factor, 3 if kind == "subpixel" else taps, rngs=nnx.Rngs(0)) for kind in UPSAMPLERS]
    counts = {layer.kernel[...].size for layer in layers}
    assert (len(counts) == 1) == (taps == 3 * factor), counts


@pytest.mark.deep
@pytest.mark.parametrize("kind", UPSAMPLERS)
@pytest.mark.parametrize("factor", [2, 3, 4])
def test_they_can_begin_as_linear_interpolation(kind: str, factor: int) -> None:
    layer = Upsample(kind, 1, 1, factor, {"subpixel": 3, "unpool": 11}.get(kind, 9), rngs=nnx.Rngs(0))
    kernel = interpolation(kind, factor, layer.kernel[...].shape[0])
    layer.kernel[...] = jnp.asarray(kernel.reshape(layer.kernel[...].shape), jnp.float32)
    plane = RANDOM.random((6, 7)).astype(np.float32)
    rows, columns = ((np.arange(factor * n) + 0.5) / factor - 0.5 for n in plane.shape)
    tall = np.array([np.interp(rows, np.arange(6), column) for column in plane.T]).T
    wanted = np.array([np.interp(columns, np.arange(7), row) for row in tall])
    found = np.asarray(layer(jnp.asarray(plane)[None, :, :, None]))[0, :, :, 0]
    inside = (slice(factor, -factor),) * 2
    close = 0.2 if kind == "resize" and factor % 2 == 0 else 1e-5
    assert np.abs(found - wanted)[inside].max() < close


def test_an_unknown_kind_offers_the_nearest() -> None:
    with pytest.raises(GeometryError, match="no upsampler 'subpixle'; did you mean subpixel"):
        Upsample("subpixle", 1, 1, rngs=nnx.Rngs(0))
