"""The priors against their loops, and what is claimed about their derivatives, bases and colours."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from reference import prior_loops

from deconvviz import priors
from deconvviz.data import preprocess, samples
from deconvviz.types import InputSpec

SHAPE = (2, 5, 7, 3)


@pytest.fixture(autouse=True)
def exact() -> Iterator[None]:
    """Everything here in float64."""
    with jax.enable_x64(True):
        yield


def noise(shape: tuple[int, ...] = SHAPE, seed: int = 0) -> np.ndarray:
    """Normal noise."""
    return np.random.default_rng(seed).normal(size=shape)


@pytest.mark.parametrize("alpha", [2.0, 3.0, 6.0])
def test_alpha_norm_equals_its_loops(alpha: float) -> None:
    x = noise()
    assert float(priors.alpha_norm(x, alpha)) == pytest.approx(prior_loops.alpha_norm(x, alpha), rel=1e-12)


@pytest.mark.parametrize("beta", [1.0, 1.5, 2.0])
def test_total_variation_equals_its_loops(beta: float) -> None:
    x = noise()
    assert float(priors.total_variation(x, beta)) == pytest.approx(prior_loops.total_variation(x, beta), rel=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("beta", [1.0, 2.0])
def test_the_derivative_of_total_variation_is_that_of_the_loops(beta: float) -> None:
    x, step = noise((1, 3, 5, 2)), 1e-6
    found = np.asarray(jax.grad(lambda x: priors.total_variation(x, beta))(x))
    for place in np.ndindex(*x.shape):
        shift = np.zeros_like(x)
        shift[place] = step
        up, down = (prior_loops.total_variation(x + sign * shift, beta) for sign in (1, -1))
        assert found[place] == pytest.approx((up - down) / (2 * step), abs=1e-7)


@pytest.mark.sampled(check=1)
@pytest.mark.parametrize("beta", [1.0, 2.0])
def test_a_flat_picture_has_no_slope(beta: float) -> None:
    slope = jax.grad(lambda x: priors.total_variation(x, beta))(jnp.full((1, 3, 5, 2), 0.25))
    assert np.array_equal(slope, np.zeros((1, 3, 5, 2)))


@pytest.mark.slow
def test_similarity_equals_its_loops() -> None:
    a = noise((3, 2, 4, 5))
    assert float(priors.similarity(a)) == pytest.approx(prior_loops.similarity(a), rel=1e-9)


@pytest.mark.slow
def test_waves_equal_their_loops() -> None:
    x = noise()
    assert np.abs(np.asarray(priors.hartley(x)) - prior_loops.waves(x)).max() < 1e-12


def test_waves_are_orthonormal() -> None:
    height, width = 4, 7
    every = np.eye(height * width).reshape(-1, height, width, 1)
    basis = np.asarray(priors.hartley(every)).reshape(height * width, -1)
    assert np.abs(basis @ basis.T - np.eye(height * width)).max() < 1e-12


@pytest.mark.slow
def test_amplitudes_equal_their_loops_and_scale_the_waves() -> None:
    height, width, decay = 4, 7, 1.3
    found = priors.amplitudes((height, width), decay)
    for k, m in np.ndindex(height, width):
        assert found[0, k, m, 0] == pytest.approx(prior_loops.amplitude(k, m, height, width, decay), rel=1e-12)
    c = noise((1, height, width, 3))
    assert np.abs(np.asarray(priors.fourier_image(c, decay)) - prior_loops.waves(c * found)).max() < 1e-11
    assert np.abs(np.asarray(priors.fourier_coefficients(priors.fourier_image(c, decay), decay)) - c).max() < 1e-11


def test_the_fourier_image_is_that_of_lucid_up_to_the_basis() -> None:
    """A single low and a single high wave have the amplitudes that Lucid's spectrum scale gives them."""
    height, width = 8, 6
    columns = np.fft.rfftfreq(width)
    rows = np.fft.fftfreq(height)[:, None]
    scale = np.sqrt(width * height) / np.maximum(np.sqrt(columns**2 + rows**2), 1 / max(width, height))
    for k, m in ((0, 1), (3, 2)):
        spectrum = np.zeros((height, len(columns)), complex)
        spectrum[k, m] = 1
        theirs = np.fft.irfft2(scale * spectrum, s=(height, width)) / 4
        pair = np.zeros((1, height, width, 1))
        pair[0, k, m], pair[0, -k % height, -m % width] = 1, 1
        ours = np.asarray(priors.fourier_image(pair))[0, :, :, 0]  # 2 cos where theirs is 2 cos
        assert np.abs(ours - theirs).max() < 1e-12


def test_colours_are_mixed_and_unmixed() -> None:
    x = noise()
    mixed = np.asarray(priors.mix_colours(x))
    assert np.abs(mixed - np.einsum("...c,dc->...d", x, priors.COLOUR_BASIS)).max() < 1e-12
    assert np.abs(np.asarray(priors.unmix_colours(mixed)) - x).max() < 1e-10
    assert np.linalg.norm(priors.COLOUR_BASIS, axis=0).max() == pytest.approx(1)


@pytest.mark.parametrize("name", ["cat", "astronaut", "coffee"])
def test_photographs_correlate_less_along_the_colour_axes(name: str) -> None:
    pixels = samples.load(name).reshape(-1, 3).astype(np.float64)

    def correlation(values: np.ndarray) -> float:
        matrix = np.abs(np.corrcoef(values.T))
        return float(matrix[np.triu_indices(3, 1)].mean())

    assert correlation(np.asarray(priors.unmix_colours(pixels))) < 0.75 * correlation(pixels)


SPECS = [
    InputSpec(size=(5, 7)),
    InputSpec(size=(5, 7), mean=(0.1, 0.2, 0.3), std=(0.5, 0.6, 0.7)),
    InputSpec(size=(5, 7), mean=(10.0, 20.0, 30.0), scale=255.0, channels="BGR"),
    InputSpec(size=(5, 7), mean=(0.4,), std=(0.2,), channels="L"),
]


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.channels)
def test_the_range_of_a_network_is_that_of_the_preprocessing(spec: InputSpec) -> None:
    image = np.random.default_rng(1).uniform(size=(5, 7, 3)).astype(np.float32)
    found = np.asarray(priors.from_display(image[None], spec))
    assert np.abs(found - preprocess.model_input(image, spec)).max() < 1e-5 * spec.scale


@pytest.mark.parametrize("by", [(0, 0), (2, -1), (-3, 3)])
def test_shifts_equal_their_loops(by: tuple[int, int]) -> None:
    x = noise()
    assert np.array_equal(priors.shifted(x, *by, most=3), prior_loops.shifted(x, *by))


TURNS: list[tuple[Any, ...]] = [
    (0.0, 1.0, 0.0, 0.0),
    (0.0, 1.0, 2.0, -1.0),
    (11.0, 0.9, 0.4, -1.7),
    (-33.0, 1.2, 5.0, 0.0),
]


@pytest.mark.sampled(2)
@pytest.mark.slow
@pytest.mark.parametrize("by", TURNS)
def test_turns_equal_their_loops(by: tuple[float, ...]) -> None:
    x = noise()
    found = np.asarray(priors.turned(x, *by))
    assert np.abs(found - prior_loops.turned(x, *by)).max() < 1e-11
