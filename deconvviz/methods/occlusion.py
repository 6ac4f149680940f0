"""Occlusion: how far the unit falls when a patch of the picture is covered. No derivative: an independent witness."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from deconvviz.catalog import Method
from deconvviz.errors import DeconvvizError
from deconvviz.methods._baselines import baseline as baseline_of
from deconvviz.methods._drawn import Drawn
from deconvviz.methods._settings import check_whole
from deconvviz.network.score import Score
from deconvviz.types import Array, Size

#: The patch's side, as a share of the picture's: one in so many. Its step is half of that.
SHARE = 6
#: Covered pictures that are held at a time.
HELD = 32


def draw(
    score: Score, x: Array, *, seed: int = 0, patch: Any = None, stride: Any = None, baseline: Any = "grey"
) -> Drawn:
    """At each pixel, the mean of ``f(x) - f(x with the patch covered)`` over the patches that cover it.

    Patches start at every multiple of the stride until the last one reaches the border, where it is cut off.

    Args:
      patch: (height, width) or one number, in pixels; a sixth of each side if None.
      stride: likewise; half the patch if None, and no more than the patch, or pixels would stay uncovered.
      baseline: what covers: "grey", "mean", "blur", "black", or model inputs (`deconvviz.methods._baselines`).

    Source: zeiler2014visualizing
    """
    x = np.asarray(x, np.float64)
    size = (x.shape[1], x.shape[2])
    sides = _pair("patch", patch, (max(1, size[0] // SHARE), max(1, size[1] // SHARE)), size)
    steps = _pair("stride", stride, (max(1, sides[0] // 2), max(1, sides[1] // 2)), sides)
    cover = baseline_of(x, score.network.input_spec, baseline)
    total, count = np.zeros(size), np.zeros(size)
    boxes = list(patches(size, sides, steps))
    value = float(score.values(x)[0])
    for at in range(0, len(boxes), HELD):
        some = boxes[at : at + HELD]
        covered = np.repeat(x, len(some), axis=0)
        for one, box in zip(covered, some, strict=True):
            one[box] = cover[0][box]
        for box, left in zip(some, score.values(covered), strict=True):
            total[box] += value - left
            count[box] += 1
    return Drawn(total / count, value, {"patches": float(len(boxes))})


def patches(size: Size, patch: Size, stride: Size) -> Iterator[tuple[slice, slice]]:
    """The places of the patches, row by row.

    >>> [(rows.start, columns.start) for rows, columns in patches((4, 5), (2, 3), (2, 2))]
    [(0, 0), (0, 2), (2, 0), (2, 2)]
    """
    tops, lefts = (range(0, max(n - k + s - 1, 0) // s * s + 1, s) for n, k, s in zip(size, patch, stride, strict=True))
    for top in tops:
        for left in lefts:
            yield slice(top, top + patch[0]), slice(left, left + patch[1])


def _pair(name: str, given: Any, default: Size, most: Size) -> Size:
    """Two whole numbers from 1 to the most."""
    values = default if given is None else given if isinstance(given, (tuple, list)) else (given, given)
    if len(values) != 2:
        raise DeconvvizError(f"{name} is one whole number or (height, width); got {name}={given!r}")
    for value, limit in zip(values, most, strict=True):
        check_whole(**{name: (value, 1)})
        if value > limit:
            what = "the picture" if name == "patch" else "the patch, or pixels would stay uncovered"
            raise DeconvvizError(f"{name} is no longer than {what}, {most[0]} x {most[1]}; got {name}={given!r}")
    return int(values[0]), int(values[1])


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
)
