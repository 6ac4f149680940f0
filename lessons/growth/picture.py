"""The picture of how features grow: eight channels beside their patches, the filters, and three curves by epoch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

import numpy as np
import streamlit as st

from lessons._kit.draw import bars, component, formula, motion, plot
from lessons._kit.draw.pixels import address, number
from lessons._kit.form.i18n import current_language, t
from lessons.growth import measure, network
from lessons.growth.measure import CONVS, EPOCHS, RELUS
from lessons.growth.network import Grown

AXES = plot.Axes(360, 190, left=34, right=16, top=10, bottom=30, font=13)
#: Epochs that are written under the axis.
TICKS = tuple(EPOCHS[i] for i in (0, 2, 4, -1))
#: Name of the played pictures in the session.
FILM = "growth-film"


def draw(image: str, layer: str, epoch: int) -> None:
    """The channels with their patches; where all epochs come with the package, with a button that plays them."""
    if not network.is_stored(image, layer):
        st.markdown(_words(layer, epoch))
        st.html(_grid(image, layer, epoch, current_language()))
        return
    frames = [{"label": _words(layer, one), "html": _grid(image, layer, one, current_language())} for one in EPOCHS]
    data = {"frames": frames, "at": EPOCHS.index(epoch), "words": motion.words()}
    component.mount(Path(__file__).with_name("film"), FILM, data, on_stop_change=_stopped)


def _stopped() -> None:
    """Take over the epoch at which playing stopped."""
    at = (st.session_state.get(FILM) or {}).get("stop")
    if at is not None:
        st.session_state["epoch"] = str(EPOCHS[int(at)])


def _words(layer: str, epoch: int) -> str:
    return t(
        "Eight channels of {layer} after epoch {epoch}. Left: what each sees at its strongest position, on its own "
        "scale. Right: the same part of the picture.",
        layer=layer,
        epoch=epoch,
    )


@st.cache_resource(show_spinner=False, max_entries=64)
def _grid(image: str, layer: str, epoch: int, language: str) -> str:
    result = network.grown(image, layer, epoch)
    return f'<div class="grown" data-part="maps">{"".join(channel(result, i) for i in range(len(result.units)))}</div>'


def channel(result: Grown, i: int) -> str:
    """One channel: its map in the receptive field, the same part of the photograph, and how far it has come."""
    unit, name = result.units[i], t("channel {channel}", channel=result.units[i].channel)
    value, away = t("activation {value}", value=number(result.activations[i])), f"{result.distances[i]:.2f}"
    shown, beside = f'<span class="silent">{escape(t("silent: all zero"))}</span>', ""
    if result.maps[i]:
        said = t("{name}: what it sees at row {row}, column {column}", name=name, row=unit.row, column=unit.column)
        place = t("{name}: the same part of the picture", name=name)
        shown = f'<img src="{address(result.maps[i])}" alt="{escape(said)}">'
        beside = f'<img class="patch" src="{address(result.patches[i])}" alt="{escape(place)}">'
    return (
        f'<figure><div class="pair-of"><div class="shown">{shown}</div><div class="shown">{beside}</div></div>'
        f"<figcaption><b>{escape(name)}</b><br>{escape(value)}<br>{escape(t('distance {away}', away=away))}"
        "</figcaption></figure>"
    )


def filters(epoch: int) -> None:
    """The filters of the first layer."""
    said = t("The 32 filters of the first layer after epoch {epoch}, each on its own scale", epoch=epoch)
    st.html(
        f'<figure class="filters"><img src="{address(network.filters(epoch))}" alt="{escape(said)}">'
        f"<figcaption>{escape(said)}</figcaption></figure>"
    )


def curves(epoch: int, layer: str, maps: Mapping[str, Sequence[float]]) -> None:
    """Filters, maps and accuracy by epoch, with the slider's place on each."""
    conv = CONVS[RELUS.index(layer)]
    first = _distances(t("Filters: distance from the last ones"), measure.kernels(), conv, epoch)
    second = _distances(t("Maps on this picture: distance from the last ones"), maps, layer, epoch)
    words = t("Thick: the chosen layer. Dot: half of its first distance.")
    ramp = f"background: linear-gradient(to right, {_colour('input')}, {_colour('kernel')})"
    st.html(
        f'<div class="growth-curves" data-part="curves">{first}{second}{_accuracy(epoch)}</div><div class="depth">'
        f"<span>{escape(t('layer 1'))}</span><span class=ramp style='{ramp}'></span>"
        f"<span>{escape(t('layer {number}', number=len(CONVS)))}</span><span>{escape(words)}</span></div>"
    )


