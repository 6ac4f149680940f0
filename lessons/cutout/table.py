"""Claims C8 and C11 on the page: photographs as they were measured, and the drawn scene made worse step by step."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from deconvviz.articles.claim_cutouts import COMMAND
from deconvviz.tasks.cutout import evaluate
from lessons._kit.claims import card
from lessons._kit.form.i18n import t
from lessons._kit.run import jobs
from lessons.cutout import run
from lessons.cutout.run import Choice, Subject, Swept


def name(kind: str, level: float) -> str:
    """A change for people."""
    if kind == "noise":
        return t("noise {level}", level=f"{level:g}")
    if kind == "brightness":
        return t("brightness × {level}", level=f"{level:g}")
    return t("as it is")


def to_html(caption: str, rows: Sequence[tuple[str, float, float]]) -> str:
    """The table: a change, the cut-out's overlap, the threshold's; the better one is bold."""
    heads = (t("change"), t("cut-out"), t("threshold"))
    head = "".join(f'<th scope="col">{escape(word)}</th>' for word in heads)
    body = []
    for label, mine, plain in rows:
        cells = "".join(
            f'<td class="{"best" if value == max(mine, plain) else ""}">{value:.2f}</td>' for value in (mine, plain)
        )
        body.append(f'<tr><th scope="row">{escape(label)}</th>{cells}</tr>')
    return (
        f'<table class="sweep"><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table>"
    )


def claim(subject: Subject, choice: Choice) -> None:
    """The article's sentence, the verdict that the numbers give, both tables."""
    st.markdown(f"#### {t('Accurate under noise and other light?')}")
    st.markdown(t("A popular article says that the cut-out stays accurate where there is noise or a change of light."))
    st.markdown(verdict())
    left, right = st.columns(2, gap="large")
    with left:
        photographs()
        st.markdown(
            t(
                "Measured with `{command}`; no picture had a part in the choice of its seeds.",
                command=COMMAND,
            )
        )
    with right:
        if subject.truth is None:
            st.markdown(t("Choose a drawn scene, and the same is measured here with your settings."))
        else:
            _live(subject, choice)


def photographs() -> None:
    """The table of the photographs that were measured."""
    kept = evaluate.measured_robustness()
    rows = [(name(row["change"], row["level"]), row["iou"], row["iou_threshold"]) for row in kept["rows"]]
    st.html(to_html(t("{count} photographs with true mattes: mean IoU", count=kept["images"]), rows))


def verdict() -> str:
    """What the kept numbers say of accuracy and of robustness, as on the cards of C8 and C11."""
    found = [(id, card.judged(id)) for id in ("C8", "C11")]
    return "\n\n".join(f"{card.word(judgement.kind)} {card.sentence(id, judgement)}" for id, judgement in found)


def _live(subject: Subject, choice: Choice) -> None:
    job = jobs.find(run.sweep_key(subject, choice))
    if job is None:
        st.button(
            t("Measure this scene, about {seconds} s", seconds=10),
            on_click=run.begin_sweep,
            args=(subject, choice),
            key="cut-sweep-begin",
        )
        return

    def draw(now: jobs.Job[Swept]) -> None:
        if now.latest is not None:
            rows = [(name(*change), *pair) for change, pair in zip(run.CHANGES, now.latest.rows, strict=False)]
            st.html(to_html(t("{title}, with your settings: IoU", title=subject.title), rows))

    jobs.watch(job, draw, "cut-sweep")
