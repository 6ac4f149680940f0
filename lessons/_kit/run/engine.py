"""The one place of the app where networks run: results are kept under a digest of everything they depend on.

Arrays live in bounded caches shared by all sessions and are read-only. A first look at a unit takes one forward pass
for the maps of all layers and the classes, and one call for its maps by all rules.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

import numpy as np
import streamlit as st

import deconvviz as dv
from deconvviz import checks, compiled
from deconvviz.api import class_probabilities
from deconvviz.data.preprocess import model_input
from deconvviz.errors import NetworkError
from deconvviz.network.backward.explicit import SignalStep
from deconvviz.network.backward.reconstruct import backward_trace as trace_of
from deconvviz.types import Check, Reconstruction, Unit
from lessons._kit.run import cache, shipped
from lessons._kit.run.networks import Loaded
from lessons._kit.run.pictures import Picture, fitted, frozen

#: Pictures whose activations are kept (about 6 MB each, 49 MB for SqueezeNet), units whose maps are (0.8 MB), and
#: whose checks are (the same maps), small values, and signals in the backward pass (about 3 MB each).
CACHED_FORWARDS = 8
CACHED_UNITS = 160
CACHED_CHECKS = 160
CACHED_VALUES = 256
CACHED_TRACES = 16
#: Layers of the largest network whose checks are compiled ahead; those of a larger one are compiled when asked for.
CHECKED_AHEAD = 32
#: Seconds that what follows the maps waits at most for others, and seconds between two looks meanwhile whether its own
#: person still waits.
PATIENCE, EVERY = 0.5, 0.1
_FOLLOWING = threading.Lock()
_T = TypeVar("_T")


@dataclass(frozen=True, eq=False)
class Forward:
    """One forward pass.

    Attributes:
      output: of the network, without the batch.
      probabilities: of its classes; None where the output is no row of class scores.
      maps: layer -> its activation, (h, w, c) or (c,).
    """

    output: np.ndarray
    probabilities: np.ndarray | None
    maps: dict[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class Reconstructions:
    """The maps of one unit by every rule, and how long they took to compute.

    Attributes:
      by_rule: rule -> reconstruction, in the order of `dv.RULES`; arrays are read-only.
      refused: rule -> why it cannot apply to this layer.
      seconds: wall time of the computation, from the start to the last array.
      compiled: whether programs had to be compiled in that time; None where the maps come with the package.
    """

    by_rule: dict[str, Reconstruction]
    refused: dict[str, str]
    seconds: float
    compiled: bool | None


def forward(loaded: Loaded, picture: Picture) -> Forward:
    """Probabilities and activations of every layer, kept for the last `CACHED_FORWARDS` pictures."""
    return _forward(loaded.identity, picture.digest, loaded, picture)


@cache.last(CACHED_FORWARDS)
def _forward(network_digest: str, picture_digest: str, _loaded: Loaded, _picture: Picture) -> Forward:
    net = _loaded.network
    x = model_input(fitted(_loaded, _picture).model, net.input_spec)
    names = [layer.name for layer in net.layers]
    output, values = run_compiled(_loaded, "", "forward", lambda: net.output_and_taps(x, names))
    try:
        probabilities = frozen(class_probabilities(net, output))
    except NetworkError:
        probabilities = None
    maps = {name: frozen(value[0]) for name, value in values.items()}
    return Forward(frozen(output[0] if np.ndim(output) else output), probabilities, maps)


def reconstruct(loaded: Loaded, picture: Picture, unit: Unit) -> Reconstructions:
    """The maps of a unit by every rule, kept for the last `CACHED_UNITS` units."""
    return _reconstruct(loaded.identity, picture.digest, repr(unit), loaded, picture, unit)


@cache.last(CACHED_UNITS)
def _reconstruct(
    network_digest: str, picture_digest: str, unit_key: str, _loaded: Loaded, _picture: Picture, _unit: Unit
) -> Reconstructions:
    known = shipped.maps(_loaded, _picture, _unit)
    if known is not None:
        return Reconstructions(known, {}, 0.0, None)
    net, image = _loaded.network, fitted(_loaded, _picture).model
    is_cold = not compiled.is_compiled(_key(_loaded, _unit.layer, "maps"))
    start, refused = time.perf_counter(), dict[str, str]()
    run = partial(dv.reconstruct_rules, net, image, _unit, prove=False, refusals=refused)
    by_rule = run_compiled(_loaded, _unit.layer, "maps", run)
    for result in by_rule.values():
        result.map.setflags(write=False)
    return Reconstructions(by_rule, refused, time.perf_counter() - start, is_cold)


def checked(loaded: Loaded, picture: Picture, unit: Unit) -> dict[str, Reconstruction]:
    """The same maps, each with its agreement with an independent computation; kept like them.

    It costs several times the maps themselves, so a page asks for it once the maps are on it.
    """
    return _checked(loaded.identity, picture.digest, repr(unit), loaded, picture, unit)


@cache.last(CACHED_CHECKS)
def _checked(
    network_digest: str, picture_digest: str, unit_key: str, _loaded: Loaded, _picture: Picture, _unit: Unit
) -> dict[str, Reconstruction]:
    maps = reconstruct(_loaded, _picture, _unit).by_rule
    run = partial(dv.prove_maps, _loaded.network, fitted(_loaded, _picture).model, maps)
    return run_compiled(_loaded, _unit.layer, "checks", run)


def is_check_compiled(loaded: Loaded, layer: str) -> bool:
    """Whether the checks of a layer only have to run; a large network's programs take a minute to compile."""
    return all(compiled.is_compiled(_key(loaded, layer, program)) for program in ("checks", "adjoint"))


