"""The laboratory: pick a picture, a layer and a unit, and see what that unit saw, with the proof beside it."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from deconvviz import compiled
from deconvviz.errors import DeconvvizError
from deconvviz.types import Layer
from lessons._kit.draw import component
from lessons._kit.form.i18n import mark, t
from lessons._kit.form.library import said
from lessons._kit.form.page import Page
from lessons._kit.photo import header, network, selection
from lessons._kit.reconstruction import maps, trace
from lessons._kit.run import engine, networks, pictures, warm_up
from lessons.laboratory import checks, choose, export, layers, trust, twin, unit


def render() -> None:
    """Draw the page."""
    st.html(f'<h1 class="lab-title">{t("What did this unit see?")}</h1>')
    with st.spinner(t("Loading the network, about two seconds the first time")):
        loaded, refused = _network(network.chosen())
        picture = selection.picture()
        forward = engine.forward(loaded, picture)
    header.top_line(loaded, picture)
    if refused:
        st.error(t("The network cannot be opened: {reason}", reason=said(refused)))
    network.note()
    explore(loaded, picture, forward)


def _network(name: str) -> tuple[networks.Loaded, str]:
    """The network, or the shipped one and why not."""
    try:
        return networks.load(name), ""
    except DeconvvizError as error:
        return networks.load(network.FIRST), str(error)


@st.fragment
def explore(loaded: networks.Loaded, picture: pictures.Picture, forward: engine.Forward) -> None:
    """Everything below the top line: another layer or look runs only this part, a click on a map less (see `unit`)."""
    unit.begin()
    with compiled.foreground():  # until the maps are there, what follows the maps of others waits
        top = st.container()
        layer, chosen, beside = choose.choose(loaded, picture, forward, unit.follow)
        with top:
            layers.show(loaded, forward, picture, layer)
        warm_up.look_at(loaded.name, layer.name)
        with beside:
            results = _reconstruct(loaded, picture, chosen)
        look = maps.see(loaded, picture, chosen, results, beside) if results.by_rule else None
    if look is not None:
        unit.look_at(loaded, picture, forward, layer, look)
        below(loaded, picture, forward, layer, look)
    else:
        beside.error(said(next(iter(results.refused.values()))))
    if networks.is_served():
        warm_up.start(loaded.name, picture)


def _reconstruct(
    loaded: networks.Loaded, picture: pictures.Picture, chosen: selection.Chosen
) -> engine.Reconstructions:
    waiting = t("Computing the four maps of {layer}; from a new layer it takes some seconds", layer=chosen.unit.layer)
    with st.container(key="lab-wait"), st.spinner(waiting, show_time=True):
        return engine.reconstruct(loaded, picture, chosen.unit)


@st.fragment
def below(
    loaded: networks.Loaded, picture: pictures.Picture, forward: engine.Forward, layer: Layer, look: maps.Look
) -> None:
    """How the maps came about, and what can be taken away; their checks last."""
    unit.run_all_if_asked()
    chosen = selection.current(layer, forward.maps[layer.name])
    results = engine.reconstruct(loaded, picture, chosen.unit)
    with st.container(key="lab-below"):
        here = {"unit": [chosen.unit.channel, chosen.row, chosen.column], "run": unit.runs()}
        component.mount(Path(__file__).with_name("below"), key="lab-follow", data=here)
        maps.offer_another(chosen, results, unit.run_all)
        twin.same_unit(loaded, picture, chosen)
        line = st.container()
        rule = trust.can_it_be_trusted(loaded, picture, chosen, results, look)
        film = st.container()
        export.take_away(loaded, picture, chosen, results, look, rule)
        with film:
            trace.how_it_came_down(loaded, picture, chosen, rule)
        with line:  # an independent computation takes longer than the maps
            checks.proof_line(loaded, picture, chosen, results)


PAGE = Page(slug="laboratory", title=mark("Laboratory"), render=render, order=1, answer=unit.answer)
