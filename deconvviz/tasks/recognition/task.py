"""Recognize a digit by the small network of article 004, and show what of the picture the answer rests on.

Source: ioffe2015batch, srivastava2014dropout, alpaydin1998optical
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from deconvviz.catalog import Option, Task, weights_options
from deconvviz.errors import DataError, DeconvvizError
from deconvviz.tasks.recognition.ablations import TENTH, effect, lessens
from deconvviz.types import Unit

if TYPE_CHECKING:
    from deconvviz.network import Network
    from deconvviz.tasks.recognition.train import Snapshot

__all__ = [
    "LARGER", "TASK", "TENTH", "Recognized", "apply", "arrays", "card", "describe", "effect", "evaluate", "lessens",
    "look", "measured_effects", "of_params", "snapshots", "train", "write",
]  # fmt: skip

#: How many times larger than the network sees it a picture is written.
LARGER = 10


@dataclass(frozen=True, eq=False)
class Recognized:
    """What the network says of a picture.

    Attributes:
      label: the likeliest class.
      probabilities: (classes,) in the order of `labels`.
      labels: names of the classes.
      picture: (28, 28) float32 as the network sees it, 0 paper to 1 ink.
      map: (28, 28) float32, the score of a class brought back to the picture by the deconvnet.
      agreement: relative difference of that map between two ways of computing it; None where there is one only.
    """

    label: str
    probabilities: np.ndarray
    labels: tuple[str, ...]
    picture: np.ndarray
    map: np.ndarray
    agreement: float | None


def snapshots(data: str | Path = "digits", **setting: Any) -> Iterator[Snapshot]:
    """Trains in memory, and yields what it has come to before the first step and after every epoch.

    Args:
      data: as in `train`.
      setting: of `deconvviz.tasks.recognition.train.Setting`: norm, drop, decoder, pictures, epochs, seed, ...

    Raises:
      DataError, TrainingError: as in `train`.
    """
    from deconvviz.tasks.recognition.data import read
    from deconvviz.tasks.recognition.train import Setting, snapshots

    return snapshots(read(data), Setting(**setting))


def of_params(params: Mapping[str, np.ndarray], labels: tuple[str, ...]) -> Network:
    """The network of a snapshot's arrays, ready to be looked into."""
    from deconvviz.tasks.recognition import network

    return network.network(params, labels)


def arrays(weights: str | Path | None = None, variant: str | None = None) -> tuple[dict[str, Any], tuple[str, ...]]:
    """(arrays of the trained network as it is used, names of its classes).

    Args:
      weights: a run of `train`, or its file; the shipped ones if None.
      variant: one of those in the file; the first if None.

    Raises:
      WeightsError: no such file or variant.
    """
    from deconvviz.tasks._shared import weights as _weights

    file = _weights.located(TASK.name, weights)
    name = variant or next(iter(_weights.variants(TASK.name, file)))
    return _arrays(file, file.stat().st_mtime_ns, name)


