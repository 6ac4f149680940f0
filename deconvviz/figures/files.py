"""Pictures and arrays as bytes that are the same for the same content, and files that are never half-written."""

from __future__ import annotations

import io
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from deconvviz import storage
from deconvviz.errors import DeconvvizError, nearest
from deconvviz.figures.style import DPI
from deconvviz.types import Reconstruction

#: Name of the text field of a PNG and of the array of an NPZ that hold the recipe; in an SVG it is `dc:source`.
RECIPE = "recipe"
SUFFIXES = (".png", ".svg", ".npz")

Recipe = str | Mapping[str, Any] | None
_SVG_ID = re.compile(r'(?<=id=")(?:image|[hmp])?[0-9a-f]{10}(?=")')


def recipe_text(recipe: Recipe) -> str:
    """A recipe as JSON text; text is kept as it is, None is empty.

    >>> recipe_text({"layer": "relu3"})
    '{"layer": "relu3"}'
    """
    if recipe is None or isinstance(recipe, str):
        return recipe or ""
    return json.dumps(dict(recipe), ensure_ascii=False)


def figure_png(figure: Figure, recipe: Recipe = None, dpi: int = DPI) -> bytes:
    """A figure as PNG, the same bytes for the same figure, the recipe in its text field "recipe".

    Args:
      figure: not shared with another thread.
      recipe: JSON text or a mapping; nothing is written where it is None.
      dpi: pixels per inch.
    """
    stream = io.BytesIO()
    metadata = {"Software": "deconvviz", **({RECIPE: recipe_text(recipe)} if recipe else {})}
    figure.savefig(stream, format="png", dpi=dpi, bbox_inches=None, facecolor="auto", metadata=metadata)
    return stream.getvalue()


def figure_svg(figure: Figure, recipe: Recipe = None, title: str = "") -> bytes:
    """A figure as SVG, the same bytes for the same figure: no date, and names counted instead of drawn at random.

    Args:
      figure: not shared with another thread.
      recipe: as for `figure_png`; kept in the metadata as `dc:source`.
      title: read aloud by screen readers and shown by browsers.
    """
    metadata: dict[str, Any] = {"Creator": "deconvviz", "Date": None}
    if recipe:
        metadata["Source"] = recipe_text(recipe)
    if title:
        metadata["Title"] = title
    stream = io.BytesIO()
    figure.savefig(stream, format="svg", bbox_inches=None, facecolor="auto", metadata=metadata)
    return _counted_ids(stream.getvalue().decode()).encode()


def png_bytes(
    picture: np.ndarray | Image.Image, text: Mapping[str, str] = MappingProxyType({}), **options: Any
) -> bytes:
    """Pixels as PNG, the same bytes for the same arguments.

    Args:
      picture: (H, W), (H, W, 3) or (H, W, 4) uint8, or a Pillow image, whose palette is kept.
      text: text fields kept in the file, such as a recipe.
      options: of Pillow's PNG writer: compress_level, optimize, transparency.

    >>> png_bytes(np.zeros((2, 3), np.uint8))[:4]
    b'\\x89PNG'
    """
    info = PngInfo()
    for key, value in text.items():
        info.add_itxt(key, value)
    stream = io.BytesIO()
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    image.save(stream, "PNG", pnginfo=info, **options)
    return stream.getvalue()


def npz_bytes(reconstruction: Reconstruction, recipe: Recipe = None) -> bytes:
    """A reconstruction as NPZ: the map and everything known about it, readable without pickle.

    Arrays: map (H, W, 3) float32, layer, channel, row, column, activation, rule, start, receptive_field (top, left,
    bottom, right), coverage (obeyed, total), unsupported, agreement (NaN where one computation alone applies), recipe.
    """
    unit = reconstruction.unit
    agreement = reconstruction.agreement
    arrays: dict[str, Any] = {
        "map": np.asarray(reconstruction.map, np.float32),
        "layer": unit.layer,
        "channel": unit.channel,
        "row": "" if unit.row is None else unit.row,
        "column": "" if unit.column is None else unit.column,
        "activation": float(reconstruction.activation),
        "rule": reconstruction.rule,
        "start": reconstruction.start,
        "receptive_field": np.array(reconstruction.receptive_field, np.int64),
        "coverage": np.array([reconstruction.coverage.obeyed, reconstruction.coverage.total], np.int64),
        "unsupported": np.array(reconstruction.coverage.unsupported, np.str_),
        "agreement": np.nan if agreement is None else float(agreement),
        RECIPE: recipe_text(recipe),
    }
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()


def checked_path(path: str | os.PathLike[str]) -> Path:
    """The path of a picture to write, once it is known that it can be written.

    Raises:
      DeconvvizError: a suffix other than .png, .svg and .npz, no such folder, or a folder, device or pipe of
        that name.
    """
    target = Path(path)
    suffix = target.suffix.lower()
    if suffix not in SUFFIXES:
        result = f"the ending {target.suffix!r}" if suffix else "no ending"
        hint = nearest(suffix, SUFFIXES) if suffix else "known: .png, .svg, .npz"
        raise DeconvvizError(
            f"cannot write {str(path)!r}: the ending chooses the kind of file, and it has {result}; {hint}"
        )
    if not target.parent.is_dir():
        raise DeconvvizError(
            f"cannot write {str(path)!r}: there is no folder {str(target.parent)!r}; make it, or name another"
        )
    if target.is_dir():
        raise DeconvvizError(f"cannot write {str(path)!r}: it is a folder; name a file in it")
    if not storage.is_file_or_free(target):
        raise DeconvvizError(f"cannot write {str(path)!r}: it is a device or pipe, not a file; name another")
    return target


def write(path: str | os.PathLike[str], data: bytes) -> Path:
    """Writes a file whole or not at all; see `deconvviz.storage.write`.

    Raises:
      DeconvvizError: the folder cannot be written to, or the disk is full; an older file of that name stays.
    """
    try:
        storage.write(path, data)
    except OSError as error:
        raise DeconvvizError(
            f"cannot write {str(path)!r}: {error.strerror or error}; check the folder's permissions and the free space"
        ) from error
    return Path(path)


def write_png(path: str | os.PathLike[str], picture: np.ndarray | Image.Image) -> Path:
    """Writes pixels as PNG, the whole file or none.

    Args:
      path: where to.
      picture: (H, W), (H, W, 3) or (H, W, 4) uint8, or a Pillow image, whose palette is kept.

    Raises:
      DeconvvizError: as `write`.
    """
    return write(path, png_bytes(picture))


def _counted_ids(svg: str) -> str:
    """Numbers matplotlib's random ids as they appear (its salt is a setting of the whole process)."""
    names = {name: f"id{number}" for number, name in enumerate(dict.fromkeys(_SVG_ID.findall(svg)))}
    if not names:
        return svg
    pattern = re.compile(r'(?<=["#])(?:' + "|".join(map(re.escape, names)) + r')(?=["\)])')
    return pattern.sub(lambda match: names[match.group()], svg)
