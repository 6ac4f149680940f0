"""Feature visualization of the shipped network: short runs at once, long ones and whole layers in the background."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import streamlit as st

import deconvviz as dv
from deconvviz import priors
from deconvviz.data import samples
from deconvviz.errors import DeadUnitError
from deconvviz.models import caltech
from deconvviz.network import rewritten
from deconvviz.types import LayerVisualization, Unit, Visualization
from lessons._kit.numbers.spectrum import fine
from lessons._kit.photo.twins import TWINS
from lessons._kit.run import engine, jobs, networks, pictures, shipped

LAYERS = (*(f"relu{number}" for number in range(1, 8)), "logits")
OBJECTIVES = ("channel", "neuron", "direction")
#: Steps of the first look, of a run that was asked for, and of each picture of a layer.
SHORT, STEPS, TILE = 32, 256, 64
#: Pictures of a layer at once, and pictures that are made to differ.
TILES, DIVERSE = 16, 4
#: How it is moved -> what `dv.visualize` is told.
METHODS: dict[str, dict[str, Any]] = {
    "waves": {},
    "waves-bare": {"jitter": 0, "turn": 0.0, "zoom": 0.0, "tv": 0.0},
    "pixels": {"parametrization": "pixel", "rate": 0.02},
    "pixels-bare": {"parametrization": "pixel", "rate": 0.02, "jitter": 0, "turn": 0.0, "zoom": 0.0, "tv": 0.0},
}
#: What it begins with -> the same.
BEGINS: dict[str, dict[str, Any]] = {
    "noise": {},
    "cat": {"start": "cat"},
    "four": {"pictures": DIVERSE, "diversity": 1.0},
    "alike": {"pictures": DIVERSE, "diversity": 0.0},
}
#: Layer, channel, objective, way, begin and network of the runs that come with the package: those that scenes show.
SHIPPED = (
    *(("relu4", 4, "channel", way, "noise", "caltech") for way in METHODS),
    *(("relu4", 4, "channel", "waves", begin, "caltech") for begin in ("four", "alike")),
    ("logits", 3, "class", "waves", "noise", "caltech"),
    *(("logits", 3, "class", "waves-bare", "noise", network) for network in TWINS.values()),
)


@dataclass(frozen=True)
class Run:
    """Everything that a picture depends on.

    Attributes:
      loaded: the network.
      layer, channel: of the unit; the channel says nothing where a direction is asked for.
      objective: "channel", "neuron", "class" or "direction".
      way: key of `METHODS`.
      begin: key of `BEGINS`.
    """

    loaded: networks.Loaded
    layer: str
    channel: int
    objective: str
    way: str
    begin: str

    @property
    def named(self) -> tuple[str | int, ...]:
        """As `SHIPPED` has it."""
        return (self.layer, self.channel, self.objective, self.way, self.begin, self.loaded.name)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the layer."""
        shape: tuple[int, ...] = self.loaded.network.layer(self.layer).shape
        return shape

    @property
    def place(self) -> tuple[int, int] | None:
        """Row and column of a neuron: the middle one."""
        return (self.shape[0] // 2, self.shape[1] // 2) if self.objective == "neuron" else None

    @property
    def options(self) -> dict[str, Any]:
        """What `dv.visualize` is told besides the unit and the steps, pictures by their names."""
        return {"objective": self.objective, **METHODS[self.way], **BEGINS[self.begin]}

    @property
    def key(self) -> str:
        """Name of the job."""
        what = self.channel if self.objective != "direction" else "cat"
        return repr(("visualize", self.loaded.digest, self.layer, what, sorted(self.options.items())))

    @cached_property
    def weights(self) -> np.ndarray:
        """What the layer's values are multiplied by before they are added up, like the layer."""
        w = np.zeros(self.shape)
        positions = int(np.prod(self.shape[:-1]))
        if self.objective == "direction":
            w[...] = along(self) / np.linalg.norm(along(self)) / positions
        elif self.place is not None:
            w[*self.place, self.channel] = 1
        else:
            w[..., self.channel] = 1 / positions
        return w


def of(
    layer: str, channel: int, objective: str = "channel", way: str = "waves", begin: str = "noise",
    network: str = "caltech",
) -> Run:  # fmt: skip
    """A run on one of the networks; the only objectives of a vector are a class and a direction."""
    loaded = networks.load(network)
    shape = loaded.network.layer(layer).shape
    if len(shape) == 1 and objective != "direction":
        objective = "class"
    return Run(loaded, layer, min(channel, shape[-1] - 1), objective, way, begin)


def along(run: Run) -> np.ndarray:
    """(c,) the direction: what the layer says at its strongest place of the cat."""
    maps = engine.forward(run.loaded, pictures.sample("cat")).maps[run.layer]
    flat = maps.reshape(-1, maps.shape[-1])
    return np.asarray(flat[np.linalg.norm(flat, axis=1).argmax()], np.float64)


def snapshots(run: Run, steps: int) -> Iterator[Visualization]:
    """The run, snapshot after snapshot; while the first one is made no other program compiles."""
    options = {**run.options, "steps": steps}
    if "start" in options:
        options["start"] = pictures.fitted(run.loaded, pictures.sample(options["start"])).model
    unit: Unit | str = Unit(run.layer, run.channel, *(run.place or ()))
    if run.objective == "direction":
        unit, options["direction"] = run.layer, along(run)
    going = dv.visualize_snapshots(run.loaded.network, unit, **options)
    yield engine.run_compiled(run.loaded, run.layer, f"visualize {run.way} {run.begin}", lambda: next(going))
    yield from going


def shipped_name(*place: str | int) -> str:
    """What a run is stored under, from what `SHIPPED` has of it.

    >>> shipped_name("relu4", 4, "channel", "waves", "noise", "caltech")
    'vision/relu4/4/channel/waves/noise/caltech'
    """
    return "/".join(map(str, ("vision", *place)))


def _shipped(run: Run) -> tuple[str, dict[str, Any]] | None:
    """Name and facts of the run that comes with the package; None where there is none of this choice."""
    name = shipped_name(*run.named)
    known = shipped.facts().get(name)
    return (name, known) if known is not None and known["digest"] == run.loaded.digest else None


def beforehand(run: Run) -> Visualization | None:
    """The end of a run that comes with the package, in 8 bits, with what the objective says of these bits."""
    result = _shipped(run)
    if result is None:
        return None
    name, known = result
    images, values = shipped.image(name), np.asarray(known["activations"])
    best = int(values.argmax())
    unit = Unit(run.layer, run.channel)
    return Visualization(
        images[best], float(values[best]), np.zeros(0), unit, run.objective, images, values, 0, STEPS, STEPS
    )


def find(run: Run) -> jobs.Job[Visualization] | None:
    """The long run, if somebody has begun it."""
    return jobs.find(run.key)


def begin(run: Run) -> None:
    """Begin the long run in the background."""
    jobs.start(run.key, lambda: snapshots(run, STEPS))


def first_look(run: Run) -> Visualization | str:
    """The end of a short run; of a dead unit, why there is none."""
    return _first_look(run.key, run)


@st.cache_resource(show_spinner=False, max_entries=64)
def _first_look(key: str, _run: Run) -> Visualization | str:
    try:
        *_, last = snapshots(_run, SHORT)
    except DeadUnitError as error:
        return str(error)
    return last


def shown(run: Run) -> Visualization | str:
    """The picture on the page: the latest of the long run, else what comes with the package, else the first look."""
    job = find(run)
    if job is not None and job.latest is not None:
        return job.latest
    return beforehand(run) or first_look(run)


def grid_key(run: Run, channels: tuple[int, ...]) -> str:
    """Name of the job that makes a sheet of a layer."""
    return repr(("sheet", run.loaded.digest, run.layer, channels))


def sheet_beforehand(run: Run, channels: tuple[int, ...]) -> LayerVisualization | None:
    """The sheet that comes with the package; None where there is none of these channels."""
    if run.layer != shipped.SHEET or not shipped.is_of(run.loaded, pictures.sample(shipped.PICTURE), 0):
        return None
    if list(channels) != shipped.facts()["sheet"]:
        return None
    arrays = shipped.arrays()
    images, names = arrays["sheet"].astype(np.float32) / 255, np.asarray(channels)
    dead, steps = arrays["sheet/dead"], TILE * len(channels)
    return LayerVisualization(
        layer=run.layer,
        objective="channel",
        channels=names,
        images=images,
        activations=arrays["sheet/activations"],
        finished=np.ones_like(dead),
        notes=("",) * len(channels),
        dead=dead,
        seed=0,
        step=steps,
        steps=steps,
        recipe="",
    )


def begin_grid(run: Run, channels: tuple[int, ...]) -> None:
    """Begin a sheet in the background: every picture as this page makes it from noise."""

    def sheets() -> Iterator[LayerVisualization]:
        going = dv.visualize_layer_snapshots(run.loaded.network, run.layer, channels, steps=TILE)
        yield next(going)
        yield engine.run_compiled(run.loaded, run.layer, "visualize waves noise", lambda: next(going))
        yield from going

    jobs.start(grid_key(run, channels), sheets)


def by_hand(run: Run, maps: np.ndarray) -> float:
    """What the objective says of a layer's values, without the library."""
    return float((run.weights * np.asarray(maps, np.float64)).sum())


def plain_pass(run: Run, image: np.ndarray) -> float:
    """The objective of a picture (H, W, 3), through one plain forward pass."""
    return by_hand(run, dv.activations(run.loaded.network, image, run.layer))


@dataclass(frozen=True, eq=False)
class Natural:
    """The photograph that excites the unit most.

    Attributes:
      id: of the photograph.
      value: what the objective says of it; of a neuron its value at its strongest place, wherever that is.
      place: (row, column) where the unit is strongest on it; None for a vector.
      patch: (h, w, 3), the pixels that the unit sees there, 0..1.
    """

    id: str
    value: float
    place: tuple[int, int] | None
    patch: np.ndarray


def natural(run: Run) -> Natural:
    """The strongest built-in photograph."""
    result = _shipped(run)
    if result is None:
        return _natural(run.loaded.digest, run.layer, run.objective, run.channel, run)
    id, value, place = result[1]["natural"]
    return _measured(run, id, value, None if place is None else tuple(place))


@st.cache_resource(show_spinner=False, max_entries=64)
def _natural(digest: str, layer: str, objective: str, channel: int, _run: Run) -> Natural:
    values = {id: _value_on(_run, maps) for id, maps in photographs(_run).items()}
    id = max(values, key=lambda one: values[one][0])
    return _measured(_run, id, *values[id])


def _measured(run: Run, id: str, value: float, place: tuple[int, int] | None) -> Natural:
    image = pictures.fitted(run.loaded, pictures.sample(id)).model
    top, left, bottom, right = run.loaded.network.receptive_box(run.layer, *(place or (None, None)))
    return Natural(id, value, place, image[top:bottom, left:right])


def _value_on(run: Run, maps: np.ndarray) -> tuple[float, tuple[int, int] | None]:
    """The objective of a photograph, and where the unit is strongest."""
    if maps.ndim == 1:
        return by_hand(run, maps), None
    at = maps @ along(run) if run.objective == "direction" else maps[..., run.channel]
    row, column = divmod(int(at.argmax()), at.shape[1])
    return float(at.max()) if run.objective == "neuron" else by_hand(run, maps), (row, column)


def photographs(run: Run) -> dict[str, np.ndarray]:
    """Built-in picture -> the layer's values."""
    return _photographs(run.loaded.digest, run.layer, run.loaded)


@st.cache_resource(show_spinner=False, max_entries=4)
def _photographs(digest: str, layer: str, _loaded: networks.Loaded) -> dict[str, np.ndarray]:
    return {id: engine.forward(_loaded, pictures.sample(id)).maps[layer] for id in samples.SAMPLES}


def survives(run: Run, image: np.ndarray, shift: int = 3) -> float:
    """Share of the objective that is left, on average, when the picture is moved by so many pixels in four ways."""
    moves = ((shift, 0), (-shift, 0), (0, shift), (0, -shift))
    moved = [np.asarray(priors.shifted(image[None], *by, most=shift))[0] for by in moves]
    return float(np.mean([plain_pass(run, one) for one in moved])) / (plain_pass(run, image) or 1.0)


def texture(run: Run, now: Visualization) -> tuple[float, float]:
    """`fine` and `survives` of the picture on the page; of one that comes with the package as they were measured."""
    result = _shipped(run)
    if result is not None and len(now.losses) == 0:
        return result[1]["fine"], result[1]["survives"]
    return fine(now.image), survives(run, now.image)


def slope_gap(run: Run) -> float:
    """How far the derivative by the waves is from a difference of the objective's values, in float64."""
    return _slope_gap(run.loaded.digest, run.layer, run.objective, run.channel, run)


@st.cache_resource(show_spinner=False, max_entries=64)
def _slope_gap(digest: str, layer: str, objective: str, channel: int, _run: Run) -> float:
    random, step, weights = np.random.default_rng(14), 1e-6, _run.weights  # of the network in float32
    with jax.enable_x64(True):
        at, toward = random.normal(size=(2, 1, *_run.loaded.network.input_spec.size, 3))
        objective_of = engine.run_compiled(_run.loaded, layer, "slope", lambda: _objective(layer, _run.loaded.name))
        slope = np.asarray(objective_of(at, weights)[1])
        toward = toward / np.linalg.norm(toward) + slope / max(float(np.linalg.norm(slope)), 1e-30)
        above, below = (float(objective_of(at + way * step * toward, weights)[0]) for way in (1, -1))
    wanted = float((slope * toward).sum())
    return abs((above - below) / (2 * step) - wanted) / (abs(wanted) or 1.0)


@st.cache_resource(show_spinner=False, max_entries=8)
def _objective(layer: str, name: str) -> Any:
    """(waves, weights) -> the objective and its derivative by the waves, in float64, compiled once a layer."""
    network = _precise(name)
    call, consts = rewritten(network, layer, "gradient", "gradient").call, network.program().flat.consts

    def objective(waves: Any, weights: Any) -> Any:
        image = jax.nn.sigmoid(priors.mix_colours(priors.fourier_image(waves)))
        return (weights * call(consts, priors.from_display(image, network.input_spec))[0][0]).sum()

    return jax.jit(jax.value_and_grad(objective))


def _precise(name: str) -> dv.Network:
    """The network with its numbers in float64."""
    file = caltech.WEIGHTS if name == "caltech" else caltech.ROBUST_WEIGHTS
    params = {key: jnp.asarray(value, jnp.float64) for key, value in caltech.load_params(file).items()}
    return dv.Network(lambda x: caltech.forward(params, x), input_spec=caltech.INPUT, name=name)


def colour_gap() -> float:
    """How far the colours' matrix times its inverse is from 1, in float64."""
    with jax.enable_x64(True):
        there = np.asarray(priors.unmix_colours(np.asarray(priors.mix_colours(np.eye(3)))))
    return float(np.abs(there - np.eye(3)).max())
