"""A question for an experiment: a person writes, compares with a model answer, and ticks what the own answer holds.

Nobody else judges it, least of all a machine: the browser keeps text and ticks, the file for the teacher holds them,
and wherever they are shown they are called self-assessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from lessons._kit.form import answers
from lessons._kit.form.i18n import mark, t

#: Name of the question among those of its lesson.
KIND = "design"
#: Letters of the least that is compared with a model answer, and of the most that is kept.
LEAST, MOST = 20, answers.MOST_TEXT
TITLE = mark("Design an experiment")


@dataclass(frozen=True)
class Design:
    """The question of a lesson; texts are marked for the catalogue.

    Attributes:
      prompt: Markdown: a claim or a doubt, and what is asked for.
      model: Markdown: one good answer.
      rubric: what a good answer says, a sentence each.
    """

    prompt: str
    model: str
    rubric: tuple[str, ...]


def show(slug: str, design: Design) -> None:
    """The question, a place to write, and, once that is done, the model answer with its rubric.

    Args:
      slug: of the lesson.
      design: its question.
    """
    record = answers.written().get(slug, answers.BLANK)
    st.markdown(t(design.prompt))
    key = f"{slug}-{KIND}"
    st.session_state[key] = record["text"]
    st.text_area(
        t("Your experiment"),
        key=key,
        height=180,
        max_chars=MOST,
        disabled=record["opened"],
        on_change=lambda: answers.write(slug, {**record, "text": st.session_state[key]}),
    )
    if record["opened"]:
        _compare(slug, design, record)
        return
    is_blank = len(record["text"].strip()) < LEAST
    st.button(
        t("Compare with a model answer"),
        key=f"{key}-open",
        disabled=is_blank,
        on_click=answers.write,
        args=(slug, {**record, "opened": True}),
    )
    note = t("Write first: the model answer opens then. You judge yourself; no machine grades this question.")
    st.caption(note)


def _compare(slug: str, design: Design, record: Mapping[str, Any]) -> None:
    """The model answer, the rubric with a box a point, and what the ticks come to."""
    met = set(record["met"])

    def tick(number: int) -> None:
        answers.write(slug, {**record, "met": sorted(met ^ {number})})

    st.markdown(f"**{t('A model answer')}**")
    st.markdown(t(design.model))
    st.markdown(f"**{t('Tick what your own answer says:')}**")
    for number, point in enumerate(design.rubric, 1):
        key = f"{slug}-{KIND}-{number}"
        st.session_state[key] = number in met
        st.checkbox(t(point), key=key, on_change=tick, args=(number,))
    st.caption(
        t(
            "{met} of {count} points, by your own judgement. The file for a teacher holds your text and these ticks "
            "as self-assessed.",
            met=len(met),
            count=len(design.rubric),
        )
    )
    st.button(
        t("Write again"),
        key=f"{slug}-{KIND}-again",
        on_click=answers.write,
        args=(slug, {**answers.BLANK, "text": record["text"]}),
    )
