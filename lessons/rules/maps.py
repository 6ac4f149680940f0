"""Four maps of one unit, the difference of two of them, and the tables of what differs."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np
import streamlit as st

from deconvviz.types import Box, Reconstruction
from lessons._kit.draw import bars
from lessons._kit.draw.pixels import address, crop, gradient_stops, jpeg, largest, number, png, signed_pixels, to_bytes
from lessons._kit.form.i18n import t
from lessons._kit.photo.header import title_of
from lessons._kit.photo.labels import RULES
from lessons._kit.reconstruction import maps
from lessons._kit.run import engine, pictures
from lessons.rules import network
from lessons.rules.network import Place, Stopped


def draw(at: Place, rank: int, pair: str) -> None:
    """The four maps, large; the photograph and the difference of a pair."""
    reconstructions = network.reconstructions(at, rank)
    look = maps.Look(summed=True, shared=maps.shared_switch())
    unit = at.units[rank]
    maps.panels(at.loaded, at.picture, reconstructions, look, f"{unit.layer}-{unit.channel}-{unit.row}-{unit.column}")
    difference(at, rank, pair)


def difference(at: Place, rank: int, pair: str) -> None:
    """The photograph and the difference of a pair of maps."""
    result = network.reconstructions(at, rank).by_rule
    photo = _photo(at, result["gradient"].receptive_field)
    st.html(f'<div class="rules-pair" data-part="pair">{photo}{_difference(result, pair)}</div>')


def side_by_side(at: Place, rank: int) -> None:
    """The four maps in one row, each on its own scale."""
    figures = []
    for rule, one in network.reconstructions(at, rank).by_rule.items():
        limit = largest(one.map, summed=True)
        source = address(png(signed_pixels(crop(one.map, one.receptive_field), limit, summed=True)))
        note = f"±{number(limit)}"
        image = f'<img class="signed" src="{source}" alt="{escape(f"{t(RULES[rule])}: {note}")}">'
        figures.append(_figure(t(RULES[rule]), note, image))
    st.html(f'<div class="rules-pair rules-four" data-part="maps">{"".join(figures)}</div>')


def _difference(result: dict[str, Reconstruction], pair: str) -> str:
    """a − b in the receptive field, on the scale of the larger of the two maps, so that a small one looks small."""
    first, second = (result[rule] for rule in pair.split("-"))
    limit = max(largest(one.map, summed=True) for one in (first, second))
    away = crop(first.map - second.map, first.receptive_field)
    title = f"{t(RULES[first.rule])} − {t(RULES[second.rule])}"
    reach = number(largest(away, summed=True))
    note = t("the difference, up to ±{reach}, on the scale of the larger of the two", reach=reach)
    source = address(png(signed_pixels(away, limit, summed=True)))
    image = f'<img class="signed" src="{source}" alt="{escape(f"{title}: {note}")}">'
    return f"<div>{_figure(title, note, image)}{_scale(limit)}</div>"


def _photo(at: Place, box: Box) -> str:
    source = engine.cached(
        at.loaded, at.picture, "photo", lambda: address(jpeg(to_bytes(pictures.fitted(at.loaded, at.picture).screen)))
    )
    name = title_of(at.picture)
    note = t("frame: what the unit can see, its receptive field")
    top, left, bottom, right = box
    rows, columns = at.loaded.network.input_spec.size
    place = (
        f"left:{100 * left / columns:.3f}%;top:{100 * top / rows:.3f}%;"
        f"width:{100 * (right - left) / columns:.3f}%;height:{100 * (bottom - top) / rows:.3f}%"
    )
    image = f'<img src="{source}" alt="{escape(f"{name}: {note}")}"><span class="field" style="{place}"></span>'
    return f"<div>{_figure(name, note, image)}</div>"


def _figure(title: str, note: str, inside: str) -> str:
    return (
        f"<figure><figcaption><b>{escape(title)}</b><span>{escape(note)}</span></figcaption>"
        f'<div class="map">{inside}</div></figure>'
    )


def _scale(limit: float) -> str:
    ends = "".join(f"<span>{escape(end)}</span>" for end in (number(-limit), "0", number(limit)))
    what = t("sum of the three colours; red raises the activation, blue lowers it")
    return (
        f'<div class="rules-scale"><div class="ramp signed" '
        f'style="background:linear-gradient(to right, {gradient_stops()})"></div>'
        f'<div class="ends">{ends}</div><p>{escape(what)}</p></div>'
    )


def differences(at: Place, rank: int, pair: str) -> None:
    """How far the maps of every two rules are apart."""
    result = network.gaps(at, rank)
    shown = [
        bars.Bar(" − ".join(t(RULES[rule]) for rule in one.split("-")), (gap,), second=one == pair)
        for one, gap in result.items()
    ]
    bars.show(t("How far two maps are apart: ‖a − b‖ / max(‖a‖, ‖b‖)"), shown)


def alike(cosines: dict[str, tuple[float, ...]]) -> None:
    """How much the maps of different units at one place resemble each other."""
    shown = [
        bars.Bar(t(RULES[rule]), tuple(sorted(values)), second=rule == "guided") for rule, values in cosines.items()
    ]
    caption = t("Six units at this place: cosine between the maps of every two (1: the map does not tell which unit)")
    bars.show(caption, shown, full=1.0)


def mean(values: Sequence[float]) -> float:
    """The mean; 0 of nothing.

    >>> mean((1.0, 2.0)), mean(())
    (1.5, 0.0)
    """
    return float(np.mean(values)) if values else 0.0


def table(stops: Sequence[Stopped]) -> None:
    """What every rule stopped, a line a rectifier."""
    heads = (
        (t(RULES["gradient"]), "z ≤ 0"),
        (t(RULES["deconvnet"]), "g < 0"),
        (t(RULES["guided"]), "z ≤ 0"),
        (t(RULES["guided"]), "g < 0"),
        (t(RULES["guided"]), t("either")),
    )
    body = []
    for one in stops:
        values = (one.gradient, one.deconvnet, one.guided_by_z, one.guided_by_g, one.guided)
        cells = "".join(f"<td>{100 * value:.0f} %</td>" for value in values)
        body.append(f'<tr><th scope="row">{escape(one.rectifier)}</th>{cells}</tr>')
    head = "".join(f'<th scope="col">{escape(name)}<br><span>{escape(why)}</span></th>' for name, why in heads)
    caption = t("Of the signals that reach a rectifier, how many stop there; by which rule, and why")
    st.html(
        f'<table class="stopped"><caption>{escape(caption)}</caption><thead><tr><td></td>{head}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table>"
    )
