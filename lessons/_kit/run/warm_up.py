"""Compiling ahead: a background thread compiles what a later click needs, and gives way to whoever waits."""

from __future__ import annotations

import gc
import os
import threading

import streamlit as st

from deconvviz import compiled
from deconvviz.types import Unit
from lessons._kit.run import engine, networks
from lessons._kit.run.pictures import Picture

#: Set to 0, nothing is compiled ahead: every program when it is first asked for.
VARIABLE = "DECONVVIZ_WARM_UP"


@st.cache_resource(show_spinner=False)
def freeze_gc() -> bool:
    """Take what is loaded by now out of garbage collection, once a process: Streamlit collects after every run."""
    gc.collect()
    gc.freeze()
    return True


#: Network -> the layer that somebody looked at last.
_VIEW: dict[str, str] = {}


def look_at(name: str, layer: str) -> None:
    """What is compiled next is what lies nearest to this layer."""
    _VIEW[name] = layer


@st.cache_resource(show_spinner=False, max_entries=4)
def start(name: str, _picture: Picture) -> threading.Thread | None:
    """Compile every layer's maps in the background, once a process; None where it is off.

    What lies nearest to the layer in view comes first. Checks are compiled when a page shows them, and the insides of
    blocks (``fire2.expand1x1``) by the click that opens them.

    Args:
      name: of the network.
      _picture: any; programs do not depend on it.
    """
    if os.environ.get(VARIABLE) == "0":
        return None

    def run() -> None:
        with compiled.background():
            loaded = networks.load(name)
            layers = [layer.name for layer in loaded.network.layers if "." not in layer.name]
            places = {layer: place for place, layer in enumerate(layers)}
            while layers and threading.main_thread().is_alive():  # no longer when the app is closing
                view = places.get(_VIEW.get(name, "").partition(".")[0], 0)
                nearest = min(layers, key=lambda layer: abs(places[layer] - view))
                layers.remove(nearest)
                engine.reconstruct(loaded, _picture, Unit(nearest, 0))
        gc.collect()
        gc.freeze()

    thread = threading.Thread(target=run, name="warm-up")
    thread.start()
    return thread
