"""What rewriting leaves as it is, ties, upper bounds, and rules that never meet in one compiled function."""

from __future__ import annotations

import threading
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import zoo
from flax import nnx
from reference import pool_loops, rectify_loops
from test_contract import ALL, image, network

import deconvviz as dv
from deconvviz.errors import RuleError
from deconvviz.network.backward import reconstruct
from deconvviz.network.rewrite.program import rewritten

QUICK = ["reshape-max", "relu6", "residual sum", "scan"]
SLOW = [name for name in ALL if name not in QUICK]
SPEC = dv.InputSpec(size=(6, 4))


@pytest.mark.sampled(3, check=1)
@pytest.mark.parametrize("name", [*QUICK, *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW)])
def test_forward_values_are_bit_identical(name: str) -> None:
    example = ALL[name]
    net, x = network(example, "float32"), image(example, "float32")
    last = net.layers[-1].name
    untouched = net.taps(x, [last])[last]
    with jax.default_matmul_precision("highest"):
        original = np.asarray(jax.jit(net._function)(x)[0])
    np.testing.assert_array_equal(net.run(x), original)
    for rule in ("deconvnet", "guided"):
        cut = rewritten(net, last, rule, "gradient")
        ruled = np.asarray(jax.jit(lambda x, cut=cut: cut.call(net.program().flat.consts, x)[0])(x))
        np.testing.assert_array_equal(ruled.reshape(-1), original.reshape(-1))
    np.testing.assert_array_equal(np.sort(untouched, axis=None), np.sort(original, axis=None))


@pytest.mark.deep
def test_the_source_model_and_its_gradient_stay_as_they_were() -> None:
    model = ALL["Flax NNX"].make("float32")
    x = image(ALL["Flax NNX"], "float32")
    slope = jax.jit(jax.grad(lambda x: model(x).sum()))
    before, weights = slope(x), jax.tree.map(np.array, nnx.state(model))
    net = dv.Network(model, input_spec=dv.InputSpec(size=zoo.SIZE))
    reconstruct.reconstruct_units(net, x, [dv.Unit("head", 1)], "deconvnet")
    np.testing.assert_array_equal(slope(x), before)
    assert all(jax.tree.leaves(jax.tree.map(np.array_equal, nnx.state(model), weights)))
    assert type(model).__call__ is type(ALL["Flax NNX"].make("float32")).__call__


