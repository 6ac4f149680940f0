"""Bicubic resizing against loops, its adjoint by the dot test, what it keeps, what it refuses."""

from __future__ import annotations

import numpy as np
import pytest
from reference import super_loops

from deconvviz.errors import GeometryError
from deconvviz.ops import LinearMap
from deconvviz.ops.resize import cubic, resize, resize_adjoint, resize_map, resize_matrix

RANDOM = np.random.default_rng(31)
SIZES = [((9, 14), (3, 7)), ((5, 7), (15, 28)), ((6, 4), (5, 9)), ((1, 3), (4, 1)), ((8, 5), (8, 5))]


@pytest.mark.sampled(check=5)
@pytest.mark.parametrize(("size", "wanted"), SIZES)
@pytest.mark.parametrize("antialias", [True, False])
def test_it_is_that_of_the_loops(size: tuple[int, int], wanted: tuple[int, int], antialias: bool) -> None:
    plane = RANDOM.standard_normal(size)
    expected = super_loops.resize(plane, *wanted, antialias)
    exact = resize_matrix(size[0], wanted[0], antialias) @ plane @ resize_matrix(size[1], wanted[1], antialias).T
    np.testing.assert_allclose(exact, expected, atol=1e-12)
    both = np.stack([plane, 2 * plane], axis=-1)[None]
    found = np.asarray(resize(both, wanted, antialias))
    assert found.shape == (1, *wanted, 2)
    np.testing.assert_allclose(found[0, :, :, 1], 2 * expected, atol=1e-5)


@pytest.mark.sampled(2)
@pytest.mark.slow
@pytest.mark.parametrize(("size", "wanted"), SIZES)
def test_the_adjoint_passes_the_dot_test_and_is_the_transpose(size: tuple[int, int], wanted: tuple[int, int]) -> None:
    there = resize_map((2, *size, 3), wanted)
    assert there.dot_test() < 1e-6
    np.testing.assert_allclose(there.transpose.dense(), there.dense().T, atol=1e-6)


def test_enlarging_again_is_not_the_adjoint() -> None:
    claim = LinearMap(lambda x: resize(x, (4, 5)), lambda y: resize(y, (8, 10)), (1, 8, 10, 1), (1, 4, 5, 1))
    assert claim.dot_test() > 0.01
    assert not np.allclose(resize_adjoint(np.ones((1, 4, 5, 1)), (8, 10)), 1)


def test_the_kernel_is_the_one_of_the_loops() -> None:
    at = np.linspace(-2.5, 2.5, 41)
    np.testing.assert_allclose(cubic(at), [super_loops.keys(x) for x in at], atol=1e-12)


def test_a_flat_picture_stays_flat_and_a_ramp_a_ramp() -> None:
    for cells, wanted in ((7, 3), (3, 11), (10, 10)):
        np.testing.assert_allclose(resize_matrix(cells, wanted).sum(axis=1), 1)
    ramp = resize_matrix(40, 80) @ np.arange(40.0)
    np.testing.assert_allclose(np.diff(ramp)[8:-8], 0.5, atol=1e-9)


def test_antialiasing_removes_what_the_small_picture_cannot_hold() -> None:
    stripes = np.tile([0.0, 1.0], 18)
    assert np.abs(resize_matrix(36, 12) @ stripes - 0.5)[2:-2].max() < 0.06
    assert np.ptp(resize_matrix(36, 12, antialias=False) @ stripes) > 0.9


@pytest.mark.parametrize("wrong", [(0, 3), (3, 0), (2.5, 3), (3, "x")])
def test_sizes_that_are_none_are_refused(wrong: tuple) -> None:
    with pytest.raises(GeometryError, match="from 1 or more cells to 1 or more"):
        resize_matrix(*wrong)
