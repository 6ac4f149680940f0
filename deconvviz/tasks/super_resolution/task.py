"""Enlarge a picture 2, 3 or 4 times: brightness by a trained FSRCNN, colour by bicubic; measured as the field does it.

Source: dong2016accelerating
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from deconvviz.catalog import USES, Option, Task, weights_options
from deconvviz.data import images
from deconvviz.data.colour import brightness, from_ycbcr, is_grey, to_ycbcr
from deconvviz.errors import ImageError, WeightsError
from deconvviz.types import DisplayImage

__all__ = [
    "TASK", "UPSAMPLERS", "Enlarged", "apply", "bicubic", "brightness", "card", "describe", "enlarge", "evaluate",
    "figures", "flat_answer", "network", "pair", "train", "untrained", "variants", "write",
]  # fmt: skip

#: Kinds of the last layer, as `deconvviz.models.upsamplers` has them.
UPSAMPLERS = ("transposed", "subpixel", "resize", "unpool")


@dataclass(frozen=True, eq=False)
class Enlarged:
    """A picture and what became of it.

    Attributes:
      picture: (s H, s W, 3) float32, 0..1: brightness by the network, colour by bicubic.
      brightness: (s H, s W) float64, the network's own, neither clipped nor rounded.
      scale: s.
      variant: whose weights were used.
    """

    picture: DisplayImage
    brightness: np.ndarray
    scale: int
    variant: str


def variants(weights: str | Path | None = None) -> dict[str, dict[str, Any]]:
    """What is known of each trained variant: its "options" (scale, upsampler, seed), "figures", "recipe", "command".

    Args:
      weights: a run of `train`, or its file; the shipped ones if None.

    Raises:
      WeightsError: no such file, or a damaged one.
    """
    from deconvviz.tasks._shared import weights as _weights

    return _weights.variants("super_resolution", weights)


def network(scale: Any = 3, weights: str | Path | None = None, variant: str | None = None) -> tuple[str, Any]:
    """(name, trained module) of a variant: the one named, or the first of that scale.

    Raises:
      DataError: a scale that is not 2, 3 or 4.
      WeightsError: no such variant, or one of another scale.

    Source: dong2016accelerating
    """
    from deconvviz.tasks._shared import weights as _weights
    from deconvviz.tasks.super_resolution import network as _super_network

    scale = _super_network.checked_scale(scale)
    known = _weights.variants(TASK.name, weights)
    scales = {name: int(about["options"]["scale"]) for name, about in known.items()}
    if variant is None:
        fitting = [name for name, one in scales.items() if one == scale]
        if not fitting:
            raise WeightsError(f"these weights enlarge {_listed(scales)} times, not {scale}: name one of these scales")
        variant = fitting[0]
    elif scales.get(variant, scale) != scale:
        raise WeightsError(f"{variant} enlarges {scales[variant]} times; say --scale {scales[variant]}, not {scale}")
    return variant, _weights.load(TASK.name, variant, _super_network.make, weights)


def apply(image: Any, *, scale: int = 3, weights: str | Path | None = None, variant: str | None = None) -> Enlarged:
    """Enlarges a picture.

    Args:
      image: path, bytes, PIL image, or array, as `deconvviz.data.images.load` reads it; any size. Transparent pixels
        are laid over white, a grey picture stays grey.
      scale: 2, 3 or 4.
      weights: a run of `train`, or its file; the shipped ones if None.
      variant: one of `variants`; the first of that scale if None.

    Returns:
      An `Enlarged`.

    Raises:
      ImageError: a picture that cannot be read, or one whose enlargement would fill the memory.
      DataError: another scale.
      WeightsError: no such variant.

    Source: dong2016accelerating
    """
    name, module = network(scale, weights, variant)
    scale, picture = int(scale), images.load(image)
    height, width = (scale * n for n in picture.shape[:2])
    if height * width > images.MAX_PIXELS:
        raise ImageError(
            f"{picture.shape[0]} x {picture.shape[1]} pixels become {height} x {width} = {height * width:,} at scale "
            f"{scale}; at most {images.MAX_PIXELS:,} are made: choose a smaller scale or picture"
        )
    if is_grey(picture):
        found = enlarge(picture[..., 0], scale, module)
        grey = np.clip(found, 0, 1).astype(np.float32)
        return Enlarged(np.repeat(grey[..., None], 3, axis=-1), found, scale, name)
    bright, *colour = np.moveaxis(to_ycbcr(picture), -1, 0)
    found = enlarge(bright, scale, module)
    planes = [found, *(bicubic(plane, scale) for plane in colour)]
    return Enlarged(from_ycbcr(np.stack(planes, axis=-1)), found, scale, name)


def enlarge(plane: np.ndarray, scale: int, module: Any) -> np.ndarray:
    """(h, w) brightness -> (scale h, scale w), by a module that `network` gives; neither clipped nor rounded."""
    from deconvviz.tasks.super_resolution import evaluate as _super_measures

    return _super_measures.enlarger(module, scale)(plane)


def bicubic(plane: np.ndarray, scale: int) -> np.ndarray:
    """(h, w) -> (scale h, scale w), by MATLAB's bicubic; neither clipped nor rounded.

    >>> bicubic(np.full((4, 5), 0.5), 3).shape
    (12, 15)
    """
    from deconvviz.tasks.super_resolution import data as _super_data

    return _super_data.sized(plane, scale * plane.shape[0], scale * plane.shape[1])


def pair(plane: np.ndarray, scale: int) -> tuple[np.ndarray, np.ndarray]:
    """(small, large) of the protocol: (H, W) brightness cut to multiples of the scale, and what bicubic makes of it.

    Both in whole steps of 1/255.

    Raises:
      DataError: a plane too small for that scale.

    >>> [one.shape for one in pair(np.full((31, 47), 0.2), 3)]
    [(10, 15), (30, 45)]
    """
    from deconvviz.tasks.super_resolution import data as _super_data

    return _super_data.pair(plane, scale)


def figures(found: np.ndarray, wanted: np.ndarray, scale: int) -> dict[str, float]:
    """PSNR in dB and SSIM of (H, W) brightness by the protocol: whole steps of 1/255, `scale` pixels off each side.

    Formula: ``PSNR = 10 log10(255^2 / mean((found - wanted)^2))`` in steps of 0..255.

    Source: wang2004image
    """
    from deconvviz.tasks.super_resolution import evaluate as _super_measures

    return _super_measures.figures(found, wanted, scale)


def flat_answer(module: Any, scale: int) -> np.ndarray:
    """(n, n) what a module makes of an even grey picture, away from the border: it repeats every `scale` pixels.

    Source: odena2016deconvolution
    """
    from deconvviz.tasks.super_resolution import evaluate as _super_measures

    return _super_measures.flat_answer(module, scale)


def untrained(variant: str, weights: str | Path | None = None) -> Any:
    """The module of a variant with the weights that its training began with.

    Raises:
      WeightsError: no such variant.
    """
    from deconvviz.errors import nearest
    from deconvviz.tasks.super_resolution import network as _super_network

    known = variants(weights)
    if variant not in known:
        raise WeightsError(f"there is no variant {variant!r}; {nearest(variant, known)}")
    return _super_network.make(known[variant]["options"])


def write(found: Enlarged, path: str | os.PathLike[str]) -> Path:
    """Writes the enlarged picture as PNG, the whole file or none.

    Raises:
      DeconvvizError: the folder cannot be written to.
    """
    from deconvviz.figures import files

    return files.write_png(path, np.rint(255 * found.picture).astype(np.uint8))


def describe(found: Enlarged) -> dict[str, Any]:
    """What the command line says of an enlargement."""
    height, width = found.picture.shape[:2]
    return {"scale": found.scale, "variant": found.variant, "height": height, "width": width}


def evaluate(
    data: str | Path,
    *,
    progress: bool = False,
    scale: int = 3,
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
      weights: a run of `train`, or its file; the shipped ones if None.
      variant: one of `variants`; the first of that scale if None.
      limit: measure that many pictures only.

    Returns:
      "psnr" and "ssim" of the network, "psnr_bicubic" and "ssim_bicubic", means over the pictures; "rows", the same
      for each; "variant", "images", "seconds".

    Raises:
      DataError: no such folder, no pictures, a picture too small for the scale, or another scale.

    Source: dong2016accelerating, wang2004image
    """
    from deconvviz.data.folder import list_pictures
    from deconvviz.tasks.super_resolution import evaluate as _super_measures
    from deconvviz.tasks.super_resolution import network as _super_network

    _super_network.checked_scale(scale)
    list_pictures(data)  # a wrong folder is said before a network is read
    name, module = network(scale, weights, variant)
    found = _super_measures.evaluate(data, int(scale), module, progress=progress, limit=limit)
    return {"scale": int(scale), "variant": name, **found}


