"""Inversion by optimization on a network small enough for loops."""

from __future__ import annotations

import re
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from network import nets
from reference import network_loops, prior_loops

import deconvviz as dv
from deconvviz.errors import DeconvvizError, NetworkError

LAYERS = nets.chain_layers("float32")
LOOPS = [{"dilation": network_loops.ONE, "groups": 1, **layer} for layer in LAYERS]
ROWS, COLUMNS = np.linspace(0.1, 0.9, nets.SIZE[0])[:, None], np.linspace(0.8, 0.2, nets.SIZE[1])[None, :]
IMAGE = np.stack([ROWS + 0 * COLUMNS, COLUMNS + 0 * ROWS, ROWS * COLUMNS], axis=-1).astype(np.float32)


@pytest.fixture(scope="module")
def net() -> dv.Network:
    """Two convolutions, two ReLUs, two pools."""
    return dv.Network(lambda x: nets.run_chain(LAYERS, x), input_spec=dv.InputSpec(size=nets.SIZE), name="chain")


@pytest.fixture(scope="module")
def found(net: dv.Network) -> dv.Inversion:
    """A run of 60 steps."""
    return dv.invert(net, IMAGE, "relu1", steps=60, seed=3, rate=0.3, jitter=1)


def by_loops(image: np.ndarray, layers: int) -> np.ndarray:
    """The values after so many layers of the chain."""
    return network_loops.up(LOOPS[:layers], image[None].astype(np.float64))[0]


@pytest.mark.deep
def test_the_loss_falls_and_every_step_is_kept(found: dv.Inversion) -> None:
    assert found.losses.shape == (60,)
    assert found.losses[-8:].mean() < 0.4 * found.losses[0]
    assert (found.layer, found.method, found.seed, found.step, found.steps) == ("relu1", "optimize", 3, 60, 60)
    assert found.note == ""


@pytest.mark.slow
def test_the_errors_are_those_of_the_loops(found: dv.Inversion) -> None:
    expected = prior_loops.feature_error(by_loops(found.image, 2), by_loops(IMAGE, 2))
    assert found.feature_error == pytest.approx(expected, rel=1e-4)
    assert found.image_error == pytest.approx(prior_loops.feature_error(found.image, IMAGE), rel=1e-6)


@pytest.mark.slow
def test_the_first_loss_is_the_error_and_the_penalties_of_the_loops(net: dv.Network) -> None:
    grey = {"parametrization": "pixel", "tv": 0.7, "norm": 0.3, "beta": 1.5, "jitter": 0}
    first = next(dv.invert_snapshots(net, IMAGE, "relu1", steps=1, rate=1e-12, **grey))
    x = first.image[None].astype(np.float64)
    error = prior_loops.feature_error(by_loops(first.image, 2), by_loops(IMAGE, 2))
    rough = prior_loops.total_variation(x * 255 / 80 * 6.5, 1.5)
    large = prior_loops.alpha_norm((x - 0.5) * 255 / 80, 6.0)
    assert first.losses[0] == pytest.approx(error + 0.7 * rough + 0.3 * large, rel=1e-4)


def test_the_same_seed_gives_the_same_pixels(net: dv.Network, found: dv.Inversion) -> None:
    again = dv.invert(net, IMAGE, "relu1", steps=60, seed=3, rate=0.3, jitter=1)
    other = dv.invert(net, IMAGE, "relu1", steps=60, seed=4, rate=0.3, jitter=1)
    assert np.array_equal(again.image, found.image)
    assert np.array_equal(again.losses, found.losses)
    assert not np.array_equal(other.image, found.image)


