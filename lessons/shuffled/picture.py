"""A photograph, its map before and after layers are shuffled, and how like the two are, step by step."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import streamlit as st

from deconvviz.checks.randomization import Cascade
from lessons._kit.draw import image_row, plot
from lessons._kit.draw.formula import COLOURS
from lessons._kit.draw.pixels import address, hundredths, jpeg, larger, largest, signed_pixels, to_bytes
from lessons._kit.form.i18n import mark, t
from lessons._kit.photo.labels import RULES as RULE_NAMES
from lessons._kit.photo.labels import TITLES, class_name
from lessons._kit.run import networks, pictures
from lessons.shuffled import run

NAMES = {**{rule: RULE_NAMES[rule] for rule in run.RULES}, run.NOISE: mark("Noise, drawn anew")}
#: Colour and dashes of the line of a rule.
_LINES = {"gradient": ("output", ""), "deconvnet": ("input", "6 3"), "guided": ("kernel", ""), run.NOISE: ("", "2 4")}
AXES = plot.Axes(600, 260, left=48, right=132, top=12, bottom=44)
_LOW, _HIGH = -0.2, 1.0


def draw(image: str, result: Cascade, step: int, over_all: bool) -> None:
    """The row of pictures, and the curves below it."""
    with st.container(key="part-maps"):
        image_row.show(row(image, result, step))
    with st.container(key="part-curves"):
        st.html(curves(image, result.rule, step, over_all))


def row(image: str, result: Cascade, step: int) -> list[image_row.Picture]:
    """The photograph, the untouched network's map, and that of the shuffled one, each map on its own scale."""
    loaded, picture = networks.load(run.NETWORK), pictures.sample(image)
    photo = address(jpeg(to_bytes(pictures.fitted(loaded, picture).screen)))
    name = class_name(run.found_class(image))
    alike = hundredths(result.similarity[step])
    after = t("The same network still") if step == 0 else t("Shuffled down to {layer}", layer=result.shuffled[step])
    return [
        image_row.Picture(photo, t("the network finds: {name}", name=name), t(TITLES[image])),
        image_row.Picture(_pixels(result.maps[0]), t(NAMES[result.rule]), t("The trained network")),
        image_row.Picture(
            _pixels(result.maps[step]), t("rank correlation with the map before: {value}", value=alike), after
        ),
    ]


def _pixels(signed: np.ndarray) -> np.ndarray:
    return larger(signed_pixels(signed, largest(signed, summed=True), summed=True), 2)


def lines(image: str, over_all: bool) -> dict[str, plot.Line]:
    """Rule -> its curve: of this photograph, or the mean of all of them."""
    made = {}
    for rule, name in NAMES.items():
        known = run.over_all(rule) if over_all else ()
        values = [one.mean for one in known] if over_all else run.similarity(image, rule)
        made[rule] = plot.Line(t(name), values, known)
    return made


def curves(image: str, rule: str, step: int, over_all: bool) -> str:
    """The figure; what it shows is in its alternative text too."""
    drawn = lines(image, over_all)
    title = (
        t("Rank correlation with the trained network's map: mean of {count} photographs, bars: 95 % intervals",
          count=len(run.PHOTOS))
        if over_all
        else t("Rank correlation with the trained network's map, this photograph")
    )  # fmt: skip
    return plot.figure(title, svg(drawn, rule, step, plot.is_dark()), plot.numbers(drawn.values()))


def svg(drawn: Mapping[str, plot.Line], rule: str, step: int, dark: bool) -> str:
    """The drawing: steps to the right, correlation upwards; the chosen rule is thick, the chosen step dotted."""
    ink, quiet, _ = plot.GREYS[dark]
    names = ("", *run.layers())
    last = len(names) - 1

    def place(k: int, value: float) -> tuple[float, float]:
        return k / last, (min(max(value, _LOW), _HIGH) - _LOW) / (_HIGH - _LOW)

    parts = []
    for level in (0.0, 0.5, 1.0):
        y = place(0, level)[1]
        parts += [AXES.line([(0, y), (1, y)], quiet, 0.3), plot.text(AXES.left - 8, AXES.y(y) + 4, f"{level:g}")]
    for k, name in enumerate(names):
        parts.append(plot.text(AXES.x(k / last), AXES.height - 26, name or "–", "middle"))
    parts.append(plot.text(AXES.x(0.5), AXES.height - 6, t("shuffled from the top down to this layer"), "middle"))
    parts.append(AXES.line([(step / last, 0), (step / last, 1)], ink, 1, "2 3"))
    ends = []
    for key, line in drawn.items():
        name, dashes = _LINES[key]
        colour = COLOURS[name][dark] if name else quiet
        parts.append(
            AXES.line([place(k, v) for k, v in enumerate(line.values)], colour, 3 if key == rule else 1.5, dashes)
        )
        parts.append(AXES.dot(*place(step, line.values[step]), colour, 5 if key == rule else 3))
        for k, one in enumerate(line.intervals[1:], 1):
            parts.append(AXES.line([place(k, one.low), place(k, one.high)], colour, 1))
        ends.append((AXES.y(place(last, line.values[-1])[1]), line.name, colour))
    above = AXES.y(0) + 4  # the words under the axis stay free
    for y, words, colour in sorted(ends, reverse=True):
        above = min(y, above - 15)
        parts.append(plot.text(AXES.x(1) + 8, above + 4, words, "start", colour))
    return AXES.svg(parts, quiet)
