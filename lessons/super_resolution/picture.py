"""What the page of super-resolution shows: both enlargements, what is added, a window, differences, figures, waves."""

from __future__ import annotations

import numpy as np
import streamlit as st

from deconvviz.figures.scale import diverging_rgb
from lessons._kit.draw import bars, before_after
from lessons._kit.draw.before_after import Side
from lessons._kit.draw.formula import coloured
from lessons._kit.draw.pixels import address, jpeg, number, png, to_bytes
from lessons._kit.form.i18n import t
from lessons._kit.restoration import run
from lessons._kit.restoration.picture import Pane, panes
from lessons._kit.restoration.run import Enlarged

#: Steps of 255 that are drawn in full colour in a map of differences.
LIMIT = 32
#: Whose answers a window shows.
METHODS = ("bicubic", "network")


def compare(result: Enlarged, title: str) -> None:
    """Bicubic and network, the largest picture of the page."""
    rows, columns = result.network.shape[:2]
    note = t(
        "{title}: {h} × {w} pixels enlarged {scale} times, to {rows} × {columns}.",
        title=title,
        h=result.small.shape[0],
        w=result.small.shape[1],
        scale=result.scale,
        rows=rows,
        columns=columns,
    )
    sides = [t("bicubic"), t("network")]
    if result.figures:
        values = [result.figures[name] for name in ("bicubic", "network")]
        template = t("{name}, {psnr} dB", name="{name}", psnr="{psnr}")
        sides = [
            template.format(name=name, psnr=f"{figures['psnr']:.2f}")
            for name, figures in zip(sides, values, strict=True)
        ]
    before_after.show(
        Side(sides[0], address(jpeg(to_bytes(result.bicubic)))),
        Side(sides[1], address(jpeg(to_bytes(result.network)))),
        (rows, columns),
        "super-compare",
        note=note,
    )


def added(result: Enlarged) -> None:
    """What the network adds to bicubic interpolation, and the sum where it adds most."""
    steps = 255 * (result.planes["network"] - result.planes["bicubic"])
    before_after.show(
        Side(t("bicubic"), address(jpeg(to_bytes(result.bicubic)))),
        Side(t("what the network adds"), address(png(diverging_rgb(steps, LIMIT))), signed=True),
        (steps.shape[0], steps.shape[1]),
        "super-added",
        note=t("Blue: made darker; red: made lighter; full colour at {limit} steps of 255.", limit=LIMIT),
        at=20,
    )
    row, column = np.unravel_index(int(np.abs(steps).argmax()), steps.shape)
    before, after = (round(255 * float(result.planes[name][row, column])) for name in ("bicubic", "network"))
    sign = "+" if after >= before else "-"
    st.markdown(t("The change is largest at row {row}, column {column}:", row=int(row), column=int(column)))
    answer = coloured("output", r"\hat x")
    st.latex(
        rf"{answer} = \underbrace{{B x}}_{{\text{{{t('bicubic')}}}}} + U f(x): \quad "
        rf"{before} {sign} {abs(after - before)} = {coloured('output', str(after))}"
    )


def formula(result: Enlarged) -> None:
    """PSNR with the numbers of this picture."""
    if not result.figures:
        st.markdown(t("Nobody knows the truth here, so nothing can be scored: look at the difference instead."))
        return
    x, y = coloured("input", "x"), coloured("output", r"\hat x")
    lines = [rf"\text{{PSNR}} &= 10 \log_{{10}} \frac{{255^2}}{{\operatorname{{mean}}\,({y} - {x})^2}}"]
    for name, title in (("network", t("network")), ("bicubic", t("bicubic"))):
        psnr = result.figures[name]["psnr"]
        mean = 255**2 / 10 ** (psnr / 10)
        lines.append(
            rf"\text{{{title}}} &= 10 \log_{{10}} \tfrac{{65025}}{{{mean:.1f}}} = {coloured('output', f'{psnr:.2f}')}"
            r"\ \text{dB}"
        )
    st.latex(r"\begin{aligned}" + r" \\ ".join(lines) + r"\end{aligned}")


def likeness(result: Enlarged) -> None:
    """SSIM with the numbers of this picture; nothing where the truth is not known."""
    if not result.figures:
        return
    values = [f"{result.figures[name]['ssim']:.4f}" for name in ("network", "bicubic")]
    names = [rf"\text{{{t('network')}}}\ ", rf"\text{{{t('bicubic')}}}\ "]
    st.latex(
        r"\begin{aligned}\text{SSIM} = \operatorname{mean}\ & \frac{2\mu_x\mu_y + c_1}{\mu_x^2 + \mu_y^2 + c_1} \\"
        r" & \cdot \frac{2\sigma_{xy} + c_2}{\sigma_x^2 + \sigma_y^2 + c_2}\end{aligned}"
    )
    st.latex(rf"{names[0]}{coloured('output', values[0])},\quad {names[1]}{values[1]}")


