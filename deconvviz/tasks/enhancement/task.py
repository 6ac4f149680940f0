"""Take noise and JPEG blocks out of a picture: convolve, convolve back transposed, fuse with what went in.

One network for every strength of both, which it is not told. Beside it what article 004 prints, with no training: a
blur, its adjoint, and their mean with the picture.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from deconvviz.catalog import USES, Option, Task, weights_options
from deconvviz.data import images
from deconvviz.data.colour import is_grey
from deconvviz.errors import DeconvvizError
from deconvviz.tasks.enhancement.untrained import BLUR, FUSIONS, VARIANTS, WAYS, there_and_back
from deconvviz.types import DisplayImage

if TYPE_CHECKING:
    from deconvviz.tasks.enhancement.network import Enhancer

__all__ = [
    "BLUR", "FUSIONS", "TASK", "VARIANTS", "WAYS", "Enhanced", "apply", "card", "damaged", "describe", "evaluate",
    "network", "there_and_back", "train", "trials", "write",
]  # fmt: skip


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


def apply(image: Any, *, variant: str = "main", way: str = "colours", weights: str | Path | None = None) -> Enhanced:
    """Takes noise and JPEG blocks out of a picture, at its own size.

    Args:
      image: path, bytes, PIL image, or array, as `deconvviz.data.images.load` reads it; transparent pixels are laid
        over white.
      variant: "main", or one of the small networks of `trials`, which know noise of sigma 25 alone.
      way: a colour picture's brightness and, at half the size, its two differences of colour apart ("colours"), its
        red, green and blue apart ("channels"), or its brightness alone ("brightness").
      weights: a file that `train` wrote, or the folder of the run; the shipped one if None.

    Returns:
      An `Enhanced`.

    Raises:
      ImageError: a picture that cannot be read.
      WeightsError: no such variant or file.
      DeconvvizError: no such way.

    Source: mao2016image, zhang2017beyond

    >>> found = apply(damaged(np.full((20, 30, 3), 0.5), sigma=25))
    >>> found.picture.shape, bool(found.picture.std() < 0.3 * found.given.std())
    ((20, 30, 3), True)
    """
    TASK.check("apply", {"way": way})
    from deconvviz.tasks.enhancement import evaluate as measures

    given = images.load(image)
    grey = is_grey(given)
    module = network(variant, weights)
    found = measures.cleaned(module, given[..., :1] if grey else given, way)
    return Enhanced(np.broadcast_to(found, given.shape).copy(), given, grey, variant)


def write(found: Enhanced, path: str | os.PathLike[str]) -> Path:
    """Writes a cleaned picture as PNG, grey where it was grey, the whole file or none.

    Raises:
      DeconvvizError: the folder cannot be written to.
    """
    from deconvviz.figures import files

    values = np.rint(found.picture * 255).astype(np.uint8)
    return files.write_png(path, values[..., 0] if found.grey else values)


def describe(found: Enhanced) -> dict[str, Any]:
    """What the command line says of a cleaned picture."""
    change = float(np.sqrt(np.mean((found.picture - found.given) ** 2)) * 255)
    return {"variant": found.variant, "grey": found.grey, "changed_by_levels": round(change, 2)}


def evaluate(
    data: str | Path,
    *,
    progress: bool = False,
    sigma: float | None = None,
    quality: int | None = None,
    noise_seed: int = 0,
    variant: str = "main",
    way: str = "colours",
    weights: str | Path | None = None,
) -> dict[str, Any]:
    """Damages the undamaged pictures DIR/*.png, cleans them, and measures both.

    Noise is white and Gaussian, of one seed for every picture, neither rounded nor clipped; what the network makes is
    clipped to 0..1. PSNR is over all pixels and channels, SSIM with the window of its paper; means over pictures.

    Args:
      data: the folder; grey pictures stay grey.
      progress: a bar on standard error.
      sigma: standard deviation of the noise, of 255; 25 where neither this nor a quality is given.
      quality: of JPEG, 1 to 100, before the noise.
      noise_seed: of the noise.
      variant, way, weights: as for `apply`.

    Returns:
      "psnr" and "ssim" of what the network makes, "psnr_input" and "ssim_input" of the damaged pictures,
      "psnr_untrained" of the way without training (`there_and_back`, fused), "images", "seconds".

    Raises:
      DataError: no such folder, no pictures, or one smaller than SSIM's window.
      DeconvvizError: a sigma or quality out of range.
    """
    from deconvviz.tasks.enhancement import evaluate as measures

    TASK.check("evaluate", {"way": way})
    strength = _strength(sigma, quality)
    pictures = list(measures.read(data).values())
    module = network(variant, weights)
    return measures.measure(module, pictures, way, progress, sigma=strength[0], quality=strength[1], seed=noise_seed)


def train(
    data: str | Path,
    out: str | Path,
    *,
    seed: int = 0,
    resume: bool = True,
    progress: bool = False,
    variant: str = "main",
    epochs: int | None = None,
    until: int | None = None,
    report: str | Path | None = None,
) -> dict[str, Any]:
    """Trains a network on undamaged pictures DIR/*.png, every sixteenth held back for its figures.

    Args:
      data: the folder; colour pictures count by their brightness.
      out: folder for checkpoints, metrics and weights.
      seed: fixes every draw.
      resume: go on from the checkpoint in `out`.
      progress: a bar on standard error.
      variant: "main", or a small network: how it fuses, "-norm" with batch normalization, "-resize" without a
        transposed convolution; these are trained from three seeds, and measured for claim C6.
      epochs: of 50 batches; by default as many as the shipped weights had.
      until: of "main": stop after that epoch; the same call without it goes on.
      report: of "main": a folder of other pictures, measured once at the end for the card.

    Returns:
      Figures on the pictures held back, of the weights as written.

    Raises:
      DataError: no such folder, no pictures, or one smaller than what is shown in training.
      TrainingError: `out` holds another run, or the loss is not finite.
    """
    from deconvviz.tasks.enhancement import ablations
    from deconvviz.tasks.enhancement import train as _enhancement_training

    TASK.check("train", {"variant": variant})
    for name, number in (("epochs", epochs), ("until", until)):
        if number is not None and number < 1:
            raise DeconvvizError(f"training takes one epoch or more; got {name}={number}")
    ways = {"seed": seed, "resume": resume, "progress": progress, "epochs": epochs}
    if variant == "main":
        return _enhancement_training.train(data, out, until=until, report=report, **ways)  # type: ignore[arg-type]
    return ablations.train(data, out, variant=variant, **ways)  # type: ignore[arg-type]


def network(variant: str = "main", weights: str | Path | None = None) -> Enhancer:
    """The trained network of a variant, kept in memory; it must not be changed.

    Raises:
      WeightsError: no such variant or file.
    """
    from deconvviz.tasks._shared import weights as _weights
    from deconvviz.tasks.enhancement.network import make

    found: Enhancer = _weights.load("enhancement", variant, make, weights)
    return found


def trials(weights: str | Path | None = None) -> dict[str, Mapping[str, Any]]:
    """What was measured of each small network, by name: "options", "figures", "seeds", "command" and more.

    Raises:
      WeightsError: no such file.

    >>> trials()["add"]["options"]["fusion"]
    'add'
    """
    from deconvviz.tasks._shared import weights as _weights

    return {name: about for name, about in _weights.variants("enhancement", weights).items() if "seeds" in about}


def damaged(picture: DisplayImage, *, sigma: float = 0.0, quality: int = 0, seed: int = 0) -> DisplayImage:
    """A picture as JPEG of a quality (0: none), then with noise of a standard deviation of 255, clipped to 0..1.

    Args:
      picture: (H, W, 3), 0..1; one that is grey stays grey.
      sigma: 0 to 255.
      quality: 1 to 100, or 0.
      seed: fixes the noise; the same for every picture of that shape.

    Raises:
      DeconvvizError: a sigma or quality out of range.

    >>> float(abs(damaged(np.full((8, 9, 3), 0.5), sigma=10)).mean().round(2))
    0.5
    """
    from deconvviz.tasks.enhancement import evaluate as measures

    given = np.asarray(picture, np.float32)
    planes = given[..., :1] if is_grey(given) else given
    found = np.clip(measures.damaged(planes, sigma, quality, seed), 0, 1)
    return np.broadcast_to(found, given.shape).copy()


def card(path: str | Path) -> str:
    """Markdown that tells about a file of weights: data, commands, figures, what it is not good for."""
    from deconvviz.tasks.enhancement import card as _enhancement_card

    return _enhancement_card.text(Path(path))


def _strength(sigma: float | None, quality: int | None) -> tuple[float, int]:
    if sigma is None and quality is None:
        return 25.0, 0
    if sigma is not None and not 0 <= sigma <= 255:
        raise DeconvvizError(f"sigma is the standard deviation of the noise, 0 to 255; got {sigma}")
    if quality is not None and not 1 <= quality <= 100:
        raise DeconvvizError(f"quality is a whole number of JPEG's scale, 1 to 100; got {quality}")
    if not sigma and not quality:
        raise DeconvvizError("sigma is 0 and no quality is given: nothing would be damaged; name one of them")
    return sigma or 0.0, quality or 0


TASK = Task(
    name="enhancement",
    title="Take noise and JPEG blocks out of a picture",
    apply=apply,
    write=write,
    describe=describe,
    evaluate=evaluate,
    figures=("psnr", "psnr_input", "ssim", "ssim_input", "psnr_untrained"),
    train=train,
    options=(
        *weights_options("main, or a small network such as add or none-norm (main)."),
        Option("variant", "main, or a small network (main).", choices=VARIANTS, of=("train",)),
        Option("way", "How colours go through the network (colours).", choices=WAYS, of=USES),
        Option("sigma", "Standard deviation of the noise, of 255 (25).", float, of=("evaluate",)),
        Option("quality", "JPEG quality, 1 to 100; no noise then but with --sigma.", int, of=("evaluate",)),
        Option("noise_seed", "Seed of the noise (0).", int, of=("evaluate",)),
        Option("epochs", "Epochs of 200 batches; as many as the shipped weights had if left out.", int, of=("train",)),
        Option("until", "Stop after that epoch; the same command without it goes on.", int, of=("train",)),
        Option("report", "Other pictures, measured at the end for the card.", Path, of=("train",)),
    ),
    sources=("mao2016image", "zhang2017beyond", "zhang2018ffdnet", "wang2004image", "ioffe2015batch"),
    card=card,
)
