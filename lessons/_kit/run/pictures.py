"""The pictures of the app: those of the gallery and those that people bring, at their own size and at a network's."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, TypeVar

import numpy as np
import streamlit as st

from deconvviz.data import images, samples
from deconvviz.data.preprocess import fit_image
from deconvviz.types import DisplayImage, InputSpec
from lessons._kit.draw.pixels import on_screen
from lessons._kit.run.networks import Loaded

#: Pictures that are kept at a network's size; uploads whose pixels are kept (up to 75 MB each).
KEPT, KEPT_WHOLE = 16, 2
#: Bytes of the largest upload.
MAX_UPLOAD = 8_000_000
#: A picture of 25 million pixels takes 300 MB while it is read: one at a time.
READING = threading.Lock()
_T = TypeVar("_T")


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
    """A picture that a person brings, decoded here once; its pixels stay for what is drawn next.

    Raises:
      ImageError: too large, damaged, or not a picture.
    """
    picture = Picture(None, name, "", sha256(file).hexdigest(), file)
    _whole(picture.digest, picture)
    return picture


def decoded(picture: Picture) -> DisplayImage:
    """The picture at its own size, (H, W, 3) float32 in 0..1."""
    return samples.load(picture.id) if picture.id else _floats(_whole(picture.digest, picture))


def one_at_a_time(picture: Picture, use: Callable[[DisplayImage], _T]) -> _T:
    """What ``use`` makes of the picture at its own size, while no other large picture is in memory."""
    # An upload is asked for before READING is taken: whoever decodes it at this moment holds the lock of the cache and
    # waits for READING, so waiting for the cache while holding READING would never end.
    pixels = None if picture.id else _whole(picture.digest, picture)
    with READING:
        return use(decoded(picture) if pixels is None else _floats(pixels))


def _floats(pixels: np.ndarray) -> DisplayImage:
    return pixels.astype(np.float32) / 255 if pixels.dtype == np.uint8 else pixels


@st.cache_resource(show_spinner=False, max_entries=KEPT_WHOLE)
def _whole(digest: str, _picture: Picture) -> np.ndarray:
    """The pixels of an upload: bytes where they say it all, a quarter of the memory of floats."""
    with READING:
        pixels = images.load(_picture.file, name=_picture.title, max_bytes=MAX_UPLOAD)
        levels = np.rint(255 * pixels).astype(np.uint8)
        return frozen(levels if np.array_equal(levels.astype(np.float32) / 255, pixels) else pixels)


def fitted(loaded: Loaded, picture: Picture) -> Fitted:
    """The picture at the network's size, kept for the last `KEPT` pictures."""
    return _fitted(picture.digest, repr(loaded.network.input_spec), loaded.network.input_spec, picture)


@st.cache_resource(show_spinner=False, max_entries=KEPT)
def _fitted(picture_digest: str, spec_key: str, _spec: InputSpec, _picture: Picture) -> Fitted:
    def fit(whole: DisplayImage) -> Fitted:
        return Fitted(frozen(fit_image(whole, _spec)), frozen(on_screen(whole, _spec)))

    return one_at_a_time(_picture, fit)


def frozen(values: Any) -> np.ndarray:
    """The values as an array that cannot be written to: caches are shared by all sessions."""
    array = np.asarray(values)
    array.setflags(write=False)
    return array
