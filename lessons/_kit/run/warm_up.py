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


@st.cache_resource(show_spinner=False, max_entries=4)
def start(name: str, _picture: Picture, _layer: str = "") -> threading.Thread | None:
    """Compile every layer's maps and then its checks in the background, once a process; None where it is off.

    The insides of blocks (``fire2.expand1x1``) are left to the click that opens them.

    Args:
      name: of the network.
      _picture: any; programs do not depend on it.
      _layer: the one in view: it comes first.
    """
    if os.environ.get(VARIABLE) == "0":
        return None

    def run() -> None:
        with compiled.background():
            loaded = networks.load(name)
            units = [Unit(layer.name, 0) for layer in loaded.network.layers if "." not in layer.name]
            units.sort(key=lambda unit: unit.layer != _layer)
            for compile_ahead in (_maps, _checks):
                for unit in units:
                    if not threading.main_thread().is_alive():  # the app is closing
                        return
                    compile_ahead(loaded, _picture, unit)
        gc.collect()
        gc.freeze()

    thread = threading.Thread(target=run, name="warm-up")
    thread.start()
    return thread


def _maps(loaded: networks.Loaded, picture: Picture, unit: Unit) -> None:
    engine.reconstruct(loaded, picture, unit)


def _checks(loaded: networks.Loaded, picture: Picture, unit: Unit) -> None:
    engine.checked(loaded, picture, unit)
    engine.adjoint(loaded, picture, unit.layer)
