"""Occlusion: how far the unit falls when a patch of the picture is covered. No derivative: an independent witness."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from deconvviz.catalog import Method
from deconvviz.errors import DeconvvizError
from deconvviz.methods._drawn import Drawn
from deconvviz.methods._settings import check_whole
from deconvviz.methods.baselines import baseline as baseline_of
from deconvviz.network.score import Score
from deconvviz.types import Array, Size

#: The patch's side, as a share of the picture's: one in so many. Its step is half of that.
SHARE = 6
#: Covered pictures that are held at a time.
CHUNK = 32


def draw(
    score: Score,
    x: Array,
    *,
    seed: int = 0,
    patch: Any = None,
    stride: Any = None,
    baseline: Any = "grey",
    region: Any = None,
) -> Drawn:
    """At each pixel, the mean of ``f(x) - f(x with the patch covered)`` over the patches that cover it.

    Patches start at every multiple of the stride until the last one reaches the border, where it is cut off.

    Args:
      patch: (height, width) or one number, in pixels; a sixth of each side of the region if None.
      stride: likewise; half the patch if None, and no more than the patch, or pixels would stay uncovered.
      baseline: what covers: "grey", "mean", "blur", "black", or model inputs (`deconvviz.methods.baselines`).
      region: the pixels that are covered, (top, left, bottom, right) with the last two exclusive, the receptive field
        of the unit for example; the map is 0 elsewhere. The whole picture if None.

    Source: zeiler2014visualizing
    """
    x = np.asarray(x, np.float64)
    inside, boxes = _places((x.shape[1], x.shape[2]), patch, stride, region)
    cover = baseline_of(x, score.network.input_spec, baseline)
    total, count = np.zeros(x.shape[1:3]), np.zeros(x.shape[1:3])
    value = float(score.values(x)[0])
    for at in range(0, len(boxes), CHUNK):
        some = boxes[at : at + CHUNK]
        covered = np.repeat(x, len(some), axis=0)
        for image, box in zip(covered, some, strict=True):
            image[inside][box] = cover[0][inside][box]
        for box, rest in zip(some, score.values(covered), strict=True):
            total[inside][box] += value - rest
            count[inside][box] += 1
    return Drawn(total / np.maximum(count, 1), value, {"patches": float(len(boxes))})


def patches(size: Size, patch: Size, stride: Size) -> Iterator[tuple[slice, slice]]:
    """The places of the patches, row by row.

    >>> [(rows.start, columns.start) for rows, columns in patches((4, 5), (2, 3), (2, 2))]
    [(0, 0), (0, 2), (2, 0), (2, 2)]
    """
    tops, lefts = (range(0, max(n - k + s - 1, 0) // s * s + 1, s) for n, k, s in zip(size, patch, stride, strict=True))
    for top in tops:
        for left in lefts:
            yield slice(top, top + patch[0]), slice(left, left + patch[1])


def _places(
    picture: Size, patch: Any, stride: Any, region: Any
) -> tuple[tuple[slice, slice], list[tuple[slice, slice]]]:
    """The region, and the patches within it."""
    top, left, bottom, right = _region(region, picture)
    size = (bottom - top, right - left)
    sides = _pair("patch", patch, (max(1, size[0] // SHARE), max(1, size[1] // SHARE)), size)
    steps = _pair("stride", stride, (max(1, sides[0] // 2), max(1, sides[1] // 2)), sides)
    return (slice(top, bottom), slice(left, right)), list(patches(size, sides, steps))


def _region(region: Any, size: Size) -> tuple[int, int, int, int]:
    """Four whole numbers that bound some of the picture."""
    values = (0, 0, *size) if region is None else region
    if not isinstance(values, (tuple, list)) or len(values) != 4:
        raise DeconvvizError(f"region is (top, left, bottom, right) in pixels; got region={region!r}")
    check_whole(**{"region's top": (values[0], 0), "region's left": (values[1], 0)})
    check_whole(**{"region's bottom": (values[2], values[0] + 1), "region's right": (values[3], values[1] + 1)})
    if values[2] > size[0] or values[3] > size[1]:
        raise DeconvvizError(f"region lies within the picture, {size[0]} x {size[1]} pixels; got region={region!r}")
    top, left, bottom, right = map(int, values)
    return top, left, bottom, right


def _pair(name: str, option: Any, default: Size, most: Size) -> Size:
    """Two whole numbers from 1 to the most."""
    values = default if option is None else option if isinstance(option, (tuple, list)) else (option, option)
    if len(values) != 2:
        raise DeconvvizError(f"{name} is one whole number or (height, width); got {name}={option!r}")
    for value, limit in zip(values, most, strict=True):
        check_whole(**{name: (value, 1)})
        if value > limit:
            what = "the picture" if name == "patch" else "the patch, or pixels would stay uncovered"
            raise DeconvvizError(f"{name} is no longer than {what}, {most[0]} x {most[1]}; got {name}={option!r}")
    return int(values[0]), int(values[1])


def passes(size: Size, *, patch: Any = None, stride: Any = None, region: Any = None, **options: Any) -> tuple[int, int]:
    """The picture itself, and every patch of it."""
    _, boxes = _places(size, patch, stride, region)
    return 1 + len(boxes), 0


METHOD = Method(
    name="occlusion",
    title="Occlusion",
    formula=r"\operatorname{mean}_{P \ni p}\ \big(f(x) - f(x \text{ with } P \text{ covered})\big)",
    sources=("zeiler2014visualizing",),
    order=14,
    assumes="The covered picture is still one that the network understands, and parts matter one at a time.",
    limits="As coarse as the patch; where either of two parts would do, covering one shows nothing.",
    signed=True,
    draw=draw,
    passes=passes,
)
