"""Two networks of one shape, plain and trained on its own adversarial examples, measured side by side.

The figures come with the package (measured.json, made by ``scripts/ship_measured.py robust``); maps and the chosen
change are made anew when they are shown.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import numpy as np

from deconvviz.checks import adversarial
from deconvviz.checks.adversarial import Attacked
from deconvviz.checks.audit.intervals import Interval, interval
from deconvviz.checks.randomization import rank_correlation, strength
from deconvviz.methods.attribution import drawn
from deconvviz.network.score import Score
from lessons._kit.numbers.spectrum import fine
from lessons._kit.photo.twins import TWINS
from lessons._kit.run import engine, networks, pictures
from lessons._kit.run.measured import read, short
from lessons._kit.run.pictures import PHOTOS

MEASURED = Path(__file__).with_name("measured.json")
#: What `measure` gave.
measured = functools.partial(read, MEASURED)
#: L2 norms of a change, in numbers of the model input: 0.5 and 1 in pixels of 0..1, where training moved within 1.
RADII = (2, 4)
#: Side of the squares that are covered for comparison, in pixels.
SQUARE = 16
#: Rules whose maps can be chosen.
RULES = ("gradient", "deconvnet", "guided")


def model_inputs(image: str) -> np.ndarray:
    """The photograph as both networks are fed it: (1, 128, 128, 3)."""
    return pictures.model_inputs(networks.load(TWINS["plain"]), pictures.sample(image))


def label(image: str, training: str, radius: int = 0) -> str:
    """The class that a network finds, after a change so long that was made for it; before it where that is 0."""
    return str(_of(image, training)[f"class {radius}" if radius else "label"])


def kept(training: str, radius: int) -> int:
    """On how many photographs a network finds the class of before after a change that was made for it."""
    return sum(label(image, training) == label(image, training, radius) for image in PHOTOS)


def follows(image: str, training: str) -> float:
    """Rank correlation of a network's gradient with the falls of its score where squares are covered."""
    return float(_of(image, training)["occlusion"])


def over_all(training: str) -> Interval:
    """Its mean over the photographs."""
    return interval(follows(image, training) for image in PHOTOS)


def grainy(training: str) -> Interval:
    """`fine` of a network's gradient, its mean over the photographs."""
    return interval(float(_of(image, training)["grain"]) for image in PHOTOS)


def validation(training: str) -> tuple[float, int]:
    """Accuracy of a network on validation pictures, and their number."""
    figures = json.loads(networks.load(TWINS[training]).network.about["figures"])
    return float(figures["validation"]["top1"]), int(figures["validation_images"])


def _of(image: str, training: str) -> dict[str, Any]:
    record: dict[str, Any] = measured()[training][image]
    return record


def map_of(image: str, training: str, rule: str) -> np.ndarray:
    """A rule's map of the class that a network finds, at the photograph: (128, 128, 3)."""
    return _cached(image, training, f"class by {rule}", lambda net, x: _score(net, x).signals(x, rule)[1][0])


def changed(image: str, training: str, radius: int) -> Attacked:
    """The photograph after a change that was made to turn a network's class."""
    return _cached(image, training, f"class turned {radius}", lambda net, x: adversarial.turn_class(net, x, radius))


def falls(image: str, training: str) -> np.ndarray:
    """How far the score of the class falls when each square is covered with grey: (8, 8)."""
    return _cached(image, training, "falls", _falls)


def _cached(image: str, training: str, name: str, make: Any) -> Any:
    loaded, x = networks.load(TWINS[training]), model_inputs(image)
    return engine.cached(
        loaded,
        pictures.sample(image),
        name,
        lambda: engine.run_compiled(loaded, "", name, lambda: make(loaded.network, x)),
    )


def _score(network: Any, x: np.ndarray) -> Score:
    """The score of the class that a network finds."""
    return Score.of(network, x, (network.layers[-1].name, int(network.run(x)[0].argmax())))


def _falls(network: Any, x: np.ndarray) -> np.ndarray:
    options: dict[str, Any] = {"patch": SQUARE, "stride": SQUARE, "baseline": "grey"}
    return np.asarray(drawn(_score(network, x), x, "occlusion", **options).signal[::SQUARE, ::SQUARE])


def squares(signed: np.ndarray) -> np.ndarray:
    """Mean strength of a map in each of the squares: (H, W, C) -> (H / SQUARE, W / SQUARE)."""
    strong = strength(signed)
    rows, columns = (side // SQUARE for side in strong.shape)
    return np.asarray(strong.reshape(rows, SQUARE, columns, SQUARE).mean(axis=(1, 3)))


def measure() -> dict[str, Any]:
    """Both networks and every photograph anew.

    Returns:
      "digests" of the networks; "plain" and "robust": photograph -> "label", "class 2" and "class 4", the classes found
      before and after changes that were made for that network, and "occlusion" and "grain" of its gradient.
    """
    both = {training: networks.load(name) for training, name in TWINS.items()}
    return {
        "digests": {training: one.digest for training, one in both.items()},
        **{training: {image: _photograph(one.network, image) for image in PHOTOS} for training, one in both.items()},
    }


def _photograph(network: Any, image: str) -> dict[str, Any]:
    x = model_inputs(image)
    after = {f"class {radius}": adversarial.turn_class(network, x, radius).after for radius in RADII}
    found = {"label": int(network.run(x)[0].argmax()), **after}
    signed = _score(network, x).signals(x, "gradient")[1][0]
    print(network.name, image, flush=True)
    return {
        **{name: network.labels[number] for name, number in found.items()},
        "occlusion": short(rank_correlation(squares(signed), _falls(network, x))),
        "grain": short(fine(signed)),
    }