def closely(result: Enlarged, which: str, ways: tuple[str, ...] = METHODS) -> None:
    """The window: what came in, the answers of some ways, the truth."""
    top, left = run.window(result, which)
    side, s = min(run.WINDOW, *result.network.shape[:2]), result.scale
    place = (slice(top, top + side), slice(left, left + side))
    rows, columns = (np.arange(start, start + side) // s for start in (top, left))
    cells = to_bytes(result.small)[np.ix_(rows, columns)]
    row = [Pane(t("what came in"), cells, t("{count} × {count} cells", count=-(-side // s)))]
    answers = {"bicubic": (t("bicubic"), result.bicubic), "network": (t("network"), result.network)}
    for name in ways:
        title, answer = answers[name]
        note = ""
        if result.truth is not None:
            error = 255 * (result.planes[name] - result.planes["truth"])[place]
            note = t("off by {steps} steps of 255", steps=number(float(np.sqrt((error**2).mean()))))
        row.append(Pane(title, to_bytes(answer)[place], note))
    if result.truth is not None:
        row.append(Pane(t("truth"), to_bytes(result.truth)[place]))
    place_note = t("Rows {top} to {bottom}, columns {left} to {right}", top=top, bottom=top + side - 1, left=left,
                   right=left + side - 1)  # fmt: skip
    st.markdown(f"**{t('A window of it')}** · {place_note}")
    panes(row)


def differences(result: Enlarged) -> None:
    """Signed differences of brightness, centred on zero, one scale for all."""
    truth = result.planes.get("truth")
    if truth is None:
        pairs = [(t("network minus bicubic"), result.planes["network"] - result.planes["bicubic"])]
    else:
        pairs = [
            (t("bicubic minus truth"), result.planes["bicubic"] - truth),
            (t("network minus truth"), result.planes["network"] - truth),
        ]
    title = t("Difference in brightness: blue too dark, red too light, full colour at {limit} steps of 255",
              limit=LIMIT)  # fmt: skip
    st.markdown(f"**{title}**")
    row = []
    for name, plane in pairs:
        steps = 255 * plane
        note = t("mean {mean}, root mean square {size}", mean=number(float(steps.mean())),
                 size=number(float(np.sqrt((steps**2).mean()))))  # fmt: skip
        row.append(Pane(name, diverging_rgb(steps, LIMIT), note, signed=True))
    panes(row if len(row) > 1 else [*row, Pane(t("what came in"), to_bytes(result.small))])


def spectrum(result: Enlarged) -> None:
    """What each way holds of the waves beyond the small picture's Nyquist frequency, and how much of it is right."""
    measured = run.waves(result)
    if not measured:
        return
    names = {"adjoint": t("adjoint of the shrinking"), "bicubic": t("bicubic"), "network": t("network")}
    st.markdown(
        t(
            "**“Deconvolution recovers lost detail”, a popular article writes.** Waves shorter than {limit} pixels did "
            "not fit into the small picture. What each method puts there, compared with the truth:",
            limit=2 * result.scale,
        )
    )
    energies = [bars.Bar(names[name], (wave.energy,)) for name, wave in measured.items()]
    bars.show(t("Energy in the fine waves, as a share of the truth's"), energies, full=1.0)
    rights = [bars.Bar(names[name], (wave.right,)) for name, wave in measured.items()]
    bars.show(t("Share of the truth's fine waves that is restored (below 0: worse than nothing)"), rights, full=1.0)
    st.markdown(verdict(measured))


def verdict(measured: dict[str, run.Waves]) -> str:
    """What the numbers say of the claim."""
    net, by, back = (measured[name].right for name in ("network", "bicubic", "adjoint"))
    shares = [f"{100 * max(0.0, share):.0f}" for share in (net, by, back)]
    if net <= max(by, back):
        return t(
            "Verdict on this picture: **fails**. The network restores no more of the fine waves than a fixed filter."
        )
    return t(
        "Verdict on this picture: **holds in part**. The layer by itself, the adjoint, restores {back} % of the lost "
        "waves and bicubic {by} %; what the network learned from other pictures raises it to {net} %. The rest is "
        "not recovered.",
        net=shares[0],
        by=shares[1],
        back=shares[2],
    )
