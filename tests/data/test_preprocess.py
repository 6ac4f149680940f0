"""Bringing pictures to a network's input and maps back: against slow twins, at every odd size."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from reference import picture_loops

from deconvviz.data import images, preprocess
from deconvviz.errors import ImageError
from deconvviz.types import InputSpec

LEVEL = 1 / 255


def random_picture(rows: int, columns: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((rows, columns, 3), dtype=np.float32)


def random_bytes(rows: int, columns: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (rows, columns, 3), dtype=np.uint8)


sides = st.integers(1, 24)
cases = st.fixed_dictionaries(
    {"source": st.tuples(sides, sides), "size": st.tuples(sides, sides), "resize": st.none() | st.integers(1, 30)}
)


@pytest.mark.deep
@settings(max_examples=60, deadline=None)
@given(cases, st.integers(0, 99))
def test_crop_is_the_centre_of_the_scaled_picture(case, seed):
    picture = random_picture(*case["source"], seed)
    spec = InputSpec(size=case["size"], resize=case["resize"])
    fitted = preprocess.fit_image(picture, spec)
    expected = picture_loops.cover_and_crop(picture, case["size"], case["resize"])
    if case["source"] == case["size"]:
        expected = picture
    assert fitted.dtype == np.float32
    np.testing.assert_allclose(fitted, expected, atol=1e-4)


@pytest.mark.deep
@settings(max_examples=60, deadline=None)
@given(cases, st.integers(0, 99))
def test_stretch_scales_rows_and_columns_apart(case, seed):
    picture = random_picture(*case["source"], seed)
    fitted = preprocess.fit_image(picture, InputSpec(size=case["size"], resize=case["resize"], fit="stretch"))
    rows, columns = case["size"]
    factor = max(1, (case["resize"] or 0) / min(rows, columns))
    whole = (round(rows * factor), round(columns * factor))
    planes = [picture_loops.resample(picture[..., k], whole) for k in range(3)]
    top, left = (whole[0] - rows) // 2, (whole[1] - columns) // 2
    expected = np.stack(planes, axis=-1)[top : top + rows, left : left + columns]
    if case["source"] == case["size"]:
        expected = picture
    np.testing.assert_allclose(fitted, expected, atol=1e-4)


@settings(max_examples=60, deadline=None)
@given(cases, st.sampled_from(["crop", "stretch"]), st.integers(0, 99))
def test_bytes_and_floats_differ_by_rounding_only(case, fit, seed):
    spec = InputSpec(size=case["size"], resize=case["resize"], fit=fit)
    levels = np.float32(random_bytes(*case["source"], seed)) / np.float32(255)
    in_bytes = preprocess.fit_image(levels, spec)
    in_floats = preprocess.fit_image(np.float32(levels * 0.999 + 0.0003), spec)
    assert np.abs(in_bytes * 255 - np.rint(in_bytes * 255)).max() < 1e-4
    assert np.abs(in_bytes - in_floats).max() < 2.2 * LEVEL


@pytest.mark.parametrize("source", [(30, 45), (45, 30), (31, 64), (200, 17)])
@pytest.mark.parametrize("size", [(12, 12), (9, 20), (20, 9), (64, 31)])
def test_bytes_are_resampled_as_pillow_does_and_then_cropped(source, size):
    picture = random_bytes(*source)
    scale = max(size[0] / source[0], size[1] / source[1])
    whole = (max(size[0], round(source[0] * scale)), max(size[1], round(source[1] * scale)))
    scaled = np.asarray(Image.fromarray(picture).resize((whole[1], whole[0]), Image.Resampling.BILINEAR))
    top, left = (whole[0] - size[0]) // 2, (whole[1] - size[1]) // 2
    expected = scaled[top : top + size[0], left : left + size[1]].astype(int)
    fitted = np.rint(preprocess.fit_image(images.load(picture), InputSpec(size=size)) * 255).astype(int)
    assert np.abs(fitted - expected).max() <= 1


def test_the_same_content_gives_the_same_result_from_bytes_floats_and_another_division():
    picture = random_bytes(37, 23)
    spec = InputSpec(size=(11, 13))
    expected = preprocess.fit_image(images.load(picture), spec)
    for same in (picture / 255, picture.astype(np.float32) * np.float32(1 / 255)):
        assert np.array_equal(preprocess.fit_image(images.load(same), spec), expected)


def test_one_value_between_two_levels_is_not_rounded_away():
    """The search for bytes goes a few rows at a time: the odd value sits in the last of many."""
    picture = np.full((300, 400, 3), 77 / 255, np.float32)
    picture[-1, -1, -1] = 77.4 / 255
    spec = InputSpec(size=(299, 399), fit="stretch")
    fitted = preprocess.fit_image(picture, spec)
    assert fitted[-1, -1, -1] > 77.3 / 255
    assert fitted[0, 0, 0] == np.float32(77) / np.float32(255)


def test_a_picture_of_the_right_size_is_left_alone_whatever_resize_says():
    picture = random_picture(14, 9)
    for spec in (InputSpec(size=(14, 9)), InputSpec(size=(14, 9), resize=20), InputSpec(size=(14, 9), fit="stretch")):
        assert np.array_equal(preprocess.fit_image(picture, spec), picture)


@pytest.mark.parametrize("value", [0.0, 1.0, 0.5, 77 / 255])
def test_flat_pictures_stay_flat(value):
    picture = np.full((50, 31, 3), value, np.float32)
    for fit in ("crop", "stretch"):
        fitted = preprocess.fit_image(picture, InputSpec(size=(13, 40), fit=fit))
        np.testing.assert_allclose(fitted, value, atol=1e-6)


@pytest.mark.parametrize("source", [(1, 1), (1, 2), (1, 500_000), (500_000, 1), (2, 300_001), (3, 7)])
@pytest.mark.parametrize("fit", ["crop", "stretch"])
@pytest.mark.parametrize("kind", ["bytes", "floats"])
def test_tiny_and_very_long_pictures(source, fit, kind):
    rows, columns = source
    ramp = np.linspace(0, 1, rows * columns, dtype=np.float32).reshape(rows, columns, 1)
    picture = np.repeat(ramp, 3, axis=2)
    if kind == "bytes":
        picture = np.rint(picture * 255) / np.float32(255)
    fitted = preprocess.fit_image(picture, InputSpec(size=(6, 11), resize=7, fit=fit))
    assert fitted.shape == (6, 11, 3)
    assert abs(float(fitted.mean()) - float(picture.mean())) < 0.08  # half a pixel off the centre at most


def test_the_long_side_of_a_strip_is_cut_to_its_middle():
    picture = np.zeros((4, 4001, 3), np.float32)
    picture[:, 1998:2003] = 1
    fitted = preprocess.fit_image(picture, InputSpec(size=(8, 8)))
    assert fitted[:, 1:-1].min() > 0.99


# --- model input and back ---------------------------------------------------------------------------------------

SPECS = {
    "plain": InputSpec(size=(5, 7)),
    "ImageNet": InputSpec(size=(5, 7), mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)),
    "Caffe": InputSpec(size=(5, 7), mean=(104.0, 117.0, 123.0), scale=255.0, channels="BGR"),
    "grey": InputSpec(size=(5, 7), mean=(0.45,), std=(0.25,), channels="L"),
    "odd": InputSpec(size=(5, 7), mean=(1.0, -2.0, 3.0), std=(4.0, -0.5, 2.0), scale=-3.0, channels="BGR"),
}


@pytest.mark.parametrize("name", SPECS)
def test_model_input_is_scaled_shifted_and_ordered(name):
    spec = SPECS[name]
    picture = random_picture(5, 7)
    fed = preprocess.model_input(picture, spec)
    expected = picture_loops.model_values(picture, spec.mean, spec.std, spec.scale, spec.channels)
    assert fed.dtype == np.float32
    assert fed.shape == (1, 5, 7, spec.depth)
    np.testing.assert_allclose(fed, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["plain", "ImageNet", "Caffe", "odd"])
def test_display_undoes_model_input(name):
    picture = random_picture(5, 7)
    fed = preprocess.model_input(picture, SPECS[name])
    np.testing.assert_allclose(preprocess.display(fed, SPECS[name]), picture, atol=1e-6)
    np.testing.assert_allclose(preprocess.display(fed[0], SPECS[name]), picture, atol=1e-6)


def test_display_of_grey_and_of_values_out_of_range():
    shown = preprocess.display(preprocess.model_input(random_picture(5, 7), SPECS["grey"]), SPECS["grey"])
    luma = random_picture(5, 7) @ np.array([0.299, 0.587, 0.114])
    np.testing.assert_allclose(shown, np.repeat(luma[..., None], 3, axis=2), atol=1e-6)
    assert preprocess.display(np.array([[[-9.0, 0.5, 9.0]]]), SPECS["plain"]).tolist() == [[[0.0, 0.5, 1.0]]]


def test_a_map_lies_on_the_channels_of_the_picture():
    """A change of the picture's blue acts on the network's first channel (BGR): the map must say so in blue."""
    rng = np.random.default_rng(3)
    gradient = rng.normal(size=(5, 7, 3)).astype(np.float32)
    change = rng.normal(size=(5, 7, 3)).astype(np.float32) / 100
    picture = np.full((5, 7, 3), 0.5, np.float32)
    spec = InputSpec(size=(5, 7), channels="BGR")
    moved = preprocess.model_input(picture + change, spec)[0] - preprocess.model_input(picture, spec)[0]
    np.testing.assert_allclose(
        np.vdot(moved, gradient), np.vdot(change, preprocess.signed_rgb(gradient, spec)), rtol=1e-4
    )
    assert np.array_equal(preprocess.signed_rgb(gradient, SPECS["plain"]), gradient)


def test_maps_of_grey_networks_are_repeated_and_batches_pass():
    gradient = np.random.default_rng(4).normal(size=(2, 5, 7, 1)).astype(np.float32)
    repeated = preprocess.signed_rgb(gradient, SPECS["grey"])
    assert repeated.shape == (2, 5, 7, 3)
    assert np.array_equal(repeated[..., 2], gradient[..., 0])


def test_equal_means_serve_any_number_of_channels():
    spec = InputSpec(size=(5, 7), channels="L", mean=(0.5, 0.5, 0.5), std=(0.5,))
    np.testing.assert_allclose(preprocess.model_input(np.ones((5, 7, 3), np.float32), spec), 1, rtol=1e-6)


@pytest.mark.parametrize(
    ("call", "phrases"),
    [
        (lambda: preprocess.fit_image(np.zeros((4, 5, 3), np.int16), SPECS["plain"]), ["int16", "images.load"]),
        (lambda: preprocess.fit_image(np.zeros((4, 5)), SPECS["plain"]), ["(4, 5)", "(H, W, 3)"]),
        (lambda: preprocess.fit_image(np.zeros((0, 5, 3)), SPECS["plain"]), ["(0, 5, 3)"]),
        (lambda: preprocess.fit_image(np.full((4, 5, 3), 2.5), SPECS["plain"]), ["2.5 to 2.5", "clip"]),
        (lambda: preprocess.fit_image(np.linspace(-1, 1, 60).reshape(4, 5, 3), SPECS["plain"]), ["-1 to 1"]),
        (lambda: preprocess.fit_image(np.full((5, 7, 3), np.nan), SPECS["plain"]), ["nan", "NaN"]),
        (lambda: preprocess.signed_rgb(np.zeros((4, 5, 3)), SPECS["grey"]), ["(4, 5, 3)", "'L'", "(H, W, 1)"]),
        (lambda: preprocess.display(np.zeros((2, 4, 5, 3)), SPECS["plain"]), ["(2, 4, 5, 3)", "one image"]),
    ],
)
def test_refusals_name_what_came_and_what_to_do(call, phrases):
    with pytest.raises(ImageError) as caught:
        call()
    for phrase in phrases:
        assert phrase in str(caught.value)


@pytest.mark.parametrize("size", [(11, 17), (8, 6), (40, 50)])
def test_bytes_give_what_their_floats_give(size: tuple[int, int]) -> None:
    levels = np.random.default_rng(2).integers(0, 256, (11, 17, 3), np.uint8)
    for fit in ("crop", "stretch"):
        spec = InputSpec(size=size, fit=fit)
        of_bytes = preprocess.fit_image(levels, spec)
        assert of_bytes.dtype == np.float32
        np.testing.assert_array_equal(of_bytes, preprocess.fit_image(levels / np.float32(255), spec))
    with pytest.raises(ImageError, match="or of bytes"):
        preprocess.fit_image(levels[..., 0], spec)
