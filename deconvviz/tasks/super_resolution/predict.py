"""The trained network on a picture of any size, and on a plane of brightness."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from deconvviz.data import images
from deconvviz.data.colour import from_ycbcr, is_grey, to_ycbcr
from deconvviz.errors import ImageError, WeightsError, nearest
from deconvviz.figures import files
from deconvviz.tasks._shared import tiling
from deconvviz.tasks._shared import weights as stored
from deconvviz.tasks._shared.turns import TURNS, check_turns, over_turns
from deconvviz.tasks.super_resolution import network
from deconvviz.tasks.super_resolution.data import bicubic
from deconvviz.types import DisplayImage

#: Pixels of the largest picture that is turned where nothing is said: its eight turns cost about as much as 640 x 480
#: pixels in one (1.1 and 0.8 seconds of one core at scale 3).
SMALL = 256 * 256


@dataclass(frozen=True, eq=False)
class Enlarged:
    """A picture and what became of it.

    Attributes:
      picture: (s H, s W, 3) float32, 0..1: brightness by the network, colour by bicubic.
      brightness: (s H, s W) float64, the network's own, neither clipped nor rounded.
      scale: s.
      variant: whose weights were used.
      turns: 8 for the mean over all turns and reflections, or 1.
    """

    picture: DisplayImage
    brightness: np.ndarray
    scale: int
    variant: str
    turns: int


def variants(weights: str | Path | None = None) -> dict[str, dict[str, Any]]:
    """What is known of each trained variant: its "options" (scale, upsampler, seed), "figures", "recipe", "command".

    Args:
      weights: a run of `train`, or its file; the shipped ones if None.

    Raises:
      WeightsError: no such file, or a damaged one.
    """
    return stored.variants("super_resolution", weights)


def load(scale: Any = 3, weights: str | Path | None = None, variant: str | None = None) -> tuple[str, Any]:
    """(name, trained module) of a variant: the one named, or the first of that scale.

    Raises:
      DataError: a scale that is not 2, 3 or 4.
      WeightsError: no such variant, or one of another scale.

    Source: dong2016accelerating
    """
    scale = network.checked_scale(scale)
    known = stored.variants("super_resolution", weights)
    scales = {name: int(about["options"]["scale"]) for name, about in known.items()}
    if variant is None:
        fitting = [name for name, one in scales.items() if one == scale]
        if not fitting:
            raise WeightsError(f"these weights enlarge {_listed(scales)} times, not {scale}: name one of these scales")
        variant = fitting[0]
    elif scales.get(variant, scale) != scale:
        raise WeightsError(f"{variant} enlarges {scales[variant]} times; say --scale {scales[variant]}, not {scale}")
    return variant, stored.load("super_resolution", variant, network.make, weights)


def apply(
    image: Any,
    *,
    scale: int = 3,
    turns: int | None = None,
    weights: str | Path | None = None,
    variant: str | None = None,
) -> Enlarged:
    """Enlarges a picture.

    Args:
      image: path, bytes, PIL image, or array, as `deconvviz.data.images.load` reads it; any size. Transparent pixels
        are laid over white, a grey picture stays grey.
      scale: 2, 3 or 4.
      turns: 8 for the mean of all turns and reflections of the picture, or 1, which takes an eighth of the time; 8 for
        pictures of at most 256 x 256 pixels, 1 for larger ones, if None.
      weights: a run of `train`, or its file; the shipped ones if None.
      variant: one of `variants`; the first of that scale if None.

    Returns:
      An `Enlarged`.

    Raises:
      ImageError: a picture that cannot be read, or one whose enlargement would fill the memory.
      DataError: another scale.
      WeightsError: no such variant.
      DeconvvizError: no such number of turns.

    Source: dong2016accelerating, timofte2016seven
    """
    name, module = load(scale, weights, variant)
    scale, picture = int(scale), images.load(image)
    turns = turns_of(picture[..., 0], turns)
    height, width = (scale * n for n in picture.shape[:2])
    if height * width > images.MAX_PIXELS:
        raise ImageError(
            f"{picture.shape[0]} x {picture.shape[1]} pixels become {height} x {width} = {height * width:,} at scale "
            f"{scale}; at most {images.MAX_PIXELS:,} are made: choose a smaller scale or picture"
        )
    if is_grey(picture):
        large = enlarge(picture[..., 0], scale, module, turns)
        grey = np.clip(large, 0, 1).astype(np.float32)
        return Enlarged(np.repeat(grey[..., None], 3, axis=-1), large, scale, name, turns)
    bright, *colour = np.moveaxis(to_ycbcr(picture), -1, 0)
    large = enlarge(bright, scale, module, turns)
    planes = [large, *(bicubic(plane, scale) for plane in colour)]
    return Enlarged(from_ycbcr(np.stack(planes, axis=-1)), large, scale, name, turns)


def turns_of(plane: np.ndarray, turns: int | None = None) -> int:
    """The number of turns that is asked for, or that a plane (h, w) of this size gets.

    Raises:
      DeconvvizError: neither 1 nor 8.

    >>> turns_of(np.zeros((256, 256))), turns_of(np.zeros((480, 640)))
    (8, 1)
    """
    if turns is None:
        return TURNS if plane.size <= SMALL else 1
    check_turns(turns)
    return turns


def enlarge(plane: np.ndarray, scale: int, module: Any, turns: int = 1) -> np.ndarray:
    """(h, w) brightness -> (scale h, scale w), by a module that `load` gives, in tiles; neither clipped nor rounded."""
    small, run = plane.astype(np.float32), stored.jitted(module)

    def once(part: np.ndarray) -> np.ndarray:
        return tiling.in_tiles(run, part[..., None], margin=module.radius, scale=scale)[..., 0].astype(np.float64)

    return over_turns(once, small, turns)


def untrained(variant: str, weights: str | Path | None = None) -> Any:
    """The module of a variant with the weights that its training began with.

    Raises:
      WeightsError: no such variant.
    """
    known = variants(weights)
    if variant not in known:
        raise WeightsError(f"there is no variant {variant!r}; {nearest(variant, known)}")
    return network.make(known[variant]["options"])


def write(result: Enlarged, path: str | os.PathLike[str]) -> Path:
    """Writes the enlarged picture as PNG, the whole file or none.

    Raises:
      DeconvvizError: the folder cannot be written to.
    """
    return files.write_png(path, np.rint(255 * result.picture).astype(np.uint8))


def describe(result: Enlarged) -> dict[str, Any]:
    """What the command line says of an enlargement."""
    height, width = result.picture.shape[:2]
    return {
        "scale": result.scale, "variant": result.variant, "turns": result.turns, "height": height, "width": width,
    }  # fmt: skip


def _listed(scales: dict[str, int]) -> str:
    return ", ".join(map(str, sorted(set(scales.values()))))
