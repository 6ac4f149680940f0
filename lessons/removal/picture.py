"""A photograph, the order that a map gives its pixels, and the curves of the class while they go or come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st

from deconvviz.checks.audit import controls, removal
from lessons._kit.draw import bars, image_row, plot
from lessons._kit.draw.formula import COLOURS
from lessons._kit.draw.pixels import address, hundredths, jpeg, larger, largest, shown_input, signed_pixels, to_bytes
from lessons._kit.form.i18n import mark, t
from lessons._kit.photo.labels import TITLES, class_name
from lessons._kit.run import networks, pictures
from lessons._kit.run.pictures import PHOTOS
from lessons.removal import run

NAMES = {
    controls.RANDOM: mark("Random order"),
    controls.EDGES: mark("Edge detector"),
    "gradient": mark("Gradient"),
    "deconvnet": mark("DeconvNet"),
    "guided": mark("Guided backprop"),
    "gradient_x_input": mark("Gradient × input"),
}
COVERS = {"grey": mark("grey"), "blur": mark("the photograph, blurred")}
KINDS = {"deletion": mark("delete"), "insertion": mark("insert")}
#: Colour and dashes of the line of an order.
_LINES = {
    controls.RANDOM: ("", "2 4"),
    controls.EDGES: ("", "8 4"),
    "gradient": ("output", ""),
    "deconvnet": ("input", "6 3"),
    "guided": ("kernel", ""),
    "gradient_x_input": ("input", ""),
}
AXES = plot.Axes(600, 270, left=48, right=160, top=12, bottom=44)


@dataclass(frozen=True)
class Chosen:
    """What is drawn: a photograph, an order, what happens to the pixels, how far, and whose curves."""

    image: str
    order: str
    kind: str
    cover: str
    step: int
    over_all: bool


def draw(of: Chosen) -> None:
    """The row of pictures, the curves, and the areas under them."""
    with st.container(key="part-maps"):
        image_row.show(row(of))
    with st.container(key="part-curves"):
        st.html(curves(of))
    with st.container(key="part-areas"):
        areas(of)


def row(of: Chosen) -> list[image_row.Picture]:
    """The photograph, the map that orders its pixels, and the photograph with the first of them exchanged."""
    loaded = networks.load(run.NETWORK)
    photo = address(jpeg(to_bytes(pictures.fitted(loaded, pictures.sample(of.image)).screen)))
    name = class_name(run.label(of.image))
    exchanged = run.exchanged(of.image, of.order, of.kind, of.cover)[of.step]
    now = run.computed(of.image, of.order, of.kind, of.cover)[of.step]
    share = f"{100 * of.step / removal.STEPS:.4g}"
    after = t("{share} % deleted", share=share) if of.kind == "deletion" else t("{share} % inserted", share=share)
    ranked = run.values(of.image, of.order)[..., None]
    return [
        image_row.Picture(photo, t("the network finds: {name}", name=name), t(TITLES[of.image])),
        image_row.Picture(
            larger(signed_pixels(ranked, largest(ranked, summed=True), summed=True), 2),
            t("the reddest pixels come first"),
            t(NAMES[of.order]),
        ),
        image_row.Picture(
            shown_input(exchanged[None], loaded.network.input_spec),
            t("probability of {name}: {value}", name=name, value=f"{now:.2f}"),
            after,
        ),
    ]


def lines(of: Chosen) -> dict[str, plot.Line]:
    """Order -> its curve: of this photograph, the chosen one computed now, or the mean of all photographs."""
    made = {}
    for order, name in NAMES.items():
        known = run.mean_curve(order, of.kind, of.cover) if of.over_all else ()
        make = run.computed if order == of.order else run.curve
        values = [one.mean for one in known] or make(of.image, order, of.kind, of.cover).tolist()
        made[order] = plot.Line(t(name), values, known)
    return made


def curves(of: Chosen) -> str:
    """The figure; what it shows is in its alternative text too."""
    drawn = lines(of)
    title = (
        t(
            "Probability of the class: mean of {count} photographs, the thick curve with 95 % intervals",
            count=len(PHOTOS),
        )
        if of.over_all
        else t("Probability of the class, this photograph")
    )
    return plot.figure(title, svg(drawn, of, plot.is_dark()), plot.numbers(drawn.values()))


def svg(drawn: Mapping[str, plot.Line], of: Chosen, dark: bool) -> str:
    """The drawing: shares of the pixels to the right, probability upwards; the chosen order is thick."""
    ink, quiet, _ = plot.GREYS[dark]
    high, last = 0.8 if of.over_all else 1.0, removal.STEPS
    parts = []
    for level in (0.0, high / 2, high):
        y = level / high
        parts += [AXES.line([(0, y), (1, y)], quiet, 0.3), plot.text(AXES.left - 8, AXES.y(y) + 4, f"{level:g}")]
    for k in range(0, last + 1, 2):
        parts.append(plot.text(AXES.x(k / last), AXES.height - 26, f"{100 * k / last:g} %", "middle"))
    under = t("share of the pixels deleted") if of.kind == "deletion" else t("share of the pixels inserted")
    parts.append(plot.text(AXES.x(0.5), AXES.height - 6, under, "middle"))
    parts.append(AXES.line([(of.step / last, 0), (of.step / last, 1)], ink, 0.5))
    names = []
    for key, line in drawn.items():
        name, dashes = _LINES[key]
        colour = COLOURS[name][dark] if name else quiet
        points = [(k / last, min(value / high, 1.0)) for k, value in enumerate(line.values)]
        parts.append(AXES.line(points, colour, 3 if key == of.order else 1.5, dashes))
        parts.append(AXES.dot(*points[of.step], colour, 5 if key == of.order else 3))
        for k, one in enumerate(line.intervals if key == of.order else ()):  # those of all would hide each other
            at = k / last
            parts.append(AXES.line([(at, one.low / high), (at, min(one.high / high, 1.0))], colour, 1))
        names.append((removal.area(line.values), line.name, colour, dashes))
    for k, (_, words, colour, dashes) in enumerate(sorted(names, reverse=True)):  # the largest area first
        parts.append(AXES.line([(1.03, 0.96 - 0.09 * k), (1.09, 0.96 - 0.09 * k)], colour, 2, dashes))
        parts.append(plot.text(AXES.x(1.11), AXES.y(0.96 - 0.09 * k) + 4, words, "start", colour))
    return AXES.svg(parts, quiet)


def areas(of: Chosen) -> None:
    """The area under every curve as bars, the best first; over all photographs with the gain over chance in words."""
    order = run.ranking(of.kind, of.cover, "" if of.over_all else of.image)
    better = t("smaller is better") if of.kind == "deletion" else t("larger is better")
    if of.over_all:
        title = t("Mean area under the curve, {better} (better than a random order by [95 % interval])", better=better)
        shown = [bars.Bar(_gain(of, one), (run.mean_area(one, of.kind, of.cover),), second=one == of.order, digits=3)
                 for one in order]  # fmt: skip
    else:
        title = t("Area under the curve of this photograph, {better}", better=better)
        shown = [bars.Bar(t(NAMES[one]), (run.area(of.image, one, of.kind, of.cover),), second=one == of.order,
                          digits=3) for one in order]  # fmt: skip
    bars.show(title, shown)


def _gain(of: Chosen, order: str) -> str:
    if order == controls.RANDOM:
        return t(NAMES[order])
    it = run.mean_gain(order, of.kind, of.cover)
    low, mean, high = map(hundredths, (it.low, it.mean, it.high))
    return f"{t(NAMES[order])} ({mean} [{low}, {high}])"
