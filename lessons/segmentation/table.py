"""Claim C9 on the page: every trained variant with its figures, read from the shipped file, and the verdict."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

import streamlit as st

from deconvviz.tasks.segmentation import DECODERS, predict
from lessons._kit.claims import card
from lessons._kit.draw import bars
from lessons._kit.form.i18n import mark, t
from lessons.segmentation.picture import TITLES, WORDS

#: Figure of the card -> its head in the table.
FIGURES = {
    "global": mark("pixels right"),
    "class_average": mark("mean over classes"),
    "mean_iou": mark("mean IoU"),
    "boundary_f1": mark("boundary F1"),
}
FUSIONS = {"average": mark("mean with the picture"), "weighted": mark("learned weights with the picture")}


def title(name: str, about: Mapping[str, Any]) -> str:
    """A variant for people."""
    options = about["options"]
    fused = options["fusion"]
    return t(TITLES[options["decoder"]]) + ("" if fused == "none" else f", {t(FUSIONS[fused])}")


def to_html(caption: str, result: Mapping[str, Mapping[str, Any]]) -> str:
    """The table, percent; the best of a column is bold."""
    best = {key: max(about["figures"][key] for about in result.values()) for key in FIGURES}
    head = "".join(f'<th scope="col">{escape(t(word))}</th>' for word in FIGURES.values())
    rows = []
    for name, about in result.items():
        cells = "".join(
            f'<td class="{"best" if about["figures"][key] == best[key] else ""}">{100 * about["figures"][key]:.1f}</td>'
            for key in FIGURES
        )
        rows.append(f'<tr><th scope="row">{escape(title(name, about))}</th>{cells}</tr>')
    return (
        f'<table class="street-table"><caption>{escape(caption)}</caption>'
        f'<thead><tr><th scope="col">{escape(t("decoder"))}</th>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table>"
    )


def show() -> None:
    """The table of all variants, and what a decoder adds to the coarse answer."""
    result = predict.variants()
    pictures = next(iter(result.values()))["data"]["validation"]
    st.html(to_html(t("{count} validation pictures of CamVid, percent", count=pictures), result))
    st.markdown(
        t(
            "The last row is another network, more than twice as large, which learned from ImageNet first: it judges "
            "no decoder."
        )
    )
    st.markdown(gained(result))


def claim(decoder: str) -> None:
    """The article's sentence, the verdict that the figures give, the table, the classes of a decoder."""
    result = predict.variants()
    judgement = card.judged("C9")
    st.markdown(f"#### {t('Does it segment better?')}")
    st.markdown(t("Two popular articles say that transposed convolution makes segmentation more accurate."))
    st.markdown(f"{card.word(judgement.kind)} {card.sentence('C9', judgement)}")
    show()
    st.markdown(
        t(
            "One encoder for all, which no decoder changed; one run each, so differences below a point say nothing. "
            "Made by `{command}`, measured by `deconvviz evaluate segmentation --data DIR/val --variant NAME`.",
            command=result[decoder]["command"],
        )
    )
    st.markdown(
        t(
            "These are validation figures, of one stretch of one drive. On CamVid's test part "
            "mean IoU is about 11 points less, with switches and without a decoder."
        )
    )
    st.markdown(fused(result))
    iou = result[decoder]["figures"]["iou"]
    shown = [bars.Bar(t(WORDS[name]), (value,)) for name, value in iou.items()]
    bars.show(t("IoU of every class on CamVid: {decoder}", decoder=t(TITLES[decoder])), shown, full=1.0)


def gained(result: Mapping[str, Mapping[str, Any]]) -> str:
    """What a decoder adds to the coarse answer: the pole, the class that gains most, the boundaries."""
    decoders = {name: result[name]["figures"] for name in DECODERS}
    coarse = decoders.pop("coarse")
    poles = [figures["iou"]["pole"] for figures in decoders.values()]
    points = {
        (decoder, name): 100 * (figures["iou"][name] - coarse["iou"][name])
        for decoder, figures in decoders.items()
        for name in WORDS
    }
    (decoder, name), most = max(points.items(), key=lambda item: item[1])
    edges = max(decoders, key=lambda one: decoders[one]["boundary_f1"])
    return t(
        "No decoder finds the pole again: its IoU is {coarse} % without one, {low} to {high} % with. The class "
        "that gains most is “{name}”, {points} points by {decoder}; boundary F1 gains {border} points by {edges}. "
        "Decoders trained together with their encoder were not compared.",
        coarse=f"{100 * coarse['iou']['pole']:.1f}", low=f"{100 * min(poles):.1f}", high=f"{100 * max(poles):.1f}",
        name=t(WORDS[name]), points=f"{most:.1f}", decoder=t(TITLES[decoder]), edges=t(TITLES[edges]),
        border=f"{100 * (decoders[edges]['boundary_f1'] - coarse['boundary_f1']):.1f}",
    )  # fmt: skip


def fused(result: Mapping[str, Mapping[str, Any]]) -> str:
    """What mixing the picture into the transposed decoder changes, by the better of the two ways."""
    fusions = [about for about in result.values() if about["options"]["decoder"] == "transposed"]
    plain = next(about["figures"] for about in fusions if about["options"]["fusion"] == "none")
    mixed = (about["figures"] for about in fusions if about["options"]["fusion"] != "none")
    best = max(mixed, key=lambda figures: figures["mean_iou"])
    iou, border = (100 * (best[key] - plain[key]) for key in ("mean_iou", "boundary_f1"))
    return t(
        "Mixing the picture in, as one of them does, moves mean IoU by {iou} points and boundary F1 by {border}.",
        iou=f"{iou:+.1f}", border=f"{border:+.1f}",
    )  # fmt: skip
