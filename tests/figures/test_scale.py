"""Colours of signed maps: zero neutral, symmetric, one limit, flat maps flat, readable with every colour vision."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from reference import colour_loops

from deconvviz.errors import DeconvvizError
from deconvviz.figures import scale

VISIONS = ["normal", *colour_loops.MACHADO]
finite = st.floats(-1e6, 1e6, width=32)
planes = hnp.arrays(np.float32, st.tuples(st.integers(1, 5), st.integers(1, 7)), elements=finite)


@pytest.mark.slow
@given(st.lists(planes, min_size=1, max_size=4))
def test_the_limit_is_the_largest_magnitude_of_all(maps):
    expected = 0.0
    for plane in maps:
        for value in plane.ravel().tolist():
            expected = max(expected, abs(value))
    assert scale.signed_limit(maps) == expected


def test_a_percentile_counts_magnitudes_above_zero_over_all_maps():
    sparse = np.zeros((50, 40))
    sparse[3, :10] = -np.arange(1, 11)
    assert scale.signed_limit([sparse, np.zeros(7)], percentile=100) == 10
    assert scale.signed_limit([sparse], percentile=50) == 5.5
    assert scale.signed_limit([sparse, np.full((5, 2), 20.0)], percentile=75) == 20
    assert scale.signed_limit([np.zeros((2, 3))], percentile=99) == 0


def test_no_map_and_dead_maps_have_the_limit_zero():
    assert scale.signed_limit([]) == 0
    assert scale.signed_limit([], percentile=50) == 0
    assert scale.signed_limit([np.zeros((2, 3)), np.zeros((4, 1, 3))]) == 0


def test_one_array_is_one_map():
    assert scale.signed_limit(np.array([[1.0, -4.0]])) == 4
    assert scale.signed_limit(np.float32(-2.0)) == 2


@pytest.mark.slow
@given(planes, st.floats(1e-3, 1e6))
def test_signs_choose_the_side_and_zero_the_neutral_middle(plane, limit):
    drawn = scale.diverging_rgb(plane, limit).astype(int)
    mirrored = scale.diverging_rgb(-plane, limit).astype(int)
    lut = scale.diverging_lut().astype(int)
    assert drawn.shape == (*plane.shape, 3)
    assert (drawn[plane == 0] == lut[127]).all()
    red, blue = drawn[..., 0], drawn[..., 2]
    assert (red[plane > limit / 100] > blue[plane > limit / 100]).all()
    assert (red[plane < -limit / 100] < blue[plane < -limit / 100]).all()
    order = {tuple(colour): index for index, colour in enumerate(lut.tolist())}
    indices, flipped = ([order[tuple(c)] for c in d.reshape(-1, 3).tolist()] for d in (drawn, mirrored))
    assert [i + j for i, j in zip(indices, flipped, strict=True)] == [254] * plane.size


def test_the_middle_colour_is_grey_and_the_ends_are_blue_and_red():
    lut = scale.diverging_lut()
    assert lut.shape == (255, 3)
    assert len(set(lut[127].tolist())) == 1
    assert lut[0].tolist() == [5, 48, 97]
    assert lut[254].tolist() == [103, 0, 31]
    assert len({tuple(c) for c in lut.tolist()}) == 255


@given(planes)
def test_beyond_the_limit_the_end_colour_stays(plane):
    limit = 1.5
    clipped = np.clip(plane, -limit, limit)
    assert np.array_equal(scale.diverging_rgb(plane, limit), scale.diverging_rgb(clipped, limit))


@given(hnp.arrays(np.float32, (3, 5, 3), elements=finite), st.floats(1e-3, 1e6))
def test_colour_maps_are_half_and_half_the_share(values, limit):
    drawn = scale.colour_rgb(values, limit).astype(int)
    share = np.clip(values.astype(float) / limit, -1, 1)
    assert np.abs(drawn / 255 - (0.5 + 0.5 * share)).max() <= 1.5 / 255
    assert (drawn[values == 0] == 128).all()
    assert np.array_equal(drawn + scale.colour_rgb(-values, limit), np.full(values.shape, 256))


def test_dead_maps_are_flat_and_neutral():
    assert (scale.diverging_rgb(np.zeros((2, 3)), 0.0) == scale.diverging_lut()[127]).all()
    assert (scale.colour_rgb(np.zeros((2, 3, 3)), 0.0) == 128).all()
    assert (scale.sequential_rgb(np.zeros((2, 3)), 0.0, 0.0) == scale.sequential_lut()[0]).all()


def test_the_smallest_numbers_are_drawn_without_overflow():
    tiny = np.array([[1e-45, -1e-45, 0.0, 3e38]], np.float32)
    assert scale.diverging_rgb(tiny, 1e-45)[0, :3].tolist() == scale.diverging_lut()[[254, 0, 127]].tolist()


def test_sequential_goes_from_low_to_high():
    drawn = scale.sequential_rgb(np.array([[-9.0, 2.0, 3.0, 4.0, 99.0]]), 2.0, 4.0)[0]
    assert drawn.tolist() == scale.sequential_lut()[[0, 0, 128, 255, 255]].tolist()


@given(hnp.arrays(np.float32, (4, 3, 3), elements=st.floats(-9, 9, width=32)))
def test_a_plane_is_the_signed_sum_over_channels(values):
    plane = scale.to_plane(values)
    for r, c in np.ndindex(4, 3):
        assert plane[r, c] == pytest.approx(sum(values[r, c].tolist()), abs=1e-5)


def test_look_up_tables_cannot_be_changed():
    for table in (scale.diverging_lut(), scale.sequential_lut()):
        with pytest.raises(ValueError, match="read-only"):
            table[0] = 0


@pytest.mark.parametrize("vision", VISIONS)
def test_lightness_alone_tells_the_size_of_a_value(vision):
    lightness = colour_loops.lab(colour_loops.seen(scale.diverging_lut(), vision))[:, 0]
    assert lightness[127] > 95
    assert (np.diff(lightness[:128:8]) > 0).all()
    assert (np.diff(lightness[127::8]) < 0).all()
    sequential = colour_loops.lab(colour_loops.seen(scale.sequential_lut(), vision))[:, 0]
    assert (np.diff(sequential[::8]) > 0).all()


@pytest.mark.parametrize("vision", VISIONS)
def test_positive_and_negative_of_one_size_are_told_apart(vision):
    """CIE76 differences of about 2.3 are just noticeable: half the limit has to differ by five times that."""
    colours = colour_loops.lab(colour_loops.seen(scale.diverging_lut(), vision))
    for share, least in ((0.25, 8), (0.5, 12), (0.75, 12), (1.0, 12)):
        step = round(127 * share)
        assert np.linalg.norm(colours[127 + step] - colours[127 - step]) > least


def test_red_against_green_would_fail_that_test():
    """The check above is able to fail: two colours that a person without green cones confuses."""
    pair = colour_loops.lab(colour_loops.seen(np.array([[178, 80, 60], [110, 110, 50]]), "deuteranopia"))
    assert np.linalg.norm(pair[0] - pair[1]) < 12


@pytest.mark.parametrize(
    ("call", "phrases"),
    [
        (lambda: scale.signed_limit([np.array([1.0, np.nan])]), ["1 of 2 values", "NaN"]),
        (lambda: scale.signed_limit([np.zeros(3)], percentile=0), ["percentile=0"]),
        (lambda: scale.signed_limit([np.zeros(3)], percentile=101), ["percentile=101"]),
        (lambda: scale.diverging_rgb(np.full((2, 3), np.inf), 1.0), ["6 of 6 values", "infinite"]),
        (lambda: scale.diverging_rgb(np.zeros((2, 3)), -1.0), ["limit=-1.0"]),
        (lambda: scale.colour_rgb(np.zeros((2, 3, 3)), float("nan")), ["limit=nan"]),
        (lambda: scale.colour_rgb(np.zeros((2, 3)), 1.0), ["(2, 3)", "(H, W, 3)"]),
        (lambda: scale.sequential_rgb(np.zeros((2, 3)), 2.0, 1.0), ["low=2.0", "high=1.0"]),
        (lambda: scale.sequential_rgb(np.array([[np.nan]]), 0.0, 1.0), ["NaN"]),
    ],
)
def test_what_no_colour_stands_for_is_refused(call, phrases):
    with pytest.raises(DeconvvizError) as caught:
        call()
    for phrase in phrases:
        assert phrase in str(caught.value)
