"""From the bytes of a picture file to its levels, with every limit checked before the work.

It needs NumPy and Pillow alone, so that a process of its own, `isolated`, starts quickly: ``python -m`` of this module
decodes the one picture that comes on standard input.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator
from typing import BinaryIO

import numpy as np
from PIL import Image, UnidentifiedImageError

from deconvviz.data import _formats
from deconvviz.errors import ImageError

MAX_BYTES = 20_000_000
MAX_PIXELS = 25_000_000
#: Scans of the longest JPEG that is read. Usual progressive files have about ten, and each costs a pass over all
#: pixels, however few bytes it has.
MAX_SCANS = 100
_SILENCED = threading.Lock()
# Without any handler Python would print what Pillow logs of damaged files; who sets one still gets it.
logging.getLogger("PIL").addHandler(logging.NullHandler())
#: Rows that are laid over white at once.
_ROWS = 256
_ORIENTATION = 0x0112
_SCAN, _END = 0xDA, 0xD9
#: Markers of a JPEG without a length: stuffing, restarts, the start, and one reserved for arithmetic coding.
_BARE = {0x00, 0x01, *range(0xD0, 0xD9)}


def levels(
    data: bytes,
    label: str,
    max_bytes: int = MAX_BYTES,
    max_pixels: int = MAX_PIXELS,
    before: Callable[[int, int], None] | None = None,
) -> np.ndarray:
    """The picture as it is stored, upright: (H, W), (H, W, 3) or (H, W, 4) of uint8, uint16, bool or float.

    Args:
      data: the file.
      label: what to call it in messages.
      max_bytes, max_pixels: see `images.load`.
      before: called with height and width once they are known to lie under the limits, before anything is decoded.

    Raises:
      ImageError: empty, too large, damaged, or not a picture.
    """
    if not data:
        raise ImageError(f"{label} is empty; perhaps a download or copy was cut short: get the file again")
    if len(data) > max_bytes:
        raise ImageError(too_many_bytes(label, max_bytes))
    scans = scans_of(data)
    if scans > MAX_SCANS:
        raise ImageError(
            f"{label} is a JPEG of {scans:,} scans; at most {MAX_SCANS} are read, because each costs a pass over the "
            "whole picture; open it in an image editor and save it again"
        )
    try:
        picture = Image.open(io.BytesIO(data), formats=_formats.readable(data))
    except MemoryError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageError(
            f"{label} unpacks to far more than the {max_pixels:,} pixels allowed; make it smaller and try again"
        ) from error
    except UnidentifiedImageError as error:
        raise ImageError(f"{label} {_formats.what_else(data)}") from error
    except Exception as error:  # Pillow's decoders raise almost anything on damaged headers
        raise ImageError(_damaged(label, error)) from error
    with picture:
        return of_pillow(picture, label, max_pixels, before)


def of_pillow(
    picture: Image.Image, label: str, max_pixels: int, before: Callable[[int, int], None] | None = None
) -> np.ndarray:
    """The same of a Pillow image, opened or made."""
    width, height = picture.size
    check_size(height, width, label, max_pixels)
    if before is not None:
        before(height, width)
    try:
        with _silent() if picture.format == "TIFF" else contextlib.nullcontext():
            picture.load()
        values = _pixels(picture, label)
        orientation = _orientation(picture)
    except (ImageError, MemoryError):
        raise
    except Exception as error:  # as above: SyntaxError, struct.error, EOFError, zlib.error, ...
        raise ImageError(_damaged(label, error)) from error
    values = _upright(values, orientation)
    return over_white(values) if values.dtype == np.uint8 and values.ndim == 3 and values.shape[2] == 4 else values


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Send to nowhere what libtiff writes to the process's standard error, which no setting of Pillow stops."""
    with _SILENCED:
        try:
            stderr = os.dup(2)
        except OSError:  # it is closed
            yield
            return
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, 2)
            yield
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
            os.close(nowhere)


def scans_of(data: bytes) -> int:
    """Scans of a JPEG, up to its end; 0 of anything else. The cost is that of looking for a byte.

    >>> scans_of(bytes.fromhex("ffd8 ffda 0002 05ff00 ffd9 ffda")), scans_of(b"BM")
    (1, 0)
    """
    if not data.startswith(b"\xff\xd8"):
        return 0
    scans, at = 0, 2
    while (at := data.find(b"\xff", at)) >= 0 and at + 1 < len(data):
        marker = data[at + 1]
        if marker == 0xFF:  # any number of them may stand before a marker
            at += 1
        elif marker in _BARE:
            at += 2
        elif marker == _END:
            break
        else:
            scans += marker == _SCAN
            at += 2 + max(2, int.from_bytes(data[at + 2 : at + 4], "big"))
    return scans


