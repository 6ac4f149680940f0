"""The network as it was after eight epochs of its training, and what its strongest units see on a photograph."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
import streamlit as st

import deconvviz as dv
from deconvviz.data.preprocess import at_most
from deconvviz.figures.scale import colour_rgb, signed_limit
from deconvviz.models import caltech
from deconvviz.types import Box, Unit
from lessons._kit.draw.pixels import FINER, crop, jpeg, png, to_bytes
from lessons._kit.run import engine, jobs, networks, pictures, shipped
from lessons.growth import measure
from lessons.growth.measure import EPOCHS, RELUS

#: Channels that are followed: the strongest of a layer on the photograph once the network is trained.
CHANNELS = 8
#: Rows of the largest patch on screen.
PATCH = 192
#: Photographs that are kept followed through all layers and epochs: about 7 MB each.
CACHED = 6
#: Patches that are kept (about 10 KB each); those of the upper layers are the whole photograph.
CACHED_PATCHES = 512


_ALL = "all"


@dataclass(frozen=True, eq=False)
class Grown:
    """What the channels of a layer see after an epoch, each at its own strongest position.

    Attributes:
      units: with their positions.
      activations: of the units.
      boxes: their receptive fields.
      maps: PNG files of the DeconvNet maps in these fields, each on its own scale; b"" for a map of zeros.
      patches: JPEG files of the same part of the photograph.
      inners, norms: with the last snapshot's map, and of the map itself.
      end_norms: of the last snapshot's map.
    """

    units: tuple[Unit, ...]
    activations: tuple[float, ...]
    boxes: tuple[Box, ...]
    maps: tuple[bytes, ...]
    patches: tuple[bytes, ...]
    inners: tuple[float, ...]
    norms: tuple[float, ...]
    end_norms: tuple[float, ...]

    @property
    def distances(self) -> tuple[float, ...]:
        """Of every channel, from what it becomes."""
        return tuple(map(measure.distance, self.inners, self.norms, self.end_norms))

    @property
    def mean(self) -> float:
        """Mean distance of the channels."""
        return float(np.mean(self.distances))


@dataclass(frozen=True, eq=False)
class Followed:
    """How far following a photograph has come.

    Attributes:
      step, steps: pairs of layer and epoch that are measured, and all.
      distances: layer -> mean distance of its channels, one number a snapshot; only layers that are complete.
    """

    step: int
    steps: int
    distances: dict[str, tuple[float, ...]]


@st.cache_resource(show_spinner=False, max_entries=len(EPOCHS))
def network(epoch: int) -> networks.Loaded:
    """The network after an epoch; all share their compiled programs."""
    networks.keep_compiled()
    net = dv.load("caltech", weights=f"epoch:{epoch}")
    return networks.Loaded(f"caltech epoch:{epoch}", net, net.digest, None)


def maps_of(image: str, epoch: int, units: list[Unit]) -> tuple[dv.Reconstruction, ...]:
    """The DeconvNet maps of units of one layer."""
    loaded, picture = network(epoch), pictures.sample(image)
    fitted = pictures.fitted(loaded, picture).model

    def run() -> tuple[dv.Reconstruction, ...]:
        return dv.reconstruct_many(loaded.network, fitted, units, prove=False)

    return engine.run_compiled(network(EPOCHS[-1]), units[0].layer, f"{len(units)} units", run)


@st.cache_resource(show_spinner=False, max_entries=2 * len(RELUS))
def _end(image: str, layer: str) -> tuple[np.ndarray, ...]:
    """The last snapshot's channels, (CHANNELS,), and their maps, (CHANNELS, H, W, 3)."""
    loaded, picture = network(EPOCHS[-1]), pictures.sample(image)
    maps = engine.forward(loaded, picture).maps[layer]
    channels = np.argsort(-maps.max(axis=(0, 1)), kind="stable")[:CHANNELS]
    result = maps_of(image, EPOCHS[-1], [Unit(layer, int(channel)) for channel in channels])
    return channels, np.stack([one.map for one in result])


@st.cache_resource(show_spinner=False, max_entries=CACHED * len(RELUS) * len(EPOCHS))
def grown(image: str, layer: str, epoch: int) -> Grown:
    """What a layer sees on a photograph after an epoch: as stored, where it is, else computed."""
    return stored(image, layer, epoch) or compute(image, layer, epoch)


def stored(image: str, layer: str, epoch: int) -> Grown | None:
    """The same from what comes with the package; None where that is of something else."""
    name = shipped_name(image, layer, epoch)
    known = shipped.facts().get(name) if shipped.FILE.exists() else None
    if known is None or known["digests"] != [network(one).digest for one in (epoch, EPOCHS[-1])]:
        return None
    units = tuple(Unit(layer, *place) for place in known["units"])
    boxes = tuple((top, left, bottom, right) for top, left, bottom, right in known["boxes"])
    files = (shipped.arrays().get(f"{name}/{i}") for i in range(len(units)))
    maps = tuple(b"" if file is None else file.tobytes() for file in files)
    numbers = (tuple(known[part]) for part in ("inners", "norms", "end_norms"))
    return Grown(units, tuple(known["activations"]), boxes, maps, tuple(_patch(image, box) for box in boxes), *numbers)


