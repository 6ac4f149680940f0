"""Fits the segmentation network to scenes by a recipe: what a single run and the comparison end to end share."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from deconvviz.errors import DataError, TrainingError, check_choice
from deconvviz.models import squeezenet
from deconvviz.tasks._shared import weights as stored
from deconvviz.tasks.segmentation import BALANCES, DECODERS, FUSIONS, SKIPS, pretrained
from deconvviz.tasks.segmentation import data as data_of
from deconvviz.tasks.segmentation.blocks import CLASSES
from deconvviz.tasks.segmentation.network import DILATIONS, WIDTHS
from deconvviz.training import loop
from deconvviz.training.trainer import Schedule, Trainer

TASK_NAME = "segmentation"


@dataclass(frozen=True)
class Recipe:
    """What fixes a run besides its data; a checkpoint of another recipe is refused.

    Attributes:
      decoder, fusion: of `Segmenter`; "skips" is the network of `pretrained`.
      balance: weights of the classes in the loss: "none", "root" or "median".
      seed: fixes the first weights, every order and every part.
      epochs: how many; each shows every picture once.
      batch: parts in a step.
      crop: rows and columns of a part.
      widths, dilations: of the encoder.
      learning_rate: its peak.
      weight_decay: of kernels.
      average: decay of the moving average of the weights.
    """

    decoder: str = "transposed"
    fusion: str = "none"
    balance: str = "root"
    seed: int = 0
    epochs: int = 24
    batch: int = 4
    crop: tuple[int, int] = (240, 320)
    widths: tuple[int, ...] = WIDTHS
    dilations: tuple[int, ...] = DILATIONS
    learning_rate: float = 2e-3
    weight_decay: float = 0.01
    average: float = 0.995


#: What differs where the network starts from SqueezeNet's weights.
SKIPS_RECIPE = Recipe(
    decoder=SKIPS,
    epochs=40,
    crop=(192, 256),
    widths=pretrained.WIDTHS,
    dilations=pretrained.DILATIONS,
    average=0.99,
)
#: How much slower than the rest SqueezeNet's own weights move.
SLOWER = 0.2
#: And in how much other light the pictures are shown: dusk is a drive of its own.
GAMMA = 1.6


def recipe_of(decoder: str | None) -> Recipe:
    """The recipe of a decoder before any option.

    >>> recipe_of("skips").decoder, recipe_of(None).decoder
    ('skips', 'transposed')
    """
    return SKIPS_RECIPE if decoder == SKIPS else Recipe()


class Fit(NamedTuple):
    """A trained module as a file holds it, the epochs' records, what fixes the run, and how long training took."""

    module: Any
    records: list[dict[str, Any]]
    facts: dict[str, Any]
    seconds: float


def fitted(
    recipe: Recipe,
    scenes: Sequence[data_of.Scene],
    first: Any,
    out: Path,
    *,
    resume: bool,
    progress: bool,
    encoder: str | Path | None = None,
) -> Fit:
    """Trains a module on scenes by a recipe, or goes on with a run of the same recipe in `out`.

    Raises:
      DataError: fewer scenes than a batch.
      TrainingError: a run of another recipe in `out`.
    """
    gamma = GAMMA if recipe.decoder == SKIPS else 1.0
    crops = data_of.Crops(scenes, recipe.crop, recipe.batch, recipe.seed, gamma=gamma)
    if crops.length(1) < 1:
        raise DataError(f"training has {len(scenes)} pictures, fewer than one batch of {recipe.batch}; add some")
    weights = data_of.class_weights([scene.labels for scene in scenes], recipe.balance)
    if recipe.decoder == SKIPS:
        still: tuple[tuple[str, float], ...] = (("encoder", SLOWER),)
        if first.encoder.frozen:
            still += (("conv1", 0.0),)
    else:
        still = (("encoder", 0.0), ("score", 0.0)) if encoder is not None else ()
    schedule = Schedule(
        recipe.learning_rate, 0.03, weight_decay=recipe.weight_decay, average=recipe.average, slower=still
    )
    fit = Trainer(first, loss_of(weights), schedule, steps=recipe.epochs * crops.length(1), seed=recipe.seed)
    facts = dataclasses.asdict(recipe) | {"pictures": len(scenes), "encoder": _digest(recipe.decoder, encoder)}
    plan = loop.Plan(loop.plain(facts), recipe.epochs, fit.initial, fit.step, crops.epoch, crops.length)
    state, records = loop.run(plan, out, resume=resume, progress=progress)
    seconds = round(sum(record["seconds"] for record in records), 1)
    return Fit(stored.rounded(fit.module(state)), records, facts, seconds)


def loss_of(weights: np.ndarray) -> Any:
    """Cross-entropy of every pixel under its cell's scores, each pixel counting as its class does, void not at all.

    A cell of the scores that stands for several pixels is compared with the share of each class among them: the same
    number as the mean over these pixels, with the softmax taken once.
    """
    counts = jnp.asarray(weights)

    def loss(module: Any, batch: Any, key: jax.Array) -> tuple[jax.Array, dict[str, jax.Array]]:
        x, labels = batch
        scores = module(x)
        target = cell_shares(labels, labels.shape[1] // scores.shape[1]) * counts
        return -(target * jax.nn.log_softmax(scores)).sum() / jnp.maximum(target.sum(), 1.0), {}

    return loss


def cell_shares(labels: jax.Array, side: int) -> jax.Array:
    """(N, H, W) labels -> (N, H/s, W/s, 11): how many pixels of each class a cell of s x s pixels holds.

    >>> cell_shares(jnp.array([[[0, 2], [11, 2]]]), 2)[0, 0, 0, :3].tolist()
    [1.0, 0.0, 2.0]
    """
    n, height, width = labels.shape
    cells = jax.nn.one_hot(labels, CLASSES).reshape(n, height // side, side, width // side, side, CLASSES)
    return cells.sum((2, 4))


def check(recipe: Recipe) -> None:
    """Refuses a recipe that makes no sense.

    Raises:
      DeconvvizError: no such decoder, fusion or balance.
      TrainingError: numbers out of range, or fusion without a map to fuse.
    """
    for name, choices in (("decoder", (*DECODERS, SKIPS)), ("fusion", FUSIONS), ("balance", BALANCES)):
        check_choice(name, getattr(recipe, name), choices, of="segmentation")
    if recipe.decoder == "coarse" and recipe.fusion != "none":
        raise TrainingError(
            f"fusion happens at half size, where the coarse network has no map; got fusion={recipe.fusion!r}: "
            "choose another decoder"
        )
    if recipe.decoder == SKIPS and recipe.fusion != "none":
        raise TrainingError(
            f"the network with skips adds its encoder's maps instead of the picture; got fusion={recipe.fusion!r}: "
            "leave it out or choose another decoder"
        )
    if recipe.epochs < 1 or recipe.batch < 1:
        raise TrainingError(
            f"epochs and batch are whole numbers above 0; got epochs={recipe.epochs}, batch={recipe.batch}"
        )
    if any(n % 8 or n < 8 for n in recipe.crop):
        raise TrainingError(f"rows and columns of a part are multiples of 8; got crop={recipe.crop}")


def _digest(decoder: str, encoder: str | Path | None) -> str:
    """Of the encoder's file, so that a run cannot go on from another one."""
    if decoder == SKIPS and (encoder is None or not Path(encoder).is_dir()):
        return pretrained.RANDOM if str(encoder) == pretrained.RANDOM else squeezenet.SHA256
    if encoder is None:
        return ""
    file = stored.located(TASK_NAME, encoder)
    return hashlib.sha256(file.read_bytes()).hexdigest()[:16]
