"""Pictures that the trained autoencoder makes: rebuilt, drawn from a class, on the way from one to another."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from deconvviz.data import images
from deconvviz.errors import DeconvvizError, check_choice
from deconvviz.figures import files
from deconvviz.metrics import psnr
from deconvviz.tasks.generation import DECODER, DECODERS
from deconvviz.tasks.generation.codes import between
from deconvviz.tasks.generation.data import sheet, squeezed, stretched
from deconvviz.tasks.generation.model import Model, model

#: Pictures on a strip between two, most on a sheet, and pixels of their shorter side.
STEPS, MOST, TILE = 8, 100, 128


@dataclass(frozen=True, eq=False)
class Generated:
    """Pictures that an autoencoder made.

    Attributes:
      picture: (H, W, 3) uint8: one rebuilt, a sheet of drawn ones, or a strip from one to another.
      kind: "rebuilt", "drawn" or "between".
      codes: (N, latents) float64, one a picture.
      label: the class: that in whose density the picture's code lies highest, or the one drawn from.
      kl: nats, of the picture's code from the standard normal density.
      psnr: decibels of the rebuilt 64 x 64 pixels; None of the other kinds.
    """

    picture: np.ndarray
    kind: str
    codes: np.ndarray
    label: str
    kl: float
    psnr: float | None


def apply(
    image: Any,
    *,
    sample: int = 0,
    interpolate: Any = None,
    seed: int = 0,
    class_name: str | None = None,
    spread: float = 1.0,
    decoder: str = DECODER,
    weights: str | Path | None = None,
    variant: str | None = None,
) -> Generated:
    """Rebuilds a picture from its code, draws others of its class, or goes from it to another one.

    Args:
      image: as `deconvviz.tasks.generation.data.squeezed` reads it; any size of 16 pixels or more a side.
      sample: how many pictures to draw from the density of a class; 0 to rebuild the picture.
      interpolate: another picture, to which a strip of eight leads.
      seed: fixes what is drawn.
      class_name: the class to draw from; that in whose density the picture's code lies highest if None.
      spread: of what is drawn; below 1 keeps it closer to the middle of the class.
      decoder: one of `DECODERS`.
      weights: a run of `train`; the shipped one if None.
      variant: which of the file's; the first if None.

    Returns:
      A `Generated`: rebuilt at the picture's own size, or tiles of 128 pixels.

    Raises:
      ImageError: a picture that cannot be read.
      DataError: one smaller than the encoder's stride, or a class that is not known.
      DeconvvizError: an option that makes no sense.

    Source: kingma2014auto, ghosh2020variational

    >>> apply(np.zeros((20, 30, 3)), sample=101)
    Traceback (most recent call last):
    deconvviz.errors.DeconvvizError: sample is how many pictures to draw, 1 to 100; got sample=101
    """
    check_choice("decoder", decoder, DECODERS, of="generation")
    if sample and interpolate is not None:
        raise DeconvvizError("sample and interpolate are two ways to make pictures; give one of them")
    if not 0 <= sample <= MOST:
        raise DeconvvizError(f"sample is how many pictures to draw, 1 to {MOST}; got sample={sample}")
    if not 0 <= spread <= 5:
        raise DeconvvizError(f"spread is a number from 0 to 5; got spread={spread}")
    picture = images.load(image)
    square, generator = squeezed(picture), model(weights, variant)
    mean, log_variance = generator.encode(square[None])
    nats = float(generator.kl(mean[0], log_variance[0]))
    if sample:
        return _drawn(generator, mean[0], nats, decoder, (sample, seed, class_name, spread))
    shape = picture.shape[1] / picture.shape[0]
    label = generator.codes.label_of(mean[0])
    if interpolate is not None:
        return _between(generator, mean[0], squeezed(interpolate), decoder, (label, nats, shape))
    return _rebuilt(generator, mean, decoder, (label, nats, square, picture.shape[:2]))


def write(result: Generated, path: str | os.PathLike[str]) -> Path:
    """Writes the picture as PNG, the whole file or none.

    Raises:
      DeconvvizError: the folder cannot be written to.
    """
    return files.write_png(path, result.picture)


def describe(result: Generated) -> dict[str, Any]:
    """What the command line says of the pictures."""
    facts = {"kind": result.kind, "class": result.label, "pictures": len(result.codes), "kl": round(result.kl, 3)}
    return facts if result.psnr is None else facts | {"psnr": round(result.psnr, 3)}


def _rebuilt(generator: Model, mean: np.ndarray, decoder: str, of: tuple[str, float, np.ndarray, Any]) -> Generated:
    label, nats, square, size = of
    picture = np.clip(generator.decode(mean, decoder)[0], 0, 1)
    return Generated(stretched(picture, size), "rebuilt", mean, label, nats, psnr(picture, square))


def _drawn(
    generator: Model, mean: np.ndarray, nats: float, decoder: str, how: tuple[int, int, str | None, float]
) -> Generated:
    count, seed, class_name, spread = how
    label = generator.labels[generator.codes.index(class_name)] if class_name else generator.codes.label_of(mean)
    codes = generator.codes.draw(count, seed=seed, label=label, spread=spread)
    shape = generator.shapes[generator.labels.index(label)]
    columns = count if count <= 5 else min(count, max(1, round((2 * count / shape) ** 0.5)))
    return Generated(
        sheet(generator.decode(codes, decoder), shape, columns, shorter=TILE), "drawn", codes, label, nats, None
    )


def _between(
    generator: Model, mean: np.ndarray, other: np.ndarray, decoder: str, of: tuple[str, float, float]
) -> Generated:
    label, nats, shape = of
    codes = between(mean, generator.encode(other[None])[0][0], STEPS)
    shape = min(4.0, max(0.25, shape))
    return Generated(
        sheet(generator.decode(codes, decoder), shape, STEPS, shorter=TILE), "between", codes, label, nats, None
    )
