"""What happens to a class when pixels go or come in the order of a map: every order, cover and photograph.

The figures come with the package (measured.json, made by ``scripts/ship_measured.py removal``); the curve of the chosen
photograph and order is computed when it is shown.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np

from deconvviz.checks.audit import controls, picture_only, removal
from deconvviz.checks.audit.intervals import Interval, interval
from deconvviz.methods.attribution import drawn
from deconvviz.methods.baselines import baseline
from deconvviz.network.score import Score
from lessons._kit.run import engine, networks, pictures
from lessons._kit.run.measured import read, short
from lessons._kit.run.pictures import PHOTOS

MEASURED = Path(__file__).with_name("measured.json")
#: What `measure` gave.
measured = functools.partial(read, MEASURED)
NETWORK = "caltech"
METHODS = ("gradient", "deconvnet", "guided", "gradient_x_input")
#: Two orders that no method is asked for come first.
ORDERS = (controls.RANDOM, controls.EDGES, *METHODS)
KINDS, COVERS = ("deletion", "insertion"), ("grey", "blur")


def label(image: str) -> str:
    """Label of the class that the network finds in the whole photograph."""
    return str(measured()["photographs"][image]["label"])


def curve(image: str, order: str, kind: str, cover: str) -> np.ndarray:
    """Probability of the class after every step, as measured: (9,)."""
    return np.array(measured()["photographs"][image]["curves"][order][f"{kind} {cover}"])


def area(image: str, order: str, kind: str, cover: str) -> float:
    """Area under the measured curve."""
    return removal.area(curve(image, order, kind, cover))


def gain(image: str, order: str, kind: str, cover: str) -> float:
    """By how much the area is better than that of a random order: smaller for deletion, larger for insertion."""
    more = area(image, order, kind, cover) - area(image, controls.RANDOM, kind, cover)
    return -more if kind == "deletion" else more


def mean_curve(order: str, kind: str, cover: str) -> tuple[Interval, ...]:
    """The mean over all photographs at each step, with its interval."""
    return tuple(interval(step) for step in np.array([curve(image, order, kind, cover) for image in PHOTOS]).T)


def mean_gain(order: str, kind: str, cover: str) -> Interval:
    """The mean gain over all photographs, with its interval."""
    return interval(gain(image, order, kind, cover) for image in PHOTOS)


def mean_area(order: str, kind: str, cover: str) -> float:
    """The mean area over all photographs."""
    return float(np.mean([area(image, order, kind, cover) for image in PHOTOS]))


def ranking(kind: str, cover: str, image: str = "") -> tuple[str, ...]:
    """The orders, the best first, by their area on one photograph or by the mean area over all."""
    areas = {one: area(image, one, kind, cover) if image else mean_area(one, kind, cover) for one in ORDERS}
    return tuple(sorted(ORDERS, key=areas.__getitem__, reverse=kind == "insertion"))


def values(image: str, order: str) -> np.ndarray:
    """The map that gives the order, the largest value first: (128, 128); computed when it is asked for."""
    return _cached(image, f"removal map {order}", lambda: _ranked(image, order))


def computed(image: str, order: str, kind: str, cover: str) -> np.ndarray:
    """The curve anew: (9,)."""
    return _cached(image, f"removal {order} {kind} {cover}", lambda: _curve(image, order, kind, cover))


def exchanged(image: str, order: str, kind: str, cover: str) -> np.ndarray:
    """The model inputs of a curve: (9, 128, 128, 3)."""
    x = model_inputs(image)
    return removal.pictures(x, covered(image, cover), removal.order(values(image, order)), kind == "insertion")


def model_inputs(image: str) -> np.ndarray:
    """The whole photograph as the network sees it: (1, 128, 128, 3)."""
    return pictures.model_inputs(networks.load(NETWORK), pictures.sample(image))


def covered(image: str, cover: str) -> np.ndarray:
    """What stands for nothing: (1, 128, 128, 3)."""
    return np.asarray(baseline(model_inputs(image), networks.load(NETWORK).network.input_spec, cover))


def probability(image: str, xs: np.ndarray) -> np.ndarray:
    """Probability of the photograph's class on model inputs, one at a time: (N,)."""
    network = networks.load(NETWORK).network
    rows = np.concatenate([np.asarray(network.run(x[None]), np.float64) for x in xs])
    weights = np.exp(rows - rows.max(axis=1, keepdims=True))
    return (weights / weights.sum(axis=1, keepdims=True))[:, network.labels.index(label(image))]


def _cached(image: str, name: str, make: Any) -> np.ndarray:
    loaded = networks.load(NETWORK)
    result: np.ndarray = engine.cached(
        loaded, pictures.sample(image), name, lambda: engine.run_compiled(loaded, "", name, make)
    )
    return result


def _score(x: np.ndarray) -> Score:
    network = networks.load(NETWORK).network
    return Score.of(network, x, (network.layers[-1].name, int(network.run(x)[0].argmax())))


def _ranked(image: str, order: str) -> np.ndarray:
    x = model_inputs(image)
    if order == controls.RANDOM:
        return np.random.default_rng([PHOTOS.index(image), 9]).random(x.shape[1:3])
    if order == controls.EDGES:
        return picture_only.edges(x)
    score = _score(x)
    return controls.ranked(order, drawn(score, x, order, **controls.options(score.network, order)).signal)


def _curve(image: str, order: str, kind: str, cover: str) -> np.ndarray:
    x, hidden = model_inputs(image), covered(image, cover)
    call = controls.scorer(_score(x), x, hidden)
    ends = (float(call(x)[0]), float(call(hidden)[0]))
    return removal.curve(call, x, hidden, values(image, order), ends, kind == "insertion")


def measure() -> dict[str, Any]:
    """Every photograph anew.

    Returns:
      "digest" of the network; "photographs": name -> "label", "curves": order -> "deletion grey", ... -> probabilities.
    """
    loaded, result = networks.load(NETWORK), dict[str, Any]()
    for image in PHOTOS:
        curves = {
            order: {f"{kind} {cover}": short(_curve(image, order, kind, cover)) for kind in KINDS for cover in COVERS}
            for order in ORDERS
        }
        network, x = loaded.network, model_inputs(image)
        result[image] = {"label": network.labels[int(network.run(x)[0].argmax())], "curves": curves}
        print(image, flush=True)
    return {"digest": loaded.digest, "photographs": result}
