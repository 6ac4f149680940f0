"""Max pooling of a traced program exchanged for pooling that remembers its switches: same function, same derivative."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import nets
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import lax
from reference import pool_loops

import deconvviz as dv
from deconvviz.methods import _canvas
from deconvviz.network import _compat
from deconvviz.network.rewrite.program import rewritten
from deconvviz.network.rewrite.switches import by_switches

SHAPE = (2, 9, 7, 3)
SPEC = dv.InputSpec(size=nets.SIZE)
NONE = ((0, 0),) * 4


def largest(window: Any, strides: Any, padding: Any = NONE, start: Any = -np.inf, **more: Any) -> Callable[[Any], Any]:
    """A window's maximum, as JAX says it."""
    return lambda x: lax.reduce_window(x, start, lax.max, window, strides, padding, **more)


def exchanged(function: Callable[[Any], Any], x: Any) -> tuple[Callable[[Any], Any], list[str]]:
    """The function with its pools exchanged, and the primitives that it consists of now."""
    program = _compat.traced(function, x)
    jaxpr, eqns = program.jaxpr, by_switches(program.jaxpr.eqns)
    run = _compat.callable_of(jaxpr, [*jaxpr.constvars, *jaxpr.invars], eqns, jaxpr.outvars)
    return lambda x: run(*program.consts, x)[0], [eqn.primitive.name for eqn in eqns]


def pictures(shape: tuple[int, ...] = SHAPE, seed: int = 0, ties: bool = True) -> np.ndarray:
    """Numbers of which many are equal, and many zero as after a ReLU."""
    x = np.random.default_rng(seed).normal(size=shape)
    return np.maximum(np.round(2 * x) / 2, 0) if ties else x


def primitives(function: Callable[..., Any], *arguments: Any) -> str:
    """The whole program as text."""
    return str(jax.make_jaxpr(function)(*arguments))


sides = st.tuples(st.integers(1, 4), st.integers(1, 4))
ends = st.tuples(st.integers(0, 3), st.integers(0, 3))


@pytest.mark.deep
@settings(max_examples=25, deadline=None)
@given(sides, sides, ends, ends, st.integers(0, 99))
def test_values_and_derivative_stay(window: Any, strides: Any, rows: Any, columns: Any, seed: int) -> None:
    pads = tuple((min(lo, k - 1), min(hi, k - 1)) for (lo, hi), k in zip((rows, columns), window, strict=True))
    x = pictures(seed=seed)
    with jax.enable_x64(True):
        whole = largest((1, *window, 1), (1, *strides, 1), ((0, 0), *pads, (0, 0)))
        new, kinds = exchanged(whole, x)
        value, pull = jax.vjp(whole, x)
        again, pull_again = jax.vjp(new, x)
        g = np.random.default_rng(seed + 1).normal(size=value.shape)
        assert "reduce_window_max" not in kinds
        np.testing.assert_array_equal(again, value)
        down = pull_again(g)[0]
        np.testing.assert_allclose(down, pull(g)[0], rtol=0, atol=1e-12)
    y, switches = pool_loops.max_pool(x, window, strides, pads)
    np.testing.assert_array_equal(y, again)
    np.testing.assert_allclose(pool_loops.max_unpool(g, switches, x.shape[1:3]), down, rtol=0, atol=1e-12)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_the_type_stays(dtype: str) -> None:
    x = jnp.asarray(pictures(ties=False), dtype)
    whole = largest((1, 3, 2, 1), (1, 2, 1, 1))
    new, kinds = exchanged(whole, x)
    assert "reduce_window_max" not in kinds
    assert new(x).dtype == dtype
    np.testing.assert_array_equal(new(x).astype("f"), whole(x).astype("f"))


