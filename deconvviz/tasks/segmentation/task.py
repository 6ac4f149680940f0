"""Name every pixel of a street: sky, road, car and eight more; three decoders on one encoder, measured.

Trained from nothing on CamVid. The decoders differ only in how maps become larger again, so their figures say what a
transposed convolution, unpooling with switches, or plain bilinear enlargement is worth.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from deconvviz.catalog import Option, Task, weights_options
from deconvviz.data import images
from deconvviz.errors import DeconvvizError, nearest
from deconvviz.types import DisplayImage

__all__ = [
    "COLOURS", "DECODERS", "NAMES", "TASK", "VOID", "Segmentation", "apply", "boundary_f1", "card", "claim_figures",
    "coloured", "confusion", "describe", "evaluate", "figures_of", "module", "overlay", "train", "variants", "write",
]  # fmt: skip

from deconvviz.tasks.segmentation.data import BALANCES, DECODERS, FUSIONS, NAMES, VOID
from deconvviz.tasks.segmentation.evaluate import boundary_f1, confusion, figures_of

#: Colour of each class in 0..255, void last; those of the data set.
COLOURS = np.array(
    [
        (128, 128, 128), (128, 0, 0), (192, 192, 128), (128, 64, 128), (0, 0, 192), (128, 128, 0), (192, 128, 128),
        (64, 64, 128), (64, 0, 128), (64, 64, 0), (0, 128, 192), (0, 0, 0),
    ],
    np.uint8,
)  # fmt: skip
#: The variant that is used where none is named.
VARIANT = "transposed"


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
    >>> found = apply(samples.load("motorcycle"))
    >>> found.classes.shape == found.picture.shape[:2], int(found.classes.max()) < VOID
    (True, True)
    """
    from deconvviz.tasks.segmentation import predict as run

    picture = images.load(image)
    pixels = np.rint(picture * 255).astype(np.uint8)
    run.network_size((pixels.shape[0], pixels.shape[1]))
    scores = run.scores_of(run.compiled(module(variant, weights)), pixels)
    classes = run.classes_from(scores, (pixels.shape[0], pixels.shape[1]))
    return Segmentation(picture, classes, scores, variant)


def module(variant: str = VARIANT, weights: str | Path | None = None) -> Any:
    """The trained network of a variant, shared: (N, H, W, 3) -> (N, H/2, W/2, 11); it must not be changed.

    Raises:
      WeightsError: no such variant or file.
    """
    from deconvviz.tasks._shared import weights as _weights
    from deconvviz.tasks.segmentation.network import make

    return _weights.load("segmentation", variant, make, weights)


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
    from deconvviz.tasks.segmentation import predict as run

    network = module(variant, weights)
    if network.decoder == "coarse":
        raise DeconvvizError(f"{variant} has no decoder to look into; {nearest(variant, DECODERS[1:])}")
    pixels = np.rint(images.load(image) * 255).astype(np.uint8)
    return Step(*run.compiled_step(network)(run.shown(pixels)))


def variants(weights: str | Path | None = None) -> dict[str, dict[str, Any]]:
    """Name -> "options", "figures", "recipe", "command", "data" and "seconds" of every variant of a file.

    Raises:
      WeightsError: a file that cannot be read.

    >>> {"transposed", "unpool", "bilinear"} <= set(variants())
    True
    """
    from deconvviz.tasks._shared import weights as _weights

    return _weights.variants("segmentation", weights)


def coloured(classes: np.ndarray) -> np.ndarray:
    """(H, W) class indices as (H, W, 3) uint8 colours.

    >>> coloured(np.array([[0, 3]])).tolist()
    [[[128, 128, 128], [128, 64, 128]]]
    """
    return COLOURS[classes]


def overlay(found: Segmentation, share: float = 0.6) -> np.ndarray:
    """(H, W, 3) uint8: the picture with the colours of the classes laid over it."""
    mixed = (1 - share) * 255 * found.picture + share * coloured(found.classes)
    return np.asarray(np.rint(mixed), np.uint8)


def write(found: Segmentation, path: str | os.PathLike[str], *, indices: bool = False) -> Path:
    """Writes a PNG, the whole file or none: the picture under the colours, or the class indices with a palette.

    Raises:
      DeconvvizError: the folder cannot be written to.
    """
    from deconvviz.figures import files

    if indices:
        image = Image.fromarray(found.classes).convert("L")
        image.putpalette(COLOURS.ravel().tolist())
        return files.write_png(path, image)
    return files.write_png(path, overlay(found))


def describe(found: Segmentation) -> dict[str, Any]:
    """What the command line says: the share of the picture that each class takes, largest first."""
    counts = np.bincount(found.classes.ravel(), minlength=VOID)[:VOID] / found.classes.size
    order = np.argsort(-counts, kind="stable")
    return {
        "variant": found.variant,
        "shares": {NAMES[c]: round(float(counts[c]), 4) for c in order if counts[c] > 0},
    }


