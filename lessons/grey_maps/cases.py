"""Planted cases of grey maps: a small trained network with one thing made wrong, and made right again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import deconvviz as dv
from deconvviz.checks import grey, report
from deconvviz.data import samples
from deconvviz.data.preprocess import model_input
from deconvviz.models import caltech, planted, watermark
from deconvviz.network import Network
from deconvviz.training.planted import pictures
from deconvviz.types import DisplayImage, InputSpec, SignedMap
from lessons._kit.form.i18n import mark

#: Row, column and size of the wrong gain of the case with an outlier.
PLACE, GAIN = (20, 30), 5000.0


@dataclass(frozen=True, eq=False)
class Diagnosed:
    """A map, and what the library says of it: "" where it notices nothing."""

    map: SignedMap
    diagnosis: str


@dataclass(frozen=True, eq=False)
class Case:
    """A reason why a map is grey.

    Attributes:
      title: marked.
      planted: what was made wrong, marked.
      todo: what to do about it, marked.
      wrong, right: make the map before and after that.
      limit: percentile that the map is drawn up to once it is right; 100 for all of it.
    """

    title: str
    planted: str
    todo: str
    wrong: Callable[[], Diagnosed]
    right: Callable[[], Diagnosed]
    limit: float = 100.0


@cache
def image() -> DisplayImage:
    """A digit on a photograph, as the network was trained on: (48, 48, 3)."""
    grounds = pictures.grounds([samples.load("coffee")])
    return pictures.drawn(grounds, 1, [3, 7], held_out=True)[0].image()


@cache
def _params() -> dict[str, Any]:
    return {name: jnp.asarray(value) for name, value in planted.read("honest")[0].items()}


def network(
    change: Mapping[str, Any] | None = None,
    before: Callable[[jax.Array], jax.Array] = lambda x: x,
    after: Callable[[jax.Array], jax.Array] = lambda scores: scores,
    spec: InputSpec = planted.INPUT,
) -> Network:
    """The trained network with other arrays, or with something before or after it."""
    params = _params() | dict(change or {})
    return Network(lambda x: after(watermark.forward(params, before(x))), input_spec=spec, name="digits")


def of_unit(net: Network, layer: str, channel: int, rule: str = "gradient", start: Any = "one") -> Diagnosed:
    """A unit's map on the picture, and its diagnosis."""
    result = dv.reconstruct(net, _picture(), (layer, channel), rule, start, prove=False)
    return Diagnosed(result.map, result.diagnosis)


def _picture() -> DisplayImage:
    """The picture, grey at the place of the wrong gain: what is fed there is 0, whatever the gain."""
    shown = np.array(image())
    shown[PLACE] = 0.5
    return shown


def _silenced(*channels: int) -> Network:
    return network({"conv2.bias": _params()["conv2.bias"].at[jnp.array(channels)].set(-99.0)})


def _awake(net: Network) -> int:
    """The channel of the second rectifier that is strongest on the picture."""
    values = net.taps(model_input(_picture(), net.input_spec), ["relu2"])["relu2"]
    return int(values.max(axis=(0, 1, 2)).argmax())


def _last(net: Network) -> str:
    return net.layers[-1].name


def _top(net: Network) -> Diagnosed:
    return of_unit(net, _last(net), 1)


def _signed_kernel(sign: float, bias: float = 0.0) -> Network:
    kernel = sign * jnp.abs(_params()["logits.kernel"])
    return network({"logits.kernel": kernel, "logits.bias": jnp.full(2, bias)})


def _gain(x: jax.Array) -> jax.Array:
    return x * jnp.ones((1, watermark.SIDE, watermark.SIDE, 1)).at[0, PLACE[0], PLACE[1]].set(GAIN)


def _dead() -> Diagnosed:
    net = _silenced(0, 5, 7)
    shown = pictures.drawn(pictures.grounds([samples.load("coffee")]), 3, [3, 7], held_out=True)
    dead = grey.dead_channels(net, [model_input(one.image(), net.input_spec) for one in shown])
    sentences = grey.dead_sentences({"relu2": dead["relu2"]}, net, len(shown))
    return Diagnosed(of_unit(net, "relu2", 5, start="activation").map, " ".join(sentences))


