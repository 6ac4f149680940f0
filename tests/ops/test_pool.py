"""Pooling, switches and both ways back, against the loops and against the derivative that XLA itself knows."""

from __future__ import annotations

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jax import lax
from op_cases import DEEP, GAPS, OVERLAP, QUICK, TOLERANCE, PoolCase, pool_cases, relative_error
from reference import pool_loops

from deconvviz.ops import (
    avg_pool,
    avg_pool_adjoint,
    avg_pool_map,
    ceil_padding,
    max_pool,
    max_pool_map,
    max_unpool,
    take_switches,
)


def max_pooling_equals_loops(case: PoolCase, dtype: type, tied: bool) -> None:
    """Values, switches, unpooling, own derivative: all the same as the loops."""
    x, g = case.arrays(dtype, tied)
    with jax.enable_x64(True):
        y, switches, back, own = jax.jit(lambda x, g: _max_both_ways(case, x, g))(x, g)
    assert y.dtype == back.dtype == own.dtype == dtype
    assert switches.dtype == jnp.int32
    loops_y, loops_switches = pool_loops.max_pool(x, case.window, case.stride, case.pads)
    np.testing.assert_array_equal(y, loops_y)
    np.testing.assert_array_equal(switches, loops_switches)
    tolerance = TOLERANCE[np.dtype(dtype)]
    assert relative_error(back, pool_loops.max_unpool(g, loops_switches, case.size)) < tolerance
    assert relative_error(own, back) < tolerance


def max_pooling_equals_lax(case: PoolCase, dtype: type, tied: bool) -> None:
    """Values and unpooling are `lax.reduce_window` and its vjp."""
    x, g = case.arrays(dtype, tied)
    with jax.enable_x64(True):
        lax_y, (lax_back,) = jax.jit(lambda x, g: _lax_max_pool(case, x, g))(x, g)
        y, switches = max_pool(x, case.window, case.stride, case.pads)
        back = max_unpool(g, switches, case.size)
    np.testing.assert_array_equal(y, lax_y)
    assert relative_error(back, lax_back) < TOLERANCE[np.dtype(dtype)]


def _max_both_ways(case: PoolCase, x: jax.Array, g: jax.Array) -> tuple[jax.Array, ...]:
    (y, switches), pull = jax.vjp(lambda x: max_pool(x, case.window, case.stride, case.pads), x)
    return y, switches, max_unpool(g, switches, case.size), *pull((g, np.zeros(g.shape, jax.dtypes.float0)))


def _lax_max_pool(case: PoolCase, x: jax.Array, g: jax.Array) -> tuple[jax.Array, tuple[jax.Array]]:
    """Max pooling as Flax writes it, and its derivative."""
    windows, strides, pads = (1, *case.window, 1), (1, *case.stride, 1), ((0, 0), *case.pads, (0, 0))
    y, pull = jax.vjp(lambda x: lax.reduce_window(x, -np.inf, lax.max, windows, strides, pads), x)
    return y, pull(g)


@pytest.mark.slow
@settings(QUICK, max_examples=4)
@example(OVERLAP)
@example(GAPS)
@given(pool_cases())
def test_max_pooling_equals_loops(case: PoolCase) -> None:
    max_pooling_equals_loops(case, np.float64, tied=False)
    max_pooling_equals_loops(case, np.float32, tied=True)


@pytest.mark.sampled(check=2)
@pytest.mark.parametrize("tied", [True, False], ids=["tied", "distinct"])
@pytest.mark.parametrize(("case", "dtype"), [(OVERLAP, np.float64), (GAPS, np.float32)], ids=["overlap", "gaps"])
def test_max_pooling_equals_lax(case: PoolCase, dtype: type, tied: bool) -> None:
    max_pooling_equals_lax(case, dtype, tied)


@pytest.mark.deep
@pytest.mark.timeout(900)
@settings(DEEP, max_examples=30)
@given(pool_cases(), st.sampled_from([np.float32, np.float64]), st.booleans())
def test_max_pooling_deep(case: PoolCase, dtype: type, tied: bool) -> None:
    max_pooling_equals_loops(case, dtype, tied)
    max_pooling_equals_lax(case, dtype, tied)


