"""The trained network on a picture of any size: brightness and colour, tile by tile."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from deconvviz.data import images
from deconvviz.data.colour import is_grey
from deconvviz.errors import check_choice
from deconvviz.figures import files
from deconvviz.ops.resize import resize
from deconvviz.tasks._shared import weights as stored
from deconvviz.tasks._shared.tiling import in_tiles
from deconvviz.tasks._shared.turns import TURNS, check_turns, over_turns
from deconvviz.tasks.enhancement import WAYS
from deconvviz.tasks.enhancement.data import TO_COLOURS
from deconvviz.tasks.enhancement.network import Enhancer, make, reach
from deconvviz.types import DisplayImage

#: Sides of tiles, and what they are rounded up to, so that few sizes are ever compiled.
TILE, ROUND = 640, 16
#: Where the three of a grey picture lie, so that all are around 0..1.
MIDDLE = np.array([0, 0.5, 0.5], np.float32)
FROM_COLOURS = np.linalg.inv(TO_COLOURS.astype(np.float64)).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Enhanced:
    """A picture, cleaned.

    Attributes:
      picture: (H, W, 3) float32, 0..1.
      given: the same, as it went in.
      grey: whether red, green and blue of what went in were the same everywhere.
      variant: the network's name in its file.
    """

    picture: DisplayImage
    given: DisplayImage
    grey: bool
    variant: str


def apply(
    image: Any, *, variant: str = "main", way: str = "colours", turns: int = TURNS, weights: str | Path | None = None
) -> Enhanced:
    """Takes noise and JPEG blocks out of a picture, at its own size.

    Args:
      image: path, bytes, PIL image, or array, as `deconvviz.data.images.load` reads it; transparent pixels are laid
        over white.
      variant: "main", or one of the small networks of `deconvviz.tasks.enhancement.ablations`, which know
        noise of sigma 25 alone.
      way: a colour picture's brightness and, at half the size, its two differences of colour apart ("colours"), its
        red, green and blue apart ("channels"), or its brightness alone ("brightness").
      turns: 8 for the mean of all turns and reflections of the picture, or 1, which takes an eighth of the time.
      weights: a file that `train` wrote, or the folder of the run; the shipped one if None.

    Returns:
      An `Enhanced`.

    Raises:
      ImageError: a picture that cannot be read.
      WeightsError: no such variant or file.
      DeconvvizError: no such way or number of turns.

    Source: mao2016image, zhang2017beyond, timofte2016seven

    >>> from deconvviz.tasks.enhancement.data import damaged
    >>> result = apply(damaged(np.full((20, 30, 3), 0.5), sigma=25))
    >>> result.picture.shape, bool(result.picture.std() < 0.3 * result.given.std())
    ((20, 30, 3), True)
    """
    check_choice("way", way, WAYS, of="enhancement")
    check_turns(turns)
    given = images.load(image)
    grey = is_grey(given)
    result = cleaned(load(variant, weights), given[..., :1] if grey else given, way, turns)
    return Enhanced(np.broadcast_to(result, given.shape).copy(), given, grey, variant)


def write(result: Enhanced, path: str | os.PathLike[str]) -> Path:
    """Writes a cleaned picture as PNG, grey where it was grey, the whole file or none.

    Raises:
      DeconvvizError: the folder cannot be written to.
    """
    values = np.rint(result.picture * 255).astype(np.uint8)
    return files.write_png(path, values[..., 0] if result.grey else values)


def describe(result: Enhanced) -> dict[str, Any]:
    """What the command line says of a cleaned picture."""
    change = float(np.sqrt(np.mean((result.picture - result.given) ** 2)) * 255)
    return {"variant": result.variant, "grey": result.grey, "changed_by_levels": round(change, 2)}


def load(variant: str = "main", weights: str | Path | None = None) -> Enhancer:
    """The trained network of a variant, kept in memory; it must not be changed.

    Raises:
      WeightsError: no such variant or file.
    """
    module: Enhancer = stored.load("enhancement", variant, make, weights)
    return module


@functools.lru_cache(maxsize=24)
def runner(module: Enhancer) -> Callable[[np.ndarray], np.ndarray]:
    """The network as a compiled function, kept."""
    return stored.jitted(module)


def cleaned_plane(module: Enhancer, plane: np.ndarray, turns: int = 1) -> np.ndarray:
    """What the network makes of one plane (H, W), not clipped; any size."""
    return over_turns(functools.partial(_once, module), plane, turns)


def _once(module: Enhancer, plane: np.ndarray) -> np.ndarray:
    margin = reach(module)
    return in_tiles(
        runner(module), plane[..., None].astype(np.float32), margin=margin, multiple=ROUND, tile=TILE
    )[..., 0]  # fmt: skip


def cleaned(module: Enhancer, picture: np.ndarray, way: str = "colours", turns: int = 1) -> np.ndarray:
    """What the network makes of a picture.

    Args:
      module: trained.
      picture: (H, W, C), C of 1 or 3; noise may reach beyond 0..1.
      way: of `deconvviz.tasks.enhancement.WAYS`: red, green and blue apart; brightness and the two differences of
        colour apart, these at half the size, as the eye sees them and JPEG keeps them; brightness alone.
      turns: 1 or 8, as in `apply`.

    Returns:
      The same shape, float32, clipped to 0..1.
    """
    if picture.shape[2] == 1:
        return np.clip(cleaned_plane(module, picture[..., 0], turns)[..., None], 0, 1)
    if way == "channels":
        return np.clip(np.stack([cleaned_plane(module, picture[..., c], turns) for c in range(3)], axis=-1), 0, 1)
    planes = picture.astype(np.float32) @ TO_COLOURS.T + MIDDLE
    planes[..., 0] = cleaned_plane(module, planes[..., 0], turns)
    if way != "brightness":
        for c in (1, 2):
            planes[..., c] = _cleaned_small(module, planes[..., c], turns)
    return np.clip((planes - MIDDLE) @ FROM_COLOURS.T, 0, 1)


def _cleaned_small(module: Enhancer, plane: np.ndarray, turns: int) -> np.ndarray:
    """As `cleaned_plane`, of the means of 2 x 2 pixels, made large again by bicubic interpolation."""
    height, width = plane.shape
    even = np.pad(plane, ((0, height % 2), (0, width % 2)), mode="edge")
    small = even.reshape(even.shape[0] // 2, 2, even.shape[1] // 2, 2).mean(axis=(1, 3))
    large = resize(cleaned_plane(module, small, turns)[None, ..., None], even.shape)
    return np.asarray(large)[0, :height, :width, 0]