def test_a_run_that_was_stopped_goes_on_to_the_same_pixels(net: dv.Network, found: dv.Inversion) -> None:
    for snapshot in dv.invert_snapshots(net, IMAGE, "relu1", steps=60, seed=3, rate=0.3, jitter=1, every=7):
        if snapshot.step >= 20:
            break
    assert snapshot.step == 21
    assert np.array_equal(snapshot.losses, found.losses[:21])
    later = dv.invert(net, IMAGE, "relu1", seed=3, resume=snapshot)
    assert later.step == 60
    assert np.array_equal(later.image, found.image)
    assert np.array_equal(later.losses, found.losses)


def test_snapshots_come_early_and_then_evenly(net: dv.Network) -> None:
    snapshots = list(dv.invert_snapshots(net, IMAGE, "relu1", steps=27, seed=3, jitter=1, every=9))
    assert [snapshot.step for snapshot in snapshots] == [8, 17, 26, 27]
    assert all(snapshot.steps == 27 for snapshot in snapshots)
    (end,) = dv.invert_snapshots(net, IMAGE, "relu1", seed=3, resume=snapshots[-1])
    assert np.array_equal(end.image, snapshots[-1].image)


@pytest.mark.parametrize("change", [{"seed": 4}, {"layer": "relu2"}, {"decay": 0.5}, {"image": IMAGE[::-1]}])
def test_another_run_is_not_gone_on_with(net: dv.Network, found: dv.Inversion, change: dict[str, Any]) -> None:
    options = {"image": IMAGE, "layer": "relu1", "seed": 3, "resume": found, **change}
    with pytest.raises(DeconvvizError, match="relu1 with seed 3 cannot go on: network, picture, layer, seed"):
        dv.invert(net, options.pop("image"), options.pop("layer"), **options)


@pytest.mark.slow
@pytest.mark.parametrize("parametrization", ["pixel", "fourier"])
def test_pixels_stay_in_the_box(parametrization: str) -> None:
    plain = dv.Network(jax.nn.relu, input_spec=dv.InputSpec(size=nets.SIZE))
    extreme = np.where(IMAGE > 0.5, 1.0, 0.0).astype(np.float32)
    found = dv.invert(plain, extreme, "relu1", steps=30, rate=0.1, parametrization=parametrization, jitter=0, tv=0.0)
    assert found.image.shape == (*nets.SIZE, 3)
    assert found.image.dtype == np.float32
    assert 0 <= found.image.min() < found.image.max() <= 1
    params = np.asarray(found.state.progress.state.params)
    assert parametrization == "fourier" or (params.min() == 0 and params.max() == 1)


@pytest.mark.slow
def test_of_several_restarts_the_best_counts(net: dv.Network) -> None:
    several = dv.invert(net, IMAGE, "relu2", steps=12, restarts=3, jitter=0)
    singles = several.state.progress
    assert singles.losses.shape == (12, 3)
    assert np.ptp(singles.losses[-1]) > 0
    assert several.restart == singles.figures[-1].argmin()
    assert np.array_equal(several.losses, singles.losses[:, several.restart])


@pytest.mark.deep
def test_optimizers_by_name_and_of_ones_own(net: dv.Network) -> None:
    ends = [
        dv.invert(net, IMAGE, "relu1", steps=10, optimizer=name, rate=rate, jitter=0).losses
        for name, rate in (("adam", 0.05), ("momentum", 0.05), ("adagrad", 0.05), (optax.scale_by_adam(), 0.05))
    ]
    assert all(losses[-1] < losses[0] for losses in ends)
    assert np.array_equal(ends[0], ends[3])
    assert not np.array_equal(ends[0], ends[1])


@pytest.fixture(scope="module")
def bomb() -> dv.Network:
    """Gives no number for pictures that are a little brighter than the one to be inverted."""
    return dv.Network(
        lambda x: jnp.where(x.mean() > 0.6, jnp.nan, x), input_spec=dv.InputSpec(size=nets.SIZE), name="bomb"
    )


BOMBED: dict[str, Any] = {"steps": 40, "parametrization": "pixel", "optimizer": "momentum", "tv": 0.0, "norm": 0.0}


