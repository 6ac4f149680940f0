"""Terms of art: ``[[adjoint|the adjoint]]`` in a text becomes a word that opens its definition."""

from __future__ import annotations

import html
import itertools
import re

import streamlit as st

from lessons._kit.form.i18n import mark, t

#: Key -> (term, definition), both marked for the catalogue.
TERMS = {
    "adjoint": (
        mark("adjoint"),
        mark(
            "The map Aᵀ that obeys ⟨Ax, y⟩ = ⟨x, Aᵀy⟩ for all x and y. As a matrix: rows and columns swapped. "
            "It carries signals back, but undoes nothing."
        ),
    ),
    "transposed convolution": (
        mark("transposed convolution"),
        mark("A layer that runs the adjoint of a convolution forward. Often called deconvolution, which it is not."),
    ),
    "deconvolution": (
        mark("deconvolution"),
        mark(
            "Five things, from the oldest to the newest: solving for x when w and z are known, in signal "
            "processing; networks that infer sparse maps whose convolutions add up to the picture (2010); the same "
            "with pooling and its switches (2011); DeconvNet, which takes one unit back to the pixels (2014); and "
            "the layer that enlarges maps by a learned transposed convolution (2015). Only the first three solve "
            "an equation; the last two compute an adjoint. On these pages each has its own name."
        ),
    ),
    "kernel": (mark("kernel"), mark("The small array of weights that a convolution slides over its input.")),
    "stride": (mark("stride"), mark("How many rows and columns the window moves from one output cell to the next.")),
    "padding": (mark("padding"), mark("Rows and columns of zeros put around the input before the window slides.")),
    "dilation": (mark("dilation"), mark("The distance between neighbouring taps of the kernel; 1 leaves no gaps.")),
    "stamp": (
        mark("stamp"),
        mark("What one output cell lays down in the adjoint: the kernel times the cell's value, where its window was."),
    ),
    "total variation": (
        mark("total variation"),
        mark("How much a picture changes from pixel to pixel, added up; small for smooth pictures, large for noise."),
    ),
    "frequency": (
        mark("frequency"),
        mark(
            "How often a wave of stripes repeats per pixel. A picture is a sum of such waves; fine detail has "
            "high frequencies."
        ),
    ),
    "null space": (
        mark("null space"),
        mark("All pictures that A turns into zeros; what lies in it leaves no trace in y."),
    ),
    "max pooling": (
        mark("max pooling"),
        mark("Keeps the largest value of each window of a map; the map gets smaller."),
    ),
    "switch": (
        mark("switch"),
        mark("The place of a window's maximum, as one number: W r + c in a map W columns wide."),
    ),
    "unpooling": (
        mark("unpooling"),
        mark("The adjoint of max pooling with its switches held fixed: each value goes back to its switch."),
    ),
    "rectifier": (mark("rectifier"), mark("max(z, 0), the ReLU: keeps what is above zero and makes the rest zero.")),
    "trimap": (
        mark("trimap"),
        mark("A map of seeds: surely object, surely background, and between them the pixels where alpha is unknown."),
    ),
    "matting": (
        mark("matting"),
        mark("Finding alpha, how much of each pixel is the object: I = αF + (1 − α)B, with F and B its two colours."),
    ),
    "receptive field": (
        mark("receptive field"),
        mark("The window of input pixels that can reach a unit; no pixel outside it ever changes the unit."),
    ),
}

_LINK = re.compile(r"\[\[([a-z ]+)(?:\|([^\]]+))?\]\]")


def prose(text: str, key: str) -> None:
    """Show a translated text: paragraphs between empty lines, ``**strong**``, ``[[term]]`` or ``[[term|as shown]]``.

    Args:
      text: already translated.
      key: unique on the page; names the definitions.

    Raises:
      KeyError: the text names a term that is not in `TERMS`.
    """
    st.html(to_html(text, key))


def to_html(text: str, key: str) -> str:
    """The HTML that `prose` shows.

    >>> print(to_html("a **b** & [[stride|step]]", "k"))  # doctest: +ELLIPSIS
    <div class="prose"><p>a <strong>b</strong> &amp; <button class="term" popovertarget="k-0">step</button></p>...</div>
    """
    counter = itertools.count()
    definitions = []

    def link(match: re.Match[str]) -> str:
        term, definition = TERMS[match[1]]
        name = f"{key}-{next(counter)}"
        definitions.append(
            f'<div class="definition" popover id="{name}"><strong>{t(term)}</strong> {t(definition)}</div>'
        )
        return f'<button class="term" popovertarget="{name}">{match[2] or t(term)}</button>'

    body = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", _LINK.sub(link, html.escape(text, quote=False)))
    paragraphs = "".join(f"<p>{part}</p>" for part in body.split("\n\n"))
    return f'<div class="prose">{paragraphs}{"".join(definitions)}</div>'