@lru_cache(maxsize=8)
def _arrays(file: Path, changed: int, variant: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    from deconvviz.tasks._shared import weights as _weights
    from deconvviz.tasks.recognition import network

    module = _weights.load(TASK.name, variant, network.make, file)
    labels = tuple(_weights.variants(TASK.name, file)[variant]["options"]["labels"])
    return network.folded(module), labels


def look(net: Network, picture: np.ndarray, wanted: str | None = None, prove: bool = False) -> Recognized:
    """What a network says of a picture as it sees it, and the deconvnet map of a class.

    Args:
      net: as `of_params` gives it.
      picture: (28, 28), 0 paper to 1 ink.
      wanted: the class whose map is made; the likeliest if None.
      prove: make the map a second way too, and say how far apart the two are.

    Raises:
      DeconvvizError: an unknown class.

    Source: zeiler2014visualizing
    """
    from deconvviz.network import reconstruct_units

    labels = net.labels or ()
    if wanted is not None and wanted not in labels:
        raise DeconvvizError(f"the network knows the classes {', '.join(labels)}; got {wanted!r}")
    x = np.asarray(picture, np.float32)[None, :, :, None]
    scores = np.asarray(net.run(x), np.float64).reshape(-1)
    shares = np.exp(scores - scores.max())
    index = int(scores.argmax()) if wanted is None else labels.index(wanted)
    seen = reconstruct_units(net, x, [Unit(net.layers[-1].name, index)], "deconvnet", "one", "gradient", prove)[0]
    label = labels[int(scores.argmax())]
    return Recognized(label, shares / shares.sum(), labels, x[0, :, :, 0], np.asarray(seen.map)[..., 0], seen.agreement)


def apply(
    image: Any, *, wanted: str | None = None, weights: str | Path | None = None, variant: str | None = None
) -> Recognized:
    """Recognizes one digit: dark on light or light on dark, cut to its ink and brought to the data set's 8 x 8.

    Args:
      image: path, bytes, PIL image, or array, as `deconvviz.data.images.load` reads it; any size.
      wanted: the class whose map is made; the likeliest if None.
      weights: a run of `train`, or its file; the shipped ones if None.
      variant: one of those in the file; the first if None.

    Returns:
      A `Recognized`.

    Raises:
      ImageError: a picture that cannot be read.
      DataError: a picture without ink.
      WeightsError: no such weights.

    >>> from deconvviz.data import digits
    >>> apply(digits.load()[0][17].repeat(20, 0).repeat(20, 1)).label
    '7'
    """
    from deconvviz.data import digits
    from deconvviz.tasks.recognition.data import prepared

    small = prepared(image)
    if not small.any():
        raise DataError("the picture is of one grey, so there is no digit in it; write one, dark on light")
    return look(of_params(*arrays(weights, variant)), digits.enlarged(small[None])[0, :, :, 0], wanted)


def write(found: Recognized, path: str | os.PathLike[str]) -> Path:
    """Writes the picture as the network sees it beside the map, as PNG, the whole file or none.

    Raises:
      DeconvvizError: the folder cannot be written to.
    """
    from deconvviz.figures import files
    from deconvviz.figures.scale import diverging_rgb, signed_limit

    grey = np.rint(255 * (1 - found.picture)).astype(np.uint8)[..., None].repeat(3, axis=-1)
    both = np.concatenate([grey, diverging_rgb(found.map, signed_limit(found.map))], axis=1)
    return files.write_png(path, both.repeat(LARGER, axis=0).repeat(LARGER, axis=1))


def describe(found: Recognized) -> dict[str, Any]:
    """What the command line says of a picture."""
    shares = {label: round(float(share), 4) for label, share in zip(found.labels, found.probabilities, strict=True)}
    return {"class": found.label, "probability": float(found.probabilities.max()), "probabilities": shares}


def evaluate(
    data: str | Path,
    *,
    progress: bool = False,
    what: str = "figures",
    weights: str | Path | None = None,
    variant: str | None = None,
    seeds: int = 3,
    pictures: int = 200,
    epochs: int = 10,
) -> dict[str, Any]:
    """Measures a trained network, or trains all eight settings of the switches and compares them.

    Args:
      data: "digits" for those of the package, of which the part that was held back in training is taken; or a folder
        with one sub-folder a class, of which all are.
      progress: lines on standard error.
      what: "figures" or "effects".
      weights, variant: as in `arrays`; of "figures".
      seeds, pictures, epochs: of the trainings of "effects"; few pictures, so that there is something to overfit.

    Returns:
      "accuracy", "cross_entropy"; of "effects" the rows of `deconvviz.tasks.recognition.train.effects`, and
      the "seeds",
      "pictures" and "epochs" that they are of; "images", "seconds".

    Raises:
      DataError: no such folder, no pictures, or a class that the network does not know.
      WeightsError: no such weights.
    """
    from tqdm import tqdm

    from deconvviz.data import digits
    from deconvviz.tasks._shared import weights as _weights
    from deconvviz.tasks.recognition import network
    from deconvviz.tasks.recognition import train as _recognition_run
    from deconvviz.tasks.recognition.data import read

    TASK.check("evaluate", {"what": what})
    started = time.perf_counter()
    if what == "effects":
        tell = partial(tqdm.write, file=sys.stderr) if progress else lambda words: None
        given = read(data)
        found: dict[str, Any] = {
            "rows": _recognition_run.effects(given, seeds=seeds, pictures=pictures, epochs=epochs, tell=tell),
            **{"seeds": seeds, "pictures": pictures, "epochs": epochs, "images": len(given.classes)},
        }
    else:
        known = _weights.variants(TASK.name, weights)
        name = variant or next(iter(known))
        module = _weights.load(TASK.name, name, network.make, weights)
        given = read(data, tuple(known[name]["options"]["labels"]))
        rows = digits.split(given.classes)[1] if given.built_in else np.arange(len(given.classes))
        params = network.folded(module)
        found = {
            "variant": name,
            **_recognition_run.figures(params, given.values[rows], given.classes[rows]),
            "images": len(rows),
        }
    return {**found, "seconds": round(time.perf_counter() - started, 3)}


def train(
    data: str | Path,
    out: str | Path,
    *,
    seed: int = 0,
    resume: bool = True,
    progress: bool = False,
    norm: str = "on",
    drop: str = "on",
    decoder: str = "off",
    **changed: Any,
) -> dict[str, Any]:
    """Trains on the digits of the package ("digits") or on a folder; a third is held back and measured.

    Args:
      data: "digits", or a folder with one sub-folder a class.
      out: folder of the run: checkpoint, metrics, weights.
      seed: fixes weights, order and dropout.
      resume: go on from the checkpoint in `out`.
      progress: a bar on standard error.
      norm, drop, decoder: "on" or "off", as in `deconvviz.tasks.recognition.train.Setting`.
      changed: pictures, epochs, batch, learning_rate.

    Returns:
      "variant", "held_back", "accuracy", "cross_entropy".

    Raises:
      DataError: no such folder, or no pictures.
      TrainingError: numbers that make no sense, or a folder that holds another run.
    """
    from deconvviz.tasks.recognition import train as _recognition_run

    switches = {"norm": norm, "drop": drop, "decoder": decoder}
    TASK.check("train", {**switches, **changed})
    flags: dict[str, Any] = {name: value == "on" for name, value in switches.items()}
    setting = _recognition_run.Setting(**flags, **changed, seed=seed)
    return _recognition_run.train(data, out, setting, resume=resume, progress=progress)


def measured_effects() -> dict[str, Any] | None:
    """What `evaluate(..., what="effects")` found over several seeds: "rows", "seeds", "pictures", "epochs" and more.

    Returns:
      None where nothing is kept.
    """
    from deconvviz.tasks._shared import recorded_figures

    return recorded_figures.figures(TASK.name, "effects")


def card(path: str | Path) -> str:
    """Markdown that tells of a file of weights: data, command, figures, what its switches do where that is kept."""
    from deconvviz.tasks.recognition import card as _recognition_card

    return _recognition_card.card(Path(path))


_ON_OFF = ("on", "off")
TASK = Task(
    name="recognition",
    title="Recognize a digit and show what the answer rests on",
    apply=apply,
    write=write,
    describe=describe,
    evaluate=evaluate,
    figures=("accuracy", "cross_entropy"),
    train=train,
    card=card,
    options=(
        Option("class", "The class whose map is made; the likeliest if left out.", keyword="wanted"),
        *weights_options(),
        Option("what", "What to measure (figures).", choices=("figures", "effects"), of=("evaluate",)),
        Option("seeds", "Trainings of each setting for the effects (3).", int, of=("evaluate",)),
        Option("norm", "Batch normalization (on).", choices=_ON_OFF, of=("train",)),
        Option("drop", "Regularization: dropout and decay of the weights (on).", choices=_ON_OFF, of=("train",)),
        Option("decoder", "A decoder of transposed convolutions (off).", choices=_ON_OFF, of=("train",)),
        Option("pictures", "How many to train on; 0 for all (0; 200 for the effects).", int, of=("train", "evaluate")),
        Option("epochs", "How often all are shown (10).", int, of=("train", "evaluate")),
        Option("batch", "Pictures a step (32).", int, of=("train",)),
        Option("learning_rate", "Peak of the learning rate (0.001).", float, of=("train",)),
    ),
    sources=("ioffe2015batch", "srivastava2014dropout", "alpaydin1998optical", "zeiler2014visualizing"),
)  # fmt: skip