def check_size(height: int, width: int, label: str, max_pixels: int) -> None:
    """Refuses a picture without pixels, or with too many.

    Raises:
      ImageError: says the size.
    """
    if height < 1 or width < 1:
        raise ImageError(f"{label} has no pixels: it is {height} x {width}; get the picture again from where it came")
    if height * width > max_pixels:
        raise ImageError(
            f"{label} is {height} x {width} = {height * width:,} pixels; at most {max_pixels:,} are read "
            "so that one picture cannot fill the memory; make it smaller and try again"
        )


def over_white(rgba: np.ndarray) -> np.ndarray:
    """(H, W, 3) bytes of (H, W, 4), laid over white."""
    result = np.ascontiguousarray(rgba[..., :3])
    for start in range(0, len(rgba), _ROWS):
        alpha = rgba[start : start + _ROWS, :, 3:].astype(np.uint16)
        if alpha.min() < 255:
            colours = rgba[start : start + _ROWS, :, :3]
            result[start : start + _ROWS] = (colours * alpha + 255 * (255 - alpha) + 127) // 255
    return result


def too_many_bytes(label: str, max_bytes: int) -> str:
    """Why a file is refused that is too large."""
    return (
        f"{label} is larger than the {max_bytes:,} bytes allowed; make the picture smaller; "
        "save it as JPEG or PNG and try again"
    )


def label_of(name: object) -> str:
    """A name for messages: quoted where it is the user's, one line, not endless."""
    text = " ".join(str(name).split())
    return text if text.startswith("the ") else short(text)


def short(value: object) -> str:
    """A value as Python writes it, cut in the middle where it is long."""
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:80]}...{text[-30:]}"


def _pixels(picture: Image.Image, label: str) -> np.ndarray:
    """Pixels as (H, W), (H, W, 3) or (H, W, 4), without losing 16-bit depth."""
    mode = picture.mode
    if mode.startswith("I;16"):
        return np.asarray(picture)
    if mode == "I":
        values = np.asarray(picture)
        if values.min() < 0 or values.max() > 65535:
            raise ImageError(
                f"{label} has 32-bit grey levels of {values.min()}..{values.max()}, for which no white is agreed; "
                "save it with 16 or 8 bits"
            )
        return values.astype(np.uint16)
    if mode in ("F", "L", "RGB") and "transparency" not in picture.info:
        return np.asarray(picture)
    transparent = picture.has_transparency_data
    return np.asarray(picture.convert("RGBA" if transparent else "RGB"))


def _orientation(picture: Image.Image) -> int:
    """The camera's orientation mark, 1..8; 1 where there is none or where the marks are damaged."""
    try:
        value = picture.getexif().get(_ORIENTATION, 1)
    except Exception:  # damaged EXIF: the pixels are fine, so show them as stored
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _upright(values: np.ndarray, orientation: int) -> np.ndarray:
    """Undoes an EXIF orientation: 2-4 flip, 5-8 also swap rows and columns."""
    if orientation >= 5:
        values = values.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        values = values[::-1]
    if orientation in (2, 3, 6, 7):
        values = values[:, ::-1]
    return values


def _damaged(label: str, error: Exception) -> str:
    reason = " ".join(str(error).split()) or type(error).__name__
    return (
        f"{label} is damaged or cut short ({reason[:160]}); perhaps a download or copy did not finish: "
        "get the file again, or open it in an image editor and save it as PNG"
    )


def serve(source: BinaryIO, sink: BinaryIO) -> None:
    """Decode one picture for the process that started this one.

    In comes a line of JSON with "bytes", "label", "max_bytes", "max_pixels", "memory" and "seconds", and the file. Out
    goes a line with "height" and "width"; when another line has come in, a line with "shape" and "dtype" and the
    pixels; in place of either line, one with "error".
    """
    request = json.loads(source.readline())
    data = source.read(request["bytes"])
    _limit(request["memory"], request["seconds"])

    def send(**record: object) -> None:
        sink.write(json.dumps(record).encode() + b"\n")
        sink.flush()

    def before(height: int, width: int) -> None:
        send(height=height, width=width)
        if not source.readline():
            raise SystemExit(1)

    try:
        values = np.ascontiguousarray(
            levels(data, request["label"], request["max_bytes"], request["max_pixels"], before)
        )
    except ImageError as error:
        send(error=str(error))
        return
    except MemoryError:
        send(
            error=f"{request['label']} takes more than {request['memory'] // 1_000_000:,} MB to decode; make it smaller"
        )
        return
    send(shape=values.shape, dtype=values.dtype.str)
    sink.write(values.data.cast("B"))
    sink.flush()


def _limit(memory: int, seconds: int) -> None:
    """Let this process take so many more bytes and seconds of a processor, and come after every other one."""
    try:
        import resource
    except ImportError:  # Windows: the process that started this one watches the time
        return
    os.nice(10)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            now = int(file.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (now + memory,) * 2)
    except (OSError, ValueError):  # where there is no /proc, the limits of bytes and pixels have to do
        return


if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer)
