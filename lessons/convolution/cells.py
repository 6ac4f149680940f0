"""Planes of numbers in which cells can be typed over or chosen, a sentence under a cell that holds no number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from lessons._kit.draw import component
from lessons._kit.draw.motion import Motion
from lessons._kit.draw.motion import message as message_of
from lessons._kit.draw.planes import Cell, Plane, number
from lessons._kit.form.i18n import t


@dataclass(frozen=True, eq=False)
class Grid(Plane):
    """A plane as in `planes`, whose cells can also be typed over.

    Attributes:
      edit: name under which a typed cell is reported; "" if cells cannot be typed over.
      channel: reported with it.
      rows, columns: numbers at the edge; counted from 0, ghost cells below it, if empty.
    """

    edit: str = ""
    channel: int = 0
    rows: Sequence[int] = ()
    columns: Sequence[int] = ()


@dataclass(frozen=True)
class Bad:
    """What was typed into a cell and is no number.

    Attributes:
      edit, channel, cell: which cell.
      text: what was typed.
      sentence: translated: what is wrong and what to do.
    """

    edit: str
    channel: int
    cell: Cell
    text: str
    sentence: str


@dataclass(frozen=True, eq=False)
class Line:
    """Grids beside each other with signs between them; `title` may be empty."""

    grids: Sequence[Grid]
    signs: Sequence[str] = ()
    title: str = ""


@dataclass(frozen=True)
class Events:
    """Who is told: a chosen cell (name, cell), a typed one (name, channel, cell, text), a pressed switch (name)."""

    pick: Callable[[str, Cell], None]
    edit: Callable[[str, int, Cell, str], None]
    press: Callable[[str], None]


def message(grid: Grid, bad: Bad | None = None) -> dict[str, Any]:
    """What the browser needs to draw a grid; a cell is [text, tint, kinds, row, column].

    >>> grid = Grid("w", np.array([[2.0, -1.0]]), "kernel", edit="w")
    >>> message(grid, Bad("w", 0, (0, 1), "abc", "no"))["cells"]
    [[['2', 1.0, '', 0, 0], ['abc', -0.5, 'bad', 0, 1]]]
    """
    height, width = grid.values.shape
    (top, bottom), (left, right) = grid.pads
    scale = grid.scale or float(np.abs(grid.values).max()) or 1.0
    frame, touched = set(grid.frame), set(grid.touched)
    wrong = bad if bad and (bad.edit, bad.channel) == (grid.edit, grid.channel) else None

    def cell(r: int, c: int) -> list[Any]:
        inside = 0 <= r < height and 0 <= c < width
        value = float(grid.values[r, c]) if inside else 0.0
        is_bad = wrong is not None and wrong.cell == (r, c)
        marks = {
            "ghost": not inside,
            "frame": (r, c) in frame,
            "touched": (r, c) in touched,
            "chosen": (r, c) == grid.chosen,
            "bad": is_bad,
        }
        text = wrong.text if wrong and is_bad else number(value)
        tint = round(max(-1.0, min(1.0, value / scale)), 3)
        return [text, tint, " ".join(name for name, is_so in marks.items() if is_so), r, c]

    rows, columns = range(-top, height + bottom), range(-left, width + right)
    return {
        "title": grid.title,
        "colour": grid.colour,
        "part": grid.part or grid.colour,
        "pick": grid.pick,
        "edit": grid.edit,
        "channel": grid.channel,
        "size": [height, width],
        "rows": list(grid.rows or rows),
        "columns": list(grid.columns or columns),
        "cells": [[cell(r, c) for c in columns] for r in rows],
    }


def show(
    lines: Sequence[Line],
    total: Grid | None,
    after: Sequence[Line],
    switches: Sequence[tuple[str, str, bool]],
    bad: Bad | None,
    events: Events,
    motion: Motion | None = None,
    key: str = "cells",
) -> None:
    """Draw lines of grids.

    Args:
      lines: what goes in, one below the other.
      total: what comes out, beside all of them.
      after: lines below.
      switches: (name, translated label, is it pressed) of the buttons above.
      bad: a cell that holds no number; its sentence is shown below its line.
      events: who is told what the person does.
      motion: what lights up and is played.
      key: the component's key in the session.
    """

    def as_json(line: Line) -> dict[str, Any]:
        here = bad and any((bad.edit, bad.channel) == (grid.edit, grid.channel) for grid in line.grids)
        return {
            "title": line.title,
            "signs": list(line.signs),
            "grids": [message(grid, bad) for grid in line.grids],
            "error": bad.sentence if bad and here else "",
        }

    data = {
        "words": {"row": t("row"), "column": t("column")},
        "switches": [list(switch) for switch in switches],
        "lines": [as_json(line) for line in lines],
        "total": message(total) if total else None,
        "after": [as_json(line) for line in after],
        "motion": message_of(motion),
    }

    def picked() -> None:
        name, row, column = st.session_state[key]["pick"]
        events.pick(str(name), (int(row), int(column)))

    def typed() -> None:
        name, channel, row, column, text = st.session_state[key]["edit"]
        events.edit(str(name), int(channel), (int(row), int(column)), str(text))

    def pressed() -> None:
        events.press(str(st.session_state[key]["press"]))

    component.mount(__file__, key=key, data=data, on_pick_change=picked, on_edit_change=typed, on_press_change=pressed)
