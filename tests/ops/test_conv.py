"""Convolution and both computations of its adjoint, against the loops and against each other."""

from __future__ import annotations

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import example, given, settings
from op_cases import BEYOND, DEEP, MIXED, ODD_SAME, QUICK, TOLERANCE, ConvCase, conv_cases, relative_error
from reference import conv_loops

from deconvviz.ops import ConvGeometry, conv, conv_adjoint, conv_map, conv_vjp


def both_roads_are_the_adjoint(case: ConvCase) -> None:
    """Forward and both adjoints equal the loops, and each other, in float32 and float64."""
    for dtype in (np.float32, np.float64):
        x, w, g = case.arrays(dtype)
        with jax.enable_x64(True):
            z, explicit, derived = jax.jit(lambda x, w, g: _all_three(case, x, w, g))(x, w, g)
        assert z.dtype == explicit.dtype == derived.dtype == dtype
        tolerance = TOLERANCE[np.dtype(dtype)]
        assert relative_error(explicit, derived) < tolerance
        assert relative_error(z, conv_loops.conv(x, w, *case.loops)) < tolerance
        assert relative_error(explicit, conv_loops.conv_adjoint(g, w, *case.loops, case.size)) < tolerance


def _all_three(case: ConvCase, x: jax.Array, w: jax.Array, g: jax.Array) -> tuple[jax.Array, ...]:
    z = conv(x, w, case.geometry)
    return z, conv_adjoint(g, w, case.geometry, case.size), conv_vjp(g, w, case.geometry, case.size)


@pytest.mark.slow
@QUICK
@example(BEYOND)
@example(MIXED)
@example(ODD_SAME)
@given(conv_cases())
def test_both_roads_are_the_adjoint(case: ConvCase) -> None:
    both_roads_are_the_adjoint(case)


@pytest.mark.deep
@pytest.mark.timeout(900)
@DEEP
@given(conv_cases())
def test_both_roads_are_the_adjoint_deep(case: ConvCase) -> None:
    both_roads_are_the_adjoint(case)


@pytest.mark.slow
def test_the_formula_of_the_adjoint_padding_reaches_every_cell() -> None:
    """Over all axes of a grid: counting by loops gives the output size, the lost rows and so the adjoint's padding."""
    seen = 0
    for n, k, s, d in itertools.product(range(1, 21), range(1, 8), range(1, 5), range(1, 4)):
        ke = (k - 1) * d + 1
        for lo, hi in itertools.product((0, 1, ke - 1, ke + 2), (0, 2, ke)):
            windows = conv_loops.count(n + lo + hi, k, s, d)
            if windows == 0:
                continue
            geometry = ConvGeometry((s, 1), ((lo, hi), (0, 0)), (d, 1))
            assert geometry.output_size((n, 1), (k, 1)) == (windows, 1)
            (low, high), columns = geometry.adjoint_pads((n, 1), (k, 1))
            assert columns == (0, 0)
            assert (windows - 1) * s + 1 + low + high - ke + 1 == n
            assert low == ke - 1 - lo
            seen += 1
    assert seen > 15_000


def test_same_and_valid_are_those_of_lax() -> None:
    x = np.zeros((1, 9, 14, 2), np.float32)
    for kernel, stride, dilation in itertools.product(((3, 4), (1, 6)), ((1, 1), (2, 3), (4, 5)), ((1, 1), (2, 1))):
        w = np.zeros((*kernel, 2, 3), np.float32)
        for word in ("SAME", "valid"):
            expected = jax.eval_shape(
                lambda x, w, stride=stride, dilation=dilation, word=word: jax.lax.conv_general_dilated(
                    x, w, stride, word.upper(), rhs_dilation=dilation, dimension_numbers=("NHWC", "HWIO", "NHWC")
                ),
                x,
                w,
            ).shape
            geometry = ConvGeometry(stride, word, dilation)
            assert (1, *geometry.output_size((9, 14), kernel), 3) == expected
            if word == "SAME":
                loops = map(conv_loops.same_pads, (9, 14), kernel, stride, dilation)
                assert geometry.resolve((9, 14), kernel) == tuple(loops)


@pytest.mark.slow
@pytest.mark.parametrize("case", [BEYOND, MIXED, ODD_SAME], ids=["beyond", "mixed", "same"])
def test_the_dense_matrix_transposes_into_the_adjoint(case: ConvCase) -> None:
    _, w, _ = case.arrays(np.float32)
    for road in (conv_adjoint, conv_vjp):
        linear = conv_map(w, case.geometry, case.size, adjoint=road)
        matrix = linear.dense()
        assert matrix.shape == (np.prod(linear.output_shape), np.prod(linear.input_shape))
        assert relative_error(linear.transpose.dense(), matrix.T) < 1e-6
        x = np.random.default_rng(3).standard_normal(linear.input_shape).astype(np.float32)
        z = conv_loops.conv(x, w, *case.loops)
        assert relative_error(matrix @ x.ravel(), z.ravel()) < 1e-5