def bombed(bomb: dv.Network, rate: float) -> dv.Inversion:
    """A run on a picture just below what the network can bear."""
    return dv.invert(bomb, np.full((*nets.SIZE, 3), 0.59, np.float32), bomb.layers[-1].name, rate=rate, **BOMBED)


@pytest.mark.slow
def test_a_run_that_diverges_is_slowed_down_once(bomb: dv.Network) -> None:
    found = bombed(bomb, 3.0)
    assert re.fullmatch(
        r"the loss grew beyond bounds after step \d+ at rate 3, so the run went on from there at 0.3", found.note
    )
    assert found.step == 40
    assert found.feature_error < 0.02


@pytest.mark.slow
def test_a_run_that_diverges_twice_stops_with_the_last_good_picture(bomb: dv.Network) -> None:
    found = bombed(bomb, 1e5)
    assert "beyond bounds again after step" in found.note
    assert "at rate 10000 after 100000: this is the last good picture; give a smaller rate" in found.note
    assert found.step == len(found.losses) < 40
    assert np.isfinite(found.image).all()


def test_a_zero_target_is_refused() -> None:
    silent = dv.Network(lambda x: jax.nn.relu(x - 9.0), input_spec=dv.InputSpec(size=nets.SIZE), name="silent")
    with pytest.raises(NetworkError, match="relu1 of silent is zero everywhere for this picture: every picture that"):
        dv.invert(silent, IMAGE, "relu1")


def test_a_target_that_is_no_number_is_refused() -> None:
    broken = dv.Network(lambda x: jax.nn.relu(x) / 0.0, input_spec=dv.InputSpec(size=nets.SIZE), name="broken")
    with pytest.raises(NetworkError, match=r"of broken is no finite number for this picture"):
        dv.invert(broken, IMAGE, broken.layers[-1].name)


@pytest.mark.slow
def test_a_layer_without_rows_and_columns_is_inverted_too() -> None:
    flat = dv.Network(lambda x: jax.nn.relu(x).mean((1, 2)), input_spec=dv.InputSpec(size=nets.SIZE))
    found = dv.invert(flat, IMAGE, "mean1", steps=40, parametrization="pixel", rate=0.02, tv=0.0, norm=0.0)
    assert found.feature_error < 1e-3
    assert found.image_error > 0.01


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"layer": "relu9"}, "no layer 'relu9'; did you mean relu"),
        ({"method": "learned"}, "cannot invert"),
        ({"method": "guess"}, "there is no method 'guess'; known: optimize, learned, refined"),
        ({"steps": 0}, "steps is a whole number from 1 up; got steps=0"),
        ({"steps": 2.5}, "got steps=2.5"),
        ({"restarts": 0}, "restarts is a whole number from 1 up; got restarts=0"),
        ({"seed": 2**63}, "seed is a whole number below 2^63; got seed=9223372036854775808"),
        ({"seed": -1}, "seed is a whole number from 0 up; got seed=-1"),
        ({"rate": -0.5}, "rate is a number from 0 up; got rate=-0.5"),
        ({"rate": 0.0}, "rate and beta are above 0, alpha is 2 or more, zoom below 1; got rate=0.0"),
        ({"tv": float("nan")}, "tv is a number from 0 up; got tv=nan"),
        ({"optimizer": "adm"}, "there is no optimizer 'adm'; did you mean adam"),
        ({"parametrization": "wavelet"}, "parametrization is 'fourier' or 'pixel'; got 'wavelet'"),
        ({"jiter": 3}, "there is no option 'jiter'; did you mean jitter"),
    ],
)
def test_bad_input_is_refused_in_a_sentence(net: dv.Network, options: dict[str, Any], said: str) -> None:
    options = {"layer": "relu1", **options}
    with pytest.raises(DeconvvizError) as refusal:
        dv.invert(net, IMAGE, options.pop("layer"), **options)
    assert said in str(refusal.value)
