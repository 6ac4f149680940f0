"""Small changes of a picture, made against a network: one that turns its class, and one that turns its map.

Both take a few steps of projected gradient ascent: a step of a given length along a gradient, then back into the ball
of all pictures that are near enough, and into the range of pictures.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from deconvviz.data.preprocess import model_input
from deconvviz.errors import DeconvvizError, NetworkError
from deconvviz.network._jit import jit
from deconvviz.network.network import Network
from deconvviz.network.rewrite.program import rewritten
from deconvviz.network.score import Score
from deconvviz.network.trace.trace import permuted
from deconvviz.types import Array, InputSpec

#: Steps of an attack. A step is so long that a straight line of them would leave the ball two and a half times.
STEPS, REACH = 10, 2.5
#: Share of the lead of its class that a picture keeps while its map is turned.
LEAD = 0.5


@dataclass(frozen=True, eq=False)
class Attacked:
    """A picture near another one.

    Attributes:
      input: (1, H, W, C) model input.
      before, after: class of the largest score, of the picture as it was and as it is.
      distance: L2 norm of the change, in the numbers of the model input.
    """

    input: np.ndarray
    before: int
    after: int
    distance: float


def turn_class(network: Network, x: Array, radius: float, steps: int = STEPS) -> Attacked:
    """Change a picture so that the class with the second largest score overtakes the first.

    Formula: ``x_{k+1} = P(x_k + a d / |d|)``, d the gradient of ``s_second - s_first``, a = 2.5 radius / steps, P the
    projection on the ball ``|x' - x| <= radius`` and on the range of pictures. All steps are taken.

    Args:
      network: a classifier whose last layer is a vector of scores.
      x: (1, H, W, C) model input.
      radius: largest L2 norm of the change, in the numbers of the model input, above 0.
      steps: 1 or more; one step is the fast gradient method in the L2 norm.

    Raises:
      DeconvvizError: a radius or a number of steps that is not above 0.
      NetworkError: the last layer is no vector of two or more scores.

    Source: goodfellow2015explaining, madry2018towards

    >>> import deconvviz as dv
    >>> net = dv.Network(lambda x: x.mean((1, 2)), input_spec=dv.InputSpec(size=(4, 5)))
    >>> x = np.full((1, 4, 5, 3), 0.5) + [0.02, 0, -0.1]
    >>> attacked = turn_class(net, x, radius=0.2)
    >>> attacked.before, attacked.after, round(attacked.distance, 6)
    (0, 1, 0.2)
    """
    _check(radius, steps)
    first, second = leaders(network, x)

    def slope(at: np.ndarray) -> np.ndarray:
        return np.asarray(second.signals(at)[1] - first.signals(at)[1], np.float64)

    return _climbed(network, x, slope, radius, steps, np.asarray(x, np.float64))


def turn_map(network: Network, x: Array, radius: float, layer: str, steps: int = STEPS, seed: int = 0) -> Attacked:
    """Change a picture so that the values of a layer change most, while its class leads.

    What a backward rule reads of a picture are the rectifiers that are open and the places of the largest values, and
    these are turned with the values. The first step goes in a direction drawn at random, for where nothing has changed
    the gradient is 0.

    Formula: ``x_{k+1} = P(x_k + a d / |d|)`` as in `turn_class`, d the gradient of ``|f(x') - f(x)|^2`` of the layer's
    values f; where the lead of the class over the second, or over the class that leads now, is less than half of what
    it was, d is the gradient of that lead instead. Of all pictures on the way whose class leads by that much, the one
    with the largest change of the values.

    Args:
      network: a classifier whose last layer is a vector of scores.
      x: (1, H, W, C) model input.
      radius: as in `turn_class`.
      layer: whose values are changed.
      steps: as in `turn_class`.
      seed: of the first direction.

    Raises:
      DeconvvizError, NetworkError: as in `turn_class`; no such layer.

    Source: ghorbani2019interpretation

    >>> import deconvviz as dv
    >>> net = dv.load("caltech")
    >>> x = dv.api.model_input(net, dv.data.samples.load("cat"))
    >>> attacked = turn_map(net, x, 2.0, "conv3", steps=3)
    >>> attacked.before == attacked.after, round(attacked.distance, 4) <= 2
    (True, True)
    """
    _check(radius, steps)
    first, _ = leaders(network, x)
    start, call = np.asarray(x, np.float64), _distance_of(network, layer)
    target = network.taps(x, [layer])[layer]
    rows = network.run(x)[0]
    wanted = first.code[0]
    enough = LEAD * _lead(rows, wanted)[0]
    best, far = start, -1.0

    def slope(at: np.ndarray) -> np.ndarray:
        nonlocal best, far
        lead, rival = _lead(network.run(at)[0], wanted)
        size, uphill = call(first.consts, network.checked_input(at), target)
        if lead >= enough and float(size) > far:
            best, far = at, float(size)
        if lead >= enough:
            return np.asarray(uphill, np.float64)
        other = Score.of(network, at, (first.unit.layer, rival))
        return np.asarray(first.signals(at)[1] - other.signals(at)[1], np.float64)

    away = np.random.default_rng(seed).standard_normal(start.shape)
    last = _climbed(network, x, slope, radius, steps, _projected(network.input_spec, start, start + away, radius / 10))
    slope(last.input)
    return _attacked(network, x, best)


def excess(spec: InputSpec, before: Array, after: Array, radius: float) -> float:
    """By how much of the radius a change is longer than it may be, or the picture leaves black to white; 0 if neither.

    Args:
      spec: of the model input.
      before, after: (1, H, W, C) model inputs.
      radius: largest L2 norm of the change, in the numbers of the model input.

    >>> spec = InputSpec(size=(1, 2), mean=(0.5,) * 3, std=(0.5,) * 3)
    >>> x = np.zeros((1, 1, 2, 3))
    >>> excess(spec, x, x + 0.1, 1.0), round(excess(spec, x, x + 0.5, 1.0), 3)
    (0.0, 0.225)
    """
    levels = np.asarray(after, np.float64) * np.asarray(spec.std) + np.asarray(spec.mean)
    length = float(np.linalg.norm(np.asarray(after, np.float64) - before))
    return max(length / radius - 1, float(levels.max()) - 1, -float(levels.min()), 0.0)


def noise(network: Network, x: Array, radius: float, seed: int = 0) -> Attacked:
    """A picture with normal noise of that L2 norm, cut to the range of pictures: what an attack is compared with.

    >>> import deconvviz as dv
    >>> net = dv.Network(lambda x: x.mean((1, 2)), input_spec=dv.InputSpec(size=(4, 5)))
    >>> round(noise(net, np.full((1, 4, 5, 3), 0.5), radius=0.2).distance, 6)
    0.2
    """
    _check(radius)
    middle = np.asarray(x, np.float64)
    away = np.random.default_rng(seed).standard_normal(middle.shape)
    far = middle + away / np.linalg.norm(away) * radius
    return _attacked(network, x, _projected(network.input_spec, middle, far, radius))


def levels(spec: InputSpec, change: Array) -> float:
    """How strong a change of a model input is: its root mean square over pixels and colours, in levels of 255.

    >>> levels(InputSpec(size=(4, 5), std=0.5), np.full((4, 5, 3), 0.02))
    2.55
    """
    values = np.asarray(change, np.float64) * np.asarray(spec.std) / spec.scale
    return round(255 * float(np.sqrt((values**2).mean())), 12)


def leaders(network: Network, x: Array) -> tuple[Score, Score]:
    """The largest and the second largest score of a picture.

    Raises:
      NetworkError: the last layer is no vector of two or more scores.
    """
    top = network.layers[-1]
    if len(top.shape) != 1 or top.shape[0] < 2:
        raise NetworkError(f"the last layer of {network.name} is {top.name} of shape {top.shape}, not a list of scores")
    first, second = (int(n) for n in np.argsort(-network.run(x)[0], kind="stable")[:2])
    return Score.of(network, x, (top.name, first)), Score.of(network, x, (top.name, second))


def _check(radius: float, steps: int = 1) -> None:
    if not (np.isfinite(radius) and radius > 0 and steps >= 1):
        raise DeconvvizError(f"a change needs a radius above 0 and one step or more; got {radius} and {steps}")


def _lead(scores: np.ndarray, wanted: int) -> tuple[float, int]:
    """By how much a score is above the largest other one, and which that is."""
    others = np.where(np.arange(len(scores)) == wanted, -np.inf, scores)
    rival = int(others.argmax())
    return float(scores[wanted] - scores[rival]), rival


def _climbed(
    network: Network, x: Array, slope: Callable[[np.ndarray], np.ndarray], radius: float, steps: int, start: np.ndarray
) -> Attacked:
    """Steps uphill from a start, inside the ball around x."""
    middle, at = np.asarray(x, np.float64), start
    for _ in range(steps):
        uphill = slope(at)
        size = float(np.linalg.norm(uphill))
        if not size:
            break
        at = _projected(network.input_spec, middle, at + REACH * radius / steps / size * uphill, radius)
    return _attacked(network, x, at)


def _projected(spec: InputSpec, middle: np.ndarray, at: np.ndarray, radius: float) -> np.ndarray:
    """The nearest point of the ball, then of the range of pictures, which brings it nearer to the middle still."""
    change = at - middle
    size = float(np.linalg.norm(change))
    inside = middle + change * min(1.0, radius / size) if size else middle
    low, high = _range(spec)
    return np.clip(inside, np.minimum(low, middle), np.maximum(high, middle))


def _range(spec: InputSpec) -> tuple[np.ndarray, np.ndarray]:
    """Black and white as the network is fed them; no bounds where the input is no picture."""
    if not spec.is_picture:
        return np.asarray(-np.inf), np.asarray(np.inf)
    black, white = (model_input(np.full((*spec.size, 3), level, np.float32), spec)[0, 0, 0] for level in (0.0, 1.0))
    return black, white


def _attacked(network: Network, x: Array, at: np.ndarray) -> Attacked:
    before, after = (int(network.run(each)[0].argmax()) for each in (x, at))
    return Attacked(at, before, after, float(np.linalg.norm(at - np.asarray(x, np.float64))))


def _distance_of(network: Network, layer: str) -> Callable[..., Any]:
    """Compiled: constants, model input and values of the layer -> squared distance from them, and its gradient."""

    def make() -> Callable[..., Any]:
        node, call = network.node(layer), rewritten(network, layer, "gradient", switches=True).call

        def distance(x: Any, consts: Any, target: Any) -> Any:
            return ((permuted(node, call(consts, x)[0]) - target) ** 2).sum()

        return jit(lambda consts, x, target: jax.value_and_grad(distance)(x, consts, target))

    made: Callable[..., Any] = network.store.compiled(("distance", layer, jnp.result_type(float).name), make)
    return made
