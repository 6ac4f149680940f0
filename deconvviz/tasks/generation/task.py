"""Make pictures: an autoencoder of faces, motorbikes and airplanes that rebuilds, draws and goes from one to another.

A variational autoencoder: a picture becomes a code of few numbers, a decoder of transposed convolutions makes a
picture of any code. Four decoders of one code differ in how they enlarge.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from deconvviz.catalog import Option, Task, weights_options
from deconvviz.data import images
from deconvviz.errors import DataError, DeconvvizError
from deconvviz.tasks.generation.codes import between
from deconvviz.tasks.generation.data import DECODERS, known, listed, read, shaped, sheet, squeeze, stretched
from deconvviz.tasks.generation.model import DECODER, Model, model

__all__ = [
    "DECODER", "DECODERS", "TASK", "Generated", "Model", "apply", "between", "card", "describe", "evaluate", "model",
    "shaped", "sheet", "squeezed", "train", "write",
]  # fmt: skip

#: The encoder halves a picture four times.
STRIDE = 16
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


def squeezed(image: Any) -> np.ndarray:
    """(64, 64, 3) float32 in 0..1: the whole picture, squeezed to a square, as the autoencoder is fed.

    Args:
      image: path, bytes, PIL image, or array, as `deconvviz.data.images.load` reads it; 16 pixels or more a side.

    Raises:
      ImageError: a picture that cannot be read.
      DataError: a picture smaller than the encoder's stride.

    >>> squeezed(np.zeros((20, 90, 3), np.uint8)).shape
    (64, 64, 3)
    """
    picture = images.load(image)
    height, width = picture.shape[:2]
    if min(height, width) < STRIDE:
        raise DataError(
            f"the encoder halves a picture four times and needs {STRIDE} pixels or more a side; got a picture of "
            f"{height} x {width}: enlarge it, or take another"
        )
    return squeeze(np.rint(picture * 255).astype(np.uint8)) / np.float32(255)


def apply(
    image: Any,
    *,
    sample: int = 0,
    interpolate: Any = None,
    seed: int = 0,
    wanted: str | None = None,
    spread: float = 1.0,
    decoder: str = DECODER,
    weights: str | Path | None = None,
    variant: str | None = None,
) -> Generated:
    """Rebuilds a picture from its code, draws others of its class, or goes from it to another one.

    Args:
      image: as `squeezed` reads it; any size of 16 pixels or more a side.
      sample: how many pictures to draw from the density of a class; 0 to rebuild the picture.
      interpolate: another picture, to which a strip of eight leads.
      seed: fixes what is drawn.
      wanted: the class to draw from; that in whose density the picture's code lies highest if None.
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
    TASK.check("apply", {"decoder": decoder})
    if sample and interpolate is not None:
        raise DeconvvizError("sample and interpolate are two ways to make pictures; give one of them")
    if not 0 <= sample <= MOST:
        raise DeconvvizError(f"sample is how many pictures to draw, 1 to {MOST}; got sample={sample}")
    if not 0 <= spread <= 5:
        raise DeconvvizError(f"spread is a number from 0 to 5; got spread={spread}")
    picture = images.load(image)
    square, made = squeezed(picture), model(weights, variant)
    mean, log_variance = made.encode(square[None])
    nats = float(made.kl(mean[0], log_variance[0]))
    if sample:
        return _drawn(made, mean[0], nats, decoder, (sample, seed, wanted, spread))
    shape = picture.shape[1] / picture.shape[0]
    label = made.codes.label_of(mean[0])
    if interpolate is not None:
        return _between(made, mean[0], squeezed(interpolate), decoder, (label, nats, shape))
    return _rebuilt(made, mean, decoder, (label, nats, square, picture.shape[:2]))


def write(found: Generated, path: str | os.PathLike[str]) -> Path:
    """Writes the picture as PNG, the whole file or none.

    Raises:
      DeconvvizError: the folder cannot be written to.
    """
    from deconvviz.figures import files

    return files.write_png(path, found.picture)


