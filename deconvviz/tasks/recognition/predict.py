"""What the trained network says of one picture, and the map of a class that its answer rests on."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from deconvviz.data import digits
from deconvviz.errors import DataError, DeconvvizError
from deconvviz.figures import files
from deconvviz.figures.scale import diverging_rgb, signed_limit
from deconvviz.network import Network, reconstruct_units
from deconvviz.tasks._shared import weights as stored
from deconvviz.tasks.recognition.data import prepared
from deconvviz.tasks.recognition.network import folded, make, network
from deconvviz.types import Unit

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


def arrays(weights: str | Path | None = None, variant: str | None = None) -> tuple[dict[str, Any], tuple[str, ...]]:
    """(arrays of the trained network as it is used, names of its classes).

    Args:
      weights: a run of `train`, or its file; the shipped ones if None.
      variant: one of those in the file; the first if None.

    Raises:
      WeightsError: no such file or variant.
    """
    file = stored.located("recognition", weights)
    name = variant or next(iter(stored.variants("recognition", file)))
    return _arrays(file, file.stat().st_mtime_ns, name)


@lru_cache(maxsize=8)
def _arrays(file: Path, changed: int, variant: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    module = stored.load("recognition", variant, make, file)
    labels = tuple(stored.variants("recognition", file)[variant]["options"]["labels"])
    return folded(module), labels


def look(net: Network, picture: np.ndarray, class_name: str | None = None, prove: bool = False) -> Recognized:
    """What a network says of a picture as it sees it, and the deconvnet map of a class.

    Args:
      net: as `deconvviz.tasks.recognition.network.network` gives it.
      picture: (28, 28), 0 paper to 1 ink.
      class_name: the class whose map is made; the likeliest if None.
      prove: make the map a second way too, and say how far apart the two are.

    Raises:
      DeconvvizError: an unknown class.

    Source: zeiler2014visualizing
    """
    labels = net.labels or ()
    if class_name is not None and class_name not in labels:
        raise DeconvvizError(f"the network knows the classes {', '.join(labels)}; got {class_name!r}")
    x = np.asarray(picture, np.float32)[None, :, :, None]
    scores = np.asarray(net.run(x), np.float64).reshape(-1)
    shares = np.exp(scores - scores.max())
    index = int(scores.argmax()) if class_name is None else labels.index(class_name)
    reconstruction = reconstruct_units(
        net, x, [Unit(net.layers[-1].name, index)], "deconvnet", "one", "gradient", prove
    )[0]
    label = labels[int(scores.argmax())]
    return Recognized(
        label,
        shares / shares.sum(),
        labels,
        x[0, :, :, 0],
        np.asarray(reconstruction.map)[..., 0],
        reconstruction.agreement,
    )


def apply(
    image: Any, *, class_name: str | None = None, weights: str | Path | None = None, variant: str | None = None
) -> Recognized:
    """Recognizes one digit: dark on light or light on dark, cut to its ink and brought to the data set's 8 x 8.

    Args:
      image: path, bytes, PIL image, or array, as `deconvviz.data.images.load` reads it; any size.
      class_name: the class whose map is made; the likeliest if None.
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
    small = prepared(image)
    if not small.any():
        raise DataError("the picture is of one grey, so there is no digit in it; write one, dark on light")
    return look(network(*arrays(weights, variant)), digits.enlarged(small[None])[0, :, :, 0], class_name)


def write(result: Recognized, path: str | os.PathLike[str]) -> Path:
    """Writes the picture as the network sees it beside the map, as PNG, the whole file or none.

    Raises:
      DeconvvizError: the folder cannot be written to.
    """
    grey = np.rint(255 * (1 - result.picture)).astype(np.uint8)[..., None].repeat(3, axis=-1)
    both = np.concatenate([grey, diverging_rgb(result.map, signed_limit(result.map))], axis=1)
    return files.write_png(path, both.repeat(LARGER, axis=0).repeat(LARGER, axis=1))


def describe(result: Recognized) -> dict[str, Any]:
    """What the command line says of a picture."""
    shares = {label: round(float(share), 4) for label, share in zip(result.labels, result.probabilities, strict=True)}
    return {"class": result.label, "probability": float(result.probabilities.max()), "probabilities": shares}
