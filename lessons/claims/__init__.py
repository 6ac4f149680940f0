"""Lesson: the articles' claims and printed formulas, run; each card shows what was said and what was measured."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from deconvviz.articles.claims import CLAIMS, SEEDS, judge
from deconvviz.articles.formulas import FORMULAS, TOLERANCE, measure
from deconvviz.types import Check
from lessons._kit.claims import card, words
from lessons._kit.form import frame
from lessons._kit.form.controls import choice, is_offered
from lessons._kit.form.i18n import mark, t
from lessons._kit.form.page import Lesson
from lessons.claims import questions, scenes

#: Name in the URL -> what of a formula's card is shown.
VIEWS = {"all": mark("everything"), "pictures": mark("the pictures"), "lines": mark("the formulas")}


@dataclass(frozen=True)
class State:
    """Which card lies on the table, and what of a formula's is shown."""

    card: str = "C1"
    view: str = "all"

    @property
    def formulas(self) -> tuple[str, ...]:
        """The formulas of the card."""
        return CLAIMS[self.card].formulas if self.card in CLAIMS else (self.card,)


def worst(formulas: tuple[str, ...], which: str) -> float:
    """The largest of a distance over formulas and seeds."""
    return max(measure(FORMULAS[id], seed)[which] for id in formulas for seed in SEEDS)


def checks(state: State) -> list[Check]:
    """What is exact on a card: the reading of the printed formulas, and the corrections; none where no formula is."""
    if not state.formulas:
        return []
    result = {which: max(max(card.errors(id)[which]) for id in state.formulas) for which in ("equals", "corrected")}
    return [
        Check(mark("printed formula read rightly"), result["equals"], TOLERANCE),
        Check(mark("corrected formula is the operator"), result["corrected"], TOLERANCE),
    ]


def call(state: State) -> str:
    """Python that measures a card."""
    if state.card in FORMULAS:
        return f'''from deconvviz.articles.formulas import FORMULAS, measure

formula = FORMULAS["{state.card}"]
print([measure(formula, seed) for seed in {SEEDS}])
'''
    if not CLAIMS[state.card].subject:
        return f'''from deconvviz.articles.claims import CLAIMS, judge

verdict = judge(CLAIMS["{state.card}"])
print(verdict.kind, verdict.runs.values)
'''
    return f'''import numpy as np

import deconvviz as dv
from deconvviz.articles.claims import CLAIMS, Subject, judge
from deconvviz.data import samples
from deconvviz.data.preprocess import model_input

network = dv.load("caltech")
photos = [samples.load(one.id) for one in samples.SAMPLES.values() if one.kind == "photo"]
inputs = np.concatenate([model_input(photo, network.input_spec) for photo in photos])
verdict = judge(CLAIMS["{state.card}"], Subject(network, inputs))
print(verdict.kind, verdict.runs.values)
'''


def chosen() -> State:
    """Draw the control and read it."""
    names = {id: t(title) for id, title in words.TITLES.items()}
    return State(
        choice(t("Claim or formula"), names, "card"),
        choice(t("Of a formula"), {name: t(title) for name, title in VIEWS.items()}, "view"),
    )


def board() -> None:
    """All verdicts that were reached, and a way to reach the others."""
    st.markdown(f"**{t('Verdicts so far')}**")
    with st.container(horizontal=True, key="board", gap="small"):
        for id in CLAIMS:
            known = card.known(id)
            label = f"{t(words.TITLES[id])} {card.word(known.kind) if known else '?'}"
            st.button(label, key=f"board-{id}", on_click=st.session_state.update, args=({"card": id},))
    if any(card.known(id) is None for id in CLAIMS) and st.button(t("Measure all claims")):
        with st.spinner(t("Measuring. Claims about the network take up to a minute the first time.")):
            for id in CLAIMS:
                card.judged(id)
        st.rerun()


def draw(page: frame.Places) -> None:
    """The chosen card, and the board of all of them where one can be chosen; what is behind the card is evidence."""
    with page.controls:
        state = chosen()
    claim = CLAIMS.get(state.card)
    with page.picture:
        if claim is not None:
            card.claim_card(claim)
        else:
            card.formula_card(FORMULAS[state.card], state.view)
    if is_offered("card"):
        with page.aside:
            board()
    with page.wide:
        if claim is not None:
            card.behind_claim(claim)
        else:
            card.behind_formula(FORMULAS[state.card])
    meanings = [
        t("The printed formula, run as it stands, against what it really computes, found another way:"),
        t("The corrected formula, written out, against the operator of the library:"),
    ]
    if state.formulas:
        page.checks(checks(state), meanings, [(worst, measure)] * 2)
    functions = [f for id in state.formulas for f in (FORMULAS[id].printed, FORMULAS[id].corrected)]
    page.code((*functions, judge), call(state))


LESSON: Lesson = Lesson(
    slug="claims-under-test",
    title=mark("Claims under test"),
    render=lambda: frame.page(LESSON, draw),
    order=8,
    needs=("convolution-and-its-adjoint",),
    question=mark("Which claims about deconvolution are true?"),
    goal=mark("You will be able to take a printed formula at its word, run it, and say what it really computes."),
    scenes=scenes.SCENES,
    example=State(),
    checks=checks,
    questions=questions.QUESTIONS,
    sources=(
        ("zeiler2014visualizing", ""),
        ("adebayo2018sanity", ""),
        ("dumoulin2016guide", mark("chapter 4")),
        ("shi2016deconvolution", ""),
    ),
)
