"""The up-convolutional decoder: three upsamplers against their definitions, sizes, refusals."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
from reference import decoder_loops

from deconvviz.errors import NetworkError
from deconvviz.models import _decoder
from deconvviz.models.upsamplers import spread_kernel
from deconvviz.ops.upsample import transposed_conv, transposed_conv_blocks


def drawn(seed: int, *shape: int) -> np.ndarray:
    """Normal numbers."""
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


@pytest.mark.deep
@pytest.mark.parametrize("upsampler", _decoder.UPSAMPLERS)
@pytest.mark.parametrize("factor", [2, 3, 4])
def test_an_upsampler_is_what_its_definition_says(upsampler: _decoder.Upsampler, factor: int) -> None:
    taps = 3 * factor if upsampler == "transposed" else 2 * factor + 1
    x, kernel = drawn(1, 4, 5, 3), drawn(2, taps, taps, 3, 2)
    spread = spread_kernel(jnp.asarray(kernel), factor, upsampler)
    wanted = decoder_loops.UPSAMPLERS[upsampler](x, kernel, factor)
    as_layer = transposed_conv(x[None], spread.swapaxes(2, 3), factor, factor)[0]
    np.testing.assert_allclose(as_layer, wanted, atol=1e-5)
    by_blocks = transposed_conv_blocks(x[None], spread.swapaxes(2, 3), factor, factor)[0]
    np.testing.assert_allclose(by_blocks, wanted, atol=1e-4)


@pytest.mark.deep
@pytest.mark.parametrize("upsampler", _decoder.UPSAMPLERS)
def test_decode_equals_its_slow_twin(upsampler: _decoder.Upsampler, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_decoder, "WIDTHS", {4: 5, 8: 3})
    monkeypatch.setattr(_decoder, "SIDE", 16)
    shape = (4, 4, 6)
    assert [stage.factor for stage in _decoder.stages(shape)] == [1, 1, 4]
    arrays = {name: drawn(n, *wanted) for n, (name, wanted) in enumerate(_decoder.shapes(shape, upsampler).items())}
    arrays["std"] = np.abs(arrays["std"])
    values = drawn(50, 2, *shape)
    found = _decoder.decode({k: jnp.asarray(v) for k, v in arrays.items()}, jnp.asarray(values), upsampler)
    assert found.shape == (2, 16, 16, 3)
    for one, features in zip(found, values, strict=True):
        wanted = decoder_loops.decode(arrays, features, [1, 1, 4], upsampler)
        np.testing.assert_allclose(one, wanted, rtol=1e-4, atol=1e-4 * np.abs(wanted).max())


@pytest.mark.sampled(1)
@pytest.mark.slow
@pytest.mark.parametrize(
    ("shape", "factors"),
    [
        ((4, 4, 192), [1, 1, 2, 2, 2, 4]),
        ((16, 16, 128), [1, 1, 2, 4]),
        ((32, 32, 64), [1, 1, 4]),
        ((64, 64, 32), [1, 1, 2]),
    ],
)
@pytest.mark.parametrize("upsampler", _decoder.UPSAMPLERS)
def test_every_size_ends_in_a_whole_picture(
    shape: tuple[int, ...], factors: list[int], upsampler: _decoder.Upsampler
) -> None:
    assert [stage.factor for stage in _decoder.stages(shape)] == factors
    params = _decoder.initial(shape, upsampler, seed=0)
    assert {name: value.shape for name, value in params.items()} == _decoder.shapes(shape, upsampler)
    values = np.random.default_rng(0).standard_normal((2, *shape)).astype(np.float32)
    picture = np.asarray(_decoder.decode(params, jnp.asarray(values), upsampler))
    assert picture.shape == (2, 128, 128, 3)
    # The last stage begins with a tenth of the spread that keeps signals alike.
    assert 0.05 < picture[:, 16:-16, 16:-16].std() / (_decoder.SPREAD * 0.1) < 20


def test_first_weights_follow_from_the_seed() -> None:
    one, same, other = (_decoder.initial((8, 8, 5), "resize", seed) for seed in (1, 1, 2))
    assert all(np.array_equal(one[name], same[name]) for name in one)
    assert not np.array_equal(one["stage1.kernel"], other["stage1.kernel"])


@pytest.mark.deep
def test_a_channel_that_never_varies_is_not_divided_by_zero() -> None:
    params = _decoder.initial((4, 4, 6), "resize", 0) | {"std": jnp.zeros(6)}
    assert np.isfinite(np.asarray(_decoder.decode(params, jnp.zeros((1, 4, 4, 6)), "resize"))).all()


@pytest.mark.parametrize("shape", [(192,), (16, 8, 3), (5, 5, 7)])
def test_other_layers_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(NetworkError, match="a decoder begins with maps of 4 x 4, 8 x 8") as refused:
        _decoder.stages(shape)
    assert str(shape) in str(refused.value)
