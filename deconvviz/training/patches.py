"""Random square parts of pictures in memory, turned and mirrored: what restoration networks are trained on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from deconvviz.errors import DataError


@dataclass(frozen=True, eq=False)
class Patches:
    """Which parts each epoch shows: the same ones for the same seed and epoch.

    Attributes:
      pictures: (H, W, C) arrays, each `size` pixels or more a side.
      size: rows and columns of a part.
      batch: parts in a batch.
      steps: batches in an epoch.
      seed: fixes every draw.

    >>> one = Patches([np.arange(20.0).reshape(4, 5, 1)], size=3, batch=2, steps=6, seed=0)
    >>> batches = list(one.epoch(1))
    >>> len(batches), batches[0][0].shape, bool((batches[5][0] == list(one.epoch(1))[5][0]).all())
    (6, (2, 3, 3, 1), True)
    """

    pictures: Sequence[np.ndarray]
    size: int
    batch: int
    steps: int
    seed: int = 0

    def __post_init__(self) -> None:
        small = [picture.shape[:2] for picture in self.pictures if min(picture.shape[:2]) < self.size]
        if small or not self.pictures:
            what = f"one is {small[0][0]} x {small[0][1]}" if small else "there is none"
            raise DataError(f"training shows parts of {self.size} x {self.size} pixels; of the pictures, {what}")

    def epoch(self, number: int) -> Iterator[tuple[np.ndarray, np.random.Generator]]:
        """Batches (N, size, size, C) of an epoch, each with the generator that goes on for what is done to it.

        Large pictures are drawn more often: every part is equally likely.
        """
        rooms = np.array([(p.shape[0] - self.size + 1) * (p.shape[1] - self.size + 1) for p in self.pictures], float)
        for step in range(self.steps):
            draw = np.random.default_rng([self.seed, number, step])
            chosen = draw.choice(len(self.pictures), self.batch, p=rooms / rooms.sum())
            yield np.stack([self._part(self.pictures[index], draw) for index in chosen]), draw

    def _part(self, picture: np.ndarray, draw: np.random.Generator) -> np.ndarray:
        top, left = (int(draw.integers(n - self.size + 1)) for n in picture.shape[:2])
        part = np.rot90(picture[top : top + self.size, left : left + self.size], int(draw.integers(4)))
        return part[::-1] if draw.integers(2) else part
