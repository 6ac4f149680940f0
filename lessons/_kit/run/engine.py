"""The one place of the app where networks run: what is computed is kept under a digest of everything it depends on.

Arrays live in bounded caches shared by all sessions and are read-only. Compiling needs much memory, so only one
thread compiles at a time; after the first page a background thread compiles every layer for every rule, so that a
later click only runs. Compiled programs are kept in the user's cache folder, one for each machine.
"""

from __future__ import annotations

import gc
import json
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from typing import Any, TypeVar

import numpy as np
import streamlit as st
from streamlit import runtime

import deconvviz as dv
from deconvviz import checks, compiled
from deconvviz.data import images, samples
from deconvviz.data.preprocess import fit_image, model_input
from deconvviz.errors import NetworkError, RuleError
from deconvviz.network.adopt import load
from deconvviz.network.backward.explicit import Chain, Frame
from deconvviz.network.backward.reconstruct import signal_at
from deconvviz.types import Check, DisplayImage, InputSpec, Reconstruction, Unit
from lessons._kit.draw.pixels import on_screen

#: Pictures that are kept at the network's size, pictures whose activations are (about 6 MB each, 49 MB for SqueezeNet),
#: units whose maps are (0.8 MB), units whose second road is (0.8 MB), and small values.
KEPT_PICTURES = 16
KEPT_FORWARDS = 8
KEPT_UNITS = 64
KEPT_PROOFS = 32
KEPT_VALUES = 256
#: Ways down that are kept (about 3 MB each).
KEPT_WALKS = 16
#: Layers of the largest network whose proofs are compiled ahead; those of a larger one are compiled when asked for.
PROVEN_AHEAD = 32
#: Bytes of the largest upload.
MAX_UPLOAD = 8_000_000
#: The environment variable that keeps the app from compiling ahead: set to 0 where memory or processors are scarce.
WARM_UP = "DECONVVIZ_WARM_UP"
_COMPILING = threading.Semaphore(1)
#: A picture of 25 million pixels takes 300 MB while it is read: one at a time.
READING = threading.Semaphore(1)
_WARM: set[tuple[str, str, str]] = set()
_T = TypeVar("_T")


@dataclass(frozen=True, eq=False)
class Loaded:
    """A network ready to run.

    Attributes:
      name: what `dv.load` was given.
      network: the network itself.
      digest: of its weights and layers; part of every key.
      accuracy: mean-per-class accuracy on the validation images, 0..1; None if its card does not say.
      assumed: sentences about the input of a network of one's own that were not said.
    """

    name: str
    network: Any
    digest: str
    accuracy: float | None
    assumed: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Picture:
    """Where a picture comes from; its pixels are made when needed.

    Attributes:
      id: of the sample; None for an upload.
      title: for people.
      alt: what is on it; "" if nobody said.
      digest: SHA-256 of the file, or of the name of the sample.
      file: the uploaded bytes; b"" for a sample.
    """

    id: str | None
    title: str
    alt: str
    digest: str
    file: bytes = b""


@dataclass(frozen=True, eq=False)
class Fitted:
    """A picture as the network sees it, (H, W, 3), and the same part finer for the screen."""

    model: DisplayImage
    screen: DisplayImage


