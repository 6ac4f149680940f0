"""The cut-out of a picture: class map, trimap, alpha at a smaller size, its edges and colours at the picture's own."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from deconvviz import catalog
from deconvviz.data import images
from deconvviz.errors import DataError, DeconvvizError, check_choice
from deconvviz.figures import files
from deconvviz.tasks.cutout import MAPS, NOTHING, colours, matting
from deconvviz.tasks.cutout import trimap as trimaps
from deconvviz.tasks.cutout.data import read_strokes, read_trimap
from deconvviz.types import Box, DisplayImage

#: Pixels of the longer side at which alpha is solved for: with seeds from the network much is unknown, with a trimap
#: little. Larger pictures get their edges from the picture itself.
WORK, WORK_WITH_TRIMAP = 240, 640
#: Maps of whatever stands out, not of a class.
OF_ANY = ("activity", NOTHING)
#: Shares of the picture that become seeds, of the object and of the background: of whatever stands out, the best of 90
#: settings on 14 pictures of alphamatting.com (`evaluate(..., what="shares")` leaves each out in turn); of a class, the
#: best of 108 on the same for the network before this one.
SHARES, SHARES_OF_CLASS, BORDER = (0.3, 0.2), (0.2, 0.1), 0.05


@dataclass(frozen=True, eq=False)
class Cutout:
    """An object, cut out.

    Attributes:
      rgba: (H, W, 4) uint8 at the picture's own size: the object's colours and, last, alpha.
      alpha: (H, W) float64, 0..1.
      trimap: (h, w) float64 at the size it was solved at: 1 foreground, 0 background, 0.5 unknown.
      solved: (h, w) float64, 0..1: alpha at that size, before its edges were brought to the picture's own.
      map: (h, w) class map in the network's resolution; None where a trimap was given.
      label: the class; None where a trimap was given.
      probability: the network's, of that class; None likewise.
      box: (top, left, bottom, right) around alpha above 0.5, bottom and right exclusive.
    """

    rgba: np.ndarray
    alpha: np.ndarray
    trimap: np.ndarray
    solved: np.ndarray
    map: np.ndarray | None
    label: str | None
    probability: float | None
    box: Box

    @property
    def crop(self) -> np.ndarray:
        """(h, w, 4) uint8: what the box holds."""
        top, left, bottom, right = self.box
        return self.rgba[top:bottom, left:right]


def apply(
    image: Any,
    *,
    class_name: str | None = None,
    model: Any = "caltech",
    map: str | None = None,
    foreground: float | None = None,
    background: float | None = None,
    border: float = BORDER,
    trimap: Any = None,
    strokes: Any = None,
    work: int | None = None,
    class_map: trimaps.ClassMap | None = None,
) -> Cutout:
    """Cuts the object of a class out of a picture.

    Args:
      image: path, bytes, PIL image, or array, as `deconvviz.data.images.load` reads it; any size.
      class_name: the class; the network's first guess if None.
      model: a recognition network: its name in the catalogue, or the `deconvviz.Network` itself.
      map: where the object is seen: "activity" (whatever the last layer answers to), "nothing" (everywhere alike, for
        comparing), or the class by "evidence" (at a middle layer), "gradient", "guided" or "deconvnet"; if None,
        "gradient" of a class that was named, else "activity". Of the first two the colours of the picture decide where
        the seeds are (`deconvviz.tasks.cutout.colours`).
      foreground, background: shares of the picture that become seeds; if None 0.3 and 0.2 of "activity", 0.2 and 0.1 of
        a class.
      border: width of a strip at the top and the sides that is background but for seeds of the object; 0 for none.
      trimap: in place of the network: a file or (H, W) array, white or 1 foreground, black or 0 background.
      strokes: laid over the trimap or the network's own: two (H, W) bool masks (foreground, background), or a picture
        with strokes as `deconvviz.tasks.cutout.data.read_strokes` reads it.
      work: pixels of the longer side at which alpha is solved for, 0 for all; 240, with a trimap 640, if None.
      class_map: what `deconvviz.tasks.cutout.trimap.class_map` said of this picture, where it is known already.

    Returns:
      A `Cutout`.

    Raises:
      ImageError: a picture that cannot be read or is smaller than the network's stride.
      DataError: a trimap that does not fit, or without foreground or background; an alpha that is empty.
      DeconvvizError: an option that makes no sense.

    Source: levin2008closed, he2013guided, forte2021approximate

    >>> from deconvviz.data import samples
    >>> result = apply(samples.load("motorcycle"), class_name="motorbikes", work=96)
    >>> result.label, result.rgba.shape[2], float(result.alpha.max()) <= 1
    ('Motorbikes', 4, True)
    """
    if map is not None:
        check_choice("map", map, (*MAPS, NOTHING), of="cutout")
    picture = images.load(image)
    size = picture.shape[:2]
    if min(size) < 3:
        raise DataError(f"matting looks at windows of 3 x 3 pixels; got a picture of {size[0]} x {size[1]}")
    if work is None:
        work = WORK if trimap is None else WORK_WITH_TRIMAP
    if work < 0 or 0 < work < 32:
        raise DeconvvizError(f"work is the longer side to solve at, 32 pixels or more, or 0 for all; got work={work}")
    small = _at_most(picture, work)
    if trimap is None:
        if class_map is None:
            net = catalog.model(model).build(None) if isinstance(model, str) else model
            class_map = trimaps.class_map(net, picture, class_name, map)
        where = class_map.map
        if class_map.kind in OF_ANY:  # a class may share its colours with what surrounds it: its map alone is followed
            where = colours.likeness(small, matting.resized(where, small.shape[:2]), border)
        shares = SHARES if class_map.kind in OF_ANY else SHARES_OF_CLASS
        object_, ground = (shares[i] if one is None else one for i, one in enumerate((foreground, background)))
        marks = trimaps.trimap_of(where, small.shape[:2], object_, ground, border)
    else:
        marks, class_map = _smaller(read_trimap(trimap, size), small.shape[:2]), None
    if strokes is not None:
        marks = _with_strokes(marks, strokes, size)
    solved = matting.closed_form(small, marks)
    alpha = solved if small.shape == picture.shape else matting.upsample(solved, small, picture)
    box = box_of(alpha)
    pure = matting.foreground(picture, alpha)
    rgba = np.rint(np.concatenate([pure, alpha[..., None]], axis=-1) * 255).astype(np.uint8)
    if class_map is None:
        return Cutout(rgba, alpha, marks, solved, None, None, None, box)
    return Cutout(rgba, alpha, marks, solved, class_map.map, class_map.label, class_map.probability, box)


def write(result: Cutout, path: str | os.PathLike[str], *, crop: bool = False) -> Path:
    """Writes a cut-out as PNG with transparency, the whole file or none.

    Raises:
      DeconvvizError: the folder cannot be written to.
    """
    return files.write_png(path, result.crop if crop else result.rgba)


def describe(result: Cutout) -> dict[str, Any]:
    """What the command line says of a cut-out."""
    return {
        "class": result.label,
        "probability": result.probability,
        "box": result.box,
        "covered": float((result.alpha > 0.5).mean()),
    }


def box_of(alpha: np.ndarray) -> Box:
    """(top, left, bottom, right) around alpha above 0.5, bottom and right exclusive.

    Raises:
      DataError: alpha is nowhere above 0.5.

    >>> box_of(np.pad(np.ones((2, 3)), ((1, 4), (5, 0))))
    (1, 5, 3, 8)
    """
    rows, columns = (np.flatnonzero((alpha > 0.5).any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        raise DataError(
            f"the alpha is empty: nowhere above 0.5, at most {alpha.max():.3g}; raise --foreground, lower "
            "--background, or name another class"
        )
    return int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1


def _at_most(picture: DisplayImage, longer: int) -> DisplayImage:
    height, width = picture.shape[:2]
    scale = longer / max(height, width)
    if not longer or scale >= 1:
        return picture
    size = max(3, round(height * scale)), max(3, round(width * scale))
    planes = [matting.resized(picture[..., c], size) for c in range(3)]
    return np.clip(np.stack(planes, axis=-1), 0, 1).astype(np.float32)


def _smaller(marks: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A trimap at another size: what most of a pixel says; a mark too small for that keeps its place."""
    if marks.shape == size:
        return marks
    small = np.full(size, 0.5)
    for level in (0.0, 1.0):
        share = matting.resized(marks == level, size)
        small[share > (0.5 if share.max() > 0.5 else 0)] = level
    return small


def _with_strokes(marks: np.ndarray, strokes: Any, size: tuple[int, int]) -> np.ndarray:
    """A trimap with strokes laid over it, of which any share of a pixel counts."""
    if isinstance(strokes, tuple):
        ahead, behind = (np.asarray(mask, bool) for mask in strokes)
    else:
        ahead, behind = read_strokes(strokes, size)
    if ahead.shape != size or behind.shape != size:
        raise DataError(f"strokes are two masks of the picture's size {size}; got {ahead.shape} and {behind.shape}")
    if (ahead & behind).any():
        raise DataError(f"{int((ahead & behind).sum())} pixels are foreground and background seed at once: choose one")
    ahead_small, behind_small = (matting.resized(mask, marks.shape) > 0 for mask in (ahead, behind))
    return np.where(ahead_small, 1.0, np.where(behind_small, 0.0, marks))
