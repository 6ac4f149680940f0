"""Decoding in a process of its own: the same pixels, and nobody waits for a file that takes long, much, or crashes."""

from __future__ import annotations

import sys
import threading
import time
from typing import Any

import numpy as np
import picture_files as pf
import pytest
from PIL import Image

from deconvviz.data import decode, images, isolated
from deconvviz.errors import ImageError

KINDS: dict[str, tuple[Any, str, dict[str, Any]]] = {
    "RGB": (pf.levels(), "PNG", {}),
    "RGBA": (pf.levels(channels=4), "PNG", {}),
    "grey": (pf.levels(channels=1), "PNG", {}),
    "16 bits": (pf.levels(channels=1).astype(np.uint16) * 257, "PNG", {}),
    "floats": (Image.fromarray(np.float32(pf.levels(channels=1)) / 255), "TIFF", {}),
    "one bit": (Image.fromarray(pf.levels(channels=1)).convert("1"), "PNG", {}),
    "progressive": (pf.smooth(), "JPEG", {"progressive": True}),
}


def refusal(data: bytes, name: str = "bomb.jpg", **options: Any) -> str:
    """The one line with which a file is refused."""
    with pytest.raises(ImageError) as caught:
        isolated.levels(data, name, **options)
    assert "\n" not in str(caught.value)
    assert name in str(caught.value)
    return str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_the_pixels_are_those_of_load(kind: str) -> None:
    picture, format, options = KINDS[kind]
    data = pf.encoded(picture, format, **options)
    values = isolated.levels(data, kind)
    assert values.flags.owndata
    pf.same(images.from_levels(values, kind), images.load(data))


@pytest.mark.slow
def test_what_is_refused_is_refused_in_the_same_words() -> None:
    for data in (
        b"",
        b"text",
        pf.png_claiming(6000, 5000),
        pf.encoded(pf.levels(), "PNG")[:90],
        pf.gif_claiming(60_000, 60_000),
    ):
        assert refusal(data) == pf.refusal(data, name="bomb.jpg")
    assert "8 bytes allowed" in refusal(bytes(9), max_bytes=8)


def test_scans_are_counted_as_a_decoder_meets_them() -> None:
    plain = pf.encoded(pf.smooth(), "JPEG")
    assert decode.scans_of(plain) == 1
    usual = decode.scans_of(pf.with_scans(11, 17, 0))
    assert 5 < usual < 20
    assert decode.scans_of(pf.with_scans(11, 17, 7)) == usual + 7
    assert decode.scans_of(plain + b"\xff\xda" * 900) == 1, "a film behind the picture"
    comment = b"\xff\xfe" + (2 + 4000).to_bytes(2, "big") + b"\xff\xda" * 2000
    assert decode.scans_of(plain[:2] + comment + plain[2:]) == 1, "words in front of it"
    filled = pf.with_scans(11, 17, 300).replace(b"\xff\xda", b"\xff" * 3 + b"\xda")
    assert decode.scans_of(filled) == usual + 300


def test_many_scans_are_refused_before_they_are_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = decode.scans_of(pf.with_scans(11, 17, 0))
    assert images.load(pf.with_scans(11, 17, decode.MAX_SCANS - usual)).shape == (11, 17, 3)
    monkeypatch.setattr(Image, "open", lambda *_, **__: pytest.fail("opened"))
    for more in (decode.MAX_SCANS - usual + 1, 20_000):
        message = pf.refusal(pf.with_scans(11, 17, more), name="bomb.jpg")
        assert f"a JPEG of {usual + more:,} scans; at most 100 are read" in message


@pytest.mark.slow
def test_what_takes_too_long_is_ended() -> None:
    start = time.monotonic()
    message = refusal(pf.with_scans(8000, 8000, 89), seconds=1, max_pixels=64_000_000)  # seconds for any processor
    assert "takes longer than 1 s to decode" in message
    assert time.monotonic() - start < 30, "a second of a processor, however many others want it"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the limit of memory is the system's; this one is Linux's")
def test_what_takes_too_much_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    data = pf.encoded(np.zeros((2500, 2600, 3), np.uint8), "PNG")
    assert isolated.levels(data, "fits").shape == (2500, 2600, 3)
    monkeypatch.setattr(isolated, "MEMORY", 20_000_000)
    assert "takes more than 20 MB to decode" in refusal(data)


def test_a_decoder_that_crashes_is_a_damaged_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    assert "its decoder crashed" in refusal(pf.encoded(pf.levels(), "PNG"))


@pytest.mark.slow
def test_small_pictures_never_wait_for_large_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolated, "LARGE", 200)
    monkeypatch.setattr(isolated, "_LANES", threading.BoundedSemaphore(1))
    isolated._LANES.acquire()
    large = threading.Thread(target=isolated.levels, args=(pf.encoded(pf.levels(15, 15), "PNG"), "large"))
    large.start()
    assert isolated.levels(pf.encoded(pf.levels(10, 20), "PNG"), "small").shape == (10, 20, 3)
    large.join(1)
    assert large.is_alive(), "one large picture is decoded, another waits"
    isolated._LANES.release()
    large.join(60)
    assert not large.is_alive()
    assert isolated._LANES.acquire(blocking=False), "its place is free again"


@pytest.mark.slow
def test_what_the_decoder_prints_stays_there(capfd: pytest.CaptureFixture[str]) -> None:
    data = bytearray(pf.encoded(pf.smooth(60, 70), "TIFF", compression="tiff_lzw"))
    data[200:220] = bytes(20)
    refusal(bytes(data), "broken.tif")
    assert capfd.readouterr() == ("", "")
