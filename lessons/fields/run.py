"""What the person has chosen, and everything that is measured of it."""

from __future__ import annotations

from dataclasses import dataclass

from deconvviz.types import Unit
from lessons._kit.form.controls import nearest
from lessons._kit.run import engine, networks, pictures
from lessons.fields import measure, theory
from lessons.fields.picture import Scene

#: What is drawn: the unit with its field; beside it how fields grow; the field from close; or the first and the last.
VIEWS = dict.fromkeys(("all", "field", "table", "close"), "")


@dataclass(frozen=True)
class State:
    """What the person has chosen; `at` is a pixel, so that it stays where it is when the layer changes."""

    image: str = "cat"
    layer: str = "conv4"
    rank: str = "1"
    at: tuple[int, int] = (60, 44)
    view: str = "all"


def compute(state: State) -> Scene:
    """Everything of a state but its averages."""
    loaded, picture = networks.load("caltech"), pictures.sample(state.image)
    maps = engine.forward(loaded, picture).maps[state.layer]
    channel = measure.strongest(loaded, picture, state.layer)[int(state.rank) - 1]
    below = theory.windows(loaded.network, state.layer)
    field = theory.recursion(below)[-1]
    cell = field.unit_at(nearest(state.at, loaded.network.input_spec.size), maps.shape[:2])
    unit = Unit(state.layer, channel, *cell)
    slopes = measure.derivative(loaded, picture, unit)
    return Scene(loaded, picture, unit, maps[..., channel], field, below, field.box(cell), slopes)