def is_stored(image: str, layer: str) -> bool:
    """Does it come with the package for every epoch?"""
    return all(stored(image, layer, epoch) for epoch in EPOCHS)


def shipped_name(image: str, layer: str, epoch: int) -> str:
    """What it is stored under.

    >>> shipped_name("cat", "relu3", 9)
    'growth/cat/relu3/9'
    """
    return f"growth/{image}/{layer}/{epoch}"


def compute(image: str, layer: str, epoch: int) -> Grown:
    """`grown`, computed."""
    channels, ends = _end(image, layer)
    result = maps_of(image, epoch, [Unit(layer, int(channel)) for channel in channels])
    boxes = tuple(one.receptive_field for one in result)
    return Grown(
        tuple(one.unit for one in result),
        tuple(one.activation for one in result),
        boxes,
        tuple(_file(one.map, box) for one, box in zip(result, boxes, strict=True)),
        tuple(_patch(image, box) for box in boxes),
        tuple(_inner(one.map, end) for one, end in zip(result, ends, strict=True)),
        tuple(_inner(one.map, one.map) ** 0.5 for one in result),
        tuple(_inner(end, end) ** 0.5 for end in ends),
    )


def _inner(a: np.ndarray, b: np.ndarray) -> float:
    """Scalar product, without BLAS: its threads wait for each other for long while other work has the cores."""
    return float(np.multiply(a, b, dtype=np.float64).sum())


def _file(signed: np.ndarray, box: Box) -> bytes:
    part = crop(signed, box)
    limit = signed_limit(part)
    return png(colour_rgb(part, limit), level=6) if limit else b""


@st.cache_resource(show_spinner=False, max_entries=CACHED_PATCHES)
def _patch(image: str, box: Box) -> bytes:
    whole = pictures.fitted(network(EPOCHS[-1]), pictures.sample(image)).screen
    return jpeg(to_bytes(at_most(crop(whole, box, FINER), PATCH)))


def follow(image: str, layers: Sequence[str]) -> Iterator[Followed]:
    """Measure layers after every epoch, one layer after the other."""
    done: dict[str, tuple[float, ...]] = {}
    for i, layer in enumerate(layers):
        result: list[float] = []
        for k, epoch in enumerate(EPOCHS):
            result.append(grown(image, layer, epoch).mean)
            if len(result) == len(EPOCHS):
                done = done | {layer: tuple(result)}
            yield Followed(i * len(EPOCHS) + k + 1, len(layers) * len(EPOCHS), done)


def following(image: str, layer: str) -> jobs.Job[Followed]:
    """The job that follows a photograph through all layers, if somebody asked for it; else through one of them."""
    whole = jobs.find(_key(image))
    return whole or jobs.start(_key(image, layer), lambda: follow(image, (layer,)))


def follow_all(image: str, first: str) -> None:
    """Follow a photograph through all layers behind the page, one layer first."""
    jobs.start(_key(image), lambda: follow(image, sorted(RELUS, key=lambda layer: layer != first)))


def is_whole(job: jobs.Job[Followed]) -> bool:
    """Does the job follow all layers?"""
    return job.key.endswith(_ALL)


def _key(image: str, layer: str = _ALL) -> str:
    return f"growth {image} {network(EPOCHS[-1]).digest} {layer}"


@st.cache_resource(show_spinner=False)
def filters(epoch: int) -> bytes:
    """PNG of the first layer's filters after an epoch, eight a row, each on its own scale."""
    kernel = np.asarray(caltech.load_snapshot(EPOCHS.index(epoch))["conv1.kernel"])
    tiles = [colour_rgb(kernel[..., i], signed_limit(kernel[..., i])) for i in range(kernel.shape[-1])]
    solid = [np.pad(tile, ((0, 0), (0, 0), (0, 1)), constant_values=255) for tile in tiles]
    framed = [np.pad(tile, ((0, 1), (0, 1), (0, 0))) for tile in solid]  # a transparent line between two
    rows = [np.concatenate(framed[i : i + 8], axis=1) for i in range(0, len(framed), 8)]
    return png(np.concatenate(rows, axis=0)[:-1, :-1])


def by_function(image: str, epoch: int) -> tuple[np.ndarray, np.ndarray]:
    """The scores of a photograph: by the network on the page, and by the plain function with the stored weights."""
    loaded = network(epoch)
    x = pictures.model_inputs(loaded, pictures.sample(image))
    plain = caltech.forward(caltech.load_snapshot(EPOCHS.index(epoch)), jnp.asarray(x))
    run = lambda: loaded.network.run(x)  # noqa: E731
    return engine.run_compiled(network(EPOCHS[-1]), "logits", "run", run), np.asarray(plain)
