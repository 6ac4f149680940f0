"""Trains and measures decoders that invert a layer of the shipped network.

The data, and the part of it that is never trained on, are those of `training.caltech`: neither the network nor its
inverters have seen the pictures that they are measured on. Random crops and mirror images; squared error in pixels,
and what `loss` puts beside it; Adam with warm-up and cosine. `InverterRecipe` holds every number, `recipes` those of
each layer.

Source: dosovitskiy2016inverting, dosovitskiy2016generating
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from tqdm import tqdm

from deconvviz.data import preprocess
from deconvviz.data.folder import SUFFIXES, decode, list_folder
from deconvviz.errors import DataError, TrainingError, nearest
from deconvviz.metrics import picture_figures, psnr
from deconvviz.models import _decoder, caltech, inverters
from deconvviz.network import Network
from deconvviz.training import augment, loop
from deconvviz.training.caltech.config import CaltechConfig
from deconvviz.training.caltech.train import SHORT_SIDE, split
from deconvviz.training.inverter import files as inverter_files
from deconvviz.training.inverter import recipes
from deconvviz.training.inverter.loss import Blend, picture_loss
from deconvviz.training.trainer import Figures, Schedule, State, Trainer, with_options

#: Pictures that go through the network at once when features are measured.
CHUNK = 16


@dataclass(frozen=True)
class InverterRecipe:
    """What fixes an inverter besides its data; a checkpoint of another recipe is refused.

    Attributes:
      layer: whose values are inverted.
      upsampler: "transposed", "unpool" (values in the upper left corner, not at the switches) or "resize".
      compared: layers of the network in which the answer is compared with the picture, besides its pixels.
      compared_weight, strokes, chroma: weights beside the squared error of pixels, as in `loss.Blend`.
      smooth: whether stages that enlarge begin near interpolation.
      seed: fixes the held-out part, the first weights, every order and every crop.
      epochs: how many.
      images: pictures shown in an epoch, drawn anew without repetition; fewer where there are not as many.
      batch: pictures in a step.
      learning_rate: its peak, after a linear warm-up and before the cosine down to zero.
      warm_up: share of the steps.
      clip: largest norm of a gradient.
      area, aspect: of the crops, as in `augment.Augmentation`.
      held_out: pictures of every class set aside, as in `CaltechConfig`; those not given back are measured on.
      measured: training pictures that mean and spread of the features are measured on.
    """

    layer: str
    upsampler: _decoder.Upsampler = "transposed"
    seed: int = 0
    epochs: int = 8
    compared: tuple[str, ...] = ()
    compared_weight: float = Blend.compared_weight
    strokes: float = 0.0
    chroma: float = 0.0
    smooth: bool = False
    images: int = 1536
    batch: int = 8
    learning_rate: float = 2e-3
    warm_up: float = 0.05
    clip: float = 1.0
    area: tuple[float, float] = (0.5, 1.0)
    aspect: float = 1.2
    held_out: int = CaltechConfig.held_out
    measured: int = 256

    @property
    def blend(self) -> Blend:
        """What is made small."""
        return Blend(self.compared, self.compared_weight, self.strokes, self.chroma)


@dataclass(frozen=True)
class Source:
    """The training part in memory, and which crops each epoch shows."""

    network: Network
    pictures: list[np.ndarray]
    recipe: InverterRecipe

    def length(self, epoch: int) -> int:
        """Number of batches in an epoch."""
        return min(self.recipe.images, len(self.pictures)) // self.recipe.batch

    def batches(self, epoch: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """(pictures in 0..1, the layer's values) of an epoch: the same for the same seed and epoch."""
        recipe, size = self.recipe, self.network.input_spec.size[0]
        how = augment.Augmentation(area=recipe.area, aspect=recipe.aspect)
        order = np.random.default_rng([recipe.seed, epoch]).permutation(len(self.pictures))
        for number in range(self.length(epoch)):
            chosen = order[number * recipe.batch : (number + 1) * recipe.batch]
            draws = (np.random.default_rng([recipe.seed, epoch, number, i]) for i in range(recipe.batch))
            crops = [
                augment.random_crop(self.pictures[p], size, how, rng) for p, rng in zip(chosen, draws, strict=True)
            ]
            pixels = np.stack(crops).astype(np.float32) / np.float32(255)
            yield pixels, features(self.network, pixels, recipe.layer)


def features(network: Network, pictures: np.ndarray, layer: str) -> np.ndarray:
    """A layer's values (N, h, w, c) for pictures (N, H, W, 3) in 0..1 at the network's size."""
    x = np.concatenate([preprocess.model_input(picture, network.input_spec) for picture in pictures])
    return network.taps(x, [layer])[layer]


def train(
    data: Path,
    out: Path,
    *,
    layer: str,
    loss: str = recipes.PLAIN,
    upsampler: str | None = None,
    compared: str | None = None,
    seed: int = 0,
    epochs: int | None = None,
    resume: bool = True,
    progress: bool = True,
    **options: Any,
) -> dict[str, Any]:
    """Trains the inverter of a layer of the shipped network; writes checkpoints, metrics and weights to `out`.

    Args:
      data: the network's own training set; see `training.caltech.split`.
      out: folder of the run; a killed run goes on after its last whole epoch and ends in the same weights.
      layer: a layer with rows and columns.
      loss: "plain", squared error in pixels alone, or "sharp": `recipes`.
      upsampler: "transposed", "unpool" or "resize"; the layer's own if None.
      compared: layers, with commas between, in which the answer is compared with the picture besides its pixels.
      seed: fixes every draw.
      epochs: length of the schedule; the layer's own if None.
      resume: go on from the checkpoint in `out`, if there is one.
      progress: a bar with the time left, on standard error.
      options: other fields of `InverterRecipe`.

    Returns:
      The last epoch's metrics, with the figures of the weights as written (float16) on the held-out pictures.

    Raises:
      NetworkError: no such layer, or one without rows and columns.
      DataError: the folder is missing or not laid out as expected.
      TrainingError: the run cannot start or go on.
    """
    recipe = _checked(layer, loss, upsampler, compared, seed, epochs, options)
    network, out = caltech.build(), Path(out)
    shape = network.layer(layer).shape
    _decoder.stages(shape)
    pictures, held_out = _pictures(Path(data), recipe.held_out, seed)
    source = Source(network, pictures, recipe)
    if source.length(1) < 1:
        raise DataError(
            f"{data} has {len(pictures)} training images, fewer than one batch of {recipe.batch}; add images"
        )
    trainer = make_trainer(recipe, network, pictures, source.length(1) * recipe.epochs)
    values = _in_chunks(lambda part: features(network, part, layer), held_out)

    def validate(state: State, epoch: int) -> dict[str, float]:
        result = _decoded(trainer.module(state).params(), values, recipe.upsampler)
        return {"val_psnr": float(np.mean([psnr(a, b) for a, b in zip(result, held_out, strict=True)]))}

    facts = dataclasses.asdict(recipe) | {"network": network.digest, "pictures": len(pictures)}
    plan = loop.Plan(
        loop.plain(facts), recipe.epochs, trainer.initial, trainer.step, source.batches, source.length, validate
    )
    state, records = loop.run(plan, out, resume=resume, progress=progress)
    stored = {name: np.asarray(value, np.float16) for name, value in trainer.module(state).params().items()}
    result = _decoded({name: value.astype(np.float32) for name, value in stored.items()}, values, recipe.upsampler)
    figures = picture_figures(result, held_out)
    colour = np.mean([picture.mean((0, 1)) for picture in pictures], axis=0) / 255
    flat = np.broadcast_to(colour.astype(np.float32), held_out.shape)
    about = {
        "upsampler": recipe.upsampler, "figures": figures, "mean_colour": colour.tolist(),
        "mean_colour_figures": picture_figures(flat, held_out), "validation_images": len(held_out),
        "training_images": len(pictures), "seconds": round(sum(record["seconds"] for record in records), 1),
        "recipe": loop.plain(dataclasses.asdict(recipe)),
    }  # fmt: skip
    inverter_files.write(out / "inverter.safetensors", network, layer, stored, about)
    return records[-1] | {f"val_{name}": value for name, value in figures.items()}


def evaluate(data: Path, *, layer: str, weights: Path | None = None, progress: bool = False) -> dict[str, Any]:
    """Measures the inverter of a layer of the shipped network on DIR/CLASS/*.jpg, or on DIR/*.jpg.

    Args:
      data: pictures; classes do not matter.
      layer: a layer with an inverter.
      weights: a file that `train` wrote; the shipped one if None.
      progress: a bar on standard error.

    Returns:
      "psnr" (decibels), "ssim", "normalized_image_error" (means over the pictures), "images", "seconds".

    Raises:
      NetworkError: a layer without an inverter.
      DataError: no such folder, no images, or an image that cannot be read.
      WeightsError: a weights file that cannot be read.
    """
    started, network = time.perf_counter(), caltech.build()
    decoder = inverters.load(network, layer, weights)
    files = any_files(Path(data))
    sums: dict[str, float] = {}
    for start in tqdm(range(0, len(files), CHUNK), unit="batch", disable=not progress):
        pictures = _fitted(decode(files[start : start + CHUNK]))
        result = _in_chunks(decoder, _in_chunks(lambda part: features(network, part, layer), pictures))
        for name, value in picture_figures(result, pictures).items():
            sums[name] = sums.get(name, 0.0) + value * len(pictures)
    figures = {name: value / len(files) for name, value in sums.items()}
    return {**figures, "images": len(files), "seconds": round(time.perf_counter() - started, 3)}


class Decoder(nnx.Module):
    """A decoder's arrays in training: what is learned, and mean and spread of each channel, which stay.

    Args:
      params: as `deconvviz.models._decoder` names them.
      statistics: "mean" and "std" of the features, in place of those of `params`.
    """

    def __init__(self, params: dict[str, Any], statistics: dict[str, Any]) -> None:
        learned = {name: nnx.Param(value) for name, value in params.items() if name not in statistics}
        self.learned = nnx.Dict(learned)
        self.statistics = nnx.Dict({name: nnx.BatchStat(value) for name, value in statistics.items()})

    def params(self) -> dict[str, Any]:
        """All arrays by name."""
        return {name: value[...] for part in (self.learned, self.statistics) for name, value in part.items()}


def make_trainer(recipe: InverterRecipe, network: Network, pictures: list[np.ndarray], steps: int) -> Trainer:
    """The decoder of a layer, and how it is trained in `steps` steps: batches are (pictures, the layer's values)."""
    shape = network.layer(recipe.layer).shape
    shown = _fitted(_spread(pictures, recipe.measured))
    values = _in_chunks(lambda part: features(network, part, recipe.layer), shown)
    statistics = {"mean": jnp.asarray(values.mean((0, 1, 2))), "std": jnp.asarray(values.std((0, 1, 2)))}

    of_pictures = picture_loss(recipe.blend, shown)

    def loss(decoder: Any, batch: Any, key: jax.Array) -> tuple[jax.Array, Figures]:
        targets, values = batch
        return of_pictures(_decoder.decode(decoder.params(), values, recipe.upsampler), targets)

    decoder = Decoder(_decoder.initial(shape, recipe.upsampler, recipe.seed, recipe.smooth), statistics)
    schedule = Schedule(recipe.learning_rate, recipe.warm_up, clip=recipe.clip)
    return Trainer(decoder, loss, schedule, steps=steps, seed=recipe.seed)


def _checked(
    layer: str,
    loss: str,
    upsampler: str | None,
    compared: str | None,
    seed: int,
    epochs: int | None,
    options: dict[str, Any],
) -> InverterRecipe:
    if epochs is not None and epochs < 1:
        raise TrainingError(f"the number of epochs is a whole number above 0; got epochs={epochs}")
    if upsampler is not None and upsampler not in _decoder.UPSAMPLERS:
        raise TrainingError(f"there is no upsampler {upsampler!r}; {nearest(str(upsampler), _decoder.UPSAMPLERS)}")
    layers = None if compared is None else tuple(name.strip() for name in compared.split(",") if name.strip())
    own = InverterRecipe(layer, seed=seed, **recipes.options(layer, loss))
    return with_options(own, {"upsampler": upsampler, "compared": layers, "epochs": epochs, **options})


@lru_cache(maxsize=1)
def _pictures(data: Path, held_out: int, seed: int) -> tuple[list[np.ndarray], np.ndarray]:
    """(training pictures, held-out pictures as the network is shown them), in memory once for the runs of a process."""
    given_back = min(CaltechConfig.given_back, held_out - 1)
    part, validation = split(data, CaltechConfig(seed=seed, held_out=held_out, given_back=given_back))
    return decode(part.files, SHORT_SIDE), _fitted(decode(validation.files))


def _fitted(pictures: list[np.ndarray]) -> np.ndarray:
    """(H, W, 3) uint8 pictures of any size as (N, 128, 128, 3) float32 in 0..1, as the network is shown them."""
    return np.stack([preprocess.fit_image(picture / np.float32(255), caltech.INPUT) for picture in pictures])


def _spread(pictures: list[np.ndarray], count: int) -> list[np.ndarray]:
    """At most `count` of the pictures, from all classes alike."""
    return pictures[:: max(1, len(pictures) // count)][:count]


def _in_chunks(function: Callable[[np.ndarray], np.ndarray], batch: np.ndarray) -> np.ndarray:
    """A function of a batch, in equal parts so that one program serves all."""
    result = []
    for start in range(0, len(batch), CHUNK):
        part = batch[start : start + CHUNK]
        padded = np.concatenate([part, np.zeros((CHUNK - len(part), *part.shape[1:]), part.dtype)])
        result.append(function(padded)[: len(part)])
    return np.concatenate(result)


def _decoded(params: dict[str, Any], values: np.ndarray, upsampler: _decoder.Upsampler) -> np.ndarray:
    return _in_chunks(lambda part: np.asarray(inverters.pictures(params, part, upsampler)), values)


def any_files(data: Path) -> tuple[Path, ...]:
    """Pictures of a folder with or without sub-folders."""
    flat = sorted(p for p in data.iterdir() if p.suffix.lower() in SUFFIXES) if data.is_dir() else []
    return tuple(flat) or list_folder(data).files
