"""See: what the unit saw, by four rules side by side on one signed scale, with the receptive field cropped beside."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

import streamlit as st

from deconvviz.data.preprocess import at_most
from deconvviz.types import Box, DisplayImage, Reconstruction
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
from lessons._kit.form.controls import choice
from lessons._kit.form.i18n import t
from lessons._kit.photo import selection
from lessons._kit.photo.labels import RULE_LINES, RULES
from lessons._kit.photo.selection import Chosen
from lessons._kit.run import engine, networks, pictures

#: Largest side of the photograph's patch, in pixels.
PATCH = 192


@dataclass(frozen=True)
class Look:
    """How maps are shown.

    Attributes:
      summed: one signed number a pixel (the sum over colours) instead of colour around grey.
      shared: one scale for all rules instead of one each.
    """

    summed: bool
    shared: bool


def see(loaded: networks.Loaded, picture: pictures.Picture, chosen: Chosen, seen: engine.Reconstructions) -> Look:
    """Draw the four panels and return how they are shown."""
    title = t("What it saw")
    with st.container(horizontal=True, vertical_alignment="center", key="lab-see-head"):
        st.html(f'<div class="lab-heading"><h2>{escape(title)}</h2></div>', width="stretch")
        look = _look()
    limits = limits_of(seen, look)
    photo = pictures.fitted(loaded, picture).screen
    panels = "".join(
        _panel(seen.by_rule[rule], limits[rule], look, photo)
        if rule in seen.by_rule
        else _refusal(rule, chosen.unit.layer, seen.refused[rule])
        for rule in RULES
    )
    st.html(f'<div class="lab-panels" data-unit="{unit_key(chosen)}">{panels}</div>{_scale(limits, look)}')
    if all(largest(r.map, summed=False) == 0 for r in seen.by_rule.values()):
        _silent(chosen)
    return look


def unit_key(chosen: Chosen) -> str:
    """The unit as one word: what the benchmark waits for."""
    unit = chosen.unit
    return f"{unit.layer}-{unit.channel}-{unit.row}-{unit.column}"


def _look() -> Look:
    with st.container(horizontal=True, width="content", gap="small", key="lab-look"):
        mode = choice(
            t("Picture"), {"colour": t("Colour"), "plane": t("Signed sum")}, "mode", tabs=True, hidden_label=True
        )
        scale = choice(
            t("Scale"), {"shared": t("Shared scale"), "own": t("Own scale")}, "scale", tabs=True, hidden_label=True
        )
    return Look(summed=mode == "plane", shared=scale == "shared")


def limits_of(seen: engine.Reconstructions, look: Look) -> dict[str, float]:
    """The value at the ends of the scale for each rule."""
    own = {rule: largest(result.map, look.summed) for rule, result in seen.by_rule.items()}
    return dict.fromkeys(own, shared_limit(own)) if look.shared else own


def shared_limit(own: dict[str, float]) -> float:
    """The ends of the one scale: the largest value of the rules that hold something back.

    The linear rule holds nothing back and often reaches ten times as far, which would leave the others grey; where it
    goes beyond the scale its panel says so.

    >>> shared_limit({"gradient": 0.5, "deconvnet": 0.25, "linear": 4.0})
    0.5
    """
    held = max((value for rule, value in own.items() if rule != "linear"), default=0.0)
    return held or max(own.values())


def _panel(result: Reconstruction, limit: float, look: Look, photo: DisplayImage) -> str:
    """One rule: the map, then its receptive field beside the photograph's, then the facts."""
    reach = largest(result.map, look.summed)
    pixels = signed_pixels(result.map, limit, look.summed)
    box = result.receptive_field
    own = _badge(t("own scale ±{limit}", limit=number(reach)))
    beyond = _badge(t("beyond the scale: ±{limit}", limit=number(reach))) if reach > limit else ""
    alt = t(
        "{rule}: {where}; values from {low} to {high}",
        rule=t(RULES[result.rule]),
        where=_where(result),
        low=number(-reach),
        high=number(reach),
    )
    if reach == 0:
        below = ""
    else:
        close = signed_pixels(crop(result.map, box), reach, look.summed)
        patch = to_bytes(at_most(crop(photo, box, FINER), PATCH))
        below = (
            f'<div class="pair"><div>{_image(png(close), t("the map in the receptive field"), "pixels")}{own}</div>'
            f"<div>{_image(jpeg(patch), t('the photograph in the receptive field'))}</div></div>"
        )
    facts = t("activation {value} · range ±{reach}", value=number(result.activation), reach=number(reach))
    return (
        f'<figure>{_head(result.rule)}<div class="map">{_image(png(pixels), alt)}{_frame(box, pixels.shape)}'
        f"{_zero(result) if reach == 0 else ''}{beyond if look.shared else own if reach else ''}</div>{below}"
        f'<figcaption class="facts">{escape(_where(result))}<br>{escape(facts)}</figcaption></figure>'
    )


