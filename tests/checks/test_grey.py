"""Why a map is grey: a planted case for each reason, and nothing where nothing is wrong."""

from __future__ import annotations

import copy
import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import deconvviz as dv
from deconvviz.checks import grey, report
from deconvviz.data import samples

RANDOM = np.random.default_rng(8)
KERNEL = jnp.asarray(RANDOM.normal(size=(3, 2, 3, 4)), jnp.float32)
SECOND = jnp.asarray(np.abs(RANDOM.normal(size=(4, 3))), jnp.float32)
SPEC = dv.InputSpec(size=(9, 11))
IMAGE = RANDOM.uniform(size=(9, 11, 3)).astype(np.float32)


def conv(x: jax.Array) -> jax.Array:
    return lax.conv_general_dilated(x, KERNEL, (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC"))


def net(function: object) -> dv.Network:
    return dv.Network(function, input_spec=SPEC, name="planted")  # type: ignore[arg-type]


@pytest.mark.slow
def test_a_map_that_shows_something_has_no_diagnosis() -> None:
    sound = net(lambda x: jax.nn.relu(conv(x)).mean((1, 2)) @ SECOND)
    assert dv.reconstruct(sound, IMAGE, (sound.layers[-1].name, 1)).diagnosis == ""


@pytest.mark.slow
def test_a_silent_unit_is_named() -> None:
    shifts = jnp.asarray([0.0, -99, 0, 0])
    quiet = net(lambda x: jax.nn.relu(conv(x) + shifts))
    found = dv.reconstruct(quiet, IMAGE, ("relu1", 1))
    assert not found.map.any()
    assert (
        "because channel 1 of relu1 is silent on this picture, its value is 0: choose another unit" in found.diagnosis
    )


@pytest.mark.slow
def test_the_layer_below_which_a_rule_lets_nothing_through_is_named() -> None:
    """The signal is negative at the upper rectifier: max(g, 0) stops it there, the gradient goes on."""
    stopped = net(lambda x: jax.nn.relu(jax.nn.relu(conv(x) + 9) @ jnp.eye(4)).mean((1, 2)) @ -SECOND)
    top = stopped.layers[-1].name
    found = dv.reconstruct(stopped, IMAGE, (top, 1), start="one")
    assert not found.map.any()
    assert "under the rule deconvnet nothing of it gets below relu2; try another rule" in found.diagnosis
    assert dv.reconstruct(stopped, IMAGE, (top, 1), "gradient", "one").diagnosis == ""


@pytest.mark.slow
def test_a_diagnosis_is_worked_out_when_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a map that is zero it runs the network again: nothing of that is on the way of the map itself."""
    stopped = net(lambda x: jax.nn.relu(jax.nn.relu(conv(x) + 9) @ jnp.eye(4)).mean((1, 2)) @ -SECOND)
    top, asked = stopped.layers[-1].name, list[str]()
    compute = grey.finding
    monkeypatch.setattr(grey, "finding", lambda *given: asked.append("") or compute(*given))
    found = dv.reconstruct(stopped, IMAGE, (top, 1), start="one")
    programs = len(stopped.store)
    assert not asked
    dv.reconstruct(stopped, IMAGE, (top, 0), start="one")
    assert len(stopped.store) == programs
    assert found.diagnosis == found.diagnosis != ""
    assert len(asked) == 1
    again = copy.deepcopy(found)  # what holds for a copy holds for one in a file: both ask for the state
    assert again.explain is None
    assert again.diagnosis == found.diagnosis
    assert len(asked) == 1


@pytest.mark.slow
@pytest.mark.parametrize("branches", [False, True])
def test_where_a_rule_stops_is_known_step_by_step_as_by_bisection(
    branches: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def function(x: jax.Array) -> jax.Array:
        below = jax.nn.relu(conv(x) + 9)
        above = jax.nn.relu(below @ jnp.eye(4)) + (2 * below if branches else 0)
        return jax.nn.relu(above).mean((1, 2)) @ -SECOND

    stopped = net(function)
    found = dv.reconstruct(stopped, IMAGE, (stopped.layers[-1].name, 1), start="one")
    assert not isinstance(stopped.steps_to(found.unit.layer), str)
    by_steps = grey.blocked_at(stopped, IMAGE[None], found)
    monkeypatch.setattr(type(stopped), "steps_to", lambda *_: "no step is known")
    assert by_steps == grey.blocked_at(stopped, IMAGE[None], found)
    assert stopped.layer(by_steps).kind == "relu"


@pytest.mark.deep
def test_a_saturated_probability_of_a_unit_is_told_from_a_silent_one() -> None:
    sure = net(lambda x: jax.nn.softmax(jax.nn.relu(conv(x)).mean((1, 2)) @ (9999 * SECOND)))
    layer = sure.layers[-1].name
    values = sure.run(IMAGE[None])[0]
    for channel in (int(values.argmax()), int(values.argmin())):
        found = dv.reconstruct(sure, IMAGE, (layer, channel), "gradient", "one")
        assert not found.map.any()
        assert f"channel {channel} of {layer} is a probability so close to its end" in found.diagnosis


@pytest.mark.slow
def test_a_unit_that_no_picture_changes_is_constant() -> None:
    constant = net(lambda x: 0 * jax.nn.relu(conv(x)).mean((1, 2)) + 3)
    found = dv.reconstruct(constant, IMAGE, (constant.layers[-1].name, 1), "gradient")
    assert "is 3 for every picture, a constant: load trained weights" in found.diagnosis


def test_one_pixel_that_eats_the_scale_is_named() -> None:
    values = RANDOM.normal(size=(40, 50))
    assert grey.outlier(np.abs(values)) == ""
    values[7, 31] = 5000
    said = grey.outlier(np.abs(values))
    assert "because of the pixel at row 7, column 31" in said
    assert "signed_limit(map, 99.5)" in said
    point = np.zeros((40, 50))
    point[3, 4] = 1.0  # a small receptive field
    assert grey.outlier(point) == ""


@pytest.mark.slow
def test_a_constant_output_is_said() -> None:
    constant = net(lambda x: 0 * jax.nn.relu(conv(x)).mean((1, 2)) + 3)
    (note,) = [n for n in report(constant, IMAGE[None]).notes if "the same for this picture" in n]
    assert "a constant, whose maps are zero" in note


@pytest.mark.slow
def test_a_saturated_probability_is_said() -> None:
    sure = net(lambda x: jax.nn.softmax(jax.nn.relu(conv(x)).mean((1, 2)) @ (999 * SECOND)))
    output = sure.run(IMAGE[None])
    (note,) = grey.notes(sure, IMAGE[None], output)
    assert "explain the scores below it, not the probability" in note
    calm = net(lambda x: jax.nn.softmax(jax.nn.relu(conv(x)).mean((1, 2)) @ SECOND))
    assert not list(grey.notes(calm, IMAGE[None], calm.run(IMAGE[None])))


@pytest.mark.slow
def test_channels_that_no_picture_wakes_are_counted() -> None:
    shifts = jnp.asarray([0.0, -99, 0, -99])
    quiet = net(lambda x: jax.nn.relu(conv(x) + shifts).mean((1, 2)))
    pictures = [RANDOM.uniform(size=(1, 9, 11, 3)).astype(np.float32) for _ in range(3)]
    dead = grey.dead_channels(quiet, pictures)
    assert set(dead["relu1"]) >= {1, 3}
    (said,) = grey.dead_sentences({"relu1": (1, 3)}, quiet, 3)
    assert said.startswith("2 of 4 channels of relu1 are 0 everywhere on 3 pictures (1, 3)")


@pytest.mark.slow
def test_another_range_of_the_input_is_hinted_at() -> None:
    right = dv.load("caltech")
    photographs = [samples.load(name) for name in ("cat", "astronaut", "rocket")]
    assert grey.better_input(right, photographs) == ""
    assert grey.better_input(right, [*photographs, samples.load("coffee")]) == "", "others make it surer, 38 %"
    wrong = dataclasses.replace(right.input_spec, mean=(0.5,) * 3, std=(25.0,) * 3)
    faint = dv.Network(right._function, input_spec=wrong)
    said = grey.better_input(faint, photographs)
    assert "sure of the likeliest class of 3 photographs fed with values from" in said
    assert "is that the range and order of channels that it was trained with?" in said
