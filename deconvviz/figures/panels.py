"""The figure of a reconstruction: the photograph with the receptive field framed, one panel a rule, one signed scale.

All words come from the caller (`Texts`), who may have translated them. A map that is zero everywhere says so in words.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from deconvviz.errors import DeconvvizError
from deconvviz.figures import files, style
from deconvviz.figures.montage import png_bytes
from deconvviz.figures.scale import colour_rgb, diverging_rgb, signed_limit, to_plane
from deconvviz.types import Array, Box, DisplayImage, Reconstruction

Mode = Literal["colour", "plane"]
Align = Literal["left", "center", "right"]


@dataclass(frozen=True)
class Texts:
    """Every word on a figure; names in braces are filled in.

    >>> Texts(picture="照片").picture
    '照片'
    """

    title: str = ""
    picture: str = "picture"
    rules: Mapping[str, str] = field(default_factory=dict)
    unit: str = "{layer}, channel {channel}, row {row}, column {column}"
    whole_map: str = "{layer}, channel {channel}, whole map"
    activation: str = "activation {value}"
    range: str = "range {low} to {high}"
    agreement: str = "two computations agree to {value}"
    receptive_field: str = "receptive field: rows {top} to {bottom}, columns {left} to {right}"
    shared_scale: str = "one scale for all panels"
    own_scale: str = "own scale"
    all_zero: str = "all zero"


def map_rgb(reconstruction: Reconstruction, mode: Mode = "colour", limit: float | None = None) -> np.ndarray:
    """One map as a picture of its own size.

    Args:
      reconstruction: whose map is drawn.
      mode: "colour", zero is neutral grey; "plane", the channel sum in RdBu_r.
      limit: ends of the scale; from the map if None. A map of zeros is flat.

    Returns:
      (H, W, 3) uint8.
    """
    values = _drawn(reconstruction, mode)
    return _coloured(values, mode, signed_limit(values) if limit is None else limit)


def reconstruction_figure(
    image: DisplayImage | None,
    reconstructions: Sequence[Reconstruction] | Reconstruction,
    *,
    mode: Mode = "colour",
    shared: bool = True,
    limit: float | None = None,
    percentile: float | None = None,
    texts: Texts | None = None,
) -> Figure:
    """Draws reconstructions of one picture side by side, the receptive field of each cropped below.

    Args:
      image: (H, W, 3) in 0..1, the size of the maps, as `preprocess.fit_image` gives it; None leaves it out.
      reconstructions: one panel each; one alone may come without a sequence.
      mode: "colour" for signed colour around neutral grey, "plane" for the sum over the channels in RdBu_r.
      shared: one scale for all panels, or one each.
      limit: value at the ends of the shared scale; the largest magnitude of all maps if None.
      percentile: take this percentile of the magnitudes (`scale.signed_limit`) instead of the largest; a few peaks then
        no longer fade the rest. Where values lie beyond the ends, the ends are marked with ≤ and ≥.
      texts: the words, English if None.

    Returns:
      A figure that belongs to the caller alone; `files.figure_png` and `files.figure_svg` make bytes of it.

    Raises:
      DeconvvizError: no reconstruction, maps of different sizes or another size than the picture, an unknown mode, or
        NaN in a map.
    """
    recs = (reconstructions,) if isinstance(reconstructions, Reconstruction) else tuple(reconstructions)
    image = None if image is None else np.asarray(image)
    _check(image, recs)
    texts = texts or Texts()
    values = [_drawn(rec, mode) for rec in recs]
    common = signed_limit(values, percentile) if limit is None else limit
    limits = [common if shared else signed_limit(value, percentile) for value in values]
    captions = [_caption(rec, value, texts) for rec, value in zip(recs, values, strict=True)]
    page = _Page(recs, image is not None, bool(texts.title), max(len(c) for c in captions))
    if texts.title:
        page.text([texts.title], (page.columns * page.step - style.GAP) / 2, page.top, style.TITLE_SIZE)
    if image is not None:
        _draw_picture(page, image, recs, texts)
    first = int(image is not None)
    for column, (rec, value, end, caption) in enumerate(zip(recs, values, limits, captions, strict=True), start=first):
        _draw_map(page, column, rec, _coloured(value, mode, end), caption, texts, bool(np.any(value)))
    groups = [(first, values)] if shared else [(first + i, [value]) for i, value in enumerate(values)]
    for (column, group), end in zip(groups, limits, strict=False):
        _draw_scale(page, column, group, end, mode, texts.shared_scale if len(group) > 1 else texts.own_scale)
    return page.figure


def reconstruction_png(
    image: DisplayImage | None,
    reconstructions: Sequence[Reconstruction] | Reconstruction,
    *,
    mode: Mode = "colour",
    shared: bool = True,
    limit: float | None = None,
    percentile: float | None = None,
    texts: Texts | None = None,
    recipe: files.Recipe = None,
) -> bytes:
    """The figure of `reconstruction_figure` as PNG bytes with its recipe inside."""
    figure = reconstruction_figure(
        image, reconstructions, mode=mode, shared=shared, limit=limit, percentile=percentile, texts=texts
    )
    return files.figure_png(figure, recipe)


def reconstruction_svg(
    image: DisplayImage | None,
    reconstructions: Sequence[Reconstruction] | Reconstruction,
    *,
    mode: Mode = "colour",
    shared: bool = True,
    limit: float | None = None,
    percentile: float | None = None,
    texts: Texts | None = None,
    recipe: files.Recipe = None,
) -> bytes:
    """The figure of `reconstruction_figure` as SVG bytes with its recipe and a title for screen readers inside."""
    figure = reconstruction_figure(
        image, reconstructions, mode=mode, shared=shared, limit=limit, percentile=percentile, texts=texts
    )
    recs = (reconstructions,) if isinstance(reconstructions, Reconstruction) else tuple(reconstructions)
    texts = texts or Texts()
    return files.figure_svg(figure, recipe, texts.title or _unit(recs[0], texts))


def save_map(
    path: str | os.PathLike[str],
    reconstruction: Reconstruction,
    *,
    image: DisplayImage | None = None,
    mode: Mode = "colour",
    limit: float | None = None,
    recipe: files.Recipe = None,
    texts: Texts | None = None,
) -> Path:
    """Writes one reconstruction; the ending of the path chooses how.

    .png: the map alone, one pixel of the file for one of the model's input. .svg: the figure, with the picture where
    one is given. .npz: the array and all that is known about it. The file appears whole or not at all.

    Args:
      path: in a folder that exists; a file of that name is replaced.
      reconstruction: what to write.
      image: for .svg, the picture at the size of the map.
      mode: "colour" or "plane", for .png and .svg.
      limit: ends of the scale; from the map if None.
      recipe: JSON text or a mapping, kept in the file.
      texts: the words of the .svg.

    Returns:
      The path written.

    Raises:
      DeconvvizError: another ending, no such folder, a full disk, or what `reconstruction_figure` refuses.
    """
    target = files.checked_path(path)
    suffix = target.suffix.lower()
    if suffix == ".npz":
        data = files.npz_bytes(reconstruction, recipe)
    elif suffix == ".svg":
        data = reconstruction_svg(image, reconstruction, mode=mode, limit=limit, texts=texts, recipe=recipe)
    else:
        text = {files.RECIPE: files.recipe_text(recipe)} if recipe else None
        data = png_bytes(map_rgb(reconstruction, mode, limit), text=text)
    return files.write(target, data)


class _Page:
    """Places things on a new figure in inches from the top left."""

    def __init__(self, recs: Sequence[Reconstruction], picture: bool, title: bool, lines: int) -> None:
        height, width = recs[0].map.shape[:2]
        self.columns = len(recs) + int(picture)
        self.width = style.PANEL
        self.height = float(np.clip(style.PANEL * height / width, style.PANEL / 3, style.PANEL * 1.5))
        self.step = self.width + style.GAP
        self.top = style.MARGIN
        self.head = self.top + 0.34 * title
        self.panel = self.head + 0.24
        self.crop = self.panel + self.height + style.GAP
        self.crop_side = self.width * 0.7
        self.caption = self.crop + self.crop_side + 0.1
        self.scale = self.caption + 0.145 * lines + 0.12
        self.size = (2 * style.MARGIN + self.columns * self.step - style.GAP, self.scale + 0.5 + style.MARGIN)
        self.figure = Figure(figsize=self.size, dpi=style.DPI, facecolor=style.PAPER)
        self.figure.set_layout_engine("none")

    def axes(self, left: float, top: float, width: float, height: float) -> Axes:
        page_width, page_height = self.size
        box = ((style.MARGIN + left) / page_width, 1 - (top + height) / page_height)
        axes = self.figure.add_axes((*box, width / page_width, height / page_height))
        axes.set_axis_off()
        return axes

    def picture(self, rgb: Array, left: float, top: float, width: float, height: float) -> Axes:
        """Shows a picture as large as fits into a box, centred, its pixels square."""
        rows, columns = rgb.shape[:2]
        scale = min(width / columns, height / rows)
        wide, high = columns * scale, rows * scale
        axes = self.axes(left + (width - wide) / 2, top + (height - high) / 2, wide, high)
        axes.imshow(rgb, interpolation="nearest", origin="upper", aspect="auto")
        _frame(axes, (0, 0, rows, columns), style.FAINT, 0.4)
        return axes

    def text(self, lines: Sequence[str], x: float, top: float, size: float, align: Align = "center") -> None:
        """Writes lines one under the other; `x` is their centre or end, `top` the upper edge of the first."""
        for number, line in enumerate(lines):
            below = top + (number + 0.8) * size * 1.35 / 72
            self.figure.text(
                (style.MARGIN + x) / self.size[0],
                1 - below / self.size[1],
                style.drawable(line),
                ha=align,
                va="baseline",
                color=style.INK,
                fontproperties=style.font(size, bold=size >= style.LABEL_SIZE),
                parse_math=False,
                usetex=False,
            )


def _check(image: np.ndarray | None, recs: Sequence[Reconstruction]) -> None:
    if not recs:
        raise DeconvvizError("there is nothing to draw: no reconstruction was handed in; make one with reconstruct")
    sizes = {rec.map.shape for rec in recs}
    if len(sizes) > 1:
        raise DeconvvizError(f"maps of one figure have one size; got {', '.join(map(str, sorted(sizes)))}")
    if image is not None and image.shape != recs[0].map.shape:
        raise DeconvvizError(
            f"the picture is {image.shape} but the maps are {recs[0].map.shape}; "
            "bring it to the network's size with preprocess.fit_image"
        )


def _drawn(rec: Reconstruction, mode: str) -> np.ndarray:
    """The map as it is drawn: (H, W, 3), or (H, W) in plane mode."""
    if mode not in ("colour", "plane"):
        raise DeconvvizError(f"mode is 'colour' or 'plane'; got mode={mode!r}")
    return np.asarray(rec.map) if mode == "colour" else to_plane(rec.map)


def _coloured(values: np.ndarray, mode: str, limit: float) -> np.ndarray:
    return colour_rgb(values, limit) if mode == "colour" else diverging_rgb(values, limit)


def _draw_picture(page: _Page, image: np.ndarray, recs: Sequence[Reconstruction], texts: Texts) -> None:
    rgb = np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)
    page.text([texts.picture], page.width / 2, page.head, style.LABEL_SIZE)
    axes = page.picture(rgb, 0, page.panel, page.width, page.height)
    for box in dict.fromkeys(rec.receptive_field for rec in recs):
        _frame(axes, box, style.FRAME_EDGE, 3.0)
        _frame(axes, box, style.FRAME, 1.5)
    box = recs[0].receptive_field
    if _area(box):
        page.picture(rgb[box[0] : box[2], box[1] : box[3]], 0, page.crop, page.width, page.crop_side)
        top, left, bottom, right = box
        words = texts.receptive_field.format(top=top, left=left, bottom=bottom - 1, right=right - 1)
        page.text(_wrapped(words), page.width / 2, page.caption, style.CAPTION_SIZE)


def _draw_map(
    page: _Page, column: int, rec: Reconstruction, rgb: np.ndarray, caption: list[str], texts: Texts, alive: bool
) -> None:
    left = column * page.step
    middle = left + page.width / 2
    page.text([texts.rules.get(rec.rule, rec.rule)], middle, page.head, style.LABEL_SIZE)
    axes = page.picture(rgb, left, page.panel, page.width, page.height)
    top, first, bottom, last = box = rec.receptive_field
    _frame(axes, box, style.INK, 0.5)
    if _area(box):
        page.picture(rgb[top:bottom, first:last], left, page.crop, page.width, page.crop_side)
    if not alive:
        lines = _wrapped(texts.all_zero, 28)
        page.text(lines, middle, page.panel + page.height / 2 - 0.08 * len(lines), style.LABEL_SIZE)
    page.text(caption, middle, page.caption, style.CAPTION_SIZE)


def _draw_scale(page: _Page, column: int, group: Sequence[np.ndarray], limit: float, mode: str, words: str) -> None:
    """A bar from -limit to limit with its numbers, centred under the panels of a group."""
    width = len(group) * page.step - style.GAP
    bar = min(width, page.width)
    left = column * page.step + (width - bar) / 2
    ramp = np.linspace(-limit, limit, 255)[None]
    rgb = _coloured(ramp if mode == "plane" else np.repeat(ramp[..., None], 3, axis=2), mode, limit)
    axes = page.axes(left, page.scale, bar, 0.11)
    axes.imshow(rgb, interpolation="nearest", origin="upper", aspect="auto")
    _frame(axes, (0, 0, 1, ramp.shape[1]), style.FAINT, 0.4)
    beyond = signed_limit(group) > limit
    numbers = page.scale + 0.13
    page.text([_number(0.0)], left + bar / 2, numbers, style.CAPTION_SIZE)
    if limit > 0:
        page.text(["≤ " * beyond + _number(-limit)], left, numbers, style.CAPTION_SIZE, "left")
        page.text(["≥ " * beyond + _number(limit)], left + bar, numbers, style.CAPTION_SIZE, "right")
    page.text([words], left + bar / 2, page.scale + 0.28, style.CAPTION_SIZE)


def _frame(axes: Axes, box: Box, colour: str, line: float) -> None:
    top, left, bottom, right = box
    size = (right - left, bottom - top)
    axes.add_patch(
        Rectangle((left - 0.5, top - 0.5), *size, fill=False, edgecolor=colour, linewidth=line, clip_on=False)
    )


def _area(box: Box) -> bool:
    return box[2] > box[0] and box[3] > box[1]


def _caption(rec: Reconstruction, values: np.ndarray, texts: Texts) -> list[str]:
    lines = _wrapped(_unit(rec, texts))
    lines += _wrapped(texts.activation.format(value=_number(rec.activation)))
    lines += _wrapped(texts.range.format(low=_number(values.min()), high=_number(values.max())))
    if rec.agreement is not None:
        lines += _wrapped(texts.agreement.format(value=_number(rec.agreement)))
    return lines


def _unit(rec: Reconstruction, texts: Texts) -> str:
    unit = rec.unit
    where = texts.whole_map if unit.row in ("all", None) else texts.unit
    return where.format(layer=unit.layer, channel=unit.channel, row=unit.row, column=unit.column)


def _number(value: float) -> str:
    return f"{float(value) + 0.0:.3g}".replace("-", "−")


def _wrapped(text: str, columns: int = 38) -> list[str]:
    """Lines of at most so many columns. Latin words stay whole where they fit; a Chinese character takes two columns.

    >>> _wrapped("conv1, channel 7", 10)
    ['conv1,', 'channel 7']
    >>> _wrapped("全部为零，好", 6)
    ['全部为', '零，好']
    """
    lines = [""]
    for piece in _pieces(text):
        if lines[-1].strip() and _width(lines[-1]) + _width(piece.rstrip()) > columns:
            lines.append("")
        while _width(piece.rstrip()) > columns and len(piece) > 1:
            lines[-1:] = [piece[:columns], ""]
            piece = piece[columns:]
        lines[-1] += piece
    return [line.strip() for line in lines]


def _pieces(text: str) -> list[str]:
    """What a line may not break: words with their space, Chinese characters with the stop that follows."""
    pieces: list[str] = []
    for character in text:
        stop = character in "，。：；！？、）》”" or character.isspace()
        word = bool(pieces) and _width(character) == 1 and _width(pieces[-1][-1]) == 1 and not pieces[-1][-1].isspace()
        if pieces and (stop or word):
            pieces[-1] += character
        else:
            pieces.append(character)
    return pieces


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
