"""What the page of the swap shows: the photograph, four windows, overlap, ripples before and after, scores."""

from __future__ import annotations

from html import escape

import numpy as np
import streamlit as st

from deconvviz.figures.scale import diverging_rgb, sequential_rgb
from deconvviz.tasks.super_resolution import predict
from lessons._kit.draw import before_after
from lessons._kit.draw.before_after import Side
from lessons._kit.draw.formula import coloured
from lessons._kit.draw.pixels import address, jpeg, number, to_bytes
from lessons._kit.form.i18n import mark, t
from lessons._kit.restoration import run as restoration_run
from lessons._kit.restoration.picture import Pane, panes
from lessons._kit.run import pictures
from lessons.upsampler_lab import run

NAMES = {
    "transposed": mark("transposed convolution"),
    "subpixel": mark("sub-pixel"),
    "resize": mark("resize, then convolve"),
    "unpool": mark("unpool, then convolve"),
}
#: Times that a pixel of a small map is repeated on screen.
FINER = 12


def compare(picture: pictures.Picture, kind: str, title: str) -> None:
    """The truth and the chosen network, the largest picture of the page."""
    result = run.enlarged(picture, kind)
    assert result.truth is not None
    rows, columns = result.network.shape[:2]
    psnr = result.figures["network"]["psnr"]
    before_after.show(
        Side(t("truth"), address(jpeg(to_bytes(result.truth)))),
        Side(f"{t(NAMES[kind])}, {psnr:.2f} dB", address(jpeg(to_bytes(result.network)))),
        (rows, columns),
        "swap-compare",
        note=t("{title}: made three times smaller, then enlarged by the network.", title=title),
    )


def windows(picture: pictures.Picture, square: bool) -> None:
    """The same window, where the transposed convolution gains most over bicubic, by all four."""
    first = run.enlarged(picture, run.KINDS[0])
    top, left = restoration_run.window(first, "gain")
    place = (slice(top, top + restoration_run.WINDOW), slice(left, left + restoration_run.WINDOW))
    row = []
    for kind in run.KINDS:
        result = run.enlarged(picture, kind)
        row.append(Pane(t(NAMES[kind]), to_bytes(result.network)[place], f"{result.figures['network']['psnr']:.2f} dB"))
    panes(row, square)


def overlap(taps: int, square: bool) -> None:
    """How many products each pixel is the sum of."""
    st.markdown(
        "**" + t("Products that a pixel is the sum of, kernel {k} × {k} (sub-pixel: 3 × 3), stride 3", k=taps) + "**"
    )
    maps = {kind: run.counts(kind, taps) for kind in run.KINDS}
    row = []
    for kind, block in maps.items():
        shown = np.tile(block, (3, 3)).repeat(FINER, 0).repeat(FINER, 1).astype(float)
        low, high = int(block.min()), int(block.max())
        note = t("{count} everywhere: even", count=low) if low == high else t("{low} to {high}", low=low, high=high)
        row.append(Pane(t(NAMES[kind]), sequential_rgb(shown, 0.0, float(max(1, high))), note))
    panes(row, square)


def ripples(*stages: bool, square: bool = False) -> None:
    """What an even grey picture becomes, with random weights (False) and after training (True)."""
    titles = {
        False: mark("An even grey picture, random weights; full colour at {limit} steps of 255"),
        True: mark("The same after training; full colour at {limit} steps of 255"),
    }
    for trained in stages:
        answers = {kind: run.flat(kind, trained) for kind in run.KINDS}
        off = {kind: 255 * (one.answer - one.answer.mean())[:9, :9] for kind, one in answers.items()}
        limit = max(1.0, *(float(np.abs(plane).max()) for plane in off.values()))
        st.markdown(f"**{t(titles[trained], limit=number(limit))}**")
        row = []
        for kind, result in answers.items():
            note = t(
                "ripple {ripple} steps; share of energy {energy}", ripple=number(result.ripple),
                energy=number(result.energy),
            )  # fmt: skip
            pixels = diverging_rgb(off[kind].repeat(FINER, 0).repeat(FINER, 1), limit)
            row.append(Pane(t(NAMES[kind]), pixels, note, signed=True))
        panes(row, square)


def formula(kind: str) -> None:
    """The share of energy in the pattern, with the chosen network's numbers."""
    before, after = (run.flat(kind, trained).energy for trained in (False, True))
    st.latex(
        r"\begin{aligned} & \frac{\sum_{(a,b) \neq (0,0)} |Y(\frac{aH}{3}, \frac{bW}{3})|^2}{\sum |Y|^2}: \\"
        rf" & {_latex(before)} \;\longrightarrow\; {coloured('output', _latex(after))}\end{{aligned}}"
    )


def _latex(value: float) -> str:
    if value == 0 or value >= 1e-3:
        return f"{value:.3g}"
    mantissa, power = f"{value:.1e}".split("e")
    return rf"{mantissa} \cdot 10^{{{int(power)}}}"


def scores(picture: pictures.Picture, chosen: str) -> None:
    """The table."""
    known = predict.variants()
    head = [
        t("last layer"), t("weights"), t("Set5, dB"), t("SSIM"), t("this photograph, dB"), t("ripple, random"),
        t("ripple, trained"),
    ]  # fmt: skip
    lines = []
    for kind in run.KINDS:
        figures = known[run.variant(kind)]["figures"]
        cells = [
            f"{run.weights(kind):,}".replace(",", "\u202f"), f"{figures['psnr']:.2f}", f"{figures['ssim']:.4f}",
            f"{run.enlarged(picture, kind).figures['network']['psnr']:.2f}",
            number(run.flat(kind, False).ripple), number(run.flat(kind, True).ripple),
        ]  # fmt: skip
        row = f'<th scope="row">{escape(t(NAMES[kind]))}</th>' + "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        lines.append(f'<tr class="chosen">{row}</tr>' if kind == chosen else f"<tr>{row}</tr>")
    top = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    caption = escape(t("Same seed, same parts in the same order, same number of steps"))
    st.html(
        f'<table class="scores"><caption>{caption}</caption><thead><tr>{top}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table>"
    )
    values = [known[run.variant(kind)]["figures"]["psnr"] for kind in run.KINDS]
    st.markdown(
        t(
            "Between the best and the worst lie {gap} dB on Set5. With one seed each, differences of about a tenth "
            "say nothing.",
            gap=f"{max(values) - min(values):.2f}",
        )
    )
