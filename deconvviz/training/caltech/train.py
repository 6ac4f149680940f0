"""Trains and measures the shipped network on Caltech-101.

Random crops, colour, mixup, cutmix and erasing; AdamW with warm-up and cosine; label smoothing; a moving average of
the weights; small pictures first, full size in the last third. `CaltechConfig` holds every number.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
from flax import nnx
from tqdm import tqdm

from deconvviz.checks.adversarial import turn_class
from deconvviz.data import preprocess
from deconvviz.data.folder import ImageFolder, decode, hold_out, list_folder, merge
from deconvviz.errors import DataError, TrainingError
from deconvviz.metrics import classification
from deconvviz.models import caltech as network
from deconvviz.network import Network
from deconvviz.training import augment, loop
from deconvviz.training.caltech import export, filters
from deconvviz.training.caltech.chain import Chain, start_from
from deconvviz.training.caltech.classifier import Batch, averaged, make_trainer, schedule_of, scores
from deconvviz.training.caltech.config import CaltechConfig, config_of
from deconvviz.training.trainer import State, Trainer
from deconvviz.types import InputSpec

#: Batches on which the norms of given weights are measured.
_NORM_BATCHES = 6
#: Pictures are kept in memory with at most this many pixels on the shorter side: full size is 128, crops keep 30 %.
SHORT_SIDE = 160


@dataclass(frozen=True)
class Source:
    """The training part in memory, and which pictures each epoch shows."""

    folder: ImageFolder
    pictures: list[np.ndarray]
    recipe: CaltechConfig

    @cached_property
    def epoch_images(self) -> int:
        """Pictures in one epoch, before the incomplete last batch is dropped."""
        return int(np.minimum(np.bincount(self.folder.classes), self.recipe.cap).sum())

    def length(self, epoch: int) -> int:
        """Number of batches in an epoch."""
        return self.epoch_images // self.recipe.batch

    def batches(self, epoch: int) -> Iterator[Batch]:
        """(model input, targets) of an epoch: the same for the same seed and epoch."""
        recipe, classes = self.recipe, self.folder.classes
        rng = np.random.default_rng([recipe.seed, epoch])
        rows = [rng.permutation(np.flatnonzero(classes == c))[: recipe.cap] for c in range(len(self.folder.labels))]
        order = rng.permutation(np.concatenate(rows))
        targets = np.eye(len(self.folder.labels), dtype=np.float32)
        mean, std = np.float32(network.INPUT.mean), np.float32(network.INPUT.std)
        for number in range(self.length(epoch)):
            chosen = order[number * recipe.batch : (number + 1) * recipe.batch]
            images, mixed = augment.batch(
                [self.pictures[i] for i in chosen],
                targets[classes[chosen]],
                recipe.size(epoch),
                recipe.augmentation(epoch),
                (recipe.seed, epoch, number),
            )
            yield (images - mean) / std, mixed


def split(data: Path, recipe: CaltechConfig) -> tuple[ImageFolder, ImageFolder]:
    """(training part, validation part): of `held_out` seeded pictures of every class, all but `given_back` are kept.

    Takes DIR/CLASS/*.jpg, the original archive (with 101_ObjectCategories inside), or a set in two parts, train30
    (30 pictures a class, from which the validation part comes) and extra (more of the larger classes).

    Raises:
      DataError: the folder is missing or not laid out so.
      TrainingError: nothing would be left for validation.
    """
    if not 0 <= recipe.given_back < recipe.held_out:
        raise TrainingError(
            f"of {recipe.held_out} pictures of a class set aside, given_back={recipe.given_back} would be trained on "
            "after all; leave at least one for validation"
        )
    data = Path(data)
    base = next((data / name for name in ("train30", "101_ObjectCategories") if (data / name).is_dir()), data)
    rest, aside = hold_out(list_folder(base), recipe.held_out, recipe.seed)
    # They come class by class, and in a class by name: every so many-th of them goes back.
    back = np.arange(len(aside)) % recipe.held_out < recipe.given_back
    held_out = aside.select(np.flatnonzero(~back))
    rest = merge(rest, aside.select(np.flatnonzero(back)))
    if base.name == "train30" and (data / "extra").is_dir():
        rest = merge(rest, list_folder(data / "extra"))
    return rest, held_out


def model_inputs(pictures: list[np.ndarray], spec: InputSpec = network.INPUT) -> np.ndarray:
    """(H, W, 3) uint8 pictures of any size as (N, 128, 128, 3) float32, the way that the app feeds a network."""
    return np.concatenate([preprocess.model_input(picture / np.float32(255), spec) for picture in pictures])


def train(
    data: Path,
    out: Path,
    *,
    seed: int = 0,
    epochs: int | None = None,
    resume: bool = True,
    progress: bool = True,
    **options: Any,
) -> dict[str, Any]:
    """Trains on a Caltech-101 folder; writes checkpoints, metrics, weights, snapshots and a card to `out`.

    Args:
      data: see `split`; `deconvviz data fetch caltech101` makes one.
      out: folder of the run; a killed run goes on after its last whole epoch and ends in the same weights.
      seed: fixes every draw.
      epochs: length of the schedule; by default that of `CaltechConfig`, or for a run with `start` of `GOING_ON`.
      resume: go on from the checkpoint in `out`, if there is one.
      progress: a bar with the time left, on standard error.
      options: other fields of `CaltechConfig`; None leaves the default.

    Returns:
      The last epoch's metrics, with the validation figures of the weights as written (float16).

    Raises:
      DataError: the folder is missing or not laid out as expected.
      TrainingError: the run cannot start or go on.
    """
    recipe = config_of({"seed": seed, "epochs": epochs, **options})
    epochs = recipe.epochs
    if epochs < 1:
        raise TrainingError(f"the number of epochs is a whole number above 0; got epochs={epochs}")
    source, held_out, images = _load(Path(data), recipe)
    labels, out = source.folder.labels, Path(out)
    steps = source.length(1) * epochs
    trainer = make_trainer(recipe, len(labels), steps)
    rate = schedule_of(recipe).rate(steps)

    def step(state: Any, batch: Batch) -> tuple[Any, Any]:
        new, figures = trainer.step(state, batch)
        return new, figures | {"learning_rate": rate(state["count"])}

    def validate(state: Any, epoch: int) -> dict[str, float]:
        return _figures(averaged(trainer, state), images, held_out.classes) if recipe.validates(epoch) else {}

    def keep(state: Any, epoch: int) -> None:
        if epoch in recipe.snapshots:
            export.write_weights(out / f"epoch_{epoch:04d}.safetensors", averaged(trainer, state), labels, {})

    plain = loop.plain(dataclasses.asdict(recipe) | {"labels": list(labels), "images": len(source.folder)})
    plan = loop.Plan(
        plain, epochs, lambda: _initial(trainer, source), step, source.batches, source.length, validate, keep
    )
    state, records = loop.run(plan, out, resume=resume, progress=progress)
    export.write_weights(out / "caltech.safetensors", averaged(trainer, state), labels, {})
    shipped = {name: np.asarray(value) for name, value in network.load_params(out / "caltech.safetensors").items()}
    last = records[-1] | _figures(shipped, images, held_out.classes)
    counts = (len(source.folder), len(held_out))
    export.publish(
        out, shipped, labels, recipe, records, last, counts, first_layer(images, out / "caltech.safetensors")
    )
    return last


def first_layer(images: np.ndarray, weights: Path | None = None) -> filters.FirstLayer:
    """What the first filters look like, and how many answer to none of these model inputs (N, H, W, 3)."""
    net, kernel = network.build(weights), network.load_params(weights)["conv1.kernel"]
    largest = [net.taps(image[None], ["relu1"])["relu1"].max(axis=(1, 2), keepdims=True) for image in images]
    return filters.first_layer(kernel, np.concatenate(largest))


def evaluate(
    data: Path, *, weights: Path | None = None, attack: float | None = None, progress: bool = False
) -> dict[str, Any]:
    """Measures the network on DIR/CLASS/*.jpg.

    Args:
      data: one folder a class, named as the network's classes; not every class need be there.
      weights: a file that `train` wrote; the shipped one if None.
      attack: length (L2, pixels in 0..1) of a change that is made of each picture to turn its class
        (`deconvviz.checks.adversarial.turn_class`): then also "attacked_top1".
      progress: a bar on standard error.

    Returns:
      "top1", "top5", "mean_per_class" (fractions), "images", "seconds".

    Raises:
      DataError: no such folder, no images, a class that the network does not know, or an image that cannot be read.
      WeightsError: a weights file that cannot be read.
    """
    started = time.perf_counter()
    params = network.load_params(weights)
    folder = list_folder(data, labels=network.labels(weights))
    starts = tqdm(range(0, len(folder), 64), unit="batch", disable=not progress)
    result = [scores(params, model_inputs(decode(folder.files[start : start + 64]))) for start in starts]
    figures = classification(np.concatenate(result), folder.classes)
    if attack:
        figures["attacked_top1"] = _attacked(network.build(weights), folder, attack, progress)
    return {**figures, "images": len(folder), "seconds": round(time.perf_counter() - started, 3)}


def _attacked(net: Network, folder: ImageFolder, radius: float, progress: bool) -> float:
    """Share of pictures whose class is still right after a change of that length."""
    right = 0
    for file, wanted in tqdm(list(zip(folder.files, folder.classes, strict=True)), unit="image", disable=not progress):
        x = model_inputs(decode([file]))
        right += turn_class(net, x, radius / network.INPUT.std[0]).after == wanted
    return right / len(folder)


def _initial(trainer: Trainer, source: Source) -> State:
    """What a run starts with: noise, or given weights, with batch normalization measured on some of its pictures."""
    if not (file := source.recipe.start):
        return trainer.initial()
    model = Chain(len(source.folder.labels), rngs=nnx.Rngs(0))
    batches = [images for _, (images, _) in zip(range(_NORM_BATCHES), source.batches(1), strict=False)]
    start_from(model, network.load_params(file), np.concatenate(batches))
    return trainer.initial(model)


def _load(data: Path, recipe: CaltechConfig) -> tuple[Source, ImageFolder, np.ndarray]:
    """(training source, validation files, their model input), all in memory."""
    part, held_out = split(data, recipe)
    try:
        source = Source(part, decode(part.files, SHORT_SIDE), recipe)
        images = model_inputs(decode(held_out.files))
    except MemoryError as error:
        raise TrainingError(
            f"{len(part)} images of {data} do not fit into memory; close other programs or leave images out"
        ) from error
    if source.length(1) < 1:
        raise DataError(
            f"{data} has {source.epoch_images} training images, fewer than one batch of {recipe.batch}; "
            "add images or train with a smaller batch"
        )
    return source, held_out, images


def _figures(params: dict[str, np.ndarray], images: np.ndarray, classes: np.ndarray) -> dict[str, float]:
    device = {name: jnp.asarray(value) for name, value in params.items()}
    return {f"val_{name}": value for name, value in classification(scores(device, images), classes).items()}
