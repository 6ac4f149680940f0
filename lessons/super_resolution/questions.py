"""Questions about super-resolution; right answers and reasons for wrong ones are read from real arrays."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from deconvviz.ops.upsample import overlap_counts
from deconvviz.tasks.super_resolution import predict
from lessons._kit.draw import planes
from lessons._kit.draw.pixels import larger, to_bytes
from lessons._kit.form.exercise import Maker, Question, by_looking, question
from lessons._kit.form.i18n import mark, t
from lessons._kit.photo import upload
from lessons._kit.restoration import run
from lessons._kit.run import pictures

#: Patches that are told apart: photograph, row and column of the corner; rows and columns of each; the scale.
PATCHES = (
    ("astronaut", 60, 170),
    ("astronaut", 318, 240),
    ("camera", 100, 180),
    ("cat", 60, 150),
    ("coffee", 100, 150),
    ("brick", 52, 130),
)
PATCH, SCALE = 72, 3


def _errors(random: np.random.Generator) -> Iterator[np.ndarray]:
    while True:
        yield random.integers(-6, 7, (2, 3))


def squares(seed: int) -> Question:
    """What is the mean squared error?"""
    random = np.random.default_rng(21000 + seed)
    wanted = random.integers(20, 60, (2, 3))
    off = next(off for off in _errors(random) if int((off**2).sum()) % 6 == 0 and off.min() < 0 < off.max())
    result, total = wanted + off, int((off**2).sum())
    answer = (total // 6,)
    terms = " + ".join(f"{int(value)}^2" if value >= 0 else f"({int(value)})^2" for value in off.ravel())
    rows = [
        planes.Plane(t("truth, steps of 255"), wanted, "input"),
        planes.Plane(t("enlargement"), result, "output"),
    ]
    return question(
        prompt=t("PSNR is made from the mean squared error. **What is it for these six pixels?**"),
        fields=(t("mean squared error"),),
        answer=answer,
        wrong=[
            (total, t("That is the sum; it is shared out among the six pixels.")),
            (round(float(np.abs(off).mean())), t("Distances have to be squared before they are averaged.")),
            (round(float(off.mean())) ** 2, t("Errors of both signs cancel if they are averaged first.")),
            (int((off**2).max()), t("That is the worst pixel alone.")),
        ],
        hint=t("Subtract pixel by pixel, square, add up, divide by the number of pixels."),
        worked=rf"\frac{{{terms}}}{{6}} = \frac{{{total}}}{{6}} = {answer[0]}",
        picture=(planes.Row("", rows, ("",)),),
    )


def patch(seed: int) -> Question:
    """Which of four patches is the photograph, and which the network's enlargement?"""
    random = np.random.default_rng(21137 + seed)
    id, top, left = PATCHES[int(random.integers(len(PATCHES)))]
    photograph = upload.pixels(pictures.sample(id), run.LONGER)[top : top + PATCH, left : left + PATCH]
    _, module = predict.load(SCALE)
    result = run.enlarged(photograph, SCALE, True, module, "")
    cells = result.planes["small"].repeat(SCALE, axis=0).repeat(SCALE, axis=1)
    made = {"photograph": result.planes["truth"], "network": result.planes["network"],
            "bicubic": result.planes["bicubic"], "cells": cells}  # fmt: skip
    titles = {
        "photograph": t("the photograph"), "network": t("the network’s enlargement"),
        "bicubic": t("the bicubic enlargement"), "cells": t("the small picture, each cell repeated"),
    }  # fmt: skip
    order = [list(made)[k] for k in random.permutation(len(made))]
    waves = {name: float((np.abs(run.fine(plane, SCALE)) ** 2).sum()) for name, plane in made.items()}
    return by_looking(
        prompt=t(
            "The brightness of a patch of a photograph, and the same made three times smaller and enlarged again in "
            "three ways. **Which picture is the photograph, and which is the network’s enlargement?**"
        ),
        choices=[larger(np.repeat(to_bytes(made[name])[..., None], 3, axis=-1), 3) for name in order],
        names=order,
        facts=[
            t(
                "Picture {number} is {name}; in waves shorter than {limit} pixels it has {percent} % of the "
                "photograph’s energy.",
                number=number,
                name=titles[name],
                limit=2 * SCALE,
                percent=f"{100 * waves[name] / waves['photograph']:.0f}",
            )
            for number, name in enumerate(order, 1)
        ],
        fields=(t("photograph"), t("network’s enlargement")),
        answer=(order.index("photograph") + 1, order.index("network") + 1),
        hint=t("The network draws edges sharp where the small picture has one; fine texture it cannot know."),
    )


def cells(seed: int) -> Question:
    """How many small cells does a pixel of the last layer's output read?"""
    scale = 2 + seed % 3
    taps = scale * int(np.random.default_rng(21200 + seed).integers(2, 13))
    inside = overlap_counts(40, taps, scale)[taps:-taps]
    along = int(inside[0])
    answer = (along**2,)
    return question(
        prompt=t(
            "The last layer lays a kernel of {k} × {k} down for every cell of the small picture, {s} pixels apart. "
            "**How many cells write on a pixel, away from the border?**",
            k=taps,
            s=scale,
        ),
        fields=(t("cells"),),
        answer=answer,
        wrong=[
            (along, t("That is along one axis; rows and columns multiply.")),
            (taps**2, t("Of the taps only those are met that fall on a cell: one in {s} along each axis.", s=scale)),
            (taps, t("Count cells, not taps: they are {s} pixels apart.", s=scale)),
            (scale**2, t("That is how many pixels one cell becomes.")),
        ],
        hint=t("Along one axis: how many kernels, each {s} pixels further, cover one pixel?", s=scale),
        worked=rf"\left(\frac{{{taps}}}{{{scale}}}\right)^2 = {answer[0]}",
    )


QUESTIONS: dict[str, tuple[str, Maker]] = {
    "patch": (mark("Which is the photograph?"), patch),
    "squares": (mark("Mean squared error"), squares),
    "cells": (mark("Cells of a pixel"), cells),
}