def train(
    data: str | Path,
    out: str | Path,
    *,
    seed: int = 0,
    resume: bool = True,
    progress: bool = False,
    scale: int = 3,
    upsampler: str = "transposed",
    start: str | Path | None = None,
    test: str | Path | None = None,
    name: str | None = None,
    **changed: Any,
) -> dict[str, Any]:
    """Trains FSRCNN on a folder of pictures; every sixteenth is held back and measured after each epoch.

    Args:
      data: the folder: T91, say.
      out: folder of the run: checkpoint, metrics, weights.
      seed: fixes the first weights and every part shown.
      resume: go on from the checkpoint in `out`.
      progress: a bar on standard error.
      scale: 2, 3 or 4.
      upsampler: the last layer: one of `UPSAMPLERS`.
      start: a finished run of any scale: its weights are the first ones, its last kernel resampled to this scale.
      test: a folder that the finished weights are measured on; nothing is chosen by it.
      name: what the variant is called; "x3", or "x3-resize" with that upsampler, if None.
      changed: epochs, steps (batches an epoch), batch, side (small pixels of a part), learning_rate.

    Returns:
      "variant", "epochs", "held_back_psnr" and, with `test`, what `evaluate` says of it.

    Raises:
      DataError: no such folder, too few or too small pictures, another scale.
      TrainingError: `out` holds another run.

    Source: dong2016accelerating
    """
    from deconvviz.tasks.super_resolution import network as _super_network
    from deconvviz.tasks.super_resolution import train as _super_train

    TASK.check("train", {"upsampler": upsampler, **changed})
    scale = _super_network.checked_scale(scale)
    return _super_train.train(
        data, out, seed=seed, resume=resume, progress=progress, scale=scale, upsampler=upsampler, start=start,
        test=test, name=name, **changed,
    )  # fmt: skip


