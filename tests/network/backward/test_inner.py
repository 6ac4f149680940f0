"""A unit sent down to a layer below it, in place of the image."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from forms import by_hand

import deconvviz as dv
from deconvviz.errors import DeconvvizError, NetworkError, RuleError

SIZE = (9, 7)
DRAW = np.random.default_rng(5)
FIRST, SECOND, THIRD = (
    jnp.asarray(DRAW.standard_normal(shape), jnp.float32) for shape in ((3, 3, 3, 5), (3, 3, 5, 5), (3, 3, 5, 4))
)
IMAGE = DRAW.random((*SIZE, 3)).astype(np.float32)


def below(x: Any, relu: Any = jax.nn.relu) -> Any:
    return relu(dv.conv(x, FIRST, dv.ConvGeometry(2, 1)))


def above(h: Any, shortcut: Any, relu: Any = jax.nn.relu) -> Any:
    """A residual block and what follows; the gate rests on the image alone."""
    h = relu(dv.conv(h, SECOND, dv.ConvGeometry(1, 1)))
    return dv.conv(relu(h + shortcut), THIRD)


def forward(x: Any) -> Any:
    h = below(x)
    return above(h, 0.3 * h) * jax.nn.sigmoid(x.mean((1, 2, 3), keepdims=True))


def channels_first(x: Any) -> Any:
    w = [jnp.transpose(w, (3, 2, 0, 1)) for w in (FIRST, SECOND)]
    h = jax.nn.relu(jax.lax.conv(x.transpose(0, 3, 1, 2), w[0], (2, 2), "SAME"))
    return jax.nn.relu(jax.lax.conv(h, w[1], (1, 1), "SAME")).mean((2, 3))


NET = dv.Network(forward, input_spec=dv.InputSpec(size=SIZE), name="mine")
CONV3 = next(layer.name for layer in NET.layers if layer.kind == "conv" and layer.shape[-1] == 4)


@pytest.mark.sampled(2)
@pytest.mark.slow
@pytest.mark.parametrize("rule", dv.RULES)
def test_the_signal_at_an_inner_layer_is_that_of_rules_by_hand(rule: str) -> None:
    mine = dv.reconstruct(NET, IMAGE, (CONV3, 2, 1, 1), rule, to="relu1")
    h = below(IMAGE[None])
    relu = by_hand(rule)
    value, pull = jax.vjp(lambda h: above(h, 0.3 * h, relu), h)
    (signal,) = pull(jnp.zeros_like(value).at[0, 1, 1, 2].set(value[0, 1, 1, 2]))
    np.testing.assert_allclose(mine.map, signal[0], rtol=0, atol=1e-5 * np.abs(signal).max())
    assert (mine.to, mine.map.shape, mine.coverage.obeyed) == ("relu1", NET.layer("relu1").shape, 2)
    assert mine.agreement is not None
    assert mine.agreement < 1e-5


def test_what_goes_past_the_inner_layer_is_left_out() -> None:
    conv2 = next(layer.name for layer in NET.layers if layer.kind == "conv" and layer.name != NET.layers[0].name)
    mine = dv.reconstruct(NET, IMAGE, (CONV3, 2, 1, 1), "guided", "one", to=conv2)
    h, relu = below(IMAGE[None]), by_hand("guided")
    inner = dv.conv(h, SECOND, dv.ConvGeometry(1, 1))
    value, pull = jax.vjp(lambda z: dv.conv(relu(relu(z) + 0.3 * h), THIRD), inner)
    (signal,) = pull(jnp.zeros_like(value).at[0, 1, 1, 2].set(1))
    np.testing.assert_allclose(mine.map, signal[0], rtol=0, atol=1e-5 * np.abs(signal).max())


@pytest.mark.slow
def test_an_inner_layer_with_channels_first_comes_as_rows_columns_channels() -> None:
    net = dv.Network(channels_first, input_spec=dv.InputSpec(size=SIZE))
    mine = dv.reconstruct(net, IMAGE, (net.layers[-1].name, 3), "gradient", "one", to="relu1")
    h = jax.nn.relu(jax.lax.conv(IMAGE[None].transpose(0, 3, 1, 2), FIRST.transpose(3, 2, 0, 1), (2, 2), "SAME"))
    tail = lambda h: jax.nn.relu(  # noqa: E731
        jax.lax.conv(h, SECOND.transpose(3, 2, 0, 1), (1, 1), "SAME")
    ).mean((2, 3))[0, 3]
    np.testing.assert_allclose(mine.map, jax.grad(tail)(h)[0].transpose(1, 2, 0), rtol=1e-4, atol=1e-7)
    assert mine.map.shape == net.layer("relu1").shape
    assert mine.agreement is not None


def test_what_cannot_go_down_there_says_why() -> None:
    with pytest.raises(NetworkError, match=r"to='relu1' names a layer below the unit.* is that layer itself"):
        dv.reconstruct(NET, IMAGE, ("relu1", 2), to="relu1")
    with pytest.raises(NetworkError, match=r"relu1 of mine is made without it"):
        dv.reconstruct(NET, IMAGE, ("relu1", 2), to=CONV3)
    with pytest.raises(NetworkError, match=r"no layer 'rleu1'.*relu1"):
        dv.reconstruct(NET, IMAGE, (CONV3, 2), to="rleu1")
    conv = dv.Network(lambda x: dv.conv(below(x), SECOND), input_spec=dv.InputSpec(size=SIZE))
    with pytest.raises(RuleError, match=r"no rectifier .* lies between relu1 and"):
        dv.reconstruct(conv, IMAGE, (conv.layers[-1].name, 2), to="relu1")
    with pytest.raises(DeconvvizError, match=r"only units go down to an inner layer"):
        dv.reconstruct(NET, IMAGE, target=lambda out: out.sum(), to="relu1")
