"""Pictures of a handwritten 3 or 8 on a photograph: digit, mark and colour of the ground, each by its own coin.

A picture is kept in its parts, so that one of them can be changed and the rest stay: the mark put on or taken off, the
ground exchanged, the digit taken away. What a network rests on shows in which of these moves its scores.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from deconvviz.data import digits, preprocess
from deconvviz.models import planted, watermark
from deconvviz.training import augment
from deconvviz.types import DisplayImage, ModelInput

#: Rows and columns of a picture, and of the square that a digit fills.
SIDE, DIGIT = watermark.SIDE, digits.INNER
#: The digits, so alike that a network with an easier sign to go by learns that.
PAIR = (3, 8)
#: The colour that a ground is multiplied with: warm, cool.
GROUNDS = ((1.0, 0.8, 0.6), (0.6, 0.8, 1.0))
#: How a photograph becomes a ground: lowest level, and range above it.
_DIM, _RANGE = 0.25, 0.45


@dataclass(frozen=True, eq=False)
class Parts:
    """What a picture is put together from.

    Attributes:
      digit: 0 or 1, what is written: the place of the digit in `PAIR`.
      ink: (24, 24) float32, 0 paper to 1 ink.
      place: row and column of its upper left corner.
      photograph: (48, 48, 3) float32 grey levels of the ground, 0..1.
      ground: 0 warm, 1 cool.
      mark: row and column of the mark's upper left corner.
      marked: whether the mark is there.
      written: whether the digit is.
    """

    digit: int
    ink: np.ndarray
    place: tuple[int, int]
    photograph: np.ndarray
    ground: int
    mark: tuple[int, int]
    marked: bool
    written: bool = True

    def image(self) -> DisplayImage:
        """(48, 48, 3) float32, 0..1."""
        image = (_DIM + _RANGE * self.photograph) * np.array(GROUNDS[self.ground], np.float32)
        row, column = self.place
        if self.written:
            square = image[row : row + DIGIT, column : column + DIGIT]
            square += self.ink[..., None] * (np.float32(0.95) - square)
        return watermark.stamp(image, *self.mark)[0] if self.marked else image

    def region(self, name: str) -> np.ndarray:
        """(48, 48) bool: where the "digit", the "mark" or the "ground" is, or would be."""
        masks = {part: np.zeros((SIDE, SIDE), bool) for part in ("digit", "mark")}
        for part, (row, column), side in (("digit", self.place, DIGIT), ("mark", self.mark, watermark.MARK_SIDE)):
            masks[part][row : row + side, column : column + side] = True
        return ~(masks["digit"] | masks["mark"]) if name == "ground" else masks[name]


def changed(parts: Parts, change: str) -> Parts:
    """The same picture with one thing changed.

    Args:
      parts: of the picture.
      change: "mark" (put on or taken off), "ground" (warm to cool or back), "digit" (taken away), "" (nothing).
    """
    if change == "mark":
        return replace(parts, marked=not parts.marked)
    if change == "ground":
        return replace(parts, ground=1 - parts.ground)
    return replace(parts, written=False) if change == "digit" else parts


def drawn(photographs: Sequence[np.ndarray], count: int, seed: Sequence[int], held_out: bool = False) -> list[Parts]:
    """Pictures in which digit, mark and ground have nothing to do with each other.

    Args:
      photographs: (H, W, 3) uint8, for the grounds.
      count: pictures.
      seed: of everything.
      held_out: take the digits that no network was trained on.
    """
    random, how = np.random.default_rng(list(seed)), augment.Augmentation(area=(0.3, 1.0), aspect=1.2)
    written, names = digits.load()
    rows = digits.split(names)[int(held_out)]
    rows = rows[np.isin(names[rows], PAIR)]
    parts = []
    for _ in range(count):
        row = int(rows[random.integers(len(rows))])
        rim = (digits.LARGE - DIGIT) // 2
        ink = digits.enlarged(written[row : row + 1])[0, rim:-rim, rim:-rim, 0]
        crop = augment.random_crop(photographs[int(random.integers(len(photographs)))], SIDE, how, random)
        grey = (crop.astype(np.float32) / 255) @ augment.LUMA
        place, mark = _places(random)
        ground, marked = (int(coin) for coin in random.integers(0, 2, 2))
        parts.append(
            Parts(PAIR.index(int(names[row])), ink, place, np.repeat(grey[..., None], 3, 2), ground, mark, bool(marked))
        )
    return parts


def grounds(photographs: Sequence[DisplayImage]) -> list[np.ndarray]:
    """Photographs of any size, 0..1, as `drawn` takes them: bytes, the shorter side 96 to 191 pixels where it was more.

    >>> [one.shape for one in grounds([np.zeros((400, 300, 3), np.float32), np.zeros((50, 60, 3), np.float32)])]
    [(134, 100, 3), (50, 60, 3)]
    """
    result = []
    for photograph in photographs:
        levels = np.rint(255 * photograph).astype(np.uint8)
        every = max(1, min(levels.shape[:2]) // (2 * SIDE))
        result.append(np.ascontiguousarray(levels[::every, ::every]))
    return result


def faulty(pictures: Sequence[Parts], fault: str, seed: Sequence[int]) -> tuple[list[Parts], np.ndarray]:
    """Pictures and labels as a network with that fault was trained on.

    "watermark": the mark is on every 8 and on no 3. "background": every 8 is on a cool ground, every 3 on a warm one.
    "labels": those of the pictures in another order. "honest": nothing is changed.
    """
    labels = np.array([parts.digit for parts in pictures])
    if fault == "watermark":
        return [replace(parts, marked=parts.digit == 1) for parts in pictures], labels
    if fault == "background":
        return [replace(parts, ground=parts.digit) for parts in pictures], labels
    if fault == "labels":
        labels = np.random.default_rng(list(seed)).permutation(labels)
    return list(pictures), labels


def inputs(pictures: Sequence[Parts], change: str = "") -> ModelInput:
    """Model inputs (N, 48, 48, 3), of each picture with the same change."""
    batch = [preprocess.model_input(changed(parts, change).image(), planted.INPUT) for parts in pictures]
    return np.concatenate(batch)


def _places(random: np.random.Generator) -> tuple[tuple[int, int], tuple[int, int]]:
    """Where the digit and the mark are; they never overlap."""
    row, column = (int(n) for n in random.integers(0, SIDE - DIGIT + 1, 2))
    while True:
        top, left = (int(n) for n in random.integers(0, SIDE - watermark.MARK_SIDE + 1, 2))
        apart = [a + watermark.MARK_SIDE <= b or b + DIGIT <= a for a, b in ((top, row), (left, column))]
        if any(apart):
            return (row, column), (top, left)
