"""Ways to enlarge a map: against loops, adjoints by the dot test, evenness, and what is refused."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from reference import upsample_loops

from deconvviz.errors import GeometryError
from deconvviz.ops import LinearMap, conv, upsample

RANDOM = np.random.default_rng(11)


@pytest.mark.parametrize(("n", "kernel", "stride"), list(itertools.product((1, 2, 5), (1, 2, 3, 4, 7), (1, 2, 3))))
def test_counts_are_those_of_the_loops(n: int, kernel: int, stride: int) -> None:
    for padding in range(3):
        if (n - 1) * stride + kernel > 2 * padding:
            expected = upsample_loops.overlap_counts(n, kernel, stride, padding)
            assert upsample.overlap_counts(n, kernel, stride, padding).tolist() == expected


@pytest.mark.parametrize(("kernel", "stride"), list(itertools.product(range(1, 8), range(1, 5))))
def test_overlap_is_even_where_the_stride_divides_the_kernel(kernel: int, stride: int) -> None:
    inside = upsample.overlap_counts(12, kernel, stride)[kernel : 12 * stride - stride]
    assert (len(set(inside.tolist())) == 1) == upsample.is_even(kernel, stride) == (kernel % stride == 0)


def test_counts_are_the_layer_on_ones() -> None:
    y = upsample.transposed_conv(np.ones((1, 4, 5, 1)), np.ones((3, 4, 1, 1)), (2, 3), (1, 0))
    rows, columns = upsample.overlap_counts(4, 3, 2, 1), upsample.overlap_counts(5, 4, 3)
    np.testing.assert_array_equal(np.asarray(y)[0, :, :, 0], np.outer(rows, columns))


@pytest.mark.parametrize(("stride", "padding"), [((2, 3), (1, 0)), ((1, 1), (0, 2)), ((3, 2), (1, 1))])
def test_the_layer_is_that_of_the_loops(stride: tuple[int, int], padding: tuple[int, int]) -> None:
    x, w = RANDOM.standard_normal((2, 4, 5, 3)), RANDOM.standard_normal((3, 4, 2, 3))
    y = upsample.transposed_conv(x, w, stride, padding)
    np.testing.assert_allclose(y, upsample_loops.transposed_conv(x, w, stride, padding), atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("factor", [1, 2, 3])
def test_shuffles_and_resizes_are_those_of_the_loops(factor: int) -> None:
    x = RANDOM.standard_normal((2, 3, 4, 5 * factor**2)).astype(np.float32)
    y = np.asarray(upsample.pixel_shuffle(x, factor))
    np.testing.assert_array_equal(y, upsample_loops.pixel_shuffle(x, factor))
    np.testing.assert_array_equal(upsample.pixel_unshuffle(y, factor), x)
    resized = upsample.resize_nearest(x, factor)
    np.testing.assert_array_equal(resized, upsample_loops.resize_nearest(x, factor))


def test_unshuffling_is_the_adjoint_and_a_turned_one_is_not() -> None:
    def claim(adjoint):  # type: ignore[no-untyped-def]
        return LinearMap(lambda x: upsample.pixel_shuffle(x, 2), adjoint, (2, 3, 4, 8), (2, 6, 8, 2)).dot_test()

    assert claim(lambda y: upsample.pixel_unshuffle(y, 2)) < 1e-6
    assert claim(lambda y: upsample.pixel_unshuffle(y[:, ::-1], 2)) > 0.01


def test_the_icnr_start_is_an_enlargement_of_the_small_output() -> None:
    x, w = RANDOM.standard_normal((2, 5, 6, 3)), RANDOM.standard_normal((3, 2, 3, 4))
    shuffled = upsample.pixel_shuffle(conv(x, upsample.icnr(w, 3)), 3)
    np.testing.assert_allclose(shuffled, upsample_loops.resize_nearest(np.asarray(conv(x, w)), 3), atol=1e-5)
    other = upsample.pixel_shuffle(conv(x, RANDOM.standard_normal((3, 2, 3, 36))), 3)
    assert upsample.checkerboard_energy(other, 3) > 0.01


def test_resize_then_convolve_is_flat_on_ones_and_a_transposed_convolution_is_not() -> None:
    w = RANDOM.uniform(0.5, 1.5, (3, 3, 1, 1))
    inside = np.asarray(upsample.resize_conv(np.ones((1, 6, 7, 1)), w, 2))[:, 1:-1, 1:-1]
    assert upsample.checkerboard_energy(inside, 2) < 1e-12
    uneven = np.asarray(upsample.transposed_conv(np.ones((1, 6, 7, 1)), w, 2))[:, 2:-2, 2:-2]
    assert upsample.checkerboard_energy(uneven, 2) > 0.05


@pytest.mark.parametrize("period", [1, 2, 3])
def test_energy_is_that_of_the_waves(period: int) -> None:
    y = RANDOM.standard_normal((2, 7, 8, 2)).astype(np.float32)
    expected = upsample_loops.checkerboard_energy(y, period)
    assert upsample.checkerboard_energy(y, period) == pytest.approx(expected, abs=1e-12)
    assert (expected == 0) == (period == 1)


def test_a_pure_pattern_is_all_energy_and_nothing_is_none() -> None:
    board = np.indices((6, 8)).sum(0) % 2 * 2.0 - 1
    assert upsample.checkerboard_energy(board[None, :, :, None], 2) == pytest.approx(1)
    assert upsample.checkerboard_energy(np.zeros((1, 4, 4, 1)), 2) == 0


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: upsample.overlap_counts(0, 3, 2), r"n is a whole number, 1 or more; got n=0"),
        (lambda: upsample.overlap_counts(4, 2.5, 2), r"kernel is a whole number, 1 or more; got kernel=2.5"),
        (lambda: upsample.overlap_counts(1, 3, 2, 2), r"padding 2 cuts 4 cells off an output of 3: nothing is left"),
        (lambda: upsample.is_even(3, 0), r"stride is a whole number, 1 or more; got stride=0"),
        (
            lambda: upsample.transposed_conv(np.ones((1, 1, 2, 1)), np.ones((2, 2, 1, 1)), 1, 1),
            r"makes 0 x 1 of 1 x 2 cells with a kernel of 2 x 2: use less padding",
        ),
        (lambda: upsample.pixel_shuffle(np.ones((1, 2, 2, 6)), 2), r"6 channels do not make blocks of 2 x 2.*of 4"),
        (lambda: upsample.pixel_unshuffle(np.ones((1, 3, 4, 1)), 2), r"3 x 4 cells do not fall into blocks of 2 x 2"),
        (lambda: upsample.icnr(np.ones((3, 3, 1, 1)), 0), r"factor is a whole number, 1 or more; got factor=0"),
        (lambda: upsample.checkerboard_energy(np.ones((1, 2, 9, 1)), 3), r"a map of 2 x 9 is smaller than one period"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(call, said: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(GeometryError, match=said):
        call()


@pytest.mark.sampled(3)
@pytest.mark.slow
@pytest.mark.parametrize(
    ("taps", "stride", "padding"), [(3, 2, 1), (4, 2, 0), (5, 2, 2), (9, 3, 3), (9, 4, 3), (2, 3, 0), (1, 2, 3)]
)
def test_blocks_are_the_transposed_convolution(taps: int, stride: int, padding: int) -> None:
    rng = np.random.default_rng(taps)
    x, w = rng.normal(size=(2, 4, 5, 3)), rng.normal(size=(taps, taps + 1, 2, 3))
    whole = np.zeros((2, 80, 80, 2))
    loops = upsample_loops.transposed_conv(x, w, (stride, stride), (0, 0))
    whole[:, : loops.shape[1], : loops.shape[2]] = loops
    wanted = whole[:, padding : padding + 4 * stride, padding : padding + 5 * stride]
    np.testing.assert_allclose(upsample.transposed_conv_blocks(x, w, stride, padding), wanted, atol=1e-5)
