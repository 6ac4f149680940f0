"""A photograph moved against a network, the maps of two networks, and what was measured of both as bars."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from deconvviz.figures.scale import signed_limit
from lessons._kit.draw import bars, image_row
from lessons._kit.draw.pixels import hundredths, larger, largest, shown_input, signed_pixels
from lessons._kit.form.i18n import mark, t
from lessons._kit.photo.labels import RULES as RULE_NAMES
from lessons._kit.photo.labels import TITLES, class_name
from lessons._kit.photo.twins import NAMES as TRAINED
from lessons._kit.photo.twins import TWINS
from lessons._kit.run import networks
from lessons._kit.run.pictures import PHOTOS
from lessons.robust import run

NAMES = {rule: RULE_NAMES[rule] for rule in run.RULES}
#: What the bars show.
FIGURES = {
    "follows": mark("gradient and covered squares"),
    "turned": mark("photographs that turn"),
    "price": mark("accuracy"),
}


@dataclass(frozen=True)
class Chosen:
    """What is drawn: photograph, network that it is moved against and how far, rule, bars, whether maps are named."""

    image: str
    training: str
    radius: int
    rule: str
    figures: str
    named: bool


def draw(of: Chosen) -> None:
    """The photographs, the maps, and the bars."""
    with st.container(key="part-photographs"):
        image_row.show(photographs(of))
    with st.container(key="part-maps"):
        image_row.show(maps(of))
        st.markdown(t("Each map has its own scale, which ends where half a percent of its values lie beyond."))
    with st.container(key="part-bars"):
        {"follows": _follows, "turned": _turned, "price": _price}[of.figures]()


def photographs(of: Chosen) -> list[image_row.Picture]:
    """As the network is fed them, and the change between them, much enlarged."""
    spec = networks.load(TWINS[of.training]).network.input_spec
    before, after = run.model_inputs(of.image), run.changed(of.image, of.training, of.radius).input
    change = (after - before)[0]
    names = [class_name(run.label(of.image, of.training, radius)) for radius in (0, of.radius)]
    return [
        image_row.Picture(
            shown_input(before, spec), t("the network finds: {name}", name=names[0]), t(TITLES[of.image])
        ),
        image_row.Picture(
            larger(signed_pixels(change, largest(change, summed=False), summed=False), 2),
            t("its length is {radius}; here enlarged", radius=of.radius),
            t("The change"),
        ),
        image_row.Picture(shown_input(after, spec), t("the network finds: {name}", name=names[1]), t("Changed")),
    ]


def pixels(signed: np.ndarray) -> np.ndarray:
    """A map on its own scale, which ends where half a percent of its values lie beyond."""
    return larger(signed_pixels(signed, signed_limit(signed, 99.5), summed=False), 2)


def maps(of: Chosen) -> list[image_row.Picture]:
    """The map of the class that each network finds, each on its own scale."""
    return [
        image_row.Picture(
            pixels(run.map_of(of.image, training, of.rule)),
            t("{rule} of {name}", rule=t(NAMES[of.rule]), name=class_name(run.label(of.image, training))),
            t("Trained {how}", how=t(how)) if of.named else t("One of the two networks"),
        )
        for training, how in TRAINED.items()
    ]


def _follows() -> None:
    titles = (
        t("Share of the gradient in waves shorter than four pixels, mean of {count} photographs [95 % interval]",
          count=len(PHOTOS)),
        t("Rank correlation of the gradient with the fall of the score where squares are covered, mean of {count} "
          "photographs [95 % interval]", count=len(PHOTOS)),
    )  # fmt: skip
    for title, measure in zip(titles, (run.grainy, run.over_all), strict=True):
        shown = [
            bars.Bar(f"{t(how)} [{hundredths(it.low)}, {hundredths(it.high)}]", (it.mean,), second=key == "robust")
            for key, how in TRAINED.items()
            for it in [measure(key)]
        ]
        bars.show(title, shown, full=1.0)


def _turned() -> None:
    for radius in run.RADII:
        bars.show(
            t("Of {count} photographs so many turn by a change of length {radius} that was made for the network",
              count=len(PHOTOS), radius=radius),
            [
                bars.Bar(t(how), (len(PHOTOS) - run.kept(key, radius),), whole=True, second=key == "robust")
                for key, how in TRAINED.items()
            ],
            full=len(PHOTOS),
        )  # fmt: skip


def _price() -> None:
    bars.show(
        t("Named rightly, in percent of {count} validation photographs", count=run.validation("plain")[1]),
        [
            bars.Bar(t(how), (100 * run.validation(key)[0],), second=key == "robust", digits=3)
            for key, how in TRAINED.items()
        ],
        full=100.0,
    )
