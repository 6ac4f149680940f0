"""Backprop by hand through networks that branch, against derivatives and loops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import nets
import numpy as np
import pytest
from flax import nnx
from reference import conv_loops, rectify_loops

import deconvviz as dv
from deconvviz.network.backward import reconstruct, stepwise
from deconvviz.network.backward.graph import Graph
from deconvviz.ops.rectify import backward as rectifier_backward

SIZE = (13, 11)
RANDOM = np.random.default_rng(21)
SHAPES = {"stem": (3, 2, 3, 4), "left": (1, 1, 4, 4), "right": (3, 3, 4, 4), "top": (2, 2, 8, 5)}
WEIGHTS = {name: RANDOM.normal(size=shape) for name, shape in SHAPES.items()}


def filtered(x: Any, name: str, stride: int = 1) -> Any:
    pad = (WEIGHTS[name].shape[0] - 1) // 2
    w = jnp.asarray(WEIGHTS[name], x.dtype)
    return jax.lax.conv_general_dilated(x, w, (stride, stride), ((pad, pad),) * 2, dimension_numbers=nets.AXES)


def fire(x: Any) -> Any:
    """Two branches of one value, side by side."""
    x = jax.nn.relu(filtered(x, "stem", 2))
    x = jnp.concatenate([jax.nn.relu(filtered(x, "left")), jax.nn.relu(filtered(x, "right"))], -1)
    return jax.nn.relu(filtered(x, "top"))


def residual(x: Any) -> Any:
    """A value that goes three ways and comes together in a sum, a difference and a doubling."""
    x = jax.nn.relu(filtered(x, "stem"))
    y = jax.nn.relu(filtered(x, "right") + filtered(x, "left") - x)
    return y + y


def module(x: Any) -> Any:
    """Residual blocks with batch norm, pools and a head, in Flax."""
    return nets.Residual(nnx.Rngs(0))(x)


def network(program: Callable[[Any], Any]) -> dv.Network:
    return dv.Network(program, input_spec=dv.InputSpec(size=SIZE))


SLOW = [pytest.param(rule, marks=pytest.mark.slow) for rule in dv.RULES if rule != "guided"]


@pytest.mark.sampled(1)
@pytest.mark.slow
@pytest.mark.parametrize("rule", ["guided", *SLOW])
@pytest.mark.parametrize("program", [fire, residual, module])
def test_two_computations_agree(program: Callable[[Any], Any], rule: str) -> None:
    with jax.enable_x64():
        net = network(program)
        layer = net.layers[-1]
        assert isinstance(net.steps_to(layer.name), Graph)
        units = [dv.Unit(layer.name, c) for c in range(3)]
        units += [dv.Unit(layer.name, 1, "all", "all"), dv.Unit(layer.name, 2, 1, 2)] if len(layer.shape) == 3 else []
        x = RANDOM.normal(size=(1, *SIZE, 3))
        seen = reconstruct.reconstruct_units(net, x, units, rule)
    assert sum(np.abs(one.map).max() > 0 for one in seen) >= 3
    for one in seen:
        assert one.agreement is not None
        assert one.agreement < (1e-5 if program is module else 1e-12), "Flax keeps its weights in float32"


@pytest.mark.slow
@pytest.mark.parametrize("rule", dv.RULES)
def test_equals_the_loops(rule: str) -> None:
    """A concatenation by hand: each branch gets its own channels, the two signals that come back add up."""
    x, (z, branches, top) = RANDOM.normal(size=(1, *SIZE, 3)), ({}, {}, None)
    z["stem"] = conv(x, "stem", 2)
    stem = np.maximum(z["stem"], 0)
    for name in ("left", "right"):
        z[name] = conv(stem, name)
        branches[name] = np.maximum(z[name], 0)
    joined = np.concatenate([branches["left"], branches["right"]], -1)
    z["top"] = top = conv(joined, "top")
    g = np.zeros_like(top)
    row, column = np.unravel_index(top[0, :, :, 2].argmax(), top.shape[1:3])
    g[0, row, column, 2] = 1
    g = adjoint(rectify_loops.backward(rule, z["top"], g), "top", joined)
    parts = {"left": g[..., :4], "right": g[..., 4:]}
    below = sum(adjoint(rectify_loops.backward(rule, z[name], parts[name]), name, stem) for name in parts)
    by_hand = adjoint(rectify_loops.backward(rule, z["stem"], below), "stem", x, 2)
    with jax.enable_x64():
        net = network(fire)
        unit = dv.Unit(net.layers[-1].name, 2, int(row), int(column))
        seen = reconstruct.reconstruct_units(net, x, [unit], rule, start="one", prove=False)[0]
    np.testing.assert_allclose(seen.map, by_hand[0], rtol=1e-11, atol=1e-12)


def conv(x: np.ndarray, name: str, stride: int = 1) -> np.ndarray:
    pad = (WEIGHTS[name].shape[0] - 1) // 2
    return conv_loops.conv(x, WEIGHTS[name], (stride, stride), ((pad, pad),) * 2, (1, 1), 1)


def adjoint(g: np.ndarray, name: str, below: np.ndarray, stride: int = 1) -> np.ndarray:
    pad = (WEIGHTS[name].shape[0] - 1) // 2
    size = below.shape[1:3]
    return conv_loops.conv_adjoint(g, WEIGHTS[name], (stride, stride), ((pad, pad),) * 2, (1, 1), 1, size)


@pytest.mark.slow
def test_layers_share_their_operators() -> None:
    """The independent computation compiles nothing but the seeds for a further layer: it is no program of its own."""
    net, x = network(fire), RANDOM.normal(size=(1, *SIZE, 3)).astype(np.float32)
    reconstruct.reconstruct_units(net, x, [dv.Unit(net.layers[-1].name, 1)])
    keys = [key for key in net.store._stored if key[0] == "compiled"]
    assert [key[1][0] for key in keys] == ["vjp", "seeds"]


@pytest.mark.slow
def test_what_has_no_adjoint_by_hand_is_computed_equation_by_equation(monkeypatch: pytest.MonkeyPatch) -> None:
    net = network(lambda x: jax.nn.relu(x * x.mean((1, 2, 3), keepdims=True)))
    layer = net.layers[-1].name
    assert "has no hand-written adjoint" in net.steps_to(layer)
    x, units = RANDOM.normal(size=(1, *SIZE, 3)).astype(np.float32), [dv.Unit(layer, 0), dv.Unit(layer, 1, 2, 3)]
    for rule in dv.RULES:
        maps = reconstruct.reconstruct_units(net, x, units, rule)
        assert all(one.agreement is not None and one.agreement < 1e-5 for one in maps)
    monkeypatch.setattr(stepwise, "rectifier_backward", lambda rule, z, g: 1.1 * rectifier_backward(rule, z, g))
    (wrong,) = reconstruct.reconstruct_units(net, x, units[:1], "guided")
    assert wrong.agreement is not None
    assert wrong.agreement > 1e-2
