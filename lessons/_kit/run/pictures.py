"""The pictures of the app: those of the gallery and those that people bring, at their own size and at a network's."""

from __future__ import annotations

import functools
import threading
import weakref
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import numpy as np

from deconvviz.data import images, isolated, samples
from deconvviz.data.preprocess import fit_image, model_input
from deconvviz.types import DisplayImage, InputSpec
from lessons._kit.draw.pixels import on_screen
from lessons._kit.run import cache
from lessons._kit.run.networks import Loaded

#: The photographs of the gallery, which tables and curves of several pictures are of.
PHOTOS = tuple(id for id, known in samples.SAMPLES.items() if known.kind == "photo")
#: Pictures that are kept at a network's size.
CACHED = 16
#: Bytes of the pixels of uploads that are kept; the largest has 75 MB.
ROOM = 300_000_000
#: Bytes of the largest upload.
MAX_UPLOAD = 8_000_000


@dataclass(frozen=True, eq=False)
class Picture:
    """Where a picture comes from; its pixels are made when needed.

    Attributes:
      id: of the sample; None for an upload.
      title: for people.
      alt: what is on it; "" if nobody said.
      digest: SHA-256 of the file, or of the name of the sample.
      file: the uploaded bytes; b"" for a sample.
    """

    id: str | None
    title: str
    alt: str
    digest: str
    file: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, eq=False)
class Fitted:
    """A picture as the network sees it, (H, W, 3), and the same part finer for the screen."""

    model: DisplayImage
    screen: DisplayImage


def sample(id: str) -> Picture:
    """A picture of the gallery."""
    known = samples.SAMPLES[id]
    return Picture(id, known.title, known.alt, sha256(f"sample {id}".encode()).hexdigest())


def upload(file: bytes, name: str) -> Picture:
    """A picture that a person brings, decoded here once, in a process of its own; its pixels stay for what is drawn.

    Raises:
      ImageError: too large, damaged, not a picture, or one whose decoding takes too long.
    """
    picture = Picture(None, name, "", sha256(file).hexdigest(), file)
    _UPLOADS.pixels(picture)
    return picture


def decoded(picture: Picture) -> DisplayImage:
    """The picture at its own size, (H, W, 3) float32 in 0..1."""
    pixels = whole(picture)
    return images.from_levels(pixels, picture.title) if pixels.dtype == np.uint8 else pixels


def whole(picture: Picture) -> np.ndarray:
    """The picture at its own size, (H, W, 3): bytes where they say it all, else float32 in 0..1."""
    return samples.load(picture.id) if picture.id else _UPLOADS.pixels(picture)


class Uploads:
    """The pixels of uploads, shared by who brought the same file, as long as their sessions live and there is room.

    What had to give way to others is decoded again when it is asked for.

    Args:
      room: bytes of pixels that are kept.
    """

    def __init__(self, room: int) -> None:
        self.room = room
        #: Re-entrant, because a session's last picture may be collected while it is held.
        self._lock = threading.RLock()
        #: The one asked for longest ago comes first.
        self._pixels: dict[str, np.ndarray] = {}
        #: Who decodes a file at this moment, for those who bring the same.
        self._decoding: dict[str, threading.Lock] = {}
        self._owners: dict[str, weakref.WeakSet[Picture]] = {}

    @property
    def size(self) -> int:
        """Bytes that are kept."""
        with self._lock:
            return sum(pixels.nbytes for pixels in list(self._pixels.values()))

    def pixels(self, picture: Picture) -> np.ndarray:
        """(H, W, 3), read-only: uint8, or float32 in 0..1 where bytes do not say it all.

        Raises:
          ImageError: a file that is refused.
        """
        digest = picture.digest
        with self._lock:
            owners = self._owners.setdefault(digest, weakref.WeakSet())
            if picture not in owners:
                owners.add(picture)
                weakref.finalize(picture, self._left, digest).atexit = False
            decoding = self._decoding.setdefault(digest, threading.Lock())
        with decoding:
            known = self._find(digest)
            return known if known is not None else self._keep(digest, _decode(picture))

    def _find(self, digest: str) -> np.ndarray | None:
        with self._lock:
            pixels = self._pixels.pop(digest, None)
            if pixels is not None:
                self._pixels[digest] = pixels
            return pixels

    def _keep(self, digest: str, pixels: np.ndarray) -> np.ndarray:
        with self._lock:
            self._pixels[digest] = pixels
            for oldest in list(self._pixels)[:-1]:
                if self.size <= self.room:
                    break
                self._pixels.pop(oldest, None)
        return pixels

    def _left(self, digest: str) -> None:
        """One of the pictures of a file is gone, and with the last of them its pixels."""
        with self._lock:
            if next(iter(self._owners.get(digest, ())), None) is None:
                for table in (self._owners, self._pixels, self._decoding):
                    table.pop(digest, None)


_UPLOADS = Uploads(ROOM)


def _decode(picture: Picture) -> np.ndarray:
    levels = isolated.levels(picture.file, picture.title, max_bytes=MAX_UPLOAD)
    if levels.dtype == np.uint8:
        return frozen(levels if levels.ndim == 3 else np.repeat(levels[..., None], 3, axis=2))
    return frozen(images.from_levels(levels, picture.title))


def fitted(loaded: Loaded, picture: Picture) -> Fitted:
    """The picture at the network's size, kept for the last `CACHED` pictures."""
    return _fitted(picture.digest, repr(loaded.network.input_spec), loaded.network.input_spec, picture)


@functools.cache
def small_grey(name: str, side: int) -> np.ndarray:
    """A built-in photograph's middle square, grey, made smaller by means of blocks: (side, side) from 0 to 1.

    >>> small_grey("cat", 64).shape
    (64, 64)
    """
    plane = samples.load(name).mean(axis=2).astype(np.float64)
    block = min(plane.shape) // side
    top, left = ((n - side * block) // 2 for n in plane.shape)
    square = plane[top : top + side * block, left : left + side * block]
    return frozen(square.reshape(side, block, side, block).mean(axis=(1, 3)))


def model_inputs(loaded: Loaded, picture: Picture) -> np.ndarray:
    """The picture as the network takes it: (1, H, W, C)."""
    return model_input(fitted(loaded, picture).model, loaded.network.input_spec)


@cache.last(CACHED)
def _fitted(picture_digest: str, spec_key: str, _spec: InputSpec, _picture: Picture) -> Fitted:
    pixels = whole(_picture)
    return Fitted(frozen(fit_image(pixels, _spec)), frozen(on_screen(pixels, _spec)))


def frozen(values: Any) -> np.ndarray:
    """The values as an array that cannot be written to: caches are shared by all sessions."""
    array = np.asarray(values)
    array.setflags(write=False)
    return array
