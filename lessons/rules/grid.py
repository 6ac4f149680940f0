"""Two small grids at a rectifier, z that went up and g that comes down, and what the four rules make of them."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import streamlit as st

from deconvviz.ops.rectify import RULES, backward
from lessons._kit.draw import formula, planes
from lessons._kit.form.controls import url_text
from lessons._kit.form.i18n import mark, t
from lessons._kit.photo.labels import RULES as NAMES

Cell = tuple[int, int]

#: (height, width) of both grids, and the largest number in them.
SIZE = (3, 5)
TOP = 3
#: Name in the URL -> (name on screen, rows of z, rows of g).
NUMBERS: dict[str, tuple[str, list[list[int]], list[list[int]]]] = {
    "mixed": (
        mark("every case"),
        [[2, -1, 0, 3, -2], [1, -3, 2, 0, 1], [-1, 3, -2, 1, 2]],
        [[1, 2, -1, -2, -3], [3, -1, -2, 2, 1], [2, 1, 3, -1, 0]],
    ),
    "open": (
        mark("every z above zero"),
        [[2, 1, 3, 1, 2], [1, 3, 2, 1, 1], [3, 3, 2, 1, 2]],
        [[1, -2, 3, -1, 2], [-3, 1, -1, 2, 0], [2, -2, 1, -3, 3]],
    ),
    "silent": (
        mark("no z above zero"),
        [[-2, 0, -3, -1, 0], [-1, -3, 0, -2, -1], [0, -1, -2, -3, -2]],
        [[1, -2, 3, -1, 2], [-3, 1, -1, 2, 0], [2, -2, 1, -3, 3]],
    ),
    "falling": (
        mark("no g above zero"),
        [[2, -1, 0, 3, -2], [1, -3, 2, 0, 1], [-1, 3, -2, 1, 2]],
        [[-1, -2, -1, -2, -3], [-3, -1, -2, 0, -1], [-2, -1, -3, -1, 0]],
    ),
}
_DIGITS = re.compile(rf"[0-{2 * TOP}]{{{2 * SIZE[0] * SIZE[1]}}}")


def numbers(name: str, digits: str = "") -> tuple[np.ndarray, np.ndarray]:
    """z and g, (3, 5) each; "own" is made of the digits 0 to 6, which stand for -3 to 3, first z, then g.

    >>> z, g = numbers("own", "6" * 15 + "0" * 15)
    >>> z.max(), g.min(), numbers("own", "no digits")[0][0].tolist()
    (np.float32(3.0), np.float32(-3.0), [2.0, -1.0, 0.0, 3.0, -2.0])
    """
    if name == "own" and _DIGITS.fullmatch(digits):
        both = np.array([int(digit) - TOP for digit in digits]).reshape(2, *SIZE)
    else:
        both = np.array(NUMBERS.get(name, NUMBERS["mixed"])[1:])
    z, g = both.astype(np.float32)
    return z, g


def raised(z: np.ndarray, g: np.ndarray, which: str, cell: Cell) -> str:
    """The digits of both grids with one cell of "z" or "g" raised by one; 3 becomes -3.

    >>> raised(*numbers("own", "6" * 30), "g", (0, 1))[13:18]
    '66606'
    """
    both = np.stack([z, g]).astype(int) + TOP
    at = ("z", "g").index(which), *cell
    both[at] = (both[at] + 1) % (2 * TOP + 1)
    return "".join(str(digit) for digit in both.ravel())


def url_digits(key: str) -> str:
    """The digits of the person's own numbers, as the URL holds them under ``?key=``."""
    return url_text(key)


def below(z: np.ndarray, g: np.ndarray) -> dict[str, np.ndarray]:
    """Rule -> the signal below the rectifier, by the library."""
    return {rule: np.asarray(backward(rule, z, g)) for rule in RULES}


