"""Blur, adjoint and deblurring against loops and plain equations; what the adjoint brings back and what it does not."""

from __future__ import annotations

import math

import numpy as np
import pytest
from reference import inverse_loops

from deconvviz.errors import GeometryError
from deconvviz.metrics import psnr
from deconvviz.ops import inverse

SIZE = (6, 7)
#: No symmetry, so that a flipped kernel would be noticed.
KERNEL = np.array([[0.05, 0.1, 0.0], [0.2, 0.4, 0.1], [0.0, 0.05, 0.1]])


def picture(seed: int = 0) -> np.ndarray:
    """A plane between 0 and 1."""
    return np.random.default_rng(seed).uniform(0.1, 0.9, SIZE)


def test_blur_and_adjoint_are_those_of_the_loops() -> None:
    x, a = picture(), inverse_loops.matrix(KERNEL, SIZE)
    np.testing.assert_allclose(inverse.blur(x, KERNEL), inverse_loops.blur(x, KERNEL), atol=1e-12)
    np.testing.assert_allclose(inverse.blur_adjoint(x, KERNEL), (a.T @ x.ravel()).reshape(SIZE), atol=1e-12)
    np.testing.assert_allclose(inverse.blur_matrix(KERNEL, SIZE), a, atol=1e-12)
    assert np.abs(inverse.blur_adjoint(x, KERNEL) - inverse.blur(x, KERNEL)).max() > 1e-2


def test_singular_values_are_the_response() -> None:
    values = np.linalg.svd(inverse_loops.matrix(KERNEL, SIZE), compute_uv=False)
    np.testing.assert_allclose(np.sort(np.abs(inverse.response(KERNEL, SIZE)).ravel())[::-1], values, atol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("balance", [1e-3, 0.3])
def test_wiener_solves_the_equation(balance: float) -> None:
    y = picture(1)
    np.testing.assert_allclose(inverse.wiener(y, KERNEL, balance), inverse_loops.wiener(y, KERNEL, balance), atol=1e-10)


@pytest.mark.parametrize("steps", [1, 3])
def test_richardson_lucy_steps_as_the_equation_says(steps: int) -> None:
    y = inverse.blur(picture(2), KERNEL)
    slow = inverse_loops.richardson_lucy(y, KERNEL, steps)
    np.testing.assert_allclose(inverse.richardson_lucy(y, KERNEL, steps), slow, atol=1e-6)
    assert np.abs(inverse.richardson_lucy(y, KERNEL[::-1, ::-1], steps) - slow).max() > 1e-3


def test_richardson_lucy_is_that_of_scikit_image_away_from_the_edges() -> None:
    from skimage.restoration import richardson_lucy

    y = inverse.blur(picture(4), KERNEL)
    whole = np.pad(y, 12, mode="wrap")
    theirs = richardson_lucy(whole, KERNEL[::-1, ::-1], num_iter=4, clip=False)[12:-12, 12:-12]
    np.testing.assert_allclose(inverse.richardson_lucy(y, KERNEL, 4), theirs, atol=1e-9)


def test_what_a_frequency_lost_the_adjoint_does_not_bring_back() -> None:
    x, k = picture(3)[:, :6], np.full((1, 3), 1 / 3)
    y = inverse.blur(x, k)
    assert np.abs(inverse.response(k, x.shape)).min() < 1e-12
    lost = inverse.lost_energy_back(inverse.blur_adjoint(y, k), x, k, 1e-6)
    assert lost < 1e-9
    assert inverse.lost_energy_back(inverse.wiener(y, k, 1e-9), x, k, 1e-6) < 1e-6
    assert inverse.lost_energy_back(x, x, k, 1e-6) == 1


def test_psnr_counts_decibels() -> None:
    x = picture()
    assert psnr(x + 0.01, x) == pytest.approx(40)
    assert psnr(x, x) == math.inf


def test_what_cannot_be_is_refused_in_words() -> None:
    with pytest.raises(GeometryError, match=r"got kernel shape \(8, 3\) and a picture of 6 x 7: take a smaller"):
        inverse.blur(picture(), np.ones((8, 3)))
    with pytest.raises(ValueError, match=r"above 0; got balance=0"):
        inverse.wiener(picture(), KERNEL, 0)
    with pytest.raises(ValueError, match=r"1 step or more; got steps=0"):
        inverse.richardson_lucy(picture(), KERNEL, 0)
