"""Drawn objects before photographed walls and lawns: scenes whose true alpha is known to the last digit.

A matte that was made by hand is somebody's opinion; here the object is laid over the background by
``I = alpha F + (1 - alpha) B`` with an alpha that a formula gives, so every figure can be measured on them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from deconvviz.data import samples

#: Rows and columns of a scene; both differ, so that none is taken for the other.
SIZE = (200, 240)
#: Pixels over which the edge of an object fades.
SOFT = 3.0
Drawn = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True, eq=False)
class Scene:
    """A picture with its truth.

    Attributes:
      id: its name.
      picture: (H, W, 3) float32, 0..1.
      alpha: (H, W) float64, 0..1.
    """

    id: str
    picture: np.ndarray
    alpha: np.ndarray


def _fade(distance: np.ndarray) -> np.ndarray:
    """1 inside (distance below 0), 0 outside, straight between."""
    return np.clip(0.5 - distance / SOFT, 0, 1)


def _mixed(low: np.ndarray, high: np.ndarray, share: np.ndarray) -> np.ndarray:
    return low + (high - low) * share[..., None]


def _octagon(rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Distance from the edge of a regular octagon whose inner radius is 1, its sides level and upright."""
    r, c = np.abs(rows), np.abs(columns)
    return np.maximum.reduce([r, c, (r + c) / np.sqrt(2)]) - 1


#: S, T, O, P in cells of five rows and three columns.
_LETTERS = ("111 111 111 111", "100 010 101 101", "111 010 101 111", "001 010 101 100", "111 010 111 100")


def _stop(rows: np.ndarray, columns: np.ndarray) -> Drawn:
    """A stop sign of inner radius 1: alpha and colours."""
    scale = SIZE[0] * 0.36
    edge = _octagon(rows, columns)
    bits = np.array([[int(bit) for bit in line.replace(" ", "0")] for line in _LETTERS], float)
    high, wide = bits.shape
    r, c = np.floor((rows + 0.32) / 0.64 * high).astype(int), np.floor((columns + 0.7) / 1.4 * wide).astype(int)
    inside = (r >= 0) & (r < high) & (c >= 0) & (c < wide)
    letters = np.where(inside, bits[np.clip(r, 0, high - 1), np.clip(c, 0, wide - 1)], 0.0)
    white = np.maximum(letters, 1 - _fade((edge + 0.1) * scale))
    return _fade(edge * scale), _mixed(np.array([0.72, 0.07, 0.1]), np.array([0.93, 0.93, 0.9]), white)


def _yin_yang(rows: np.ndarray, columns: np.ndarray) -> Drawn:
    """The sign of yin and yang, of radius 1."""
    scale = SIZE[0] * 0.36
    upper, lower = np.hypot(rows + 0.5, columns), np.hypot(rows - 0.5, columns)
    white = _fade(columns * scale)
    white = np.maximum(white, _fade((upper - 0.5) * scale)) * (1 - _fade((lower - 0.5) * scale))
    white = np.maximum(white * (1 - _fade((upper - 0.16) * scale)), _fade((lower - 0.16) * scale))
    return _fade((np.hypot(rows, columns) - 1) * scale), _mixed(np.full(3, 0.06), np.full(3, 0.95), white)


#: id -> (drawing, background of the gallery, its tint, radius as a share of the height): a stop sign before a wall,
#: yin and yang on a lawn.
_MADE: dict[str, tuple[Callable[[np.ndarray, np.ndarray], Drawn], str, tuple[float, float, float], float]] = {
    "stop": (_stop, "brick", (0.95, 0.8, 0.7), 0.36),
    "yin": (_yin_yang, "grass", (0.75, 1.0, 0.6), 0.36),
}
SCENES = tuple(_MADE)


@cache
def scene(id: str) -> Scene:
    """A scene of `SCENES`; its arrays are read-only.

    >>> scene("stop").picture.shape, float(scene("stop").alpha.max())
    ((200, 240, 3), 1.0)
    """
    draw, behind, tint, radius = _MADE[id]
    rows, columns = ((np.arange(n) - n * at) / (SIZE[0] * radius) for n, at in zip(SIZE, (0.5, 0.54), strict=True))
    alpha, colours = draw(*np.meshgrid(rows, columns, indexing="ij"))
    wall = samples.load(behind)[: SIZE[0], : SIZE[1]] * np.array(tint)
    picture = (alpha[..., None] * colours + (1 - alpha[..., None]) * wall).astype(np.float32)
    for values in (picture, alpha):
        values.setflags(write=False)
    return Scene(id, picture, alpha)