def by_hand(rule: str, z: np.ndarray, g: np.ndarray) -> np.ndarray:
    """The rule again, one cell after the other.

    >>> by_hand("guided", np.array([1.0, 1.0]), np.array([2.0, -2.0])).tolist()
    [2.0, 0.0]
    """
    out = np.zeros_like(g)
    for cell in np.ndindex(*g.shape):
        stopped_by_z = rule in ("gradient", "guided") and not z[cell] > 0
        stopped_by_g = rule in ("deconvnet", "guided") and not g[cell] > 0
        if not stopped_by_z and not stopped_by_g:
            out[cell] = g[cell]
    return out


def stopped(rule: str, z: np.ndarray, g: np.ndarray) -> tuple[list[Cell], list[Cell]]:
    """The cells whose signal a rule stops: because of z, because of g. A signal of zero cannot be stopped.

    >>> stopped("guided", np.array([[1.0, -1.0]]), np.array([[-2.0, 2.0]]))
    ([(0, 1)], [(0, 0)])
    """
    by_z = (z <= 0) & (g != 0) if rule in ("gradient", "guided") else np.zeros(z.shape, bool)
    by_g = g < 0 if rule in ("deconvnet", "guided") else np.zeros(z.shape, bool)
    return _cells(by_z), _cells(by_g)


def _cells(where: np.ndarray) -> list[Cell]:
    return [(int(row), int(column)) for row, column in np.argwhere(where)]


def draw(z: np.ndarray, g: np.ndarray, cell: Cell, on_pick: Callable[[str, Cell], None]) -> None:
    """Both grids with their masks, the four results, and the chosen cell's numbers."""
    planes.show(rows(z, g, cell), "planes", {"row": t("row"), "column": t("column")}, on_pick)
    st.latex(line(z, g, cell))


def rows(z: np.ndarray, g: np.ndarray, cell: Cell) -> list[planes.Row]:
    """The two rows of planes."""

    def plane(title: str, values: np.ndarray, colour: str, pick: str = "cell") -> planes.Plane:
        return planes.Plane(title, values, colour, chosen=cell, pick=pick, scale=float(TOP), part=pick)

    up = [
        plane(t("z, forward"), z, "input", "z"),
        plane("[z > 0]", (z > 0).astype(int), "input"),
        plane(t("g, backward"), g, "output", "g"),
        plane("[g > 0]", (g > 0).astype(int), "output"),
    ]
    down = []
    for rule, values in below(z, g).items():
        by_z, by_g = stopped(rule, z, g)
        title = t("{rule}: {count} stopped", rule=t(NAMES[rule]), count=len({*by_z, *by_g}))
        down.append(
            planes.Plane(
                title,
                values,
                "output",
                frame=by_g,
                touched=by_z,
                quiet={*by_z, *by_g},
                chosen=cell,
                pick="cell",
                scale=float(TOP),
                part=rule,
            )
        )
    return [
        planes.Row(t("At the rectifier: the forward z, the backward g, and where each is above zero"), up),
        planes.Row(t("Below the rectifier, by each rule"), down),
    ]


def symbols() -> str:
    """The four rules in symbols."""
    z, g = formula.coloured("input", "z"), formula.coloured("output", "g")
    return _lines({rule: _rule(rule, z, g) for rule in RULES})


def line(z: np.ndarray, g: np.ndarray, cell: Cell) -> str:
    """The four rules with the numbers of one cell."""
    up = formula.coloured("input", formula.value(z[cell], alone=True))
    bare, down = (formula.coloured("output", formula.value(g[cell], alone=alone)) for alone in (True, False))
    out = below(z, g)
    return _lines(
        {
            rule: f"{_rule(rule, up, down if rule == 'gradient' else bare)} = "
            + formula.coloured("output", formula.value(out[rule][cell], alone=True))
            if rule != "linear"
            else bare
            for rule in RULES
        }
    )


def _rule(rule: str, z: str, g: str) -> str:
    mask, positive = rf"\cdot [{z} > 0]", rf"\max({g},\, 0)"
    return {"gradient": f"{g} {mask}", "deconvnet": positive, "guided": f"{positive} {mask}", "linear": g}[rule]


def _lines(right: dict[str, str]) -> str:
    body = r" \\ ".join(rf"\mathtt{{{rule}}} \quad & {text}" for rule, text in right.items())
    return rf"\begin{{aligned}} {body} \end{{aligned}}"
