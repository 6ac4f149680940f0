"""Which axis holds the channels, through everything that moves, cuts, resizes and joins; never guessed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from jax import lax

import deconvviz as dv
from deconvviz.data.preprocess import model_input
from deconvviz.errors import NetworkError

RNG = np.random.default_rng(0)
W, W2 = (jnp.asarray(RNG.normal(size=shape), jnp.float32) for shape in ((5, 3, 3, 3), (4, 5, 3, 3)))
IMAGE = RNG.uniform(size=(8, 6, 3)).astype(np.float32)
SPEC = dv.InputSpec(size=(8, 6))


def conv(x: Any, w: Any) -> Any:
    return lax.conv_general_dilated(x, w, (1, 1), "SAME")


def channels_first(above: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda x: above(jax.nn.relu(conv(x.transpose(0, 3, 1, 2), W)))


def shuffled(h: Any) -> Any:
    return jnp.concatenate([h] * 4, 1).reshape(1, 5, 2, 2, 8, 6).transpose(0, 1, 4, 2, 5, 3).reshape(1, 5, 16, 12)


#: name -> (what stands above a map of 5 channels that come first, shape of the last layer).
ABOVE: dict[str, tuple[Callable[[Any], Any], tuple[int, ...]]] = {
    "resize": (lambda h: jax.image.resize(h, (1, 5, 16, 12), "bilinear"), (16, 12, 5)),
    "resize and convolution": (lambda h: conv(jax.image.resize(h, (1, 5, 16, 12), "cubic"), W2), (16, 12, 4)),
    "nearest": (lambda h: jax.nn.relu(jax.image.resize(h, (1, 5, 16, 12), "nearest") - 0.1), (16, 12, 5)),
    "resize under vmap": (jax.vmap(lambda h: jax.image.resize(h, (5, 16, 12), "bilinear")), (16, 12, 5)),
    "flip": (lambda h: jax.nn.relu(h[:, :, ::-1] - 0.1), (8, 6, 5)),
    "take": (lambda h: jax.nn.relu(h[:, :, jnp.array([2, 1, 0])] - 0.1), (3, 6, 5)),
    "roll": (lambda h: jax.nn.relu(jnp.roll(h, 1, 2) - 0.1), (8, 6, 5)),
    "repeat": (lambda h: jax.nn.relu(jnp.repeat(h, 2, 2) - 0.1), (16, 6, 5)),
    "reflection": (lambda h: jax.nn.relu(jnp.pad(h, ((0, 0), (0, 0), (1, 1), (1, 1)), mode="reflect")), (10, 8, 5)),
    "pixel shuffle": (lambda h: jax.nn.relu(shuffled(h) - 0.1), (16, 12, 5)),
    "scan": (lambda h: lax.scan(lambda c, _: (jax.nn.relu(c[:, :, ::-1]), None), h, None, length=2)[0], (8, 6, 5)),
    "one spatial axis": (
        lambda h: jax.nn.relu(lax.conv_general_dilated(h.reshape(1, 5, 48), jnp.ones((4, 5, 3)), (1,), "SAME")),
        (48, 4)),
    "three spatial axes": (
        lambda h: jax.nn.relu(lax.conv_general_dilated(h[:, None], jnp.ones((2, 1, 2, 3, 3)), (1, 1, 1), "SAME")),
        (5, 8, 6, 2)),
    "crops side by side": (
        lambda h: jnp.concatenate([h[:, :, :4], h[:, :, 4:]]).mean((2, 3)) @ jnp.ones((5, 4)), (2, 4)),
    "windows side by side": (
        lambda h: jax.nn.relu(h.reshape(1, 5, 2, 4, 6).transpose(0, 2, 1, 3, 4).reshape(2, 5, 4, 6) - 0.1),
        (2, 4, 6, 5)),
    "no batch": (lambda h: h[0].transpose(1, 2, 0) + 1, (8, 6, 5)),
    "time first": (lambda h: h.reshape(1, 5, 48).transpose(2, 0, 1) @ jnp.ones((5, 6)), (48, 6)),
}  # fmt: skip


@pytest.mark.sampled(1)
@pytest.mark.slow
@pytest.mark.parametrize("name", ABOVE)
def test_a_unit_is_one_of_its_channel(name: str) -> None:
    """Its activation is the largest of its channel, and the gradient map that of this one entry."""
    above, shape = ABOVE[name]
    function = channels_first(above)
    net = dv.Network(function, input_spec=SPEC)
    layer = net.layers[-1]
    assert (layer.shape, layer.known_axes) == (shape, True)
    x = model_input(IMAGE, SPEC)
    values = net.taps(x, [layer.name])[layer.name]
    assert values.shape == (1, *shape)
    result = dv.reconstruct(net, IMAGE, (layer.name, shape[-1] - 1), rule="gradient", start="one")
    assert result.activation == pytest.approx(float(values[..., -1].max()), rel=1e-6)
    order = net.node(layer.name).order
    assert order is not None

    def entry(x: Any) -> Any:
        value = function(x)
        value = value[None].transpose([d + 1 for d in order]) if order[0] < 0 else value.transpose(order)
        return value[..., -1].max()

    np.testing.assert_allclose(result.map, jax.grad(entry)(jnp.asarray(x))[0], rtol=0, atol=1e-5)


@pytest.mark.slow
def test_axes_that_nothing_tells_are_asked_for() -> None:
    mixed = channels_first(lambda h: jnp.einsum("nchw,chwpqr->npqr", h, jnp.ones((5, 8, 6, 3, 4, 2))))
    net = dv.Network(mixed, input_spec=SPEC)
    layer = net.layers[-1]
    assert not layer.known_axes
    with pytest.raises(NetworkError, match=rf"which axis of layer {layer.name} .*channel_axis="):
        dv.reconstruct(net, IMAGE, (layer.name, 0), rule="gradient")
    told = dv.Network(mixed, input_spec=SPEC, channel_axis={layer.name: 1})
    assert told.layer(layer.name).shape == (4, 2, 3)
    assert dv.reconstruct(told, IMAGE, (layer.name, 2), rule="gradient").unit.channel == 2


@pytest.mark.deep
def test_members_of_an_ensemble_are_never_added_up() -> None:
    def ensemble(x: Any) -> Any:
        def member(w: Any) -> Any:
            return jax.nn.relu(conv(x.transpose(0, 3, 1, 2), w)).mean((2, 3)) @ jnp.ones((5, 7))

        return jax.vmap(member)(jnp.stack([W, 2 * W]))

    net = dv.Network(ensemble, input_spec=SPEC)
    assert net.layers[-1].shape == (2, 7)
    first = dv.reconstruct(net, IMAGE, (net.layers[-1].name, 1, 0, 0), rule="gradient", start="one")
    slope = jax.grad(lambda x: ensemble(x)[0, 0, 1])(jnp.asarray(model_input(IMAGE, SPEC)))[0]
    np.testing.assert_allclose(first.map, slope, rtol=0, atol=1e-5)


@pytest.mark.deep
def test_a_head_is_a_column_and_a_token_a_row() -> None:
    attention = nnx.MultiHeadAttention(2, 8, decode=False, rngs=nnx.Rngs(0))
    kernel = jnp.asarray(RNG.normal(size=(3, 8)), jnp.float32)
    net = dv.Network(lambda x: attention(jax.nn.relu((x @ kernel).reshape(x.shape[0], 48, 8))), input_spec=SPEC)
    heads = [layer for layer in net.layers if layer.shape == (48, 2, 4)]
    assert heads
    assert all(layer.known_axes for layer in net.layers)
    result = dv.reconstruct(net, IMAGE, (heads[-1].name, 3, 47, 1), rule="guided")
    assert (result.unit.row, result.unit.column) == (47, 1)
    assert result.activation == pytest.approx(
        float(net.taps(model_input(IMAGE, SPEC), [heads[-1].name])[heads[-1].name][0, 47, 1, 3]), rel=1e-5
    )
