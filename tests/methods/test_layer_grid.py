"""Many units of a layer: each picture is the one that its unit gets alone, dead units are noted, runs go on."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from network import nets

import deconvviz as dv
from deconvviz.errors import DeconvvizError
from deconvviz.figures import montage
from deconvviz.methods import layer_grid

LAYERS = nets.chain_layers("float32")
SPEC = dv.InputSpec(size=nets.SIZE)


@pytest.fixture(scope="module")
def net() -> dv.Network:
    """Two convolutions, two ReLUs, two pools."""
    return dv.Network(lambda x: nets.run_chain(LAYERS, x), input_spec=SPEC, name="chain")


@pytest.fixture(scope="module")
def scores() -> dv.Network:
    """Class 0 is red minus blue, class 1 sleeps at grey, class 2 is dead."""
    w = jnp.array([[1.0, 0.0, 0.0], [0.0, 0.0, 0.0], [-1.0, 1.0, 0.0]])

    def function(x: Any) -> Any:
        return jax.nn.relu(x.mean((1, 2)) @ w - jnp.array([0.0, 0.6, 1.0]))

    return dv.Network(function, input_spec=SPEC, name="scores")


@pytest.mark.deep
@pytest.mark.parametrize("batch", [1, 2])
def test_a_picture_is_the_one_of_its_unit_alone(net: dv.Network, batch: int) -> None:
    sheet = dv.visualize_layer(net, "conv2", [3, 0, 4], steps=12, seed=2, batch=batch)
    assert sheet.channels.tolist() == [3, 0, 4]
    assert sheet.finished.all()
    assert (sheet.step, sheet.steps, sheet.objective) == (36, 36, "channel")
    for i, channel in enumerate(sheet.channels):
        alone = dv.visualize(net, dv.Unit("conv2", int(channel)), steps=12, seed=2)
        np.testing.assert_allclose(sheet.images[i], alone.image, atol=0 if batch == 1 else 1e-4)
        assert sheet.activations[i] == pytest.approx(alone.activation, rel=1e-4)
    assert np.abs(sheet.images[0] - sheet.images[1]).max() > 0.01


@pytest.mark.deep
@pytest.mark.parametrize("batch", [1, 3])
def test_a_sleeping_unit_is_woken_and_a_dead_one_noted(scores: dv.Network, batch: int) -> None:
    sheet = dv.visualize_layer(scores, "relu1", steps=300, rate=0.4, batch=batch)
    assert sheet.objective == "class"
    assert sheet.dead.tolist() == [False, False, True]
    assert sheet.finished.all()
    assert sheet.activations[1] > 0.2
    assert sheet.notes[2].startswith("channel 2 of relu1 in scores is dead")
    assert (sheet.images[2] == 0.5).all()


@pytest.mark.deep
def test_all_units_share_one_program(net: dv.Network) -> None:
    dv.visualize_layer(net, "relu2", [0], steps=2)
    programs = len(net.store)
    dv.visualize_layer(net, "relu2", [1, 2, 3], steps=2)
    assert len(net.store) == programs


@pytest.mark.slow
def test_snapshots_come_and_a_run_goes_on_from_finished_pictures(
    net: dv.Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = dv.visualize_layer(net, "conv2", [0, 1, 2], steps=20)
    coming = dv.visualize_layer_snapshots(net, "conv2", [0, 1, 2], steps=20, every=8)
    first = next(coming)
    assert (first.step, first.finished.any(), np.isnan(first.activations).all()) == (0, False, True)
    sheets = []
    for sheet in coming:
        sheets.append(sheet)
        if sheet.finished.sum() == 2:
            break
    assert [sheet.step for sheet in sheets] == [8, 16, 20, 28, 36, 40]
    assert np.isnan(sheets[-1].activations).tolist() == [False, False, True]
    made: list[int] = []
    real = layer_grid.single.snapshots

    def counted(network: Any, wanted: Any, **options: Any) -> Any:
        made.append(wanted.unit.channel)
        return real(network, wanted, **options)

    monkeypatch.setattr(layer_grid.single, "snapshots", counted)
    later = dv.visualize_layer(net, "conv2", [2, 1, 0], steps=20, resume=sheets[-1])
    assert made == [2]
    np.testing.assert_array_equal(later.images, whole.images[::-1])
    with pytest.raises(DeconvvizError, match=r"these pictures of conv2 from seed 0 cannot go on"):
        dv.visualize_layer(net, "conv2", [0], steps=21, resume=sheets[-1])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"channels": []}, "channels are one number or more, none of them twice; got channels=[]"),
        ({"channels": [1, 1]}, "none of them twice; got channels=[1, 1]"),
        ({"channels": [5]}, "relu2 has 5 channels, numbered 0 to 4; got channel=5"),
        ({"batch": 0}, "batch is a whole number from 1 up; got batch=0"),
        ({"colour": 1}, "there is no option 'colour'"),
        ({"objective": "direction"}, "a direction goes with objective='direction'"),
    ],
)
def test_bad_input_is_refused_in_a_sentence(net: dv.Network, options: dict[str, Any], said: str) -> None:
    with pytest.raises(DeconvvizError) as refusal:
        dv.visualize_layer(net, "relu2", **options)
    assert said in str(refusal.value)


def test_a_gallery_lies_row_by_row() -> None:
    images = np.arange(3 * 2 * 3 * 3).reshape(3, 2, 3, 3) / 60
    sheet = montage.gallery(images, columns=2, gap=1)
    assert sheet.shape == (5, 7, 3)
    np.testing.assert_array_equal(sheet[3:5, 0:3], images[2])
    np.testing.assert_array_equal(sheet[0:2, 4:7], images[1])
    assert (sheet[2] == 1).all()
    with pytest.raises(DeconvvizError, match=r"shape \(n, H, W, 3\).*got \(2, 3, 3\)"):
        montage.gallery(images[0])
