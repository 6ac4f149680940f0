"""Reading a picture from anything a person has, safely: a file, bytes, an upload, a Pillow image or an array.

Every failure is an `ImageError` that says what happened and what to do. Nothing is decoded before the number of
bytes and pixels is known to lie under the limits, so a decompression bomb costs no more than its header.
"""

from __future__ import annotations

import difflib
import io
import os
import stat
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

import numpy as np
from PIL import Image

from deconvviz import storage
from deconvviz.data import _formats
from deconvviz.data.decode import (
    MAX_BYTES,
    MAX_PIXELS,
    check_size,
    label_of,
    levels,
    of_pillow,
    over_white,
    short,
    too_many_bytes,
)
from deconvviz.errors import ImageError
from deconvviz.types import Array, DisplayImage, InputSpec

Source: TypeAlias = str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO | Image.Image | Array

#: Floats this far outside 0..1 are rounding (resampling overshoots by it), not another range; they are clipped.
_ROUNDING = 1e-6
#: Bytes of an array file at most.
MAX_STACK = 1 << 30


def reads_heic() -> bool:
    """Whether pictures in HEIC are read here: where pillow-heif is installed."""
    return _formats.heic_is_read()


def load(
    source: Source, *, max_bytes: int = MAX_BYTES, max_pixels: int = MAX_PIXELS, name: str | None = None
) -> DisplayImage:
    """Reads one picture as an RGB array.

    Files and bytes: JPEG, PNG, BMP, WebP, GIF, AVIF and TIFF (first frame), HEIC where pillow-heif is installed; grey,
    palette, transparent, CMYK, 1-bit and 16-bit (a grey level of 65535 is 1; of 16-bit colour Pillow keeps the upper 8
    bits). The camera's orientation mark is obeyed. Arrays: (H, W), (H, W, 1), (H, W, 3) or (H, W, 4); uint8 of 0..255,
    uint16 of 0..65535, bool, or floats of 0..1, which pass unchanged. Transparent pixels are laid over white. Colour
    profiles are not applied, as in the training of image networks.

    Args:
      source: path, bytes, a file opened in binary mode, a `PIL.Image.Image` or an array (NumPy, JAX).
      max_bytes: largest file; 20 MB.
      max_pixels: largest height times width; 25 million.
      name: what to call the picture in messages, for bytes and files without a name.

    Returns:
      (H, W, 3) float32, 0..1, its own memory.

    Raises:
      ImageError: missing, empty, too large, truncated, damaged, not a picture, or an array of another shape or range.

    >>> load(np.array([[0, 51], [255, 102]], np.uint8))[..., 0].tolist() == np.float32([[0, 0.2], [1, 0.4]]).tolist()
    True
    """
    if isinstance(source, Image.Image):
        label = label_of(name or getattr(source, "filename", "") or "the Pillow image")
        return from_levels(of_pillow(source, label, max_pixels), label, max_pixels)
    if isinstance(source, (str, os.PathLike)):
        data, label = _read_path(source, max_bytes)
    elif isinstance(source, (bytes, bytearray, memoryview)):
        data, label = bytes(source), name or "the picture"
    elif hasattr(source, "__array__"):
        return from_levels(_as_array(source, name or "the array"), name or "the array", max_pixels)
    elif hasattr(source, "read"):
        data, label = _read_file(source, name, max_bytes)
    else:
        raise ImageError(
            f"cannot read a picture from {type(source).__name__} {short(source)}; hand in a path, bytes, "
            "an open file, a Pillow image or an (H, W, 3) array"
        )
    label = f"{label_of(label)} ({len(data):,} bytes)"
    return from_levels(levels(data, label, max_bytes, max_pixels), label, max_pixels)


def from_levels(values: np.ndarray, label: str, max_pixels: int = MAX_PIXELS) -> DisplayImage:
    """The picture of an array of levels, as `load` describes it.

    Raises:
      ImageError: another shape, another range, or too many pixels.
    """
    _check_shape(values, label)
    check_size(values.shape[0], values.shape[1], label, max_pixels)
    if values.ndim == 2:
        values = values[..., None]
    if values.dtype == np.uint8 and values.shape[2] == 4:
        values = over_white(values)  # in bytes, so that resampling stays in bytes
    scaled = _unit_range(values, label)
    if scaled.shape[2] == 4:
        alpha = scaled[..., 3:]
        scaled = scaled[..., :3] * alpha + (1 - alpha)
    if scaled.shape[2] == 1:
        scaled = np.repeat(scaled, 3, axis=2)
    return np.ascontiguousarray(scaled)


def _as_array(source: Any, label: str) -> np.ndarray:
    try:
        return np.asarray(source)
    except Exception as error:  # a tensor on a device, or one that waits for its gradient
        reason = " ".join(str(error).split())[:160]
        raise ImageError(f"{label} cannot be made a NumPy array ({reason}); convert it first") from error


def _check_shape(values: np.ndarray, label: str) -> None:
    shape = values.shape
    if values.size == 0:
        raise ImageError(f"{label} has no pixels: its shape is {shape}; a picture needs at least one row and column")
    if values.ndim in (2, 3) and (values.ndim == 2 or shape[2] in (1, 3, 4)):
        return
    hint = "hand in (H, W, 3), (H, W) or (H, W, 4)"
    if values.ndim == 3 and shape[0] in (1, 3, 4) and shape[2] > 4:
        hint = f"the channels seem to come first: array.transpose(1, 2, 0) has shape {shape[1:] + shape[:1]}"
    elif values.ndim == 4:
        hint = f"this seems to be a batch of {shape[0]}: hand in one picture, array[0]"
    raise ImageError(f"{label} of shape {shape} is not one picture; {hint}")


