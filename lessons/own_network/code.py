"""The code of the page about one's own network: what is shown is what runs, on the page and in the tests."""

from __future__ import annotations

import tempfile
import types
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

import deconvviz as dv
from deconvviz import checks
from deconvviz.data import samples
from deconvviz.data.preprocess import fit_image, model_input
from deconvviz.metrics import relative_error
from deconvviz.types import Check
from lessons._kit.form.i18n import mark
from lessons._kit.run import networks

EXAMPLE = Path(__file__).with_name("example.py")
PICTURE = "cat"
#: Name -> (title, what stands in the file, what stands there instead).
VARIANTS: dict[str, tuple[str, str, str]] = {
    "relu": (mark("As it should be"), "", ""),
    "gelu": (mark("GELU in the middle"), "x = nnx.relu(self.conv2(x))", "x = nnx.gelu(self.conv2(x))"),
    "batch": (
        mark("Normalized over its batch"),
        "x = nnx.relu(self.norm1(self.conv1(x)))",
        "x = nnx.relu(jax.nn.standardize(self.conv1(x), axis=(0, 1, 2)))",
    ),
}
LIBRARY = """import deconvviz as dv
from mynet import net

seen = dv.reconstruct(net(), "photo.jpg", dv.Unit("relu2", 1), rule="guided")
print(seen.unit, seen.coverage, seen.agreement)
"""
#: What the report on the page comes from, in the same folder.
REPORT = """from deconvviz import checks
from deconvviz.data import samples
from deconvviz.data.preprocess import model_input
from mynet import net

network = net()
report = checks.report(network, model_input(samples.load("cat"), network.input_spec))
print(report.rules, report.notes)
"""
COMMANDS = """python mynet.py
deconvviz check --network mynet:net --image photo.jpg
deconvviz reconstruct --network mynet:net --image photo.jpg --layer relu2 --channel 1 --out map.png
"""
APP = "make app NETWORK=mynet:net\n"


def audit(address: str) -> str:
    """The command that checks the maps of a network on a folder of pictures."""
    return f"deconvviz audit --network {address} --images photos --out report.html\n"


@dataclass(frozen=True, eq=False)
class Tried:
    """A variant of the example after everything was tried on it.

    Attributes:
      report: what was found.
      image: (64, 64, 3) in 0..1: the photograph as the network is fed it.
      maps: rule -> (64, 64, 3) from the strongest score, of the rules that apply.
      forward: distance between its scores and those of the module itself.
      adjoint: the dot test from its last layer.
    """

    report: checks.Report
    image: np.ndarray
    maps: Mapping[str, np.ndarray]
    forward: float
    adjoint: Check


def text(variant: str) -> str:
    """The file of a variant."""
    _, old, new = VARIANTS[variant]
    whole = EXAMPLE.read_text(encoding="utf-8")
    return whole.replace(old, new) if old else whole


def changed(variant: str) -> str:
    """The line that makes a variant; "" for the example itself."""
    return VARIANTS[variant][2]


def run(variant: str, folder: Path) -> Any:
    """The names that the file of a variant defines, run as ``mynet.py`` in a folder."""
    module = types.ModuleType("mynet")
    module.__file__ = str(folder / "mynet.py")
    exec(compile(text(variant), module.__file__, "exec"), module.__dict__)  # the very text that the page shows
    return module


@st.cache_resource(show_spinner=False)
def tried(variant: str) -> Tried:
    """Save, load and wrap a variant, and try everything on it; once a process."""
    networks.keep_compiled()
    with tempfile.TemporaryDirectory() as folder:
        module = run(variant, Path(folder))
        module.save(module.MyNet(module.nnx.Rngs(1)))
        network, model = module.net(), module.load()
    model.eval()
    x = model_input(samples.load(PICTURE), network.input_spec)
    report = checks.report(network, x)
    image = fit_image(samples.load(PICTURE), network.input_spec)
    rules = [one.rule for one in report.rules if not one.refused]
    maps = dv.reconstruct_rules(network, image, report.unit, rules, prove=False)
    return Tried(
        report=report,
        image=image,
        maps={rule: result.map for rule, result in maps.items()},
        forward=relative_error(network.run(x), np.asarray(model(x))),
        adjoint=checks.adjoint(network, x, network.layers[-1].name),
    )
