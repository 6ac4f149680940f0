"""How it came down: the signal after every step from the unit to the picture, one frame a step."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any

import numpy as np
import streamlit as st

from deconvviz.network.backward.explicit import SignalStep
from deconvviz.ops.conv import conv_adjoint
from deconvviz.ops.pool import avg_pool_adjoint, max_unpool
from deconvviz.ops.rectify import backward
from lessons._kit.draw.pixels import address, heat_pixels, largest, number, png, signed_pixels
from lessons._kit.draw.tiles import Tile, encoded, picked, tiles
from lessons._kit.form import controls, proof
from lessons._kit.form.i18n import mark, t
from lessons._kit.photo import selection
from lessons._kit.photo.labels import RULE_FORMULAS, RULES, size
from lessons._kit.photo.selection import Chosen
from lessons._kit.run import engine, networks, pictures

KINDS = {
    "start": mark("start"),
    "filter": mark("filter"),
    "unpool": mark("unpool"),
    "rectify": mark("rectify"),
    "scale": mark("scale"),
    "spread": mark("spread"),
    "dense": mark("dense"),
}
#: What a step does to the signal g from above, as a formula and in words.
FORMULAS = {
    "start": (r"g = a \cdot e_u", mark("Everything is zero except the unit, which keeps its activation.")),
    "filter": (
        r"g' = W^\top g",
        mark("The same kernels, transposed: each value is spread over the patch that it was computed from."),
    ),
    "unpool": (
        r"g'[s(p)] \mathrel{+}= g[p]",
        mark("Each value returns to the place where the maximum was found in the forward pass."),
    ),
    "spread": (r"g' = \tfrac{1}{n} \, g", mark("A mean gives an equal share back to every place.")),
    "scale": (r"g' = c \, g", mark("A factor of the forward pass is the same factor in the backward pass.")),
    "dense": (r"g' = W^\top g", mark("The dense layer's weights, transposed.")),
}
RECTIFY_TEXT = mark("The rule decides what passes; g comes from above, z went in during the forward pass.")
CODE: dict[str, tuple[Callable[..., Any], ...]] = {
    "filter": (conv_adjoint,),
    "unpool": (max_unpool,),
    "rectify": (backward,),
    "spread": (avg_pool_adjoint,),
}


def choose_rule(reconstructions: engine.Reconstructions) -> str:
    """Draw the rules as tabs; return the chosen one."""
    with st.container(horizontal=True, width="content", key="lab-rule"):
        known = {rule: t(RULES[rule]) for rule in reconstructions.by_rule}
        first = "deconvnet" if "deconvnet" in known else next(iter(known))
        return controls.choice(t("Rule"), known, "rule", default=first, tabs=True, hidden_label=True)


def how_it_came_down(loaded: networks.Loaded, picture: pictures.Picture, chosen: Chosen, rule: str) -> None:
    """Draw the filmstrip of a rule and the chosen frame."""
    title, name = t("How it came down"), t(RULES[rule])
    st.html(f'<div class="lab-heading"><h2>{escape(title)}</h2><span>{escape(name)}</span></div>')
    with engine.following():
        frames = engine.backward_trace(loaded, picture, chosen.unit, rule)
    if not frames:
        st.info(
            t(
                "Below this layer the network branches: the signal takes several paths at once, so there is no "
                "single strip."
            )
        )
        return
    at = _strip(frames, chosen.unit.layer)
    _frame(frames, at, rule)


def _strip(frames: tuple[SignalStep, ...], chosen_layer: str) -> int:
    """Draw the frames in a row; return the number of the chosen one, the last if none is."""
    numbers = {str(i): frame for i, frame in enumerate(frames)}
    chosen = controls.url_value("step", str(len(frames) - 1), numbers)

    def on_pick() -> None:
        step = picked("lab-film")
        if step in numbers:
            st.session_state["step"] = step

    items = []
    for i, frame in enumerate(frames):
        name = t(KINDS[frame.kind])
        label = t(
            "{number}: {step} of {layer}, {size}", number=i, step=name, layer=frame.name, size=size(frame.signal.shape)
        )
        lines = (frame.name if i else chosen_layer, size(frame.signal.shape[:2]).replace(" ", ""))
        items.append(Tile(str(i), name, lines, label, _small(frame, last=i == len(frames) - 1)))
    tiles(items, chosen, t("Steps from the unit down to the picture"), "lab-film", on_pick, size=64, pixels=True)
    return int(chosen)


def pixels_of(signal: np.ndarray, is_picture: bool) -> np.ndarray:
    """A signal as pixels: the last one as a signed map, others as their strength over all channels."""
    if is_picture and signal.ndim == 3 and signal.shape[-1] == 3:
        return signed_pixels(signal, largest(signal, summed=False), summed=False)
    return heat_pixels(np.sqrt((selection.planes(signal).astype(np.float64) ** 2).sum(axis=-1)))


def _small(frame: SignalStep, last: bool) -> str:
    return encoded(png(pixels_of(frame.signal, last), level=3))


def _frame(frames: tuple[SignalStep, ...], at: int, rule: str) -> None:
    """The chosen frame large, with its numbers, formula and code."""
    frame, last = frames[at], at == len(frames) - 1
    left, right = st.columns([1, 2], gap="medium")
    alt = t("The signal after {step} of {layer}", step=t(KINDS[frame.kind]), layer=frame.name)
    left.html(
        f'<figure class="lab-frame"><img src="{address(png(pixels_of(frame.signal, last)))}" alt="{escape(alt)}">'
        f"<figcaption>{escape(_caption(last))}</figcaption></figure>"
    )
    with right:
        formula, words = FORMULAS.get(frame.kind, (rf"g' = {RULE_FORMULAS[rule]}", RECTIFY_TEXT))
        st.markdown(f"**{t(KINDS[frame.kind])} · {frame.name}**  \n{t(words)}")
        st.latex(formula)
        if at:
            st.latex(_sums(frame, frames[at - 1]))
        st.html(_numbers(frame))
        if frame.kind in CODE:
            with st.expander(t("The code that ran")):
                proof.show_source(CODE[frame.kind])


def _caption(last: bool) -> str:
    if last:
        return t("the map itself, each colour around grey")
    return t("strength over all channels, from zero (dark) to the largest (light)")


def _sums(frame: SignalStep, above: SignalStep) -> str:
    """The sum of magnitudes above and below a step, as LaTeX with the numbers."""
    before, after = (number(float(np.abs(step.signal).sum())) for step in (above, frame))
    passed = "" if frame.obeyed is None else rf"\quad {100 * frame.obeyed:.1f}\,\%"
    return rf"\lVert g \rVert_1 = {before} \;\longrightarrow\; \lVert g' \rVert_1 = {after}{passed}"


def _numbers(frame: SignalStep) -> str:
    """The numbers of a frame as a table of two columns."""
    signal = frame.signal
    rows = [
        (t("Shape"), size(signal.shape)),
        (t("Not zero"), f"{np.count_nonzero(signal):,} / {signal.size:,}".replace(",", "\u202f")),
        (t("Range"), f"{number(float(signal.min()))} … {number(float(signal.max()))}"),
    ]
    if frame.obeyed is not None:
        rows.append((t("Let through"), f"{100 * frame.obeyed:.1f} %"))
    cells = "".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in rows)
    return f'<table class="lab-numbers">{cells}</table>'
