"""The trained network on a picture of any size: brought to the size it knows, its answer back to the picture's own."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np
from flax import nnx
from PIL import Image

from deconvviz.data import images
from deconvviz.errors import DataError, DeconvvizError, nearest
from deconvviz.figures import files
from deconvviz.tasks._shared import weights as stored
from deconvviz.tasks.segmentation import DECODERS, SKIPS
from deconvviz.tasks.segmentation.data import NAMES, SIZE, VOID, model_input
from deconvviz.tasks.segmentation.network import STRIDE, make
from deconvviz.types import DisplayImage

Run = Callable[..., np.ndarray]
#: Colour of each class in 0..255, void last; those of the data set.
COLOURS = np.array(
    [
        (128, 128, 128), (128, 0, 0), (192, 192, 128), (128, 64, 128), (0, 0, 192), (128, 128, 0), (192, 128, 128),
        (64, 64, 128), (64, 0, 128), (64, 64, 0), (0, 128, 192), (0, 0, 0),
    ],
    np.uint8,
)  # fmt: skip
#: The variant that is used where none is named.
VARIANT = SKIPS


@dataclass(frozen=True, eq=False)
class Segmentation:
    """A picture with a class for every pixel.

    Attributes:
      picture: (H, W, 3) float32, 0..1.
      classes: (H, W) uint8, indices into `NAMES`.
      scores: (h, w, 11) float32, what the network says at its own resolution, before the softmax.
      variant: the decoder.
    """

    picture: DisplayImage
    classes: np.ndarray
    scores: np.ndarray
    variant: str


def apply(image: Any, *, variant: str = VARIANT, weights: str | Path | None = None) -> Segmentation:
    """Names every pixel of a picture.

    The picture is looked at with as many pixels as the network was trained on, and the scores are brought back to its
    own size. It knows streets seen from a car; of anything else it says the likeliest of its eleven names.

    Args:
      image: path, bytes, PIL image, or array, as `deconvviz.data.images.load` reads it; any size from 8 x 8.
      variant: one of `variants()`.
      weights: a run of `train`, or its file; the shipped weights if None.

    Raises:
      ImageError: a picture that cannot be read.
      DataError: smaller than the network's stride.
      WeightsError: no such variant or file.

    Source: paszke2016enet, badrinarayanan2017segnet

    >>> from deconvviz.data import samples
    >>> result = apply(samples.load("motorcycle"))
    >>> result.classes.shape == result.picture.shape[:2], int(result.classes.max()) < VOID
    (True, True)
    """
    picture = images.load(image)
    pixels = np.rint(picture * 255).astype(np.uint8)
    network_size((pixels.shape[0], pixels.shape[1]))
    scores = scores_of(compiled(load(variant, weights)), pixels)
    classes = classes_from(scores, (pixels.shape[0], pixels.shape[1]))
    return Segmentation(picture, classes, scores, variant)


def load(variant: str = VARIANT, weights: str | Path | None = None) -> Any:
    """The trained network of a variant, shared: (N, H, W, 3) -> (N, H/2, W/2, 11); it must not be changed.

    Raises:
      WeightsError: no such variant or file.
    """
    return stored.load("segmentation", variant, make, weights)


@dataclass(frozen=True, eq=False)
class Step:
    """The first step up of a decoder, from an eighth of the size to a quarter.

    Attributes:
      values: (1, h, w, C), what it begins with.
      switches: (1, h, w, C), where the encoder's pooling found its maxima, as `deconvviz.ops.max_pool` numbers them.
      grown: (1, 2 h, 2 w, ...), the larger map, before anything else is done with it.
    """

    values: np.ndarray
    switches: np.ndarray
    grown: np.ndarray


def first_step(image: Any, *, variant: str = "unpool", weights: str | Path | None = None) -> Step:
    """What the first step up of a decoder reads and writes for a picture.

    Raises:
      DeconvvizError: a variant without a decoder; otherwise as `apply`.
    """
    network = load(variant, weights)
    if network.decoder not in DECODERS[1:]:
        raise DeconvvizError(f"{variant} has no such step to look into; {nearest(variant, DECODERS[1:])}")
    pixels = np.rint(images.load(image) * 255).astype(np.uint8)
    return Step(*compiled_step(network)(shown(pixels)))


def variants(weights: str | Path | None = None) -> dict[str, dict[str, Any]]:
    """Name -> "options", "figures", "recipe", "command", "data" and "seconds" of every variant of a file.

    Raises:
      WeightsError: a file that cannot be read.

    >>> {"transposed", "unpool", "bilinear"} <= set(variants())
    True
    """
    return stored.variants("segmentation", weights)


def coloured(classes: np.ndarray) -> np.ndarray:
    """(H, W) class indices as (H, W, 3) uint8 colours.

    >>> coloured(np.array([[0, 3]])).tolist()
    [[[128, 128, 128], [128, 64, 128]]]
    """
    return COLOURS[classes]


def overlay(result: Segmentation, share: float = 0.6) -> np.ndarray:
    """(H, W, 3) uint8: the picture with the colours of the classes laid over it."""
    mixed = (1 - share) * 255 * result.picture + share * coloured(result.classes)
    return np.asarray(np.rint(mixed), np.uint8)


def write(result: Segmentation, path: str | os.PathLike[str], *, indices: bool = False) -> Path:
    """Writes a PNG, the whole file or none: the picture under the colours, or the class indices with a palette.

    Raises:
      DeconvvizError: the folder cannot be written to.
    """
    if indices:
        image = Image.fromarray(result.classes).convert("L")
        image.putpalette(COLOURS.ravel().tolist())
        return files.write_png(path, image)
    return files.write_png(path, overlay(result))


def describe(result: Segmentation) -> dict[str, Any]:
    """What the command line says: the share of the picture that each class takes, largest first."""
    counts = np.bincount(result.classes.ravel(), minlength=VOID)[:VOID] / result.classes.size
    order = np.argsort(-counts, kind="stable")
    return {
        "variant": result.variant,
        "shares": {NAMES[c]: round(float(counts[c]), 4) for c in order if counts[c] > 0},
    }


@functools.lru_cache(maxsize=8)
def compiled(network: Any) -> Run:
    """A network as a compiled function of a batch, kept; that with skips is shown each picture and its mirror image."""
    run = stored.jitted(network)
    if network.decoder != SKIPS:
        return run

    def both(x: np.ndarray) -> np.ndarray:
        there, mirrored = np.split(run(np.concatenate([x, x[:, :, ::-1]])), 2)
        return np.asarray((there + mirrored[:, :, ::-1]) / 2)

    return both


@functools.lru_cache(maxsize=8)
def compiled_step(network: Any) -> Callable[[np.ndarray], tuple[np.ndarray, ...]]:
    """Input -> (values, switches, grown) of a decoder's first step up, as `Step` says."""
    graph, state = nnx.split(network)

    @jax.jit
    def begin(state: Any, x: Any) -> tuple[Any, Any]:
        module = nnx.merge(graph, state)
        features, (_, switches) = module.encoder(x)
        return module.middle.narrow(features), switches

    @jax.jit
    def grow(state: Any, values: Any, switches: Any) -> Any:
        return nnx.merge(graph, state).middle.spread(values, switches)

    def run(x: np.ndarray) -> tuple[np.ndarray, ...]:
        values, switches = begin(state, x)
        return tuple(np.asarray(array) for array in (values, switches, grow(state, values, switches)))

    return run


