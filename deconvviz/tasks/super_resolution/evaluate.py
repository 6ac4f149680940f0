"""The figures of super-resolution by the field's protocol, of a network and of bicubic beside it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from deconvviz.data import images
from deconvviz.data.colour import brightness
from deconvviz.data.folder import list_pictures
from deconvviz.errors import DataError
from deconvviz.metrics import psnr, ssim
from deconvviz.tasks.super_resolution import network
from deconvviz.tasks.super_resolution.data import bicubic, bytewise, pair
from deconvviz.tasks.super_resolution.predict import enlarge, load, turns_of


def evaluate(
    data: str | Path,
    *,
    progress: bool = False,
    scale: int = 3,
    turns: int | None = None,
    weights: str | Path | None = None,
    variant: str | None = None,
    limit: int | None = None,
) -> dict[str, Any]:
    """Measures on a folder of large pictures: each is made small by bicubic and enlarged again.

    The protocol: rows and columns cut to multiples of the scale, brightness Y in whole steps (a picture that is grey
    already as it is), MATLAB's bicubic with antialiasing, a border of `scale` pixels left out, PSNR with a peak of
    255, SSIM in 11 x 11 Gaussian windows.

    Args:
      data: the folder.
      progress: a bar on standard error.
      scale: 2, 3 or 4.
      turns: as for `apply`.
      weights: a run of `train`, or its file; the shipped ones if None.
      variant: one of `variants`; the first of that scale if None.
      limit: measure that many pictures only.

    Returns:
      "psnr" and "ssim" of the network, "psnr_bicubic" and "ssim_bicubic", means over the pictures; "rows", the same
      for each, with its "turns"; "variant", "images", "seconds".

    Raises:
      DataError: no such folder, no pictures, a picture too small for the scale, or another scale.
      DeconvvizError: no such number of turns.

    Source: dong2016accelerating, wang2004image
    """
    network.checked_scale(scale)
    list_pictures(data)  # a wrong folder is said before a network is read
    name, module = load(scale, weights, variant)
    measured = measure(data, int(scale), module, turns, progress=progress, limit=limit)
    return {"scale": int(scale), "variant": name, **measured}


def figures(result: np.ndarray, wanted: np.ndarray, border: int) -> dict[str, float]:
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
    a, b = inner(result, wanted, border)
    colours = [np.repeat(plane[..., None], 3, axis=-1) for plane in (a, b)]
    return {"psnr": psnr(a, b), "ssim": ssim(*colours)}


def inner(result: np.ndarray, wanted: np.ndarray, border: int) -> tuple[np.ndarray, np.ndarray]:
    """What is compared of two planes: what was found in whole steps of 1/255, both without the border."""
    inside = (slice(border, -border or None),) * 2
    return bytewise(result)[inside], wanted[inside]


def flat_answer(module: Any, scale: int, level: float = 0.5, cells: int = 24) -> np.ndarray:
    """(n, n) what a network makes of an even picture, away from the border: it repeats every `scale` pixels."""
    answer = enlarge(np.full((cells, cells), level), scale, module)
    margin = module.radius * scale
    return answer[margin:-margin, margin:-margin]


def ripple(module: Any, scale: int) -> float:
    """Standard deviation of `flat_answer`, in steps of 1/255: 0 where an even picture stays even."""
    return float(255 * flat_answer(module, scale).std())


def measure(
    folder: str | Path, scale: int, module: Any, turns: int | None = None, *, progress: bool, limit: int | None
) -> dict[str, Any]:
    """Means over a folder of large pictures, of the network and of bicubic, with a row for each picture."""
    if limit is not None and limit < 1:
        raise DataError(f"limit is how many pictures are measured, 1 or more; got limit={limit}")
    files = list_pictures(folder)[:limit]
    began, rows = time.perf_counter(), []
    for file in tqdm(files, unit="picture", disable=not progress, dynamic_ncols=True):
        small, large = pair(brightness(images.load(file)), scale)
        row: dict[str, Any] = {"picture": file.name, "turns": turns_of(small, turns)}
        answers = {"": enlarge(small, scale, module, row["turns"]), "_bicubic": bicubic(small, scale)}
        for suffix, answer in answers.items():
            measured = figures(answer, large, scale)
            row |= {name + suffix: round(value, 4) for name, value in measured.items()}
        rows.append(row)
    names = [name for name in rows[0] if name not in ("picture", "turns")]
    means = {name: round(float(np.mean([row[name] for row in rows])), 4) for name in names}
    return {**means, "rows": rows, "images": len(rows), "seconds": round(time.perf_counter() - began, 3)}
