"""Many maps of a layer as one picture: a palette PNG made without matplotlib, a hundred times faster than axes.

Measured for 64 maps of 56 x 56 on two CPU cores: a few milliseconds against 800 for 64 matplotlib axes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image

from deconvviz.errors import DeconvvizError
from deconvviz.figures import files
from deconvviz.figures.scale import diverging_lut, sequential_lut
from deconvviz.figures.style import DEAD
from deconvviz.types import Array, Box, Size

#: Palette: levels of the scale (odd, so that one is zero), the colour of an all-zero map, the transparent gap.
LEVELS, DEAD_INDEX, GAP_INDEX = 253, 254, 255

Scale = Literal["each", "shared"]
Colours = Literal["auto", "sequential", "diverging"]


@dataclass(frozen=True, eq=False)
class Montage:
    """A picture of many maps and where each of them lies on it.

    Attributes:
      png: palette PNG; gaps are transparent.
      size: (height, width) of the picture in pixels.
      boxes: for each tile (top, left, bottom, right) in pixels of the picture, bottom and right exclusive.
      channels: for each tile the channel that it shows.
      limits: for each tile the values drawn at the ends of the colour scale, (low, high); (0.0, 0.0) for all zero.
      colours: "sequential" (cividis) or "diverging" (RdBu_r, zero in the middle).
    """

    png: bytes
    size: Size
    boxes: tuple[Box, ...]
    channels: tuple[int, ...]
    limits: tuple[tuple[float, float], ...]
    colours: Literal["sequential", "diverging"]


def montage(
    maps: Array,
    columns: int = 8,
    order: Sequence[int] | None = None,
    *,
    scale: Scale = "each",
    colours: Colours = "auto",
    gap: int = 2,
    zoom: int = 1,
) -> Montage:
    """Lays maps side by side.

    Args:
      maps: (h, w, c) of one picture and layer.
      columns: tiles a row.
      order: channels to show, first to last; all if None.
      scale: "each" stretches every map to its own range (0 always included), "shared" gives all shown maps one range.
      colours: "sequential" from the smallest value to the largest, "diverging" around zero; "auto" takes diverging
        where a shown map holds a value below zero.
      gap: pixels between tiles; transparent.
      zoom: whole number of picture pixels for a map's pixel.

    Returns:
      The picture, `zoom * h` by `zoom * w` pixels a tile. A map of zeros is flat in the colour `style.DEAD`, which no
      other value has.

    Raises:
      DeconvvizError: maps that are not (h, w, c), NaN or infinity, an unknown channel, or no channel at all.

    >>> made = montage(np.ones((3, 5, 4)), columns=3, gap=1)
    >>> made.size, made.boxes[3], made.limits[0]
    ((7, 17), (4, 0, 7, 5), (0.0, 1.0))
    """
    values = np.asarray(maps)
    chosen = _checked(values, columns, order, gap, zoom)
    _one_of("scale", scale, ("each", "shared"))
    _one_of("colours", colours, ("auto", "sequential", "diverging"))
    tiles = np.moveaxis(values[..., chosen], -1, 0).astype(np.float32, copy=False)
    low, high = tiles.min(axis=(1, 2)), tiles.max(axis=(1, 2))
    if not (np.isfinite(low).all() and np.isfinite(high).all()):
        raise DeconvvizError("a map holds NaN or infinite values, which no colour stands for; look at the activations")
    dead = (low == 0) & (high == 0)
    diverging = colours == "diverging" or (colours == "auto" and bool(low.min() < 0))
    low, high = _limits(low, high, diverging, scale)
    span = np.where(high > low, high - low, 1)[:, None, None]
    indices = np.rint((tiles - low[:, None, None]) * ((LEVELS - 1) / span)).astype(np.uint8)
    indices[dead] = DEAD_INDEX
    canvas, boxes = _lay_out(indices, columns, gap, zoom)
    return Montage(
        png=_palette_png(canvas, diverging),
        size=(canvas.shape[0], canvas.shape[1]),
        boxes=boxes,
        channels=tuple(int(c) for c in chosen),
        limits=tuple((0.0, 0.0) if d else (float(a), float(b)) for a, b, d in zip(low, high, dead, strict=True)),
        colours="diverging" if diverging else "sequential",
    )


def png_bytes(rgb: Array, scale: int = 1, text: dict[str, str] | None = None) -> bytes:
    """An RGB picture as PNG, every pixel repeated `scale` times in both directions.

    Args:
      rgb: (H, W, 3) uint8, or floats of 0..1.
      scale: whole number, 1 or above.
      text: text fields kept in the file, such as a recipe.

    Returns:
      The file's bytes, the same for the same arguments.

    Raises:
      DeconvvizError: another shape or type, or a scale below 1.

    >>> png_bytes(np.zeros((2, 3, 3), np.uint8))[:4]
    b'\\x89PNG'
    """
    values = np.asarray(rgb)
    if values.ndim != 3 or values.shape[2] != 3 or not values.size:
        raise DeconvvizError(f"a picture has the shape (H, W, 3); got {values.shape}")
    if np.issubdtype(values.dtype, np.floating):
        values = np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)
    if values.dtype != np.uint8:
        raise DeconvvizError(f"a picture is uint8, or floats of 0..1; got {values.dtype}")
    return files.png_bytes(_zoomed(values, _whole("scale", scale, 1)), text or {}, compress_level=1)


def gallery(images: Array, columns: int = 8, gap: int = 2) -> np.ndarray:
    """Pictures of one size side by side, white between them.

    Args:
      images: (n, H, W, 3), 0..1.
      columns: pictures a row, at most.
      gap: pixels between them.

    Returns:
      (rows H + gaps, columns W + gaps, 3), 0..1.

    Raises:
      DeconvvizError: images of another shape, or none.

    >>> gallery(np.zeros((3, 4, 5, 3)), columns=2, gap=1).shape
    (9, 11, 3)
    """
    values = np.asarray(images)
    if values.ndim != 4 or values.shape[3] != 3 or not values.size:
        raise DeconvvizError(f"pictures of a gallery have the shape (n, H, W, 3), none of them 0; got {values.shape}")
    count, height, width = values.shape[:3]
    across = min(_whole("columns", columns, 1), count)
    rows, space = -(-count // across), _whole("gap", gap, 0)
    sheet = np.ones((rows * (height + space) - space, across * (width + space) - space, 3), values.dtype)
    for number, picture in enumerate(values):
        top, left = number // across * (height + space), number % across * (width + space)
        sheet[top : top + height, left : left + width] = picture
    return sheet


def _checked(values: np.ndarray, columns: int, order: Sequence[int] | None, gap: int, zoom: int) -> np.ndarray:
    if values.ndim != 3 or not values.size:
        raise DeconvvizError(f"maps of one picture have the shape (h, w, c), none of them 0; got {values.shape}")
    _whole("columns", columns, 1)
    _whole("gap", gap, 0)
    _whole("zoom", zoom, 1)
    count = values.shape[2]
    chosen = np.arange(count) if order is None else np.asarray(list(order), dtype=np.intp)
    if not chosen.size:
        raise DeconvvizError(f"there is no map to show: order is empty; name channels of 0..{count - 1}")
    outside = chosen[(chosen < 0) | (chosen >= count)]
    if outside.size:
        raise DeconvvizError(f"channel {int(outside[0])} in order does not exist; this layer has 0..{count - 1}")
    return chosen


def _whole(name: str, value: int, least: int) -> int:
    if int(value) != value or value < least:
        raise DeconvvizError(f"{name} is a whole number of {least} or above; got {name}={value!r}")
    return int(value)


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise DeconvvizError(f"{name} is {' or '.join(map(repr, allowed))}; got {name}={value!r}")


def _limits(low: np.ndarray, high: np.ndarray, diverging: bool, scale: Scale) -> tuple[np.ndarray, np.ndarray]:
    """Ends of the colour scale for each tile, with zero inside."""
    if diverging:
        high = np.maximum(-low, high)
        low = -high
    else:
        low, high = np.minimum(low, 0), np.maximum(high, 0)
    if scale == "shared":
        return np.full_like(low, low.min()), np.full_like(high, high.max())
    return low, high


def _lay_out(indices: np.ndarray, columns: int, gap: int, zoom: int) -> tuple[np.ndarray, tuple[Box, ...]]:
    count, height, width = indices.shape
    height, width = height * zoom, width * zoom
    columns = min(columns, count)
    rows = -(-count // columns)
    canvas = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap), GAP_INDEX, np.uint8)
    boxes = []
    for number, tile in enumerate(indices):
        top, left = number // columns * (height + gap), number % columns * (width + gap)
        canvas[top : top + height, left : left + width] = _zoomed(tile, zoom)
        boxes.append((top, left, top + height, left + width))
    return canvas, tuple(boxes)


def _zoomed(values: np.ndarray, zoom: int) -> np.ndarray:
    return values if zoom == 1 else values.repeat(zoom, axis=0).repeat(zoom, axis=1)


def _palette_png(canvas: np.ndarray, diverging: bool) -> bytes:
    # The middle 253 of the 255 diverging colours; 253 of the 256 sequential ones, evenly.
    colours = diverging_lut()[1:-1] if diverging else sequential_lut()[np.rint(np.linspace(0, 255, LEVELS)).astype(int)]
    palette = np.zeros((256, 3), np.uint8)
    palette[:LEVELS] = colours
    palette[DEAD_INDEX] = DEAD
    picture = Image.fromarray(canvas)
    picture.putpalette(palette.tobytes())
    return files.png_bytes(picture, compress_level=1, transparency=GAP_INDEX)
