"""Weight randomization: the first map is the network's own, each step changes what it says, ranks are ranks."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from deconvviz.checks import low_level, randomization
from deconvviz.checks.audit import randomize
from deconvviz.errors import NetworkError
from deconvviz.network import Network, reconstruct_units
from deconvviz.types import InputSpec, Unit

RANDOM = np.random.default_rng(8)
KERNELS = [jnp.asarray(RANDOM.standard_normal(s), jnp.float32) for s in ((3, 2, 3, 4), (2, 3, 4, 5))]
DENSE = jnp.asarray(RANDOM.standard_normal((5, 3)), jnp.float32)
X = RANDOM.standard_normal((1, 9, 11, 3)).astype(np.float32)


def forward(x: jax.Array) -> jax.Array:
    for kernel in KERNELS:
        x = lax.conv_general_dilated(x, kernel, (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC"))
        x = jax.nn.relu(x + 0.1)
    return x.mean((1, 2)) @ DENSE + jnp.asarray([0.1, 0.2, 0.3])


@pytest.fixture(scope="module")
def network() -> Network:
    return Network(forward, input_spec=InputSpec(size=(9, 11)))


def test_layers_with_weights_are_found_in_order(network: Network) -> None:
    groups = randomization.weight_layers(network)
    consts = network.program().flat.consts
    assert [consts[group[0]].shape for _, group in groups] == [(3, 2, 3, 4), (2, 3, 4, 5), (5, 3)]
    assert [len(group) for _, group in groups] == [1, 1, 2]


@pytest.mark.sampled(1)
@pytest.mark.slow
@pytest.mark.parametrize("rule", ["gradient", "deconvnet", "guided"])
def test_the_first_map_is_the_networks_own(network: Network, rule: str) -> None:
    run = randomization.cascade(network, X, rule, seed=3)
    top = network.layers[-1].name
    best = int(network.run(X)[0].argmax())
    own = reconstruct_units(network, X, [Unit(top, best)], rule, start="one")[0].map
    np.testing.assert_allclose(run.maps[0], own, atol=1e-5)
    assert run.similarity[0] == 1
    assert len(run.shuffled) == len(run.maps) == 4
    assert run.shuffled[0] == ""


@pytest.mark.slow
def test_only_the_shuffled_layers_change(network: Network) -> None:
    """With the top layer alone shuffled the map is that of a network whose dense weights are the shuffled ones."""
    one = randomization.cascade(network, X, "gradient", seed=5, layers=1)
    random = np.random.default_rng(5)
    dense = random.permutation(np.asarray(DENSE).ravel()).reshape(5, 3)
    best = int(network.run(X)[0].argmax())

    def score(x: jax.Array) -> jax.Array:
        for kernel in KERNELS:
            x = lax.conv_general_dilated(x, kernel, (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC"))
            x = jax.nn.relu(x + 0.1)
        return (x.mean((1, 2)) @ dense)[0, best]

    np.testing.assert_allclose(one.maps[1], jax.grad(score)(jnp.asarray(X))[0], atol=1e-5)
    assert len(one.maps) == 2
    full = randomization.cascade(network, X, "gradient", seed=5)
    np.testing.assert_array_equal(full.maps[1], one.maps[1])
    assert randomization.cascade(network, X, "gradient", seed=6).similarity != full.similarity


def test_what_cannot_be_shuffled_says_why() -> None:
    bare = Network(lambda x: jax.nn.relu(x).mean((1, 2)), input_spec=InputSpec(size=(4, 5)))
    with pytest.raises(NetworkError, match="holds no kernel as a constant, so there are no weights to shuffle"):
        randomization.weight_layers(bare)
    maps = Network(lambda x: jax.nn.relu(x), input_spec=InputSpec(size=(4, 5)))
    with pytest.raises(NetworkError, match=r"the last layer of network is relu1 of shape \(4, 5, 3\), not a list"):
        randomization.cascade(maps, np.ones((1, 4, 5, 3), np.float32), "gradient")


def test_ranks_share_ties_and_know_no_scale() -> None:
    assert randomization.rank_correlation([1, 1, 2], [5, 5, 9]) == 1
    assert randomization.rank_correlation([1, 2, 3, 4], [1, 2, 4, 3]) == pytest.approx(0.8)
    assert randomization.rank_correlation([1, 1, 1], [1, 2, 3]) == 0
    a, b = RANDOM.standard_normal(50), RANDOM.standard_normal(50)
    ranks = [np.array([(x < v).sum() for v in x], float) for x in (a, b)]
    assert randomization.rank_correlation(a, b) == pytest.approx(np.corrcoef(*ranks)[0, 1])


def test_what_is_colour_is_explained_and_what_is_noise_is_not() -> None:
    pictures = RANDOM.standard_normal((6, 8, 12, 3))
    blocks = pictures.reshape(6, 4, 2, 6, 2, 3).mean((2, 4))
    assert low_level.explained(blocks @ [[1.0], [2.0], [-1.0]], pictures) > 0.95
    assert low_level.explained(RANDOM.standard_normal((6, 4, 6, 2)), pictures) < 0.2


def test_layers_that_a_layer_rests_on(network: Network) -> None:
    every = randomization.weight_layers(network)
    assert randomization.weight_layers(network, "relu1") == every[:1]
    assert randomization.weight_layers(network, network.layers[-1].name) == every
    with pytest.raises(NetworkError, match="no layer"):
        randomization.weight_layers(network, "relu9")
    bare = Network(lambda x: jax.nn.relu(x).mean((1, 2)) @ DENSE[:3], input_spec=InputSpec(size=(9, 11)))
    with pytest.raises(NetworkError, match="relu1 of network rests on no kernel"):
        randomization.weight_layers(bare, "relu1")


def test_a_deep_network_is_shuffled_several_layers_at_a_time(network: Network) -> None:
    top = network.layers[-1].name
    names = [name for name, _ in randomization.weight_layers(network)][::-1]
    assert randomize.top_down(network, top) == [(), *(tuple(names[: k + 1]) for k in range(3))]
    assert randomize.top_down(network, top, 2) == [(), tuple(names[:2]), tuple(names)]
    assert len(randomize.top_down(network, "relu1")) == 2


@pytest.mark.slow
@pytest.mark.parametrize("rule", ["guided", "deconvnet"])
def test_the_cascade_of_networks_draws_the_maps_of_the_cascade_of_scores(network: Network, rule: str) -> None:
    unit = Unit(network.layers[-1].name, 1)
    wanted = randomize.randomize(network, X, unit, rule, seed=4, start="one").maps
    steps = list(randomize.cascade(network, unit.layer, seed=4))
    assert len(steps) == len(wanted) == 4
    for (_, other), map in zip(steps, wanted, strict=True):
        found = reconstruct_units(other, X, [unit], rule, start="one", prove=False)[0].map
        np.testing.assert_allclose(found, map, atol=1e-4 * np.abs(wanted).max())
