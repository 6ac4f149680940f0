"""The picture of a program: the lines that fail with what they raise, the shapes, and what the mended one makes."""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np
import streamlit as st

from deconvviz.articles.programs import Fault, Program, attempt, mend, shapes_of, slices
from lessons._kit.draw import bars, image_row
from lessons._kit.form.i18n import t
from lessons.programs import words

#: Width of a picture on screen, in pixels.
WIDTH = 208


def fault(number: int, record: Fault) -> None:
    """One fault: the printed lines, what came of running them, and why."""
    st.markdown(f"**{t('As printed, fault {number}', number=number)}**")
    st.code(record.printed, language="python", wrap_lines=True)
    result = attempt(record)
    if result.error:
        with st.container(key=f"raised-{number}"):
            st.code(result.error, language=None, wrap_lines=True)
    else:
        st.warning(t("It runs. {name} = {value}", name=record.shows, value=f"{result.value:g}"))
    st.markdown(t(words.FAULTS[record.id], value=f"{result.value or 0:g}"))


def shapes(program: Program, *, is_asked: bool = False) -> None:
    """The shape after every layer, or only the first where the others are asked for, and the one that is needed."""
    if program.layers:
        rows = [(name or t("picture"), size) for name, size in shapes_of(program)]
        rows[1:] = [(name, () if is_asked else size) for name, size in rows[1:]]
        needed = (t("needed"), program.target_shape)
        st.html(to_html(t("Rows × columns × channels after every layer"), rows, needed))
        return
    rows = [
        (t("row 0, column {column}: kernel {kernel}, picture", column=column, kernel=times(kernel)), part)
        for column, kernel, part in slices()
    ]
    st.html(to_html(t("What the loop multiplies at its first pixels"), rows, None))


def to_html(caption: str, rows: Sequence[tuple[str, Sequence[int]]], needed: tuple[str, Sequence[int]] | None) -> str:
    """A table of shapes; the last row is what is needed.

    >>> "1016 × 1016 × 3" in to_html("c", [("a", (1016, 1016, 3))], ("n", (256, 256, 3)))
    True
    """
    body = "".join(
        f'<tr{" class=needed" if row is needed else ""}><th scope="row">{html.escape(row[0])}</th>'
        f"<td>{times(row[1])}</td></tr>"
        for row in ([*rows, needed] if needed else rows)
    )
    return f'<table class="shapes"><caption>{html.escape(caption)}</caption><tbody>{body}</tbody></table>'


def times(shape: Sequence[int]) -> str:
    """A shape for people; a question mark for none.

    >>> times((3, 2)), times(())
    ('3 × 2', '?')
    """
    return " × ".join(str(n) for n in shape) or "?"


def result(article: str) -> None:
    """What the mended program makes, and how good that is."""
    made = mend(article)
    shown = []
    for name, plane in zip(words.PICTURES[article], made.arrays.values(), strict=True):
        low, high = float(plane.min()), float(plane.max())
        scaled = (np.asarray(plane, np.float32) - low) / ((high - low) or 1.0)
        zoom = max(1, WIDTH // plane.shape[1])
        shown.append(image_row.Picture(image_row.grey(scaled), t(name), width=zoom * plane.shape[1]))
    image_row.show(shown)
    caption, mine, plain = words.SCORES[article]
    rows = [
        bars.Bar(t(mine), (made.score,), digits=3),
        bars.Bar(t(plain), (made.plain,), second=True, digits=3),
    ]
    bars.show(t(caption), rows, full=None if article == "004" else 1.0)
