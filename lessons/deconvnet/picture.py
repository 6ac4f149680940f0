"""Pictures of the backward signal: the film, before and after a step, strongest channels, the two computations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from deconvviz.figures.scale import diverging_rgb, signed_limit
from lessons._kit.draw import component, image_row, motion
from lessons._kit.draw.pixels import (
    FINER,
    address,
    crop,
    heat_pixels,
    jpeg,
    largest,
    number,
    png,
    signed_pixels,
    to_bytes,
)
from lessons._kit.draw.unit_grid import LEVELS, Maps, last_pick, payload, unit_grid
from lessons._kit.form.i18n import t
from lessons._kit.form.proof import error_text
from lessons._kit.photo.labels import size
from lessons._kit.reconstruction import trace
from lessons._kit.run import engine, pictures
from lessons.deconvnet import sums
from lessons.deconvnet.trace import Scene, Stage, measured

GRID = "deconvnet-grid"
#: Channels side by side.
SHOWN = 8
Box = tuple[int, int, int, int]


@dataclass(frozen=True, eq=False)
class Tiles:
    """The strongest channels before and after a step, each row on one signed scale.

    Attributes:
      above, below: channels in the order shown.
      above_limit, below_limit: the value at the ends of each scale; the same where channels are kept.
    """

    above: tuple[int, ...]
    below: tuple[int, ...]
    above_limit: float
    below_limit: float


def tiles_of(stage: Stage, channel: int) -> Tiles:
    """The channels to show: those that are not all zero, by strength after the step, the chosen one among them.

    Where a step keeps channels the same ones stand before it; else its own strongest.
    """
    signal = stage.below if stage.below.any() or not stage.keeps_channels else stage.above
    below = _alive(signal)
    if channel not in below:
        below = (*below[: SHOWN - 1], channel)
    above = below if stage.keeps_channels else _alive(stage.above)
    limits = [signed_limit(stage.above[..., list(above)]), signed_limit(stage.below[..., list(below)])]
    if stage.keeps_channels:
        limits = [max(limits)] * 2
    return Tiles(above, below, *limits)


def _alive(signal: np.ndarray) -> tuple[int, ...]:
    """The strongest channels that hold anything; the first one if none does."""
    ordered = [int(channel) for channel in sums.by_strength(signal)[:SHOWN]]
    return tuple(channel for channel in ordered if signal[..., channel].any()) or (0,)


def sources_box(stage: Stage, cell: sums.Cell) -> Box:
    """(top, left, bottom, right) of the cells above that a cell below is made of, the last two outside."""
    row, column, _ = cell
    if stage.kind == "unpool":
        places = [window.place for window in stage.windows(cell)]
        return _around([r for r, _ in places], [c for _, c in places])
    if stage.kind == "filter":
        slide = stage.step.slide if stage.step else None
        assert slide is not None
        ranges = []
        for at, k, s, pad, n in zip(cell, slide.span, slide.stride, slide.before, stage.above.shape, strict=False):
            ranges.append([u for u in range(n) if 0 <= at + pad - s * u < k])
        return _around(*ranges)
    return row, column, row + 1, column + 1


def _around(rows: list[int], columns: list[int]) -> Box:
    return (min(rows), min(columns), max(rows) + 1, max(columns) + 1) if rows and columns else (0, 0, 0, 0)


def pixels(stage: Stage) -> np.ndarray:
    """The signal after a step: at the picture each colour around grey, else the sum of magnitudes over channels."""
    if not stage.on:
        return signed_pixels(stage.below, largest(stage.below, summed=False), summed=False)
    return strength(stage.below)


def strength(signal: np.ndarray) -> np.ndarray:
    """Sum of magnitudes over the channels, from zero (dark) to the largest (light), as pixels."""
    return heat_pixels(np.abs(signal).sum(axis=-1))


def film(scene: Scene, at: int) -> None:
    """Every step in a row, the chosen one framed; a player shows them large, beginning with the photograph."""

    def make() -> list[str]:
        screen = pictures.fitted(scene.loaded, scene.picture).screen
        return [address(jpeg(to_bytes(screen[::2, ::2]))), *(address(png(pixels(s), level=6)) for s in scene.stages)]

    sources = engine.cached(scene.loaded, scene.picture, f"deconvnet film {scene.unit!r}", make)
    captions = [_caption(scene.stages, step) for step in range(len(scene.stages))]
    st.html(f'<h2 class="dn-here">{escape(captions[at])}</h2>')
    component.mount(Path(__file__).with_name("film"), "deconvnet-film", film_data(sources, captions, at))


def film_data(sources: Sequence[str], captions: Sequence[str], at: int) -> dict[str, Any]:
    """What the browser needs to show the steps.

    Args:
      sources: addresses of the photograph and of every step.
      captions: of every step.
      at: the chosen step.
    """
    frames = list(zip(sources, [t("photograph"), *captions], strict=True))
    return {"words": motion.words(), "here": at, "frames": frames}


def _caption(stages: Sequence[Stage], at: int) -> str:
    stage = stages[at]
    return t(
        "Step {at} of {last}: {step} of {layer}, {size}",
        at=at,
        last=len(stages) - 1,
        step=t(trace.KINDS[stage.kind]),
        layer=stage.name,
        size=sizes(stage),
    )


def sizes(stage: Stage) -> str:
    """The size before and after a step."""
    above, below = size(stage.above.shape), size(stage.below.shape)
    return below if above == below else f"{above} → {below}"


def pair(scene: Scene, at: int, cell: sums.Cell) -> None:
    """The signal before and after a step, with the cell and the cells that it is made of framed."""
    stage = scene.stages[at]
    first = stage.kind == "start"
    before = t("activations of {layer}", layer=stage.name) if first else t("signal before")
    drawn = _summed(stage.above, "a" if first else "g")
    row, column, _ = cell
    left = _figure(before, drawn, strength(stage.above), sources_box(stage, cell), _zero(scene, stage.above))
    said = _summed(stage.below) if stage.on else _coloured(stage.below)
    right = _figure(
        t("signal after"), said, pixels(stage), (row, column, row + 1, column + 1), _zero(scene, stage.below)
    )
    st.html(f'<div class="dn-pair" data-part="maps">{left}{right}</div>')


def _figure(title: str, said: str, image: np.ndarray, box: Box, zero: str) -> str:
    rows, columns = image.shape[:2]
    top, left, bottom, right = box
    place = (
        f"left:{100 * left / columns:.3f}%;top:{100 * top / rows:.3f}%;"
        f"width:{100 * (right - left) / columns:.3f}%;height:{100 * (bottom - top) / rows:.3f}%"
    )
    over = f'<p class="zero">{escape(zero)}</p>' if zero else f'<span style="{place}"></span>'
    words = f"{title}: {zero or said}"
    return (
        f'<figure><div class="dn-map"><img src="{address(png(image))}" alt="{escape(words)}">{over}</div>'
        f"<figcaption><b>{escape(title)}</b> {escape(said)}</figcaption></figure>"
    )


def _zero(scene: Scene, signal: np.ndarray) -> str:
    """Why a signal is all zero; "" if it is not."""
    if signal.any():
        return ""
    if scene.chosen.value <= 0:
        return t("all zero: this unit is silent on this picture")
    return t("all zero: nothing positive has come this far")


def _summed(signal: np.ndarray, symbol: str = "g") -> str:
    return t(
        "{size}; drawn: Σ |{symbol}| over {channels} channels, 0 (dark) to {limit} (light)",
        symbol=symbol,
        size=size(signal.shape),
        channels=signal.shape[-1],
        limit=number(float(np.abs(signal).sum(axis=-1).max())),
    )


def _coloured(signal: np.ndarray) -> str:
    limit = number(largest(signal, summed=False))
    return t(
        "{size}; drawn: the picture itself, each colour around grey, ±{limit}", size=size(signal.shape), limit=limit
    )


def channels(stage: Stage, cell: sums.Cell, at: int, before: bool) -> None:
    """The strongest channels, signed; a click on one after the step chooses the cell to look into.

    Args:
      stage: the step.
      cell: chosen.
      at: number of the step.
      before: those before the step too.
    """
    result = tiles_of(stage, cell[2])
    if before:
        which = t("the same channels") if stage.keeps_channels else t("its strongest channels")
        tiles = "".join(_tile(stage.above[..., c], result.above_limit, c) for c in result.above)
        heading = escape(_heading(t("Before"), which, result.above_limit))
        st.html(f'<h3 class="dn-row">{heading}</h3><div class="dn-tiles">{tiles}</div>')
    after = _heading(t("After"), t("the strongest channels"), result.below_limit)
    st.html(f'<h3 class="dn-row">{escape(after)}</h3>')
    _grid(stage, result, after, cell, at)


def _heading(when: str, which: str, limit: float) -> str:
    if not limit:
        return t("{when}: {which}, all zero", when=when, which=which)
    return t("{when}: {which}, blue −{limit}, white 0, red {limit}", when=when, which=which, limit=number(limit))


def _tile(plane: np.ndarray, limit: float, channel: int) -> str:
    source = address(png(diverging_rgb(plane, limit)))
    peak = float(plane.flat[np.abs(plane).argmax()])
    alt = t(
        "channel {channel}, from {low} to {high}",
        channel=channel,
        low=number(float(plane.min())),
        high=number(float(plane.max())),
    )
    return (
        f'<figure><img class="signed" src="{source}" alt="{escape(alt)}">'
        f"<figcaption><b>{channel}</b><i>{number(peak)}</i></figcaption></figure>"
    )


def grid_maps(stage: Stage, result: Tiles) -> Maps:
    """The channels after a step for the grid, all on one signed scale."""
    chosen = np.moveaxis(stage.below[..., list(result.below)], -1, 0)
    limit = result.below_limit
    levels = np.rint(LEVELS * (0.5 + 0.5 * chosen / (limit or 1.0))).astype(np.uint8)
    places = [sums.strongest(plane[..., None])[:2] for plane in chosen]
    peaks = tuple((r, c, float(plane[r, c])) for (r, c), plane in zip(places, chosen, strict=True))
    low, high = (-limit,) * len(chosen), (limit,) * len(chosen)
    height, width = chosen.shape[1:]
    return Maps(height, width, levels, low, high, peaks, result.below, signed=True)


def _grid(stage: Stage, result: Tiles, title: str, cell: sums.Cell, at: int) -> None:
    page = grid_maps(stage, result)
    labels = [
        t(
            "channel {channel}, strongest {value} at row {row}, column {column}",
            channel=c,
            value=number(v),
            row=i,
            column=j,
        )
        for c, (i, j, v) in zip(result.below, page.peaks, strict=True)
    ]
    text = {
        "title": title,
        "hint": t("Click a spot in a map. Keys: arrows, Enter, Shift with arrows moves the spot."),
        "readout": t("channel {channel} · row {row} · column {column} · {value}"),
    }

    def picked() -> None:
        pick = last_pick(GRID)
        if pick:
            st.session_state["cell"] = f"{at}:{pick['row']},{pick['column']},{pick['channel']}"

    data = payload(page, [str(c) for c in result.below], labels, text, SHOWN)
    unit_grid(data, (cell[2], cell[0], cell[1]), GRID, picked, lambda: None)


def two_computations(scene: Scene) -> None:
    """The receptive field of the photograph, and what arrives there by either computation."""

    def make() -> tuple[list[str], float]:
        unit = scene.unit
        box = scene.loaded.network.receptive_box(unit.layer, scene.chosen.row, scene.chosen.column)
        photo = crop(pictures.fitted(scene.loaded, scene.picture).screen, box, FINER)
        stepwise, derived = scene.stages[-1].below, scene.second
        limit = max(largest(stepwise, summed=False), largest(derived, summed=False))
        maps = [png(signed_pixels(crop(plane, box), limit, summed=False), level=6) for plane in (stepwise, derived)]
        return [address(file) for file in (jpeg(to_bytes(photo)), *maps)], limit

    (photo, stepwise, derived), limit = engine.cached(
        scene.loaded, scene.picture, f"deconvnet maps {scene.unit!r}", make
    )
    gap = error_text(measured(scene).agreement)
    scale = t("each colour around grey, ±{limit}", limit=number(limit)) if limit else t("all zero")
    st.html(f'<h2 class="dn-here">{escape(t("Two computations, one picture"))}</h2>')
    with st.container(key="part-end"):
        image_row.show(
            [
                image_row.Picture(photo, t("the receptive field of the unit"), t("photograph")),
                image_row.Picture(stepwise, scale, t("computation 1: the steps above")),
                image_row.Picture(derived, t("same scale; they differ by {gap}", gap=gap), t("computation 2: jax.vjp")),
            ]
        )
