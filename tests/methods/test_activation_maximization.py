"""Feature visualization on networks whose best picture is known."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from network import nets
from reference import network_loops, prior_loops

import deconvviz as dv
from deconvviz.errors import DeconvvizError, NetworkError

LAYERS = nets.chain_layers("float32")
LOOPS = [{"dilation": network_loops.ONE, "groups": 1, **layer} for layer in LAYERS]
SPEC = dv.InputSpec(size=nets.SIZE)
PLAIN = {"jitter": 0, "turn": 0.0, "zoom": 0.0}


@pytest.fixture(scope="module")
def net() -> dv.Network:
    """Two convolutions, two ReLUs, two pools."""
    return dv.Network(lambda x: nets.run_chain(LAYERS, x), input_spec=SPEC, name="chain")


@pytest.fixture(scope="module")
def scores() -> dv.Network:
    """Class 0 is red minus blue, class 1 is blue minus red, class 2 is asleep, class 3 is dead."""
    w = jnp.array([[1.0, -1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0], [-1.0, 1.0, 1.0, 0.0]])

    def function(x: Any) -> Any:
        return jax.nn.relu(x.mean((1, 2)) @ w - jnp.array([0.0, 0.0, 0.6, 1.0]))

    return dv.Network(function, input_spec=SPEC, name="scores")


def values(image: np.ndarray, layers: int) -> np.ndarray:
    """The chain's values by loops."""
    return network_loops.up(LOOPS[:layers], image[None].astype(np.float64))[0][0]


@pytest.mark.deep
def test_a_class_becomes_the_picture_that_it_is(scores: dv.Network) -> None:
    red = dv.visualize(scores, dv.Unit("relu1", 0), steps=80, parametrization="pixel")
    assert red.objective == "class"
    assert red.activation > 0.6
    assert red.image[..., 0].mean() > red.image[..., 2].mean() + 0.6
    assert red.losses[-1] < red.losses[0]


@pytest.mark.deep
def test_the_activation_of_a_neuron_is_that_of_the_loops(net: dv.Network) -> None:
    found = dv.visualize(net, dv.Unit("conv2", 2, 1, 3), steps=12)
    assert found.objective == "neuron"
    assert found.activation == pytest.approx(values(found.image, 4)[1, 3, 2], rel=1e-4, abs=1e-5)


