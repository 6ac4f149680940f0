"""A photograph, a close look at one window of it, and what the kernel makes of it on a scale that is printed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import streamlit as st

from deconvviz.figures.montage import png_bytes
from deconvviz.figures.scale import diverging_rgb, signed_limit
from lessons._kit.draw import component
from lessons._kit.draw.pixels import address
from lessons._kit.draw.planes import number
from lessons._kit.form.i18n import t
from lessons.convolution import sums
from lessons.convolution.sums import Arrays, Cell

#: Rows and columns of the close look, more if the window is larger.
CLOSE = 17


@dataclass(frozen=True, eq=False)
class Scaled:
    """A plane as a picture.

    Attributes:
      rgb: (H, W, 3) uint8.
      ramp: (1, n, 3) uint8: the colours from the first to the last of `ends`.
      ends: values at the left end, between, at the right end of the ramp; the one between is 0 if the ends differ in
        sign.
      signed: zero is neutral in the middle, colours are signs.
    """

    rgb: np.ndarray
    ramp: np.ndarray
    ends: tuple[float, float, float]
    signed: bool

    @property
    def middle(self) -> float:
        """Where the value between stands, from 0 (left) to 1."""
        low, between, high = self.ends
        return (between - low) / ((high - low) or 1)


def scaled(z: np.ndarray, signed: bool) -> Scaled:
    """A plane as a picture with its scale.

    Args:
      z: (H, W).
      signed: colours around zero, up to the largest magnitude on both sides; else grey from the least to the largest
        value, 0 included.

    >>> scaled(np.array([[-3.0, 1.0]]), True).ends, scaled(np.array([[2.0, 6.0]]), False).ends
    ((-3.0, 0.0, 3.0), (0.0, 3.0, 6.0))
    >>> scaled(np.array([[-1.0, 3.0]]), False).ends, scaled(np.array([[-1.0, 3.0]]), False).middle
    ((-1.0, 0.0, 3.0), 0.25)
    """
    if signed:
        limit = signed_limit(z)
        line = np.linspace(-1, 1, 255)[None]
        return Scaled(diverging_rgb(z, limit), diverging_rgb(line, 1.0), (-limit, 0.0, limit), True)
    low, high = min(0.0, float(z.min())), max(0.0, float(z.max()))
    levels = np.rint(255 * (z - low) / ((high - low) or 1)).astype(np.uint8)
    ramp = np.arange(256, dtype=np.uint8)[None]
    return Scaled(_grey(levels), _grey(ramp), (low, 0.0 if low < 0 < high else (low + high) / 2, high), False)


def is_signed(arrays: Arrays) -> bool:
    """Whether the weights add up to zero: such a kernel answers to differences, around zero."""
    return abs(float(arrays.w.sum())) < 1e-6


def close(arrays: Arrays, cell: Cell) -> tuple[np.ndarray, tuple[float, float, float, float]]:
    """The part of the photograph around a window, the padding as black.

    Returns:
      (n, n) grey levels, and (top, left, height, width) of the window in it, from 0 to 1.
    """
    rows, columns = sums.places(arrays, cell)
    spans = arrays.geometry.extent(arrays.kernel_size)
    n = max(CLOSE, *(span + 4 for span in spans))
    starts = [int(first[0]) - (n - span) // 2 for first, span in zip((rows, columns), spans, strict=True)]
    top, left = starts
    whole = np.pad(arrays.x[0, :, :, 0], n)
    part = whole[top + n : top + 2 * n, left + n : left + 2 * n]
    at = ((n - span) // 2 / n for span in spans)
    return part, (*at, spans[0] / n, spans[1] / n)  # type: ignore[return-value]


def frame(arrays: Arrays, cell: Cell) -> tuple[float, float, float, float]:
    """(top, left, height, width) of a window in the photograph, from 0 to 1; a part may lie outside."""
    rows, columns = sums.places(arrays, cell)
    spans, (height, width) = arrays.geometry.extent(arrays.kernel_size), arrays.size
    return rows[0] / height, columns[0] / width, spans[0] / height, spans[1] / width


def _grey(levels: np.ndarray) -> np.ndarray:
    return np.repeat(levels.astype(np.uint8)[..., None], 3, axis=-1)


def _source(rgb: np.ndarray) -> str:
    return address(png_bytes(rgb))


def show(arrays: Arrays, cell: Cell, name: str, on_pick: Callable[[str, Cell], None], key: str = "photo") -> None:
    """Draw photograph, close look and output; a click or the arrow keys choose a place.

    Args:
      arrays: of the state.
      cell: chosen output cell.
      name: translated: what is on the photograph.
      on_pick: told "cell" and the chosen output cell.
      key: the component's key in the session.
    """
    made = scaled(arrays.z[0, :, :, 0], is_signed(arrays))
    part, inside = close(arrays, cell)
    height, width = arrays.z.shape[1:3]
    pads = arrays.geometry.resolve(arrays.size, arrays.kernel_size)
    scale = t("blue below 0, red above") if made.signed else t("grey: black is the left number, white the right one")
    whole = _grey(arrays.x[0, :, :, 0])
    data = {
        "cell": list(cell),
        "size": list(arrays.size),
        "out": [height, width],
        "stride": list(arrays.geometry.strides),
        "first": [pads[0][0], pads[1][0]],
        "spans": list(arrays.geometry.extent(arrays.kernel_size)),
        "keys": t("Click, or move with the arrow keys (ten cells with Shift)."),
        "figures": [
            {
                "source": _source(whole),
                "mark": frame(arrays, cell),
                "pick": "input",
                "title": t("x: {name}", name=name),
                "note": t("{size}, 0 black to 255 white", size=f"{arrays.size[0]} × {arrays.size[1]}"),
            },
            {
                "source": _source(_grey(part)),
                "mark": inside,
                "pick": "",
                "title": t("a close look"),
                "note": t("the window of row {row}, column {column}", row=cell[0], column=cell[1]),
            },
            {
                "source": _source(made.rgb),
                "signed": made.signed,
                "mark": [cell[0] / height, cell[1] / width, 1 / height, 1 / width],
                "pick": "output",
                "title": t("z = {value} here", value=number(arrays.z[0, cell[0], cell[1], 0])),
                "note": t("{what}, {which}", what=f"{height} × {width}", which=scale),
                "ramp": _source(made.ramp),
                "ends": [number(end) if i != 1 or 0.15 < made.middle < 0.85 else "" for i, end in enumerate(made.ends)],
                "middle": made.middle,
            },
        ],
    }

    def picked() -> None:
        row, column = st.session_state[key]["pick"]
        on_pick("cell", (int(row), int(column)))

    component.mount(__file__, key=key, data=data, on_pick_change=picked)
