"""How the page of enhancement is drawn: before and after, AᵀA beside it, PSNR in numbers, the small networks."""

from __future__ import annotations

import math

import numpy as np
import streamlit as st

from deconvviz.articles.claims import CLAIMS
from deconvviz.data.preprocess import at_most
from deconvviz.figures import files
from deconvviz.metrics import psnr
from lessons._kit.claims import card
from lessons._kit.draw import before_after, image_row
from lessons._kit.draw.before_after import Side
from lessons._kit.draw.formula import coloured
from lessons._kit.draw.pixels import address, larger, png, to_bytes
from lessons._kit.form.i18n import mark, t
from lessons.enhancement import run
from lessons.enhancement.run import Shown

#: Longer side of the pictures under the large one.
SMALL = 320
#: Side of a window on screen, in pixels.
LARGE = 216
FUSIONS = {
    "none": mark("none: d"),
    "add": mark("add: x + d"),
    "weighted": mark("weighted: a x + b d"),
    "concatenate": mark("concatenate: 3 × 3 over (x, d)"),
}


def decibels(value: float) -> str:
    """A PSNR for people.

    >>> decibels(29.123), decibels(float("inf"))
    ('29.1 dB', '∞ dB')
    """
    return f"{value:.1f} dB" if math.isfinite(value) else "∞ dB"


def compare(result: Shown, title: str) -> None:
    """The damaged picture under the cleaned one."""
    before_after.show(
        Side(f"{title} · {decibels(result.psnr['given'])}", address(png(to_bytes(result.given)))),
        Side(f"{t('cleaned')} · {decibels(result.psnr['cleaned'])}", address(png(to_bytes(result.cleaned)))),
        (result.truth.shape[0], result.truth.shape[1]),
        "enhance-compare",
        note=t("PSNR against the photograph before the damage; more is better."),
    )


def take_away(result: Shown) -> None:
    """The cleaned picture as a file."""
    st.download_button(
        t("The cleaned picture (PNG)"),
        files.png_bytes(to_bytes(result.cleaned)),
        "cleaned.png",
        "image/png",
        key="enhance-png",
        on_click="ignore",
    )


def worst(result: Shown) -> None:
    """The window in which the cleaned picture is farthest from the photograph."""
    top, left = run.worst(result)
    place = slice(top, top + run.WINDOW), slice(left, left + run.WINDOW)
    named = ((t("photograph"), result.truth), (t("damaged"), result.given), (t("cleaned"), result.cleaned))
    times = LARGE // run.WINDOW
    shown = [
        image_row.Picture(larger(to_bytes(one[place]), times), _in_window(one[place], result.truth[place]), name, LARGE)
        for name, one in named
    ]
    st.markdown(t("Where the cleaned picture is farthest from the photograph: rows from {top}, columns from {left}",
                  top=top, left=left))  # fmt: skip
    image_row.show(shown)


def _in_window(one: np.ndarray, truth: np.ndarray) -> str:
    """PSNR of a window, and how much neighbours differ in it."""
    lively = t("neighbours differ by {steps} of 255", steps=f"{run.liveliness(one):.1f}")
    return lively if one is truth or not np.any(one - truth) else f"{decibels(psnr(one, truth))}; {lively}"


def lines(result: Shown) -> None:
    """What AᵀA makes of the damaged picture, and what the network does."""
    named = (
        (t("photograph"), t("before the damage"), result.truth),
        ("x′ = AᵀA x", decibels(result.psnr["back"]), result.back),
        ("(x + x′) / 2", decibels(result.psnr["fused"]), result.fused),
        (t("trained network"), decibels(result.psnr["cleaned"]), result.cleaned),
    )
    image_row.show([image_row.Picture(to_bytes(at_most(one, SMALL)), note, name) for name, note, one in named])
    loss = result.psnr["given"] - result.psnr["fused"]
    if not math.isfinite(result.psnr["given"]):
        said = t(
            "On a clean picture AᵀA can only lose: {fused} instead of all of it.", fused=decibels(result.psnr["fused"])
        )
    elif loss > 0:
        said = t("Fused with its AᵀA the picture is {loss} dB worse than it came in.", loss=f"{loss:.1f}")
    else:
        said = t(
            "Fused with its AᵀA the picture gains {gain} dB: AᵀA is a blur, and blurring removes noise too. The "
            "network gains {network} dB.",
            gain=f"{-loss:.1f}",
            network=f"{result.psnr['cleaned'] - result.psnr['given']:.1f}",
        )
    st.markdown(said)


def formulas(result: Shown) -> str:
    """PSNR in symbols, and with the numbers of what came in and what came out."""
    x, u = coloured("input", "x"), coloured("output", "u")
    rows = [rf"\text{{PSNR}} &= 10 \log_{{10}} \frac{{1}}{{\frac{{1}}{{n}} \sum_p ({u}_p - {x}_p)^2}}"]
    for name, colour, one in (
        (t("damaged"), "input", result.given),
        (t("cleaned"), "output", result.cleaned),
    ):
        error = float(np.mean((one.astype(np.float64) - result.truth) ** 2))
        if error:
            value = coloured(colour, f"{error:.6f}")
            ratio = rf"10 \log_{{10}} \frac{{1}}{{{value}}}"
            rows.append(rf"\text{{{name}}} &= {ratio} = {-10 * math.log10(error):.2f}\,\text{{dB}}")
    lines = r" \\ ".join(rows)
    return rf"\begin{{aligned}} {lines} \end{{aligned}}"


def small_networks() -> None:
    """What was measured of the small networks, and the verdict on the article's sentence."""
    trials = run.trials()
    st.markdown(f"#### {t('Fusion and batch normalization, each changed alone')}")
    rows = []
    for fusion, label in FUSIONS.items():
        for name, end in ((fusion, ""), (f"{fusion}-norm", f" · {t('with batch norm')}")):
            if name in trials:
                rows.append((t(label) + end, [trials[name]["figures"]["psnr"]]))
    if rows:
        image_row.table(
            t(
                "PSNR in dB on pictures that no network was shown, noise of sigma 25; mean of {count} seeds",
                count=min(len(trial["seeds"]) for trial in trials.values()),
            ),
            ["PSNR"],
            rows,
            -1,
        )
    judgement = card.judged("C6")
    st.markdown(f"**{card.word(judgement.kind)}** {card.sentence('C6', judgement)}")
    card.quoted(CLAIMS["C6"].says, ["004"])
