"""What a unit saw, by four rules: the receptive field enlarged, DeconvNet first, under a divider with the photograph.

Every map fills its frame on a scale of its own, which it names; one scale for all four is a switch. The frame of the
receptive field stays on the photograph of the page. A map that shows nothing, or nearly nothing, says why.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from deconvviz.data.preprocess import at_most
from deconvviz.figures.scale import to_plane
from deconvviz.types import DisplayImage, Reconstruction
from lessons._kit.draw import before_after
from lessons._kit.draw.pixels import (
    FINER,
    address,
    crop,
    gradient_stops,
    jpeg,
    largest,
    number,
    png,
    signed_pixels,
    to_bytes,
)
from lessons._kit.form.controls import choice, switch
from lessons._kit.form.i18n import t
from lessons._kit.form.library import said
from lessons._kit.photo import selection
from lessons._kit.photo.labels import RULE_LINES, RULES
from lessons._kit.photo.selection import Chosen
from lessons._kit.reconstruction import doctor
from lessons._kit.run import engine, networks, pictures

#: Largest side of the photograph's patch, in pixels.
PATCH = 512
#: A map is called faint where a smaller part of its pixels reaches a tenth of the scale's end.
FAINT = 1 / 8


@dataclass(frozen=True)
class Look:
    """How maps are shown.

    Attributes:
      summed: one signed number a pixel (the sum over colours) instead of colour around grey.
      shared: one scale for all rules instead of one each.
    """

    summed: bool
    shared: bool


def see(
    loaded: networks.Loaded,
    picture: pictures.Picture,
    chosen: Chosen,
    reconstructions: engine.Reconstructions,
    beside: DeltaGenerator,
) -> Look:
    """Draw what the unit saw; return how it is shown.

    Args:
      loaded, picture, chosen, reconstructions: the maps, of what, where.
      beside: the place of the large map; the others and the switches stand here.
    """
    with st.container(key="lab-others"):
        with st.container(horizontal=True, vertical_alignment="center", key="lab-see-head"):
            st.html(f'<div class="lab-heading"><h2>{escape(t("By the other rules"))}</h2></div>', width="stretch")
            look = _look()
        drawn = drawn_panels(loaded, picture, reconstructions, look, unit_key(chosen))
        st.html(drawn.rest)
    with beside:
        _divider(drawn)
    return look


def unit_key(chosen: Chosen) -> str:
    """The unit as one word: what the benchmark waits for."""
    unit = chosen.unit
    return f"{unit.layer}-{unit.channel}-{unit.row}-{unit.column}"


def _look() -> Look:
    with st.container(horizontal=True, width="content", gap="small", vertical_alignment="center", key="lab-look"):
        mode = choice(
            t("Picture"), {"colour": t("Colour"), "plane": t("Signed sum")}, "mode", tabs=True, hidden_label=True
        )
        shared = shared_switch()
    return Look(summed=mode == "plane", shared=shared)


def shared_switch() -> bool:
    """The switch between a scale for each map and one for all."""
    return switch(t("One scale for all four"), "scale", off="own", on="shared")


def limits_of(reconstructions: engine.Reconstructions, look: Look) -> dict[str, float]:
    """The value at the ends of the scale for each rule."""
    limits = {rule: largest(result.map, look.summed) for rule, result in reconstructions.by_rule.items()}
    return dict.fromkeys(limits, shared_limit(limits)) if look.shared else limits


def shared_limit(limits: dict[str, float]) -> float:
    """The ends of the one scale: the largest value of the rules that hold something back.

    The linear rule holds nothing back and often reaches ten times as far, which would leave the others grey; where it
    goes beyond the scale its panel says so.

    >>> shared_limit({"gradient": 0.5, "deconvnet": 0.25, "linear": 4.0})
    0.5
    """
    largest_limit = max((value for rule, value in limits.items() if rule != "linear"), default=0.0)
    return largest_limit or max(limits.values())


@dataclass(frozen=True)
class Panels:
    """The maps of a unit, ready to travel to the browser.

    Attributes:
      hero: the rule of the large map.
      large: the payload of its divider (see `before_after`).
      rest: the maps of the other rules, as HTML.
    """

    hero: str
    large: dict[str, Any]
    rest: str


def panels(
    loaded: networks.Loaded, picture: pictures.Picture, reconstructions: engine.Reconstructions, look: Look, unit: str
) -> None:
    """Draw the maps of a unit: one large with the photograph under a divider, two beside it, the control set apart.

    Args:
      loaded, picture: the network and the photograph.
      reconstructions: maps of all rules.
      look: how they are shown.
      unit: the unit as one word.
    """
    drawn = drawn_panels(loaded, picture, reconstructions, look, unit)
    with st.container(horizontal=True, gap="medium", key="lab-see"):
        _divider(drawn)
        with st.container(key="lab-small"):
            st.html(drawn.rest)


def _divider(drawn: Panels) -> None:
    with st.container(key="lab-large"):
        st.html(f'<div class="lab-rule">{_head(drawn.hero)}</div>')
        before_after.mount(drawn.large, key=f"lab-divider-{drawn.hero}")


def drawn_panels(
    loaded: networks.Loaded, picture: pictures.Picture, reconstructions: engine.Reconstructions, look: Look, unit: str
) -> Panels:
    """What `panels` draws; it needs no session."""
    limits = limits_of(reconstructions, look)
    hero = "deconvnet" if "deconvnet" in reconstructions.by_rule else next(iter(reconstructions.by_rule))
    photo = pictures.fitted(loaded, picture).screen
    layer = next(iter(reconstructions.by_rule.values())).unit.layer
    why = {rule: doctor.why_grey(loaded, picture, result) for rule, result in reconstructions.by_rule.items()}
    figures = {
        rule: _panel(reconstructions.by_rule[rule], limits[rule], look, why[rule])
        if rule in reconstructions.by_rule
        else _refusal(rule, layer, reconstructions.refused[rule])
        for rule in RULES
        if rule != hero
    }
    control = figures.pop("linear", "")
    name = escape(t("The maps of the other rules"))
    rest = (
        f'<div class="lab-panels" data-unit="{unit}" tabindex="0" role="group" aria-label="{name}">'
        f"{''.join(figures.values())}"
        f'<div class="control">{control}{_scale(limits, look)}</div></div>'
    )
    return Panels(hero, _large(reconstructions.by_rule[hero], limits[hero], look, photo, why[hero]), rest)


def _large(result: Reconstruction, limit: float, look: Look, photo: DisplayImage, why: str) -> dict[str, Any]:
    """The map that fills the frame, and the same part of the photograph left of the divider."""
    box, reach = result.receptive_field, largest(result.map, look.summed)
    patch = to_bytes(at_most(crop(photo, box, FINER), PATCH))
    drawn = address(png(signed_pixels(crop(result.map, box), limit, look.summed)))
    return before_after.payload(
        before_after.Side(t("Photograph"), address(jpeg(patch)), t("the photograph in the receptive field")),
        before_after.Side(t("Map"), drawn, _alt(result, reach), signed=look.summed),
        (box[2] - box[0], box[3] - box[1]),
        note=f"{_where(result)} · {_facts(result, reach)}{_why_faint(result, limit, look, why, before=' · ')}",
        at=30,
        pixels=True,
        instead="" if reach else why,
    )


def _panel(result: Reconstruction, limit: float, look: Look, why: str) -> str:
    """One rule: the map in the receptive field, then its facts."""
    reach = largest(result.map, look.summed)
    pixels = signed_pixels(crop(result.map, result.receptive_field), limit, look.summed)
    beyond = _badge(t("beyond the scale: ±{limit}", limit=number(reach))) if reach > limit else ""
    inside = _image(png(pixels), _alt(result, reach), "signed" if look.summed else "")
    drawn = _zero(why) if reach == 0 else f"{inside}{beyond}"
    faint = _why_faint(result, limit, look, why, before="")
    note = f'<p class="why">{escape(faint)}</p>' if faint else ""
    return (
        f'<figure data-rule="{result.rule}">{_head(result.rule)}<div class="map">{drawn}</div>'
        f'<figcaption class="facts">{escape(_facts(result, reach))}{note}</figcaption></figure>'
    )


def _alt(result: Reconstruction, reach: float) -> str:
    return t(
        "{rule}: {where}; values from {low} to {high}",
        rule=t(RULES[result.rule]),
        where=_where(result),
        low=number(-reach),
        high=number(reach),
    )


def _facts(result: Reconstruction, reach: float) -> str:
    return t("activation {value} · range ±{reach}", value=number(result.activation), reach=number(reach))


def _why_faint(result: Reconstruction, limit: float, look: Look, why: str, before: str) -> str:
    """Why a map that is not zero looks empty, after `before`; "" where it does not.

    Args:
      why: what `doctor.why_grey` says of it.
    """
    part = crop(result.map, result.receptive_field)
    share, reach = strong_share(part, limit, look.summed), largest(result.map, look.summed)
    if reach == 0 or share >= FAINT:
        return ""
    if why:
        return before + why
    if reach < limit / 4:
        reason = t("weak: it reaches {percent} % of the one scale", percent=f"{100 * reach / limit:.0f}")
    else:
        reason = t(
            "mostly near zero: {percent} % of the pixels reach a tenth of the scale", percent=f"{100 * share:.0f}"
        )
    return before + reason


def strong_share(part: np.ndarray, limit: float, summed: bool) -> float:
    """The share of the pixels whose value reaches a tenth of the scale's end, 0..1.

    >>> strong_share(np.array([[[0.0, 0.0, 1.0], [0.05, 0.0, 0.0]]]), 1.0, summed=False)
    0.5
    """
    strength = np.abs(to_plane(part)) if summed else np.abs(part).max(axis=-1)
    return float((strength >= limit / 10).mean()) if limit else 0.0


def _image(file: bytes, alt: str, kind: str = "") -> str:
    return f'<img src="{address(file)}" class="{kind}" alt="{escape(alt)}">'


def _badge(text: str) -> str:
    return f'<span class="own">{escape(text)}</span>'


def _head(rule: str) -> str:
    line = escape(t(RULE_LINES[rule]))
    return f'<figcaption class="rule"><b>{escape(t(RULES[rule]))}</b><span>{line}</span></figcaption>'


def _zero(why: str) -> str:
    return f'<p class="zero">{escape(why)}</p>'


def _refusal(rule: str, layer: str, reason: str) -> str:
    """The panel of a rule that cannot apply: it says why instead of showing something else."""
    message = t("does not apply: {reason}", reason=said(reason))
    if reason.startswith("no rectifier"):
        message = t(
            "does not apply: no rectifier lies between the picture and {layer}, "
            "so this rule would be the plain gradient",
            layer=layer,
        )
    return f'<figure>{_head(rule)}<div class="map"><p class="zero">{escape(message)}</p></div></figure>'


def _where(result: Reconstruction) -> str:
    unit = result.unit
    if not isinstance(unit.row, int):
        return t("{layer} · channel {channel}", layer=unit.layer, channel=unit.channel)
    return t(
        "{layer} · channel {channel} · row {row} · column {column}",
        layer=unit.layer,
        channel=unit.channel,
        row=unit.row,
        column=unit.column,
    )


def _scale(limits: dict[str, float], look: Look) -> str:
    """The scale with its numbers, once for all panels or as a sentence where each has its own."""
    stops = gradient_stops() if look.summed else "rgb(1 1 1), rgb(128 128 128), rgb(255 255 255)"
    limit = max(limits.values())
    ends = (number(-limit), "0", number(limit)) if look.shared else ("−max", "0", "+max")
    if look.summed:
        legend = t("sum of the three colours; red raises the activation, blue lowers it")
    else:
        legend = t("each colour around grey: brighter raises the activation, darker lowers it")
    ticks = "".join(f"<span>{escape(end)}</span>" for end in ends)
    ramp = "ramp signed" if look.summed else "ramp"
    how = t("One scale for all four") if look.shared else t("Each panel on its own scale")
    return (
        f'<div class="lab-scale"><b>{escape(how)}</b>'
        f'<div><div class="{ramp}" style="background:linear-gradient(to right, {stops})"></div>'
        f'<div class="ticks">{ticks}</div></div><span>{escape(legend)}</span></div>'
    )


def offer_another(chosen: Chosen, reconstructions: engine.Reconstructions, on_take: Callable[[], None]) -> None:
    """Where every map is zero, say that nothing is to be seen, and offer the strongest unit instead.

    Args:
      on_take: called once another unit is taken.
    """
    if any(largest(one.map, summed=False) for one in reconstructions.by_rule.values()):
        return
    with st.container(horizontal=True, vertical_alignment="center", key="lab-silent"):
        st.html(
            f'<p class="lab-silent">{escape(t("All zero: this unit is silent on this picture."))}</p>', width="content"
        )
        if chosen.peak[0] > 0 and chosen.value != chosen.peak[0]:
            label, forget = t("Go to the strongest place of this channel"), selection.forget_position
        else:
            label, forget = t("Go to the strongest unit of this layer"), selection.forget_unit

        def take() -> None:
            forget()
            on_take()

        st.button(label, on_click=take)
