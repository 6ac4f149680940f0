"""Cut an object out of a picture by its class alone: class map, seeds, matting; measured on true mattes.

Nothing is trained. The recognition network was trained on class names, so no mask went into it either.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from deconvviz import catalog
from deconvviz.catalog import Option, Task
from deconvviz.data import images
from deconvviz.errors import DataError, DeconvvizError
from deconvviz.tasks.cutout import matting
from deconvviz.tasks.cutout import trimap as _seeds
from deconvviz.tasks.cutout.evaluate import changed, threshold_mask
from deconvviz.tasks.cutout.matting import closed_form
from deconvviz.tasks.cutout.metrics import intersection_over_union, matting_figures
from deconvviz.tasks.cutout.trimap import MAPS, class_map, guesses, trimap_of
from deconvviz.types import Box, DisplayImage

__all__ = [
    "MAPS", "TASK", "Cutout", "apply", "box_of", "changed", "class_map", "closed_form", "describe", "evaluate",
    "guesses", "intersection_over_union", "matting_figures", "measured_robustness", "read_seeds", "read_trimap",
    "threshold_mask", "trimap_of", "write",
]  # fmt: skip

#: Pixels of the longer side at which alpha is solved for: with seeds from the network much is unknown, with a trimap
#: little. Larger pictures get their edges from the picture itself.
WORK, WORK_WITH_TRIMAP = 240, 640
#: Best of 108 settings on 14 pictures of alphamatting.com; `evaluate(..., what="shares")` leaves each out in turn.
FOREGROUND, BACKGROUND, RIM = 0.2, 0.1, 0.05
#: A channel above it is full, below 1 minus it is empty: strokes keep this much after JPEG or a soft brush.
_PURE = 0.75


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
    wanted: str | None = None,
    model: Any = "caltech",
    map: str = "gradient",
    foreground: float = FOREGROUND,
    background: float = BACKGROUND,
    rim: float = RIM,
    trimap: Any = None,
    seeds: Any = None,
    work: int | None = None,
    seen: _seeds.Found | None = None,
) -> Cutout:
    """Cuts the object of a class out of a picture.

    Args:
      image: path, bytes, PIL image, or array, as `deconvviz.data.images.load` reads it; any size.
      wanted: the class; the network's first guess if None.
      model: a recognition network: its name in the catalogue, or the `deconvviz.Network` itself.
      map: where the class is seen: "evidence" (at a middle layer), "gradient", "guided" or "deconvnet".
      foreground, background: shares of the picture that become seeds.
      rim: width of a strip at the top and the sides that is background but for seeds of the object; 0 for none.
      trimap: in place of the network: a file or (H, W) array, white or 1 foreground, black or 0 background.
      seeds: laid over the trimap or the network's own: two (H, W) bool masks (foreground, background), or a picture
        with strokes as `read_seeds` reads it.
      work: pixels of the longer side at which alpha is solved for, 0 for all; 240, with a trimap 640, if None.
      seen: what `deconvviz.tasks.cutout.trimap.class_map` said of this picture, where it is known already.

    Returns:
      A `Cutout`.

    Raises:
      ImageError: a picture that cannot be read or is smaller than the network's stride.
      DataError: a trimap that does not fit, or without foreground or background; an alpha that is empty.
      DeconvvizError: an option that makes no sense.

    Source: levin2008closed, he2013guided, forte2021approximate

    >>> from deconvviz.data import samples
    >>> found = apply(samples.load("motorcycle"), wanted="motorbikes", work=96)
    >>> found.label, found.rgba.shape[2], float(found.alpha.max()) <= 1
    ('Motorbikes', 4, True)
    """
    TASK.check("apply", {"map": map})
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
        if seen is None:
            net = catalog.model(model).build(None) if isinstance(model, str) else model
            seen = _seeds.class_map(net, picture, wanted, map)
        marks = _seeds.trimap_of(seen.map, small.shape[:2], foreground, background, rim)
    else:
        marks, seen = _smaller(read_trimap(trimap, size), small.shape[:2]), None
    if seeds is not None:
        marks = _with_seeds(marks, seeds, size)
    solved = matting.closed_form(small, marks)
    alpha = solved if small.shape == picture.shape else matting.upsample(solved, small, picture)
    box = box_of(alpha)
    colours = matting.foreground(picture, alpha)
    rgba = np.rint(np.concatenate([colours, alpha[..., None]], axis=-1) * 255).astype(np.uint8)
    if seen is None:
        return Cutout(rgba, alpha, marks, solved, None, None, None, box)
    return Cutout(rgba, alpha, marks, solved, seen.map, seen.label, seen.probability, box)


def write(found: Cutout, path: str | os.PathLike[str], *, crop: bool = False) -> Path:
    """Writes a cut-out as PNG with transparency, the whole file or none.

    Raises:
      DeconvvizError: the folder cannot be written to.
    """
    from deconvviz.figures import files

    return files.write_png(path, found.crop if crop else found.rgba)


def describe(found: Cutout) -> dict[str, Any]:
    """What the command line says of a cut-out."""
    return {
        "class": found.label,
        "probability": found.probability,
        "box": found.box,
        "covered": float((found.alpha > 0.5).mean()),
    }


def evaluate(data: str | Path, *, progress: bool = False, what: str = "figures", **options: Any) -> dict[str, Any]:
    """Measures matting with the given trimaps, and cut-outs without them, on DIR/images, DIR/alpha and DIR/trimap1.

    Args:
      data: the folder; pictures, mattes and trimaps share their names.
      progress: a bar on standard error.
      what: "figures"; "shares", the choice of map and seeds, each picture left out in turn; or "robustness", the
        cut-outs without trimap under noise and other light with these choices.
      options: work, model, map, foreground and background of `apply`, for the cut-outs without trimap; limit, how many
        pictures.

    Returns:
      "sad", "mse", "grad", "conn" of closed-form matting at full size over the unknown pixels of the trimaps; "iou" of
      the cut-outs without trimap and "iou_threshold" of Otsu's threshold, both with alpha above 0.5; "images",
      "seconds". Of "shares" and "robustness" what `choose` and `robustness` of
      `deconvviz.tasks.cutout.choice` say; they take model, work and limit only.

    Raises:
      DataError: no such folder, no pairs, an empty alpha, or files that do not fit each other.
    """
    from deconvviz.tasks.cutout import choice
    from deconvviz.tasks.cutout import evaluate as _cutout_measures

    TASK.check("evaluate", {"what": what, **options})
    if what == "figures":
        return _cutout_measures.measure(data, progress=progress, **options)
    started = time.perf_counter()
    measure = {"shares": choice.choose, "robustness": choice.robustness}[what]
    return {**measure(data, progress=progress, **options), "seconds": round(time.perf_counter() - started, 3)}


def measured_robustness() -> dict[str, Any]:
    """What `evaluate(..., what="robustness")` found on photographs that do not come with the project: claim C8.

    >>> measured_robustness()["rows"][0]["change"]
    'none'
    """
    from deconvviz.tasks._shared import recorded_figures

    found = recorded_figures.figures(TASK.name, "robustness")
    if found is None:
        raise DataError(
            f"the package holds no figures that {recorded_figures.command(TASK.name, 'robustness')!r} printed"
        )
    return found


def read_trimap(source: Any, size: tuple[int, int]) -> np.ndarray:
    """(H, W) float64 of 0, 0.5 and 1 from a grey picture file or an array.

    Raises:
      ImageError: a file that cannot be read.
      DataError: another size than the picture's.

    >>> read_trimap(np.array([[0, 128, 255]], np.uint8), (1, 3)).tolist()
    [[0.0, 0.5, 1.0]]
    """
    values = images.load(source, name="the trimap" if not isinstance(source, (str, os.PathLike)) else None)[..., 0]
    if values.shape != size:
        raise DataError(
            f"the trimap is {values.shape[0]} x {values.shape[1]} and the picture {size[0]} x {size[1]}: "
            "both need the same rows and columns"
        )
    return np.where(values > 0.9, 1.0, np.where(values < 0.1, 0.0, 0.5))


def read_seeds(source: Any, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Strokes of one's own: pure green where the object is, pure red where it is not; any other colour says nothing.

    They may be painted over the photograph itself or on a transparent layer, in any program that keeps pure colours.

    Args:
      source: path, bytes, PIL image, or array, as `deconvviz.data.images.load` reads it.
      size: (H, W) of the picture.

    Returns:
      (foreground, background), (H, W) bool.

    Raises:
      ImageError: a file that cannot be read.
      DataError: another size than the picture's, or no stroke at all.

    >>> ahead, behind = read_seeds(np.array([[[0, 255, 0], [255, 0, 0], [90, 80, 70]]], np.uint8), (1, 3))
    >>> ahead.tolist(), behind.tolist()
    ([[True, False, False]], [[False, True, False]])
    """
    values = images.load(source, name="the seeds" if not isinstance(source, (str, os.PathLike)) else None)
    if values.shape[:2] != size:
        raise DataError(
            f"the seeds are {values.shape[0]} x {values.shape[1]} and the picture {size[0]} x {size[1]}: "
            "both need the same rows and columns"
        )
    red, green, blue = np.moveaxis(values, -1, 0)
    ahead = (green > _PURE) & (red < 1 - _PURE) & (blue < 1 - _PURE)
    behind = (red > _PURE) & (green < 1 - _PURE) & (blue < 1 - _PURE)
    if not (ahead.any() or behind.any()):
        raise DataError(
            "the seeds hold no stroke: paint the object pure green (0, 255, 0) and the background pure red (255, 0, 0)"
        )
    return ahead, behind


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
    found = np.full(size, 0.5)
    for level in (0.0, 1.0):
        share = matting.resized(marks == level, size)
        found[share > (0.5 if share.max() > 0.5 else 0)] = level
    return found


