"""What the page about streets computes: answers of every decoder, their overlap, the first step up; kept by picture."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import streamlit as st

from deconvviz.ops.upsample import transposed_conv
from deconvviz.tasks.segmentation import DECODERS as ALL_DECODERS
from deconvviz.tasks.segmentation import SKIPS, drawn, predict
from deconvviz.tasks.segmentation.data import NAMES, VOID
from deconvviz.tasks.segmentation.predict import Segmentation, Step
from deconvviz.types import Box, DisplayImage
from lessons._kit.draw.pixels import crop
from lessons._kit.photo import upload
from lessons._kit.run import pictures

DECODERS = tuple(name for name in ALL_DECODERS if name != "coarse")
#: What may answer for a whole picture.
OFFERED = (*DECODERS, SKIPS)
#: Rows and columns of the closer look; cells of the first step that are shown.
CLOSE, CELLS = 70, 4
CACHED = 12
#: Taps of a bilinear enlargement by two along one axis.
LINE = np.array([0.25, 0.75, 0.75, 0.25], np.float32)


@dataclass(frozen=True, eq=False)
class Subject:
    """What is looked at.

    Attributes:
      picture: (H, W, 3) float32, 0..1, read-only.
      labels: (H, W) true classes; None where nobody knows them.
      python: how code names the picture.
      digest: its contents.
    """

    picture: DisplayImage
    labels: np.ndarray | None
    python: str
    digest: str


def street() -> Subject:
    """The drawn street."""
    made = drawn.street()
    return Subject(made.picture, made.labels, "drawn.street().picture", _digest(made.picture))


def photograph(picture: pictures.Picture) -> Subject:
    """A photograph of the gallery, or the person's own."""
    pixels = upload.pixels(picture)
    return Subject(pixels, None, upload.python(picture), _digest(pixels))


def _digest(pixels: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(pixels).tobytes()).hexdigest()[:24]


def answer(subject: Subject, decoder: str) -> Segmentation:
    """What a decoder says of a picture."""
    return _answer(subject.digest, decoder, subject)


@st.cache_resource(show_spinner=False, max_entries=CACHED)
def _answer(digest: str, decoder: str, _subject: Subject) -> Segmentation:
    return predict.apply(_subject.picture, variant=decoder)


def compared(subject: Subject, decoder: str) -> np.ndarray:
    """(H, W): the truth where it is known, otherwise what another decoder says."""
    if subject.labels is not None:
        return subject.labels
    return answer(subject, other(decoder)).classes


def other(decoder: str) -> str:
    """The decoder that a photograph's answer is compared with."""
    return "bilinear" if decoder != "bilinear" else "transposed"


def counts(said: np.ndarray, true: np.ndarray, name: str) -> tuple[int, int]:
    """(pixels in both, pixels in either) of a class, void left out."""
    c, known = NAMES.index(name), true < VOID
    mine, right = (said == c) & known, true == c
    return int((mine & right).sum()), int((mine | right).sum())


def right_in(subject: Subject, decoder: str, box: Box) -> float | None:
    """Share of the pixels of a piece whose class a decoder names rightly; None where nobody knows it."""
    if subject.labels is None:
        return None
    true = crop(subject.labels, box)
    return float((crop(answer(subject, decoder).classes, box) == true)[true < VOID].mean())


