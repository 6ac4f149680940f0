"""A set of pictures with known content: stripes, checkers, dots, gradients, noise, rings, and crops of photographs.

The same bytes on every machine: drawn from formulas and one seed, cropped from losslessly stored photographs without
resampling.
"""

from __future__ import annotations

import functools
import io
from collections.abc import Callable

import numpy as np
from PIL import Image

from deconvviz.data import samples
from deconvviz.errors import ImageError, nearest
from deconvviz.types import DisplayImage

#: Rows and columns of a drawing.
SIDE = 128
_SEED = 20
#: Keeps pixels away from the very line where a colour changes, so that rounding decides nothing.
_OFF = 0.01
#: Photographs of the gallery that are stored without loss.
_PHOTOS = ("cat", "astronaut", "coffee", "camera", "motorcycle", "coins", "brick", "grass", "clock")
#: The shorter side over the side of a crop -> how many crops.
_CROPS = {1: 1, 2: 5, 4: 10}
_ANGLES = range(0, 180, 15)
#: Two colours that a drawing mixes.
_PAIRS = {
    "grey": ((0, 0, 0), (255, 255, 255)),
    "red-green": ((200, 40, 40), (40, 160, 60)),
    "blue-yellow": ((40, 70, 190), (235, 205, 60)),
}


def names() -> tuple[str, ...]:
    """Names of all pictures, sorted; each says what it shows.

    >>> len(names()), names()[0], names()[-1]
    (310, 'checkers/16-pixels-0-degrees.bmp', 'stripes/8-pixels-90-degrees.bmp')
    """
    return tuple(sorted(_makers()))


def load(name: str) -> DisplayImage:
    """One of the pictures.

    Args:
      name: one of `names`.

    Returns:
      (H, W, 3) float32, 0..1, whole levels of 255; 128 x 128 where it is drawn.

    Raises:
      ImageError: there is none of that name.

    >>> load("stripes/8-pixels-90-degrees.bmp").shape
    (128, 128, 3)
    """
    return _pixels(name) / np.float32(255)


def read(name: str) -> bytes:
    """The picture as a BMP file, the same bytes on every machine.

    >>> read("plain/0.bmp")[:2]
    b'BM'
    """
    stream = io.BytesIO()
    Image.fromarray(_pixels(name)).save(stream, "BMP")
    return stream.getvalue()


def _pixels(name: str) -> np.ndarray:
    makers = _makers()
    if name not in makers:
        raise ImageError(f"there is no built-in picture {name!r}; {nearest(str(name), makers)}")
    return makers[name]()


@functools.cache
def _makers() -> dict[str, Callable[[], np.ndarray]]:
    """Name -> what draws it, (H, W, 3) uint8."""
    makers: dict[str, Callable[[], np.ndarray]] = {}

    def add(name: str, draw: Callable[..., np.ndarray], *values: object) -> None:
        makers[f"{name}.bmp"] = functools.partial(draw, *values)

    for angle in _ANGLES:
        add(f"edges/{angle}-degrees", _edge, angle, "grey")
        add(f"edges/{angle}-degrees-red-green", _edge, angle, "red-green")
        for period in (4, 8, 16, 32):
            add(f"stripes/{period}-pixels-{angle}-degrees", _stripes, period, angle, "grey")
        for pair in ("red-green", "blue-yellow"):
            add(f"stripes/12-pixels-{angle}-degrees-{pair}", _stripes, 12, angle, pair)
        add(f"gradients/{2 * angle}-degrees", _gradient, 2 * angle)
    for period in (4, 8, 16, 32):
        for angle in (0, 45):
            add(f"checkers/{period}-pixels-{angle}-degrees", _checkers, period, angle)
        for pair in _PAIRS:
            add(f"dots/{period}-pixels-{pair}", _dots, period, pair)
            add(f"discs/{period}-pixels-{pair}", _disc, period, pair)
        add(f"rings/{period}-pixels", _rings, period)
        add(f"sectors/{period}", _sectors, period)
    for i, cell in enumerate((1, 2, 4, 8, 16)):
        add(f"noise/{cell}-pixels-grey", _noise, cell, 1, i)
        add(f"noise/{cell}-pixels-colour", _noise, cell, 3, i)
    for i in range(8):
        add(f"plain/{i}", _plain, i)
    for number, photo in enumerate(_PHOTOS):
        for part, count in _CROPS.items():
            for i in range(count):
                add(f"photographs/{photo}-{part}-{i}", _crop, photo, part, i, number)
    return makers


