"""What an inverter is trained to make small, part by part against loops and by hand."""

from __future__ import annotations

import numpy as np
import pytest

import deconvviz as dv
from deconvviz.data.preprocess import model_input
from deconvviz.models import caltech, planted
from deconvviz.training.inverter import loss, recipes
from deconvviz.training.inverter.train import InverterRecipe

SHAPE = (128, 128, 3)


@pytest.fixture(scope="module")
def pictures() -> np.ndarray:
    """Three pictures of smooth noise."""
    coarse = np.random.default_rng(5).random((3, 16, 16, 3)).astype(np.float32)
    return coarse.repeat(8, axis=1).repeat(8, axis=2)


def drawn(seed: int, count: int = 2) -> np.ndarray:
    """Pictures of noise."""
    return np.random.default_rng(seed).random((count, *SHAPE)).astype(np.float32)


def test_squared_error_alone_is_that_of_pixels(pictures: np.ndarray) -> None:
    answer, target = drawn(1), drawn(2)
    value, figures = loss.picture_loss(loss.Blend(), pictures)(answer, target)
    assert float(value) == pytest.approx(np.mean((answer - target) ** 2), rel=1e-5)
    assert figures == {}


@pytest.mark.deep
def test_layers_are_compared_by_the_variance_of_each_channel(pictures: np.ndarray) -> None:
    net, blend = dv.load("caltech"), loss.Blend(compared=("relu1", "relu2"), compared_weight=0.5)
    answer, target = drawn(1, 3), drawn(2, 3)
    of = loss.picture_loss(blend, pictures[:2])
    assert float(of(target, target)[0]) == 0
    shares = []
    for layer in blend.compared:
        variance = np.stack([dv.activations(net, one, layer) for one in pictures[:2]]).var((0, 1, 2)) + 1e-6
        gaps = [
            dv.activations(net, a, layer) - dv.activations(net, b, layer)
            for a, b in zip(answer[:2], target[:2], strict=True)
        ]
        shares.append(np.mean(np.square(gaps) / variance))
    value, figures = of(answer, target)
    assert float(figures["features"]) == pytest.approx(np.mean(shares), rel=1e-4)
    assert float(value) == pytest.approx(float(figures["pixels"]) + 0.5 * np.mean(shares), rel=1e-4)


@pytest.mark.slow
def test_strokes_are_seen_by_the_second_network(pictures: np.ndarray) -> None:
    blend = loss.Blend(strokes=1.0)
    of = loss.picture_loss(blend, pictures[:2])
    darker = pictures[:2] * 0.5
    value, figures = of(darker, pictures[:2])
    assert float(figures["strokes"]) > 0
    assert float(value) == pytest.approx(float(figures["pixels"] + figures["strokes"]), rel=1e-5)


@pytest.mark.slow
def test_values_are_those_of_both_networks(pictures: np.ndarray) -> None:
    names = [f"relu{number}" for number in range(1, 8)]
    net = caltech.build()
    x = np.concatenate([model_input(picture, net.input_spec) for picture in pictures])
    for name, found in zip(names, loss.values(caltech.CHAIN, caltech.load_params(), names, pictures), strict=True):
        wanted = net.taps(x, [name])[name]
        np.testing.assert_allclose(found, wanted, atol=1e-4 * wanted.max())
    second, small = planted.build("honest"), pictures[:, :48, :48]
    found = loss.values(loss.SECOND, planted.read("honest")[0], loss.STROKES, small)
    for name, one in zip(loss.STROKES, found, strict=True):
        wanted = second.taps((small - 0.5) / 0.25, [name])[name]
        np.testing.assert_allclose(one, wanted, atol=1e-4 * wanted.max())


def test_strength_is_the_root_of_the_mean_in_each_window() -> None:
    values = np.random.default_rng(3).random((2, 6, 4, 5)).astype(np.float32)
    found = np.asarray(loss.strength(values, 2, 0.25))
    for n, row, column, channel in np.ndindex(2, 3, 2, 5):
        window = values[n, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2, channel]
        assert found[n, row, column, channel] == pytest.approx(np.sqrt(window.sum() / 4 + 0.25), rel=1e-5)


def test_colours_count_by_their_strength_alone(pictures: np.ndarray) -> None:
    grey = pictures.mean(-1, keepdims=True).repeat(3, axis=-1)
    assert float(loss.chroma_error(pictures, pictures)) == 0
    pale = 0.5 * pictures + 0.5 * grey
    assert 0 < float(loss.chroma_error(pale, pictures)) < float(loss.chroma_error(grey, pictures))
    other = grey - (pictures - grey)  # the opposite colours, as strong
    assert float(loss.chroma_error(other, pictures)) == pytest.approx(0, abs=1e-3)


def test_every_layer_of_the_shipped_network_has_a_recipe() -> None:
    names = [f"relu{number}" for number in range(1, 8)]
    assert list(recipes.OF_LAYER) == names
    for layer in names:
        assert InverterRecipe(layer, **recipes.options(layer, "plain")).blend.plain
        sharp, plain = (InverterRecipe(layer, **recipes.options(layer, name)) for name in ("sharp", "plain"))
        assert (sharp.epochs, sharp.images) == (plain.epochs, plain.images)
