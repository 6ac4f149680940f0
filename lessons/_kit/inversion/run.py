"""Inversions of the shipped network in the background: one job for each choice, and short runs for the proofs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
import streamlit as st

import deconvviz as dv
from deconvviz import priors
from deconvviz.types import Inversion
from lessons._kit.run import engine, jobs, networks, pictures, shipped

LAYERS = tuple(f"relu{number}" for number in range(1, 8))
#: Steps of a run, and of the short ones behind the proofs.
STEPS, SHORT = 512, 16
#: Learning rate of pixels, and of waves.
RATES = {"pixel": 0.02, "fourier": 0.1}
#: Steps a second of the last run of a layer in this process.
_SPEED: dict[str, float] = {}


@dataclass(frozen=True)
class Run:
    """Everything that an inverted picture depends on.

    Attributes:
      loaded, picture: the network and the photograph.
      layer: what is inverted.
      seed: of the noise and the shifts.
      prior: whether roughness and strong colours cost something.
      moved: "pixel", "fourier", or "" for what suits the layer.
    """

    loaded: networks.Loaded
    picture: pictures.Picture
    layer: str
    seed: int = 0
    prior: bool = True
    moved: str = ""

    @property
    def options(self) -> dict[str, Any]:
        """What `deconvviz.invert` is told besides network, picture and layer."""
        without = {} if self.prior else {"tv": 0.0, "norm": 0.0}
        moved = {"parametrization": self.moved, "rate": RATES[self.moved]} if self.moved else {}
        return {"seed": self.seed, **without, **moved}

    @property
    def key(self) -> str:
        """Name of the job."""
        return repr(("invert", self.loaded.digest, self.picture.digest, self.layer, sorted(self.options.items())))

    @property
    def target(self) -> np.ndarray:
        """(h, w, c) what the layer says of the photograph."""
        return engine.forward(self.loaded, self.picture).maps[self.layer]


def of(image: str, layer: str, seed: int = 0, prior: bool = True, moved: str = "") -> Run:
    """A run on the shipped network and a built-in photograph."""
    return Run(networks.load("caltech"), pictures.sample(image), layer, seed, prior, moved)


def beforehand(run: Run) -> Inversion | None:
    """The search that comes with the package, its picture in 8 bits; None where there is none of this choice."""
    if not run.prior or run.moved or not shipped.is_of(run.loaded, run.picture, run.seed):
        return None
    feature, pixels, step = shipped.facts()[f"optimize/{run.layer}"]
    losses = shipped.arrays()[f"losses/{run.layer}"]
    image = shipped.image(f"optimize/{run.layer}")
    return Inversion(image, feature, pixels, losses, run.layer, "optimize", run.seed, step, STEPS)


def find(run: Run) -> jobs.Job[Inversion] | None:
    """The job of a run, if somebody has begun it."""
    return jobs.find(run.key)


def begin(run: Run) -> None:
    """Begin it in the background."""
    jobs.start(run.key, lambda: snapshots(run, STEPS))


def snapshots(run: Run, steps: int) -> Iterator[Inversion]:
    """The run, snapshot after snapshot; while the first one is made no other program compiles."""
    image = pictures.fitted(run.loaded, run.picture).model
    going = dv.invert_snapshots(run.loaded.network, image, run.layer, steps=steps, **run.options)
    now = engine.run_compiled(run.loaded, run.layer, f"invert {run.moved}", lambda: next(going))
    yield now
    first, spent = now.step, 0.0
    while True:
        start = time.perf_counter()
        later = next(going, None)
        if later is None:
            return
        spent += time.perf_counter() - start
        _SPEED[run.layer] = (later.step - first) / spent
        yield later


def seconds(layer: str) -> float | None:
    """How long a whole run of a layer took here; None before the first one."""
    return STEPS / _SPEED[layer] if layer in _SPEED else None


def shown(run: Run) -> Inversion:
    """The picture on the page: the latest of the job; of a short run where there is none."""
    job = find(run)
    return job.latest if job is not None and job.latest is not None else short(run)[0]


def short(run: Run) -> tuple[Inversion, Inversion, Inversion]:
    """A short run, the same once more, and the same stopped after half of it and continued."""
    return _short(run.key, run)


@st.cache_resource(show_spinner=False, max_entries=32)
def _short(key: str, _run: Run) -> tuple[Inversion, Inversion, Inversion]:
    first, *_, whole = snapshots(_run, SHORT)
    *_, again = snapshots(_run, SHORT)
    image = pictures.fitted(_run.loaded, _run.picture).model
    continued = dv.invert(_run.loaded.network, image, _run.layer, resume=first, **_run.options | {"steps": SHORT})
    return whole, again, continued


def feature_error(values: np.ndarray, target: np.ndarray) -> float:
    """``sum (v - a)^2 / sum a^2``, by hand: no formula of the library."""
    v, a = np.asarray(values, np.float64), np.asarray(target, np.float64)
    return float(((v - a) ** 2).sum() / (a**2).sum())


def measured(run: Run, image: np.ndarray) -> float:
    """The feature error of any picture, (H, W, 3) in 0..1, through one forward pass."""
    return feature_error(dv.activations(run.loaded.network, image, run.layer), run.target)


def variation_gap() -> float:
    """How far the derivative of the total variation is from differences of the total variation itself."""
    x = np.random.default_rng(7).random((1, 5, 7, 3))
    with jax.enable_x64():
        slope = np.asarray(jax.grad(lambda x: priors.total_variation(x))(x))
        gaps: list[float] = []
        step = 1e-6
        for place in np.ndindex(*x.shape):
            up, down = x.copy(), x.copy()
            up[place] += step
            down[place] -= step
            rise = (float(priors.total_variation(up)) - float(priors.total_variation(down))) / (2 * step)
            gaps.append(abs(rise - float(slope[place])))
    return max(gaps) / float(np.abs(slope).max())


def wave_gap() -> float:
    """How far the waves are from being orthonormal: the largest entry of ``B B^T - 1``, B one wave a row."""
    height, width = 5, 7
    with jax.enable_x64():
        dots = np.eye(height * width).reshape(-1, height, width, 1)
        waves = np.asarray(priors.hartley(dots)).reshape(height * width, -1)
    return float(np.abs(waves @ waves.T - np.eye(height * width)).max())
