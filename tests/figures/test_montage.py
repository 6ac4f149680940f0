"""Montages: every tile where its box says, its colours on the scale that is reported, dead maps told apart."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from deconvviz.errors import DeconvvizError
from deconvviz.figures import style
from deconvviz.figures.montage import DEAD_INDEX, GAP_INDEX, LEVELS, Montage, montage, png_bytes
from deconvviz.figures.scale import diverging_lut, sequential_lut


def indices(made: Montage) -> np.ndarray:
    picture = Image.open(io.BytesIO(made.png))
    assert picture.mode == "P"
    return np.asarray(picture)


def colours(made: Montage) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(made.png)).convert("RGBA"))


def random_maps(h: int, w: int, c: int, signed: bool = False, seed: int = 0) -> np.ndarray:
    values = np.random.default_rng(seed).normal(size=(h, w, c))
    return values if signed else np.maximum(values, 0)


layouts = st.fixed_dictionaries(
    {
        "h": st.integers(1, 5),
        "w": st.integers(1, 6),
        "c": st.integers(1, 11),
        "columns": st.integers(1, 13),
        "gap": st.integers(0, 3),
        "zoom": st.integers(1, 3),
        "signed": st.booleans(),
        "shared": st.booleans(),
    }
)


@pytest.mark.slow
@settings(deadline=None, max_examples=80)
@given(layouts, st.randoms(use_true_random=False))
def test_every_pixel_is_where_and_what_it_should_be(case, random):
    maps = random_maps(case["h"], case["w"], case["c"], case["signed"])
    order = random.sample(range(case["c"]), random.randint(1, case["c"]))
    scale = "shared" if case["shared"] else "each"
    made = montage(maps, case["columns"], order, scale=scale, gap=case["gap"], zoom=case["zoom"])
    drawn = indices(made)
    assert drawn.shape == made.size
    assert made.channels == tuple(order)
    covered = np.zeros(drawn.shape, bool)
    for box, channel, (low, high) in zip(made.boxes, made.channels, made.limits, strict=True):
        top, left, bottom, right = box
        assert (bottom - top, right - left) == (case["h"] * case["zoom"], case["w"] * case["zoom"])
        assert not covered[top:bottom, left:right].any()
        covered[top:bottom, left:right] = True
        for r, c in np.ndindex(bottom - top, right - left):
            value = maps[r // case["zoom"], c // case["zoom"], channel]
            if high > low:
                share = (value - low) / (high - low) * (LEVELS - 1)
                assert abs(int(drawn[top + r, left + c]) - share) <= 0.501
            else:
                assert drawn[top + r, left + c] == DEAD_INDEX
    assert (drawn[~covered] == GAP_INDEX).all()


def test_tiles_run_along_rows_and_the_last_row_may_be_short():
    made = montage(np.ones((2, 3, 5)), columns=3, gap=1)
    assert made.size == (5, 11)
    assert made.boxes == ((0, 0, 2, 3), (0, 4, 2, 7), (0, 8, 2, 11), (3, 0, 5, 3), (3, 4, 5, 7))
    assert (colours(made)[3:, 8:, 3] == 0).all()
    assert montage(np.ones((2, 3, 2)), columns=8).size == (2, 8)


def test_own_scales_stretch_each_map_and_a_shared_one_none():
    maps = np.stack([np.array([[0.0, 1.0]]), np.array([[0.0, 4.0]])], axis=-1)
    own, shared = montage(maps), montage(maps, scale="shared")
    assert own.limits == ((0.0, 1.0), (0.0, 4.0))
    assert shared.limits == ((0.0, 4.0), (0.0, 4.0))
    assert indices(own)[0, 1] == indices(own)[0, 5] == LEVELS - 1
    assert indices(shared)[0, 1] == (LEVELS - 1) // 4
    assert indices(shared)[0, 5] == LEVELS - 1


def test_signed_maps_are_drawn_around_zero():
    maps = np.array([[-2.0, 0.0, 1.0]])[..., None]
    made = montage(maps)
    assert made.colours == "diverging"
    assert made.limits == ((-2.0, 2.0),)
    drawn = colours(made)[0, :, :3]
    assert drawn[1].tolist() == diverging_lut()[127].tolist()
    assert drawn[0].tolist() == diverging_lut()[1].tolist()
    forced = montage(maps, colours="sequential")
    assert forced.colours == "sequential"
    assert forced.limits == ((-2.0, 1.0),)
    assert colours(forced)[0, 0, :3].tolist() == sequential_lut()[0].tolist()
    assert colours(forced)[0, 2, :3].tolist() == sequential_lut()[255].tolist()


def test_a_constant_map_keeps_zero_on_its_scale():
    made = montage(np.full((2, 3, 1), 5.0))
    assert made.limits == ((0.0, 5.0),)
    assert (indices(made) == LEVELS - 1).all()


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("scale", ["each", "shared"])
def test_dead_maps_have_a_colour_that_nothing_else_has(signed, scale):
    maps = random_maps(7, 5, 3, signed)
    maps[..., 1] = 0
    made = montage(maps, columns=3, gap=2, scale=scale)
    drawn = indices(made)
    top, left, bottom, right = made.boxes[1]
    assert (drawn[top:bottom, left:right] == DEAD_INDEX).all()
    assert np.count_nonzero(drawn == DEAD_INDEX) == 35
    assert (colours(made)[top:bottom, left:right] == (*style.DEAD, 255)).all()
    assert made.limits[1] == (0.0, 0.0)
    lut = diverging_lut() if signed else sequential_lut()
    assert np.abs(lut.astype(int) - style.DEAD).sum(axis=1).min() > 5


def test_the_same_maps_give_the_same_bytes():
    maps = random_maps(9, 8, 6)
    assert montage(maps).png == montage(maps.copy()).png
    assert montage(maps).png != montage(maps * (np.arange(6) > 0)).png


def test_jax_arrays_and_whole_numbers_are_drawn():
    import jax.numpy as jnp

    maps = np.arange(24).reshape(2, 3, 4)
    assert montage(jnp.asarray(maps, jnp.float32)).png == montage(maps).png


def test_png_keeps_levels_text_and_zoom():
    rgb = np.random.default_rng(0).integers(0, 256, (4, 6, 3), dtype=np.uint8)
    data = png_bytes(rgb, scale=3, text={"recipe": '{"layer": "层"}'})
    picture = Image.open(io.BytesIO(data))
    assert picture.size == (18, 12)
    assert np.array_equal(np.asarray(picture)[1::3, 1::3], rgb)
    assert np.array_equal(np.asarray(picture)[::3, 2::3], rgb)
    assert picture.text == {"recipe": '{"layer": "层"}'}
    assert data == png_bytes(rgb, scale=3, text={"recipe": '{"layer": "层"}'})
    assert png_bytes(rgb / np.float32(255)) == png_bytes(rgb)


@pytest.mark.parametrize(
    ("call", "phrases"),
    [
        (lambda: montage(np.zeros((2, 3))), ["(h, w, c)", "(2, 3)"]),
        (lambda: montage(np.zeros((2, 3, 0))), ["(2, 3, 0)"]),
        (lambda: montage(np.zeros((2, 3, 4)), order=[]), ["order is empty", "0..3"]),
        (lambda: montage(np.zeros((2, 3, 4)), order=[1, 4]), ["channel 4", "0..3"]),
        (lambda: montage(np.zeros((2, 3, 4)), order=[-1]), ["channel -1"]),
        (lambda: montage(np.zeros((2, 3, 4)), columns=0), ["columns=0"]),
        (lambda: montage(np.zeros((2, 3, 4)), gap=-1), ["gap=-1"]),
        (lambda: montage(np.zeros((2, 3, 4)), zoom=1.5), ["zoom=1.5"]),
        (lambda: montage(np.zeros((2, 3, 4)), scale="both"), ["scale='both'", "'shared'"]),
        (lambda: montage(np.zeros((2, 3, 4)), colours="jet"), ["colours='jet'", "'diverging'"]),
        (lambda: montage(np.full((2, 3, 4), np.nan)), ["NaN"]),
        (lambda: montage(np.full((2, 3, 4), np.inf)), ["infinite"]),
        (lambda: png_bytes(np.zeros((2, 3))), ["(2, 3)"]),
        (lambda: png_bytes(np.zeros((2, 3, 3), np.int32)), ["int32"]),
        (lambda: png_bytes(np.zeros((2, 3, 3), np.uint8), scale=0), ["scale=0"]),
    ],
)
def test_refusals_name_what_came(call, phrases):
    with pytest.raises(DeconvvizError) as caught:
        call()
    for phrase in phrases:
        assert phrase in str(caught.value)
