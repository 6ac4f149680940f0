"""Decoding: every kind of picture, from every kind of source, gives its pixels."""

from __future__ import annotations

import io

import numpy as np
import picture_files as pf
import pytest
from hypothesis import given
from hypothesis import strategies as st
from picture_files import refusal, same
from PIL import Image
from reference import picture_loops

from deconvviz.data import images

RGB = pf.levels()
GREY = pf.levels(channels=1, seed=1)
EXACT = np.float32(RGB) / np.float32(255)


# --- what is read -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("format", "options"),
    [("PNG", {}), ("WEBP", {"lossless": True}), ("BMP", {}), ("TIFF", {}), ("TIFF", {"compression": "tiff_lzw"})],
)
def test_lossless_formats_give_every_level_over_255(format, options):
    same(images.load(pf.encoded(RGB, format, **options)), EXACT)


@pytest.mark.parametrize("format", ["JPEG", "WEBP", "AVIF"])
def test_lossy_formats_are_close(format):
    loaded = images.load(pf.encoded(pf.smooth(), format, quality=95))
    assert loaded.shape == (pf.ROWS, pf.COLUMNS, 3)
    assert np.abs(loaded - pf.smooth() / 255).max() < 0.06


def test_heic_is_read_where_its_decoder_is_installed():
    pytest.importorskip("pillow_heif", reason="pillow-heif is an extra: pip install pillow-heif").register_heif_opener()
    loaded = images.load(pf.encoded(pf.smooth(), "HEIF", quality=95))
    assert loaded.shape == (pf.ROWS, pf.COLUMNS, 3)
    assert np.abs(loaded - pf.smooth() / 255).max() < 0.06


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG", "TIFF"])
def test_of_several_frames_the_first_is_read(format):
    frames = [Image.fromarray(np.full((5, 7, 3), level, np.uint8)) for level in (51, 204, 102)]
    options = {"lossless": True} if format == "WEBP" else {}
    loaded = images.load(pf.encoded(frames[0], format, save_all=True, append_images=frames[1:], **options))
    same(loaded, np.full((5, 7, 3), 0.2, np.float32))


@pytest.mark.parametrize("format", ["PNG", "TIFF", "JPEG"])
def test_grey_is_repeated(format):
    grey = pf.smooth()[..., 0]
    loaded = images.load(pf.encoded(grey, format))
    assert loaded.shape == (*grey.shape, 3)
    assert np.ptp(loaded, axis=2).max() == 0
    assert np.abs(loaded[..., 0] - grey / 255).max() < 0.02


def test_palette_and_one_bit():
    palette = Image.fromarray(pf.smooth()).quantize(256)
    same(images.load(pf.encoded(palette, "PNG")), np.float32(palette.convert("RGB")) / np.float32(255))
    bits = GREY > 127
    same(images.load(pf.encoded(Image.fromarray(bits), "PNG")), np.repeat(np.float32(bits)[..., None], 3, axis=2))


@pytest.mark.parametrize(
    ("format", "dtype"), [("PNG", "<u2"), ("TIFF", "<u2"), ("TIFF", ">u2")], ids=["png", "tiff", "tiff big-endian"]
)
def test_sixteen_bit_grey_keeps_its_depth(format, dtype):
    deep = np.array([[0, 1, 256, 257], [32768, 65279, 65534, 65535]])
    picture = Image.frombytes("I;16B" if dtype == ">u2" else "I;16", (4, 2), deep.astype(dtype).tobytes())
    loaded = images.load(pf.encoded(picture, format))
    same(loaded, np.repeat(np.float32(deep / 65535)[..., None], 3, axis=2))
    assert loaded[0, 1, 0] > 0
    assert loaded[1, 2, 0] < 1


def test_thirty_two_bit_grey_within_sixteen_is_read_and_beyond_refused():
    levels = np.array([[0, 300], [65535, 7]], np.int32)
    same(images.load(pf.encoded(levels, "TIFF")), np.repeat(np.float32(levels / 65535)[..., None], 3, axis=2))
    assert "0..65536" in refusal(pf.encoded(levels + (levels == 65535), "TIFF"))


def test_float_tiff_is_held_to_the_range_of_floats():
    plane = np.linspace(0, 1, 12, dtype=np.float32).reshape(3, 4)
    same(images.load(pf.encoded(plane, "TIFF")), np.repeat(plane[..., None], 3, axis=2))
    assert "0..7" in refusal(pf.encoded(7 * plane, "TIFF"))


def test_cmyk_is_converted():
    cmyk = Image.fromarray(pf.smooth()).convert("CMYK")
    loaded = images.load(pf.encoded(cmyk, "JPEG", quality=95))
    assert np.abs(loaded - pf.smooth() / 255).max() < 0.05