def _distances(title: str, result: Mapping[str, Sequence[float]], layer: str, epoch: int) -> str:
    parts = []
    for name, values in sorted(result.items(), key=lambda item: item[0] == layer):  # the chosen one on top
        depth = (CONVS if name in CONVS else RELUS).index(name) / (len(CONVS) - 1)
        colour, half = _mixed(depth), measure.halfway(EPOCHS, values)
        parts.append(_line(EPOCHS, values, colour, 4 if name == layer else 1.5))
        if math.isfinite(half):
            parts.append(AXES.dot(_share(half), values[0] / 2, colour))
    at = result[layer][EPOCHS.index(epoch)] if layer in result else None
    here = "" if at is None else f"{at:.2f}"
    said = t("{title}; {layer} after epoch {epoch}: {value}", title=title, layer=layer, epoch=epoch, value=here or "?")
    return _plot(title, said, "".join(parts), epoch, at, here, ("0", "1"))


def _accuracy(epoch: int) -> str:
    result, colour = measure.accuracy(), _colour("output")
    body = _line(tuple(result), tuple(result.values()), colour, 2) + "".join(
        AXES.dot(_share(e), result[e], colour) for e in EPOCHS
    )
    here = f"{100 * result[epoch]:.0f} %"
    title = t("Accuracy on validation photographs")
    said = t("{title}; after epoch {epoch}: {value}", title=title, epoch=epoch, value=here)
    return _plot(title, said, body, epoch, result[epoch], here, ("0", "100"))


def _plot(title: str, said: str, body: str, epoch: int, at: float | None, here: str, ends: tuple[str, str]) -> str:
    """A picture of axes, what is drawn between them, and the slider's place."""
    ink, quiet, page = plot.GREYS[plot.is_dark()]
    place = _share(epoch)
    bottom, x = AXES.y(0), AXES.x(place)
    ring = "" if at is None else AXES.dot(place, at, ink, 6) + AXES.dot(place, at, page, 4)
    anchor, beside = ("end", -8) if place > 0.5 else ("start", 8)
    parts = [
        AXES.line([(0, 1), (0, 0), (1, 0)], quiet, 1),
        *(plot.text(AXES.x(_share(tick)), bottom + 17, str(tick), "middle") for tick in TICKS),
        plot.text(AXES.left - 6, bottom, ends[0]),
        plot.text(AXES.left - 6, AXES.top + 10, ends[1]),
        plot.text(AXES.x(1), AXES.height - 1, t("epoch")),
        AXES.line([(place, 1), (place, 0)], ink, 1, "4 3"),
        body,
        ring,
        f'<g font-weight="600">{plot.text(x + beside, AXES.top + 12, here, anchor, ink)}</g>',
    ]
    return f"<figure><figcaption>{escape(title)}</figcaption>{plot.image(AXES.svg(parts, quiet), said)}</figure>"


def _line(epochs: Sequence[float], values: Sequence[float], colour: str, width: float) -> str:
    return AXES.line([(_share(e), v) for e, v in zip(epochs, values, strict=True)], colour, width)


def _share(epoch: float) -> float:
    return math.log(epoch) / math.log(EPOCHS[-1])


