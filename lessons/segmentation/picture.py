"""The pictures of the page about streets: the photograph under its names, edges magnified, values at their switches."""

from __future__ import annotations

from html import escape

import numpy as np
import streamlit as st

from deconvviz.figures.scale import sequential_rgb
from deconvviz.tasks.segmentation import predict
from deconvviz.tasks.segmentation.data import NAMES
from deconvviz.types import Box
from lessons._kit.draw import before_after, image_row
from lessons._kit.draw.image_row import Picture
from lessons._kit.draw.pixels import address, crop, jpeg, larger, to_bytes
from lessons._kit.form.i18n import mark, t
from lessons.segmentation import run
from lessons.segmentation.run import Subject

#: Class -> its name for people.
WORDS = {
    "sky": mark("sky"), "building": mark("building"), "pole": mark("pole"), "road": mark("road"),
    "pavement": mark("pavement"), "tree": mark("tree"), "sign": mark("sign"), "fence": mark("fence"),
    "car": mark("car"), "pedestrian": mark("pedestrian"), "bicyclist": mark("bicyclist"),
}  # fmt: skip
#: Decoder -> its name for people; the last is another network, which learned from ImageNet before.
TITLES = {
    "coarse": mark("no decoder"),
    "transposed": mark("transposed convolution"),
    "unpool": mark("unpooling with switches"),
    "bilinear": mark("bilinear"),
    "skips": mark("from ImageNet, with skips"),
}
#: Pixels on screen of a close look among others and alone, and of a plane of cells.
WIDE, LARGE, PLANE = 128, 216, 160


def draw(subject: Subject, decoder: str) -> None:
    """The photograph, and under the divider what a decoder says of it."""
    result = run.answer(subject, decoder)
    sides = (to_bytes(subject.picture), predict.overlay(result))
    before, after = (address(jpeg(pixels)) for pixels in sides)
    rows, columns = result.classes.shape
    before_after.show(
        before_after.Side(t("picture"), before),
        before_after.Side(t(TITLES[decoder]), after),
        (rows, columns),
        "street-answer",
        at=35,
    )
    legend(result.classes)


def legend(classes: np.ndarray) -> None:
    """The classes that are in an answer, with their colours and shares."""
    share = np.bincount(classes.ravel(), minlength=len(NAMES)) / classes.size
    chips = []
    for c in np.argsort(-share, kind="stable"):
        if share[c] > 0:
            colour = "rgb({} {} {})".format(*predict.COLOURS[c])
            name = escape(t(WORDS[NAMES[c]]))
            chips.append(f'<li><i style="background: {colour}"></i>{name} {100 * share[c]:.0f} %</li>')
    st.html(f'<ul class="street-legend">{"".join(chips)}</ul>')


def close(subject: Subject, box: Box, view: str) -> None:
    """A piece magnified: the picture, the truth where it is known, and the three answers, but beside the first step."""
    times, wide = 4, LARGE if view == "close" else WIDE
    pixels = to_bytes(crop(subject.picture, box))
    shown = [Picture(larger(pixels, times), t("picture"), width=wide)]
    if subject.labels is not None:
        shown.append(Picture(larger(predict.coloured(crop(subject.labels, box)), times), t("truth"), width=wide))
    for decoder in run.DECODERS if view != "steps" else ():
        classes = crop(run.answer(subject, decoder).classes, box)
        right = run.right_in(subject, decoder, box)
        note = "" if right is None else t("{percent} % right", percent=f"{100 * right:.1f}")
        shown.append(Picture(larger(predict.coloured(classes), times), note, t(TITLES[decoder]), width=wide))
    image_row.show(shown)


def steps(subject: Subject, box: Box) -> None:
    """Sixteen values of the network, unpooled, enlarged bilinearly, and how often a transposed convolution writes."""
    result = run.cells(subject, box)
    high = max(float(result.values.max()), 1e-6)
    named = (
        (result.values, high, 8, t("16 values at an eighth of the size")),
        (result.unpooled, high, 4, t("unpooled: each at its switch, else 0")),
        (result.bilinear, high, 4, t("bilinear: every place a mean of four")),
        (result.written, 4.0, 4, t("transposed convolution, kernel 4: up to {most} values meet", most=4)),
    )
    image_row.show(
        [
            Picture(larger(sequential_rgb(values, 0.0, top), times * 5), caption, width=PLANE)
            for values, top, times, caption in named
        ]
    )


def formula(subject: Subject, decoder: str, name: str) -> None:
    """Intersection over union of a class, with the numbers of this picture."""
    both, either = run.counts(run.answer(subject, decoder).classes, run.compared(subject, decoder), name)
    word = t(WORDS[name])
    if subject.labels is None:
        second = t(TITLES[run.other(decoder)])
        st.markdown(
            t(
                "Nobody labelled this picture. A: pixels that are “{name}” to this decoder; B: to “{second}”.",
                name=word,
                second=second,
            )
        )
    else:
        st.markdown(t("A: pixels that the decoder calls “{name}”; B: those that are.", name=word))
    value = rf"\frac{{{both}}}{{{either}}} = {both / either:.2f}" if either else r"\frac{0}{0}"
    st.latex(rf"\mathrm{{IoU}} = \frac{{|A \cap B|}}{{|A \cup B|}} = {value}")
    if not either:
        st.markdown(t("Neither has any such pixel: this class is left out of the mean."))