def average_pooling_equals_loops_and_vjp(case: PoolCase, dtype: type, include: bool) -> None:
    """Mean and its adjoint equal the loops, and the adjoint the derivative."""
    x, g = case.arrays(dtype, tied=False)
    how = (case.window, case.stride, case.pads)
    with jax.enable_x64(True):
        y, back, derived = jax.jit(lambda x, g: _mean_both_ways(case, x, g, include))(x, g)
    assert y.dtype == back.dtype == dtype
    tolerance = TOLERANCE[np.dtype(dtype)]
    assert relative_error(y, pool_loops.avg_pool(x, *how, include)) < tolerance
    assert relative_error(back, pool_loops.avg_pool_adjoint(g, *how, include, case.size)) < tolerance
    assert relative_error(back, derived) < tolerance


def _mean_both_ways(case: PoolCase, x: jax.Array, g: jax.Array, include: bool) -> tuple[jax.Array, ...]:
    how = (case.window, case.stride, case.pads)
    y, pull = jax.vjp(lambda x: avg_pool(x, *how, include), x)
    return y, avg_pool_adjoint(g, *how, input_size=case.size, count_include_pad=include), *pull(g)


@pytest.mark.slow
@settings(QUICK, max_examples=4)
@example(OVERLAP)
@example(GAPS)
@given(pool_cases())
def test_average_pooling_equals_loops_and_vjp(case: PoolCase) -> None:
    average_pooling_equals_loops_and_vjp(case, np.float32, include=True)
    average_pooling_equals_loops_and_vjp(case, np.float64, include=False)


@pytest.mark.deep
@pytest.mark.timeout(900)
@settings(DEEP, max_examples=30)
@given(pool_cases())
def test_average_pooling_equals_loops_and_vjp_deep(case: PoolCase) -> None:
    average_pooling_equals_loops_and_vjp(case, np.float32, include=True)
    average_pooling_equals_loops_and_vjp(case, np.float64, include=False)


@pytest.mark.sampled(1)
@pytest.mark.slow
@pytest.mark.parametrize("case", [OVERLAP, GAPS], ids=["overlap", "gaps"])
def test_pooling_maps_pass_the_dot_test_and_transpose(case: PoolCase) -> None:
    x, _ = case.arrays(np.float32, tied=True)
    _, switches = max_pool(x, case.window, case.stride, case.pads)
    maps = [max_pool_map(switches, case.size)]
    maps += [avg_pool_map(case.shape, case.window, case.stride, case.pads, include) for include in (True, False)]
    for linear in maps:
        assert max(linear.dot_test(seed) for seed in range(5)) < 1e-6
        assert relative_error(linear.transpose.dense(), linear.dense().T) < 1e-6
    rows = maps[0].dense().sum(axis=1)
    np.testing.assert_array_equal(rows, np.ones_like(rows))


@pytest.mark.slow
def test_ties_go_to_the_first_cell_and_padding_never_wins() -> None:
    x = np.zeros((1, 3, 4, 1), np.float32)
    _, switches = max_pool(x, 2, 1)
    assert switches[0, :, :, 0].tolist() == [[0, 1, 2], [4, 5, 6]]
    y, switches = max_pool(np.full_like(x, -np.inf), 3, 2, 1)
    assert switches[0, :, :, 0].tolist() == [[0, 1], [4, 5]]
    assert np.isneginf(y).all()
    y, _ = max_pool(x - 5, 3, 2, ((1, 1), (2, 1)))
    assert (np.asarray(y) == -5).all()


def test_a_switch_reads_row_times_width_plus_column_in_each_plane() -> None:
    x = np.zeros((2, 3, 5, 2), np.float32)
    x[0, 2, 1, 0] = x[1, 0, 4, 1] = x[0, 1, 3, 1] = 1
    _, switches = max_pool(x, (3, 5))
    assert switches.reshape(2, 2).tolist() == [[11, 8], [0, 4]]


