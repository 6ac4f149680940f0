"""Training of the task generation: all four decoders at once, then what the codes of each class look like."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from deconvviz.data.folder import ImageFolder
from deconvviz.errors import TrainingError
from deconvviz.tasks._shared import weights
from deconvviz.tasks.generation import data as pictures_of
from deconvviz.tasks.generation import loss as losses
from deconvviz.tasks.generation.batches import encoded
from deconvviz.tasks.generation.evaluate import Figures, summary
from deconvviz.tasks.generation.network import Autoencoder, make
from deconvviz.training import loop
from deconvviz.training.trainer import Schedule, Trainer


@dataclass(frozen=True)
class Recipe:
    """Every number that fixes the result, beside the pictures.

    Attributes:
      seed: of weights, batches, crops and noise.
      epochs: length of the schedule.
      batch: pictures in a batch.
      latents: numbers in a code.
      perceptual: weight of the error in early features; 0 for pixels alone.
      noise: standard deviation of a pixel in the bound.
      weight: of the KL term.
      learning_rate: its peak.
      average: decay of the moving average of the weights.
      held_out: share of every class that is never trained on.
      labels: the classes.
      images: how many pictures are trained on.
    """

    seed: int = 0
    epochs: int = 40
    batch: int = 16
    latents: int = 48
    perceptual: float = 0.0
    noise: float = losses.NOISE
    weight: float = 1.0
    learning_rate: float = 2e-3
    average: float = 0.998
    held_out: float = 0.1
    labels: tuple[str, ...] = ()
    images: int = 0

    def __post_init__(self) -> None:
        for name in ("epochs", "batch", "latents"):
            if getattr(self, name) < 1:
                raise TrainingError(f"{name} is a whole number above 0; got {name}={getattr(self, name)}")
        if not 0 <= self.perceptual < float("inf"):
            raise TrainingError(f"perceptual is a weight, 0 or more; got perceptual={self.perceptual}")

    @property
    def variant(self) -> str:
        """What the trained weights are called."""
        return "perceptual" if self.perceptual else "pixels"


def train(
    data: str | Path,
    out: str | Path,
    *,
    seed: int = 0,
    resume: bool = True,
    progress: bool = True,
    classes: str | None = None,
    epochs: int = Recipe.epochs,
    batch: int = Recipe.batch,
    latents: int = Recipe.latents,
    perceptual: float = Recipe.perceptual,
) -> dict[str, Any]:
    """Trains one encoder and four decoders on DIR/CLASS/*.jpg; writes checkpoints, metrics and weights to `out`.

    The last tenth of every class by file name is never trained on.

    Args:
      data: one folder a class, the original archive of Caltech-101, or a set in two parts, train30 and extra.
      out: folder of the run; a killed run goes on after its last whole epoch and ends in the same weights.
      seed: fixes every draw.
      resume: go on from the checkpoint in `out`, if there is one.
      progress: a bar on standard error.
      classes: names with commas between; faces, motorbikes and airplanes where the folder holds them, else all.
      epochs: length of the schedule.
      batch: pictures in a batch.
      latents: numbers in a code.
      perceptual: weight of the error in early features of the recognition network; 0 for pixels alone.

    Returns:
      Figures of the weights as written, as `evaluate` gives them, on the pictures that were held out.

    Raises:
      DataError: no such folder or class, or too few pictures.
      TrainingError: an option out of its range, or a run that cannot start or go on.
    """
    recipe = Recipe(seed=seed, epochs=epochs, batch=batch, latents=latents, perceptual=perceptual)
    chosen = tuple(name.strip() for name in classes.split(",") if name.strip()) if classes else ()
    part, held_out = pictures_of.split(Path(data), chosen, recipe.held_out)
    recipe = Recipe(**asdict(recipe) | {"labels": part.labels, "images": len(part)})
    source = pictures_of.Source.of(part, recipe.batch, seed)
    options = {"latents": recipe.latents, "labels": list(part.labels), "seed": seed}
    options["shapes"] = [pictures_of.shape_of(_of_class(source, index)) for index in range(len(part.labels))]
    fit = Trainer(
        make(options),
        losses.Bound(recipe.noise, recipe.weight, recipe.perceptual),
        Schedule(recipe.learning_rate, average=recipe.average),
        steps=source.length(1) * recipe.epochs,
        seed=seed,
    )
    plan = loop.Plan(loop.plain(asdict(recipe)), recipe.epochs, fit.initial, fit.step, source.batches, source.length)
    state, records = loop.run(plan, Path(out), resume=resume, progress=progress)
    net = with_classes(weights.rounded(fit.module(state)), pictures_of.read(part), part)
    figures = _finish(Path(out), net, recipe, options, records, (part, held_out))
    return {**summary(figures), "images": len(held_out)}


def with_classes(net: Autoencoder, pictures: np.ndarray, folder: ImageFolder) -> Autoencoder:
    """The network, with mean and factor of the covariance of each class's codes filled in.

    The moments are those of a code drawn for a picture drawn from the class:
    ``mean of m`` and ``covariance of m + mean of diag(v)``; the factor is its Cholesky factor.

    Source: ghosh2020variational
    """
    mean, log_variance = encoded(net, pictures)
    means, factors = [], []
    for index in range(len(folder.labels)):
        rows = folder.classes == index
        covariance = np.cov(mean[rows], rowvar=False, bias=True) + np.diag(np.exp(log_variance[rows]).mean(axis=0))
        means.append(mean[rows].mean(axis=0))
        factors.append(np.linalg.cholesky(covariance))
    net.class_means[...] = jnp.asarray(np.stack(means), jnp.float32)
    net.class_factors[...] = jnp.asarray(np.stack(factors), jnp.float32)
    return net


def _finish(
    out: Path,
    net: Autoencoder,
    recipe: Recipe,
    options: dict[str, Any],
    records: list[dict[str, Any]],
    parts: tuple[ImageFolder, ImageFolder],
) -> dict[str, Any]:
    """Writes the weights: their figures."""
    part, held_out = parts
    figures = Figures(net, options, recipe.noise).all(
        pictures_of.read(held_out), held_out.classes, pictures_of.read(part)
    )
    about = {
        "options": options,
        "recipe": asdict(recipe),
        "figures": figures,
        "data": {"trained": len(part), "held_out": len(held_out)},
        "curve": [[record["loss"], record["kl"], record["squares_transposed4"]] for record in records],
        "seconds": round(sum(record["seconds"] for record in records), 1),
    }
    weights.save_run(out / weights.RUN_FILE, "generation", recipe.variant, net, about)
    return figures


def _of_class(source: pictures_of.Source, index: int) -> list[np.ndarray]:
    return [source.pictures[row] for row in np.flatnonzero(source.folder.classes == index)]
