"""What the page of feature visualization shows: the made picture, the strongest photograph, a sheet of tiles."""

from __future__ import annotations

from html import escape

import numpy as np
import streamlit as st

from deconvviz.types import LayerVisualization, Visualization
from lessons._kit.draw import tiles
from lessons._kit.draw.formula import coloured
from lessons._kit.draw.pixels import address, number, png, to_bytes
from lessons._kit.form.i18n import mark, t
from lessons._kit.form.library import said
from lessons._kit.photo.labels import TITLES, class_name
from lessons._kit.run import jobs
from lessons.visualization import run as visualization_run
from lessons.visualization.run import Run

#: Said of each objective: what its number is.
OBJECTIVES = {
    "channel": mark("mean of the channel"),
    "neuron": mark("the neuron's value"),
    "class": mark("the score of the class"),
    "direction": mark("mean along the direction"),
}
#: f as a formula, a the layer's values.
FORMULAS = {
    "channel": r"\frac{1}{h\,w} \sum_{ij} a_{ijc}",
    "neuron": r"a_{ijc}",
    "class": r"a_c",
    "direction": r"\frac{1}{h\,w} \sum_{ij} \frac{\langle v,\, a_{ij} \rangle}{\lVert v \rVert}",
}


def name(run: Run, channel: int | None = None) -> str:
    """A channel for people: a class has a name."""
    number_ = run.channel if channel is None else channel
    labels = run.loaded.network.labels
    if len(run.shape) == 1 and labels and len(labels) == run.shape[0]:
        return class_name(labels[number_])
    return t("channel {channel}", channel=number_)


def draw(run: Run, now: Visualization | str) -> None:
    """The picture beside the photograph, what was reached, and the formula."""
    st.html(f'<div class="vision">{_made(run, now)}{_photograph(run)}</div>')
    if isinstance(now, str):
        return
    st.html(f'<p class="vision-facts" data-part="facts">{escape(_facts(run, now))}</p>')
    _formula(run, now)
    if now.note:
        st.warning(said(now.note))


def _made(run: Run, now: Visualization | str) -> str:
    what = t("the cat's direction") if run.objective == "direction" else name(run)
    title = t("Made for {layer}, {unit}", layer=run.layer, unit=what)
    if isinstance(now, str):
        words = escape(t("This unit is dead: no picture was found that wakes it."))
        return _figure(title, "", f'<div class="none">{words}</div>')
    values = ", ".join(number(float(value)) for value in now.activations)
    note = t("step {step}, {what}: {values}", step=now.step, what=t(OBJECTIVES[run.objective]), values=values)
    pictures = [address(png(to_bytes(image))) for image in now.images]
    shown = "".join(f'<img class="made" src="{one}" alt="{escape(f"{title}; {note}")}">' for one in pictures)
    return _figure(title, note, f'<div class="four">{shown}</div>' if len(pictures) > 1 else shown)


def _photograph(run: Run) -> str:
    result = visualization_run.natural(run)
    title = t("The strongest built-in picture: {picture}", picture=t(TITLES[result.id]))
    reached = t("{what}: {value}", what=t(OBJECTIVES[run.objective]), value=number(result.value))
    height, width = result.patch.shape[:2]
    where = t("what the unit sees where it is strongest, {rows} × {columns} pixels", rows=height, columns=width)
    note = reached if result.place is None else f"{reached}; {where}"
    source = address(png(to_bytes(result.patch)))
    return _figure(title, note, f'<img src="{source}" alt="{escape(f"{title}; {note}")}">', "photograph")


def _figure(title: str, note: str, inside: str, part: str = "made") -> str:
    caption = f"<figcaption><b>{escape(title)}</b><span>{escape(note)}</span></figcaption>"
    return f"<figure data-part={part}>{caption}{inside}</figure>"


def _facts(run: Run, now: Visualization) -> str:
    """How fine the picture is, and whether it stands a shake: what the switches change."""
    fine, left = visualization_run.texture(run, now)
    return t(
        "{fine} % of the picture's variance is in waves shorter than 4 pixels. Moved by 3 pixels it keeps {left} % of "
        "what it reaches.",
        fine=round(100 * fine),
        left=round(100 * left),
    )


def _formula(run: Run, now: Visualization) -> None:
    x, a = coloured("input", "x"), coloured("output", "a")
    st.latex(rf"\max_{{{x}}}\; f({a}) - \lambda\,\mathrm{{TV}}({x}), \quad {a} = \Phi(T({x}))")
    st.latex(rf"f = {FORMULAS[run.objective]} = {number(now.activation)}".replace("−", "-"))


def sheet(run: Run, channels: tuple[int, ...]) -> None:
    """The button that begins a sheet of the layer; its tiles as they come."""
    job = jobs.find(visualization_run.grid_key(run, channels))
    first, last = channels[0], channels[-1]
    if job is None:
        before = visualization_run.sheet_beforehand(run, channels)
        if before is not None:
            _tiles(run, before)
            if st.session_state.pop("sheet-opened", False):
                st.rerun()
            return
        st.button(
            t("Make channels {first} to {last} of {layer}", first=first, last=last, layer=run.layer),
            key="make-sheet",
            on_click=visualization_run.begin_grid,
            args=(run, channels),
        )
        st.markdown(
            t(
                "{count} pictures of {steps} steps each, in the background; some 20 s on two free cores.",
                count=len(channels),
                steps=visualization_run.TILE,
            )
        )
        return
    if job.done and job.error is None:  # outside the fragment of `watch`: a choice runs the whole page, and the link
        st.session_state.pop("sheet-opened", None)
        _tiles(run, job.latest)
        return

    def draw(job: jobs.Job[LayerVisualization]) -> None:
        _tiles(run, job.latest)
        if st.session_state.pop("sheet-opened", False):
            st.rerun()

    jobs.watch(job, draw, key="sheet")


def _tiles(run: Run, now: LayerVisualization | None) -> None:
    if now is None:
        st.markdown(t("Compiling the one program that all channels share."))
        return
    items = [
        tiles.Tile(
            str(channel),
            name(run, int(channel)) if len(run.shape) == 1 else str(channel),
            (_state(now, i),),
            t("{unit}: {state}", unit=name(run, int(channel)), state=_state(now, i)),
            tiles.encoded(png(to_bytes(now.images[i]))),
        )
        for i, channel in enumerate(now.channels)
    ]
    title = t("Channels of {layer}", layer=run.layer)
    tiles.tiles(items, str(run.channel), title, "sheet-tiles", _opened, size=112, wrap=True)


def _opened() -> None:
    """Take over the channel of the tile that was chosen."""
    chosen = tiles.picked("sheet-tiles")
    if chosen is not None:
        st.session_state.update({"unit": chosen, "sheet-opened": True})


def _state(now: LayerVisualization, i: int) -> str:
    if now.dead[i]:
        return t("dead")
    return number(float(now.activations[i])) if np.isfinite(now.activations[i]) else t("to come")
