"""The ladder on the page: a column of three pictures for every layer, and the errors over depth as curves."""

from __future__ import annotations

from html import escape

import numpy as np
import streamlit as st

from deconvviz.figures.scale import signed_limit
from lessons._kit.draw import curves
from lessons._kit.draw.formula import coloured
from lessons._kit.draw.pixels import address, number, png, signed_pixels, to_bytes
from lessons._kit.form.i18n import mark, t
from lessons._kit.inversion.picture import latex
from lessons._kit.inversion.run import LAYERS
from lessons._kit.photo.header import title_of
from lessons._kit.run import engine, networks, pictures
from lessons.ladder.run import METHODS, Ladder, Rung

NAMES = {"deconvnet": mark("DeconvNet"), "optimize": mark("Search"), "learned": mark("Learned")}
COLOURS = {"deconvnet": "input", "optimize": "output", "learned": "kernel"}
_NO_ERRORS = '<span class="errors">&nbsp;<br>&nbsp;</span>'
#: Where the scale of a signed map ends: a few of its values outshine all others.
PERCENTILE = 99.5
DASHES = {"deconvnet": "6 3", "optimize": "", "learned": "2 3"}


def draw(
    loaded: networks.Loaded, picture: pictures.Picture, ladder: Ladder, known: tuple[str, ...], signed: bool
) -> None:
    """Every rung there is, and the curves.

    Args:
      known: layers that have a learned inverter.
      signed: show DeconvNet's map as it is instead of the picture fitted to the photograph.
    """
    columns = "".join(_column(loaded, ladder, layer, known, signed) for layer in LAYERS)
    st.html(f'<div class="ladder">{_photograph(loaded, picture)}{columns}</div>')
    key = [t("Under each picture: feature error, error in pixels")]
    if signed:
        key.append(
            t("DeconvNet's map is drawn on its own scale; its errors are those of the map fitted to the photograph")
        )
    st.html(f'<p class="ladder-key">{"<br>".join(map(escape, key))}</p>')
    _curves(ladder)


def _photograph(loaded: networks.Loaded, picture: pictures.Picture) -> str:
    rows, columns = loaded.network.input_spec.size
    name = title_of(picture)
    source = address(png(to_bytes(pictures.fitted(loaded, picture).model)))
    figure = f'<figure><figcaption>{escape(name)}</figcaption><img src="{source}" alt="{escape(name)}"></figure>'
    return f"<section><h2>{escape(t('Photograph'))}</h2><p>{rows} × {columns} × 3</p><div>{figure}</div></section>"


def _column(loaded: networks.Loaded, ladder: Ladder, layer: str, known: tuple[str, ...], signed: bool) -> str:
    height, width, channels = loaded.network.layer(layer).shape
    figures = "".join(_figure(ladder.rungs.get((layer, method)), layer, method, known, signed) for method in METHODS)
    size = f"{height} × {width} × {channels}"
    return f"<section data-part={layer}><h2>{layer}</h2><p>{size}</p><div>{figures}</div></section>"


def _figure(rung: Rung | None, layer: str, method: str, known: tuple[str, ...], signed: bool) -> str:
    name = t(NAMES[method])
    if rung is None:
        missing = method == "learned" and layer not in known
        words = t("no decoder for this layer") if missing else t("not yet")
        empty = f'<div class="none">{escape(words)}</div>{_NO_ERRORS}'
        return f"<figure data-part={method}><figcaption><b>{escape(name)}</b></figcaption>{empty}</figure>"
    pixels = to_bytes(rung.image)
    if signed and rung.map is not None:
        pixels = signed_pixels(rung.map, signed_limit(rung.map, PERCENTILE), summed=False)
    errors = t(
        "feature error {feature}, error in pixels {pixels}",
        feature=number(rung.feature_error),
        pixels=number(rung.image_error),
    )
    short = f"{number(rung.feature_error)}<br>{number(rung.image_error)}"
    running = "" if rung.finished else " " + t("(step {step})", step=rung.step)
    alt = f"{layer}, {name}: {errors}"
    return (
        f'<figure data-part="{method}"><figcaption><b>{escape(name)}</b>{escape(running)}</figcaption>'
        f'<img src="{address(png(pixels))}" alt="{escape(alt)}" title="{escape(alt)}">'
        f'<span class="errors">{short}</span></figure>'
    )


def _curves(ladder: Ladder) -> None:
    if not ladder.rungs:
        return
    drawn = []
    for title, name in ((t("Feature error"), "feature_error"), (t("Error in pixels"), "image_error")):
        lines = []
        for method in METHODS:
            result = {rung.layer: float(getattr(rung, name)) for rung in ladder.of(method)}
            if result:
                values = [result.get(layer) for layer in LAYERS]
                lines.append(curves.Curve(t(NAMES[method]), values, COLOURS[method], DASHES[method]))
        drawn.append(curves.to_html(title, lines, LAYERS, dots=True))
    st.html(f'<div class="ladder-curves" data-part="curves">{"".join(drawn)}</div>')


def formula(loaded: networks.Loaded, picture: pictures.Picture, ladder: Ladder) -> None:
    """Both errors as formulas, with the numbers of the deepest finished search."""
    x, a, x0 = coloured("input", "x"), coloured("output", "a"), coloured("kernel", "x_0")
    feature = rf"\frac{{\lVert \Phi({x}) - {a} \rVert^2}}{{\lVert {a} \rVert^2}}"
    pixels = rf"\frac{{\lVert {x} - {x0} \rVert^2}}{{\lVert {x0} \rVert^2}}"
    done = ladder.of("optimize")
    if not done:
        names = (t("feature error"), t("error in pixels"))
        for name, symbols in zip(names, (feature, pixels), strict=True):
            st.latex(rf"\text{{{name}}} = {symbols}")
        return
    last = done[-1]
    target = float(np.square(engine.forward(loaded, picture).maps[last.layer].astype(np.float64)).sum())
    shown = float(np.square(pictures.fitted(loaded, picture).model.astype(np.float64)).sum())
    for symbols, ratio in (
        (feature, _ratio(last.feature_error, target)),
        (pixels, _ratio(last.image_error, shown)),
    ):
        st.latex(rf"\begin{{aligned}} \text{{{last.layer}}}: \quad {symbols} &= {ratio} \end{{aligned}}")


def _ratio(error: float, length: float) -> str:
    return rf"\frac{{{latex(error * length)}}}{{{latex(length)}}} \\ &= {latex(error)}"
