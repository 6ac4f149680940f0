"""Compiled programs that networks share: nothing is compiled twice, nothing is mixed up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import nets
import numpy as np
import pytest

import deconvviz as dv
from deconvviz import checks
from deconvviz.errors import NetworkError
from deconvviz.network import Programs, reconstruct_units

UNIT = dv.Unit("relu2", 3)
COMPILED = "/jax/core/compile/backend_compile_duration"


def weights(seed: int) -> list[dict[str, Any]]:
    """`nets.chain_layers` with kernels and biases drawn anew."""
    draw = np.random.default_rng(seed)
    return [
        layer | {name: draw.normal(size=layer[name].shape) for name in ("w", "b") if name in layer}
        for layer in nets.chain_layers()
    ]


def network(layers: list[dict[str, Any]], programs: Programs | None = None) -> dv.Network:
    spec = dv.InputSpec(size=nets.SIZE)
    return dv.Network(lambda x: nets.run_chain(layers, x), input_spec=spec, programs=programs)


def everything(net: dv.Network) -> list[np.ndarray]:
    """Scores, a tap, the backward pass by both computations, and the dot test."""
    x = nets.picture()
    seen = reconstruct_units(net, x, [UNIT, dv.Unit("relu2", 1)], "guided")
    whole = reconstruct_units(net, x, [dv.Unit("max_pool2", 2, "all", "all")])
    assert all(one.agreement is not None and one.agreement < 1e-5 for one in seen)
    assert checks.adjoint(net, x, "relu2").holds
    return [net.run(x), net.taps(x, ["relu1"])["relu1"], *(one.map for one in [*seen, *whole])]


def compiles(run: Callable[[], Any]) -> int:
    """How many programs XLA compiles meanwhile."""
    found: list[str] = []

    def listen(event: str, _seconds: float, **_: Any) -> None:
        if event == COMPILED:
            found.append(event)

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        run()
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)
    return len(found)


@pytest.mark.slow
def test_a_second_network_of_the_form_compiles_nothing_and_keeps_its_own_weights() -> None:
    shared = Programs()
    first, second, third = (network(weights(seed), shared) for seed in (1, 2, 3))
    assert compiles(lambda: everything(first)) > 5
    kept = len(shared)
    everything(second)  # what JAX compiles for single operations, it keeps itself
    assert compiles(lambda: everything(third)) == 0
    assert len(shared) == kept
    for found, right in zip(everything(third), everything(network(weights(3))), strict=True):
        np.testing.assert_allclose(found, right, atol=1e-5 * np.abs(right).max())


def other_window(x: Any) -> Any:
    layers = weights(1)
    layers[-1] = layers[-1] | {"window": (3, 2)}
    return nets.run_chain(layers, x)


def other_kernel(x: Any) -> Any:
    layers = weights(1)
    layers[3] = layers[3] | {"w": np.ones((2, 3, 4, 6)), "b": np.ones(6)}
    return nets.run_chain(layers, x)


@pytest.mark.slow
@pytest.mark.sampled(check=1)
@pytest.mark.parametrize("function", [other_window, other_kernel])
def test_networks_of_another_form_share_nothing(function: Callable[[Any], Any]) -> None:
    shared, x = Programs(), nets.picture()
    network(weights(1), shared).run(x)
    other = dv.Network(function, input_spec=dv.InputSpec(size=nets.SIZE), programs=shared)
    found = other.run(x)
    assert len(shared) == 2
    np.testing.assert_allclose(found, np.asarray(function(jnp.asarray(x))), rtol=1e-4, atol=1e-4)


@pytest.mark.slow
def test_a_floor_that_is_zero_in_one_network_only_is_a_rectifier_there_only() -> None:
    """The rule stands on the value of an array: networks that differ in it are of two forms."""
    shared = Programs()

    def floored(floor: float) -> dv.Network:
        low = jnp.full((19, 17, 4), floor)
        kernel = jnp.asarray(np.random.default_rng(5).normal(size=(3, 4)), jnp.float32)
        return dv.Network(
            lambda x: jnp.maximum(x @ kernel, low), input_spec=dv.InputSpec(size=nets.SIZE), programs=shared
        )

    zero, one = floored(0.0), floored(-0.5)
    seen = reconstruct_units(zero, nets.picture(), [dv.Unit("relu1", 1)], "guided")[0]
    assert seen.coverage.obeyed == 1
    zero.run(nets.picture())
    kept = len(shared)
    one.run(nets.picture())
    assert len(shared) == kept + 1
    with pytest.raises(dv.DeconvvizError, match="max with a constant"):
        reconstruct_units(one, nets.picture(), [dv.Unit(one.layers[-1].name, 1)], "guided")


def test_networks_that_differ_in_a_number_of_the_program_are_not_taken_for_each_other() -> None:
    spec = dv.InputSpec(size=(5, 6))
    one, other, same = (dv.Network(lambda x, by=by: jnp.maximum(by * x, 0), input_spec=spec) for by in (2.0, 3.0, 2.0))
    assert one.digest == other.digest, "no weights, and the same layers"
    assert one.identity != other.identity
    assert one.identity == same.identity


@pytest.mark.deep
def test_other_weights_need_no_other_trace_and_no_other_programs() -> None:
    first, fresh = network(weights(1)), network(weights(2))
    everything(first)
    made: list[np.ndarray] = []
    count = compiles(lambda: made.extend(everything(first.with_weights(fresh.program().flat.consts))))
    for got, wanted in zip(made, everything(fresh), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-4 * np.abs(wanted).max())
    assert count <= 1, "the dot test alone compiles what it draws anew"


@pytest.mark.slow
def test_other_weights_make_another_network() -> None:
    first, second = network(weights(1)), network(weights(2))
    consts = second.program().flat.consts
    other = first.with_weights(consts)
    assert other.digest == second.digest != first.digest
    both = np.concatenate([nets.picture(), nets.picture() + 1])
    np.testing.assert_allclose(other.run(both), second.run(both), rtol=1e-4, atol=1e-4)
    assert other.with_weights(first.program().flat.consts).digest == first.digest
    with pytest.raises(NetworkError, match=r"are arrays of the shapes .* got"):
        first.with_weights(consts[:-1])