def card(path: str | Path) -> str:
    """Markdown that tells of a file of weights: data, commands, figures, licence."""
    from deconvviz.tasks.super_resolution import card as _super_card

    return _super_card.card(Path(path))


def _listed(scales: dict[str, int]) -> str:
    return ", ".join(map(str, sorted(set(scales.values()))))


TASK = Task(
    name="super_resolution",
    title="Enlarge a picture 2, 3 or 4 times",
    apply=apply,
    write=write,
    describe=describe,
    evaluate=evaluate,
    train=train,
    card=card,
    figures=("psnr", "ssim", "psnr_bicubic", "ssim_bicubic"),
    options=(
        Option("scale", "How many times larger: 2, 3 or 4 (3).", int, of=(*USES, "train")),
        *weights_options("Which of its networks, x3 or x3-resize for example."),
        Option("limit", "Measure that many pictures only.", int, of=("evaluate",)),
        Option("upsampler", "The last layer (transposed).", choices=UPSAMPLERS, of=("train",)),
        Option("start", "A finished run of any scale to go on from.", Path, of=("train",)),
        Option("test", "Pictures that the finished weights are measured on.", Path, of=("train",)),
        Option("name", "What the variant is called (x3, or x3-resize with that upsampler).", of=("train",)),
        Option("epochs", "How many epochs (25).", int, of=("train",)),
        Option("steps", "Batches in an epoch (1000).", int, of=("train",)),
        Option("batch", "Parts in a batch (8).", int, of=("train",)),
        Option("side", "Small pixels of a part's side (16).", int, of=("train",)),
        Option("learning_rate", "Its peak (0.003).", float, of=("train",)),
    ),
    sources=("dong2016accelerating", "dong2016image", "shi2016realtime", "wang2004image"),
)
