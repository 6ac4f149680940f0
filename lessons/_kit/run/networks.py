"""The networks of the app, each loaded once a process and shared by all sessions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import streamlit as st
from streamlit import runtime

import deconvviz as dv
from deconvviz import compiled
from deconvviz.network.adopt import load as adopt


@dataclass(frozen=True, eq=False)
class Loaded:
    """A network ready to run.

    Attributes:
      name: what `dv.load` was given.
      network: the network itself.
      digest: of its weights and layers; part of every key of what lasts.
      accuracy: mean-per-class accuracy on the validation images, 0..1; None if its card does not say.
      assumed: sentences about the input of a network of one's own that were not said.
      identity: part of every key of what this process holds; taken when the network is loaded, because one in float32
        cannot be traced anew where a lesson computes in float64.
    """

    name: str
    network: Any
    digest: str
    accuracy: float | None
    assumed: tuple[str, ...] = ()
    identity: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "identity", self.network.identity)


#: Bytes of the forward passes of a network that are kept: the shipped network's of a layer and picture take 1 MB.
PASSES_ROOM = 64_000_000


@st.cache_resource(show_spinner=False)
def keep_compiled() -> bool:
    """Keep compiled programs on disk from now on; False, with no harm done, where the folder cannot be written."""
    return compiled.keep()


@st.cache_resource(show_spinner=False, max_entries=4)
def load(name: str) -> Loaded:
    """The network of that name, with what its card says; one's own by its address, ``package.module:object``."""
    keep_compiled()
    if ":" in name:
        adopted = adopt.load(name)
        network, assumed = adopted.network, adopted.assumed
    else:
        network, assumed = dv.load(name), ()
    network.store.passes.room = PASSES_ROOM
    return Loaded(name, network, network.digest, accuracy(network.about), assumed)


def accuracy(about: dict[str, str]) -> float | None:
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
        except (ValueError, RecursionError):
            return
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _figures(inner, f"{name} {key}")
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield name, float(value)


def is_served() -> bool:
    """Whether a server runs this script; False in a headless test of a page."""
    return runtime.exists() and type(runtime.get_instance()) is runtime.Runtime