def test_nan_wins_the_first_of_several() -> None:
    x = np.array([[0.0, np.nan, 9.0], [np.nan, np.inf, 1.0]], np.float32).reshape(1, 2, 3, 1)
    y, switches = max_pool(x, (2, 3))
    assert np.isnan(y.item())
    assert switches.item() == 1


@pytest.mark.slow
def test_unpooling_adds_where_windows_share_their_maximum() -> None:
    x = np.zeros((1, 3, 3, 1), np.float32)
    x[0, 1, 1, 0] = 1
    y, switches = max_pool(x, 2, 1)
    assert (np.asarray(switches) == 4).all()
    back = max_unpool(np.array([[1.0, 2.0], [4.0, 8.0]], np.float32).reshape(1, 2, 2, 1), switches, 3)
    assert back[0, 1, 1, 0] == 15
    assert float(back.sum()) == 15
    np.testing.assert_array_equal(take_switches(x, switches), y)


@pytest.mark.slow
def test_pooling_under_jit_vmap_and_jvp() -> None:
    x, g = OVERLAP.arrays(np.float32, tied=False)
    how = (OVERLAP.window, OVERLAP.stride, OVERLAP.pads)
    y, switches = max_pool(x, *how)
    jit_y, jit_switches = jax.jit(lambda x: max_pool(x, *how))(x)
    np.testing.assert_array_equal(jit_y, y)
    np.testing.assert_array_equal(jit_switches, switches)
    back = jax.jit(jax.vmap(lambda g: max_unpool(g, switches, OVERLAP.size)))(np.stack([g, 2 * g]))
    np.testing.assert_array_equal(back[1], 2 * max_unpool(g, switches, OVERLAP.size))
    many = jax.vmap(lambda x: max_pool(x, *how)[1])(np.stack([x, -x]))
    np.testing.assert_array_equal(many[1], max_pool(-x, *how)[1])
    _, tangent = jax.jvp(lambda x: max_pool(x, *how)[0], (x,), (3 * x,))
    np.testing.assert_array_equal(tangent, 3 * np.asarray(y))


@pytest.mark.slow
def test_bfloat16_and_whole_numbers() -> None:
    x = np.arange(24).reshape(1, 4, 6, 1)
    y, switches = max_pool(jnp.asarray(x, jnp.bfloat16), 2)
    assert y.dtype == jnp.bfloat16
    assert switches[0, :, :, 0].tolist() == [[7, 9, 11], [19, 21, 23]]
    assert max_pool(x, 2)[0].dtype == jnp.float32
    assert avg_pool(x, 2)[0, 0, 0, 0] == 3.5


def test_ceil_mode_is_explicit_padding() -> None:
    """For all small axes the padded pooling has as many windows as counting them one by one in ceil mode."""
    seen = grown = 0
    for n, k, s in itertools.product(range(1, 13), range(1, 6), range(1, 5)):
        for lo, hi in itertools.product(range((k + 1) // 2), repeat=2):
            if n + lo + hi < k:
                continue
            pads, columns = ceil_padding((n, 1), (k, 1), (s, 1), ((lo, hi), (0, 0)))
            assert columns == (0, 0)
            assert pads[0] == lo
            assert pads[1] >= hi
            windows = pool_loops.output_size((n, 1), (k, 1), (s, 1), (pads, columns))
            assert windows == (pool_loops.ceil_output(n, k, s, lo, hi), 1)
            grown += pads[1] > hi
            seen += 1
    assert seen > 600
    assert grown > 200


@pytest.mark.slow
def test_ceil_mode_pools_the_last_odd_row() -> None:
    x = np.arange(35.0, dtype=np.float32).reshape(1, 5, 7, 1)
    pads = ceil_padding((5, 7), 2)
    assert pads == ((0, 1), (0, 1))
    assert max_pool(x, 2)[0].shape == (1, 2, 3, 1)
    assert max_pool(x, 2, padding=pads)[0][0, :, :, 0].tolist() == [[8, 10, 12, 13], [22, 24, 26, 27], [29, 31, 33, 34]]
    assert avg_pool(x, 2, padding=pads, count_include_pad=False)[0, 2, 3, 0] == 34
