"""What a network is fed: numbers where numbers are meant, one sentence for everything else."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import deconvviz as dv
from deconvviz.data.preprocess import display, model_input
from deconvviz.errors import DeconvvizError, ImageError
from deconvviz.network import reconstruct_units


def test_a_number_serves_every_channel() -> None:
    spec = dv.InputSpec(size=(4, 5), mean=0.5, std=np.float32(0.25))
    assert (spec.mean, spec.std) == ((0.5, 0.5, 0.5), (0.25, 0.25, 0.25))
    assert spec == dv.InputSpec(size=[4, 5], mean=[0.5, 0.5, 0.5], std=(0.25,))  # type: ignore[arg-type]
    np.testing.assert_allclose(model_input(np.ones((4, 5, 3), np.float32), spec), 2)
    grey = dv.InputSpec(size=(4, 5), channels="L")
    assert (grey.mean, grey.std) == ((0.0,), (1.0,))
    assert dv.InputSpec(size=(4, 5), mean=jnp.arange(3.0), std=np.array(2.0)).mean == (0.0, 1.0, 2.0)


@pytest.mark.parametrize(("options", "said"), [
    ({"size": 224}, r"\(224, 224\) for example; got size=224"), ({"size": (3,)}, "two whole numbers"),
    ({"size": (2.5, 3)}, "two whole numbers"), ({"size": "ab"}, "two whole numbers"), ({"size": (True, 3)}, "two"),
    ({"size": None}, "got size=None"), ({"mean": "0.5"}, "mean is one number, or one a channel; got mean='0.5'"),
    ({"mean": ()}, "got mean="), ({"mean": (0.1, 0.2)}, r"mean=\(0.1, 0.2\) has 2 numbers but channels='RGB' means 3"),
    ({"mean": (1, 2, 3), "channels": "L"}, r"mean=\(1, 2, 3\) has 3 numbers but channels='L' means 1"),
    ({"mean": float("nan")}, "got mean=nan"), ({"std": (1, 0, 1)}, "none may be 0"), ({"std": 0}, "none may be 0"),
    ({"std": None}, "got std=None"), ({"scale": 0}, "not 0; got scale=0"), ({"scale": (1, 2)}, "got scale="),
    ({"resize": (18, 18)}, r"above 0, or None; got resize=\(18, 18\)"), ({"resize": 0}, "got resize=0"),
    ({"resize": -3}, "got resize=-3"), ({"channels": "RGBA"}, "got channels='RGBA'"), ({"fit": "pad"}, "got fit='pad'"),
])  # fmt: skip
def test_nonsense_is_refused_when_it_is_said(options: dict[str, Any], said: str) -> None:
    with pytest.raises(DeconvvizError, match=said) as caught:
        dv.InputSpec(**{"size": (8, 8), **options})
    assert "\n" not in str(caught.value)


GREY = dv.Network(
    lambda x: jax.nn.relu(dv.conv(x, np.random.default_rng(4).random((3, 3, 1, 4)).astype(np.float32) - 0.3)),
    input_spec=dv.InputSpec(size=(14, 11), channels="L"),
)


@pytest.mark.deep
@pytest.mark.parametrize("parametrization", ["fourier", "pixel"])
def test_a_network_without_colours_gets_pictures_without(parametrization: str) -> None:
    picture = np.random.default_rng(5).random((14, 11, 3)).astype(np.float32)
    seen = dv.visualize(GREY, ("relu1", 2), steps=12, parametrization=parametrization, start=picture)
    found = dv.invert(GREY, picture, "relu1", steps=12, parametrization=parametrization)
    for image in (seen.image, found.image, dv.visualize(GREY, ("relu1", 2), steps=8).image):
        assert image.shape == (14, 11, 3)
        assert np.ptp(image, axis=-1).max() == 0
        assert np.ptp(image) > 0.01
    assert found.losses[-1] < found.losses[0]


def stack_network(**options: Any) -> dv.Network:
    spec = dv.InputSpec(size=(14, 11), channels=5, mean=(1, 2, 3, 4, 5), std=2.0, **options)
    kernel = np.random.default_rng(6).standard_normal((3, 3, 5, 4)).astype(np.float32)
    return dv.Network(lambda x: jax.nn.relu(dv.conv(x, kernel)), input_spec=spec)


STACK = np.random.default_rng(7).normal(3, 2, (14, 11, 5))


def test_a_number_of_channels_is_fed_as_it_is() -> None:
    net = stack_network()
    np.testing.assert_allclose(dv.model_input(net, STACK)[0], (STACK - (1, 2, 3, 4, 5)) / 2, rtol=1e-5, atol=1e-6)
    flat = np.broadcast_to(np.arange(5) * 7, (40, 30, 5))  # a size of its own, whole numbers, far outside 0..1
    np.testing.assert_allclose(dv.model_input(net, flat)[0, 3, 4], (flat[0, 0] - (1, 2, 3, 4, 5)) / 2, rtol=1e-6)
    assert dv.activations(net, STACK, "relu1").shape[-1] == 4


@pytest.mark.slow
def test_a_map_shows_three_channels_or_their_sum() -> None:
    whole, three = stack_network(), stack_network(shown=(4, 0, 2))
    assert whole.digest == three.digest
    raw = reconstruct_units(whole, dv.model_input(whole, STACK), [("relu1", 1)])[0].map
    assert raw.shape == (14, 11, 5)
    summed = dv.reconstruct(whole, STACK, ("relu1", 1))
    np.testing.assert_allclose(summed.map, np.repeat(raw.sum(-1, keepdims=True), 3, -1), rtol=1e-4, atol=1e-5)
    assert summed.agreement is not None
    assert summed.agreement < 1e-5
    np.testing.assert_allclose(dv.reconstruct(three, STACK, ("relu1", 1)).map, raw[..., [4, 0, 2]], rtol=1e-5)
    shown = display(dv.model_input(three, STACK), three.input_spec)
    np.testing.assert_allclose(shown, np.clip(STACK[..., [4, 0, 2]], 0, 1), atol=1e-5)
    mean = display(dv.model_input(whole, STACK), whole.input_spec)
    np.testing.assert_allclose(mean[..., 1], np.clip(STACK.mean(-1), 0, 1), atol=1e-5)


def test_what_is_no_stack_of_channels_is_refused() -> None:
    net = stack_network()
    for wrong in (STACK[..., :3], np.full((4, 4, 5), np.nan), "photo.jpg"):
        with pytest.raises(ImageError, match=r"takes 5 channels: hand in an \(H, W, 5\) array"):
            dv.reconstruct(net, wrong, ("relu1", 1))
    for draw in (
        lambda: dv.visualize(net, ("relu1", 1)), lambda: dv.visualize_layer(net, "relu1"),
        lambda: dv.invert(net, STACK, "relu1"),
    ):  # fmt: skip
        with pytest.raises(DeconvvizError, match="takes 5 channels"):
            draw()
    for shown, channels in (((0, 1), 5), ((0, 1, 5), 5), ((0, 1, 2), "RGB"), (3, 5)):
        with pytest.raises(DeconvvizError, match="shown names three channels"):
            dv.InputSpec(size=(4, 4), channels=channels, shown=shown)  # type: ignore[arg-type]
    for channels in (0, 2.5, True):
        with pytest.raises(DeconvvizError, match="or a number of channels; got channels="):
            dv.InputSpec(size=(4, 4), channels=channels)  # type: ignore[arg-type]
