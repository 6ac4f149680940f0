"""Planes of numbers beside each other, with frames and a cell to choose: the picture of a lesson on small arrays.

The person chooses a cell with the mouse, or with arrow keys and Enter; the choice comes back as (row, column).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import streamlit as st

from lessons._kit.draw import component

Cell = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Plane:
    """One channel shown as a table of numbers.

    Attributes:
      title: what it is, translated.
      values: (height, width).
      colour: "input", "kernel" or "output": the colour of its symbol in formulas and text.
      pads: ((top, bottom), (left, right)) ghost cells around it; they show zeros, or nothing if `cut`.
      cut: the ghost cells are cut away, not read.
      frame: cells in the solid frame (ghost cells have negative or too large numbers).
      touched: cells in the dashed frame.
      quiet: cells that are none of its own, such as zeros put between.
      wrong: cells struck out; the title says in words how many.
      chosen: the chosen cell.
      pick: name under which a click is reported; "" if cells cannot be chosen.
      scale: value of full tint; the plane's own largest if None.
      part: name by which a scene frames it; its colour if empty.
    """

    title: str
    values: np.ndarray
    colour: str
    pads: tuple[tuple[int, int], tuple[int, int]] = ((0, 0), (0, 0))
    cut: bool = False
    frame: Collection[Cell] = ()
    touched: Collection[Cell] = ()
    quiet: Collection[Cell] = ()
    wrong: Collection[Cell] = ()
    chosen: Cell | None = None
    pick: str = ""
    scale: float | None = None
    part: str = ""


@dataclass(frozen=True)
class Arrow:
    """An arrow from a cell of one plane of a row to a cell of another; planes are counted from 0."""

    start_plane: int
    start: Cell
    end_plane: int
    end: Cell
    strong: bool = False


@dataclass(frozen=True, eq=False)
class Row:
    """Planes beside each other under one heading; `backward` puts them from right to left on a wide page.

    Arrows are drawn over the planes, for the eye only: what they say is in numbers of a plane too.
    """

    title: str
    planes: Sequence[Plane]
    signs: Sequence[str] = field(default=())
    backward: bool = False
    arrows: Sequence[Arrow] = field(default=())


def number(value: float) -> str:
    """A value as it stands in a cell or a formula: whole where it is whole, else two decimals.

    >>> number(-3.0), number(0.126), number(-0.001)
    ('−3', '0.13', '0')
    """
    rounded = round(float(value), 2)
    text = f"{abs(rounded):.0f}" if rounded == int(rounded) else f"{abs(rounded):.2f}"
    return f"−{text}" if rounded < 0 else text


def _message(plane: Plane) -> dict[str, Any]:
    """What the browser needs to draw a plane."""
    height, width = plane.values.shape
    (top, bottom), (left, right) = plane.pads
    scale = plane.scale or float(np.abs(plane.values).max()) or 1.0
    marks: dict[str, set[Cell | None]] = {"frame": set(plane.frame), "touched": set(plane.touched)}
    marks |= {"quiet": set(plane.quiet), "wrong": set(plane.wrong), "chosen": {plane.chosen}}

    def cell(r: int, c: int) -> list[Any]:
        inside = 0 <= r < height and 0 <= c < width
        value = float(plane.values[r, c]) if inside else 0.0
        kinds = ["" if inside else "cut" if plane.cut else "ghost"]
        kinds += [kind for kind, cells in marks.items() if (r, c) in cells]
        text = number(value) if inside or not plane.cut else ""
        return [text, round(max(-1.0, min(1.0, value / scale)), 3), " ".join(filter(None, kinds))]

    rows, columns = range(-top, height + bottom), range(-left, width + right)
    return {
        "title": plane.title,
        "colour": plane.colour,
        "part": plane.part or plane.colour,
        "pick": plane.pick,
        "first": [-top, -left],
        "size": [height, width],
        "cells": [[cell(r, c) for c in columns] for r in rows],
    }


def show(
    rows: Sequence[Row],
    key: str,
    words: dict[str, str],
    on_pick: Callable[[str, Cell], None],
    motion: dict[str, Any] | None = None,
) -> None:
    """Draw rows of planes.

    Args:
      rows: what to draw, in reading order.
      key: the component's key in the session.
      words: translated "row" and "column", for screen readers.
      on_pick: told the plane's `pick` and the cell when the person chooses one.
      motion: what lights up and is played, as `motion.message` makes it.
    """
    data = {
        "words": words,
        "motion": motion,
        "rows": [
            {
                "title": r.title,
                "signs": list(r.signs),
                "backward": r.backward,
                "planes": [_message(p) for p in r.planes],
                "arrows": [[a.start_plane, *a.start, a.end_plane, *a.end, a.strong] for a in r.arrows],
            }
            for r in rows
        ],
    }

    def picked() -> None:
        plane, row, column = st.session_state[key]["pick"]
        on_pick(str(plane), (int(row), int(column)))

    component.mount(__file__, key=key, data=data, on_pick_change=picked)
