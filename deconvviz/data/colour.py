"""Brightness and colour apart: YCbCr as BT.601 has it and MATLAB's `rgb2ycbcr` computes it, Y in 16..235 of 255.

Super-resolution is measured on Y alone.
"""

from __future__ import annotations

import numpy as np
from skimage.color import rgb2ycbcr, ycbcr2rgb

from deconvviz.errors import ImageError
from deconvviz.types import Array, DisplayImage


def to_ycbcr(picture: Array) -> np.ndarray:
    """Red, green and blue as brightness and two colour differences.

    Formula: ``(Y, Cb, Cr) = T (R, G, B) + (16, 128, 128) / 255``.

    Args:
      picture: (H, W, 3), 0..1.

    Returns:
      (H, W, 3) float64: Y of 16/255 (black) to 235/255 (white), Cb and Cr of 16/255 to 240/255, 128/255 for grey.

    Raises:
      ImageError: another shape.

    Source: itu2011bt601

    >>> (255 * to_ycbcr(np.array([[[0, 0, 0], [1, 1, 1], [0, 0, 1]]]))).round(2).tolist()
    [[[16.0, 128.0, 128.0], [235.0, 128.0, 128.0], [40.97, 240.0, 109.79]]]
    """
    return np.asarray(rgb2ycbcr(_three(picture)), np.float64) / 255


def from_ycbcr(values: Array) -> DisplayImage:
    """The inverse of `to_ycbcr`, clipped to colours that exist.

    Args:
      values: (H, W, 3) Y, Cb, Cr as `to_ycbcr` gives them.

    Returns:
      (H, W, 3) float32, 0..1.

    Raises:
      ImageError: another shape.

    >>> from_ycbcr(to_ycbcr(np.array([[[0.25, 0.5, 1.0]]]))).round(4).tolist()
    [[[0.25, 0.5, 1.0]]]
    """
    return np.clip(ycbcr2rgb(255 * _three(values)), 0, 1).astype(np.float32)


def is_grey(picture: Array) -> bool:
    """Whether red, green and blue are equal everywhere.

    >>> is_grey(np.full((2, 3, 3), 0.5)), is_grey(np.arange(3.0).reshape(1, 1, 3))
    (True, False)
    """
    values = _three(picture)
    return bool((values == values[..., :1]).all())


def brightness(picture: Array) -> np.ndarray:
    """What super-resolution is measured on: Y in whole steps of 1/255; a picture that is grey already, as it is.

    Converting a grey picture to colour and back would squeeze it into 16..235 and flatter the figures.

    Args:
      picture: (H, W, 3), 0..1.

    Returns:
      (H, W) float64.

    Raises:
      ImageError: another shape.

    >>> (255 * brightness(np.array([[[1, 1, 1], [0, 0, 1.0]]]))).tolist(), brightness(np.ones((1, 2, 3))).tolist()
    ([[235.0, 41.0]], [[1.0, 1.0]])
    """
    values = _three(picture)
    return np.rint(255 * (values[..., 0] if is_grey(values) else to_ycbcr(values)[..., 0])) / 255


def _three(picture: Array) -> np.ndarray:
    values = np.asarray(picture, np.float64)
    if values.ndim != 3 or values.shape[2] != 3:
        raise ImageError(f"a picture in colour is (H, W, 3); got an array of shape {values.shape}")
    return values
