"""The cards of the claims lesson: what an article says, what running it measures, and the verdict that follows."""

from __future__ import annotations

import html
import math
import threading
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
import streamlit as st

from deconvviz.articles import claim_measures, claims
from deconvviz.articles.claims import CLAIMS, Claim, Judgement, Subject
from deconvviz.articles.formulas import FORMULAS, Formula, Says, measure
from deconvviz.data import samples
from deconvviz.data.preprocess import model_input
from deconvviz.errors import DeconvvizError
from deconvviz.figures.scale import diverging_rgb, signed_limit
from deconvviz.tasks.segmentation import end_to_end
from lessons._kit.claims import words
from lessons._kit.draw import bars, image_row
from lessons._kit.draw.bars import Bar
from lessons._kit.form import proof
from lessons._kit.form.i18n import current_language, mark, t
from lessons._kit.form.page import discover, turn_to
from lessons._kit.form.proof import error_text
from lessons._kit.run import networks

#: Verdicts of this process, and who is measuring one: whoever asks for the same one meanwhile waits for it.
_JUDGED: dict[str, Judgement] = {}
_MEASURING: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
#: Digits of a claim's numbers: enough that rounding changes no verdict.
DIGITS = 3
#: Width on screen that the widest of the small arrays may take, in pixels.
WIDTH = 216


@st.cache_resource(show_spinner=False)
def subject() -> Subject | None:
    """The shipped network and the photographs of the gallery; None where there are no weights."""
    try:
        network = networks.load("caltech").network
    except DeconvvizError:
        return None
    photos = [sample.id for sample in samples.SAMPLES.values() if sample.kind == "photo"]
    inputs = [model_input(samples.load(id), network.input_spec) for id in photos]
    return Subject(network, np.concatenate(inputs))


def known(claim: str) -> Judgement | None:
    """The verdict on a claim if it was reached in this process."""
    return _JUDGED.get(claim)


def judged(claim: str) -> Judgement:
    """The verdict on a claim, measured now if it was not yet; once, also where two people ask at the same moment."""
    with _MEASURING[claim]:
        if claim not in _JUDGED:
            record = CLAIMS[claim]
            _JUDGED[claim] = claims.judge(record, subject() if record.subject else None)
        return _JUDGED[claim]


def quoted(quote: Says, articles: Sequence[str]) -> None:
    """The article's sentence; its translation too, where the page is not in Chinese."""
    english = "" if current_language() == "zh" else f"<p>{html.escape(quote.english)}</p>"
    st.html(
        f'<blockquote class="claim"><p lang="zh">{html.escape(quote.chinese)}</p>{english}'
        f'<p class="from">{html.escape(", ".join(t(words.ARTICLES[one]) for one in articles))}</p></blockquote>'
    )


def word(kind: str) -> str:
    """A verdict in its colour, for Markdown."""
    text, colour = words.KINDS[kind]
    return f":{colour}[**{t(text)}**]"


def sentence(claim: str, judgement: Judgement) -> str:
    """The verdict in words, with its numbers.

    Args:
      claim: id.
      judgement: of that claim.
    """
    if judgement.kind == "unmeasured":
        return t("It needs a trained network to look at (`deconvviz.models.weights`), and there is none.")
    if judgement.kind == "not measurable":
        return t("Nothing here can be measured: {why}.", why=t(words.further.WHY[claim]))
    figures = {name: _formatted(judgement.runs.mean(key), form) for name, (key, form) in words.NUMBERS[claim].items()}
    if claim == "C6":
        hearts = [
            value for name, values in judgement.runs.values.items() if name.startswith("heart") for value in values
        ]
        figures["most"] = _formatted(max(hearts))
        figures["low"], figures["high"] = (_formatted(end) for end in judgement.runs.interval("times none"))
    if claim == "C9":
        figures["edges"] = _formatted(
            judgement.runs.mean("unpool edges") - judgement.runs.mean("coarse edges"), "points"
        )
    sentences = words.SENTENCES[claim]
    if judgement.kind in sentences:
        return t(sentences[judgement.kind], **figures)
    runs = t(words.OPEN[judgement.kind], runs=judgement.runs.count, enough=claims.ENOUGH)
    return f"{t(sentences['open'], **figures)} {runs}" if "open" in sentences else runs


