"""A photograph before and after a small change, the map of the class found each time, and how like the maps are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from lessons._kit.draw import bars, image_row
from lessons._kit.draw.pixels import hundredths, larger, largest, shown_input, signed_pixels
from lessons._kit.form.i18n import mark, t
from lessons._kit.photo.labels import RULES as RULE_NAMES
from lessons._kit.photo.labels import TITLES, class_name
from lessons._kit.run import networks
from lessons._kit.run.pictures import PHOTOS
from lessons.adversarial import run

NAMES = {rule: RULE_NAMES[rule] for rule in run.RULES}
KINDS = {"noise": mark("noise"), "class": mark("made to turn the class"), "map": mark("made to turn the map")}


@dataclass(frozen=True)
class Chosen:
    """What is drawn: a photograph, a change and its size, a rule, and whose bars."""

    image: str
    kind: str
    radius: int
    rule: str
    over_all: bool


def draw(of: Chosen) -> None:
    """The photographs, the maps, and the bars."""
    with st.container(key="part-photographs"):
        image_row.show(photographs(of))
    with st.container(key="part-maps"):
        image_row.show(maps(of))
    with st.container(key="part-bars"):
        likeness(of)


def photographs(of: Chosen) -> list[image_row.Picture]:
    """As the network is fed them, and the change between them, much enlarged."""
    spec = networks.load(run.NETWORK).network.input_spec
    before, after = run.model_inputs(of.image), run.changed(of.image, of.kind, of.radius).input
    change = (after - before)[0]
    names = class_name(run.label(of.image)), class_name(run.label(of.image, of.kind, of.radius))
    level = f"{run.levels(of.image, of.kind, of.radius):.1f}"
    return [
        image_row.Picture(
            shown_input(before, spec), t("the network finds: {name}", name=names[0]), t(TITLES[of.image])
        ),
        image_row.Picture(
            signed_pixels(change, largest(change, summed=False), summed=False).repeat(2, 0).repeat(2, 1),
            t("{level} levels of 255, root mean square; here enlarged", level=level),
            t("The change: {kind}", kind=t(KINDS[of.kind])),
        ),
        image_row.Picture(shown_input(after, spec), t("the network finds: {name}", name=names[1]), t("Changed")),
    ]


def maps(of: Chosen) -> list[image_row.Picture]:
    """The map of the class found before, and of the class found after, each on its own scale."""
    alike = hundredths(run.alike(of.image, of.kind, of.radius, of.rule))
    return [
        image_row.Picture(
            _pixels(run.map_of(of.image, "", 0, of.rule)),
            t("of {name}", name=class_name(run.label(of.image))),
            t("{rule}, before", rule=t(NAMES[of.rule])),
        ),
        image_row.Picture(
            _pixels(run.map_of(of.image, of.kind, of.radius, of.rule)),
            t("of {name}; rank correlation with the map before: {value}",
              name=class_name(run.label(of.image, of.kind, of.radius)), value=alike),
            t("{rule}, after", rule=t(NAMES[of.rule])),
        ),
    ]  # fmt: skip


def _pixels(signed: np.ndarray) -> np.ndarray:
    return larger(signed_pixels(signed, largest(signed, summed=True), summed=True), 2)


def likeness(of: Chosen) -> None:
    """The rank correlation for every change and rule as bars; over all photographs with the interval in words."""
    for kind in dict.fromkeys((of.kind, *run.KINDS)):
        turned = run.turned(kind, of.radius)
        if of.over_all:
            title = t("{kind}: rank correlation of the maps, mean of {count} photographs [95 % interval]; the class "
                      "changes on {turned}", kind=t(KINDS[kind]), count=len(PHOTOS), turned=turned)  # fmt: skip
            intervals = {rule: run.over_all(kind, of.radius, rule) for rule in run.RULES}
            shown = [
                bars.Bar(f"{t(NAMES[rule])} [{hundredths(it.low)}, {hundredths(it.high)}]", (it.mean,),
                         second=rule == of.rule)
                for rule, it in intervals.items()
            ]  # fmt: skip
        else:
            title = t("{kind}: rank correlation of the maps of this photograph", kind=t(KINDS[kind]))
            shown = [
                bars.Bar(t(NAMES[rule]), (_likeness(of, kind, rule),), second=rule == of.rule) for rule in run.RULES
            ]
        bars.show(title, shown, full=1.0)


def _likeness(of: Chosen, kind: str, rule: str) -> float:
    """That of the maps on screen is computed now."""
    make = run.alike if (kind, rule) == (of.kind, of.rule) else run.similarity
    return make(of.image, kind, of.radius, rule)
