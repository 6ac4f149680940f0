"""The ladder: one picture, every layer from early to late, and three ways to make a picture from the layer again."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from types import MappingProxyType
from typing import Any

import numpy as np
import streamlit as st

import deconvviz as dv
from deconvviz.figures.scale import fitted
from deconvviz.models import inverters
from deconvviz.types import DisplayImage, SignedMap, Unit
from lessons._kit.inversion.run import LAYERS, Run, feature_error, measured, snapshots
from lessons._kit.run import engine, jobs, networks, pictures, shipped

METHODS = ("deconvnet", "optimize", "learned")
#: Steps of a rung's search; and the rungs and steps of the short ladder behind the proofs.
STEPS = 512
SHORT, SHORT_LAYERS = 24, ("relu1", "relu3")


@dataclass(frozen=True, eq=False)
class Rung:
    """A picture made from one layer.

    Attributes:
      layer, method: of which, and how.
      image: (H, W, 3), 0..1.
      feature_error, image_error: squared distances over squared lengths, at the layer and in pixels.
      finished: whether it stays as it is.
      step: steps of the search behind it; 0 for the other methods.
      map: what DeconvNet gave, before grey and contrast were fitted; None for the other methods.
      agreement: relative difference of the two computations of DeconvNet.
      reported: the feature error as the library reports it; None where it reports none.
      losses: what the search minimized, one number a step; None for the other methods.
    """

    layer: str
    method: str
    image: DisplayImage
    feature_error: float
    image_error: float
    finished: bool = True
    step: int = 0
    map: SignedMap | None = None
    agreement: float | None = None
    reported: float | None = None
    losses: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Ladder:
    """The rungs so far.

    Attributes:
      rungs: (layer, method) -> rung.
      step, steps: of all searches together.
    """

    rungs: Mapping[tuple[str, str], Rung] = field(default_factory=lambda: MappingProxyType({}))
    step: int = 0
    steps: int = STEPS * len(LAYERS)

    def of(self, method: str) -> list[Rung]:
        """The finished rungs of a method, early layers first."""
        result = (self.rungs.get((layer, method)) for layer in LAYERS)
        return [rung for rung in result if rung is not None and rung.finished]

    def with_(self, rung: Rung, step: int) -> Ladder:
        """One rung more, or newer."""
        return Ladder(MappingProxyType({**self.rungs, (rung.layer, rung.method): rung}), step, self.steps)


def key(loaded: networks.Loaded, picture: pictures.Picture, seed: int) -> str:
    """Name of the job."""
    return repr(("ladder", loaded.digest, picture.digest, seed))


def begin(loaded: networks.Loaded, picture: pictures.Picture, seed: int) -> None:
    """Climb in the background."""
    jobs.start(key(loaded, picture, seed), lambda: ladder_snapshots(loaded, picture, seed, STEPS))


def find(loaded: networks.Loaded, picture: pictures.Picture, seed: int) -> jobs.Job[Ladder] | None:
    """The job, if somebody has begun it."""
    return jobs.find(key(loaded, picture, seed))


def beforehand(loaded: networks.Loaded, picture: pictures.Picture, seed: int) -> Ladder | None:
    """The ladder that comes with the package, its pictures in 8 bits; None where there is none of this choice."""
    prefix = shipped.prefix(loaded, picture, seed)
    if prefix is None:
        return None
    ladder, maps = Ladder(), shipped.arrays()
    for layer, method in itertools.product(LAYERS, METHODS):
        name = f"{prefix}{method}/{layer}"
        if name in shipped.facts():
            feature, pixels, step = shipped.facts()[name]
            signed = None
            if method == "deconvnet":
                level = shipped.facts()[f"{prefix}map/{layer}"] / 127
                signed = maps[f"{prefix}map/{layer}"].astype(np.float32) * level
            if name in maps or signed is None:
                image = shipped.image(name)
            else:  # of the second network the map alone is stored, which says the picture
                image = fitted(signed, shipped.image("photograph"))
            ladder = ladder.with_(Rung(layer, method, image, feature, pixels, step=step, map=signed), 0)
    return ladder


def ladder_snapshots(
    loaded: networks.Loaded, picture: pictures.Picture, seed: int, steps: int, layers: tuple[str, ...] = LAYERS
) -> Iterator[Ladder]:
    """All rungs: first those that come in one pass, then the searches, from early to late layers."""
    ladder, known = Ladder(steps=steps * len(layers)), inverters.layers(loaded.network)
    for layer in layers:
        run = Run(loaded, picture, layer, seed)
        ladder = ladder.with_(sent_down(run), 0)
        if layer in known:
            ladder = ladder.with_(learned(run), 0)
        yield ladder
    for number, layer in enumerate(layers):
        for now in snapshots(Run(loaded, picture, layer, seed), steps):
            errors: dict[str, Any] = {"feature_error": now.feature_error, "image_error": now.image_error}
            ended = now.step >= now.steps or now.state.progress.stopped
            errors |= {"reported": now.feature_error, "losses": now.losses}
            rung = Rung(layer, "optimize", now.image, **errors, finished=ended, step=now.step)
            ladder = ladder.with_(rung, steps * number + now.step)
            yield ladder


def sent_down(run: Run) -> Rung:
    """DeconvNet from the whole layer at once, its grey and contrast fitted to the photograph."""
    shown = pictures.fitted(run.loaded, run.picture).model
    reconstruct = partial(dv.reconstruct, run.loaded.network, shown, Unit(run.layer, "all"), rule="deconvnet")
    result = engine.run_compiled(run.loaded, run.layer, "deconvnet all", reconstruct)
    image = fitted(result.map, shown)
    feature, pixels = measured(run, image), pixel_error(image, shown)
    return Rung(run.layer, "deconvnet", image, feature, pixels, map=result.map, agreement=result.agreement)


def learned(run: Run) -> Rung:
    """The trained decoder's answer."""
    shown = pictures.fitted(run.loaded, run.picture).model
    invert = partial(dv.invert, run.loaded.network, shown, run.layer, method="learned")
    result = engine.run_compiled(run.loaded, run.layer, "learned", invert)
    feature = result.feature_error
    return Rung(run.layer, "learned", result.image, feature, result.image_error, reported=feature)


