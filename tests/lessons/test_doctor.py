"""Why a map is grey, on the page: every kind that the library knows of a unit, in a sentence with what to do."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import deconvviz as dv
from deconvviz.checks import grey
from lessons._kit.reconstruction import doctor
from lessons._kit.run import networks, pictures


def test_every_kind_has_its_words() -> None:
    assert doctor.SENTENCES.keys() == grey.TEXTS.keys() - {"target", "silent target"}


@pytest.mark.slow
def test_a_rule_that_stops_everything_names_the_layer() -> None:
    """A unit below 0: its signal starts below 0, so DeconvNet stops it at the first rectifier."""
    random = np.random.default_rng(3)
    mix, weights = (jnp.asarray(np.abs(random.normal(size=size)), jnp.float32) for size in ((3, 4), (4, 2)))
    network = dv.Network(
        lambda x: jax.nn.relu(x @ mix).mean((1, 2)) @ weights - 1000, input_spec=dv.InputSpec(size=(9, 11))
    )
    loaded, picture = networks.Loaded("planted", network, network.digest, None), pictures.sample("cat")
    image = pictures.fitted(loaded, picture).model
    found = dv.reconstruct(network, image, (network.layers[-1].name, 1), prove=False)
    assert found.activation < 0
    assert "starts below 0, and under this rule nothing gets below relu1." in doctor.why_grey(loaded, picture, found)
    silent = dataclasses.replace(found, activation=0.0)
    assert doctor.why_grey(loaded, picture, dataclasses.replace(silent, rule="guided")).endswith("on this picture")


def test_one_pixel_that_eats_the_scale_is_named() -> None:
    loaded, picture = networks.load("caltech"), pictures.sample("cat")
    map = np.random.default_rng(0).normal(size=(128, 128, 3)).astype(np.float32)
    map[7, 31] = 5000
    found = dv.reconstruct(loaded.network, np.zeros((128, 128, 3)), ("conv1", 0), "gradient", prove=False)
    said = doctor.why_grey(loaded, picture, dataclasses.replace(found, map=map))
    assert said.startswith("grey because of one pixel at row 7, column 31")
    assert doctor.why_grey(loaded, picture, dataclasses.replace(found, map=map.clip(-3, 3))) == ""
