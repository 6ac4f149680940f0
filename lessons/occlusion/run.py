"""What covering a square does to the score, for every square of every photograph, and maps to compare with it.

The figures come with the package (measured.json, made by ``scripts/ship_measured.py occlusion``); the chosen square is
covered anew when it is shown.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np

from deconvviz.checks.audit import controls
from deconvviz.checks.audit.intervals import Interval, interval
from deconvviz.checks.randomization import rank_correlation
from deconvviz.methods.attribution import drawn
from deconvviz.methods.baselines import baseline
from deconvviz.network.score import Score
from lessons._kit.draw.planes import Cell
from lessons._kit.run import networks, pictures
from lessons._kit.run.measured import read, short
from lessons._kit.run.pictures import PHOTOS

MEASURED = Path(__file__).with_name("measured.json")
#: What `measure` gave.
measured = functools.partial(read, MEASURED)
NETWORK = "caltech"
#: Sides of a square in pixels, what covers it, and the methods that are compared.
PATCHES, COVERS = (16, 32), ("grey", "blur")
METHODS = ("gradient", "deconvnet", "guided", "gradient_x_input", "grad_cam")


def falls(image: str, cover: str, patch: int) -> np.ndarray:
    """By how much the score falls when each square is covered: (128 / patch, 128 / patch)."""
    return np.array(measured()["photographs"][image]["falls"][f"{cover} {patch}"])


def score(image: str) -> float:
    """The score of the class, nothing covered."""
    return float(measured()["photographs"][image]["score"])


def label(image: str) -> str:
    """The class that the network finds, whose score it is."""
    return str(measured()["photographs"][image]["label"])


def map_of(image: str, method: str, patch: int) -> np.ndarray:
    """The mean of a method's map in each square, as `falls`."""
    return pooled(np.array(measured()["photographs"][image]["maps"][method]), patch // PATCHES[0])


def pooled(values: np.ndarray, cells: int) -> np.ndarray:
    """Means of squares of so many cells.

    >>> pooled(np.arange(16.0).reshape(4, 4), 2).tolist()
    [[2.5, 4.5], [10.5, 12.5]]
    """
    height, width = (n // cells for n in values.shape)
    return values.reshape(height, cells, width, cells).mean(axis=(1, 3))


def agreement(image: str, method: str, cover: str, patch: int) -> float:
    """Rank correlation, over the squares, of a method's map with the falls."""
    return rank_correlation(map_of(image, method, patch), falls(image, cover, patch))


def over_all(method: str, cover: str, patch: int) -> Interval:
    """The mean agreement over all photographs, with its interval."""
    return interval(agreement(image, method, cover, patch) for image in PHOTOS)


def covered(image: str, cover: str, patch: int, cell: Cell | None) -> np.ndarray:
    """The model input with one square covered, or with none: (1, 128, 128, 3)."""
    network = networks.load(NETWORK).network
    x = np.array(_input(image))
    if cell is not None:
        rows, columns = (slice(n * patch, (n + 1) * patch) for n in cell)
        x[0, rows, columns] = baseline(x, network.input_spec, cover)[0, rows, columns]
    return x


def value(image: str, x: np.ndarray) -> float:
    """The score of the photograph's class on a model input."""
    network = networks.load(NETWORK).network
    return float(network.run(x)[0][network.labels.index(label(image))])


def _input(image: str) -> np.ndarray:
    return pictures.model_inputs(networks.load(NETWORK), pictures.sample(image))


def measure() -> dict[str, Any]:
    """Every photograph anew.

    Returns:
      "digest" of the network; "photographs": name -> "label", "score", "falls" by cover and side, "maps" by method.
    """
    loaded, result = networks.load(NETWORK), dict[str, Any]()
    network = loaded.network
    for image in PHOTOS:
        x = _input(image)
        top = int(network.run(x)[0].argmax())
        one = Score.of(network, x, (network.layers[-1].name, top))
        record: dict[str, Any] = {
            "label": network.labels[top],
            "score": short(one.values(x))[0],
            "falls": {},
            "maps": {},
        }
        for cover in COVERS:
            for patch in PATCHES:
                options: dict[str, Any] = {"patch": patch, "stride": patch, "baseline": cover}
                fallen = drawn(one, x, "occlusion", **options).signal[::patch, ::patch]
                record["falls"][f"{cover} {patch}"] = short(fallen)
        for method in METHODS:
            signal = drawn(one, x, method, **controls.options(network, method)).signal
            record["maps"][method] = short(pooled(controls.ranked(method, signal), PATCHES[0]))
        result[image] = record
        print(image, flush=True)
    return {"digest": loaded.digest, "photographs": result}
