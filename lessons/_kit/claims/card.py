"""The cards of the claims lesson: what an article says, what running it measures, and the verdict that follows."""

from __future__ import annotations

import html
import math
import threading
from collections import defaultdict
from typing import Any

import numpy as np
import streamlit as st

from deconvviz.articles import claim_cutouts, claim_measures, claims
from deconvviz.articles.claims import CLAIMS, Claim, Judgement, Subject
from deconvviz.articles.formulas import FORMULAS, Formula, Says, measure
from deconvviz.data import samples
from deconvviz.data.preprocess import model_input
from deconvviz.errors import DeconvvizError
from deconvviz.figures.scale import diverging_rgb, signed_limit
from deconvviz.tasks.cutout import evaluate
from lessons._kit.claims import words
from lessons._kit.draw import bars, image_row
from lessons._kit.draw.bars import Bar
from lessons._kit.form import proof
from lessons._kit.form.i18n import current_language, mark, t
from lessons._kit.form.page import discover, turn_to
from lessons._kit.run import networks

#: Verdicts of this process, and who is measuring one: whoever asks for the same one meanwhile waits for it.
_JUDGED: dict[str, Judgement] = {}
_MEASURING: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
#: Width on screen that the widest of the small arrays may take, in pixels.
WIDTH = 240


@st.cache_resource(show_spinner=False)
def subject() -> Subject | None:
    """The shipped network and the photographs of the gallery; None where there are no weights."""
    try:
        network = networks.load("caltech").network
    except DeconvvizError:
        return None
    photos = [one.id for one in samples.SAMPLES.values() if one.kind == "photo"]
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


