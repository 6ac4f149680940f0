"""The cascade of a photograph: maps of its class while the network is shuffled from the top down, and what it measured.

The figures of all photographs come with the package (measured.json, made by ``scripts/ship_measured.py shuffled``); the
maps of the chosen photograph and rule are computed when they are shown, and compared with those figures.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np

from deconvviz.checks.audit.intervals import Interval, interval
from deconvviz.checks.randomization import Cascade, cascade, rank_correlation, strength
from lessons._kit.run import engine, networks, pictures
from lessons._kit.run.measured import read
from lessons._kit.run.pictures import PHOTOS

NETWORK = "caltech"
RULES = ("gradient", "deconvnet", "guided")
#: A map that knows neither network nor picture.
NOISE = "noise"
#: Seeds that the photographs take in turn.
SEEDS = 5
MEASURED = Path(__file__).with_name("measured.json")
#: What `measure` gave.
measured = functools.partial(read, MEASURED)


def seed_of(image: str) -> int:
    """The seed that a photograph's layers are shuffled by."""
    return PHOTOS.index(image) % SEEDS


def layers() -> tuple[str, ...]:
    """The layers that each step shuffles, the top one first."""
    return tuple(measured()["layers"][1:])


def similarity(image: str, rule: str) -> tuple[float, ...]:
    """Rank correlation of each step's map with the untouched network's, the first 1."""
    if rule == NOISE:
        return noise(image).similarity
    return tuple(measured()["similarity"][image][rule])


def over_all(rule: str) -> tuple[Interval, ...]:
    """The mean over all photographs at each step, with its interval."""
    return tuple(interval(step) for step in np.array([similarity(image, rule) for image in PHOTOS]).T)


def of(image: str, rule: str) -> Cascade:
    """The maps of a photograph's class by a rule, one after every layer that is shuffled."""
    if rule == NOISE:
        return noise(image)
    loaded, picture = networks.load(NETWORK), pictures.sample(image)
    return engine.cached(loaded, picture, f"cascade {rule}", lambda: _computed(image, rule))


def _computed(image: str, rule: str) -> Cascade:
    loaded, picture = networks.load(NETWORK), pictures.sample(image)
    x = pictures.model_inputs(loaded, picture)
    return engine.run_compiled(loaded, "", f"cascade {rule}", lambda: cascade(loaded.network, x, rule, seed_of(image)))


@functools.lru_cache(maxsize=4)
def noise(image: str) -> Cascade:
    """A "map" drawn anew at every step: it has nothing to do with the picture or the network."""
    names = measured()["layers"]
    maps = np.random.default_rng([seed_of(image), 11]).standard_normal((len(names), 128, 128, 1))
    alike = tuple(rank_correlation(strength(maps[0]), strength(one)) for one in maps)
    return Cascade(NOISE, tuple(names), maps, alike)


def found_class(image: str) -> str:
    """Label of the class that the untouched network finds."""
    return str(measured()["classes"][image])


def measure() -> dict[str, Any]:
    """Every photograph and rule anew.

    Returns:
      "digest" of the network; "layers" as they are shuffled, "" first; "classes": photograph -> label; "similarity":
      photograph -> rule -> rank correlations.
    """
    loaded, names = networks.load(NETWORK), tuple[str, ...]()
    result, classes = dict[str, dict[str, list[float]]](), dict[str, str]()
    for image in PHOTOS:
        x = pictures.model_inputs(loaded, pictures.sample(image))
        classes[image] = loaded.network.labels[int(loaded.network.run(x)[0].argmax())]
        for rule in RULES:
            one = _computed(image, rule)
            names = one.shuffled
            result.setdefault(image, {})[rule] = [round(value, 9) for value in one.similarity]
    return {"digest": loaded.digest, "layers": list(names), "classes": classes, "similarity": result}