def _unit_range(values: np.ndarray, label: str) -> np.ndarray:
    """Any accepted number type as a new float32 array in 0..1."""
    if values.dtype.kind == "u" and values.dtype.itemsize <= 2:
        return values / np.float32(np.iinfo(values.dtype).max)
    if values.dtype == np.bool_:
        return values.astype(np.float32)
    if not np.issubdtype(values.dtype, np.floating):
        raise ImageError(
            f"{label} holds {values.dtype} values; which value is white is not known: hand in uint8 of 0..255, "
            "uint16 of 0..65535 or floats of 0..1"
        )
    bad = int(np.count_nonzero(~np.isfinite(values)))
    if bad:
        raise ImageError(
            f"{label} holds {bad:,} values that are NaN or infinite, of {values.size:,}; a division by zero may "
            "have made them: replace them and try again"
        )
    low, high = float(values.min()), float(values.max())
    if low < -_ROUNDING or high > 1 + _ROUNDING:
        hint = "divide by 255" if low >= 0 and 2 < high <= 255 else "scale it, or clip it with np.clip(array, 0, 1)"
        raise ImageError(f"{label} holds floats of {low:g}..{high:g}, but a picture of floats lies in 0..1; {hint}")
    return np.clip(values.astype(np.float32), 0, 1)


def _read_path(source: str | os.PathLike[str], max_bytes: int) -> tuple[bytes, str]:
    text = os.fspath(source)
    if not isinstance(text, str):
        raise ImageError(f"cannot read {short(source)}: a path is text; decode it with os.fsdecode first")
    if not text:
        raise ImageError("the path of the picture is empty; name a JPEG, PNG, WebP or GIF file")
    if text.lower().startswith(("http://", "https://", "data:")):
        raise ImageError(f"{short(text)} is a web address; download the picture first and name the file")
    try:
        status = os.stat(text)
        if stat.S_ISDIR(status.st_mode):
            raise ImageError(f"{short(text)} is a folder; name one picture in it")
        if not stat.S_ISREG(status.st_mode):
            raise ImageError(f"{short(text)} is a device or pipe, not a file; save the picture to a file first")
        label = Path(text).name
        if status.st_size > max_bytes:
            raise ImageError(too_many_bytes(f"{label_of(label)} ({status.st_size:,} bytes)", max_bytes))
        with open(text, "rb") as file:
            return file.read(max_bytes + 1), label
    except FileNotFoundError as error:
        raise ImageError(f"no such file: {short(text)}{_similar(Path(text))}; check the name and folder") from error
    except (OSError, ValueError) as error:
        if isinstance(error, ImageError):
            raise
        reason = getattr(error, "strerror", None) or str(error)
        raise ImageError(f"cannot read {short(text)}: {reason}; check the name and its permissions") from error


def _read_file(file: Any, name: str | None, max_bytes: int) -> tuple[bytes, str]:
    label = name or str(getattr(file, "name", "") or "the picture")
    try:
        if getattr(file, "seekable", lambda: False)():
            file.seek(0)
        data = file.read(max_bytes + 1)
    except (OSError, ValueError) as error:  # a closed file, a text file that is not text
        raise ImageError(f"cannot read {label_of(label)}: {error}; open it anew with open(path, 'rb')") from error
    if not isinstance(data, (bytes, bytearray)):
        raise ImageError(
            f"{label_of(label)} gives {type(data).__name__} instead of bytes; open it in binary mode: open(path, 'rb')"
        )
    return bytes(data), label


def _similar(path: Path) -> str:
    """', did you mean ...?' from the files beside a missing one; nothing where there is no folder or no likeness."""
    try:
        names = [entry.name for entry in os.scandir(path.parent)]
    except (OSError, ValueError):
        return ""
    close = difflib.get_close_matches(path.name, names, n=2, cutoff=0.7)
    return f", did you mean {' or '.join(close)}?" if close else ""


def load_stack(path: Path, spec: InputSpec) -> np.ndarray:
    """Reads an array of any numbers, for a network that takes a number of channels, from a .npy file.

    Args:
      path: what ``numpy.save`` wrote; nothing in it is run.
      spec: the network's input.

    Returns:
      (H, W, channels) float32.

    Raises:
      ImageError: no such file, another kind of file, or an array of another shape.
    """
    requirement = f"the network takes {spec.depth} channels, which come as an array (H, W, {spec.depth}) in a .npy file"
    if path.suffix.lower() != ".npy":
        raise ImageError(f"{requirement}, as numpy.save writes it; got {str(path)!r}")
    data = storage.read_bytes(path, lambda reason: ImageError(f"{path} cannot be read: {reason}"), MAX_STACK)
    try:
        values = np.lib.format.read_array(io.BytesIO(data), allow_pickle=False)
    except (ValueError, MemoryError, OSError, SyntaxError) as error:
        raise ImageError(f"{requirement}; {path} holds no array of numbers that can be read: write it again") from error
    if values.ndim != 3 or values.shape[2] != spec.depth or not np.issubdtype(values.dtype, np.number):
        raise ImageError(f"{requirement}; {path} holds one of shape {values.shape} of {values.dtype}")
    if np.iscomplexobj(values) or not np.isfinite(values).all() or not values.size:
        raise ImageError(f"{requirement}, finite and real; {path} holds others")
    return values.astype(np.float32)
