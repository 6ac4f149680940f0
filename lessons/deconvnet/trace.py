"""The way of one unit's signal down the shipped network, step by step, and what is measured on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np

from deconvviz.data.preprocess import signed_rgb
from deconvviz.metrics import relative_gap
from deconvviz.network import rewritten, units
from deconvviz.network.backward import backprop
from deconvviz.network.backward.explicit import Chain, Step
from deconvviz.network.backward.reconstruct import signal_at
from deconvviz.ops import LinearMap, take_switches
from deconvviz.types import Unit
from lessons._kit.photo import selection
from lessons._kit.run import engine, networks, pictures
from lessons.deconvnet import sums

NETWORK = "caltech"
RULE = "deconvnet"
#: Steps that leave the signal as it is.
_SILENT = ("bias", "shape", "copy")


@dataclass(frozen=True, eq=False)
class Stage:
    """One step of the backward pass.

    Attributes:
      kind: "start", "filter", "unpool" or "rectify".
      name: the layer that is passed; at the start the unit's own.
      above: (h', w', c') what was there before: the signal; at the start the activations of the layer.
      below: (h, w, c) the signal after the step.
      on: the layer on whose output it lies now; "" for the picture.
      passed: of a rectifier: share of the signal that was let through, by its absolute sum; else None.
      step: the operation; None at the start.
      switches: of an unpooling: (h', w', c) places of the maxima on the way up.
    """

    kind: str
    name: str
    above: np.ndarray
    below: np.ndarray
    on: str
    passed: float | None = None
    step: Step | None = None
    switches: np.ndarray | None = None

    @property
    def keeps_channels(self) -> bool:
        """Whether a channel below is the same channel above."""
        return self.kind != "filter"

    @property
    def first_look(self) -> sums.Cell:
        """The cell to look into first: the strongest of the strongest channel; at a rectifier one that is stopped."""
        if self.kind == "rectify":
            channels = sums.by_strength(self.below)[:8]
            part = self.above[..., channels]
            if part.min() < 0:
                row, column, at = np.unravel_index(part.argmin(), part.shape)
                return int(row), int(column), int(channels[at])
        return sums.first_look(self.below)

    def windows(self, cell: sums.Cell) -> list[sums.Window]:
        """The pooling windows that hold a cell below an unpooling."""
        slide = self.step.slide if self.step else None
        assert slide is not None
        assert self.switches is not None
        return sums.windows(
            self.above, self.switches, slide.span, slide.stride, slide.before, self.below.shape[1], cell
        )

    def meeting(self, cell: sums.Cell) -> sums.Meeting:
        """The products that meet in a cell below a filter."""
        slide = self.step.slide if self.step else None
        assert slide is not None
        assert self.step is not None
        return sums.meeting(self.above, np.asarray(self.step.constant), slide.stride, slide.before, cell)

    def arrived(self, cell: sums.Cell) -> tuple[float, float]:
        """What arrives in a cell by the formula, and the magnitude that a difference is to be measured against."""
        if self.kind == "filter":
            result = self.meeting(cell)
            return result.total, result.magnitude
        if self.kind == "unpool":
            total = sum(w.signal for w in self.windows(cell) if w.maximum == cell[:2])
            return total, abs(total)
        above = float(self.above[cell])
        if self.kind == "start":
            return (above if cell == sums.strongest(self.below) and self.below.any() else 0.0), abs(above)
        return max(above, 0.0), abs(above)

    def gap(self, cell: sums.Cell) -> float:
        """Distance of the formula's sum from the signal's cell, relative to what was summed."""
        total, magnitude = self.arrived(cell)
        return abs(total - float(self.below[cell])) / (magnitude or 1.0)


@dataclass(frozen=True, eq=False)
class Scene:
    """A picture, a unit, and the unit's signal at every step down."""

    loaded: networks.Loaded
    picture: pictures.Picture
    chosen: selection.Chosen
    stages: tuple[Stage, ...]

    @property
    def unit(self) -> Unit:
        """The unit, with its place."""
        return self.chosen.unit

    @property
    def second(self) -> np.ndarray:
        """The picture by the second computation, (H, W, 3)."""
        return second_computation(self.loaded, self.picture, self.unit)


@dataclass(frozen=True)
class Measured:
    """What the proofs of a scene say.

    Attributes:
      agreement: relative difference of the two computations.
      dots: (kind, layer, gap of the dot test) of each filter and unpooling on the way, from above.
      cells: largest gap at the strongest cell of a step.
      sizes: by how many rows, columns and channels the signals differ from the maps of the way up.
      biases: relative difference of the picture when every bias is another number in the backward pass.
      without: the unit's value if the network had no biases.
    """

    agreement: float
    dots: tuple[tuple[str, str, float], ...]
    cells: float
    sizes: float
    biases: float
    without: float


def layers() -> list[str]:
    """Names of the layers to start from: every map behind a rectifier."""
    result = networks.load(NETWORK).network.layers
    return [layer.name for layer in result if layer.kind in ("relu", "max_pool")]


def maps(picture: str, layer: str) -> np.ndarray:
    """(h, w, c) activations of a layer on a picture of the gallery."""
    return engine.forward(networks.load(NETWORK), pictures.sample(picture)).maps[layer]


def scene(picture: str, layer: str, channel: int | None) -> Scene:
    """The backward pass from the strongest place of a channel; None stands for the strongest channel."""
    loaded, shown = networks.load(NETWORK), pictures.sample(picture)
    chosen = selection.resolve(loaded.network.layer(layer), maps(picture, layer), channel, None, None)
    return Scene(loaded, shown, chosen, _stages(loaded, shown, chosen.unit))


def steps_of(loaded: networks.Loaded, layer: str) -> Chain:
    """The chain of steps up to a layer."""
    result = loaded.network.chain_to(layer)
    assert isinstance(result, Chain)
    return result


def fed(loaded: networks.Loaded, picture: pictures.Picture) -> np.ndarray:
    """(1, H, W, 3) what the network is fed."""
    return pictures.model_inputs(loaded, picture)


def _stages(loaded: networks.Loaded, picture: pictures.Picture, unit: Unit) -> tuple[Stage, ...]:
    frames = engine.backward_trace(loaded, picture, unit, RULE)
    steps = [step for step in reversed(steps_of(loaded, unit.layer).steps) if step.kind not in _SILENT]
    names = [layer.name for layer in loaded.network.layers]
    below = [*reversed(names[: names.index(unit.layer)]), ""]
    places = switches(loaded, picture)
    activations = engine.forward(loaded, picture).maps[unit.layer]
    result = [Stage("start", unit.layer, activations, frames[0].signal, unit.layer)]
    for above, frame, step, on in zip(frames, frames[1:], steps, below, strict=False):
        at = places.get(step.name) if step.kind == "unpool" else None
        result.append(Stage(frame.kind, frame.name, above.signal, frame.signal, on, frame.obeyed, step, at))
    return tuple(result)


def switches(loaded: networks.Loaded, picture: pictures.Picture) -> dict[str, np.ndarray]:
    """Pooling layer -> (h, w, c) places of its maxima on the way up, of the same pass as the walk's."""

    def make() -> dict[str, np.ndarray]:
        chain = steps_of(loaded, layers()[-1])
        _, memories = chain.forward(chain.constants, fed(loaded, picture))
        pools = [(s.name, m) for s, m in zip(chain.steps, memories, strict=True) if s.kind == "unpool"]
        return {name: np.asarray(memory)[0] for name, memory in pools}

    return engine.cached(
        loaded, picture, "deconvnet switches", lambda: engine.run_compiled(loaded, "", "switches", make)
    )


def second_computation(loaded: networks.Loaded, picture: pictures.Picture, unit: Unit) -> np.ndarray:
    """The same picture by `jax.vjp` of the program with its rectifiers under the rule; no step is written down."""

    def make() -> np.ndarray:
        net = loaded.network
        node = net.node(unit.layer)
        request = backprop.BackpropRequest(
            net, node, fed(loaded, picture), [units.codes(unit, node.layer)], (RULE,), ones=False
        )
        (result,) = backprop.by_vjp(request, rewritten(net, unit.layer, RULE).call)[RULE]
        return signed_rgb(result.map, net.input_spec)

    run = lambda: engine.run_compiled(loaded, unit.layer, "second computation", make)  # noqa: E731
    return engine.cached(loaded, picture, f"deconvnet second computation {unit!r}", run)


def dot_tests(loaded: networks.Loaded, picture: pictures.Picture) -> dict[str, float]:
    """Layer -> gap of the dot test of its backward pass, for each filter and each pooling with its switches fixed."""

    chain, places = steps_of(loaded, layers()[-1]), switches(loaded, picture)

    def make() -> dict[str, float]:
        return {s.name: linear(s, places).dot_test() for s in chain.steps if s.kind in ("filter", "unpool")}

    return engine.cached(loaded, picture, "deconvnet dots", lambda: engine.run_compiled(loaded, "", "dots", make))


def linear(step: Step, places: dict[str, np.ndarray]) -> LinearMap:
    """A step up with its claimed adjoint: a filter without its bias, or max pooling with its switches held fixed."""
    assert step.slide is not None
    memory = jnp.asarray(places[step.name])[None] if step.kind == "unpool" else None
    up = (lambda x: take_switches(x, memory)) if memory is not None else (lambda x: step.forward(step.constant, x)[0])
    shape = (1, *step.slide.below)
    above = jnp.shape(memory) if memory is not None else up(jnp.zeros(shape)).shape
    return LinearMap(up, lambda g: step.backward(step.constant, memory, g, RULE), shape, above)


def measured(shown: Scene) -> Measured:
    """The proofs of a scene, measured once."""
    return engine.cached(shown.loaded, shown.picture, f"deconvnet measured {shown.unit!r}", lambda: _measure(shown))


def _measure(shown: Scene) -> Measured:
    loaded, stages = shown.loaded, shown.stages
    dots = dot_tests(loaded, shown.picture)
    biases, without = without_biases(shown)
    return Measured(
        agreement=relative_gap(stages[-1].below, shown.second),
        dots=tuple((s.kind, s.name, dots[s.name]) for s in stages if s.kind in ("filter", "unpool")),
        cells=max(stage.gap(sums.strongest(stage.below)) for stage in stages),
        sizes=size_gap(stages, engine.forward(loaded, shown.picture).maps, loaded.network.input_spec.size),
        biases=biases,
        without=without,
    )


def size_gap(stages: Sequence[Stage], up: dict[str, np.ndarray], size: tuple[int, int]) -> float:
    """By how many rows, columns and channels all signals together differ from the maps of the way up."""
    shapes = [up[stage.on].shape if stage.on else (*size, 3) for stage in stages]
    pairs = zip((stage.below.shape for stage in stages), shapes, strict=True)
    return float(sum(np.abs(np.subtract(here, there)).sum() for here, there in pairs))


def without_biases(shown: Scene) -> tuple[float, float]:
    """How the picture changes if every bias is another number below; the unit's value if all were zero."""
    loaded, unit = shown.loaded, shown.unit
    chain, x = steps_of(loaded, unit.layer), fed(loaded, shown.picture)
    value, memories = chain.forward(chain.constants, x)
    g = signal_at(loaded.network, x, unit)(value)
    pictures = [chain.backward(constants, memories, g, RULE) for constants in (chain.constants, _biases(chain, 7.0))]
    lowered, _ = chain.forward(_biases(chain, 0.0), x)
    return relative_gap(*pictures), float(lowered[0, unit.row, unit.column, unit.channel])


def _biases(chain: Chain, number: float) -> list[Any]:
    """The constants of a chain with every bias put to a number."""
    return [jnp.full_like(s.constant, number) if s.kind == "bias" else s.constant for s in chain.steps]
