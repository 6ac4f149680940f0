"""The checks of a page: how many hold, what each compared with what, its error, its bound and its code."""

from __future__ import annotations

import inspect
import math
import textwrap
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

import numpy as np
import streamlit as st

from deconvviz.figures.scale import diverging_rgb, signed_limit
from deconvviz.types import Check
from lessons._kit.draw import image_row
from lessons._kit.form.i18n import t
from lessons._kit.form.page import SYNTAX

Code: TypeAlias = tuple[Callable[..., Any], ...]


@dataclass(frozen=True)
class Proof:
    """A check with what a person may want to know about it.

    Attributes:
      check: name, measured error, tolerance.
      meaning: translated Markdown, formulas between dollars.
      code: functions whose source measured it.
      matrix: drawn above the code, if there is one.
    """

    check: Check
    meaning: str
    code: Code = ()
    matrix: np.ndarray | None = None


def error_text(error: float, digits: int = 2) -> str:
    """A measured number, short.

    >>> error_text(0.0), error_text(3.14e-7), error_text(0.25), error_text(float("inf")), error_text(-0.5765, 3)
    ('0', '3e-7', '0.25', '∞', '−0.577')
    """
    if error < 0:
        return f"−{error_text(-error, digits)}"
    if math.isinf(error):
        return "∞"
    if error == 0 or error >= 0.01:
        return f"{error:.{digits}g}"
    return f"{error:.0e}".replace("e-0", "e-")


def badges(proofs: Sequence[Proof]) -> None:
    """One chip: how many checks hold; it opens what each compared, its error and bound, and its code."""
    with st.container(key="proofs"), st.popover(_summary([proof.check for proof in proofs])):
        show_checks(proofs)


def verdict(checks: Sequence[Check]) -> None:
    """How many checks hold, and the names of those that do not."""
    with st.container(key="part-checks"):
        st.markdown(_summary(checks))


def _summary(checks: Sequence[Check]) -> str:
    failing = [t(check.name) for check in checks if not check.holds]
    count = t("{holds} of {all} checks hold", holds=len(checks) - len(failing), all=len(checks))
    icon, colour = (":material/cancel:", "red") if failing else (":material/check_circle:", "green")
    names = f" · {t('fails')}: {', '.join(failing)}" if failing else ""
    return f"{icon} :{colour}[**{count}**]{names}"


def show_checks(proofs: Iterable[Proof]) -> None:
    """Every check: whether it holds, what was compared with what, its error and its bound, and behind it its code."""
    for proof in proofs:
        check = proof.check
        word = t("holds") if check.holds else t("fails")
        st.markdown(f":{'green' if check.holds else 'red'}[**{word}**] **{t(check.name)}**")
        st.markdown(proof.meaning)
        st.markdown(
            t(
                "Measured {error}, allowed {tolerance}: it {word}.",
                error=error_text(check.error),
                tolerance=error_text(check.tolerance),
                word=word,
            )
        )
        if proof.matrix is not None:
            _draw(proof.matrix)
        with st.expander(t("The code that measured it")):
            show_source(proof.code)


def _draw(matrix: np.ndarray) -> None:
    """A matrix as a picture, one square an entry; zero is white, red above, blue below."""
    pixels = diverging_rgb(matrix, signed_limit(matrix)).repeat(6, axis=0).repeat(6, axis=1)
    rows, columns = matrix.shape
    text = t("A: {rows} rows, one an output cell; {columns} columns, one an input cell", rows=rows, columns=columns)
    image_row.show([image_row.Picture(pixels, text, width=pixels.shape[1])])


def measurement(label: str, meaning: str, *code: Callable[..., Any]) -> None:
    """A measured number that is neither right nor wrong, with its meaning and code behind it."""
    with st.popover(label, icon=":material/straighten:"):
        st.markdown(meaning)
        show_source(code)


def show_source(code: Code) -> None:
    """The source of functions as it ran, each in a box."""
    for function in code:
        st.code(_source(function), language="python", wrap_lines=True)


@cache
def _source(function: Callable[..., Any]) -> str:
    with SYNTAX:  # the source of a class is looked up in a tree
        return textwrap.dedent(inspect.getsource(function))
