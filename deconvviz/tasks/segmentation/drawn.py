"""A drawn street whose every pixel has a known class: the one picture on which figures can be measured at hand.

Photographs with labels of every pixel belong to their makers; this street belongs to the project. It is a stand-in, not
a photograph: flat walls, one light, a handful of things.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.ndimage import gaussian_filter

from deconvviz.tasks.segmentation.data import NAMES

#: Rows and columns of the drawing; the horizon and the vanishing point.
SIZE = (360, 480)
HORIZON, VANISH = 165, 255
CLASS = {name: number for number, name in enumerate(NAMES)}
#: id -> (top, left, bottom, right) worth a closer look.
SPOTS = {
    "pole": (60, 96, 130, 166),
    "walker": (170, 366, 240, 436),
    "car": (196, 206, 266, 276),
    "roof": (30, 290, 100, 360),
}


@dataclass(frozen=True, eq=False)
class Street:
    """A picture with its truth.

    Attributes:
      picture: (H, W, 3) float32, 0..1.
      labels: (H, W) uint8, indices into `NAMES`.
    """

    picture: np.ndarray
    labels: np.ndarray


class _Canvas:
    """What is drawn on: later things stand in front of earlier ones."""

    def __init__(self, seed: int) -> None:
        self.draw = np.random.default_rng(seed)
        self.rows, self.columns = np.mgrid[: SIZE[0], : SIZE[1]].astype(float)
        self.pixels = np.zeros((*SIZE, 3))
        self.labels = np.zeros(SIZE, np.uint8)

    def grain(self, width: float, strength: float) -> np.ndarray:
        """(H, W, 1) smooth noise."""
        noise = gaussian_filter(self.draw.standard_normal(SIZE), width)
        return strength * (noise / noise.std())[..., None]

    def put(
        self, where: np.ndarray, name: str, colour: tuple[float, float, float], *grains: tuple[float, float]
    ) -> None:
        """Fill a region with a colour and noise of (width, strength)."""
        surface = np.asarray(colour, float) + sum((self.grain(*one) for one in grains), start=np.zeros((1, 1, 1)))
        self.pixels = np.where(where[..., None], surface, self.pixels)
        self.labels[where] = CLASS[name]

    def box(self, top: float, left: float, bottom: float, right: float) -> np.ndarray:
        """The mask of a rectangle."""
        return (self.rows >= top) & (self.rows < bottom) & (self.columns >= left) & (self.columns < right)

    def disc(self, row: float, column: float, tall: float, wide: float) -> np.ndarray:
        """The mask of an ellipse."""
        return ((self.rows - row) / tall) ** 2 + ((self.columns - column) / wide) ** 2 < 1

    def wedge(self, left: float, right: float) -> np.ndarray:
        """What lies under the horizon between two lines from the vanishing point to the lowest row."""
        share = (self.rows - HORIZON) / (SIZE[0] - HORIZON)
        low, high = (VANISH + (end - VANISH) * share for end in (left, right))
        return (share > 0) & (self.columns >= low) & (self.columns < high)


def _ground(on: _Canvas) -> None:
    on.put(on.rows >= 0, "sky", (205, 212, 222), (40, 10))
    on.put(on.wedge(-5000, 5500), "pavement", (138, 132, 126), (1, 5), (9, 5))
    on.put(on.wedge(-60, 560), "road", (92, 92, 97), (0.8, 5), (14, 4))
    dashes = on.wedge(246, 264) & (np.sin(900 / np.maximum(on.rows - HORIZON + 12, 1)) > 0)
    on.pixels[dashes] = (186, 186, 182)
    for side in (-1, 1):
        on.pixels[on.wedge(*sorted((250 + side * 310, 250 + side * 322)))] = (160, 155, 150)


def _house(on: _Canvas, left: float, right: float, top: float, colour: tuple[float, float, float]) -> None:
    far = VANISH + (left + right) / 2 - VANISH
    bottom = HORIZON + 14 + 0.10 * abs(far - VANISH)
    wall = on.box(top, left, bottom, right)
    on.put(wall, "building", colour, (1, 6), (20, 6))
    for row in np.arange(top + 16, bottom - 30, 34):
        for column in np.arange(left + 10, right - 18, 30):
            on.pixels[on.box(row, column, row + 20, column + 13)] = (58, 62, 70)
            on.pixels[on.box(row + 20, column - 1, row + 22, column + 14)] = (170, 165, 160)
    on.pixels[on.box(top, left, top + 4, right)] = (84, 74, 70)


def _tree(on: _Canvas, row: float, column: float, size: float) -> None:
    on.put(on.box(row, column - size / 12, row + 1.5 * size, column + size / 12), "tree", (62, 54, 44), (1, 5))
    crown = np.zeros(SIZE, bool)
    for _ in range(14):
        r, c = on.draw.normal(0, 0.42 * size, 2)
        crown |= on.disc(row + 0.7 * r, column + c, 0.42 * size, 0.46 * size)
    on.put(crown, "tree", (66, 80, 46), (1, 16), (4, 12))


def _car(on: _Canvas, row: float, column: float, size: float, colour: tuple[float, float, float]) -> None:
    """Seen from behind; row is where its wheels stand."""
    body = on.box(row - 0.62 * size, column - 0.7 * size, row - 0.12 * size, column + 0.7 * size)
    share = np.clip((on.rows - (row - 1.1 * size)) / (0.5 * size), 0, 1)
    cabin = on.box(row - 1.1 * size, 0, row - 0.6 * size, SIZE[1]) & (
        np.abs(on.columns - column) < size * (0.46 + 0.14 * share)
    )
    wheels = on.box(row - 0.2 * size, column - 0.62 * size, row, column - 0.36 * size)
    wheels |= on.box(row - 0.2 * size, column + 0.36 * size, row, column + 0.62 * size)
    on.put(body | cabin, "car", colour, (2, 3))
    on.put(wheels, "car", (24, 24, 26))
    on.pixels[
        cabin & (np.abs(on.rows - (row - 0.84 * size)) < 0.17 * size) & (np.abs(on.columns - column) < 0.46 * size)
    ] = (40, 46, 54)
    for side in (-0.58, 0.58):
        on.pixels[on.disc(row - 0.45 * size, column + side * size, 0.09 * size, 0.08 * size)] = (150, 28, 28)
    on.pixels[on.box(row - 0.36 * size, column - 0.2 * size, row - 0.24 * size, column + 0.2 * size)] = (190, 186, 120)


def _walker(on: _Canvas, row: float, column: float, size: float, coat: tuple[float, float, float]) -> None:
    """Row is where the feet stand."""
    on.put(on.box(row - 0.5 * size, column - 0.1 * size, row, column - 0.01 * size), "pedestrian", (38, 40, 52))
    on.put(
        on.box(row - 0.48 * size, column + 0.02 * size, row - 0.02 * size, column + 0.11 * size),
        "pedestrian",
        (34, 36, 48),
    )
    on.put(on.disc(row - 0.64 * size, column, 0.24 * size, 0.14 * size), "pedestrian", coat, (1, 5))
    on.put(on.disc(row - 0.93 * size, column, 0.075 * size, 0.06 * size), "pedestrian", (150, 118, 98))


def _post(on: _Canvas, column: float, top: float, bottom: float, width: float) -> None:
    on.put(on.box(top, column, bottom, column + width), "pole", (98, 98, 100), (1, 4))


@cache
def street() -> Street:
    """The drawn street; its arrays are read-only."""
    on = _Canvas(7)
    _ground(on)
    houses: tuple[tuple[float, float, float, tuple[float, float, float]], ...] = (
        (-20, 92, 22, (134, 104, 88)), (92, 178, 70, (120, 112, 104)), (178, 226, 108, (142, 122, 104)),
        (300, 372, 62, (112, 100, 94)), (372, 500, 18, (150, 128, 106)),
    )  # fmt: skip
    for house in houses:
        _house(on, *house)
    for tree in ((128, 262, 34), (120, 214, 24), (96, 330, 44)):
        _tree(on, *tree)
    _car(on, 258, 242, 46, (118, 24, 28))
    _car(on, 226, 330, 30, (52, 60, 84))
    _car(on, 232, 146, 34, (150, 152, 156))
    for post in ((128, 40, 262, 5), (414, 66, 258, 4), (200, 98, 206, 2.5)):
        _post(on, *post)
    on.put(on.disc(88, 130.5, 15, 15), "sign", (176, 30, 34))
    on.pixels[on.disc(88, 130.5, 10, 10)] = (226, 226, 222)
    on.put(on.box(84, 404, 108, 428), "sign", (34, 66, 150))
    _walker(on, 262, 392, 74, (70, 58, 60))
    _walker(on, 246, 78, 60, (54, 74, 96))
    picture = gaussian_filter(on.pixels, (0.6, 0.6, 0)) + on.grain(0.5, 2.0)
    result = Street((np.clip(picture, 0, 255) / 255).astype(np.float32), on.labels)
    for values in (result.picture, result.labels):
        values.setflags(write=False)
    return result
