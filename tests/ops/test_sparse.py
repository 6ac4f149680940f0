"""Sparse codes: the step against plain loops, the optimum where it is known, and what is refused."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from deconvviz.errors import GeometryError
from deconvviz.ops import ConvGeometry, LinearMap, conv_map
from deconvviz.ops.sparse import largest_gain, sparse_codes
from deconvviz.types import Array

KERNEL = np.random.default_rng(3).standard_normal((3, 3, 2, 4)).astype(np.float32)
STAMPS = conv_map(KERNEL, ConvGeometry(stride=2, padding=1), (6, 6)).transpose
PICTURE = np.random.default_rng(4).standard_normal((1, 6, 6, 2)).astype(np.float32)


def shrunk(value: float, threshold: float) -> float:
    """Towards zero, and no further."""
    return max(value - threshold, 0.0) if value > 0 else min(value + threshold, 0.0)


def slow(matrix: np.ndarray, y: np.ndarray, weight: float, gain: float, steps: int) -> np.ndarray:
    """ISTA number by number, with S as a matrix."""
    z = np.zeros(matrix.shape[1])
    for _ in range(steps):
        rest = [y[i] - sum(matrix[i, j] * z[j] for j in range(len(z))) for i in range(len(y))]
        back = [sum(matrix[i, j] * rest[i] for i in range(len(y))) for j in range(len(z))]
        z = np.array([shrunk(old + new / gain, weight / gain) for old, new in zip(z, back, strict=True)])
    return z


@pytest.mark.slow
def test_a_code_is_that_of_plain_loops() -> None:
    gain = largest_gain(STAMPS)
    (found,) = sparse_codes(STAMPS, PICTURE, 0.3, (4,))
    expected = slow(STAMPS.dense().astype(np.float64), PICTURE.ravel().astype(np.float64), 0.3, gain, 4)
    np.testing.assert_allclose(found.code.ravel(), expected, rtol=1e-4, atol=1e-5)
    rest = PICTURE.ravel() - STAMPS.dense() @ expected
    assert found.objective[-1] == pytest.approx((rest**2).sum() / 2 + 0.3 * np.abs(expected).sum(), rel=1e-5)
    assert found.residual[-1] == pytest.approx(np.linalg.norm(rest) / np.linalg.norm(PICTURE), rel=1e-5)
    assert found.nonzero[-1] == pytest.approx(np.mean(expected != 0))


def test_the_largest_gain_is_that_of_the_matrix() -> None:
    true = np.linalg.svd(STAMPS.dense(), compute_uv=False)[0] ** 2
    assert true <= largest_gain(STAMPS) <= 1.02 * true


def test_the_optimum_is_reached_where_it_obeys_its_conditions() -> None:
    """At the least objective the stamps answer the rest with the weight where the code is used, with less elsewhere."""
    code = sparse_codes(STAMPS, PICTURE, 0.5, (3000,))[-1].code.ravel()
    answers = STAMPS.dense().T @ (PICTURE.ravel() - STAMPS.dense() @ code)
    np.testing.assert_allclose(answers[code != 0], 0.5 * np.sign(code[code != 0]), atol=2e-3)
    assert np.abs(answers).max() <= 0.5 + 2e-3
    assert 0 < np.mean(code != 0) < 1


@pytest.mark.slow
def test_the_objective_never_rises_and_a_picture_it_cannot_pay_for_stays_empty() -> None:
    (found,) = sparse_codes(STAMPS, PICTURE, 0.1, (60,))
    assert np.all(np.diff(found.objective) <= 1e-5 * found.objective[0])
    dear = float(np.abs(np.asarray(STAMPS.transpose(PICTURE))).max()) * 1.01
    assert not sparse_codes(STAMPS, PICTURE, dear, (5,))[0].code.any()


def test_other_pictures_and_weights_need_no_other_program() -> None:
    traced: list[int] = []

    def forward(z: jax.Array) -> jax.Array:
        traced.append(len(traced))
        return STAMPS.forward(z)

    counted = LinearMap(forward, STAMPS.adjoint, STAMPS.input_shape, STAMPS.output_shape)
    first = sparse_codes(counted, PICTURE, 0.1, (2,))
    before = len(traced)
    second = sparse_codes(counted, 2 * PICTURE, 0.2, (2,))
    assert len(traced) == before
    np.testing.assert_allclose(second[0].code, 2 * first[0].code, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("y", "weight", "steps", "word"),
    [
        (PICTURE[:, :5], 0.1, (1,), r"\(1, 5, 6, 2\)"),
        (PICTURE, 0.0, (1,), "weight=0.0"),
        (PICTURE, float("nan"), (1,), "weight=nan"),
        (PICTURE, 0.1, (), r"got \(\)"),
        (PICTURE, 0.1, (0, 3), r"got \(0, 3\)"),
        (PICTURE, 0.1, (3, 3), r"got \(3, 3\)"),
    ],
)
def test_what_cannot_be_is_refused(y: Array, weight: float, steps: tuple[int, ...], word: str) -> None:
    with pytest.raises(GeometryError, match=word):
        sparse_codes(STAMPS, y, weight, steps)