SEEN_BY_NONE = largest((1, 2, 2, 1), (1, 2, 2, 1), ((0, 0), (3, 0), (0, 0), (0, 0)))
NETWORKS = {
    "window over channels": (largest((1, 2, 2, 3), (1, 1, 1, 1)), SHAPE, "float32"),
    "window over the batch": (largest((2, 2, 2, 1), (1, 1, 1, 1)), SHAPE, "float32"),
    "stride over channels": (largest((1, 2, 2, 1), (1, 1, 1, 2)), SHAPE, "float32"),
    "stride over the batch": (largest((1, 2, 2, 1), (2, 1, 1, 1)), SHAPE, "float32"),
    "padded channels": (largest((1, 2, 2, 1), (1, 1, 1, 1), (*NONE[:3], (0, 1))), SHAPE, "float32"),
    "dilated window": (largest((1, 2, 2, 1), (1, 1, 1, 1), window_dilation=(1, 2, 1, 1)), SHAPE, "float32"),
    "dilated input": (largest((1, 3, 3, 1), (1, 1, 1, 1), base_dilation=(1, 1, 2, 1)), SHAPE, "float32"),
    "channels first": (largest((1, 1, 2, 2), (1, 1, 2, 2)), SHAPE, "float32"),
    "three dimensions": (largest((1, 2, 1), (1, 2, 1), NONE[:3]), SHAPE[:3], "float32"),
    "five dimensions": (largest((1, 2, 2, 1, 1), (1, 2, 2, 1, 1), (*NONE, (0, 0))), (*SHAPE, 2), "float32"),
    "nothing but padding": (SEEN_BY_NONE, SHAPE, "float32"),
    "negative padding": (largest((1, 2, 2, 1), (1, 1, 1, 1), ((0, 0), (-1, 0), (0, 0), (0, 0))), SHAPE, "float32"),
    "whole numbers": (largest((1, 2, 2, 1), (1, 2, 2, 1), start=np.iinfo(np.int32).min), SHAPE, "int32"),
    "from zero": (largest((1, 2, 2, 1), (1, 2, 2, 1), start=np.float32(0)), SHAPE, "float32"),
    "a sum": (lambda x: lax.reduce_window(x, 0.0, lax.add, (1, 2, 2, 1), (1, 2, 2, 1), NONE), SHAPE, "float32"),
}


@pytest.mark.sampled(check=12)
@pytest.mark.parametrize("name", NETWORKS)
def test_what_it_cannot_compute_stays_as_it_is(name: str) -> None:
    whole, shape, dtype = NETWORKS[name]
    x = pictures(shape, ties=False).astype(dtype)
    before = [eqn.primitive.name for eqn in _compat.traced(whole, x).jaxpr.eqns]
    new, kinds = exchanged(whole, x)
    assert kinds == before
    np.testing.assert_array_equal(new(x), whole(x))


def test_what_is_optimized_goes_back_by_switches_and_reconstructions_do_not() -> None:
    """The two computations of a reconstruction stay strangers: the derived one is XLA's own."""
    net = dv.Network(lambda x: nets.run_chain(nets.chain_layers("float32"), x), input_spec=SPEC)
    consts, last = net.program().flat.consts, net.layers[-1].name
    x = nets.picture()
    values = _canvas.layer_values(net, last)
    slope = primitives(jax.grad(lambda x: values(consts, x).sum()), x)
    assert "select_and_scatter_add" not in slope
    assert "reduce_window" not in slope
    cut = rewritten(net, last, "deconvnet")
    derived = primitives(jax.grad(lambda x: cut.call(consts, x)[0].sum()), x)
    assert derived.count("select_and_scatter_add") == 2
    assert "scatter-add" in slope
    assert "scatter-add" not in derived


@pytest.mark.sampled(1)
@pytest.mark.slow
@pytest.mark.parametrize("pictures_at_once", [1, 3])
def test_a_layer_and_its_slope_are_those_of_the_network(pictures_at_once: int) -> None:
    layers = nets.chain_layers("float64")
    batch = np.concatenate([nets.picture(seed=seed, dtype="float64") for seed in range(pictures_at_once)])
    with jax.enable_x64(True):
        net = dv.Network(lambda x: nets.run_chain(layers, x), input_spec=SPEC)
        values = _canvas.layer_values(net, net.layers[-1].name)
        found, pull = jax.vjp(lambda x: values(net.program().flat.consts, x), batch)
        plain, pull_plain = jax.vjp(lambda x: nets.run_chain(layers, x), batch)
        g = np.random.default_rng(5).normal(size=plain.shape)
        np.testing.assert_allclose(found, plain, rtol=1e-12)
        np.testing.assert_allclose(pull(g)[0], pull_plain(g)[0], rtol=0, atol=1e-10)