def adjoint(loaded: Loaded, picture: Picture, layer: str) -> Check:
    """The dot test of the backward pass from a layer, measured once a picture."""
    net = loaded.network
    x = model_input(fitted(loaded, picture).model, net.input_spec)
    run = partial(checks.adjoint, net, x, layer)
    return cached(loaded, picture, f"adjoint {layer}", lambda: run_compiled(loaded, layer, "adjoint", run))


def backward_trace(loaded: Loaded, picture: Picture, unit: Unit, rule: str) -> tuple[SignalStep, ...]:
    """The signal after every step of its backward pass; empty where the network is no chain."""
    return _backward_trace(loaded.identity, picture.digest, repr(unit), rule, loaded, picture, unit)


@cache.last(CACHED_TRACES)
def _backward_trace(
    network_digest: str, picture_digest: str, unit_key: str, rule: str, _loaded: Loaded, _picture: Picture, _unit: Unit
) -> tuple[SignalStep, ...]:
    x = model_input(fitted(_loaded, _picture).model, _loaded.network.input_spec)
    run = partial(trace_of, _loaded.network, x, _unit, rule)
    frames = run_compiled(_loaded, _unit.layer, f"trace {rule}", run)
    return tuple(replace(frame, signal=frozen(frame.signal)) for frame in frames)


def cached(loaded: Loaded, picture: Picture, name: str, make: Callable[[], _T]) -> _T:
    """A small value about a network and a picture, computed once."""
    return _cached(loaded.identity, picture.digest, name, make)


@cache.last(CACHED_VALUES)
def _cached(network_digest: str, picture_digest: str, name: str, _make: Callable[[], Any]) -> Any:
    return _make()


@contextlib.contextmanager
def following() -> Iterator[None]:
    """``with following():`` what follows the maps, one person's at a time, and once nobody waits for maps.

    With many people somebody always waits for maps, so it goes ahead after `PATIENCE`. Where the person has clicked on
    or left meanwhile, the run of the page ends here, and nothing is computed.
    """
    end = time.monotonic() + PATIENCE
    while not compiled.give_way(EVERY) and time.monotonic() < end:
        _look_for_requests()
    while not (alone := _FOLLOWING.acquire(timeout=EVERY)) and time.monotonic() < end:
        _look_for_requests()
    try:
        yield
    finally:
        if alone:
            _FOLLOWING.release()


def _look_for_requests() -> None:
    """End the run of the page where another one is asked for: Streamlit looks whenever the session is read."""
    st.session_state.get("unit")


def run_compiled(loaded: Loaded, layer: str, program: str, run: Callable[[], _T]) -> _T:
    """Run; until it has run once for that layer, it waits for its turn to compile."""
    with compiled.foreground():
        return compiled.once(_key(loaded, layer, program), run)


def _key(loaded: Loaded, layer: str, program: str) -> tuple[str, str, str]:
    return loaded.identity, layer, program