def network_size(size: tuple[int, int]) -> tuple[int, int]:
    """Rows and columns at which a picture is looked at: as many pixels as in training, its own shape, multiples of 8.

    Raises:
      DataError: smaller than the network's stride.

    >>> network_size((480, 640)), network_size((720, 1280))
    ((360, 480), (312, 552))
    """
    if min(size) < STRIDE:
        raise DataError(
            f"the network sees cells of {STRIDE} x {STRIDE} pixels; got a picture of {size[0]} x {size[1]}: "
            "name a larger one"
        )
    scale = (SIZE[0] * SIZE[1] / (size[0] * size[1])) ** 0.5
    # A very long picture keeps one cell across, and no more pixels along than four times the usual.
    rows, columns = (
        min(max(STRIDE, round(n * scale / STRIDE) * STRIDE), 4 * usual) for n, usual in zip(size, SIZE, strict=True)
    )
    return rows, columns


def scores_of(run: Run, pixels: np.ndarray) -> np.ndarray:
    """(h, w, 11) scores at half the size that the network looked at, or at an eighth."""
    return run(shown(pixels))[0]


def shown(pixels: np.ndarray) -> np.ndarray:
    """(1, h, w, 3): a picture (H, W, 3) uint8 as the network is shown it."""
    rows, columns = network_size((pixels.shape[0], pixels.shape[1]))
    if pixels.shape[:2] != (rows, columns):
        image = Image.fromarray(pixels).resize((columns, rows), Image.Resampling.BILINEAR)
        pixels = np.asarray(image)
    return model_input(pixels)[None]


def classes_of(run: Run, pixels: np.ndarray) -> np.ndarray:
    """(H, W) uint8: the class of every pixel of a picture (H, W, 3) uint8."""
    return classes_from(scores_of(run, pixels), (pixels.shape[0], pixels.shape[1]))


def classes_from(scores: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """(H, W) uint8: the class of the largest score, the scores enlarged bilinearly."""
    return enlarged(scores, size).argmax(-1).astype(np.uint8)


def enlarged(scores: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """(h, w, C) -> (H, W, C) float32, linear between the middles of the cells, the border kept beyond them.

    >>> enlarged(np.array([[[0.0], [4.0]]], np.float32), (1, 4))[0, :, 0].tolist()
    [0.0, 1.0, 3.0, 4.0]
    """
    down, across = (_interpolation(n, m) for n, m in zip(scores.shape[:2], size, strict=True))
    rows = scores[down[0]] * down[1][:, None, None] + scores[down[2]] * (1 - down[1])[:, None, None]
    return rows[:, across[0]] * across[1][:, None] + rows[:, across[2]] * (1 - across[1])[:, None]


def _interpolation(cells: int, pixels: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(lower cell, its weight, upper cell) of every pixel along one axis; beyond the outer middles the border."""
    where = np.clip((np.arange(pixels) + 0.5) * cells / pixels - 0.5, 0, cells - 1)
    low = np.minimum(where.astype(int), cells - 1)
    return low, (1 - (where - low)).astype(np.float32), np.minimum(low + 1, cells - 1)
