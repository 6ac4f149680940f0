"""The picture of backpropagation: what each layer puts out, below it the derivative of the score by just that."""

from __future__ import annotations

import numpy as np
import streamlit as st

from lessons._kit.draw import formula, planes
from lessons._kit.draw.planes import number
from lessons._kit.form.i18n import t
from lessons._kit.numbers.toy_arrays import plane
from lessons.backpropagation.chain import STEP, Cell, Chain, nudged, paths

#: Products in one line of a formula.
LINE = 3


def rows(network: Chain, cell: Cell, view: str) -> list[planes.Row]:
    """The forward row, and with the view "back" the backward row below it.

    Args:
      network: with its picture.
      cell: chosen pixel; what it reaches is framed.
      view: "nudge", "chain" or "back".
    """
    z, r, score = network.forward
    reached = [where for where, *_ in paths(network, cell)] if view != "nudge" else []
    there = [
        planes.Plane(t("picture x"), plane(network.x), "input", chosen=cell, pick="cell"),
        planes.Plane(t("convolved, z"), plane(z), "kernel", frame=reached, part="z"),
        planes.Plane(t("rectified, r"), plane(r), "output", frame=reached, part="r"),
        planes.Plane(t("score s"), np.array([[score]]), "output", part="score"),
    ]
    forward = planes.Row(t("Forward: from the picture to the score"), there, ("→", "→", "→"))
    if view != "back":
        return [forward]
    by_r, by_z, by_x = (plane(g) for g in network.backward)
    here = [
        planes.Plane(t("by r"), by_r, "output", frame=reached, part="by-r"),
        planes.Plane(t("by z"), by_z, "kernel", frame=reached, part="by-z"),
        planes.Plane(t("by x"), by_x, "input", chosen=cell, pick="cell", part="by-x"),
    ]
    title = t("Backward: the derivative of the score, from the last layer to the first")
    return [forward, planes.Row(title, here, ("←", "←"), backward=True)]


def draw(network: Chain, cell: Cell, view: str) -> None:
    """The rows, and the derivative of the chosen pixel with its numbers."""

    def picked(name: str, where: Cell) -> None:
        st.session_state[name] = f"{where[0]},{where[1]}"

    planes.show(rows(network, cell, view), "planes", {"row": t("row"), "column": t("column")}, picked)
    with st.container(key="part-formula"):
        st.latex(quotient(network, cell) if view == "nudge" else products(network, cell))


def quotient(network: Chain, cell: Cell) -> str:
    """The change of the score over the change of the pixel, with its numbers."""
    measured = plane(nudged(network))[cell]
    before = network.forward[2]
    x = formula.coloured("input", f"x_{{{cell[0]},{cell[1]}}}")
    h = rf"\tfrac{{1}}{{{round(1 / STEP)}}}"
    change = f"({before + measured * STEP:.4f} - {before:.4f})"
    result = formula.value(measured, alone=True)
    return rf"\frac{{\Delta s}}{{\Delta {x}}} = \frac{{{change}}}{{{h}}} = {result}"


def products(network: Chain, cell: Cell) -> str:
    """The derivative by the chosen pixel: kernel, gate and score multiplied along each path, and added up."""
    x = formula.coloured("input", f"x_{{{cell[0]},{cell[1]}}}")
    left = rf"\partial s / \partial {x}"
    terms = [
        rf"{formula.coloured('kernel', formula.value(w))} \cdot {number(gate)} \cdot "
        rf"{formula.coloured('output', formula.value(v))}"
        for _, w, gate, v in paths(network, cell)
    ]
    lines = [" + ".join(terms[i : i + LINE]) for i in range(0, len(terms), LINE)] or ["0"]
    result = formula.coloured("input", formula.value(plane(network.backward[2])[cell], alone=True))
    body = r" \\ +\;&".join(lines)
    return rf"\begin{{aligned}} {left} =\;&{body} \\ =\;&{result} \end{{aligned}}"
