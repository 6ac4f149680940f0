"""What the page of inversion shows: photograph and inverted picture, the falling loss, the formula in numbers."""

from __future__ import annotations

from html import escape

import numpy as np
import streamlit as st

from deconvviz import priors
from deconvviz.types import Inversion
from lessons._kit.draw import curves
from lessons._kit.draw.formula import coloured
from lessons._kit.draw.pixels import address, number, png, to_bytes
from lessons._kit.form.i18n import t
from lessons._kit.form.library import said
from lessons._kit.inversion.run import STEPS, Run
from lessons._kit.photo.header import title_of
from lessons._kit.run import engine, jobs, pictures

#: Units of the penalties: 80 grey levels, and a step of 80 / 6.5 of them [mahendran2016visualizing].
BOUND = 80 / 255
STEP = BOUND / 6.5


def draw(run: Run, now: Inversion | None) -> None:
    """The two pictures, the curve and the formula."""
    st.html(f'<div class="inverted">{_photograph(run)}{_inverted(run, now)}</div>')
    st.html(f'<p class="facts" data-part="facts">{escape(_holds(run))}</p>')
    if now is not None:
        _curve(now)
    _formula(now)
    if now is not None and now.note:
        st.warning(said(now.note))


def drawn(run: Run, job: jobs.Job[Inversion]) -> None:
    """The same, of a job."""
    draw(run, job.latest)


def _photograph(run: Run) -> str:
    source = engine.cached(
        run.loaded,
        run.picture,
        "as the network sees it",
        lambda: address(png(to_bytes(pictures.fitted(run.loaded, run.picture).model))),
    )
    name = title_of(run.picture)
    note = t("{rows} × {columns} pixels", **_size(run))
    return _figure(name, note, f'<img src="{source}" alt="{escape(f"{name}, {note}")}">', "photograph")


def _size(run: Run) -> dict[str, int]:
    rows, columns = run.loaded.network.input_spec.size
    return {"rows": rows, "columns": columns}


def _inverted(run: Run, now: Inversion | None) -> str:
    title = t("Made from {layer} alone", layer=run.layer)
    if now is None:
        words = escape(t("No picture yet: it is computed when you ask for it."))
        return _figure(title, t("begins with noise, seed {seed}", seed=run.seed), f'<div class="none">{words}</div>')
    note = t(
        "step {step}: feature error {feature}, error in pixels {pixels}",
        step=now.step,
        feature=number(now.feature_error),
        pixels=number(now.image_error),
    )
    source = address(png(to_bytes(now.image)))
    return _figure(title, note, f'<img src="{source}" alt="{escape(f"{title}; {note}")}">')


def _figure(title: str, note: str, inside: str, part: str = "made") -> str:
    caption = f"<figcaption><b>{escape(title)}</b><span>{escape(note)}</span></figcaption>"
    return f"<figure data-part={part}>{caption}{inside}</figure>"


def _holds(run: Run) -> str:
    """How many numbers the layer has for the picture's."""
    target, (rows, columns) = run.target, run.loaded.network.input_spec.size
    height, width, channels = target.shape
    return t(
        "{layer} says {height} × {width} × {channels} = {count} numbers about the {pixels} of the picture, and "
        "{share} % of them are zero.",
        layer=run.layer,
        height=height,
        width=width,
        channels=channels,
        count=f"{target.size:,}".replace(",", " "),
        pixels=f"{3 * rows * columns:,}".replace(",", " "),
        share=round(100 * float((target == 0).mean())),
    )


def _curve(now: Inversion) -> None:
    losses = [float(value) for value in now.losses] + [None] * (max(now.steps, STEPS) - len(now.losses))
    ticks = [str(step) for step in np.linspace(0, max(now.steps, STEPS), 5).round().astype(int)]
    st.html(curves.to_html(t("Loss, step after step"), [curves.Curve(t("loss"), losses, "output")], ticks))


def _formula(now: Inversion | None) -> None:
    """The loss as a formula, and with the numbers of the picture."""
    x, a = coloured("input", "x"), coloured("output", "a")
    rough, strong = r"\mathrm{TV}", r"R_6"
    st.latex(
        rf"\text{{{t('loss')}}} = \frac{{\lVert \Phi({x}) - {a} \rVert^2}}{{\lVert {a} \rVert^2}}"
        rf" + \lambda\,{rough}({x}) + \mu\,{strong}({x})"
    )
    if now is not None and now.state is not None:
        error, (tv, rough_), (norm, strong_) = now.feature_error, *penalties(now)
        total = error + tv * rough_ + norm * strong_
        smooth, weak = rf"{tv:g} \cdot {latex(rough_)}", rf"{norm:g} \cdot {latex(strong_)}"
        lines = rf"&{latex(error)} + {smooth} \\ +\;&{weak} = {latex(total)}"
        st.latex(rf"\begin{{aligned}} {lines} \end{{aligned}}")


def penalties(now: Inversion) -> tuple[tuple[float, float], tuple[float, float]]:
    """(weight, value) of the total variation, and of the alpha norm, of a snapshot's picture."""
    settings, x = now.state.settings, now.image[None]
    rough = float(priors.total_variation(x / STEP, settings.beta))
    return (settings.tv, rough), (settings.norm, float(priors.alpha_norm((x - 0.5) / BOUND, settings.alpha)))


def latex(value: float) -> str:
    """A number as LaTeX: three figures, or all of a whole part below 10000.

    >>> latex(0.0084), latex(1463.2), latex(0.00002)
    ('0.0084', '1463', '2.00 \\\\cdot 10^{-5}')
    """
    if value == 0 or 1e-3 <= abs(value) < 1e4:
        return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    mantissa, _, power = f"{value:.2e}".partition("e")
    return rf"{mantissa} \cdot 10^{{{int(power)}}}"
