"""Answers of a decoder that are refined: the formula by hand, what its weight does, and what is refused."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import deconvviz as dv
from deconvviz.data import samples
from deconvviz.errors import DeconvvizError, NetworkError
from deconvviz.methods.refinement import Refinement, refine


def linear(matrix: np.ndarray) -> dv.Network:
    return dv.Network(
        lambda x: {"code": (x.reshape(len(x), -1) - 0.5) @ matrix}["code"], input_spec=dv.InputSpec(size=(4, 4))
    )


def test_the_end_is_the_minimum_that_algebra_gives() -> None:
    """Of a linear layer the minimum solves ``(M M' / |a|^2 + (w / n) I) (x - x0) = M (a - M' x0) / |a|^2``."""
    random = np.random.default_rng(2)
    matrix = random.normal(size=(48, 10)).astype(np.float32)
    net = linear(matrix)
    first, truth = (0.5 + 0.05 * random.standard_normal((4, 4, 3)).astype(np.float32) for _ in range(2))
    name = net.layers[-1].name
    values = np.asarray(net.run(dv.model_input(net, truth)))
    refined = refine(net, values, name, first, Refinement(steps=3000, rate=0.01, near=2.0))
    scale, x0 = 1 / float(np.square(values).sum()), first.ravel().astype(np.float64)
    left = scale * matrix @ matrix.T + 2.0 / x0.size * np.eye(x0.size)
    wanted = x0 + np.linalg.solve(left, scale * matrix @ (values[0] - (x0 - 0.5) @ matrix))
    assert ((wanted > 0) & (wanted < 1)).all(), "the box does not count here"
    assert refined.ravel() == pytest.approx(wanted, abs=2e-3)
    assert np.abs(wanted - x0).max() > 0.02, "or the test could not fail"


@pytest.mark.slow
def test_a_larger_weight_stays_nearer_and_a_smaller_one_fits_better() -> None:
    net, cat = dv.load("caltech"), samples.load("cat")
    first = dv.invert(net, cat, "relu5", method="learned")
    fits, moved = [], []
    for near in (10.0, 100.0, 1000.0):
        result = dv.invert(net, cat, "relu5", method="refined", near=near)
        assert (result.method, result.step, result.steps) == ("refined", 160, 160)
        fits.append(result.feature_error)
        moved.append(float(np.square(result.image - first.image).mean()))
    assert fits == sorted(fits)
    assert moved == sorted(moved, reverse=True)
    assert fits[-1] < first.feature_error


def test_what_makes_no_sense_is_refused() -> None:
    net = dv.load("caltech")
    black = np.zeros((128, 128, 3), np.float32)
    values = np.zeros((1, 8, 8, 160), np.float32)
    with pytest.raises(DeconvvizError, match="zero everywhere"):
        refine(net, values, "relu5", black)
    with pytest.raises(DeconvvizError, match="near is a number from 0 up; got near=nan"):
        dv.invert(net, black, "relu5", method="refined", near=float("nan"))
    with pytest.raises(DeconvvizError, match="steps is a whole number from 1 up; got steps=0"):
        dv.invert(net, black, "relu5", method="refined", steps=0)
    with pytest.raises(DeconvvizError, match=r"has no option 'tv'.* takes weights, steps, rate, near alone"):
        dv.invert(net, black, "relu5", method="refined", tv=0.1)
    with pytest.raises(NetworkError, match="no learned inverter"):
        dv.invert(net, samples.load("cat"), "conv5", method="refined")
    other = dv.Network(lambda x: jax.nn.relu(x * jnp.float32(2) - 1), input_spec=dv.InputSpec(size=(8, 8)))
    with pytest.raises(NetworkError, match="cannot invert"):
        dv.invert(other, samples.load("cat"), "relu1", method="refined")
