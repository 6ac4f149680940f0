"""Pictures and kernels of the first lesson: presets, photographs, and what a person types into the cells."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

import numpy as np

from deconvviz.errors import DeconvvizError
from lessons._kit.form.i18n import mark, t
from lessons._kit.numbers.toy_arrays import KERNELS as SMALL_KERNELS
from lessons._kit.numbers.toy_arrays import PICTURES, SIZE
from lessons._kit.run import pictures

#: Name in the URL -> name on screen.
PHOTOGRAPHS = {"camera": mark("Photographer"), "cat": mark("Cat"), "coins": mark("Coins")}
#: Rows and columns of a photograph.
PHOTOGRAPH = (128, 128)
#: Name in the URL -> (name on screen, rows); the first ones are what everybody has heard of.
KERNELS = {name: SMALL_KERNELS[name] for name in ("edge", "blur", "sharpen", "numbered", "corner", "single")}
#: How the three slices of a preset kernel are made of the one.
SLICES = (1, -1, 2)
#: Names of three channels, in order.
CHANNELS = (mark("red"), mark("green"), mark("blue"))
#: Most rows and columns of a kernel.
LARGEST = 9
_NUMBER = re.compile(r"[+-]?(\d{1,2}(\.\d{0,2})?|\.\d{1,2})", re.ASCII)


def read_number(text: str) -> float:
    """The number that was typed into a cell; other scripts' digits and minus signs are understood.

    Raises:
      DeconvvizError: it is none from -99 to 99.

    >>> read_number("−1"), read_number(" 0,5 "), read_number("３")
    (-1.0, 0.5, 3.0)
    """
    plain = unicodedata.normalize("NFKC", text).strip().replace("−", "-").replace(",", ".")
    if not _NUMBER.fullmatch(plain):
        given = text if len(text) <= 20 else f"{text[:20]}…"
        raise DeconvvizError(
            t(
                "“{given}” is not a number that fits a cell: write one between −99 and 99 such as 3, −1 or 0.5. The "
                "picture stays as it was.",
                given=given,
            )
        )
    return float(plain) + 0.0


def to_text(array: np.ndarray) -> str:
    """(H, W, C) as the URL holds it: numbers joined by ``_``, rows by ``~``, channels by ``~~``.

    >>> to_text(np.array([[[1.0], [-0.5]], [[0.0], [2.0]]]))
    '1_-0.5~0_2'
    """
    planes = np.moveaxis(array, 2, 0)
    return "~~".join("~".join("_".join(f"{float(v):g}" for v in row) for row in plane) for plane in planes)


def from_text(text: str) -> np.ndarray:
    """The (H, W, C) of a link.

    Raises:
      DeconvvizError: a cell is no number, or rows or channels differ in length.

    >>> from_text("1_-0.5~0_2")[:, :, 0].tolist()
    [[1.0, -0.5], [0.0, 2.0]]
    """
    planes = [
        [[read_number(cell) for cell in row.split("_")] for row in plane.split("~")] for plane in text.split("~~")
    ]
    if len({(len(plane), *map(len, plane)) for plane in planes}) != 1 or len({len(row) for row in planes[0]}) != 1:
        raise DeconvvizError(t("The numbers of this link do not form a rectangle: a row has more cells than another."))
    return np.moveaxis(np.array(planes), 0, 2)


@lru_cache(maxsize=8)
def photograph(name: str) -> np.ndarray:
    """A photograph's middle square, grey: (128, 128), whole numbers 0 to 255."""
    return np.rint(255 * pictures.small_grey(name, PHOTOGRAPH[0]))


def picture(name: str, text: str, channels: int) -> np.ndarray:
    """A picture as (1, H, W, C) float32.

    Args:
      name: of `PICTURES` or `PHOTOGRAPHS`, or "own".
      text: the cells of the person's own picture; "" for none yet.
      channels: 1, or 3: a preset seen from three sides.

    Raises:
      DeconvvizError: the text holds no picture of 6 x 7 cells.

    >>> picture("pixel", "", 3)[0].sum(axis=(0, 1)).tolist()
    [1.0, 1.0, 1.0]
    """
    if name in PHOTOGRAPHS:
        return photograph(name)[None, :, :, None].astype(np.float32)
    cells = np.array(PICTURES.get(name, PICTURES["corner"])[1], np.float64)[:, :, None]
    if name == "own" and text:
        cells = from_text(text)
        if cells.shape[:2] != SIZE or cells.shape[2] not in (1, 3):
            raise DeconvvizError(
                t(
                    "The picture of this link has {shape} cells; it needs {size}, in one channel or three.",
                    shape=_times(cells.shape),
                    size=_times(SIZE),
                )
            )
    if channels == 3 and cells.shape[2] == 1:
        cells = np.concatenate([cells, cells[:, ::-1], cells[::-1]], axis=2)
    return cells[None, :, :, :channels].astype(np.float32)


def kernel(name: str, text: str, channels: int) -> np.ndarray:
    """A kernel as (height, width, C, 1) float32, as it is written: one slice a channel.

    Raises:
      DeconvvizError: the text holds no kernel of at most 9 x 9 cells.

    >>> kernel("single", "", 3)[1, 1, :, 0].tolist()
    [1.0, -1.0, 2.0]
    """
    cells = np.array(KERNELS.get(name, KERNELS["edge"])[1], np.float64)[:, :, None]
    if name == "own" and text:
        cells = from_text(text)
        if max(cells.shape[:2]) > LARGEST or cells.shape[2] not in (1, 3):
            raise DeconvvizError(
                t(
                    "The kernel of this link has {shape} cells; it may have {size}, in one slice or three.",
                    shape=_times(cells.shape),
                    size=_times((LARGEST, LARGEST)),
                )
            )
    if channels == 3 and cells.shape[2] == 1:
        cells = np.concatenate([factor * cells for factor in SLICES], axis=2)
    return cells[:, :, :channels, None].astype(np.float32)


def edited(array: np.ndarray, place: tuple[int, int, int], text: str) -> str:
    """The text of an (H, W, C) array with another number at (row, column, channel).

    Raises:
      DeconvvizError: the typed text is no number.

    >>> edited(np.zeros((1, 2, 1)), (0, 1, 0), "-1")
    '0_-1'
    """
    changed = np.array(array, np.float64)
    changed[place] = read_number(text)
    return to_text(changed)


def _times(shape: tuple[int, ...]) -> str:
    return " × ".join(str(n) for n in shape)