def _image(file: bytes, alt: str, kind: str = "") -> str:
    return f'<img src="{address(file)}" class="{kind}" alt="{escape(alt)}">'


def _badge(text: str) -> str:
    return f'<span class="own">{escape(text)}</span>'


def _head(rule: str) -> str:
    line = escape(t(RULE_LINES[rule]))
    return f'<figcaption class="rule"><b>{escape(t(RULES[rule]))}</b><span>{line}</span></figcaption>'


def _frame(box: Box, shape: tuple[int, ...]) -> str:
    """The receptive field as a frame over a picture of that shape."""
    top, left, bottom, right = box
    rows, columns = shape[:2]
    place = (
        f"left:{100 * left / columns:.3f}%;top:{100 * top / rows:.3f}%;"
        f"width:{100 * (right - left) / columns:.3f}%;height:{100 * (bottom - top) / rows:.3f}%"
    )
    return f'<span class="frame" style="{place}"></span>'


def _zero(result: Reconstruction) -> str:
    if result.activation == 0:
        said = t("all zero: this unit is silent on this picture")
    else:
        said = t("all zero: nothing passes this rule")
    return f'<p class="zero">{escape(said)}</p>'


def _refusal(rule: str, layer: str, reason: str) -> str:
    """The panel of a rule that cannot apply: it says why instead of showing something else."""
    said = t("does not apply: {reason}", reason=reason)
    if reason.startswith("no rectifier"):
        said = t(
            "does not apply: no rectifier lies between the picture and {layer}, "
            "so this rule would be the plain gradient",
            layer=layer,
        )
    return f'<figure>{_head(rule)}<div class="map"><p class="zero">{escape(said)}</p></div></figure>'


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
        said = t("sum of the three colours; red raises the activation, blue lowers it")
    else:
        said = t("each colour around grey: brighter raises the activation, darker lowers it")
    ticks = "".join(f"<span>{escape(end)}</span>" for end in ends)
    how = t("One scale for all four") if look.shared else t("Each panel on its own scale")
    return (
        f'<div class="lab-scale"><b>{escape(how)}</b>'
        f'<div><div class="ramp" style="background:linear-gradient(to right, {stops})"></div>'
        f'<div class="ticks">{ticks}</div></div><span>{escape(said)}</span></div>'
    )


def _silent(chosen: Chosen) -> None:
    """Say that nothing is to be seen, and offer the strongest unit instead."""
    with st.container(horizontal=True, vertical_alignment="center", key="lab-silent"):
        st.html(
            f'<p class="lab-silent">{escape(t("All zero: this unit is silent on this picture."))}</p>', width="content"
        )
        if chosen.peak[0] > 0 and chosen.value != chosen.peak[0]:
            st.button(t("Go to the strongest place of this channel"), on_click=selection.forget_position)
        else:
            st.button(t("Go to the strongest unit of this layer"), on_click=selection.forget_unit)
