"""Decoding: what is no picture, too large or damaged gives an error that helps, whatever comes."""

from __future__ import annotations

import contextlib
import io
import os
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import picture_files as pf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from picture_files import refusal, same
from PIL import Image, ImageFile

from deconvviz.data import images
from deconvviz.errors import ImageError

RGB = pf.levels()
EXACT = np.float32(RGB) / np.float32(255)


# --- what is refused --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("array", "phrases"),
    [
        (np.zeros((0, 4, 3)), ["no pixels", "(0, 4, 3)"]),
        (np.zeros((3, 8, 9), np.uint8), ["(3, 8, 9)", "channels", "transpose(1, 2, 0)", "(8, 9, 3)"]),
        (np.zeros((2, 8, 9, 3)), ["batch of 2", "array[0]"]),
        (np.zeros((4, 5, 2)), ["(4, 5, 2)", "(H, W, 3)"]),
        (np.zeros(5), ["(5,)"]),
        (np.zeros((4, 5, 3), np.int64), ["int64", "uint8 of 0..255"]),
        (np.zeros((4, 5, 3), complex), ["complex128"]),
        (np.full((4, 5, 3), np.nan), ["60 values", "NaN"]),
        (np.full((4, 5, 3), np.inf), ["infinite"]),
        (np.linspace(0, 255, 12).reshape(2, 2, 3), ["0..255", "divide by 255"]),
        (np.linspace(-1, 1, 12).reshape(2, 2, 3), ["-1..1", "clip"]),
    ],
)
def test_arrays_that_are_no_picture(array, phrases):
    message = refusal(array, name="the test array")
    for phrase in ["the test array", *phrases]:
        assert phrase in message