def evaluate(
    data: str | Path,
    *,
    progress: bool = False,
    variant: str = VARIANT,
    weights: str | Path | None = None,
    limit: int | None = None,
) -> dict[str, Any]:
    """Measures a variant on DIR/images and DIR/labels: PNG with a class index in every pixel, 11 for void.

    Args:
      data: the folder; a picture and its labels share a name and a size.
      progress: a bar on standard error.
      variant: one of `variants()`.
      weights: a run of `train`; the shipped weights if None.
      limit: how many pictures.

    Returns:
      "global" (share of all pixels that are right), "class_average", "mean_iou", all from one table of all pixels;
      "boundary_f1", the mean over the pictures, 0.75 % of the diagonal; "iou", class by class; "images", "seconds".

    Raises:
      DataError: no such folder, no pairs, labels out of range or of another size.

    Source: badrinarayanan2017segnet, csurka2013what
    """
    from deconvviz.data.folder import list_partners
    from deconvviz.tasks.segmentation import data as _segmentation_data
    from deconvviz.tasks.segmentation import evaluate as _segmentation_measures

    started = time.perf_counter()
    listed = list_partners(data, _segmentation_data.FOLDERS, limit)
    network = module(variant, weights)
    scenes = (_segmentation_data.read(*pair) for pair in listed)
    figures = _segmentation_measures.measure(network, scenes, len(listed), progress=progress)
    return {**figures, "images": len(listed), "seconds": round(time.perf_counter() - started, 3)}


def train(
    data: str | Path,
    out: str | Path,
    *,
    seed: int = 0,
    resume: bool = True,
    progress: bool = False,
    **options: Any,
) -> dict[str, Any]:
    """Trains one variant on DIR/train/{images,labels} and measures it on DIR/val/{images,labels}.

    First the encoder, with ``decoder="coarse"``; then any decoder on it, with ``encoder`` naming that run, which stays
    as it is; without one all is trained at once. Random parts of random scale, mirrored, in other light; Adam with
    warm-up and cosine, a moving average of the weights.

    Args:
      data: the folder.
      out: checkpoints, metrics and weights; a killed run goes on and ends in the same weights.
      seed: fixes every draw.
      resume: go on from the checkpoint in `out`.
      progress: a bar on standard error.
      options: decoder, fusion, balance, epochs, batch, learning_rate, encoder (a run of "coarse"), hold_back (training
        pictures whose names begin so are left out); in the library also widths, dilations and crop.

    Returns:
      The last epoch's metrics and the validation figures of the weights as written.

    Raises:
      DataError: a folder that is not laid out so.
      TrainingError: options that make no sense, or a run of another recipe in `out`.
    """
    from deconvviz.tasks.segmentation import train as _segmentation_train

    known = {option.key for option in TASK.options_of("train")} | {"widths", "dilations", "crop"}
    for name in options:
        if name not in known:
            raise DeconvvizError(f"train segmentation has no option {name!r}; {nearest(name, known)}")
    TASK.check("train", {name: value for name, value in options.items() if name not in ("widths", "dilations", "crop")})
    return _segmentation_train.train(Path(data), Path(out), seed=seed, resume=resume, progress=progress, **options)


def card(path: str | Path) -> str:
    """What a file of weights is made of, as Markdown: data, commands, seeds, figures, licence."""
    from deconvviz.tasks.segmentation import card as _segmentation_card

    return _segmentation_card.card(Path(path), variants(path))


def claim_figures(found: Mapping[str, Mapping[str, Any]] | None = None) -> dict[str, float]:
    """What claim C9 rests on: figures of the three decoders and of no decoder, from the shipped file.

    >>> sorted(name for name in claim_figures() if name.endswith("mean_iou"))
    ['bilinear mean_iou', 'coarse mean_iou', 'transposed mean_iou', 'unpool mean_iou']
    """
    known = variants() if found is None else found
    return {
        f"{name} {figure}": float(known[name]["figures"][figure])
        for name in DECODERS
        for figure in ("mean_iou", "boundary_f1")
    }


_TRAIN = ("train",)
TASK = Task(
    name="segmentation",
    title="Name every pixel of a street",
    apply=apply,
    write=write,
    describe=describe,
    evaluate=evaluate,
    figures=("global", "class_average", "mean_iou", "boundary_f1", "iou"),
    train=train,
    options=(
        *weights_options("Which decoder, as the card names them (transposed)."),
        Option("indices", "Write class indices instead of colours over the picture.", bool, of=("write",)),
        Option("limit", "Measure that many pictures only.", int, of=("evaluate",)),
        Option("decoder", "How maps become larger again (transposed).", choices=DECODERS, of=_TRAIN),
        Option("fusion", "How the picture comes in again at half size (none).", choices=FUSIONS, of=_TRAIN),
        Option("balance", "Weights of the classes in the loss (root).", choices=BALANCES, of=_TRAIN),
        Option("encoder", "A run with --decoder coarse whose encoder is kept.", Path, of=_TRAIN),
        Option("epochs", "How often every picture is shown (24).", int, of=_TRAIN),
        Option("batch", "Parts in a step (4).", int, of=_TRAIN),
        Option("learning_rate", "Its peak (0.002).", float, of=_TRAIN),
        Option("hold_back", "Leave out training pictures whose names begin so.", of=_TRAIN),
    ),
    sources=("badrinarayanan2017segnet", "noh2015learning", "paszke2016enet", "brostow2009semantic"),
    card=card,
)  # fmt: skip
