"""Pixels for the screen: arrays in 0..1 or centred on zero become PNG files and data addresses. Pure functions."""

from __future__ import annotations

import base64
import io
from dataclasses import replace

import numpy as np
from PIL import Image

from deconvviz.data.preprocess import display, fit_image
from deconvviz.figures import files
from deconvviz.figures.scale import (
    DIVERGING_LEVELS,
    colour_rgb,
    diverging_lut,
    diverging_rgb,
    sequential_rgb,
    signed_limit,
    to_plane,
)
from deconvviz.types import Box, DisplayImage, InputSpec, SignedMap

#: The photograph is shown this many times finer than the network sees it.
FINER = 4


def png(pixels: np.ndarray, level: int = 1) -> bytes:
    """A PNG file of (H, W, 3) or (H, W) uint8 pixels."""
    return files.png_bytes(pixels, compress_level=level)


def jpeg(pixels: np.ndarray) -> bytes:
    """A JPEG file of a photograph, (H, W, 3) uint8."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=90)
    return stream.getvalue()


def address(file: bytes) -> str:
    """A data address of a PNG, JPEG or WebP file, for the src of an image."""
    kind = "png" if file.startswith(b"\x89PNG") else "webp" if file.startswith(b"RIFF") else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(file).decode()}"


def to_bytes(image: DisplayImage) -> np.ndarray:
    """0..1 to 0..255, rounded.

    >>> to_bytes(np.array([[[0.0, 0.5, 1.0]]])).tolist()
    [[[0, 128, 255]]]
    """
    return np.rint(255 * np.clip(image, 0, 1)).astype(np.uint8)


def on_screen(image: DisplayImage, spec: InputSpec) -> DisplayImage:
    """The part of a picture that the network sees, finer than it sees it.

    Returns:
      (FINER * H, FINER * W, 3) float32, 0..1, with (H, W) the network's size.
    """
    resize = None if spec.resize is None else FINER * spec.resize
    rows, columns = spec.size
    return fit_image(image, replace(spec, size=(FINER * rows, FINER * columns), resize=resize))


def is_signed_sum(pixels: np.ndarray) -> bool:
    """Whether a picture is a signed map from blue to red around white: no other has its colours alone.

    Args:
      pixels: (H, W, 3) uint8.

    >>> is_signed_sum(diverging_rgb(np.array([[-1.0, 0.0, 0.3]]), 1.0))
    True
    """
    place = (1 << 16, 1 << 8, 1)
    return bool(np.isin(pixels.astype(np.int64) @ place, diverging_lut().astype(np.int64) @ place).all())


def crop(image: np.ndarray, box: Box, scale: int = 1) -> np.ndarray:
    """The pixels of a box (top, left, bottom, right), whose sides are multiplied by `scale`."""
    top, left, bottom, right = (scale * side for side in box)
    return image[top:bottom, left:right]


def largest(signed: SignedMap, summed: bool) -> float:
    """The largest magnitude that a picture of the map has to show: of any colour, or of the sum over colours."""
    return signed_limit(to_plane(signed) if summed else signed)


def signed_pixels(signed: SignedMap, limit: float, summed: bool) -> np.ndarray:
    """A signed map as (H, W, 3) uint8: colour around grey, or the sum over colours from blue to red."""
    return diverging_rgb(to_plane(signed), limit) if summed else colour_rgb(signed, limit)


def heat_pixels(values: np.ndarray) -> np.ndarray:
    """Non-negative (h, w) values from 0 to the largest as (h, w, 3) uint8."""
    return sequential_rgb(values, 0.0, float(values.max(initial=0.0)))


def gradient_stops(count: int = 17) -> str:
    """The map from blue to red as the stops of a CSS gradient, lowest first."""
    table = diverging_lut()[np.linspace(0, DIVERGING_LEVELS - 1, count).round().astype(int)]
    return ", ".join(f"rgb({r} {g} {b})" for r, g, b in table)


def larger(pixels: np.ndarray, times: int) -> np.ndarray:
    """Every pixel as a square of so many: (H, W, ...) -> (times H, times W, ...)."""
    return pixels.repeat(times, axis=0).repeat(times, axis=1)


def shown_input(x: np.ndarray, spec: InputSpec, times: int = 2) -> np.ndarray:
    """A model input (1, H, W, C) as the picture that it is, every pixel a square of so many: uint8."""
    return larger(to_bytes(display(np.asarray(x, np.float32), spec)), times)


def hundredths(value: float) -> str:
    """A number with two decimals and a true minus.

    >>> hundredths(-0.254), hundredths(1.0)
    ('−0.25', '1.00')
    """
    return f"{value:.2f}".replace("-", "−")


def number(value: float) -> str:
    """A number for people: three figures, powers of ten only where they are shorter.

    >>> number(0.0), number(2.3456), number(-0.0000312), number(123456.0), number(9999.0)
    ('0', '2.35', '−3.1e−5', '1.2e5', '9999')
    """
    if value == 0:
        return "0"
    if 0.001 <= abs(value) < 10000:
        text = f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    else:
        mantissa, power = f"{value:.1e}".split("e")
        text = f"{mantissa}e{int(power)}"
    return text.replace("-", "−")
