"""What the page of recognition shows: the digit, what the answer rests on, the curves, gradients, and the effects."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
import streamlit as st

from deconvviz.articles.claims import ENOUGH
from deconvviz.figures.scale import diverging_rgb, signed_limit
from deconvviz.tasks.recognition import ablations
from deconvviz.tasks.recognition.predict import Recognized
from lessons._kit.draw import bars, curves
from lessons._kit.draw.bars import Bar
from lessons._kit.draw.curves import Curve
from lessons._kit.draw.formula import coloured
from lessons._kit.draw.pixels import address, number, png
from lessons._kit.form.i18n import t
from lessons._kit.run import jobs
from lessons.recognition import run
from lessons.recognition.run import Training

#: What measured the effects over several seeds.
COMMAND = "deconvviz evaluate recognition --data digits --what effects --json"
#: Seconds between two looks at trainings of the eight settings.
EVERY = 3.0


def looked(result: Recognized, wanted: str, right: int | None) -> None:
    """The digit as the network sees it beside the map of a class, and the probabilities."""
    ink = np.rint(255 * (1 - result.picture)).astype(np.uint8)
    limit = signed_limit(result.map)
    title = t("It says {label}", label=result.label)
    if right is None:
        note = t("your own; {percent} % sure", percent=f"{100 * result.probabilities.max():.0f}")
    else:
        note = t("a {right}; {percent} % sure", right=right, percent=f"{100 * result.probabilities.max():.0f}")
    sent_back = t("DeconvNet for {label}", label=wanted)
    scale = t("red for it, blue against it, ±{limit}", limit=number(limit))
    blank = unread(result.map)
    if blank:
        scale += ". " + t(
            "The last {count} rows and columns are blank: no unit of the last map reads them.", count=blank
        )
    figures = (
        _figure(title, note, "paper", png(ink)),
        _figure(sent_back, scale, "signed", png(diverging_rgb(result.map, limit))),
        f'<div class="digit-shares">{_shares(result)}</div>',
    )
    st.html(f'<div class="digit">{"".join(figures)}</div>')


def unread(map: np.ndarray) -> int:
    """Rows at the foot that are columns at the right too, on which nothing rests.

    >>> unread(np.pad(np.ones((5, 5)), (0, 2)))
    2
    """
    beside = (np.flatnonzero(map.any(axis=axis))[-1:] for axis in (1, 0))
    return min((size - 1 - int(last.item()) if last.size else 0) for size, last in zip(map.shape, beside, strict=True))


def _figure(title: str, note: str, kind: str, file: bytes) -> str:
    alt = escape(f"{title}: {note}")
    return (
        f'<figure><b>{escape(title)}</b><img class="{kind}" src="{address(file)}" alt="{alt}">'
        f"<figcaption>{escape(note)}</figcaption></figure>"
    )


def _shares(result: Recognized) -> str:
    rows = "".join(
        f'<tr><th scope="row">{escape(label)}</th><td><span style="width: {100 * share:.1f}%"></span></td>'
        f"<td>{100 * share:.1f}</td></tr>"
        for label, share in zip(result.labels, result.probabilities, strict=True)
    )
    return f"<table><caption>{escape(t('Probability, %'))}</caption><tbody>{rows}</tbody></table>"


def training(job: jobs.Job[Any]) -> None:
    """The curves of a training as far as it has come, and the gradients of the latest epoch."""
    if job.latest is None:
        st.markdown(t("Compiling the training step."))
        return
    records, steps = job.latest.records, job.latest.steps
    missing: list[float | None] = [None] * (steps + 1 - len(records))
    lines = [
        Curve(t("seen"), [record["loss"] for record in records] + missing, "input"),
        Curve(t("unseen"), [record["held_loss"] for record in records] + missing, "output", "6 4"),
    ]
    ticks = [str(epoch) for epoch in range(0, steps + 1, max(1, steps // 5))]
    st.html(curves.to_html(t("Cross-entropy after each epoch"), lines, ticks, dots=True))
    last = records[-1]
    st.markdown(
        t(
            "Epoch {epoch}: right on {seen} % of the digits it learns from, on {unseen} % of those it never saw. Gap "
            "of the cross-entropies: {gap}.",
            epoch=job.latest.step,
            seen=f"{100 * last['accuracy']:.1f}",
            unseen=f"{100 * last['held_accuracy']:.1f}",
            gap=number(last["held_loss"] - last["loss"]),
        )
    )
    rows = [Bar(name, (value,)) for name, value in last["gradient"].items()]
    bars.show(t("Length of the gradient over that of the weights, from the picture to the scores"), rows)


def loss_line(result: Recognized, right: int) -> str:
    """The cross-entropy of one digit, in symbols and with its numbers."""
    share = float(result.probabilities[right])
    p, loss = coloured("output", f"p_{{{right}}}"), coloured("kernel", "L")
    return (
        rf"\begin{{aligned}} {loss} &= -\ln {p} = -\ln \frac{{e^{{z_{{{right}}}}}}}{{\sum_k e^{{z_k}}}} \\ "
        rf"&= -\ln {coloured('output', f'{share:.4f}')} = {coloured('kernel', f'{-np.log(max(share, 1e-12)):.4f}')} "
        rf"\end{{aligned}}"
    )


def effects(here: Training) -> None:
    """What all eight settings say of claim C6: as measured over several seeds, and those that were trained in this app.

    The setting of the page is marked.
    """
    st.markdown(f"#### {t('Does it lessen overfitting and vanishing gradients?')}")
    st.markdown(t("A popular article claims it."))
    measured(here)
    busy = bool(run.look_at_all(here))

    @st.fragment(run_every=EVERY if busy else None)
    def part() -> None:
        running = bool(run.look_at_all(here))
        _compared(here)
        if running != busy:  # begin to ask again and again, or cease
            st.rerun()

    part()


def measured(here: Training) -> None:
    """The table of the effects that the package keeps, if it keeps any, and what each switch changes."""
    effects = ablations.measured_effects()
    if effects is None:
        return
    st.markdown(changes(effects["rows"], effects["seeds"]))
    caption = t(
        "Measured: means over {seeds} seeds, {pictures} digits, {epochs} epochs",
        **{name: effects[name] for name in ("seeds", "pictures", "epochs")},
    )
    _table(caption, effects["rows"], here)
    st.markdown(t("Stored figures, made by `{command}`, stored on {date}.", command=COMMAND, date=effects["stored"]))


def _compared(here: Training) -> None:
    rows = run.trained(here)
    if len(rows) == run.SETTINGS:
        st.markdown(changes(rows, 1))
    if rows:
        caption = t(
            "Trained here: {count} of {all} settings, {pictures} digits, {epochs} epochs, one seed", count=len(rows),
            all=run.SETTINGS, pictures=here.pictures, epochs=run.EPOCHS,
        )  # fmt: skip
        _table(caption, rows, here)
    if len(rows) < run.SETTINGS:
        st.markdown(t("Train all eight settings of the three switches yourself, and compare."))
        st.button(t("Train all eight, one or two minutes"), key="digits-all", on_click=run.begin_all, args=(here,))


def _table(caption: str, rows: Sequence[dict[str, Any]], here: Training) -> None:
    heads = (
        t("batch norm"), t("regularization"), t("decoder"), t("loss, seen"), t("loss, unseen"), t("gap"),
        t("right, unseen"), t("gradient, first over last"),
    )  # fmt: skip
    head = "".join(f'<th scope="col">{escape(word)}</th>' for word in heads)
    body = "".join(_row(row, here) for row in rows)
    st.html(
        f'<div class="effects" tabindex="0" role="region" aria-label="{escape(caption)}"><table>'
        f"<caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _row(row: dict[str, Any], here: Training) -> str:
    mine = (row["norm"], row["drop"], row["decoder"]) == (here.norm, here.drop, here.decoder)
    switches = "".join(f"<td>{escape(t('on') if row[name] else '–')}</td>" for name in ("norm", "drop", "decoder"))
    numbers = (
        f"{row['loss']:.3f}", f"{row['held_loss']:.3f}", f"{row['gap']:.3f}", f"{100 * row['held_accuracy']:.1f} %",
        f"{row['ratio']:.2f}",
    )  # fmt: skip
    cells = "".join(f"<td>{escape(text)}</td>" for text in numbers)
    return f'<tr class="{"here" if mine else ""}">{switches}{cells}</tr>'


def changes(rows: Sequence[dict[str, Any]], seeds: int) -> str:
    """What each switch changes, as numbers, and why they give no verdict on C6."""
    titles = (("decoder", t("the decoder")), ("norm", t("batch norm")), ("drop", t("regularization")))
    parts = [
        t(
            "{title}: gap {gap} %, loss on unseen digits {loss} %, gradient of the first layer over the last {slope} %",
            title=title,
            gap=_signed(ablations.effect(rows, name, "gap")),
            loss=_signed(ablations.effect(rows, name, "held_loss")),
            slope=_signed(ablations.effect(rows, name, "ratio")),
        )
        for name, title in titles
    ]
    runs = t("one run") if seeds == 1 else t("{seeds} seeds", seeds=seeds)
    said = t(
        "**No verdict on the claim**: {runs} of each setting; {enough} are needed. The gap is no measure of "
        "overfitting, the loss on unseen digits is.",
        runs=runs,
        enough=ENOUGH,
    )
    return said + " " + t("What each switch changes, the others both ways: {parts}.", parts="; ".join(parts))


def _signed(share: float) -> str:
    return f"{'+' if share >= 0 else '−'}{abs(100 * share):.0f}"


def gallery_names() -> dict[str, str]:
    """What can be looked at: a digit of each kind that no training saw, or one's own."""
    return {run.OWN: t("your own"), **{str(kind): str(kind) for kind in range(run.SHOWN)}}
