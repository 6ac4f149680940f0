"""What the page of learned inversion shows: photograph and answer, sizes on the way, errors of all layers."""

from __future__ import annotations

from html import escape

import numpy as np
import streamlit as st

from lessons._kit.draw import bars
from lessons._kit.draw.formula import coloured
from lessons._kit.draw.pixels import address, number, png, to_bytes
from lessons._kit.form.i18n import t
from lessons._kit.photo.header import title_of
from lessons._kit.run import pictures
from lessons.learned_inversion import run
from lessons.learned_inversion.run import Shown


def draw(image: str, layer: str, change: str, result: Shown, beside: str) -> None:
    """The two pictures, and what stands between them; a third where one is to stand beside them."""
    name = title_of(pictures.sample(image))
    rows, columns = result.photograph.shape[:2]
    seen = t("{rows} × {columns} pixels", rows=rows, columns=columns)
    note = t(
        "error in pixels {pixels}; a picture of the mean colour: {baseline}",
        pixels=number(result.pixels),
        baseline=number(result.baseline),
    )
    title = t("Made from {layer} in one pass", layer=layer)
    if change != "none":
        title = t("Made from the changed {layer}", layer=layer)
    pair = _figure(name, seen, result.photograph, "photograph") + _figure(title, note, result.picture, "made")
    other = _beside(image, layer, change, beside)
    if other is not None:
        title, picture, features, pixels = other
        note = t("error in pixels {pixels}, feature error {features}", pixels=number(pixels), features=number(features))
        pair += _figure(title, note, picture, beside)
    st.html(f'<div class="inverted{"" if other is None else " three"}">{pair}</div>')
    st.html(f'<p class="facts" data-part="sizes">{escape(_way(layer))}</p>')


def _beside(image: str, layer: str, change: str, which: str) -> tuple[str, np.ndarray, float, float] | None:
    """Title, picture, feature error and error in pixels of another answer to the same numbers; None for none."""
    if which == "refined":
        result = run.refined(image, layer)
        return t("The same, and 160 steps more"), result.image, result.feature_error, result.image_error
    found = run.searched(image, layer, change) if which == "search" else None
    return None if found is None else (t("Made from {layer} by a search", layer=layer), *found)


def _figure(title: str, note: str, picture: np.ndarray, part: str) -> str:
    image = f'<img src="{address(png(to_bytes(picture)))}" alt="{escape(f"{title}; {note}")}">'
    caption = f"<figcaption><b>{escape(title)}</b><span>{escape(note)}</span></figcaption>"
    return f"<figure data-part={part}>{caption}{image}</figure>"


def _way(layer: str) -> str:
    """The sizes of what goes in and of every stage."""
    sizes = run.decoder(layer).sizes
    sizes_of = " → ".join(" × ".join(map(str, size)) for size in sizes)
    params = run.decoder(layer).params
    weights = sum(value.size for name, value in params.items() if name.startswith("stage"))
    return t(
        "{ways}, with {weights} trained numbers.",
        ways=sizes_of,
        weights=f"{weights:,}".replace(",", "\xa0"),
    )


def formula(result: Shown, layer: str) -> None:
    """What was minimized in training, and the two errors of this picture in numbers."""
    x, a = coloured("input", "x"), coloured("output", r"\Phi(x)")
    beside = rf" + \mathcal{{L}}(f_\theta({a}), {x})" if run.sharpened(layer) else ""
    st.latex(rf"\min_\theta\; \mathbb{{E}}_{{{x}}} \lVert f_\theta({a}) - {x} \rVert^2{beside}")
    if beside:
        said = t(
            "ℒ: how far apart answer and photograph are in the network's first layers, in those of a second network, "
            "and in the strength of their colours, each with a small weight."
        )
        st.html(f'<p class="facts">{escape(said)}</p>')
    numbers = coloured("output", "a")
    st.latex(rf"\frac{{\lVert f({numbers}) - {x} \rVert^2}}{{\lVert {x} \rVert^2}} = {_latex(result.pixels)}")
    with st.container(key="part-features"):
        st.latex(
            rf"\frac{{\lVert \Phi(f({numbers})) - {numbers} \rVert^2}}{{\lVert {numbers} \rVert^2}}"
            rf" = {_latex(result.features)}"
        )


def _latex(value: float) -> str:
    return f"{value:.3g}" if value >= 1e-3 or value == 0 else f"{value:.1e}"


def errors(image: str) -> None:
    """The error in pixels of every layer for this photograph, and of the mean colour."""
    rows = [bars.Bar(layer, (run.shown(image, layer, "none").pixels,)) for layer in run.layers()]
    baseline = run.shown(image, run.layers()[0], "none").baseline
    rows.append(bars.Bar(t("mean colour of the training pictures"), (baseline,), second=True))
    bars.show(t("Error in pixels of this photograph, layer by layer"), rows)