def describe(found: Generated) -> dict[str, Any]:
    """What the command line says of the pictures."""
    said = {"kind": found.kind, "class": found.label, "pictures": len(found.codes), "kl": round(found.kl, 3)}
    return said if found.psnr is None else said | {"psnr": round(found.psnr, 3)}


def train(
    data: str | Path,
    out: str | Path,
    *,
    seed: int = 0,
    resume: bool = True,
    progress: bool = True,
    classes: str | None = None,
    **options: Any,
) -> dict[str, Any]:
    """Trains one encoder and four decoders on DIR/CLASS/*.jpg; writes checkpoints, metrics and weights to `out`.

    The last tenth of every class by file name is never trained on.

    Args:
      data: one folder a class, the original archive of Caltech-101, or a set in two parts, train30 and extra.
      out: folder of the run; a killed run goes on after its last whole epoch and ends in the same weights.
      seed: fixes every draw.
      resume: go on from the checkpoint in `out`, if there is one.
      progress: a bar on standard error.
      classes: names with commas between; faces, motorbikes and airplanes where the folder holds them, else all.
      options: epochs, batch, latents, perceptual.

    Returns:
      Figures of the weights as written, as `evaluate` gives them, on the pictures that were held out.

    Raises:
      DataError: no such folder or class, or too few pictures.
      TrainingError: an option out of its range, or a run that cannot start or go on.
    """
    from deconvviz.tasks.generation import train as _generation_train

    TASK.check("train", {"classes": classes, **options})
    _, figures, count = _generation_train.train(
        Path(data), Path(out), seed=seed, resume=resume, progress=progress, classes=classes, **options
    )
    return {**_summary(figures), "images": count}


def evaluate(
    data: str | Path,
    *,
    progress: bool = False,
    part: str = "all",
    weights: str | Path | None = None,
    variant: str | None = None,
) -> dict[str, Any]:
    """Measures rebuilt pictures against DIR/CLASS/*.jpg, and drawn ones by the recognition network.

    Args:
      data: a folder as `train` reads it; classes that the autoencoder was not trained on are left out.
      progress: taken for the contract; it takes seconds.
      part: "all" pictures, or those "held_out" when training on this folder.
      weights: a run of `train`; the shipped one if None.
      variant: which of the file's; the first if None.

    Returns:
      "psnr", "ssim", "log_likelihood", "kl" (nats) of rebuilt pictures; of drawn ones "sample_accuracy", the share
      that the recognition network calls by their class, "feature_distance", Frechet's on its pooled relu7 features to
      the pictures of the folder (not the FID, which another network defines), and "checkerboard", the share of energy
      in a pattern of period 2; all by the default decoder. "decoders" and "classes" hold the rest; "images", "seconds".

    Raises:
      DataError: no such folder, or none of the classes in it.
      WeightsError: weights that cannot be read.
    """
    from deconvviz.tasks.generation.evaluate import Figures

    started = time.perf_counter()
    TASK.check("evaluate", {"part": part})
    listed(Path(data))
    made = model(weights, variant)
    folder = known(Path(data), made.labels, made.about["recipe"]["held_out"], part)
    figures = Figures(made.net, made.about["options"], made.noise).all(read(folder), folder.classes)
    return {
        **_summary(figures),
        "classes": figures["drawn"][DECODER]["of_class"],
        "decoders": _decoders(figures),
        "images": len(folder),
        "seconds": round(time.perf_counter() - started, 3),
    }


def card(path: Path) -> str:
    """Markdown about a file of weights."""
    from deconvviz.tasks.generation.card import card_of

    return card_of(path, DECODER)


