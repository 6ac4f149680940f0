"""Attacks on a network: against loops in NumPy, against answers that are known; what cannot be done is said."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import deconvviz as dv
from deconvviz.checks import adversarial
from deconvviz.errors import DeconvvizError, NetworkError
from tests.reference import adversarial_loops

RANDOM = np.random.default_rng(21)
FIRST, SECOND = RANDOM.normal(size=(4 * 5 * 3, 7)), RANDOM.normal(size=(7, 4))
SPEC = dv.InputSpec(size=(4, 5), mean=(0.5,) * 3, std=(0.25,) * 3)
X = RANDOM.uniform(-1.9, 1.9, size=(1, 4, 5, 3))


def net() -> dv.Network:
    return dv.Network(
        lambda x: jax.nn.relu(x.reshape(len(x), -1) @ jnp.asarray(FIRST)) @ jnp.asarray(SECOND), input_spec=SPEC
    )


@pytest.mark.slow
@pytest.mark.sampled(1)
@pytest.mark.parametrize(("radius", "steps"), [(0.3, 1), (1.1, 6), (4.0, 3)])
def test_attacks_take_the_steps_of_the_loops(radius: float, steps: int) -> None:
    """The largest ball leaves the range of pictures, -2 to 2 here: numbers are then cut."""
    with jax.enable_x64(True):
        network = net()
        assert network.layers[1].kind == "relu"
        turned = adversarial.turn_class(network, X, radius, steps)
        shown = adversarial.turn_map(network, X, radius, network.layers[1].name, steps, seed=5)
        scores = network.run(turned.input)[0]
    known = adversarial_loops.turned_class(X.ravel(), FIRST, SECOND, radius, steps, -2, 2)
    np.testing.assert_allclose(turned.input.ravel(), known, rtol=1e-9)
    assert turned.after == scores.argmax()
    assert turned.distance == pytest.approx(np.linalg.norm(known - X.ravel()))
    assert turned.distance <= radius * (1 + 1e-9)
    away = np.random.default_rng(5).standard_normal(X.shape).ravel()
    other = adversarial_loops.turned_map(X.ravel(), FIRST, SECOND, radius, steps, -2, 2, away)
    np.testing.assert_allclose(shown.input.ravel(), other, rtol=1e-9)
    assert shown.before == shown.after == turned.before


@pytest.mark.slow
def test_of_a_linear_network_the_nearest_way_to_the_other_class_is_known() -> None:
    """The direction is the difference of two columns of weights, and half the lead over its length is needed."""
    weights = RANDOM.normal(size=(3, 4))
    with jax.enable_x64(True):
        network = dv.Network(lambda x: x.sum((1, 2)) @ jnp.asarray(weights), input_spec=SPEC)
        scores = network.run(X / 9)[0]
        first, second = np.argsort(-scores)[:2]
        direction = np.broadcast_to(weights[:, second] - weights[:, first], X.shape)
        needed = (scores[first] - scores[second]) / np.linalg.norm(direction)
        short, enough = (adversarial.turn_class(network, X / 9, share * needed, 1) for share in (0.99, 1.01))
    assert (short.before, short.after, enough.after) == (first, first, second)
    np.testing.assert_allclose(enough.input - X / 9, 1.01 * needed * direction / np.linalg.norm(direction), atol=1e-12)


def test_a_change_is_said_in_levels_of_a_byte() -> None:
    before, after = (dv.data.preprocess.model_input(np.full((4, 5, 3), n / 255, np.float32), SPEC) for n in (100, 103))
    assert adversarial.levels(SPEC, after - before) == pytest.approx(3, rel=1e-5)


def test_what_cannot_be_attacked_is_said() -> None:
    with jax.enable_x64(True):
        network = net()
    with pytest.raises(DeconvvizError, match="a radius above 0 and one step or more; got 0 and 10"):
        adversarial.turn_class(network, X, 0)
    with pytest.raises(DeconvvizError, match="got 1 and 0"):
        adversarial.turn_map(network, X, 1, "relu1", 0)
    flat = dv.Network(lambda x: jax.nn.relu(x), input_spec=SPEC)
    with pytest.raises(NetworkError, match="not a list of scores"):
        adversarial.turn_class(flat, X, 1)
