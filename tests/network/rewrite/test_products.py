"""Convolutions by one tap as products of matrices: same values, same derivative, no copy of the weights."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from reference import conv_loops

import deconvviz as dv
from deconvviz.network import _compat
from deconvviz.network.rewrite.products import by_products
from deconvviz.network.rewrite.program import rewritten

DRAW = np.random.default_rng(3)
X, W = DRAW.normal(size=(2, 7, 5, 3)), DRAW.normal(size=(1, 1, 3, 4))
AXES = ("NHWC", "HWIO", "NHWC")


def conv(
    strides: tuple[int, int] = (1, 1), padding: Any = "VALID", axes: Any = AXES, **more: Any
) -> Callable[..., Any]:
    return lambda x, w: lax.conv_general_dilated(x, w, strides, padding, dimension_numbers=axes, **more)


def exchanged(function: Callable[..., Any], x: Any, w: Any) -> tuple[Callable[..., Any], list[str]]:
    program = _compat.traced(function, x, w)
    eqns = by_products(program.jaxpr.eqns)
    run = _compat.callable_of(program.jaxpr, program.jaxpr.invars, eqns, program.jaxpr.outvars)
    return lambda x, w: run(x, w)[0], [eqn.primitive.name for eqn in eqns]


@pytest.mark.parametrize("strides", [(1, 1), (2, 3)])
def test_values_and_derivatives_are_those_of_the_convolution(strides: tuple[int, int]) -> None:
    with jax.enable_x64():
        ours, kinds = exchanged(conv(strides), jnp.asarray(X), jnp.asarray(W))
        assert "conv_general_dilated" not in kinds
        value, pull = jax.vjp(ours, X, W)
        plain, pull_plain = jax.vjp(conv(strides), X, W)
        np.testing.assert_allclose(value, conv_loops.conv(X, W, strides, ((0, 0), (0, 0)), (1, 1), 1), rtol=1e-12)
        np.testing.assert_allclose(value, plain, rtol=1e-12)
        for slope, other in zip(pull(plain), pull_plain(plain), strict=True):
            np.testing.assert_allclose(slope, other, rtol=1e-12)


@pytest.mark.parametrize(
    ("function", "x", "w"),
    [
        (conv(padding=((1, 0), (0, 0))), X, W),
        (conv(), X, DRAW.normal(size=(1, 2, 3, 4))),
        (conv(feature_group_count=3), X, DRAW.normal(size=(1, 1, 1, 6))),
        (conv(padding=((0, 0), (0, 0)), lhs_dilation=(2, 1)), X, W),
        (conv(axes=("NCHW", "HWIO", "NCHW")), X.transpose(0, 3, 1, 2), W),
    ],
    ids=["padded", "two taps", "groups", "spread input", "channels first"],
)
def test_other_convolutions_stay(function: Callable[..., Any], x: np.ndarray, w: np.ndarray) -> None:
    assert exchanged(function, x, w)[1] == ["conv_general_dilated"]


def test_a_backward_pass_copies_no_weights() -> None:
    """The two kernels of one tap are the only weights that a compiled map would have to turn round."""
    first, second = jnp.asarray(W, jnp.float32), jnp.asarray(DRAW.normal(size=(1, 1, 4, 6)), jnp.float32)
    run = conv((2, 2))
    net = dv.Network(
        lambda x: jax.nn.relu(run(jax.nn.relu(conv()(x, first)), second)), input_spec=dv.InputSpec(size=(7, 5))
    )
    call = rewritten(net, net.layers[-1].name, "guided").call
    slope = jax.jit(jax.grad(lambda x, consts: call(consts, x)[0].sum()))
    text = slope.lower(np.ones((1, 7, 5, 3), np.float32), net.program().flat.consts).compile().as_text()
    assert not re.search(r"convolution\(|\[1,1,\d,\d\]\S* (copy|transpose)\(", text)
