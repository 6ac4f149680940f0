"""Pictures in a row, each with its words, and a table of numbers; cells stay sharp."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st

from lessons._kit.draw.pixels import address, is_signed_sum, png, to_bytes


@dataclass(frozen=True, eq=False)
class Picture:
    """One picture.

    Attributes:
      source: a data address, or (H, W, 3) uint8.
      note: translated; stands under it.
      title: translated; stands above the note, in bold.
      width: on screen, in pixels; 0 for an equal share of the row.
      alt: translated; title and note if they say it all.
      part: its name where a scene frames it.
    """

    source: str | np.ndarray
    note: str
    title: str = ""
    width: int = 0
    alt: str = ""
    part: str = ""


def grey(plane: np.ndarray) -> str:
    """A plane as a data address: 0 black, 1 white, clipped beyond.

    >>> grey(np.array([[0.0, 1.0]]))[:22]
    'data:image/png;base64,'
    """
    return address(png(to_bytes(plane)))


def to_html(pictures: Sequence[Picture]) -> str:
    """The row.

    >>> page = to_html([Picture(np.zeros((1, 2, 3), np.uint8), "a <map>", width=20)])
    >>> 'alt="a &lt;map&gt;"' in page, "image/png" in page
    (True, True)
    """
    figures = []
    for picture in pictures:
        source, kind = picture.source, ""
        if not isinstance(source, str):
            kind = ' class="signed"' if is_signed_sum(source) else ""
            source = address(png(source))
        title, note = html.escape(picture.title), html.escape(picture.note)
        alt = html.escape(picture.alt) or f"{title}{': ' if title else ''}{note}"
        width = f' style="width: {max(picture.width, 120)}px"' if picture.width else ""
        inner = f' width="{picture.width}"' if picture.width else ""
        head = f"<strong>{title}</strong>" if title else ""
        part = f' data-part="{html.escape(picture.part)}"' if picture.part else ""
        words = f"<figcaption>{head}<span>{note}</span></figcaption>"
        figures.append(f'<figure{width}{part}><img{kind} src="{source}" alt="{alt}"{inner}>{words}</figure>')
    row = "pictures" if any(picture.width for picture in pictures) else "pictures equal"
    return f'<div class="{row}">{"".join(figures)}</div>'


def show(pictures: Sequence[Picture]) -> None:
    """Draw the row."""
    st.html(to_html(pictures))


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