@dataclass(frozen=True, eq=False)
class Forward:
    """One forward pass: class probabilities and the (h, w, c) or (c,) activation of every layer."""

    probabilities: np.ndarray
    maps: dict[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class Seen:
    """What one unit saw, by every rule, and how long it took to compute.

    Attributes:
      by_rule: rule -> reconstruction, in the order of `dv.RULES`; arrays are read-only.
      refused: rule -> why it cannot apply to this layer.
      seconds: wall time of the computation, from the start to the last array.
      compiled: whether programs had to be compiled in that time.
    """

    by_rule: dict[str, Reconstruction]
    refused: dict[str, str]
    seconds: float
    compiled: bool


@st.cache_resource(show_spinner=False)
def keep_compiled() -> bool:
    """Keep compiled programs on disk from now on; False, with no harm done, where the folder cannot be written."""
    return compiled.keep()


@st.cache_resource(show_spinner=False, max_entries=4)
def network(name: str) -> Loaded:
    """The network of that name, with what its card says; one's own by its address, ``package.module:object``."""
    keep_compiled()
    if ":" in name:
        made = load.load(name)
        return Loaded(name, made.network, made.network.digest, _accuracy(made.network.about), made.assumed)
    net = dv.load(name)
    return Loaded(name, net, net.digest, _accuracy(net.about))


def _accuracy(about: dict[str, str]) -> float | None:
    """The mean-per-class accuracy of a card, or else the top-1 accuracy; None where it has neither."""
    figures = dict(_figures(about))
    for wanted in ("mean_per_class", "top1"):
        for name, value in figures.items():
            if wanted in name and 0 < value <= 1:
                return value
    return None


def _figures(value: Any, name: str = "") -> Iterator[tuple[str, float]]:
    """Every number of nested records, JSON text included, with its path."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _figures(inner, f"{name} {key}")
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield name, float(value)


def sample(id: str) -> Picture:
    """A picture of the gallery."""
    known = samples.SAMPLES[id]
    return Picture(id, known.title, known.alt, sha256(f"sample {id}".encode()).hexdigest())


def upload(file: bytes, name: str) -> Picture:
    """A picture that a person brings.

    Raises:
      ImageError: too large, damaged, or not a picture.
    """
    with READING:
        images.load(file, name=name, max_bytes=MAX_UPLOAD)
    return Picture(None, name, "", sha256(file).hexdigest(), file)


def decoded(picture: Picture) -> DisplayImage:
    """The picture at its own size."""
    return samples.load(picture.id) if picture.id else images.load(picture.file, name=picture.title)


def fitted(loaded: Loaded, picture: Picture) -> Fitted:
    """The picture at the network's size, kept for the last `KEPT_PICTURES` pictures."""
    return _fitted(picture.digest, repr(loaded.network.input_spec), loaded.network.input_spec, picture)


@st.cache_resource(show_spinner=False, max_entries=KEPT_PICTURES)
def _fitted(picture_digest: str, spec_key: str, _spec: InputSpec, _picture: Picture) -> Fitted:
    with READING:
        whole = decoded(_picture)
        return Fitted(_frozen(fit_image(whole, _spec)), _frozen(on_screen(whole, _spec)))


def forward(loaded: Loaded, picture: Picture) -> Forward:
    """Probabilities and activations of every layer, kept for the last `KEPT_FORWARDS` pictures."""
    return _forward(loaded.digest, picture.digest, loaded, picture)


@st.cache_resource(show_spinner=False, max_entries=KEPT_FORWARDS)
def _forward(network_digest: str, picture_digest: str, _loaded: Loaded, _picture: Picture) -> Forward:
    def run() -> Forward:
        net, image = _loaded.network, fitted(_loaded, _picture).model
        values = net.taps(model_input(image, net.input_spec), [layer.name for layer in net.layers])
        return Forward(_frozen(dv.predict(net, image)), {name: _frozen(value[0]) for name, value in values.items()})

    return _compiled_once((network_digest, "forward", ""), run)


def reconstruct(loaded: Loaded, picture: Picture, unit: Unit) -> Seen:
    """What a unit saw by every rule, kept for the last `KEPT_UNITS` units."""
    key = repr((unit, "activation"))
    return _reconstruct(loaded.digest, picture.digest, key, loaded, picture, unit)


@st.cache_resource(show_spinner=False, max_entries=KEPT_UNITS)
def _reconstruct(
    network_digest: str, picture_digest: str, unit_key: str, _loaded: Loaded, _picture: Picture, _unit: Unit
) -> Seen:
    net, image = _loaded.network, fitted(_loaded, _picture).model
    cold = any((network_digest, _unit.layer, rule) not in _WARM for rule in dv.RULES)
    start = time.perf_counter()
    by_rule: dict[str, Reconstruction] = {}
    refused: dict[str, str] = {}
    for rule in dv.RULES:
        try:
            run = partial(dv.reconstruct, net, image, _unit, rule=rule, prove=False)
            found = _compiled_once((network_digest, _unit.layer, rule), run)
        except (RuleError, NetworkError) as error:
            refused[rule] = str(error)
            _WARM.add((network_digest, _unit.layer, rule))
            continue
        found.map.setflags(write=False)
        by_rule[rule] = found
    return Seen(by_rule, refused, time.perf_counter() - start, cold)


def proven(loaded: Loaded, picture: Picture, unit: Unit) -> dict[str, Reconstruction]:
    """The same maps with the explicit road beside, by every rule that applies; kept like them.

    It costs several times the maps themselves, so a page asks for it once the maps are on it.
    """
    return _proven(loaded.digest, picture.digest, repr(unit), loaded, picture, unit)


@st.cache_resource(show_spinner=False, max_entries=KEPT_PROOFS)
def _proven(
    network_digest: str, picture_digest: str, unit_key: str, _loaded: Loaded, _picture: Picture, _unit: Unit
) -> dict[str, Reconstruction]:
    net, image = _loaded.network, fitted(_loaded, _picture).model
    return {
        rule: _compiled_once(
            (network_digest, _unit.layer, f"{rule} proven"), partial(dv.reconstruct, net, image, _unit, rule=rule)
        )
        for rule in reconstruct(_loaded, _picture, _unit).by_rule
    }


def is_proof_compiled(loaded: Loaded, layer: str, rules: Iterable[str]) -> bool:
    """Whether the proofs of a layer only have to run; a large network's programs take a minute to compile."""
    return {(loaded.digest, layer, name) for name in ("adjoint", *(f"{rule} proven" for rule in rules))} <= _WARM


def adjoint(loaded: Loaded, picture: Picture, layer: str) -> Check:
    """The dot test of the way down from a layer, measured once a picture."""
    net = loaded.network
    x = model_input(fitted(loaded, picture).model, net.input_spec)
    run = partial(checks.adjoint, net, x, layer)
    return kept(loaded, picture, f"adjoint {layer}", lambda: _compiled_once((loaded.digest, layer, "adjoint"), run))


def walk(loaded: Loaded, picture: Picture, unit: Unit, rule: str) -> tuple[Frame, ...]:
    """The signal at every station of its way down; empty where the network is no chain."""
    return _walk(loaded.digest, picture.digest, repr(unit), rule, loaded, picture, unit)


@st.cache_resource(show_spinner=False, max_entries=KEPT_WALKS)
def _walk(
    network_digest: str, picture_digest: str, unit_key: str, rule: str, _loaded: Loaded, _picture: Picture, _unit: Unit
) -> tuple[Frame, ...]:
    net = _loaded.network
    steps = net.chain_to(_unit.layer)
    if not isinstance(steps, Chain):
        return ()
    x = model_input(fitted(_loaded, _picture).model, net.input_spec)
    frames = steps.walk_down(x, signal_at(net, x, _unit), rule)
    return tuple(replace(frame, signal=_frozen(frame.signal)) for frame in frames)


def kept(loaded: Loaded, picture: Picture, name: str, make: Callable[[], _T]) -> _T:
    """A small value about a network and a picture, computed once."""
    return _kept(loaded.digest, picture.digest, name, make)


@st.cache_resource(show_spinner=False, max_entries=KEPT_VALUES)
def _kept(network_digest: str, picture_digest: str, name: str, _make: Callable[[], Any]) -> Any:
    return _make()


def once(loaded: Loaded, layer: str, program: str, run: Callable[[], _T]) -> _T:
    """Run; until it has run once for that layer, no other program compiles beside it."""
    return _compiled_once((loaded.digest, layer, program), run)


def _compiled_once(key: tuple[str, str, str], run: Callable[[], _T]) -> _T:
    """Run at once if the program is compiled, else wait for the turn to compile."""
    if key in _WARM:
        return run()
    with _COMPILING:
        result = run()
        _WARM.add(key)
    return result


def _frozen(values: Any) -> np.ndarray:
    array = np.asarray(values)
    array.setflags(write=False)
    return array


def is_served() -> bool:
    """Whether a server runs this script; False in a headless test of a page."""
    return runtime.exists() and type(runtime.get_instance()) is runtime.Runtime


@st.cache_resource(show_spinner=False)
def spare_loaded() -> bool:
    """Take what is loaded by now out of garbage collection, once a process: Streamlit collects after every run."""
    gc.collect()
    gc.freeze()
    return True


@st.cache_resource(show_spinner=False, max_entries=4)
def warm_up(name: str, _picture: Picture) -> threading.Thread | None:
    """Compile every layer and rule in the background, once a process; then spare what is loaded from collection.

    The insides of blocks (``fire2.expand1x1``) are left to the click that opens them. Where `WARM_UP` is set to 0,
    every program is compiled when it is first asked for, and this returns None.
    """
    if os.environ.get(WARM_UP) == "0":
        return None

    def run() -> None:
        loaded = network(name)
        layers = [layer for layer in loaded.network.layers if "." not in layer.name]
        for layer in layers:
            if not threading.main_thread().is_alive():  # the app is closing
                return
            reconstruct(loaded, _picture, Unit(layer.name, 0))
        for layer in layers:
            if not threading.main_thread().is_alive():
                return
            proven(loaded, _picture, Unit(layer.name, 0))
            adjoint(loaded, _picture, layer.name)
        gc.collect()
        gc.freeze()

    thread = threading.Thread(target=run, name="warm-up")
    thread.start()
    return thread
