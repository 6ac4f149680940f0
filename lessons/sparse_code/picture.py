"""The photograph, one transposed convolution and the stamps of a code; where either stands; figures step by step."""

from __future__ import annotations

import numpy as np
import streamlit as st

from lessons._kit.draw import bars, image_row
from lessons._kit.draw.pixels import larger, to_bytes
from lessons._kit.form.i18n import t
from lessons.sparse_code import run

#: Pixels on screen for one of the photograph, and for one cell of a code.
ENLARGED, CELL = 3, 6


def draw(state: run.State) -> None:
    """Pictures, codes and bars."""
    image_row.show(pictures(state))
    with st.container(key="part-places"):
        image_row.show(places(state))
    with st.container(key="part-bars"):
        figures(state)


def percent(share: float) -> str:
    """A share in whole percent.

    >>> percent(0.194)
    '19 %'
    """
    return f"{100 * share:.0f} %"


def after(steps: int) -> str:
    """How long the search was."""
    return t("{steps} steps", steps=steps) if steps > 1 else t("1 step")


def shown(picture: np.ndarray, image: str) -> np.ndarray:
    """On screen, (192, 192, 3) uint8."""
    return larger(to_bytes(run.displayed(picture, image)), ENLARGED)


def pictures(state: run.State) -> list[image_row.Picture]:
    """The photograph and both ways to make it again."""
    image = state.image
    rows, columns = run.SIZE
    name = t(run.PICTURES[image])
    return [
        image_row.Picture(
            shown(run.photograph(image), image), t("{rows} × {columns} × 3 numbers", rows=rows, columns=columns), name
        ),
        image_row.Picture(
            shown(run.once(image), image), t("{share} missing", share=percent(run.missing(run.once(image), image))),
            t("Sent back once"), part="once",
        ),
        image_row.Picture(
            shown(run.stamped(state), image),
            t("{share} missing; {steps}", share=percent(run.missing(run.stamped(state), image)),
              steps=after(int(state.steps))),
            t("Stamps of the code"), part="stamps",
        ),
    ]  # fmt: skip


def places(state: run.State) -> list[image_row.Picture]:
    """Absolute values added over the kernels, for the responses and for the code, each on its own scale."""
    result = []
    for values, title, part in (
        (run.responses(state.image), t("What the kernels answer"), "responses"),
        (run.code(state).code, t("The code"), "code"),
    ):
        sums = np.abs(values[0]).sum(axis=-1)
        note = t("{share} of {count} numbers are not zero", share=percent(float(np.mean(values != 0))),
                 count=f"{values.size:,}".replace(",", " "))  # fmt: skip
        pixels = larger(to_bytes(np.repeat(sums[..., None] / max(float(sums.max()), 1e-9), 3, axis=-1)), CELL)
        result.append(image_row.Picture(pixels, note, title, part=part))
    return result


def figures(state: run.State) -> None:
    """What is missing, and how many numbers are not zero, after each number of steps."""
    known = run.codes(state.image, state.weight)
    names = [after(steps) for steps in run.STEPS]
    lit = [steps == int(state.steps) for steps in run.STEPS]
    missing = [
        bars.Bar(t("sent back once"), (round(100 * run.missing(run.once(state.image), state.image)),), whole=True)
    ]
    missing += [
        bars.Bar(name, (round(100 * float(one.residual[-1])),), whole=True, second=now)
        for name, one, now in zip(names, known, lit, strict=True)
    ]
    bars.show(t("Missing from the picture, in percent"), missing, full=100.0)
    rest = [
        bars.Bar(name, (round(100 * float(one.nonzero[-1])),), whole=True, second=now)
        for name, one, now in zip(names, known, lit, strict=True)
    ]
    bars.show(t("Numbers of the code that are not zero, in percent"), rest, full=100.0)