def _with_seeds(marks: np.ndarray, seeds: Any, size: tuple[int, int]) -> np.ndarray:
    ahead, behind = (np.asarray(one, bool) for one in seeds) if isinstance(seeds, tuple) else read_seeds(seeds, size)
    if ahead.shape != size or behind.shape != size:
        raise DataError(f"seeds are two masks of the picture's size {size}; got {ahead.shape} and {behind.shape}")
    if (ahead & behind).any():
        raise DataError(f"{int((ahead & behind).sum())} pixels are foreground and background seed at once: choose one")
    ahead_small, behind_small = (matting.resized(one, marks.shape) > 0 for one in (ahead, behind))
    return np.where(ahead_small, 1.0, np.where(behind_small, 0.0, marks))


TASK = Task(
    name="cutout",
    title="Cut an object out of a picture by its class",
    apply=apply,
    write=write,
    describe=describe,
    evaluate=evaluate,
    figures=("sad", "mse", "grad", "conn", "iou", "iou_threshold"),
    options=(
        Option("class", "The class to cut out; the network's first guess if left out.", keyword="wanted"),
        Option("model", "The recognition network: caltech or squeezenet.", of=("apply", "evaluate")),
        Option("map", "Where the class is seen (gradient).", choices=_seeds.MAPS, of=("apply", "evaluate")),
        Option("foreground", "Share of the picture that is sure to be object (0.2).", float, of=("apply", "evaluate")),
        Option("background", "Share that is sure to be background (0.1).", float, of=("apply", "evaluate")),
        Option("rim", "Strip at the top and sides that is background (0.05).", float, of=("apply", "evaluate")),
        Option("trimap", "Your own seeds instead: white object, black background, grey unknown.", Path),
        Option("seeds", "Strokes of your own over them: pure green is object, pure red is background.", Path),
        Option("crop", "Write only what the box around the object holds.", bool, of=("write",)),
        Option("work", "Longer side at which alpha is solved for; 0 for all.", int, of=("apply", "evaluate")),
        Option("what", "What to measure (figures).", choices=("figures", "robustness", "shares"), of=("evaluate",)),
        Option("limit", "Measure that many pictures only.", int, of=("evaluate",)),
    ),
    sources=("levin2008closed", "he2013guided", "forte2021approximate", "rhemann2009perceptually"),
)  # fmt: skip