def _summary(figures: dict[str, Any]) -> dict[str, Any]:
    """The default decoder's figures."""
    drawn = figures["drawn"][DECODER]
    return {
        "psnr": figures["rebuilt"][DECODER]["psnr"],
        "ssim": figures["rebuilt"][DECODER]["ssim"],
        "log_likelihood": figures["bound"][DECODER],
        "kl": figures["bound"]["kl"],
        "sample_accuracy": drawn["accuracy"],
        "feature_distance": drawn["distance"],
        "checkerboard": figures["pattern"][DECODER]["after"],
    }


def _decoders(figures: dict[str, Any]) -> dict[str, Any]:
    return {
        name: {
            **figures["rebuilt"][name],
            "sample_accuracy": figures["drawn"][name]["accuracy"],
            "feature_distance": figures["drawn"][name]["distance"],
            "checkerboard_before": figures["pattern"][name]["before"],
            "checkerboard": figures["pattern"][name]["after"],
        }
        for name in DECODERS
    }


def _rebuilt(made: Model, mean: np.ndarray, decoder: str, of: tuple[str, float, np.ndarray, Any]) -> Generated:
    from deconvviz.ops.inverse import psnr

    label, nats, square, size = of
    found = np.clip(made.decode(mean, decoder)[0], 0, 1)
    return Generated(stretched(found, size), "rebuilt", mean, label, nats, psnr(found, square))


def _drawn(
    made: Model, mean: np.ndarray, nats: float, decoder: str, how: tuple[int, int, str | None, float]
) -> Generated:
    count, seed, wanted, spread = how
    label = made.labels[made.codes.index(wanted)] if wanted else made.codes.label_of(mean)
    codes = made.codes.draw(count, seed=seed, label=label, spread=spread)
    shape = made.shapes[made.labels.index(label)]
    columns = count if count <= 5 else min(count, max(1, round((2 * count / shape) ** 0.5)))
    return Generated(
        sheet(made.decode(codes, decoder), shape, columns, shorter=TILE), "drawn", codes, label, nats, None
    )


def _between(made: Model, mean: np.ndarray, other: np.ndarray, decoder: str, of: tuple[str, float, float]) -> Generated:
    label, nats, shape = of
    codes = between(mean, made.encode(other[None])[0][0], STEPS)
    shape = min(4.0, max(0.25, shape))
    return Generated(
        sheet(made.decode(codes, decoder), shape, STEPS, shorter=TILE), "between", codes, label, nats, None
    )


TASK = Task(
    name="generation",
    title="Make pictures from a code of few numbers",
    apply=apply,
    write=write,
    describe=describe,
    evaluate=evaluate,
    figures=(
        "psnr", "ssim", "log_likelihood", "kl", "sample_accuracy", "feature_distance", "checkerboard",
    ),
    train=train,
    options=(
        Option("sample", "Draw that many pictures of a class instead.", int),
        Option("class", "The class to draw from; that of the picture if left out.", keyword="wanted"),
        Option("seed", "Fixes what is drawn (0).", int),
        Option("spread", "Of what is drawn; below 1 is closer to the middle (1).", float),
        Option("interpolate", "Another picture, to which a strip of eight leads.", Path),
        Option("decoder", f"How maps are enlarged ({DECODER}).", choices=tuple(DECODERS)),
        *weights_options(),
        Option("part", "Which pictures to measure on (all).", choices=("all", "held_out"), of=("evaluate",)),
        Option("epochs", "Length of the schedule (40).", int, of=("train",)),
        Option("batch", "Pictures in a batch (16).", int, of=("train",)),
        Option("latents", "Numbers in a code (48).", int, of=("train",)),
        Option("perceptual", "Weight of the error in early features of the recognition network.", float, of=("train",)),
        Option("classes", "Names with commas between; faces, motorbikes, airplanes where they are.", of=("train",)),
    ),
    sources=("kingma2014auto", "ghosh2020variational", "heusel2017gans", "odena2016deconvolution"),
    card=card,
)  # fmt: skip
