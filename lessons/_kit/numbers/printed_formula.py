"""A formula as an article prints it beside its corrected form, both run, each with what came of it."""

from __future__ import annotations

import math
from functools import lru_cache

import streamlit as st

from deconvviz.articles.formulas import FORMULAS, measure
from lessons._kit.claims import words
from lessons._kit.form import proof
from lessons._kit.form.i18n import current_language, t


@lru_cache
def measured(key: str) -> dict[str, float]:
    """The distances of `measure` for one formula."""
    return measure(FORMULAS[key])


def show(key: str, computes: str, note: str = "") -> None:
    """One formula in a box to open: what is printed, what it computes, how it should read, and both measured.

    Args:
      key: of `FORMULAS`.
      computes: translated: what the printed formula really computes.
      note: translated: what must be known to read the corrected one.
    """
    formula, errors = FORMULAS[key], measured(key)
    box = st.expander(t("As it is printed: {about}", about=t(words.ARTICLES[formula.article])))
    with box, st.container(key=f"formula-{key}"):
        quote = formula.says.chinese if current_language() == "zh" else formula.says.english
        st.markdown(f"> {quote}")
        left, right = st.columns(2)
        with left:
            st.markdown(f"**{t('As printed')}**")
            st.latex(formula.printed_latex)
            st.markdown(
                t(
                    "It computes {what}. Run both ways, they differ by {error}.",
                    what=computes,
                    error=proof.error_text(errors["equals"]),
                )
            )
            st.markdown(t("From what the article says, it is {away}.", away=away(errors["said"])))
        with right:
            st.markdown(f"**{t('Corrected')}**")
            st.latex(formula.corrected_latex)
            if note:
                st.markdown(note)
            st.markdown(
                t(
                    "Written out and by the operator, the two differ by {error}.",
                    error=proof.error_text(errors["corrected"]),
                )
            )
            st.markdown(t("From what the article says, it is {away}.", away=away(errors["corrected_said"])))
        proof.show_source((formula.printed, formula.corrected))


def away(error: float) -> str:
    """A distance at the best brightness in words.

    >>> away(0.253), away(math.inf)
    ('25 % away', 'not even of the same size')
    """
    if math.isinf(error):
        return t("not even of the same size")
    return t("{percent} % away", percent=f"{100 * error:.0f}")
