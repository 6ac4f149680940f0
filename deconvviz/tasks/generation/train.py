"""Training of the task generation: all four decoders at once, then what the codes of each class look like."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
from flax import nnx

from deconvviz.data.folder import ImageFolder
from deconvviz.errors import TrainingError
from deconvviz.tasks._shared import weights
from deconvviz.tasks.generation import data as pictures_of
from deconvviz.tasks.generation import loss as losses
from deconvviz.tasks.generation.batches import encoded
from deconvviz.tasks.generation.evaluate import Figures, summary
from deconvviz.tasks.generation.network import Autoencoder, make
from deconvviz.tasks.generation.sharpen import Against, Critic, Looks, Pair
from deconvviz.training import loop
from deconvviz.training.trainer import Schedule, Trainer

#: Peak rate of decoders and critic.
SHARPENING_RATE = 1e-3


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
      sharpened: whether the decoders learned on beside a critic (`sharpen.Against`), from weights trained before.
      felt, judged: weights of the distance in layers and of what the critic says, where they did.
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
    sharpened: bool = False
    felt: float = 1.0
    judged: float = 0.3

    def __post_init__(self) -> None:
        for name in ("epochs", "batch", "latents"):
            if getattr(self, name) < 1:
                raise TrainingError(f"{name} is a whole number above 0; got {name}={getattr(self, name)}")
        if not 0 <= self.perceptual < float("inf"):
            raise TrainingError(f"perceptual is a weight, 0 or more; got perceptual={self.perceptual}")

    @property
    def variant(self) -> str:
        """What the trained weights are called."""
        return "sharpened" if self.sharpened else "perceptual" if self.perceptual else "pixels"


def train(
    data: str | Path,
    out: str | Path,
    *,
    seed: int = 0,
    resume: bool = True,
    progress: bool = True,
    classes: str | None = None,
    epochs: int | None = None,
    batch: int = Recipe.batch,
    latents: int = Recipe.latents,
    perceptual: float = Recipe.perceptual,
    start: str | Path | None = None,
) -> dict[str, Any]:
    """Trains one encoder and four decoders on DIR/CLASS/*.jpg; writes checkpoints, metrics and weights to `out`.

    With `start`, the decoders of those weights learn on beside a critic, and the encoder stays: blur becomes detail.

    The last tenth of every class by file name is never trained on.

    Args:
      data: one folder a class, the original archive of Caltech-101, or a set in two parts, train30 and extra.
      out: folder of the run; a killed run goes on after its last whole epoch and ends in the same weights.
      seed: fixes every draw.
      resume: go on from the checkpoint in `out`, if there is one.
      progress: a bar on standard error.
      classes: names with commas between; faces, motorbikes and airplanes where the folder holds them, else all.
      epochs: length of the schedule; 40, or 20 with `start`.
      batch: pictures in a batch.
      latents: numbers in a code.
      perceptual: weight of the error in early features of the recognition network; 0 for pixels alone.
      start: a run, or a file of weights, of the same classes; its latents count.

    Returns:
      Figures of the weights as written, as `evaluate` gives them, on the pictures that were held out.

    Raises:
      DataError: no such folder or class, or too few pictures.
      TrainingError: an option out of its range, or a run that cannot start or go on.
    """
    recipe = Recipe(
        seed=seed, epochs=epochs or (20 if start else Recipe.epochs), batch=batch, latents=latents,
        perceptual=perceptual, sharpened=start is not None,
    )  # fmt: skip
    chosen = tuple(name.strip() for name in classes.split(",") if name.strip()) if classes else ()
    part, held_out = pictures_of.split(Path(data), chosen, recipe.held_out)
    recipe = Recipe(**asdict(recipe) | {"labels": part.labels, "images": len(part)})
    source = pictures_of.Source.of(part, recipe.batch, seed)
    options = {"latents": recipe.latents, "labels": list(part.labels), "seed": seed}
    options["shapes"] = [pictures_of.shape_of(_of_class(source, index)) for index in range(len(part.labels))]
    if start is not None:
        first, about = _started(start, part)
        options, recipe = about["options"], replace(recipe, latents=about["options"]["latents"])
    fit = _fit(recipe, options, source, first if start is not None else None)
    plan = loop.Plan(loop.plain(asdict(recipe)), recipe.epochs, fit.initial, fit.step, source.batches, source.length)
    state, records = loop.run(plan, Path(out), resume=resume, progress=progress)
    module = fit.module(state)
    net = with_classes(weights.rounded(module.net if recipe.sharpened else module), pictures_of.read(part), part)
    figures = _finish(Path(out), net, recipe, options, records, (part, held_out))
    return {**summary(figures), "images": len(held_out)}


def _started(start: str | Path, part: ImageFolder) -> tuple[Autoencoder, dict[str, Any]]:
    """The autoencoder to go on from, free to be changed, and what its file says of it."""
    known = weights.variants("generation", start)
    name, about = next(iter(known.items()))
    if tuple(about["options"]["labels"]) != part.labels:
        raise TrainingError(
            f"{start} knows {', '.join(about['options']['labels'])}, and the folder holds {', '.join(part.labels)}: "
            "name the same with --classes"
        )
    return nnx.merge(*nnx.split(weights.load("generation", name, make, start)), copy=True), about


def _fit(recipe: Recipe, options: dict[str, Any], source: pictures_of.Source, first: Autoencoder | None) -> Trainer:
    """The trainer: of all weights from nothing, or of the decoders of an autoencoder beside a critic."""
    steps = source.length(1) * recipe.epochs
    if first is None:
        bound = losses.Bound(recipe.noise, recipe.weight, recipe.perceptual)
        schedule = Schedule(recipe.learning_rate, average=recipe.average)
        return Trainer(make(options), bound, schedule, steps=steps, seed=recipe.seed)
    looks = Looks(pictures_of.read(source.folder)[:: max(1, len(source.folder) // 128)])
    critic = Critic(looks.channels, len(recipe.labels), rngs=nnx.Rngs(recipe.seed))
    schedule = Schedule(SHARPENING_RATE, clip=5.0, momentum=0.5, average=0.99)
    against = Against(looks, recipe.noise, recipe.felt, recipe.judged)
    return Trainer(Pair(first, critic), against, schedule, steps=steps, seed=recipe.seed)


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
        "curve": [[record[name] for name in _curve(recipe)] for record in records],
        "seconds": round(sum(record["seconds"] for record in records), 1),
    }
    weights.save_run(out / weights.RUN_FILE, "generation", recipe.variant, net, about)
    return figures


def _curve(recipe: Recipe) -> tuple[str, ...]:
    """What of each epoch's record is worth keeping."""
    return ("loss", "squares", "felt", "critic") if recipe.sharpened else ("loss", "kl", "squares_transposed4")


def _of_class(source: pictures_of.Source, index: int) -> list[np.ndarray]:
    return [source.pictures[row] for row in np.flatnonzero(source.folder.classes == index)]
