"""From a picture to what a network is fed, and a map with respect to that input back to a picture's channels.

`fit_image` brings a picture to the network's size, `model_input` gives it the declared range and channel order,
`signed_rgb` and `display` go back. Evaluation of a data set and the app use the same functions.
"""

from __future__ import annotations

import math

import numpy as np
from PIL import Image

from deconvviz.errors import ImageError
from deconvviz.types import Array, DisplayImage, InputSpec, ModelInput, SignedMap, Size

#: Weights of red, green and blue in the grey of "L" networks (ITU-R BT.601, as Pillow and scikit-image use them).
LUMA = (0.299, 0.587, 0.114)
#: A value this close to a whole level of 255 counts as a byte (float32 division on any device stays well inside).
_LEVEL_TOLERANCE = 1e-3
#: As far outside 0..1 as rounding may put a value.
_ROUNDING = 1e-6
#: Values that are looked at in one go.
_CHUNK = 60_000


def fit_image(image: Array, spec: InputSpec) -> DisplayImage:
    """Brings a picture to the size that a network declares.

    A picture of exactly that size comes back with the same values. Otherwise it is resampled with Pillow's bilinear
    filter, whose support grows when shrinking (antialiased). "crop" scales it until it covers the size (shorter side
    to `spec.resize`, where given) and keeps the centre; "stretch" scales rows and columns separately, to the size or,
    where `spec.resize` is given, to a multiple of it whose shorter side is that, of which it keeps the centre.

    Where all values are whole levels of 255, as in every 8-bit file, Pillow resamples bytes: the fast way, and
    what training does. Other values are resampled as float32; the two differ by less than 1.5 levels.

    Args:
      image: (H, W, 3), 0..1, as `images.load` returns it; or the bytes themselves, uint8 of 0..255, for the same result
        with a quarter of the memory.
      spec: the network's input.

    Returns:
      (spec.size[0], spec.size[1], 3) float32, 0..1.

    Raises:
      ImageError: not an (H, W, 3) array of floats or bytes, empty, or values outside 0..1.

    >>> fit_image(np.full((30, 45, 3), 0.25, np.float32), InputSpec(size=(8, 6))).shape
    (8, 6, 3)
    """
    return _fitted(_checked(image), spec)


def _fitted(image: np.ndarray, spec: InputSpec, picture: bool = True) -> np.ndarray:
    if image.shape[:2] == tuple(spec.size):
        return image / np.float32(255) if image.dtype == np.uint8 else image
    rows, columns = image.shape[:2]
    scaled = _scaled_size((rows, columns), spec)
    top, bottom = _window(rows, scaled[0], spec.size[0])
    left, right = _window(columns, scaled[1], spec.size[1])
    # Pillow gets only what the filter reads: a strip of 1 x 20,000,000 pixels costs no more than its centre.
    row_range = _read_range(top, bottom, rows, scaled[0])
    column_range = _read_range(left, right, columns, scaled[1])
    part = image[slice(*row_range), slice(*column_range)]
    box = (left - column_range[0], top - row_range[0], right - column_range[0], bottom - row_range[0])
    return _resample(part, spec.size, box, picture)


def at_most(image: Array, longer: int) -> DisplayImage:
    """The picture itself, or, where a side is longer than that, the whole of it made smaller; its shape stays.

    Args:
      image: (H, W, 3), 0..1.
      longer: pixels of the longer side.

    Returns:
      (h, w, 3) float32, 0..1.

    Raises:
      ImageError: as for `fit_image`.

    >>> at_most(np.zeros((30, 90, 3), np.float32), 60).shape
    (20, 60, 3)
    """
    height, width = image.shape[:2]
    share = min(1.0, longer / max(height, width))
    return fit_image(
        image, InputSpec(size=(max(1, round(height * share)), max(1, round(width * share))), fit="stretch")
    )


