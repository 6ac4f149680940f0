"""Every refusal of a convolution says what happened, with the caller's numbers, and what to do."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from deconvviz.errors import DeconvvizError, GeometryError
from deconvviz.ops import ConvGeometry, conv, conv_adjoint, conv_map, conv_vjp

X = np.zeros((2, 6, 7, 4), np.float32)
W = np.zeros((3, 2, 4, 5), np.float32)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"stride": 0}, "stride is 1 or more along rows and columns; got stride=0"),
        ({"stride": (1, -2)}, "stride=(1, -2)"),
        ({"stride": 1.5}, "one whole number or a pair of them, (rows, columns); got stride=1.5"),
        ({"stride": True}, "stride=True"),
        ({"stride": (1, 2, 3)}, "stride=(1, 2, 3)"),
        ({"dilation": 0}, "dilation is 1 or more"),
        ({"padding": -1}, "0 or more; got padding=-1: to take some away, slice the input"),
        ({"padding": ((0, 1), (0, -1))}, "padding=((0, 1), (0, -1))"),
        ({"padding": ((0, 1), 2)}, "explicit ((top, bottom), (left, right))"),
        ({"padding": "SAMME"}, "'SAME' or 'VALID'; got padding='SAMME'"),
        ({"padding": None}, "got padding=None"),
        ({"groups": 0}, "groups is a whole number, 1 or more; got groups=0"),
        ({"groups": (1, 1)}, "groups=(1, 1)"),
    ],
)
def test_geometry_refuses(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(GeometryError) as error:
        ConvGeometry(**fields)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("x", "w", "geometry", "said"),
    [
        (X, np.zeros((7, 2, 4, 5)), ConvGeometry(), "kernel of 7 rows does not fit the input of 6 rows"),
        (X, W, ConvGeometry(dilation=(1, 9)), "2 columns, spread over 10 by its dilation,"),
        (X, W, ConvGeometry(dilation=(1, 9)), "pad by 3 more or take a smaller kernel"),
        (X, W[:, :, :3], ConvGeometry(), "takes 3 channels in each of 1 groups, 3 in all, but x has 4"),
        (X, W[:, :, :2], ConvGeometry(groups=2), "5 channels out do not fall evenly into 2 groups"),
        (X[0], W, ConvGeometry(), "x has four axes (batch, height, width, channels); got shape (6, 7, 4)"),
        (X[0], W, ConvGeometry(), "for one image use x[None]"),
        (X, W[0], ConvGeometry(), "w has four axes (height, width, channels in per group, channels out)"),
        (X[:0], W, ConvGeometry(), "x has an empty axis"),
        (X.astype(np.complex64), W, ConvGeometry(), "x holds real numbers; got dtype complex64"),
    ],
)
def test_conv_refuses(x: np.ndarray, w: np.ndarray, geometry: ConvGeometry, said: str) -> None:
    with pytest.raises(GeometryError) as error:
        conv(x, w, geometry)
    assert said in str(error.value)


@pytest.mark.parametrize("road", [conv_adjoint, conv_vjp])
@pytest.mark.parametrize(
    ("shape", "size", "said"),
    [
        ((2, 4, 5, 5), (6, 7), "g has shape (2, 4, 5, 5), but the output of this convolution on an input of 6 x 7"),
        ((2, 4, 5, 5), (6, 7), "has shape (2, 4, 6, 5)"),
        ((2, 4, 6, 3), (6, 7), "has shape (2, 4, 6, 5)"),
        ((4, 6, 5), (6, 7), "use g[None]"),
        ((2, 4, 6, 5), (2, 7), "kernel of 3 rows does not fit the input of 2 rows"),
        ((2, 4, 6, 5), (6, 7, 4), "input_size=(6, 7, 4)"),
        ((2, 4, 6, 5), 0, "input_size is 1 or more"),
    ],
)
def test_adjoints_refuse(road: Any, shape: tuple[int, ...], size: Any, said: str) -> None:
    with pytest.raises(GeometryError) as error:
        road(np.zeros(shape, np.float32), W, ConvGeometry(), size)
    assert said in str(error.value)


def test_adjoint_refuses_uneven_groups() -> None:
    with pytest.raises(GeometryError, match=r"5 channels out do not fall evenly into 2 groups"):
        conv_adjoint(np.zeros((2, 4, 6, 5)), W, ConvGeometry(groups=2), (6, 7))


def test_dense_refuses_what_does_not_fit_in_memory() -> None:
    with pytest.raises(GeometryError, match=r"would have 62500 x 62500 = 3906250000 entries, more than 4000000"):
        conv_map(jnp.zeros((1, 1, 1, 1)), ConvGeometry(), 250).dense()


def test_geometry_errors_have_the_root() -> None:
    assert issubclass(GeometryError, DeconvvizError)