@pytest.mark.slow
def test_rules_never_meet_in_one_compiled_function() -> None:
    """One function that its author jitted, four rules, interleaved and in threads: each gives what it gives alone."""
    shared = jax.jit(ALL["residual sum"].make("float32"))
    x, g = image(ALL["residual sum"], "float32"), np.random.default_rng(4).normal(size=(1, *zoo.SIZE, 4)).astype("f")
    shared(x)

    def pull(rule: str) -> np.ndarray:
        net = dv.Network(shared, input_spec=dv.InputSpec(size=zoo.SIZE))
        cut = rewritten(net, net.layers[-1].name, rule)
        consts = net.program().flat.consts
        return np.asarray(jax.jit(lambda x: jax.vjp(lambda x: cut.call(consts, x)[0], x)[1](g)[0])(x))

    alone = {rule: pull(rule) for rule in dv.RULES}
    assert len({found.tobytes() for found in alone.values()}) == 4
    wrong: list[str] = []

    def work(rules: tuple[str, ...]) -> None:
        wrong.extend(rule for rule in rules if not np.array_equal(pull(rule), alone[rule]))

    threads = [threading.Thread(target=work, args=(rules,)) for rules in (dv.RULES, dv.RULES[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def below(function: Any, x: np.ndarray, g: np.ndarray, rule: str) -> np.ndarray:
    """The signal at the image for a signal on the result."""
    net = dv.Network(function, input_spec=dv.InputSpec(size=x.shape[1:3]))
    cut = rewritten(net, net.layers[-1].name, rule, "gradient")
    return np.asarray(jax.vjp(lambda x: cut.call(net.program().flat.consts, x)[0], x)[1](jnp.asarray(g))[0])


POOLS = {"reshape": zoo.by_reshape, "patches": zoo.by_patches, "slices": zoo.by_slices, "stack": zoo.by_stack}


@pytest.mark.sampled(9, check=3)
@pytest.mark.parametrize("name", POOLS)
@pytest.mark.parametrize("rule", dv.RULES)
def test_ties_go_to_the_first_cell_under_every_rule(name: str, rule: str) -> None:
    """Few different values: nearly every window has a tie, some are dark throughout."""
    rng = np.random.default_rng(5)
    x = rng.integers(0, 2, (1, 6, 4, 3)).astype(np.float32)
    g = rng.normal(size=(1, 3, 2, 3)).astype(np.float32)
    switches = pool_loops.max_pool(x, (2, 2), (2, 2), ((0, 0), (0, 0)))[1]
    np.testing.assert_allclose(
        below(POOLS[name], x, g, rule), pool_loops.max_unpool(g, switches, (6, 4)), rtol=1e-6, atol=1e-6
    )


def test_jax_alone_would_share_a_tie() -> None:
    """Why pooling is rewritten at all."""
    x = np.zeros((1, 6, 4, 3), np.float32)
    shared = jax.grad(lambda x: zoo.by_reshape(x).sum())(x)
    assert np.unique(shared).tolist() == [0.25]


BOUNDED = {
    "relu6": jax.nn.relu6,
    "clip": lambda z: jnp.clip(z, 0, 6),
    "minimum of maximum": lambda z: jnp.minimum(jnp.maximum(z, 0), 6.0),
    "lax.clamp": lambda z: jax.lax.clamp(0.0, z, 6.0),
}


@pytest.mark.parametrize("name", BOUNDED)
@pytest.mark.parametrize("rule", dv.RULES)
def test_above_an_upper_bound_nothing_passes_and_below_it_the_rule_holds(name: str, rule: str) -> None:
    z = np.array([-1.0, 0.0, 3.0, 5.9, 6.0, 7.0, -2.0, 2.0], np.float32)
    g = np.array([1.0, 1.0, 1.0, -1.0, 1.0, 1.0, -1.0, -1.0], np.float32)
    want = rectify_loops.backward(rule, z, np.where(z < 6, g, 0))
    shape = (1, 2, 4, 1)
    net = dv.Network(BOUNDED[name], input_spec=dv.InputSpec(size=(2, 4), channels="L"))
    assert [layer.kind for layer in net.layers] == ["relu"]
    cut = rewritten(net, "relu1", rule)
    pull = jax.vjp(lambda x: cut.call(net.program().flat.consts, x)[0], z.reshape(shape))[1]
    np.testing.assert_array_equal(np.asarray(pull(g.reshape(shape))[0]).ravel(), want)


def test_nothing_is_rewritten_behind_a_stopped_gradient() -> None:
    gate = lambda x: jax.lax.stop_gradient(jax.nn.relu(jax.nn.gelu(x)))  # noqa: E731
    net = dv.Network(lambda x: jax.nn.relu(x) * gate(x), input_spec=SPEC)
    coverage = rewritten(net, net.layers[-1].name, "guided").coverage
    assert (coverage.obeyed, coverage.unsupported) == (1, ())


def test_squares_of_a_normalization_are_no_activation() -> None:
    def local_response(x: Any) -> Any:
        a = jax.nn.relu(x)
        return a / (1 + jax.lax.reduce_window(a**2, 0.0, jax.lax.add, (1, 1, 1, 3), (1, 1, 1, 1), "SAME")) ** 0.75

    def by_length(x: Any) -> Any:
        a = jax.nn.relu(x)
        return a / jnp.maximum(jnp.linalg.norm(a, axis=-1, keepdims=True), 1e-6)

    for function in (local_response, by_length):
        net = dv.Network(function, input_spec=SPEC)
        assert rewritten(net, net.layers[-1].name, "deconvnet").coverage.unsupported == ()


def test_the_maximum_that_a_softmax_subtracts_is_neither_pool_nor_activation() -> None:
    for softmax in (jax.nn.softmax, lambda z: zoo.plain_softmax(z, jnp)):
        net = dv.Network(lambda x, softmax=softmax: softmax(jax.nn.relu(x)), input_spec=SPEC)
        assert [layer.name for layer in net.layers] == ["relu1", "output"]
        assert rewritten(net, "output", "deconvnet").coverage.unsupported == ()


@pytest.mark.sampled(3)
@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize("rule", dv.RULES)
def test_reduced_precision_obeys(rule: str, dtype: str) -> None:
    """Small whole numbers are exact in every type."""
    x = np.random.default_rng(6).integers(-3, 4, (1, 6, 4, 3)).astype(np.float32)
    g = np.random.default_rng(7).integers(-3, 4, (1, 3, 2, 3)).astype(np.float32)
    half = lambda x: zoo.by_reshape(jax.nn.relu(x.astype(dtype))).astype("float32")  # noqa: E731
    switches = pool_loops.max_pool(np.maximum(x, 0), (2, 2), (2, 2), ((0, 0), (0, 0)))[1]
    want = rectify_loops.backward(rule, x, pool_loops.max_unpool(g, switches, (6, 4)))
    np.testing.assert_array_equal(below(half, x, g, rule), want)


def test_a_kernel_of_pallas_is_left_alone_and_reported() -> None:
    pallas = pytest.importorskip("jax.experimental.pallas")

    def kernel(below: Any, above: Any) -> None:
        above[...] = jnp.maximum(below[...], 0)

    def function(x: Any) -> Any:
        out = jax.ShapeDtypeStruct(x.shape, x.dtype)
        return jax.nn.relu(pallas.pallas_call(kernel, out_shape=out, interpret=True)(x))

    net = dv.Network(function, input_spec=SPEC)
    coverage = rewritten(net, "relu1", "deconvnet", "gradient").coverage
    assert coverage.obeyed == 1
    assert any("kernel" in reason or "pallas" in reason for reason in coverage.unsupported)


@pytest.mark.slow
def test_a_call_to_python_beside_the_signal_is_none_of_its_business() -> None:
    def counted(x: Any) -> Any:
        return jax.pure_callback(lambda a: np.asarray(a).mean(keepdims=True), jax.ShapeDtypeStruct((1,), x.dtype), x)

    scale = lambda x: jax.lax.stop_gradient(counted(x[0, 0, 0]))  # noqa: E731
    net = dv.Network(lambda x: jax.nn.relu(x - 0.4) * (1 + scale(x)), input_spec=SPEC)
    picture = np.full((*zoo.SIZE, 3), 0.5, np.float32)
    result = dv.reconstruct(net, picture, (net.layers[-1].name, 0), rule="gradient")
    assert np.isfinite(result.map).all()


def test_a_call_to_python_on_the_path_is_refused_in_a_sentence() -> None:
    def called(x: Any) -> Any:
        return jax.pure_callback(lambda a: 2 * np.asarray(a), jax.ShapeDtypeStruct(x.shape, x.dtype), x)

    net = dv.Network(lambda x: jax.nn.relu(called(jax.nn.relu(x - 0.4))), input_spec=SPEC)
    picture = np.full((*zoo.SIZE, 3), 0.5, np.float32)
    for rule, match in (("deconvnet", "pure_callback"), ("gradient", "no signal can be sent down .*callback")):
        with pytest.raises(RuleError, match=match):
            dv.reconstruct(net, picture, (net.layers[-1].name, 0), rule=rule)