def pixel_error(image: DisplayImage, shown: DisplayImage) -> float:
    """``sum (x - x0)^2 / sum x0^2`` over all pixels; the sum itself for a black photograph."""
    if not np.any(shown):
        return float(np.square(np.asarray(image, np.float64)).sum())
    return feature_error(image, shown)


def short(loaded: networks.Loaded, picture: pictures.Picture, seed: int) -> Ladder:
    """A few rungs with few steps."""
    return _short(key(loaded, picture, seed), loaded, picture, seed)


@st.cache_resource(show_spinner=False, max_entries=8)
def _short(key: str, _loaded: networks.Loaded, _picture: pictures.Picture, _seed: int) -> Ladder:
    *_, ladder = ladder_snapshots(_loaded, _picture, _seed, SHORT, SHORT_LAYERS)
    return ladder


def above(ladder: Ladder) -> float:
    """By how much the search ends above DeconvNet in feature error, at the worst rung; 0 if nowhere."""
    pairs = [(rung, ladder.rungs[rung.layer, "deconvnet"]) for rung in ladder.of("optimize")]
    return max((max(rung.feature_error - other.feature_error, 0.0) for rung, other in pairs), default=0.0)


def falling(ladder: Ladder) -> float:
    """By how much the search's error in pixels falls from one rung to the next, at the worst place; 0 if nowhere."""
    errors = [rung.image_error for rung in ladder.of("optimize")]
    return max((max(a - b, 0.0) for a, b in pairwise(errors)), default=0.0)


def two_computations(ladder: Ladder) -> float:
    """Relative difference of the two computations down from a whole layer, the largest of all rungs."""
    gaps = [rung.agreement for rung in ladder.of("deconvnet")]
    return max((np.inf if gap is None else gap for gap in gaps), default=0.0)


def by_hand(ladder: Ladder, loaded: networks.Loaded, picture: pictures.Picture) -> float:
    """Relative difference of reported feature errors and the same by hand, the largest of all rungs."""
    rungs = [rung for rung in (*ladder.of("optimize"), *ladder.of("learned")) if rung.reported is not None]
    slow = [measured(Run(loaded, picture, rung.layer), rung.image) for rung in rungs]
    return max((abs(rung.feature_error - one) / one for rung, one in zip(rungs, slow, strict=True)), default=0.0)
