"""What is known of one printed formula."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from deconvviz.types import Array

Inputs = Mapping[str, Any]
#: Takes the inputs of a seed by name.
Compute = Callable[..., Array]


@dataclass(frozen=True)
class Says:
    """A sentence of an article and what it says in English."""

    chinese: str
    english: str


@dataclass(frozen=True, eq=False)
class Formula:
    """One formula of the articles, with everything needed to run it.

    Attributes:
      id: "F002.1" is the first formula of article 002.
      article: its number, "002".
      printed_latex: as it is printed.
      corrected_latex: as it should read.
      says: what the article says that it does.
      computes: what the printed formula really computes, in words.
      inputs: seed -> arrays and numbers, by name; other sizes for other seeds.
      printed: the printed formula, written out.
      equals: the same numbers by another computation: what it really computes.
      claimed: what the article says should come out.
      corrected: the corrected formula, written out.
      target: the same by an operator of deconvviz, or by another computation.
      sources: keys of docs/references.bib.
      note: what must be known to read the corrected formula; "" where nothing has to be.
    """

    id: str
    article: str
    printed_latex: str
    corrected_latex: str
    says: Says
    computes: str
    inputs: Callable[[int], Inputs]
    printed: Compute
    equals: Compute
    claimed: Compute
    corrected: Compute
    target: Compute
    sources: tuple[str, ...]
    note: str = ""