def spot(subject: Subject, name: str) -> Box:
    """(top, left, bottom, right) of the closer look: a named place of the drawing, or where decoders differ most."""
    if subject.labels is not None and name in drawn.SPOTS:
        return drawn.SPOTS[name]
    first, second, third = (answer(subject, decoder).classes for decoder in DECODERS)
    differs = (first != second) | (second != third)
    height, width = differs.shape
    tall, wide = min(CLOSE, height), min(CLOSE, width)
    total = np.pad(differs.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    inside = total[tall:, wide:] - total[:-tall, wide:] - total[tall:, :-wide] + total[:-tall, :-wide]
    top, left = (int(n) for n in np.unravel_index(int(inside.argmax()), inside.shape))
    return top, left, top + tall, left + wide


def step(subject: Subject, decoder: str = "unpool") -> Step:
    """The first step up of a decoder for a picture."""
    return _step(subject.digest, decoder, subject)


@st.cache_resource(show_spinner=False, max_entries=CACHED)
def _step(digest: str, decoder: str, _subject: Subject) -> Step:
    return predict.first_step(_subject.picture, variant=decoder)


@dataclass(frozen=True, eq=False)
class Cells:
    """A few cells of one channel, and what becomes of them.

    Attributes:
      values: (4, 4).
      unpooled: (8, 8), each value at its switch.
      bilinear: (8, 8), the same values enlarged.
      written: (8, 8) whole numbers, how many values a transposed convolution of kernel 4 adds up there.
    """

    values: np.ndarray
    unpooled: np.ndarray
    bilinear: np.ndarray
    written: np.ndarray


def cells(subject: Subject, box: Box) -> Cells:
    """The cells around the middle of the closer look, in the channel that is strongest there."""
    result = step(subject)
    _, rows, columns, _ = result.values.shape
    height, width = subject.picture.shape[:2]
    top = _start((box[0] + box[2]) / 2 * rows / height, rows)
    left = _start((box[1] + box[3]) / 2 * columns / width, columns)
    part = result.values[0, top : top + CELLS, left : left + CELLS]
    channel = int(part.sum((0, 1)).argmax())
    values = part[..., channel]
    inside = slice(2 * top, 2 * (top + values.shape[0])), slice(2 * left, 2 * (left + values.shape[1]))
    one = np.ones((1, *values.shape, 1), np.float32)
    written = transposed_conv(one, np.ones((4, 4, 1, 1), np.float32), 2, 1)[0, :, :, 0]
    return Cells(values, result.grown[0, :, :, channel][inside], enlarged(values), np.asarray(written))


def _start(middle: float, count: int) -> int:
    return int(np.clip(round(middle) - CELLS // 2, 0, max(0, count - CELLS)))


def enlarged(values: np.ndarray) -> np.ndarray:
    """(h, w) -> (2 h, 2 w): bilinear, as a transposed convolution with a kernel that nothing trains."""
    x = np.pad(values, 1, mode="edge")[None, :, :, None]
    return np.asarray(transposed_conv(x, np.outer(LINE, LINE)[:, :, None, None], 2, 3))[0, :, :, 0]


def iou_by_hand(said: np.ndarray, true: np.ndarray) -> float:
    """Mean intersection over union, class by class, as two sets of pixels."""
    known = {(int(r), int(c)) for r, c in np.argwhere(true < VOID)}
    result = []
    for c in range(VOID):
        right = {(int(r), int(k)) for r, k in np.argwhere(true == c)}
        mine = {(int(r), int(k)) for r, k in np.argwhere(said == c)} & known
        if right:
            result.append(len(mine & right) / len(mine | right))
    return sum(result) / len(result)


def misplaced(subject: Subject) -> float:
    """Largest difference between the unpooled map and the values put at their switches one by one."""
    result = step(subject)
    _, rows, columns, channels = result.values.shape
    wanted = np.zeros((2 * rows * 2 * columns, channels), np.float32)
    for c in range(channels):
        for value, place in zip(result.values[..., c].ravel(), result.switches[..., c].ravel(), strict=True):
            wanted[place, c] += value
    return float(np.abs(result.grown[0].reshape(wanted.shape) - wanted).max())


def bilinear_apart(subject: Subject) -> float:
    """Largest difference between the bilinear decoder's first step and a fixed transposed convolution of its values."""
    result = step(subject, "bilinear")
    strongest = int(result.values[0].sum((0, 1)).argmax())
    wanted = enlarged(result.values[0, :, :, strongest])
    return float(np.abs(result.grown[0, :, :, strongest] - wanted).max() / max(1.0, np.abs(wanted).max()))


def blocks_apart(subject: Subject) -> float:
    """The same of the transposed decoder: its step is one convolution and a shuffle, here the adjoint itself."""
    result, layer = step(subject, "transposed"), predict.load("transposed").middle.up
    wanted = np.asarray(transposed_conv(result.values, layer.kernel[...], 2, 1)) + np.asarray(layer.bias[...])
    return float(np.abs(result.grown - wanted).max() / np.abs(wanted).max())
