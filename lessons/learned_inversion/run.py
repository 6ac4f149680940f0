"""Learned inversion of the shipped network on a page: pictures, errors by hand, what the decoder is handed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

import deconvviz as dv
from deconvviz.data.preprocess import model_input
from deconvviz.data.samples import SAMPLES
from deconvviz.metrics import normalized_error
from deconvviz.models import inverters
from lessons._kit.run import engine, networks, pictures, shipped

PHOTOGRAPHS = tuple(sample.id for sample in SAMPLES.values() if sample.kind == "photo")


@dataclass(frozen=True)
class Shown:
    """A photograph, and what a decoder makes of a layer's values.

    Attributes:
      photograph: (H, W, 3), as the network sees it.
      picture: (H, W, 3), the decoder's answer.
      mean: (3,), the mean colour of the training pictures.
      pixels: error of the answer in pixels.
      features: error of the answer's own values against those that were handed over.
      baseline: error in pixels of the mean colour.
    """

    photograph: np.ndarray
    picture: np.ndarray
    mean: np.ndarray
    pixels: float
    features: float
    baseline: float


def loaded() -> networks.Loaded:
    """The shipped network."""
    return networks.load("caltech")


def layers() -> tuple[str, ...]:
    """Its layers that have an inverter."""
    return inverters.layers(loaded().network)


def decoder(layer: str) -> inverters.Inverter:
    """The inverter of a layer."""
    return inverters.load(loaded().network, layer)


def sharpened(layer: str) -> bool:
    """Whether the inverter was trained on more than the squared error of pixels."""
    recipe = decoder(layer).about["recipe"]
    return bool(recipe.get("compared")) or any(recipe.get(part) for part in ("strokes", "chroma"))


def values_of(image: str, layer: str) -> np.ndarray:
    """What the layer says of a photograph, (h, w, c)."""
    return engine.forward(loaded(), pictures.sample(image)).maps[layer]


def other_of(image: str) -> str:
    """The photograph whose right half is lent."""
    return "cat" if image != "cat" else "astronaut"


def changed(image: str, layer: str, change: str) -> np.ndarray:
    """The layer's values with a change: "none", "swap" (right half of another photograph), "silent" (strongest off)."""
    values = values_of(image, layer).copy()
    if change == "swap":
        half = values.shape[1] // 2
        values[:, half:] = values_of(other_of(image), layer)[:, half:]
    elif change == "silent":
        values[..., np.argsort(values.mean((0, 1)))[-(values.shape[2] // 2) :]] = 0
    return values


def shown(image: str, layer: str, change: str) -> Shown:
    """Everything that is on the page for a choice, kept."""
    picture = pictures.sample(image)
    return engine.cached(loaded(), picture, f"learned {layer} {change}", lambda: _shown(image, layer, change))


def beforehand(image: str, layer: str, change: str) -> Shown | None:
    """The answer that comes with the package, in 8 bits, with its own errors; None where there is none."""
    if change != "none" or not shipped.is_of(loaded(), pictures.sample(image), 0):
        return None
    features, pixels = shipped.facts()[f"learned/{layer}"][:2]
    photograph = pictures.fitted(loaded(), pictures.sample(image)).model
    mean = np.asarray(decoder(layer).about["mean_colour"], np.float32)
    baseline = normalized_error(np.broadcast_to(mean, photograph.shape), photograph)
    return Shown(photograph, shipped.image(f"learned/{layer}"), mean, pixels, features, baseline)


def searched(image: str, layer: str, change: str) -> tuple[np.ndarray, float, float] | None:
    """The search's picture from the same numbers, its feature error and its error in pixels; None where none came."""
    if change != "none" or not shipped.is_of(loaded(), pictures.sample(image), 0):
        return None
    features, pixels = shipped.facts()[f"optimize/{layer}"][:2]
    return shipped.image(f"optimize/{layer}"), features, pixels


def refined(image: str, layer: str) -> dv.Inversion:
    """The decoder's answer for a photograph, and 160 steps from there towards the layer's numbers."""
    photograph = pictures.fitted(loaded(), pictures.sample(image)).model
    refine = partial(dv.invert, loaded().network, photograph, layer, method="refined")
    return engine.cached(
        loaded(), pictures.sample(image), f"refined {layer}",
        lambda: engine.run_compiled(loaded(), layer, "refined", refine),
    )  # fmt: skip


def _shown(image: str, layer: str, change: str) -> Shown:
    inverter, photograph = decoder(layer), pictures.fitted(loaded(), pictures.sample(image)).model
    values = changed(image, layer, change)
    answer = engine.run_compiled(loaded(), layer, "learned", lambda: inverter(values[None])[0])
    mean = np.asarray(inverter.about["mean_colour"], np.float32)
    flat = np.broadcast_to(mean, photograph.shape)
    return Shown(
        photograph, answer, mean,
        normalized_error(answer, photograph), normalized_error(again(answer, layer), values),
        normalized_error(flat, photograph),
    )  # fmt: skip


def again(picture: np.ndarray, layer: str) -> np.ndarray:
    """What the layer says of a picture, (h, w, c)."""
    network = loaded().network
    return network.taps(model_input(picture, network.input_spec), [layer])[layer][0]


def by_hand(result: np.ndarray, wanted: np.ndarray) -> float:
    """The same, row after row and colour after colour."""
    above = below = 0.0
    for mine, theirs in zip(result.astype(np.float64), wanted.astype(np.float64), strict=True):
        for colour in range(wanted.shape[-1]):
            above += sum((a - b) ** 2 for a, b in zip(mine[:, colour], theirs[:, colour], strict=True))
            below += sum(b * b for b in theirs[:, colour])
    return above / below


def answered(image: str, layer: str) -> dv.Inversion:
    """What the library answers for a photograph."""
    photograph = pictures.fitted(loaded(), pictures.sample(image)).model
    return engine.cached(
        loaded(), pictures.sample(image), f"answer {layer}",
        lambda: dv.invert(loaded().network, photograph, layer, method="learned"),
    )  # fmt: skip


def three_ways(image: str, layer: str) -> float:
    """Largest difference of any pixel between three answers that may only depend on the layer's numbers.

    The photograph; the photograph between columns of noise that the network's crop cuts off; and no picture at all,
    but the numbers that were kept when the page was made.
    """
    network, photograph = loaded().network, pictures.fitted(loaded(), pictures.sample(image)).model
    noise = np.random.default_rng(0).random((photograph.shape[0], 20, 3), np.float32)
    wide = np.concatenate([noise, photograph, noise], axis=1)
    first = answered(image, layer).image
    second = dv.invert(network, wide, layer, method="learned").image
    third = decoder(layer)(values_of(image, layer)[None])[0]
    return float(max(np.abs(first - second).max(), np.abs(first - third).max()))


def over_photographs(layer: str) -> Iterator[tuple[str, float, float]]:
    """(photograph, error of the inverter, error of the mean colour) in pixels."""
    for id in PHOTOGRAPHS:
        result = shown(id, layer, "none")
        yield id, result.pixels, result.baseline


def medians(layer: str) -> tuple[float, float]:
    """Median over the built-in photographs of the error of the inverter, and of the mean colour.

    The median, because one nearly black photograph has an error of 17 against the mean colour: its length is so small.
    """
    rows = list(over_photographs(layer))
    return float(np.median([row[1] for row in rows])), float(np.median([row[2] for row in rows]))
