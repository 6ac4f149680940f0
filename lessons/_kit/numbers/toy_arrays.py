"""Small pictures and kernels of whole numbers, so that every product on screen can be done in the head."""

from __future__ import annotations

import numpy as np

from deconvviz.types import Array
from lessons._kit.form.i18n import mark

#: (height, width) of every picture: two different numbers, so that nothing hides.
SIZE = (6, 7)
#: Name in the URL -> (name on screen, rows)..
PICTURES: dict[str, tuple[str, list[list[int]]]] = {
    "corner": (mark("a corner"), [[0] * 7] * 2 + [[0, 0, 1, 1, 1, 1, 1]] + [[0, 0, 1, 2, 2, 2, 2]] * 3),
    "pixel": (mark("one pixel"), [[0] * 7] * 2 + [[0, 0, 0, 1, 0, 0, 0]] + [[0] * 7] * 3),
    "stripe": (mark("a slanted stripe"), [[1 if c in (r, r + 1) else 0 for c in range(7)] for r in range(6)]),
    "flat": (mark("all ones"), [[1] * 7] * 6),
}
#: Name in the URL -> (name on screen, rows). "numbered" has another height than width: nothing hides in symmetry.
KERNELS: dict[str, tuple[str, list[list[int]]]] = {
    "numbered": (mark("1 to 6"), [[1, 2, 3], [4, 5, 6]]),
    "edge": (mark("vertical edge"), [[1, 0, -1], [2, 0, -2], [1, 0, -1]]),
    "corner": (mark("corner detector"), [[-2, -1, 0], [-1, 0, 1], [0, 1, 2]]),
    "blur": (mark("blur, times 16"), [[1, 2, 1], [2, 4, 2], [1, 2, 1]]),
    "sharpen": (mark("sharpen"), [[0, -1, 0], [-1, 5, -1], [0, -1, 0]]),
    "single": (mark("a single 1"), [[0, 0, 0], [0, 1, 0], [0, 0, 0]]),
}


def picture(name: str) -> np.ndarray:
    """A picture as (1, 6, 7, 1) float32.

    >>> picture("pixel").sum()
    np.float32(1.0)
    """
    return np.array(PICTURES[name][1], np.float32)[None, :, :, None]


def kernel(name: str) -> np.ndarray:
    """A kernel as (height, width, 1, 1) float32.

    >>> kernel("numbered").shape
    (2, 3, 1, 1)
    """
    return np.array(KERNELS[name][1], np.float32)[:, :, None, None]


def source(array: Array) -> str:
    """Python that makes a float32 array: its rows, and the axes of size 1 of a picture or a kernel behind them.

    >>> print(source(np.ones((1, 2, 3, 1))))
    np.array([
        [1, 1, 1],
        [1, 1, 1],
    ], np.float32)[None, :, :, None]
    """
    values = np.asarray(array, np.float32)
    axes = ""
    if values.ndim == 4 and values.shape[::3] == (1, 1):
        values, axes = values[0, :, :, 0], "[None, :, :, None]"
    elif values.ndim == 4 and values.shape[2:] == (1, 1):
        values, axes = values[:, :, 0, 0], "[:, :, None, None]"
    rows = "".join(f"    {_literal(row)},\n" for row in values)
    return f"np.array([\n{rows}], np.float32){axes}"


def _literal(values: np.ndarray) -> str:
    """Nested lists of numbers, whole where they are whole, to the digits that give a float32 back."""
    if values.ndim:
        return f"[{', '.join(map(_literal, values))}]"
    return f"{float(values):.9g}"


def plane(array: Array) -> np.ndarray:
    """The one channel of the one image in an NHWC array, (height, width)."""
    return np.asarray(array)[0, :, :, 0]


def only(array: Array, cell: tuple[int, int]) -> np.ndarray:
    """The one image of an NHWC array with all but one cell set to zero.

    >>> only(np.ones((1, 2, 2, 1)), (0, 1))[0, :, :, 0].tolist()
    [[0.0, 1.0], [0.0, 0.0]]
    """
    alone = np.zeros_like(np.asarray(array))
    alone[0, *cell] = array[0, *cell]
    return alone
