"""The picture of receptive fields: map and photograph to point at, three close looks, and the table that grows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
import streamlit as st

from deconvviz.figures.scale import diverging_rgb, sequential_rgb, signed_limit
from deconvviz.types import Box, Size, Unit
from lessons._kit.draw import component, formula
from lessons._kit.draw.pixels import FINER, address, jpeg, number, png, to_bytes
from lessons._kit.form.i18n import t
from lessons._kit.photo.header import title_of
from lessons._kit.run import engine, networks, pictures
from lessons.fields import measure, theory
from lessons.fields.measure import Effective
from lessons.fields.theory import Field, Window

#: Transparency of the veil over pixels whose derivative is exactly zero, 0..255.
VEIL = 150
#: Grey level of the part of a field that hangs over the picture.
BEYOND = 128


@dataclass(frozen=True, eq=False)
class Scene:
    """What is on screen.

    Attributes:
      plane: (h, w) values of the channel.
      field, below: of the layer, and the windows under it.
      box: the unit's field, not clipped.
      slopes: (H, W, 3), the derivative times the activation.
    """

    loaded: networks.Loaded
    picture: pictures.Picture
    unit: Unit
    plane: np.ndarray
    field: Field
    below: tuple[Window, ...]
    box: Box
    slopes: np.ndarray

    @property
    def cell(self) -> Size:
        """(row, column) of the unit."""
        assert isinstance(self.unit.row, int)
        assert isinstance(self.unit.column, int)
        return self.unit.row, self.unit.column

    @property
    def size(self) -> Size:
        """Of the model input."""
        height, width = self.loaded.network.input_spec.size
        return height, width


def point(scene: Scene, on_pick: Callable[[Size], None], key: str = "field-map") -> None:
    """Draw the map and the photograph; a click, a tap or the arrow keys choose a unit."""
    loaded, picture = scene.loaded, scene.picture
    limit = signed_limit(scene.plane)
    photo = engine.cached(
        loaded, picture, "photo", lambda: address(jpeg(to_bytes(pictures.fitted(loaded, picture).screen)))
    )
    height, width = scene.plane.shape
    note = t("{size}; blue below 0, red above, ±{limit}", size=f"{height} × {width}", limit=number(limit))
    data = {
        "cell": list(scene.cell),
        "map": [height, width],
        "picture": list(scene.size),
        "step": list(scene.field.step),
        "first": list(scene.field.first),
        "size": list(scene.field.size),
        "keys": t("Click, or move with the arrow keys."),
        "readout": t("Unit {row}, {column} sees rows {top} to {bottom} and columns {left} to {right}."),
        "figures": [
            {
                "source": address(png(diverging_rgb(scene.plane, limit))),
                "title": t("{layer}, channel {channel}", layer=scene.field.name, channel=scene.unit.channel),
                "note": note,
                "over": "",
                "shape": [height, width],
            },
            {
                "source": photo,
                "title": title_of(picture),
                "note": t("frame: the field in theory; darkened inside: the derivative is exactly zero"),
                "over": address(_veil(scene)),
                "shape": list(scene.size),
            },
        ],
    }

    def picked() -> None:
        row, column = st.session_state[key]["pick"]
        on_pick((int(row), int(column)))

    component.mount(__file__, key=key, data=data, on_pick_change=picked)


def _veil(scene: Scene) -> bytes:
    """Black, half transparent, on the pixels of the field whose derivative is zero."""
    dead = theory.inside(scene.box, scene.size) & ~measure.support(scene.slopes)
    pixels = np.zeros((*scene.size, 4), np.uint8)
    pixels[dead, 3] = VEIL
    return png(pixels)


def close(scene: Scene, result: Effective) -> None:
    """Three looks at the field: the photograph, the measured derivative, and its average with the effective field."""
    top, left, bottom, right = scene.box
    fine = pictures.fitted(scene.loaded, scene.picture).screen
    patch = to_bytes(measure.on_field(fine, (FINER * top, FINER * left, FINER * bottom, FINER * right)))
    slopes = _heat(np.abs(measure.on_field(scene.slopes, scene.box)).sum(axis=-1))
    beyond = ~measure.on_field(np.ones(scene.size, bool), scene.box)
    slopes[beyond] = patch[beyond.repeat(FINER, axis=0).repeat(FINER, axis=1)] = BEYOND
    reached = int(measure.support(scene.slopes).sum())
    top, left, bottom, right = theory.clipped(scene.box, scene.size)
    area = (bottom - top) * (right - left)
    height, width = scene.field.size
    looks = (
        _look(t("The field"), t("{size} pixels", size=f"{height} × {width}"), jpeg(patch), None),
        _look(
            t("Its derivative here"),
            t("not zero on {reached} of {area} pixels; size of the slope", reached=reached, area=area),
            png(slopes),
            None,
        ),
        _look(
            t("On average"),
            t(
                "{units} units; the square of {side} × {side} holds {share} % of the squared slope",
                units=result.units,
                side=result.side,
                share=round(100 * measure.SHARE),
            ),
            png(_heat(np.sqrt(result.energy))),
            result.side / height,
        ),
    )
    st.html(f'<div class="fields">{"".join(looks)}</div>')


def _heat(values: np.ndarray) -> np.ndarray:
    return sequential_rgb(values, 0.0, float(values.max(initial=0.0)))


def _look(title: str, note: str, file: bytes, square: float | None) -> str:
    frame = ""
    if square is not None:
        start = f"{50 * (1 - square):.2f}%"
        frame = f'<span class="square" style="inset:{start}"></span>'
    alt = escape(f"{title}: {note}")
    return (
        f'<figure><div class="look"><img src="{address(file)}" alt="{alt}">{frame}</div>'
        f"<figcaption><b>{escape(title)}</b><span>{escape(note)}</span></figcaption></figure>"
    )


def symbols() -> str:
    """The recursion in symbols."""
    r, j, o = (formula.coloured(*pair) for pair in (("input", "r_l"), ("kernel", "j_l"), ("output", "o_l")))
    r0, j0, o0 = (formula.coloured(c, f"{s}_{{l-1}}") for c, s in (("input", "r"), ("kernel", "j"), ("output", "o")))
    return (
        rf"\begin{{aligned}} {r} &= {r0} + (k_l - 1)\, {j0} \\ {j} &= {j0}\, s_l \\ {o} &= {o0} - p_l\, {j0} "
        rf"\end{{aligned}}"
    )


def line(scene: Scene) -> str:
    """The same with the numbers of the layer, and the first row that the unit sees."""
    fields = theory.recursion(scene.below)
    before = fields[-2] if len(fields) > 1 else Field("", (1, 1), (1, 1), (0, 0))
    last, window = fields[-1], scene.below[-1]
    colour = {name: (lambda n, c=name: formula.coloured(c, formula.value(n))) for name in formula.COLOURS}
    r, j, o = colour["input"], colour["kernel"], colour["output"]
    row = scene.cell[0]
    return (
        rf"\begin{{aligned}} r &= {r(before.size[0])} + ({window.span[0]} - 1) \cdot {j(before.step[0])} "
        rf"= {r(last.size[0])} \\ j &= {j(before.step[0])} \cdot {window.stride[0]} = {j(last.step[0])} \\ "
        rf"o &= {o(before.first[0])} - {window.before[0]} \cdot {j(before.step[0])} = {o(last.first[0])} \\ "
        rf"\text{{top}} &= {j(last.step[0])} \cdot {row} + {o(last.first[0])} = {scene.box[0]} \end{{aligned}}"
    )


def table(below: Sequence[Window]) -> None:
    """One line a layer, from the picture up to the chosen one."""
    heads = (t("layer"), t("window k"), t("stride s"), t("padding p"), t("field r"), t("step j"), t("first pixel o"))
    body = []
    for window, field in zip(below, theory.recursion(below), strict=True):
        here = ' class="here"' if window is below[-1] else ""
        values = (window.span[0], window.stride[0], window.before[0], field.size[0], field.step[0], field.first[0])
        cells = "".join(f"<td>{formula.value(value, alone=True).replace('-', '−')}</td>" for value in values)
        body.append(f'<tr{here}><th scope="row">{escape(window.name)}</th>{cells}</tr>')
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in heads)
    caption = t("The field grows layer by layer (rows; columns are the same here)")
    st.html(
        f'<table class="grown"><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table>"
    )
