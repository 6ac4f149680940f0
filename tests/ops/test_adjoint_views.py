"""The three views of the adjoint: each is it, for every geometry, and each by code of its own."""

from __future__ import annotations

from dataclasses import replace

import jax
import numpy as np
import pytest
from hypothesis import example, given
from op_cases import BEYOND, MIXED, ODD_SAME, QUICK, TOLERANCE, ConvCase, conv_cases, relative_error
from reference import conv_loops

from deconvviz.errors import GeometryError
from deconvviz.ops import ConvGeometry, LinearMap, conv
from deconvviz.ops.adjoint_views import (
    insert_zeros,
    insertion_adjoint,
    matrix_adjoint,
    pad_or_crop,
    stamp_adjoint,
    turn,
)

VIEWS = [stamp_adjoint, insertion_adjoint, matrix_adjoint]
every_view = pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.__name__)


@pytest.mark.slow
@QUICK
@example(BEYOND)
@example(MIXED)
@example(ODD_SAME)
@given(conv_cases())
def test_all_views_are_the_loops(case: ConvCase) -> None:
    _, w, g = case.arrays(np.float32)
    expected = conv_loops.conv_adjoint(g, w, *case.loops, case.size)
    for view in VIEWS:
        got = view(g, w, case.geometry, case.size)
        assert relative_error(np.asarray(got), expected) < TOLERANCE[np.dtype(np.float32)], view.__name__


@every_view
def test_a_view_passes_the_dot_test(view) -> None:
    geometry, size = ConvGeometry((3, 2), ((1, 0), (2, 1)), (1, 2), 2), (11, 9)
    w = np.random.default_rng(0).standard_normal((4, 3, 3, 6)).astype(np.float32)
    forward = jax.eval_shape(lambda x: conv(x, w, geometry), jax.ShapeDtypeStruct((2, *size, 6), np.float32))
    a = LinearMap(lambda x: conv(x, w, geometry), lambda g: view(g, w, geometry, size), (2, *size, 6), forward.shape)
    assert a.dot_test() < 1e-6
    assert replace(a, adjoint=lambda g: view(g, w[::-1], geometry, size)).dot_test() > 1e-3


@every_view
def test_a_signal_of_another_size_is_refused(view) -> None:
    with pytest.raises(GeometryError, match=r"g has shape \(1, 4, 5, 1\).*output of this convolution"):
        view(np.ones((1, 4, 5, 1)), np.ones((2, 3, 1, 1)), ConvGeometry(), (6, 7))


def test_zeros_stand_between_the_cells_only() -> None:
    g = np.arange(1.0, 7).reshape(1, 2, 3, 1)
    spread = np.asarray(insert_zeros(g, (3, 2)))[0, :, :, 0]
    assert spread.tolist() == [[1, 0, 2, 0, 3], [0] * 5, [0] * 5, [4, 0, 5, 0, 6]]


def test_padding_comes_before_cropping() -> None:
    x = np.array([[[[5.0]]]])
    assert np.asarray(pad_or_crop(x, ((-2, 4), (1, -1)))).ravel().tolist() == [0, 0, 0]


@pytest.mark.slow
def test_a_kernel_is_turned_and_its_channels_swapped() -> None:
    w = np.random.default_rng(1).standard_normal((2, 3, 4, 5))
    v = np.asarray(turn(w))
    assert v.shape == (2, 3, 5, 4)
    np.testing.assert_allclose(v[0, 2, 3, 1], w[1, 0, 1, 3], rtol=1e-6)