@pytest.mark.parametrize("format", ["PNG", "WEBP", "TIFF"])
def test_transparent_pixels_lie_over_white(format):
    rgba = pf.levels(channels=4, seed=2)
    rgba[0, :3, 3] = 0, 255, 128
    options = {"lossless": True, "exact": True} if format == "WEBP" else {}
    expected = np.float32(picture_loops.over_white(rgba)) / np.float32(255)
    same(images.load(pf.encoded(rgba, format, **options)), expected)
    assert (expected[0, 0] == 1).all()


def test_transparency_of_grey_palette_and_key_colour():
    alpha = pf.levels(channels=1, seed=3)
    grey_alpha = Image.merge("LA", (Image.fromarray(GREY), Image.fromarray(alpha)))
    rgba = np.stack([GREY, GREY, GREY, alpha], axis=-1)
    same(images.load(pf.encoded(grey_alpha, "PNG")), np.float32(picture_loops.over_white(rgba)) / np.float32(255))
    keyed = RGB.copy()
    keyed[2, 3] = 10, 20, 30
    loaded = images.load(pf.encoded(keyed, "PNG", transparency=(10, 20, 30)))
    assert loaded[2, 3].tolist() == [1, 1, 1]
    assert loaded[0, 0].tolist() == EXACT[0, 0].tolist()
    palette = Image.fromarray(np.array([[0, 1], [1, 0]], np.uint8)).convert("P")
    palette.putpalette([255, 0, 0, 0, 0, 255])
    loaded = images.load(pf.encoded(palette, "GIF", transparency=0))
    assert loaded[0].tolist() == [[1, 1, 1], [0, 0, 1]]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["PNG", "WEBP", "TIFF"])
def test_orientation_mark_is_obeyed(orientation, format):
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = pf.encoded(RGB, format, exif=exif, **({"lossless": True} if format == "WEBP" else {}))
    same(images.load(data), picture_loops.upright(EXACT, orientation))
    same(images.load(Image.open(io.BytesIO(data))), picture_loops.upright(EXACT, orientation))


@pytest.mark.parametrize("mark", [0, 9, 65535])
def test_senseless_orientation_is_ignored(mark):
    exif = Image.Exif()
    exif[0x0112] = mark
    same(images.load(pf.encoded(RGB, "PNG", exif=exif)), EXACT)


def test_damaged_exif_does_not_cost_the_pixels():
    data = pf.encoded(RGB, "PNG", exif=b"Exif\x00\x00II*\x00\xff\xff\xff\xff")
    same(images.load(data), EXACT)


# --- from where -------------------------------------------------------------------------------------------------


def test_all_sources_of_one_picture_agree(tmp_path):
    data = pf.encoded(RGB, "PNG")
    path = tmp_path / "a picture 图.png"
    path.write_bytes(data)
    read_before = io.BytesIO(data)
    read_before.read()
    with open(path, "rb") as file, Image.open(path) as lazy:
        sources = [
            path,
            str(path),
            data,
            bytearray(data),
            memoryview(data),
            read_before,
            file,
            lazy,
            Image.fromarray(RGB),
        ]
        for source in [*sources, RGB, EXACT, EXACT.astype(np.float64)]:
            same(images.load(source), EXACT)


def test_a_file_that_cannot_rewind_is_read_on():
    class Pipe:
        def __init__(self, data: bytes) -> None:
            self.read = io.BytesIO(data).read

    same(images.load(Pipe(pf.encoded(RGB, "PNG"))), EXACT)


def test_jax_array():
    import jax.numpy as jnp

    same(images.load(jnp.asarray(RGB)), EXACT)


def test_array_kinds():
    same(images.load(GREY), np.repeat((np.float32(GREY) / np.float32(255))[..., None], 3, axis=2))
    same(images.load(GREY[..., None]), images.load(GREY))
    same(images.load(GREY > 9), np.repeat(np.float32(GREY > 9)[..., None], 3, axis=2))
    deep = np.array([[[0, 1, 65535]]], np.uint16)
    same(images.load(deep), np.float32(deep / 65535))
    same(images.load(deep.astype(">u2")), np.float32(deep / 65535))
    rgba = pf.levels(channels=4, seed=4)
    same(images.load(rgba), np.float32(picture_loops.over_white(rgba)) / np.float32(255))
    shares = np.array([[[0.2, 0.4, 1.0, 0.5]]])
    np.testing.assert_allclose(images.load(shares), [[[0.6, 0.7, 1.0]]], rtol=1e-6)


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 2**32 - 1))
def test_floats_in_range_pass_unchanged_and_share_no_memory(rows, columns, seed):
    values = np.random.default_rng(seed).random((rows, columns, 3), dtype=np.float32)
    before = values.copy()
    loaded = images.load(values)
    same(loaded, before)
    loaded[:] = 0
    assert np.array_equal(values, before)


def test_rounding_beyond_the_range_is_clipped():
    same(images.load(np.array([[[1 + 2e-7, -2e-7, 0.5]]])), np.array([[[1, 0, 0.5]]], np.float32))
