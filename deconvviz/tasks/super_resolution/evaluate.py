"""The figures of super-resolution by the field's protocol, of a network and of bicubic beside it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from deconvviz.data import images
from deconvviz.data.colour import brightness
from deconvviz.data.folder import list_pictures
from deconvviz.errors import DataError
from deconvviz.ops.inverse import psnr
from deconvviz.tasks._shared import tiling, weights
from deconvviz.tasks.super_resolution import network
from deconvviz.tasks.super_resolution.data import bytewise, pair, sized
from deconvviz.training.image_metrics import ssim

Enlarge = Callable[[np.ndarray], np.ndarray]


def enlarger(module: Any, scale: int) -> Enlarge:
    """(h, w) -> (scale h, scale w), by a network in tiles; not rounded."""
    tile = weights.jitted(module)

    def enlarge(plane: np.ndarray) -> np.ndarray:
        small = plane[..., None].astype(np.float32)
        found = tiling.in_tiles(tile, small, margin=network.RADIUS, scale=scale)
        return np.asarray(found[..., 0], np.float64)

    return enlarge


def bicubic(scale: int) -> Enlarge:
    """(h, w) -> (scale h, scale w), by `deconvviz.ops.resize`.

    >>> bicubic(3)(np.full((4, 5), 0.5)).shape
    (12, 15)
    """
    return lambda plane: sized(plane, scale * plane.shape[0], scale * plane.shape[1])


def figures(found: np.ndarray, wanted: np.ndarray, border: int) -> dict[str, float]:
    """ "psnr" in dB and "ssim" of what was found, in whole steps of 1/255, without the border.

    Args:
      found: (H, W) brightness.
      wanted: (H, W), likewise.
      border: pixels left out on each side.

    Formula: ``PSNR = 10 log10(255^2 / mean((found - wanted)^2))`` in steps of 0..255.

    Source: wang2004image

    >>> figures(np.full((20, 17), 26 / 255), np.full((20, 17), 25 / 255), 3)["psnr"]
    48.130803609
    """
    inside = (slice(border, -border or None),) * 2
    a, b = bytewise(found)[inside], wanted[inside]
    colours = [np.repeat(plane[..., None], 3, axis=-1) for plane in (a, b)]
    return {"psnr": psnr(a, b), "ssim": ssim(*colours)}


def flat_answer(module: Any, scale: int, level: float = 0.5, cells: int = 24) -> np.ndarray:
    """(n, n) what a network makes of an even picture, away from the border: it repeats every `scale` pixels."""
    found = enlarger(module, scale)(np.full((cells, cells), level))
    margin = network.RADIUS * scale
    return found[margin:-margin, margin:-margin]


def ripple(module: Any, scale: int) -> float:
    """Standard deviation of `flat_answer`, in steps of 1/255: 0 where an even picture stays even."""
    return float(255 * flat_answer(module, scale).std())


def scored(plane: np.ndarray, scale: int, enlarge: Enlarge) -> dict[str, float]:
    """Figures of an (H, W) plane of brightness, made small and enlarged again."""
    small, large = pair(plane, scale)
    return figures(enlarge(small), large, scale)


def evaluate(folder: str | Path, scale: int, module: Any, *, progress: bool, limit: int | None) -> dict[str, Any]:
    """Means over a folder of large pictures, of the network and of bicubic, with a row for each picture."""
    if limit is not None and limit < 1:
        raise DataError(f"limit is how many pictures are measured, 1 or more; got limit={limit}")
    files = list_pictures(folder)[:limit]
    ways = {"": enlarger(module, scale), "_bicubic": bicubic(scale)}
    began, rows = time.perf_counter(), []
    for file in tqdm(files, unit="picture", disable=not progress, dynamic_ncols=True):
        plane = brightness(images.load(file))
        row: dict[str, Any] = {"picture": file.name}
        for suffix, way in ways.items():
            row |= {name + suffix: round(value, 4) for name, value in scored(plane, scale, way).items()}
        rows.append(row)
    names = [name for name in rows[0] if name != "picture"]
    means = {name: round(float(np.mean([row[name] for row in rows])), 4) for name in names}
    return {**means, "rows": rows, "images": len(rows), "seconds": round(time.perf_counter() - began, 3)}