@pytest.mark.slow
def test_a_neuron_without_position_is_the_middle_one(net: dv.Network) -> None:
    found = dv.visualize(net, dv.Unit("conv2", 2), objective="neuron", steps=3)
    height, width, _ = net.layer("conv2").shape
    assert (found.unit.row, found.unit.column) == (height // 2, width // 2)


def test_the_activation_of_a_channel_and_a_direction_are_means_of_the_loops(net: dv.Network) -> None:
    channel = dv.visualize(net, dv.Unit("conv2", 2), steps=12)
    assert channel.objective == "channel"
    assert channel.activation == pytest.approx(values(channel.image, 4)[..., 2].mean(), rel=1e-4)
    v = np.array([1.0, -2.0, 0.5, 0.0, 3.0])
    toward = dv.visualize(net, "conv2", direction=v, steps=12)
    assert toward.objective == "direction"
    assert toward.activation == pytest.approx((values(toward.image, 4) @ v).mean() / np.linalg.norm(v), rel=1e-4)
    assert toward.activation > values(channel.image, 4).mean((0, 1)) @ v / np.linalg.norm(v)


@pytest.mark.slow
def test_the_first_loss_is_that_of_the_loops(net: dv.Network) -> None:
    options = {"parametrization": "pixel", "tv": 0.2, "pictures": 2, "diversity": 0.7, **PLAIN}
    pair = dv.visualize(net, dv.Unit("relu2", 1), steps=1, rate=1e-12, **options)
    both = np.stack([values(image, 5) for image in pair.images])
    alike = prior_loops.similarity(both)
    rough = prior_loops.total_variation(pair.image[None].astype(np.float64) * 255 / 80 * 6.5, 2.0)
    assert pair.losses[0] == pytest.approx(0.7 * alike - pair.activation + 0.2 * rough, rel=1e-4)


@pytest.mark.deep
def test_diverse_pictures_are_less_alike(net: dv.Network) -> None:
    def alike(diversity: float) -> float:
        found = dv.visualize(net, dv.Unit("relu2", 1), steps=24, pictures=3, diversity=diversity, **PLAIN)
        assert found.images.shape == (3, *nets.SIZE, 3)
        assert found.activation == found.activations.max()
        assert np.array_equal(found.image, found.images[found.activations.argmax()])
        return prior_loops.similarity(np.stack([values(image, 5) for image in found.images]))

    assert alike(200.0) < 0.98 * alike(0.0)


@pytest.mark.deep
def test_the_same_seed_gives_the_same_pixels_and_a_stopped_run_goes_on(net: dv.Network) -> None:
    unit = dv.Unit("relu2", 3)
    whole = dv.visualize(net, unit, steps=30, seed=5)
    for snapshot in dv.visualize_snapshots(net, unit, steps=30, seed=5, every=6):
        if snapshot.step > 10:
            break
    later = dv.visualize(net, unit, seed=5, resume=snapshot)
    assert 10 < snapshot.step < later.step == 30
    assert np.array_equal(later.image, whole.image)
    assert np.array_equal(later.losses, whole.losses)
    assert not np.array_equal(dv.visualize(net, unit, steps=30, seed=6).image, whole.image)
    with pytest.raises(DeconvvizError, match="with seed 5 cannot go on: network, unit"):
        dv.visualize(net, unit, seed=6, resume=snapshot)


@pytest.mark.sampled(1)
@pytest.mark.slow
@pytest.mark.parametrize("parametrization", ["pixel", "fourier"])
def test_a_run_starts_from_an_image_if_one_is_given(net: dv.Network, parametrization: str) -> None:
    image = np.random.default_rng(8).uniform(0.1, 0.9, size=(*nets.SIZE, 3)).astype(np.float32)
    found = dv.visualize(
        net, dv.Unit("conv2", 1), steps=1, rate=1e-9, start=image, parametrization=parametrization, **PLAIN
    )
    assert np.abs(found.image - image).max() < 1e-4


@pytest.mark.deep
def test_a_unit_that_sleeps_is_woken(scores: dv.Network) -> None:
    grey = np.asarray(jax.grad(lambda x: jax.nn.relu(x.mean((1, 2)) @ jnp.array([0.0, 0.0, 1.0]) - 0.6).sum())(
        jnp.full((1, *nets.SIZE, 3), 0.5)))  # fmt: skip
    assert not grey.any(), "the unit sends a derivative down from grey, so this would test nothing"
    found = dv.visualize(scores, dv.Unit("relu1", 2), steps=80, rate=0.4)
    assert found.activation > 0.2
    assert found.step == 80


@pytest.mark.slow
def test_a_dead_unit_is_refused(scores: dv.Network) -> None:
    with pytest.raises(NetworkError, match=r"channel 3 of relu1 in scores is dead: it stays at 0 whatever the picture"):
        dv.visualize(scores, dv.Unit("relu1", 3))
    with pytest.raises(NetworkError, match=r"channel 3 of relu1 in scores sleeps: .*, or give 256 steps or more"):
        dv.visualize(scores, dv.Unit("relu1", 3), steps=20)


@pytest.mark.slow
def test_a_run_that_becomes_no_number_stops_with_the_last_good_picture() -> None:
    bomb = dv.Network(lambda x: jnp.where(x.mean() > 0.55, jnp.nan, x), input_spec=SPEC, name="bomb")
    found = dv.visualize(bomb, dv.Unit(bomb.layers[-1].name, 0), steps=64, rate=0.5)
    assert "this is the last good picture; give a smaller rate" in found.note
    assert found.step < 64
    assert np.isfinite(found.image).all()


@pytest.mark.parametrize(
    ("unit", "options", "said"),
    [
        (dv.Unit("relu2", 5), {}, "relu2 has 5 channels, numbered 0 to 4; got channel=5"),
        (dv.Unit("relu2", 0, 99, 0), {}, "got row=99, column=0"),
        (dv.Unit("relu7", 0), {}, "no layer 'relu7'"),
        (dv.Unit("relu2", 0), {"objective": "class"}, "a class is an entry of a layer without rows and columns; relu2"),
        (dv.Unit("relu2", 0), {"objective": "chanel"}, "there is no objective 'chanel'; did you mean channel"),
        ("relu2", {}, "objective='channel' needs a unit, dv.Unit('relu2', channel)"),
        ("relu2", {"objective": "direction"}, "a direction goes with objective='direction'"),
        ("relu2", {"direction": np.ones(4)}, "a direction in relu2 is 5 finite numbers, one a channel, not all 0"),
        ("relu2", {"direction": np.zeros(5)}, "not all 0"),
        (dv.Unit("relu2", 0), {"pictures": 0}, "pictures is a whole number from 1 up; got pictures=0"),
        (dv.Unit("relu2", 0), {"diversity": -1.0}, "diversity is a number from 0 up; got diversity=-1.0"),
        (dv.Unit("relu2", 0), {"zoom": 1.5}, "zoom below 1; got"),
    ],
)
def test_bad_input_is_refused_in_a_sentence(net: dv.Network, unit: Any, options: dict[str, Any], said: str) -> None:
    with pytest.raises(DeconvvizError) as refusal:
        dv.visualize(net, unit, **options)
    assert said in str(refusal.value)


def test_a_position_in_a_vector_is_refused(scores: dv.Network) -> None:
    with pytest.raises(NetworkError, match="is a vector of 4 channels without rows and columns; got row=1, column=2"):
        dv.visualize(scores, dv.Unit("relu1", 0, 1, 2))