def _formatted(value: float, form: str = "") -> str:
    """A number in a sentence, to the digits of the bars.

    >>> _formatted(0.5765, "share"), _formatted(0.0389), _formatted(0.016, "points")
    ('57.6 %', '0.0389', '1.6')
    """
    if math.isinf(value):
        return "∞"
    if not form:
        return error_text(value, DIGITS)
    percent = 100 * value
    forms = {"share": f"{percent:.1f} %", "fine": f"{percent:.2f} %", "points": f"{percent:.1f}"}
    return forms.get(form) or f"{value:,.0f}"


def claim_card(claim: Claim) -> None:
    """One claim: sentence, verdict, numbers, and the lesson about it."""
    quoted(claim.says, claim.articles)
    with st.spinner(t("Measuring. Claims about the network take up to a minute the first time.")):
        judgement = judged(claim.id)
    with st.container(key="part-verdict"):
        st.markdown(f"### {word(judgement.kind)} {sentence(claim.id, judgement)}")
        if judgement.runs.values:
            st.markdown(basis(claim, judgement))
    if judgement.runs.values:
        with st.container(key="part-bars"):
            for table in tables(claim.id, judgement):
                bars.show(*table)
    _lesson(claim.lesson)


def behind_claim(claim: Claim) -> None:
    """What a claim's verdict rests on: intervals, maps, the formulas behind it, the code that measured it."""
    judgement = judged(claim.id)
    if judgement.runs.values:
        intervals(claim.id, judgement)
    if claim.id in words.NOTES and (claim.id != "C9" or judgement.kind == "one run"):
        st.markdown(t(words.NOTES[claim.id], command=end_to_end.COMMAND, hours=end_to_end.HOURS))
    if claim.id == "C10" and judgement.runs.values:
        maps()
    for id in claim.formulas:
        lines(FORMULAS[id])
    if claim.why:
        return
    if claim.stored is None:
        meaning = t("The code that measured the numbers of one seed, and the rule that made them a verdict:")
    else:
        meaning = t(
            "This code reads the stored figures; the rule makes them a verdict once there are {enough} runs:",
            enough=claims.ENOUGH,
        )
    proof.measurement(t("How the verdict comes about"), meaning, claim.measure, claim.rule)


def basis(claim: Claim, judgement: Judgement) -> str:
    """How many runs a verdict rests on, on what data, and where stored figures come from."""
    runs = judgement.runs.count
    on = t("Measured on: {data}.", data=t(words.DATA[claim.id]))
    if claim.counted:
        return f"{on} {t('Counted, so another run would give the same.')}"
    count = t("One run.") if runs == 1 else t("{runs} runs, seeds 0 to {last}.", runs=runs, last=runs - 1)
    if claim.stored is None:
        return f"{on} {count}"
    stored = claim.stored()
    if stored.of == "photographs":
        count = t("{runs} photographs.", runs=runs)
    source = t("Stored figures, made by `{command}`, stored on {date}.", command=stored.command, date=stored.date)
    return f"{on} {count} {source}"


