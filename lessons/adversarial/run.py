"""Small changes of a photograph that turn its class or its maps, and noise of the same size, for every photograph.

The figures come with the package (measured.json, made by ``scripts/ship_measured.py adversarial``); the chosen change
is made anew when it is shown.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np
import scipy

from deconvviz.checks import adversarial
from deconvviz.checks.adversarial import Attacked
from deconvviz.checks.audit.intervals import Interval, interval
from deconvviz.checks.randomization import rank_correlation, strength
from deconvviz.network.score import Score
from lessons._kit.run import engine, networks, pictures
from lessons._kit.run.measured import read, short
from lessons._kit.run.pictures import PHOTOS

MEASURED = Path(__file__).with_name("measured.json")
#: What `measure` gave.
measured = functools.partial(read, MEASURED)
NETWORK = "caltech"
RULES = ("gradient", "deconvnet", "guided")
#: What a change is made for: nothing, another class, another map.
KINDS = ("noise", "class", "map")
#: L2 norms of a change, in numbers of the model input.
RADII = (2, 4)
#: Layer whose values the third change turns.
LAYER = "relu7"


def similarity(image: str, kind: str, radius: int, rule: str) -> float:
    """Rank correlation of the map of the class found before with that of the class found after the change."""
    return float(_of(image, kind, radius)["similarity"][rule])


def probability(image: str, kind: str, radius: int) -> float:
    """Of the class that is found after the change."""
    return float(_of(image, kind, radius)["probability"])


def label(image: str, kind: str = "", radius: int = RADII[0]) -> str:
    """The class that the network finds after the change, or, without a kind, before."""
    return str(_of(image, kind, radius)["label"] if kind else measured()["photographs"][image]["label"])


def levels(image: str, kind: str, radius: int) -> float:
    """How strong the change is: its root mean square in levels of 255."""
    return float(_of(image, kind, radius)["levels"])


def turned(kind: str, radius: int) -> int:
    """On how many photographs another class is found after the change."""
    return sum(label(image) != label(image, kind, radius) for image in PHOTOS)


def over_all(kind: str, radius: int, rule: str) -> Interval:
    """The mean similarity over all photographs, with its interval."""
    return interval(similarity(image, kind, radius, rule) for image in PHOTOS)


def _of(image: str, kind: str, radius: int) -> dict[str, Any]:
    record: dict[str, Any] = measured()["photographs"][image][f"{kind} {radius}"]
    return record


def model_inputs(image: str) -> np.ndarray:
    """The photograph as the network is fed it: (1, 128, 128, 3)."""
    return pictures.model_inputs(networks.load(NETWORK), pictures.sample(image))


def changed(image: str, kind: str, radius: int) -> Attacked:
    """The photograph after a change, made now."""
    return _cached(image, f"changed {kind} {radius}", lambda: _changed(image, kind, radius))


def map_of(image: str, kind: str, radius: int, rule: str) -> np.ndarray:
    """The map of the class that is found after a change, or, where the kind is "", in the photograph: (128, 128, 3)."""
    return _cached(image, f"changed map {kind} {radius} {rule}", lambda: _map(image, kind, radius, rule))


def alike(image: str, kind: str, radius: int, rule: str) -> float:
    """`similarity` of the maps made now."""
    before, after = (strength(map_of(image, which, radius, rule)) for which in ("", kind))
    return rank_correlation(before, after)


def _cached(image: str, name: str, make: Any) -> Any:
    loaded = networks.load(NETWORK)
    return engine.cached(loaded, pictures.sample(image), name, lambda: engine.run_compiled(loaded, "", name, make))


def _changed(image: str, kind: str, radius: int) -> Attacked:
    network, x, seed = networks.load(NETWORK).network, model_inputs(image), PHOTOS.index(image)
    if kind == "noise":
        return adversarial.noise(network, x, radius, seed)
    if kind == "class":
        return adversarial.turn_class(network, x, radius)
    return adversarial.turn_map(network, x, radius, LAYER, seed=seed)


def _map(image: str, kind: str, radius: int, rule: str) -> np.ndarray:
    network, x = networks.load(NETWORK).network, model_inputs(image)
    after = changed(image, kind, radius).input if kind else x
    score = Score.of(network, after, (network.layers[-1].name, int(network.run(after)[0].argmax())))
    return score.signals(after, rule)[1][0]


def measure() -> dict[str, Any]:
    """Every photograph anew.

    Returns:
      "digest" of the network; "photographs": name -> "label", and "noise 2", ... -> "label" and "probability" of the
      class that is found then, "levels" of the change, "similarity" by rule.
    """
    loaded, photographs = networks.load(NETWORK), dict[str, Any]()
    network = loaded.network
    labels = network.labels or ()
    for image in PHOTOS:
        x = model_inputs(image)
        record: dict[str, Any] = {"label": labels[int(network.run(x)[0].argmax())]}
        before = {rule: strength(_map(image, "", 0, rule)) for rule in RULES}
        for kind in KINDS:
            for radius in RADII:
                one = _changed(image, kind, radius)
                score = Score.of(network, one.input, (network.layers[-1].name, one.after))
                share = scipy.special.softmax(np.asarray(network.run(one.input)[0], np.float64))[one.after]
                record[f"{kind} {radius}"] = {
                    "label": labels[one.after],
                    "probability": short(share),
                    "levels": short(adversarial.levels(network.input_spec, one.input - x)),
                    "similarity": {
                        rule: short(rank_correlation(before[rule], strength(score.signals(one.input, rule)[1][0])))
                        for rule in RULES
                    },
                }
        photographs[image] = record
        print(image, flush=True)
    return {"digest": loaded.digest, "photographs": photographs}