@pytest.mark.parametrize(
    ("name", "data", "phrases"),
    [
        ("empty.jpg", b"", ["is empty", "get the file again"]),
        ("notes.txt", "Grüße, 你好".encode(), ["is text", "JPEG, PNG"]),
        ("map.svg", b"<?xml version='1.0'?>\n<svg width='3'/>", ["SVG drawing", "export it as PNG"]),
        ("page.png", b"<!DOCTYPE html><html><body>404</body></html>", ["web page"]),
        ("IMG_1.HEIC", b"\x00\x00\x00\x24ftypheic" + bytes(40), ["HEIC", "as JPEG"]),
        ("a.avif", b"\x00\x00\x00\x24ftypavif" + bytes(40), ["AVIF", "save it as JPEG or PNG"]),
        ("a.mp4", b"\x00\x00\x00\x24ftypisom" + bytes(40), ["film", "one frame"]),
        ("a.pdf", b"%PDF-1.7\n\xe2\xe3", ["PDF", "export the page"]),
        ("a.psd", b"8BPS\x00\x01" + bytes(40), ["Photoshop"]),
        ("a.zip", b"PK\x03\x04" + bytes(40), ["ZIP", "unpack"]),
        ("a.npy", b"\x93NUMPY\x01\x00" + bytes(40), ["numpy.load"]),
        ("a.ico", b"\x00\x00\x01\x00\x01\x00" + bytes(40), ["ICO"]),
        ("a.webm", b"\x1aE\xdf\xa3" + bytes(40), ["film"]),
        ("a.bin", bytes(range(128, 256)) * 3, ["not a picture of a known kind"]),
        ("cut.jpg", pf.encoded(RGB, "JPEG")[:3], ["JPEG", "cut short"]),
        ("cut.png", pf.encoded(RGB, "PNG")[:20], ["PNG", "cut short"]),
        ("cut.webp", pf.encoded(RGB, "WEBP")[:40], ["cut short"]),
        ("cut.gif", b"GIF89a", ["GIF", "cut short"]),
        ("cut.bmp", b"BM\x00\xfe", ["BMP", "cut short"]),
        ("cut.tif", b"II*\x00\xff\xff\xff\xff", ["cut short"]),
    ],
)
def test_files_that_are_no_picture(tmp_path, name, data, phrases):
    path = tmp_path / name
    path.write_bytes(data)
    message = refusal(path)
    for phrase in [name, f"({len(data):,} bytes)", *phrases]:
        assert phrase in message


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"])
def test_a_file_cut_in_half_says_so(format):
    data = pf.encoded(pf.levels(60, 70), format)
    message = refusal(data[: len(data) // 2], name="holiday")
    assert "'holiday'" in message
    assert "cut short" in message
    assert f"{len(data) // 2:,} bytes" in message


def test_a_file_whose_parts_are_out_of_order_says_so():
    """Pillow raises SyntaxError here, and only while unpacking."""
    pixels = zlib.compress(b"".join(b"\0" + row.tobytes() for row in pf.levels(9, 8)))
    same(images.load(pf.png(9, 8, (b"IDAT", pixels[:40]), (b"IDAT", pixels[40:]))), pf.levels(9, 8) / np.float32(255))
    message = refusal(pf.png(9, 8, (b"IDAT", pixels[:40]), (b"\xa3n\xc7e", b""), (b"IDAT", pixels[40:])))
    assert "damaged" in message
    assert "broken PNG file" in message


def test_paths_that_lead_nowhere(tmp_path):
    (tmp_path / "photo.jpg").write_bytes(b"x")
    message = refusal(tmp_path / "photo.jpeg")
    assert "no such file" in message
    assert "did you mean photo.jpg" in message
    assert "no such file" in refusal(tmp_path / "nowhere" / "a.png")
    assert "is a folder" in refusal(tmp_path)
    assert "empty" in refusal("")
    assert "web address" in refusal("https://example.org/cat.jpg")
    assert "cannot read" in refusal("a\0b.png")
    assert "name" in refusal("x" * 5000)
    assert "decode it" in refusal(_BytesPath())


class _BytesPath(os.PathLike):
    def __fspath__(self) -> bytes:
        return b"photo.jpg"


def test_pipes_and_devices_are_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    assert "device or pipe" in refusal(tmp_path / "pipe.png")
    assert "device or pipe" in refusal("/dev/zero")


def test_files_opened_wrongly(tmp_path):
    path = tmp_path / "photo.png"
    path.write_bytes(pf.encoded(RGB, "PNG"))
    with open(path, encoding="utf-8") as text:
        assert "'rb'" in refusal(text)
    with open(path, "rb") as closed:
        pass
    assert "closed" in refusal(closed)
    assert "'rb'" in refusal(io.StringIO("text"))


def test_arrays_that_cannot_leave_their_device_say_why():
    class Tensor:
        def __array__(self, *args: object, **options: object) -> np.ndarray:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad.")

    assert "requires grad" in refusal(Tensor())
    assert "convert it first" in refusal(Tensor())


@pytest.mark.parametrize("thing", [None, 7, object(), ["a.png"], {"a": 1}])
def test_things_that_are_no_source(thing):
    assert type(thing).__name__ in refusal(thing)


# --- limits -----------------------------------------------------------------------------------------------------


def test_bytes_are_limited(tmp_path):
    data = pf.encoded(RGB, "PNG")
    path = tmp_path / "big.png"
    path.write_bytes(data)
    for source in (path, data, io.BytesIO(data)):
        message = refusal(source, max_bytes=len(data) - 1)
        assert f"{len(data) - 1:,} bytes allowed" in message
        same(images.load(source, max_bytes=len(data)), EXACT)


def test_pixels_are_limited_for_every_source():
    pixels = pf.ROWS * pf.COLUMNS
    for source in (pf.encoded(RGB, "PNG"), Image.fromarray(RGB), RGB, EXACT):
        message = refusal(source, max_pixels=pixels - 1)
        assert f"{pf.ROWS} x {pf.COLUMNS} = {pixels:,} pixels" in message
        same(images.load(source, max_pixels=pixels), EXACT)


@pytest.mark.parametrize(
    "data",
    [
        pf.png_claiming(6000, 5000),
        pf.png_claiming(10_000, 10_000),
        pf.png_claiming(60_000, 60_000),
        pf.png_claiming(2**31 - 1, 2**31 - 1),
        pf.gif_claiming(65_535, 65_535),
    ],
    ids=["over the limit", "Pillow warns", "Pillow refuses", "largest PNG", "animated GIF"],
)
def test_bombs_are_refused_before_they_are_unpacked(data, monkeypatch):
    def unpack(self: ImageFile.ImageFile) -> None:
        raise AssertionError("unpacked")

    monkeypatch.setattr(ImageFile.ImageFile, "load", unpack)
    message = refusal(data, name="bomb.png")
    assert "pixels" in message
    assert "25,000,000" in message
    assert "unpacked" not in message


def test_many_threads_read_good_and_bad_files_at_once():
    good = [pf.encoded(pf.levels(seed=seed), "PNG") for seed in range(4)]
    bad = [pf.png_claiming(60_000, 60_000), good[0][:90], b"text"]

    def attempt(number: int) -> bool:
        source = [*good, *bad][number % 7]
        try:
            loaded = images.load(source)
        except ImageError:
            return number % 7 >= 4
        return np.array_equal(loaded, np.float32(pf.levels(seed=number % 7)) / np.float32(255))

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(attempt, range(140)))


def test_what_the_decoders_print_is_kept_from_the_screen(capfd: pytest.CaptureFixture[str]) -> None:
    draw, printed = np.random.default_rng(0), pf.encoded(pf.smooth(60, 70), "TIFF", compression="tiff_lzw")
    for _ in range(30):
        damaged = bytearray(printed)
        for place in draw.integers(0, len(damaged), 3):
            damaged[place] = draw.integers(256)
        with contextlib.suppress(ImageError):
            images.load(bytes(damaged))
    os.write(2, b"others still print")
    assert capfd.readouterr() == ("", "others still print")


# --- whatever comes ---------------------------------------------------------------------------------------------

FILES = {
    **{f: pf.encoded(pf.smooth(23, 31), f) for f in ("JPEG", "PNG", "WEBP", "GIF", "AVIF", "BMP", "TIFF")},
    "LZW": pf.encoded(pf.smooth(23, 31), "TIFF", compression="tiff_lzw"),
    "RGBA": pf.encoded(pf.levels(9, 7, 4), "PNG"),
    "palette": pf.encoded(Image.fromarray(pf.smooth(23, 31)).quantize(16), "PNG"),
    "progressive": pf.encoded(pf.smooth(23, 31), "JPEG", progressive=True),
}


def picture_or_error(data: bytes | np.ndarray) -> None:
    try:
        loaded = images.load(data)
    except ImageError as error:
        loaded, message = None, str(error)
    if loaded is None:
        assert 20 < len(message) < 600
        return
    assert loaded.ndim == 3
    assert loaded.shape[2] == 3
    assert loaded.dtype == np.float32
    assert 0 <= loaded.min() <= loaded.max() <= 1


HEADS = [
    b"",
    b"\xff\xd8\xff\xe0",
    b"\x89PNG\r\n\x1a\n",
    b"GIF89a",
    b"BM",
    b"II*\x00",
    b"MM\x00*",
    b"RIFF\x20\x00\x00\x00WEBPVP8 ",
    b"\x00\x00\x00\x1cftypavif\x00\x00\x00\x00",
]


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(HEADS), st.binary(max_size=200))
def test_random_bytes_give_a_picture_or_an_error(head, tail):
    picture_or_error(head + tail)


@pytest.mark.slow
@settings(deadline=None)
@given(hnp.arrays(hnp.scalar_dtypes(), hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5)))
def test_arrays_of_any_kind_give_a_picture_or_an_error(array):
    picture_or_error(array)


@pytest.mark.slow
@settings(max_examples=250, deadline=None)
@given(st.data())
def test_damaged_files_give_a_picture_or_an_error(data):
    damaged = bytearray(FILES[data.draw(st.sampled_from(sorted(FILES)))])
    for _ in range(data.draw(st.integers(0, 6))):
        damaged[data.draw(st.integers(0, min(len(damaged) - 1, 4000)))] = data.draw(st.integers(0, 255))
    picture_or_error(bytes(damaged[: data.draw(st.integers(0, len(damaged)))]))