def _fed(spec: InputSpec) -> Diagnosed:
    params = caltech.load_params()
    net = Network(lambda x: caltech.forward(params, x), input_spec=spec, name="photographs")
    diagnosis = grey.better_input(net, [samples.load(name) for name in ("cat", "astronaut", "rocket")])
    x = samples.load("cat")
    top = int(net.run(model_input(x, spec))[0].argmax())
    return Diagnosed(dv.reconstruct(net, x, (_last(net), top), "gradient", "one", prove=False).map, diagnosis)


def _in_training(x: jax.Array) -> jax.Array:
    return jax.nn.standardize(x, axis=(0, 1, 2))


def _noted(net: Network) -> Diagnosed:
    notes = [note for note in report(net, model_input(_picture(), net.input_spec)).notes if "batch" in note]
    return Diagnosed(_top(net).map, " ".join(notes))


def _integrated(steps: int) -> Diagnosed:
    net = network()
    result = dv.attribute(net, _picture(), (_last(net), 1), "integrated_gradients", steps=steps)
    return Diagnosed(result.map, result.note)


#: Kind -> case: those of `deconvviz.checks.grey.TEXTS`, and four more that are seen in several pictures or runs.
CASES = {
    "silent": Case(
        mark("A silent unit"),
        mark("The bias of channel 5 of the second layer is -99, so its rectifier never opens."),
        mark("Choose another channel: this is the strongest."),
        lambda: of_unit(_silenced(5), "relu2", 5, start="activation"),
        lambda: of_unit(_silenced(5), "relu2", _awake(_silenced(5))),
    ),
    "saturated": Case(
        mark("A saturated probability"),
        mark("The scores are multiplied by 1000 and go through a softmax: a probability of 0 or 1, flat in float32."),
        mark("Explain the score below the probability."),
        lambda: _top(network(after=lambda scores: jax.nn.softmax(1000 * scores))),
        lambda: _top(network()),
    ),
    "constant": Case(
        mark("A constant class"),
        mark("The kernel of the last layer is zero, as if its weights had not been loaded. The bias alone is left."),
        mark("Load the trained weights."),
        lambda: _top(network({"logits.kernel": jnp.zeros((24, 2)), "logits.bias": jnp.array([3.0, 2.0])})),
        lambda: _top(network()),
    ),
    "blocked": Case(
        mark("Blocked by a rule"),
        mark("All weights of the last layer are below 0, and so is DeconvNet's signal: the first rectifier stops it."),
        mark("Take the gradient, for which the sign does not matter."),
        lambda: of_unit(_signed_kernel(-1), "logits", 1, "deconvnet"),
        lambda: of_unit(_signed_kernel(-1), "logits", 1),
    ),
    "negative": Case(
        mark("A unit below zero"),
        mark("The score is below 0, and DeconvNet begins with the score itself: a signal below 0 from the start."),
        mark("Begin with 1 in place of the score (start='one')."),
        lambda: of_unit(_signed_kernel(1, -1000.0), "logits", 1, "deconvnet", "activation"),
        lambda: of_unit(_signed_kernel(1, -1000.0), "logits", 1, "deconvnet"),
    ),
    "outlier": Case(
        mark("One pixel eats the scale"),
        mark("One pixel has a gain of 5000 in front of the network, as a faulty calibration might."),
        mark("Draw the map up to a percentile: here 99.5."),
        lambda: _top(network(before=_gain)),
        lambda: _top(network(before=_gain)),
        99.5,
    ),
    "range": Case(
        mark("The wrong range of the input"),
        mark("The network of this course is fed numbers a hundredth as large as in its training."),
        mark("Say the right mean and deviation in the InputSpec."),
        lambda: _fed(replace(caltech.INPUT, std=(25.0,) * 3)),
        lambda: _fed(caltech.INPUT),
    ),
    "batch": Case(
        mark("Normalized over its batch"),
        mark("The input is normalized over the whole batch, as batch normalization does in training mode."),
        mark("Put the network into inference mode, with its running averages."),
        lambda: _noted(network(before=_in_training)),
        lambda: _noted(network()),
    ),
    "dead": Case(
        mark("Channels dead on every picture"),
        mark("Channels 0, 5 and 7 of the second layer have a bias of -99: no picture wakes them."),
        mark("Choose another channel: this is the strongest."),
        _dead,
        lambda: of_unit(_silenced(0, 5, 7), "relu2", _awake(_silenced(0, 5, 7))),
    ),
    "steps": Case(
        mark("Too few steps"),
        mark("Integrated gradients with one step: the map does not add up to the score it explains."),
        mark("Give more steps: here 64."),
        lambda: _integrated(1),
        lambda: _integrated(64),
    ),
}