def tables(claim: str, judgement: Judgement) -> list[tuple[str, list[Bar], float | None]]:
    """Every table of bars of a card: (translated caption, bars, value of a full track or None)."""
    values = judgement.runs.values
    full = 1.0 if claim in ("C1", "C2", "C5", "C7", "C8", "C9", "C10", "C11", "C17") else None
    first = list(numbers(claim, judgement).values())
    result = [(t(words.CAPTIONS[claim]), first, full)] if first else []
    if claim == "C3":
        rows = claim_measures.article_sizes(256)
        layers = (t("input"), t("convolution"), t("pooling"), *(t("decoder {i}", i=i) for i in (1, 2, 3)))
        sized = [Bar(name, (n,), whole=True, second=True) for name, n in zip(layers, rows, strict=True)]
        caption = t("Rows of each map of the network that the article prints: no label has {n} rows", n=rows[-1])
        result.append((caption, sized, None))
    if claim == "C7":
        ends = ((t("first convolution"), "field first"), (t("last convolution"), "field last"))
        fields = [Bar(name, values[key], whole=True, second=True) for name, key in ends]
        result.append((t("Rows of the picture that one unit sees"), fields, None))
    for kind, caption in words.APART.items():
        series = {name.partition(" ")[2]: row for name, row in values.items() if name.split()[0] == kind}
        labels = words.TRIALS | words.PARTS
        if series:
            parts = [Bar(t(labels[name]), row, second=True, digits=DIGITS) for name, row in series.items()]
            result.append((t(caption), parts, None))
    return result


def intervals(claim: str, judgement: Judgement) -> None:
    """The mean of every number that differs from run to run, and the t interval of that mean."""
    labels = words.LABELS.get(claim, {})
    rows = []
    for name, values in judgement.runs.values.items():
        if judgement.runs.count > 1 and len(set(values)) > 1 and np.isfinite(values).all():
            kind, _, rest = name.partition(" ")
            part = words.TRIALS.get(rest) or words.PARTS.get(rest)
            if name in labels:
                title = t(labels[name])
            elif kind in words.APART and part:
                title = f"{t(words.APART[kind])}: {t(part)}"
            else:
                title = name
            low, high = judgement.runs.interval(name)
            rows.append((title, *(error_text(value, DIGITS) for value in (judgement.runs.mean(name), low, high))))
    if not rows:
        return
    with st.expander(t("Means and their intervals")):
        st.markdown(t("t interval at {share} % of the mean of {runs} runs", share=f"{100 * claims.CONFIDENCE:.0f}",
                      runs=judgement.runs.count))  # fmt: skip
        body = "".join(
            f'<tr><th scope="row">{html.escape(title)}</th><td class="number">{mean}</td>'
            f'<td class="number">{low} … {high}</td></tr>'
            for title, mean, low, high in rows
        )
        st.html(f'<table class="bars"><tbody>{body}</tbody></table>')


def numbers(claim: str, judgement: Judgement) -> dict[str, Bar]:
    """Number -> its bar in the first table of a claim."""
    labels = words.LABELS.get(claim, {})
    visible = {
        name: values
        for name, values in judgement.runs.values.items()
        if name not in words.UNSHOWN.get(claim, ()) and name.split()[0] not in words.APART
    }
    return {
        name: Bar(
            t(labels[name]) if name in labels else name,
            values,
            whole=name in words.further.COUNTS,
            second=name.startswith(("gradient", "threshold")),
            digits=DIGITS,
        )
        for name, values in visible.items()
    }


def maps() -> None:
    """The picture, and the maps of its top class by each rule, trained and with the class scores shuffled."""
    network_subject = subject()
    if network_subject is None:
        return
    spec = network_subject.network.input_spec
    photo = (
        network_subject.inputs[claims.SEEDS[0] % len(network_subject.inputs)] * np.array(spec.std) + spec.mean
    ) / spec.scale
    photo = (255 * np.clip(photo, 0, 1)).round().astype(np.uint8)
    image_row.show([image_row.Picture(photo, t("the picture of seed {seed}", seed=claims.SEEDS[0]), width=160)])
    for step, caption in ((0, mark("{rule}: trained")), (1, mark("{rule}: scores shuffled"))):
        runs = {rule: claim_measures.sanity(network_subject, claims.SEEDS[0], rule) for rule in claim_measures.RULES}
        planes = {rule: run.maps[step].sum(axis=-1) for rule, run in runs.items()}
        image_row.show(
            [
                image_row.Picture(diverging_rgb(plane, signed_limit(plane, 99.5)), t(caption, rule=rule), width=160)
                for rule, plane in planes.items()
            ]
        )


