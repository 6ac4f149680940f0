"""Questions about super-resolution; right answers and reasons for wrong ones are read from real arrays."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from deconvviz.ops.upsample import overlap_counts
from deconvviz.tasks.super_resolution import data
from lessons._kit.draw import planes
from lessons._kit.form.exercise import Maker, Question, question
from lessons._kit.form.i18n import mark, t


def _errors(random: np.random.Generator) -> Iterator[np.ndarray]:
    while True:
        yield random.integers(-6, 7, (2, 3))


def squares(seed: int) -> Question:
    """What is the mean squared error?"""
    random = np.random.default_rng(21000 + seed)
    wanted = random.integers(20, 60, (2, 3))
    off = next(off for off in _errors(random) if int((off**2).sum()) % 6 == 0 and off.min() < 0 < off.max())
    found, total = wanted + off, int((off**2).sum())
    answer = (total // 6,)
    terms = " + ".join(f"{int(value)}^2" if value >= 0 else f"({int(value)})^2" for value in off.ravel())
    rows = [
        planes.Plane(t("truth, steps of 255"), wanted, "input"),
        planes.Plane(t("enlargement"), found, "output"),
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


def scored(seed: int) -> Question:
    """How many rows does the protocol score?"""
    random = np.random.default_rng(21100 + seed)
    scale = int(random.integers(2, 5))
    rows = int(random.integers(40, 90)) * scale + int(random.integers(1, scale))
    _, large = data.pair(np.zeros((rows, 60)), scale)
    inside = large[scale:-scale]
    answer = (len(inside),)
    return question(
        prompt=t(
            "A picture has {rows} rows and is scored at scale {scale}: cut to a multiple, made small, enlarged, "
            "borders of {scale} pixels left out. **How many rows are scored?**",
            rows=rows,
            scale=scale,
        ),
        fields=(t("rows"),),
        answer=answer,
        wrong=[
            (rows, t("Rows are cut to a multiple of the scale first, then borders are left out.")),
            (len(large), t("A border of as many pixels as the scale is left out at the top and at the bottom.")),
            (len(large) - scale, t("A border at the top and one at the bottom.")),
            (rows - 2 * scale, t("The rows that do not fill a cell of the small picture are cut off first.")),
        ],
        hint=t("First the largest multiple of the scale, then twice the border off it."),
        worked=rf"{scale} \cdot {len(large) // scale} - 2 \cdot {scale} = {answer[0]}",
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
    "squares": (mark("Mean squared error"), squares),
    "scored": (mark("What is scored"), scored),
    "cells": (mark("Cells of a pixel"), cells),
}
