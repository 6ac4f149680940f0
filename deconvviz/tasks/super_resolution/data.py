"""What super-resolution is trained on and measured on: large pictures, and the small ones MATLAB's bicubic makes.

The protocol of the field: rows and columns cut to multiples of the scale, brightness in whole steps of 1/255, the small
picture likewise, a border of `scale` pixels left out of the figures.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from deconvviz.data import images
from deconvviz.data.colour import brightness
from deconvviz.data.folder import list_pictures
from deconvviz.errors import DataError
from deconvviz.ops.resize import resize_matrix
from deconvviz.training.patches import Patches

#: Sizes at which each training picture is shown, as in the paper.
SIZES = (1.0, 0.9, 0.8, 0.7, 0.6)
#: Every so many training pictures one is held back, for choices.
HELD_BACK = 16
#: Small pixels around a part whose value depends on what lies outside it.
_RIM = 2


def bytewise(values: np.ndarray) -> np.ndarray:
    """Clipped to 0..1 and rounded to steps of 1/255.

    >>> bytewise(np.array([-0.2, 0.5, 1.7])).tolist()
    [0.0, 0.5019607843137255, 1.0]
    """
    return np.rint(255 * np.clip(values, 0, 1)) / 255


def sized(plane: np.ndarray, height: int, width: int) -> np.ndarray:
    """Bicubic resizing of an (H, W) plane in double precision, antialiased, not rounded.

    >>> sized(np.full((4, 6), 0.5), 2, 9).round(9).tolist() == np.full((2, 9), 0.5).tolist()
    True
    """
    rows, columns = plane.shape
    return np.asarray(resize_matrix(rows, height) @ plane @ resize_matrix(columns, width).T)


def bicubic(plane: np.ndarray, scale: int) -> np.ndarray:
    """(h, w) -> (scale h, scale w), by MATLAB's bicubic; neither clipped nor rounded.

    >>> bicubic(np.full((4, 5), 0.5), 3).shape
    (12, 15)
    """
    return sized(plane, scale * plane.shape[0], scale * plane.shape[1])


def pair(plane: np.ndarray, scale: int) -> tuple[np.ndarray, np.ndarray]:
    """(small, large) of the protocol: the large plane cut to multiples of the scale, and what bicubic makes of it.

    Raises:
      DataError: a plane too small for that scale.

    >>> small, large = pair(np.full((31, 47), 0.2), 3)
    >>> small.shape, large.shape, bool((small == 51 / 255).all())
    ((10, 15), (30, 45), True)
    """
    height, width = (n - n % scale for n in plane.shape)
    if min(height, width) < 2 * scale + 11:
        raise DataError(
            f"a picture of {plane.shape[0]} x {plane.shape[1]} is too small to be measured at scale {scale}: "
            f"without borders of {scale} pixels 11 x 11 must be left"
        )
    large = plane[:height, :width]
    return bytewise(sized(large, height // scale, width // scale)), large


@dataclass(frozen=True, eq=False)
class Pairs:
    """Small and large parts for training at one scale, made while it runs: small ones exactly as of the whole picture.

    Attributes:
      patches: large parts, wider than they are used.
      scale: s.

    >>> parts = Pairs(Patches([np.ones((50, 60, 1))], size=3 * 12, batch=2, steps=1), 3)
    >>> [array.shape for array in next(parts.epoch(1))]
    [(2, 8, 8, 1), (2, 24, 24, 1)]
    """

    patches: Patches
    scale: int

    def epoch(self, number: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Batches (N, p, p, 1) and (N, s p, s p, 1) float32, p the small side."""
        large = self.patches.size
        matrix = resize_matrix(large, large // self.scale)[_RIM:-_RIM]
        rim = _RIM * self.scale
        for batch, _ in self.patches.epoch(number):
            planes = batch[..., 0].astype(np.float64)
            small = bytewise(matrix @ planes @ matrix.T)
            wanted = planes[:, rim:-rim, rim:-rim]
            yield small[..., None].astype(np.float32), wanted[..., None].astype(np.float32)


def training_pairs(
    planes: Sequence[np.ndarray], scale: int, *, side: int, batch: int, steps: int, seed: int, sizes: Sequence[float]
) -> Pairs:
    """Parts of planes at several sizes, `side` small pixels each; planes that are smaller than a part are left out.

    Raises:
      DataError: no plane is large enough.
    """
    needed = scale * (side + 2 * _RIM)
    shown = []
    for plane in planes:
        for share in sizes:
            height, width = (max(1, round(share * n)) for n in plane.shape)
            if min(height, width) >= needed:
                size = plane if share == 1 else bytewise(sized(plane, height, width))
                shown.append(size[..., None].astype(np.float32))
    if not shown:
        raise DataError(
            f"training at scale {scale} shows parts of {needed} x {needed} pixels, and every picture is smaller; "
            "name larger pictures or a smaller --side"
        )
    return Pairs(Patches(shown, needed, batch, steps, seed), scale)


def split(folder: str | Path) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Brightness of the pictures to train on, and of those held back for choices: every sixteenth.

    Raises:
      DataError: no such folder, or less than two pictures.
    """
    files = list_pictures(folder)
    if len(files) < 2:
        raise DataError(f"{folder} holds one picture: one to train on and one to hold back are needed")
    planes = [brightness(images.load(file)) for file in files]
    held = set(range(min(HELD_BACK, len(files)) - 1, len(files), HELD_BACK))
    return [p for n, p in enumerate(planes) if n not in held], [p for n, p in enumerate(planes) if n in held]