def quoted(says: Says, articles: str) -> None:
    """The article's sentence; its translation too, where the page is not in Chinese."""
    english = "" if current_language() == "zh" else f"<p>{html.escape(says.english)}</p>"
    st.html(
        f'<blockquote class="claim"><p lang="zh">{html.escape(says.chinese)}</p>{english}'
        f'<p class="from">{html.escape(t("article {number}", number=articles))}</p></blockquote>'
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
    name, share = words.NUMBER[claim]
    value = judgement.runs.mean(name)
    text = "∞" if math.isinf(value) else f"{100 * value:.0f} %" if share else f"{value:.2g}"
    also = f"{judgement.runs.mean(words.ALSO[claim]):.2g}" if claim in words.ALSO else ""
    return t(words.SENTENCES[claim][judgement.kind], number=text, also=also)


def claim_card(claim: Claim) -> None:
    """One claim: sentence, verdict, numbers, picture, the formulas behind it, the lesson about it."""
    quoted(claim.says, ", ".join(claim.articles))
    with st.spinner(t("Measuring over three seeds. Claims about the network take up to a minute the first time.")):
        judgement = judged(claim.id)
    st.markdown(f"### {word(judgement.kind)} {sentence(claim.id, judgement)}")
    if judgement.runs.values:
        full = None if claim.id in ("C3", "C4", "C6") else 1.0
        bars.show(t(words.CAPTIONS[claim.id]), numbers(claim.id, judgement), full)
    if claim.id == "C3":
        rows = claim_measures.article_sizes(256)
        layers = (t("input"), t("convolution"), t("pooling"), *(t("decoder {i}", i=i) for i in (1, 2, 3)))
        sized = [Bar(name, (n,), whole=True, second=True) for name, n in zip(layers, rows, strict=True)]
        bars.show(t("Rows of each map of the network of article 000: no label has {n} rows", n=rows[-1]), sized)
    if claim.id == "C7" and judgement.runs.values:
        ends = ((t("first convolution"), "field first"), (t("last convolution"), "field last"))
        seen = [Bar(name, judgement.runs.values[key], whole=True, second=True) for name, key in ends]
        bars.show(t("Rows of the picture that one unit sees"), seen)
    if claim.id == "C6" and judgement.runs.values:
        apart(judgement)
    if claim.id == "C8":
        count, command = evaluate.measured_robustness()["images"], claim_cutouts.COMMAND
        st.markdown(
            t("{count} photographs of alphamatting.com, measured with `{command}`", count=count, command=command)
        )
    if claim.id == "C10" and judgement.runs.values:
        maps()
    for id in claim.formulas:
        lines(FORMULAS[id])
    proof.measurement(
        t("How the verdict comes about"),
        t("The code that measured the numbers of one seed, and the rule that made them a verdict:"),
        claim.measure,
        claim.rule,
    )
    _lesson(claim.lesson)


def numbers(claim: str, judgement: Judgement) -> list[Bar]:
    """The bars of a claim."""
    labels = words.LABELS.get(claim, {})
    shown = {
        name: values
        for name, values in judgement.runs.values.items()
        if name not in words.UNSHOWN and name.split()[0] not in words.APART
    }
    return [
        Bar(t(labels[name]) if name in labels else name, values, second=name.startswith(("gradient", "threshold")))
        for name, values in shown.items()
    ]


def apart(judgement: Judgement) -> None:
    """The numbers of another unit, kind by kind."""
    for kind, caption in words.APART.items():
        named = {
            name.partition(" ")[2]: values for name, values in judgement.runs.values.items() if name.startswith(kind)
        }
        bars.show(t(caption), [Bar(t(words.TRIALS[name]), values, second=True) for name, values in named.items()])


def maps() -> None:
    """The picture, and the maps of its top class by each rule, trained and with the class scores shuffled."""
    given = subject()
    if given is None:
        return
    spec = given.network.input_spec
    photo = (given.inputs[claims.SEEDS[0] % len(given.inputs)] * np.array(spec.std) + spec.mean) / spec.scale
    photo = (255 * np.clip(photo, 0, 1)).round().astype(np.uint8)
    image_row.show([image_row.Picture(photo, t("the picture of seed {seed}", seed=claims.SEEDS[0]), width=160)])
    for step, caption in ((0, mark("{rule}: trained")), (1, mark("{rule}: scores shuffled"))):
        runs = {rule: claim_measures.sanity(given, claims.SEEDS[0], rule) for rule in claim_measures.RULES}
        planes = {rule: run.maps[step].sum(axis=-1) for rule, run in runs.items()}
        image_row.show(
            [
                image_row.Picture(diverging_rgb(plane, signed_limit(plane, 99.5)), t(caption, rule=rule), width=160)
                for rule, plane in planes.items()
            ]
        )


def lines(formula: Formula) -> None:
    """A formula as printed, what it computes, and as corrected."""
    with st.container(key=f"formula-{formula.id.replace('.', '-')}"):
        st.markdown(f"**{t('{id}, as printed', id=formula.id)}**")
        st.latex(formula.printed_latex)
        st.markdown(t("It computes: {what}.", what=t(words.COMPUTES[formula.id])))
        st.markdown(f"**{t('corrected')}**")
        st.latex(formula.corrected_latex)


@st.cache_data(show_spinner=False)
def errors(id: str) -> dict[str, tuple[float, ...]]:
    """The distances of a formula for each seed."""
    found = [measure(FORMULAS[id], seed) for seed in claims.SEEDS]
    return {name: tuple(one[name] for one in found) for name in found[0]}


def formula_card(formula: Formula) -> None:
    """One formula: sentence, verdict, what comes out beside what should."""
    quoted(formula.says, formula.article)
    found = errors(formula.id)
    said = min(found["said"])
    kind = "holds" if max(found["said"]) <= claims.EXACT else "fails"
    if kind == "holds":
        told = t("As printed it gives what the article says.")
    elif math.isinf(said):
        told = t("As printed it does not even give the size that the article speaks of.")
    else:
        told = t("As printed it misses what the article says by {percent} %.", percent=f"{100 * said:.0f}")
    st.markdown(f"### {word(kind)} {told}")
    pictures(formula)
    labels = (
        ("said", t("as printed, from what the article says")),
        ("equals", t("as printed, from what it computes")),
        ("corrected", t("as corrected, from the operator")),
        ("corrected_said", t("as corrected, from what the article says")),
    )
    shown = [Bar(name, found[key], second=key.startswith("corrected")) for key, name in labels]
    bars.show(t("Relative distances (∞: another size)"), shown, full=1.0)
    lines(formula)
    _lesson(words.LESSONS[formula.id])


def pictures(formula: Formula) -> None:
    """The arrays of the first seed each on its own scale: what is promised, what is printed, what is corrected."""
    given = formula.inputs(claims.SEEDS[0])
    named = (
        (t("what the article says"), formula.said),
        (t("as printed"), formula.printed),
        (t("as corrected"), formula.corrected),
    )
    arrays = [_plane(function(**given)) for _, function in named]
    zoom = WIDTH // max(plane.shape[1] for plane in arrays)
    image_row.show(
        [
            image_row.Picture(
                diverging_rgb(plane, signed_limit(plane)),
                t("{name}, {height} × {width}", name=name, height=plane.shape[0], width=plane.shape[1]),
                width=zoom * plane.shape[1],
            )
            for (name, _), plane in zip(named, arrays, strict=True)
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
