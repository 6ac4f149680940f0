"""Whole networks of unusual build: experts under a gate, reversible coupling, Fourier mixing, fast weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from forms import DENSE, FIRST, IMAGE, SECOND, THIRD, Relu, by_hand, conv, rewritten, tokens

from deconvviz.network.trace.jaxpr import as_function


def experts(x: Any, relu: Relu) -> Any:
    """A mixture of experts: each image takes the sum of three branches, weighted by a softmax of its mean."""
    h = relu(conv(x, FIRST))
    weights = jax.nn.softmax(h.mean((1, 2)) @ DENSE[:, :3])
    branches = jnp.stack([relu(conv(h, w)) for w in (SECOND, THIRD, SECOND + THIRD)], -1)
    return (branches * weights[:, None, None, None]).sum(-1).mean((1, 2)) @ DENSE


def reversible(x: Any, relu: Relu) -> Any:
    """Two coupled streams, as in reversible residual networks."""
    a, b = jnp.split(conv(x, FIRST), 2, -1)
    for w in (SECOND, THIRD):
        a = a + conv(relu(b), w[:, :, :4, :4])
        b = b + conv(relu(a), w[:, :, 4:, 4:])
    return jnp.concatenate([a, b], -1).mean((1, 2))


def fourier(x: Any, relu: Relu) -> Any:
    """Tokens mixed by a Fourier transform in place of attention."""
    t = tokens(relu(conv(x, FIRST)))
    for w in (DENSE, DENSE.T):
        t = t + jnp.fft.fft2(t, axes=(1, 2)).real / 8
        t = t + relu(t @ w) @ w.T
        t = (t - t.mean(-1, keepdims=True)) / jnp.sqrt(t.var(-1, keepdims=True) + 1e-5)
    return t.mean(1)


def fast_weights(x: Any, relu: Relu) -> Any:
    """A dynamic convolution: the kernel is a mixture of two, weighted by attention over the whole image."""
    h = relu(conv(x, FIRST))
    weights = jax.nn.softmax(relu(h.mean((1, 2)) @ DENSE) @ DENSE[:, :2])[0]
    return conv(h, weights[0] * SECOND + weights[1] * THIRD).mean((1, 2))


def linear_attention(x: Any, relu: Relu) -> Any:
    """Attention whose features are ReLUs in place of a softmax: products of signals, for which no rule is defined."""
    t = tokens(relu(conv(x, FIRST)))
    q, k, v = relu(t @ DENSE), relu(t @ DENSE.T), t @ (DENSE + 1)
    return (q @ (k.swapaxes(1, 2) @ v)).mean(1)


@pytest.mark.sampled(1)
@pytest.mark.slow
@pytest.mark.parametrize(
    ("network", "rectifiers"),
    [(experts, 4), (reversible, 4), (fourier, 3)],
    ids=lambda one: getattr(one, "__name__", ""),
)
@pytest.mark.parametrize("rule", ["deconvnet", "guided"])
def test_networks_of_unusual_build_have_the_map_of_rules_by_hand(
    network: Callable[[Any, Relu], Any], rectifiers: int, rule: str
) -> None:
    flat, eqns, obeyed, unsupported = rewritten(lambda x: network(x, jax.nn.relu), rule)
    assert (obeyed, unsupported) == (rectifiers, [])
    run = as_function(flat, eqns, flat.outputs)
    value, ours = jax.vjp(lambda x: run(flat.consts, x)[0], IMAGE)
    _, theirs = jax.vjp(lambda x: network(x, by_hand(rule)), IMAGE)
    signal = jnp.zeros_like(value).at[0, 3].set(1.0)
    one, other = np.asarray(ours(signal)[0]), np.asarray(theirs(signal)[0])
    assert np.abs(other).max() > 0
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-5 * np.abs(other).max())


@pytest.mark.parametrize(("network", "name"), [(fast_weights, "product"), (linear_attention, "product")])
def test_products_of_signals_are_named(network: Callable[[Any, Relu], Any], name: str) -> None:
    *_, unsupported = rewritten(lambda x: network(x, jax.nn.relu))
    assert any(name in one for one in unsupported), unsupported