@pytest.mark.slow
@settings(QUICK, max_examples=4)
@given(conv_cases())
def test_dot_test_of_both_roads(case: ConvCase) -> None:
    _, w, _ = case.arrays(np.float32)
    for road in (conv_adjoint, conv_vjp):
        assert conv_map(w, case.geometry, case.size, case.batch, road).dot_test(case.seed) < 1e-6


def test_derivative_of_conv_itself_is_safe_beyond_the_kernel() -> None:
    """Also who differentiates `conv` without asking this package gets numbers, for input and kernel."""
    x, w, g = BEYOND.arrays(np.float32)
    _, pull = jax.vjp(lambda x, w: conv(x, w, BEYOND.geometry), x, w)
    dx, dw = pull(jnp.asarray(g))
    assert relative_error(dx, conv_loops.conv_adjoint(g, w, *BEYOND.loops, BEYOND.size)) < 1e-5
    expected = np.zeros(w.shape)
    for place in np.ndindex(*w.shape):
        unit = np.zeros(w.shape)
        unit[place] = 1
        expected[place] = (conv_loops.conv(x, unit, *BEYOND.loops) * g).sum()
    assert relative_error(dw, expected) < 1e-5


@pytest.mark.slow
def test_vmap_and_jit_over_kernels_and_signals() -> None:
    x, w, g = MIXED.arrays(np.float32)
    many = np.stack([g, 2 * g, -g])
    back = jax.jit(jax.vmap(lambda g: conv_adjoint(g, w, MIXED.geometry, MIXED.size)))(many)
    one = conv_adjoint(g, w, MIXED.geometry, MIXED.size)
    assert relative_error(back[1], 2 * np.asarray(one)) < 1e-6
    kernels = np.stack([w, 3 * w])
    up = jax.vmap(lambda w: conv(x, w, MIXED.geometry))(kernels)
    assert relative_error(up[1], 3 * np.asarray(conv(x, w, MIXED.geometry))) < 1e-6


def test_depthwise_and_whole_numbers() -> None:
    """As many groups as channels; integer arrays become floating ones."""
    random = np.random.default_rng(4)
    x, w = random.integers(-4, 5, (1, 6, 7, 5)), random.integers(-4, 5, (3, 2, 1, 5))
    geometry = ConvGeometry(2, (1, 0), groups=5)
    loops = ((2, 2), ((1, 1), (0, 0)), (1, 1), 5)
    z = conv(x, w, geometry)
    assert z.dtype == jnp.float32
    np.testing.assert_array_equal(z, conv_loops.conv(x, w, *loops))
    back = conv_adjoint(z, w, geometry, (6, 7))
    np.testing.assert_array_equal(back, conv_loops.conv_adjoint(np.asarray(z), w, *loops, (6, 7)))


def test_bfloat16_keeps_its_type() -> None:
    x, w, g = MIXED.arrays(np.float32)
    x, w, g = (jnp.asarray(a, jnp.bfloat16) for a in (x, w, g))
    explicit = conv_adjoint(g, w, MIXED.geometry, MIXED.size)
    assert conv(x, w, MIXED.geometry).dtype == explicit.dtype == jnp.bfloat16
    exact = conv_loops.conv_adjoint(np.asarray(g, float), np.asarray(w, float), *MIXED.loops, MIXED.size)
    assert relative_error(explicit, exact) < 2e-2


def test_precision_is_stated_on_every_road() -> None:
    """Else float32 would be rounded to TF32 on recent GPUs."""
    x, w, g = MIXED.arrays(np.float32)
    text = str(jax.make_jaxpr(lambda x, w, g: _all_three(MIXED, x, w, g))(x, w, g))
    assert text.count("= conv_general_dilated[") == text.count("precision=(Precision.HIGHEST, Precision.HIGHEST)") >= 3


@pytest.mark.slow
def test_geometry_is_a_value() -> None:
    same = ConvGeometry([2, 2], np.array([[1, 1], [0, 0]]), np.int64(1), 1)  # type: ignore[arg-type]
    assert same == ConvGeometry(2, (1, 0))
    assert hash(same) == hash(ConvGeometry(2, (1, 0)))
    assert ConvGeometry(padding="Same") == ConvGeometry(padding="SAME") != ConvGeometry(padding="VALID")
    assert ConvGeometry(padding=(1, 2)).resolve((5, 5), 3) == ((1, 1), (2, 2))
    assert ConvGeometry(padding=((0, 1), (2, 3))).resolve(5, (3, 3)) == ((0, 1), (2, 3))