def _colour(name: str) -> str:
    return formula.COLOURS[name][plot.is_dark()]


def _mixed(depth: float) -> str:
    """A colour between those of the lowest and the topmost layer, at 0..1."""
    low, high = (np.array([int(_colour(name)[i : i + 2], 16) for i in (1, 3, 5)]) for name in ("input", "kernel"))
    return "#" + "".join(f"{round(value):02x}" for value in (1 - depth) * low + depth * high)


def verdict(maps: Mapping[str, Sequence[float]]) -> None:
    """When each layer is halfway, and what that says about the claim."""
    plots: list[tuple[str, Mapping[str, Sequence[float]], Sequence[str]]] = [(t("filters"), measure.kernels(), CONVS)]
    if len(maps) == len(RELUS):
        plots.append((t("maps on this picture"), maps, RELUS))
    for column, (name, result, layers) in zip(st.columns(len(plots)), plots, strict=True):
        epochs = [measure.halfway(EPOCHS, result[layer]) for layer in layers]
        shown = [bars.Bar(layer, (round(e, 1),)) for layer, e in zip(layers, epochs, strict=True)]
        with column:
            bars.show(t("Halfway after epoch: {what}", what=name), shown)
            st.markdown(words(*measure.in_order(epochs)))
    first, last = (measure.halfway(EPOCHS, measure.kernels()[layer]) for layer in (CONVS[0], CONVS[-1]))
    st.markdown(
        t(
            "By its filters, layer 1 is halfway after epoch {first} of {epochs}, layer {top} after epoch {last}. In "
            "the network of 2014 the lower layers settled within a few epochs of 70, the upper ones after 40 to 50.",
            first=round(first),
            last=round(last),
            top=len(CONVS),
            epochs=EPOCHS[-1],
        )
    )


def words(right: int, pairs: int) -> str:
    """A verdict on "lower layers first" from the pairs of layers."""
    said = t("The lower layer was first in {right} of {pairs} pairs.", right=right, pairs=pairs)
    share = right / pairs
    if share == 1:
        judged = t("Lower layers first: so it is here, without exception.")
    elif share >= 0.8:
        judged = t("Lower layers first: so it is here, with exceptions.")
    elif share > 0.6:
        judged = t("Lower layers first: a tendency here, no more.")
    else:
        judged = t("Lower layers first: not so here.")
    return f"**{judged}** {said}"


def table(maps: Mapping[str, Sequence[float]], epoch: int) -> None:
    """The numbers of the curves."""
    result = {**measure.kernels(), **{layer: maps[layer] for layer in RELUS if layer in maps}}
    here = EPOCHS.index(epoch)
    rows = []
    for name, values in result.items():
        cells = "".join(f"<td{' class=here' if k == here else ''}>{v:.2f}</td>" for k, v in enumerate(values))
        rows.append(f'<tr><th scope="row">{name}</th>{cells}</tr>')
    head = "".join(f'<th scope="col">{e}</th>' for e in EPOCHS)
    caption = t("Distance from the last snapshot, by epoch: conv, the filters; relu, the maps on this picture")
    st.html(
        f'<table class="early"><caption>{escape(caption)}</caption><thead><tr><td></td>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table>"
    )


def symbols() -> str:
    """The distance in symbols."""
    return rf"d_e = 1 - \frac{{\langle m_e,\, m_{{{EPOCHS[-1]}}} \rangle}}{{\|m_e\|\,\|m_{{{EPOCHS[-1]}}}\|}}"


def line(result: Grown) -> str:
    """The same line with the numbers of the first channel."""
    inner, norm, end = result.inners[0], result.norms[0], result.end_norms[0]
    if not norm or not end:
        return rf"d = 1 \quad (\|m\| = {norm:.3g})"
    return rf"d = 1 - \frac{{{inner:.3g}}}{{{norm:.3g} \cdot {end:.3g}}} = {result.distances[0]:.3g}"
