"""Pictures as the bytes of files, for the tests of decoding."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image

from deconvviz.data import images
from deconvviz.errors import ImageError

ROWS, COLUMNS = 11, 17


def levels(rows: int = ROWS, columns: int = COLUMNS, channels: int = 3, seed: int = 0) -> np.ndarray:
    """Random bytes, (rows, columns, channels), or (rows, columns) for one channel."""
    values = np.random.default_rng(seed).integers(0, 256, (rows, columns, channels), dtype=np.uint8)
    return values[..., 0] if channels == 1 else values


def smooth(rows: int = ROWS, columns: int = COLUMNS) -> np.ndarray:
    """A colour gradient that survives lossy formats."""
    r, c = np.mgrid[:rows, :columns]
    planes = [60 + 150 * r / rows, 40 + 180 * c / columns, np.full(r.shape, 128)]
    return np.rint(np.stack(planes, axis=-1)).astype(np.uint8)


def encoded(picture: Image.Image | np.ndarray, format: str, **options: Any) -> bytes:
    """The bytes of a file of that format."""
    stream = io.BytesIO()
    picture = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    picture.save(stream, format, **options)
    return stream.getvalue()


def png(height: int, width: int, *parts: tuple[bytes, bytes]) -> bytes:
    """A PNG of 8-bit colour made of these (name, content) parts between its header and its end."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in ((b"IHDR", header), *parts, (b"IEND", b""))
    )


def png_claiming(height: int, width: int) -> bytes:
    """A small PNG whose header claims any size; its pixel data is a few bytes."""
    return png(height, width, (b"IDAT", zlib.compress(bytes(64))))


def gif_claiming(height: int, width: int) -> bytes:
    """A GIF of several frames whose screen claims any size."""
    data = bytearray(encoded(levels(channels=1), "GIF", save_all=True, append_images=[Image.new("L", (3, 2))] * 3))
    data[6:10] = struct.pack("<HH", width, height)
    return bytes(data)


def with_scans(rows: int, columns: int, more: int) -> bytes:
    """A progressive JPEG whose last scan, of some tens of bytes, comes so many times more."""
    data = encoded(np.zeros((rows, columns, 3), np.uint8), "JPEG", progressive=True)
    return data[:-2] + data[data.rfind(b"\xff\xda") : -2] * more + data[-2:]


def refusal(source: Any, **options: Any) -> str:
    """The one-line message with which a source is refused."""
    with pytest.raises(ImageError) as caught:
        images.load(source, **options)
    message = str(caught.value)
    assert "\n" not in message
    assert "Traceback" not in message
    return message


def same(loaded: np.ndarray, expected: np.ndarray) -> None:
    """Asserts equal float32 pixels."""
    assert loaded.dtype == np.float32
    np.testing.assert_array_equal(loaded, expected)
