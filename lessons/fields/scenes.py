"""The story of receptive fields: a window of windows, its growth, the edge, dead paths, what counts on average."""

from __future__ import annotations

from functools import lru_cache

from lessons._kit.form.i18n import mark, t
from lessons._kit.form.scenes import Guess, Scene
from lessons._kit.run import networks
from lessons.fields import measure, run, theory


def next_field() -> Guess:
    """How many rows the units of conv5 see, whose windows lie on the pooled map."""
    *_, below, window = theory.windows(networks.load("caltech").network, "conv5")
    *_, before, field = theory.recursion(theory.windows(networks.load("caltech").network, "conv5"))
    no_step, times = before.size[0] + window.span[0] - 1, before.size[0] * window.span[0]
    return Guess(
        prompt=t(
            "Before you look: a unit of {layer} sees {rows} rows, and neighbours lie {step} pixels apart. The next "
            "window has {k} rows. How many rows does a unit of conv5 see?",
            layer=below.name,
            rows=before.size[0],
            step=before.step[0],
            k=window.span[0],
        ),
        options={str(n): str(n) for n in (no_step, field.size[0], times)},
        answer=str(field.size[0]),
        reasons={
            str(no_step): t("Neighbouring cells below are not one pixel apart: each further one adds a whole step."),
            str(field.size[0]): t("The first of the cells sees its field; each further one adds a step."),
            str(times): t("The fields of neighbours overlap; they do not lie side by side."),
        },
    )


@lru_cache(maxsize=1)
def _reached() -> tuple[int, int]:
    """Pixels of the field of the first scene's unit of pool1, and those whose derivative there is not zero."""
    scene = run.compute(run.State(layer="pool1"))
    return scene.field.size[0] * scene.field.size[1], int(measure.support(scene.slopes).sum())


def dead_paths() -> Guess:
    """On how many pixels of its field the derivative of a pooled unit is not zero."""
    area, reached = _reached()
    return Guess(
        prompt=t(
            "Before you look: a unit of pool1 can see {area} pixels. On how many is its derivative not zero?", area=area
        ),
        options={str(n): str(n) for n in (area, reached, area // 4)},
        answer=str(reached),
        reasons={
            str(area): t("Of the four cells under a pooling window, one is passed on. The others lead nowhere."),
            str(reached): t("One cell of four is passed on, and it sees just its own window of 6 × 6 pixels."),
            str(area // 4): t("One cell of four is passed on, but its window is larger than a quarter of the field."),
        },
    )


SCENES = (
    Scene(
        title=mark("A window of windows"),
        text=mark(
            "A [[unit]] reads a window of the map below; each cell of that window reads a window of its own, and so "
            "on down to the pixels. All the pixels that can matter to a unit are its [[receptive field]]. Point at "
            "the map or at the photograph and watch the frame."
        ),
        look=mark("One cell of the map, and the pixels that it can see."),
        values={"view": "field"},
        parts=("point",),
        controls=("layer",),
    ),
    Scene(
        title=mark("Every layer widens it"),
        text=mark(
            "A layer adds its window minus one, times the **step**: how many pixels lie between neighbouring cells "
            "below. Every [[stride]] multiplies the step for all layers above. So strides and pooling make the field "
            "grow fast, and deep units soon see most of the picture."
        ),
        look=mark("Field r and step j, line by line."),
        values={"layer": "pool4", "view": "table"},
        parts=("table",),
        controls=("layer",),
        ask=next_field,
        then={"layer": "conv5"},
    ),
    Scene(
        title=mark("Over the edge"),
        text=mark(
            "Near the border the field hangs over the picture: there is only padding to see. In a deep layer every "
            "field does, wherever its unit stands, because it is larger than the picture itself. Position then says "
            "where the unit looks most, no longer where it ends."
        ),
        look=mark("The part of the frame that is still on the photograph."),
        values={"at": "3,120", "view": "field"},
        parts=("point",),
        controls=("layer",),
    ),
    Scene(
        title=mark("Can, and does"),
        text=mark(
            "That was theory: the pixels that **can** matter. On any one photograph, fewer of them do. [[max "
            "pooling|Max pooling]] lets one cell of each window through, a closed [[rectifier]] none. A pixel whose "
            "paths all lead through those has a derivative of exactly zero. With many channels, some path is almost "
            "always open."
        ),
        look=mark("Darkened inside the frame: the derivative is exactly zero."),
        values={"view": "field"},
        parts=("point",),
        controls=("image",),
        ask=dead_paths,
        then={"layer": "pool1"},
    ),
    Scene(
        title=mark("The middle counts most"),
        text=mark(
            "On average the middle counts most, because most paths lead up from there. The effective field is often "
            "much smaller than the frame. Here it is the square that holds 90 % of the squared slope, a measure of "
            "our own; Luo et al. fit a Gaussian."
        ),
        look=mark("The square in the third picture."),
        values={"layer": "conv5", "view": "close"},
        parts=("close",),
        controls=("layer",),
    ),
    Scene(
        title=mark("Yours"),
        text=mark(
            "Choose a photograph, a layer and a channel, and point anywhere. Which is the first layer whose units see "
            "more rows than the picture has? Where do you find a unit that no signal starts from? And on which layer "
            "does the derivative fill its field?"
        ),
        controls=None,
    ),
)