def model_input(image: Array, spec: InputSpec) -> ModelInput:
    """The batch of one that a network is fed: ``(fit_image(image) * scale - mean) / std`` in the network's channels.

    "BGR" reverses the channels; "L" mixes them by BT.601 luma, ``0.299 R + 0.587 G + 0.114 B``.

    Args:
      image: (H, W, 3), 0..1, of any size; (H, W, channels) of any numbers where the network takes a number of channels.
      spec: the network's input; mean and std are in the order of its channels.

    Returns:
      (1, spec.size[0], spec.size[1], spec.depth) float32.

    Raises:
      ImageError: as `fit_image`.

    >>> spec = InputSpec(size=(1, 1), mean=(1.0, 2.0, 3.0), scale=255.0, channels="BGR")
    >>> model_input(np.array([[[1.0, 0.0, 0.0]]], np.float32), spec).tolist()
    [[[[-1.0, -2.0, 252.0]]]]
    """
    mean, std = np.array(spec.mean, np.float32), np.array(spec.std, np.float32)
    fitted = fit_image(image, spec) if spec.is_picture else _fitted(_checked_stack(image, spec), spec, picture=False)
    if spec.channels == "BGR":
        fitted = fitted[..., ::-1]
    elif spec.channels == "L":
        fitted = (fitted @ np.array(LUMA, np.float32))[..., None]
    return ((fitted * np.float32(spec.scale) - mean) / std)[None]


def signed_rgb(signed: Array, spec: InputSpec) -> SignedMap:
    """Puts a map taken with respect to the model input into RGB order, so that it lies on the picture.

    "BGR" is reversed; the one channel of "L" is repeated. Of a number of channels, the three of `spec.shown` are
    taken, or their sum is repeated. Values are not scaled.

    Args:
      signed: (..., H, W, C) with C the channels of the model input.
      spec: the network's input.

    Returns:
      (..., H, W, 3) float32.

    Raises:
      ImageError: the last axis is not the model's channels.

    >>> signed_rgb(np.array([[[1.0, 2.0, 3.0]]]), InputSpec(size=(1, 1), channels="BGR")).tolist()
    [[[3.0, 2.0, 1.0]]]
    """
    values = np.asarray(signed, np.float32)
    if values.ndim < 3 or values.shape[-1] != spec.depth:
        raise ImageError(
            f"a map of a network with channels={spec.channels!r} has {spec.depth} on its last axis; "
            f"got an array of shape {values.shape}; hand in (H, W, {spec.depth})"
        )
    if spec.shown is not None:
        return values[..., list(spec.shown)]
    if spec.channels == "L" or not spec.is_picture:
        return np.repeat(values.sum(-1, keepdims=True), 3, axis=-1)
    return values[..., ::-1] if spec.channels == "BGR" else values


def display(model_values: Array, spec: InputSpec) -> DisplayImage:
    """The picture that a model input shows: ``(x * std + mean) / scale`` in RGB, clipped to 0..1.

    Of a number of channels, the three of `spec.shown`, or their mean.

    Args:
      model_values: (H, W, C) or (1, H, W, C) in the network's range.
      spec: the network's input.

    Returns:
      (H, W, 3) float32, 0..1.

    Raises:
      ImageError: more than one image, or the last axis is not the model's channels.

    >>> spec = InputSpec(size=(1, 1), mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25))
    >>> display(np.array([[[-1.0, 0.0, 9.0]]]), spec).tolist()
    [[[0.25, 0.5, 1.0]]]
    """
    values = np.asarray(model_values, np.float32)
    if values.ndim == 4 and values.shape[0] == 1:
        values = values[0]
    if values.ndim != 3:
        raise ImageError(f"display takes one image, (H, W, C) or (1, H, W, C); got an array of shape {values.shape}")
    mean, std = np.array(spec.mean, np.float32), np.array(spec.std, np.float32)
    share = 1 if spec.is_picture or spec.shown is not None else spec.depth
    return np.clip(signed_rgb((values * std + mean) / np.float32(spec.scale), spec) / np.float32(share), 0.0, 1.0)