def _along(angle: float) -> np.ndarray:
    """Distance of every pixel from the centre, along a direction."""
    rows, columns = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    radians = np.deg2rad(angle)
    return np.cos(radians) * columns + np.sin(radians) * rows


def _mixed(share: np.ndarray, pair: str) -> np.ndarray:
    """Two colours mixed by a share of 0..1."""
    low, high = (np.array(colour, float) for colour in _PAIRS[pair])
    return np.rint(low + (high - low) * np.clip(share, 0, 1)[..., None]).astype(np.uint8)


def _stripes(period: float, angle: float, pair: str) -> np.ndarray:
    return _mixed(0.5 + 0.5 * np.cos(2 * np.pi * _along(angle) / period), pair)


def _edge(angle: float, pair: str) -> np.ndarray:
    return _mixed(0.6 + _along(angle), pair)


def _gradient(angle: float) -> np.ndarray:
    return _mixed(0.501 + _along(angle) / SIDE, "grey")


def _checkers(period: float, angle: float) -> np.ndarray:
    across, down = (np.floor((_along(direction) + _OFF) * 2 / period) for direction in (angle, angle + 90))
    return _mixed((across + down) % 2, "grey")


def _dots(period: float, pair: str) -> np.ndarray:
    away = [(_along(angle) + period / 2) % period - period / 2 for angle in (0, 90)]
    return _mixed(0.5 + period / 4 - np.hypot(*away), pair)


def _disc(radius: float, pair: str) -> np.ndarray:
    return _mixed(0.5 + radius - np.hypot(_along(0), _along(90)), pair)


def _rings(period: float) -> np.ndarray:
    return _mixed(0.5 + 0.5 * np.cos(2 * np.pi * np.hypot(_along(0), _along(90)) / period), "grey")


def _sectors(count: int) -> np.ndarray:
    return _mixed(np.floor(np.arctan2(_along(90), _along(0)) / np.pi * count / 2 + 0.25) % 2, "grey")


def _noise(cell: int, depth: int, number: int) -> np.ndarray:
    draw = np.random.default_rng([_SEED, number, depth])
    levels = draw.integers(0, 256, (SIDE // cell, SIDE // cell, depth), np.uint8)
    return np.broadcast_to(levels.repeat(cell, axis=0).repeat(cell, axis=1), (SIDE, SIDE, 3)).copy()


def _plain(number: int) -> np.ndarray:
    colour = [230 if number >> bit & 1 else 25 for bit in range(3)]
    return np.broadcast_to(np.array(colour, np.uint8), (SIDE, SIDE, 3)).copy()


def _crop(photo: str, part: int, number: int, seed: int) -> np.ndarray:
    """A square of a photograph: the middle one of the whole, or one at a place drawn from the seed."""
    whole = _photo(photo)
    rows, columns = whole.shape[:2]
    side = min(rows, columns) // part
    draw = np.random.default_rng([_SEED, seed, part, number])
    place = (int(draw.integers(rows - side + 1)), int(draw.integers(columns - side + 1)))
    top, left = place if part > 1 else ((rows - side) // 2, (columns - side) // 2)
    return whole[top : top + side, left : left + side].copy()


@functools.lru_cache(maxsize=2)
def _photo(id: str) -> np.ndarray:
    return np.rint(samples.load(id) * 255).astype(np.uint8)