def lines(formula: Formula, *, is_corrected: bool = True) -> None:
    """A formula as printed, what it computes, and, where it is asked for, as corrected."""
    with st.container(key=f"formula-{formula.id.replace('.', '-')}"):
        st.markdown(f"**{t('As printed')}**")
        st.latex(formula.printed_latex)
        st.markdown(t("It computes: {what}.", what=t(words.COMPUTES[formula.id])))
        if not is_corrected:
            return
        st.markdown(f"**{t('corrected')}**")
        st.latex(formula.corrected_latex)
        if formula.note:
            st.markdown(t(words.REMARKS[formula.id]))


@st.cache_data(show_spinner=False)
def errors(id: str) -> dict[str, tuple[float, ...]]:
    """The distances of a formula for each seed."""
    distances = [measure(FORMULAS[id], seed) for seed in claims.SEEDS]
    return {name: tuple(distance[name] for distance in distances) for name in distances[0]}


def formula_card(formula: Formula, view: str = "all") -> None:
    """One formula: sentence, verdict, what comes out beside what should, and the lesson about it.

    Args:
      formula: the record.
      view: "all"; "pictures" leaves the corrected formula out, "lines" the pictures.
    """
    quoted(formula.says, [formula.article])
    distances = errors(formula.id)
    claimed = min(distances["said"])
    kind = "holds" if max(distances["said"]) <= claims.EXACT else "fails"
    if kind == "holds":
        verdict = t("As printed it gives what the article says.")
    elif math.isinf(claimed):
        verdict = t("As printed it does not even give the size that the article speaks of.")
    else:
        verdict = t("As printed it misses what the article says by {percent} %.", percent=f"{100 * claimed:.0f}")
    with st.container(key="part-verdict"):
        st.markdown(f"### {word(kind)} {verdict}")
    if view != "lines":
        with st.container(key="part-pictures"):
            pictures(formula)
    with st.container(key="part-lines"):
        lines(formula, is_corrected=view != "pictures")
    _lesson(words.LESSONS[formula.id])


def behind_formula(formula: Formula) -> None:
    """The distances of a formula, as printed and as corrected, from what is said and from what is computed."""
    distances = errors(formula.id)
    labels = (
        ("said", t("as printed, from what the article says")),
        ("equals", t("as printed, from what it computes")),
        ("corrected", t("as corrected, from the operator")),
        ("corrected_said", t("as corrected, from what the article says")),
    )
    rows = [Bar(name, distances[key], second=key.startswith("corrected")) for key, name in labels]
    bars.show(t("Relative distances (∞: another size)"), rows, full=1.0)


def pictures(formula: Formula) -> None:
    """The arrays of the first seed each on its own scale: what is promised, what is printed, what is corrected."""
    arguments = formula.inputs(claims.SEEDS[0])
    variants = (
        (t("what the article says"), formula.claimed),
        (t("as printed"), formula.printed),
        (t("as corrected"), formula.corrected),
    )
    arrays = [_plane(function(**arguments)) for _, function in variants]
    zoom = WIDTH // max(plane.shape[1] for plane in arrays)
    image_row.show(
        [
            image_row.Picture(
                diverging_rgb(plane, signed_limit(plane)),
                t("{name}, {height} × {width}", name=name, height=plane.shape[0], width=plane.shape[1]),
                width=zoom * plane.shape[1],
            )
            for (name, _), plane in zip(variants, arrays, strict=True)
        ]
    )


def _plane(values: Any) -> np.ndarray:
    array = np.asarray(values)
    return array[:, :, 0] if array.ndim == 3 else array


def _lesson(slug: str) -> None:
    """A button to the lesson about it, where there is one."""
    page = next((page for page in discover() if page.slug == slug), None)
    if page is not None and st.button(t("See for yourself: {page}", page=t(page.title)), key="to-lesson"):
        turn_to(page)
