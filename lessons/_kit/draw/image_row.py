"""Grey pictures in a row with a number under each, curves, and a table of numbers: for lessons on photographs."""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import streamlit as st

from deconvviz.figures import files


@dataclass(frozen=True, eq=False)
class Shot:
    """A picture.

    Attributes:
      title: translated.
      note: translated; a number, mostly.
      source: the picture as a data address.
    """

    title: str
    note: str
    source: str


def grey(plane: np.ndarray) -> str:
    """A plane as a data address of a PNG: 0 black, 1 white, clipped beyond.

    >>> grey(np.array([[0.0, 1.0]]))[:22]
    'data:image/png;base64,'
    """
    levels = np.rint(255 * np.clip(plane, 0, 1)).astype(np.uint8)
    return "data:image/png;base64," + base64.b64encode(files.png_bytes(levels)).decode()


def curves(lines: Sequence[tuple[str, np.ndarray]], paper: str = "#ffffff") -> str:
    """Curves from the first number to the last, 0 at the bottom and 1 at the top, as a data address of an SVG.

    Args:
      lines: (colour, numbers from 0 to 1); the second and later ones are dashed.
      paper: colour of the background.

    >>> curves([("#000", np.array([1.0, 0.0]))])[:26]
    'data:image/svg+xml;base64,'
    """
    paths = []
    for i, (colour, numbers) in enumerate(lines):
        across = np.linspace(6, 194, len(numbers))
        points = " ".join(
            f"{x:.1f},{194 - 188 * min(1.0, max(0.0, y)):.1f}" for x, y in zip(across, numbers, strict=True)
        )
        dash = ' stroke-dasharray="6 4"' if i else ""
        paths.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="3"{dash}/>')
    frame = f'<rect width="200" height="200" fill="{paper}"/><path d="M6 6V194H194" fill="none" stroke="#767676"/>'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 200 200">{frame}{"".join(paths)}</svg>'
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()


def strip(shots: Sequence[Shot]) -> None:
    """Draw pictures beside each other; their words are their text alternative too."""
    figures = []
    for shot in shots:
        title, note = html.escape(shot.title), html.escape(shot.note)
        figures.append(
            f'<figure><img src="{shot.source}" alt="{title}: {note}">'
            f"<figcaption><strong>{title}</strong><span>{note}</span></figcaption></figure>"
        )
    st.html(f'<div class="shots">{"".join(figures)}</div>')


def table(caption: str, columns: Sequence[str], rows: Sequence[tuple[str, Sequence[float]]], here: int) -> None:
    """Numbers in decibels; the largest of each column is bold.

    Args:
      caption: translated.
      columns: head of each column.
      rows: (name, a number for each column).
      here: the column of the current setting.
    """
    best = [max(numbers[i] for _, numbers in rows) for i in range(len(columns))]
    marks = ["here" if i == here else "" for i in range(len(columns))]
    head = "".join(f'<th scope="col" class="{marks[i]}">{html.escape(name)}</th>' for i, name in enumerate(columns))
    body = []
    for name, numbers in rows:
        cells = "".join(
            f'<td class="{"best" if number == best[i] else ""}">{number:.1f}</td>' for i, number in enumerate(numbers)
        )
        body.append(f'<tr><th scope="row">{html.escape(name)}</th>{cells}</tr>')
    st.html(
        f'<table class="numbers"><caption>{html.escape(caption)}</caption><thead><tr><td></td>{head}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table>"
    )


def style() -> None:
    """Put the style of pictures and tables on the page."""
    st.html(Path(__file__).with_name("image_row.css"))