def _checked(image: Array) -> np.ndarray:
    values = np.asarray(image)
    if values.dtype == np.uint8 and values.ndim == 3 and values.shape[2] == 3 and values.size:
        return values
    if values.ndim != 3 or values.shape[2] != 3 or not np.issubdtype(values.dtype, np.floating) or not values.size:
        raise ImageError(
            "expected a picture as an (H, W, 3) array of floats in 0..1, or of bytes; "
            f"got shape {values.shape} of {values.dtype}; "
            "deconvviz.data.images.load makes one from a file, bytes or any array"
        )
    low, high = float(values.min()), float(values.max())
    if not (low >= -_ROUNDING and high <= 1 + _ROUNDING):  # NaN is neither
        raise ImageError(
            f"the values of a picture lie in 0..1; these run from {low:g} to {high:g}; "
            "scale them, clip them with np.clip(image, 0, 1), or replace what is NaN"
        )
    return values.astype(np.float32, copy=False)


def _checked_stack(image: Array, spec: InputSpec) -> np.ndarray:
    """An array with a number of channels, as float32."""
    values = np.asarray(image)
    number = np.issubdtype(values.dtype, np.floating) or np.issubdtype(values.dtype, np.integer)
    fits = values.ndim == 3 and values.shape[2] == spec.depth and values.size
    if not fits or not number or not np.isfinite(values).all():
        raise ImageError(
            f"the network takes {spec.depth} channels: hand in an (H, W, {spec.depth}) array of finite numbers; got "
            f"shape {values.shape} of {values.dtype}"
        )
    return values.astype(np.float32)


def _scaled_size(source: Size, spec: InputSpec) -> Size:
    """Size of the whole picture after scaling, of which the spec's size is the centre."""
    if spec.fit == "stretch":
        factor = max(1.0, (spec.resize or 0) / min(spec.size))
        return round(spec.size[0] * factor), round(spec.size[1] * factor)
    scale = max(target / length for target, length in zip(spec.size, source, strict=True))
    if spec.resize is not None:
        scale = max(scale, spec.resize / min(source))
    rows, columns = (max(target, round(length * scale)) for target, length in zip(spec.size, source, strict=True))
    return rows, columns


def _window(source: int, scaled: int, size: int) -> tuple[float, float]:
    """The centre `size` of `scaled` pixels on one axis, in pixels of the source."""
    start = (scaled - size) // 2
    return start * source / scaled, (start + size) * source / scaled


def _read_range(low: float, high: float, source: int, scaled: int) -> tuple[int, int]:
    """Source pixels that the filter reads for a window: its support is one output pixel, at least one input pixel."""
    margin = math.ceil(max(1.0, source / scaled)) + 1
    return max(0, math.floor(low) - margin), min(source, math.ceil(high) + margin)


def _resample(part: np.ndarray, size: Size, box: tuple[float, float, float, float], picture: bool) -> np.ndarray:
    out = (size[1], size[0])
    levels = None
    if picture:
        levels = np.ascontiguousarray(part) if part.dtype == np.uint8 else _whole_levels(part)
    if levels is not None:
        return np.asarray(Image.fromarray(levels).resize(out, Image.Resampling.BILINEAR, box)) / np.float32(255)
    planes = [
        np.asarray(Image.fromarray(np.ascontiguousarray(part[..., c])).resize(out, Image.Resampling.BILINEAR, box))
        for c in range(part.shape[-1])
    ]
    return np.clip(np.stack(planes, axis=-1), 0.0, 1.0) if picture else np.stack(planes, axis=-1)


def _whole_levels(part: DisplayImage) -> np.ndarray | None:
    """The bytes that a picture of floats was made from; None where a value is no whole level of 255.

    A few rows at a time, so that they stay in the processor's cache.
    """
    result = np.empty(part.shape, np.uint8)
    step = max(1, _CHUNK // part[0].size)
    for start in range(0, len(part), step):
        shifted = part[start : start + step] * np.float32(255) + np.float32(0.5)
        whole = shifted.astype(np.uint8)
        shifted -= whole  # 0.5 exactly on a level
        if shifted.min() < 0.5 - _LEVEL_TOLERANCE or shifted.max() > 0.5 + _LEVEL_TOLERANCE:
            return None
        result[start : start + step] = whole
    return result
