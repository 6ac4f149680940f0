"""Formulas whose symbols have the colours of the picture: input plane, kernel, output plane."""

from __future__ import annotations

from collections.abc import Iterable

import streamlit as st

from lessons._kit.draw.planes import number

#: Name -> colour on a light page, on a dark page; style.css holds the same pairs. Each has contrast 4.5 or more.
COLOURS = {
    "input": ("#00695c", "#5fd3bc"),
    "kernel": ("#7b1fa2", "#d7a6ea"),
    "output": ("#9a4a00", "#ffb066"),
}


def coloured(colour: str, latex: str) -> str:
    """LaTeX in the colour of a plane, as it is on the session's theme.

    >>> coloured("input", "x")
    '{\\\\color{#00695c} x}'
    """
    dark = st.context.theme.type == "dark"
    return rf"{{\color{{{COLOURS[colour][dark]}}} {latex}}}"


def value(number_: float, alone: bool = False) -> str:
    """A number as LaTeX, in brackets if it is negative and not alone.

    >>> value(-2.0), value(7)
    ('(-2)', '7')
    """
    text = number(number_).replace("−", "-")
    return f"({text})" if text.startswith("-") and not alone else text


def total(left: str, terms: Iterable[Iterable[tuple[str, str]]], result: str) -> str:
    """Aligned LaTeX: ``left = ``, lines of products, ``= result``. A term is a pair of factors, already coloured.

    >>> print(total("z", [[("a", "b")], [("c", "d")]], "7"))
    \\begin{aligned} z =\\;&a \\cdot b \\\\ +\\;&c \\cdot d \\\\ =\\;&7 \\end{aligned}
    """
    lines = [" + ".join(rf"{a} \cdot {b}" for a, b in line) for line in terms]
    body = r" \\ +\;&".join(line for line in lines if line) or r"\text{--}"
    return rf"\begin{{aligned}} {left} =\;&{body} \\ =\;&{result} \end{{aligned}}"
