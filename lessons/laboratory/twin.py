"""The same unit in the network of the same shape that was trained otherwise: plain beside robust."""

from __future__ import annotations

from html import escape

import numpy as np
import streamlit as st

from lessons._kit.draw import image_row
from lessons._kit.draw.pixels import crop, larger, largest, signed_pixels, to_bytes
from lessons._kit.form.i18n import t
from lessons._kit.photo import selection
from lessons._kit.photo.labels import RULES
from lessons._kit.photo.twins import NAMES, TWINS
from lessons._kit.reconstruction import doctor
from lessons._kit.run import engine, networks, pictures

#: The rules whose maps are compared.
SHOWN = ("deconvnet", "gradient")
#: Smallest side of a map on screen, in pixels.
SIDE = 128


def same_unit(loaded: networks.Loaded, picture: pictures.Picture, chosen: selection.Chosen) -> None:
    """Both networks' maps of the channel, each where it answers most; nothing for a network without a twin.

    The robust network's training began with the weights of the plain one, so a channel of one goes back to that of the
    other.
    """
    channel = chosen.unit.channel
    if loaded.name not in TWINS.values() or chosen.unit.row is None or not isinstance(channel, int):
        return
    groups = []
    for training, name in TWINS.items():
        one = networks.load(name)
        values = selection.planes(engine.forward(one, picture).maps[chosen.unit.layer])
        place = (chosen.row, chosen.column) if name == loaded.name else (None, None)
        there = selection.resolve(one.network.layer(chosen.unit.layer), values, channel, *place)
        groups.append((t("Trained {how}", how=t(NAMES[training])), _maps(one, picture, there)))
    title = t("The same unit, trained otherwise")
    st.html(f'<div class="lab-heading"><h2>{escape(title)}</h2></div>')
    for column, (heading, row) in zip(st.columns(len(groups)), groups, strict=True):
        with column:
            st.markdown(f"**{heading}**")
            image_row.show(row)
    other = next(name for name in TWINS.values() if name != loaded.name)
    st.button(t("Open {name}", name=other), key="lab-twin", on_click=_open, args=(other,))


def _maps(loaded: networks.Loaded, picture: pictures.Picture, there: selection.Chosen) -> list[image_row.Picture]:
    results = engine.reconstruct(loaded, picture, there.unit).by_rule
    box = next(iter(results.values())).receptive_field if results else None
    if box is None:
        return []
    patch = to_bytes(crop(pictures.fitted(loaded, picture).model, box))
    where = t("row {row}, column {column}: {value}", row=there.row, column=there.column, value=f"{there.value:.2f}")
    pictured = [image_row.Picture(_large(patch), where)]
    for rule in SHOWN:
        if rule in results:
            signed = crop(results[rule].map, box)
            shown = signed_pixels(signed, largest(signed, summed=False), summed=False)
            why = "" if signed.any() else doctor.why_grey(loaded, picture, results[rule])
            pictured.append(image_row.Picture(_large(shown), ": ".join(filter(None, (t(RULES[rule]), why)))))
    return pictured


def _large(pixels: np.ndarray) -> np.ndarray:
    return larger(pixels, max(1, SIDE // max(pixels.shape[:2])))


def _open(name: str) -> None:
    st.session_state["network"] = "" if name == TWINS["plain"] else name
