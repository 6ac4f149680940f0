"""Trains the segmentation network: the encoder first, with classes at an eighth, then each decoder on that encoder."""

from __future__ import annotations

import dataclasses
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from deconvviz.data.folder import list_partners
from deconvviz.errors import DataError, TrainingError, check_choice
from deconvviz.tasks._shared import weights as stored
from deconvviz.tasks.segmentation import BALANCES, DECODERS, FUSIONS
from deconvviz.tasks.segmentation import data as data_of
from deconvviz.tasks.segmentation.evaluate import measure
from deconvviz.tasks.segmentation.network import CLASSES, DILATIONS, WIDTHS, Segmenter, make
from deconvviz.training import loop
from deconvviz.training.trainer import Schedule, Trainer, with_options

TASK_NAME = "segmentation"


@dataclass(frozen=True)
class Recipe:
    """What fixes a run besides its data; a checkpoint of another recipe is refused.

    Attributes:
      decoder, fusion: of `Segmenter`.
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


def train(
    data: str | Path,
    out: str | Path,
    *,
    seed: int = 0,
    resume: bool = True,
    progress: bool = False,
    encoder: str | Path | None = None,
    hold_back: str | None = None,
    **options: Any,
) -> dict[str, Any]:
    """Trains one variant on DIR/train/{images,labels} and measures it on DIR/val/{images,labels}.

    First the encoder, with ``decoder="coarse"``; then any decoder on it, with ``encoder`` naming that run, which stays
    as it is; without one all is trained at once. Random parts of random scale, mirrored, in other light; Adam with
    warm-up and cosine, a moving average of the weights.

    Args:
      data: the folder.
      out: checkpoints, metrics and weights; a killed run goes on and ends in the same weights.
      seed: fixes every draw.
      resume: go on from the checkpoint in `out`.
      progress: a bar on standard error.
      encoder: a run of "coarse".
      hold_back: training pictures whose names begin so are left out.
      options: of `Recipe`: decoder, fusion, balance, epochs, batch, learning_rate; in the library also its others.

    Returns:
      The last epoch's metrics and the validation figures of the weights as written.

    Raises:
      DataError: a folder that is not laid out so.
      TrainingError: options that make no sense, or a run of another recipe in `out`.
    """
    recipe, data, out = with_options(Recipe(seed=seed), options), Path(data), Path(out)
    check(recipe)
    listed = list_partners(data / "train", data_of.FOLDERS)
    if hold_back:
        listed = _without(listed, hold_back)
    scenes = [data_of.read(*pair) for pair in listed]
    held = [data_of.read(*pair) for pair in list_partners(data / "val", data_of.FOLDERS)]
    crops = data_of.Crops(scenes, recipe.crop, recipe.batch, seed)
    if crops.length(1) < 1:
        raise DataError(f"{data}/train has {len(scenes)} pictures, fewer than one batch of {recipe.batch}; add some")
    first = first_module(recipe, encoder)
    weights = data_of.class_weights([scene.labels for scene in scenes], recipe.balance)
    still = (("encoder", 0.0), ("score", 0.0)) if encoder is not None else ()
    schedule = Schedule(
        recipe.learning_rate, 0.03, weight_decay=recipe.weight_decay, average=recipe.average, slower=still
    )
    fit = Trainer(first, loss_of(weights), schedule, steps=recipe.epochs * crops.length(1), seed=seed)
    facts = dataclasses.asdict(recipe) | {"pictures": len(scenes), "encoder": _digest(encoder)}
    plan = loop.Plan(loop.plain(facts), recipe.epochs, fit.initial, fit.step, crops.epoch, crops.length)
    state, records = loop.run(plan, out, resume=resume, progress=progress)
    module = stored.rounded(fit.module(state))
    figures = measure(module, held, len(held), progress=progress)
    about = {
        "options": {name: facts[name] for name in ("decoder", "fusion", "widths", "dilations")},
        "figures": figures, "recipe": loop.plain(dataclasses.asdict(recipe)),
        "command": command(recipe, encoder, hold_back),
        "data": {"training": len(scenes), "validation": len(held)},
        "seconds": round(sum(record["seconds"] for record in records), 1),
    }  # fmt: skip
    name = variant_name(recipe.decoder, recipe.fusion)
    stored.save_run(out / stored.RUN_FILE, TASK_NAME, name, module, about)
    return records[-1] | {f"val_{name}": value for name, value in figures.items() if not isinstance(value, dict)}


def command(recipe: Recipe, encoder: Any = None, hold_back: str | None = None) -> str:
    """The command that makes a run again, without this machine's paths.

    >>> command(Recipe(decoder="unpool", epochs=3), encoder="here")
    'deconvviz train segmentation --data DIR --out RUN --decoder unpool --epochs 3 --encoder COARSE_RUN'
    """
    names = ("fusion", "balance", "batch", "learning_rate", "seed")
    changed = {name: getattr(recipe, name) for name in names if getattr(recipe, name) != getattr(Recipe, name)}
    return stored.command(
        "segmentation", "DIR", decoder=recipe.decoder, epochs=recipe.epochs, **changed,
        encoder=None if encoder is None else "COARSE_RUN", hold_back=hold_back or None,
    )  # fmt: skip


def variant_name(decoder: str, fusion: str) -> str:
    """What a trained variant is called.

    >>> variant_name("unpool", "none"), variant_name("unpool", "average")
    ('unpool', 'unpool+average')
    """
    return decoder if fusion == "none" else f"{decoder}+{fusion}"


def first_module(recipe: Recipe, encoder: str | Path | None) -> Segmenter:
    """The module as first drawn; encoder and coarse scores are those of the "coarse" run where one is named, and stay.

    Raises:
      WeightsError: no such run.
      TrainingError: a run of other widths or dilations.
    """
    module = make(dataclasses.asdict(recipe))
    if encoder is not None:
        trained = stored.variants(TASK_NAME, encoder).get("coarse", {}).get("options", {})
        for name in ("widths", "dilations"):
            if trained and tuple(trained[name]) != tuple(getattr(recipe, name)):
                raise TrainingError(
                    f"{encoder} was trained with {name}={tuple(trained[name])}; got {name}={getattr(recipe, name)}"
                )
        learned = stored.load(TASK_NAME, "coarse", make, encoder)
        for part in ("encoder", "score"):
            setattr(module, part, nnx.merge(*nnx.split(getattr(learned, part)), copy=True))
        module.frozen = True
    return module


def loss_of(weights: np.ndarray) -> Any:
    """Cross-entropy of every pixel under its cell's scores, each pixel counting as its class does, void not at all.

    A cell of the scores that stands for several pixels is compared with the share of each class among them: the same
    number as the mean over these pixels, with the softmax taken once.
    """
    counts = jnp.asarray(weights)

    def loss(module: Any, batch: Any, key: jax.Array) -> tuple[jax.Array, dict[str, jax.Array]]:
        x, labels = batch
        scores = module(x)
        wanted = cell_shares(labels, labels.shape[1] // scores.shape[1]) * counts
        return -(wanted * jax.nn.log_softmax(scores)).sum() / jnp.maximum(wanted.sum(), 1.0), {}

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
    for name, choices in (("decoder", DECODERS), ("fusion", FUSIONS), ("balance", BALANCES)):
        check_choice(name, getattr(recipe, name), choices, of="segmentation")
    if recipe.decoder == "coarse" and recipe.fusion != "none":
        raise TrainingError(
            f"fusion happens at half size, where the coarse network has no map; got fusion={recipe.fusion!r}: "
            "choose another decoder"
        )
    if recipe.epochs < 1 or recipe.batch < 1:
        raise TrainingError(
            f"epochs and batch are whole numbers above 0; got epochs={recipe.epochs}, batch={recipe.batch}"
        )
    if any(n % 8 or n < 8 for n in recipe.crop):
        raise TrainingError(f"rows and columns of a part are multiples of 8; got crop={recipe.crop}")


def _without(listed: list[tuple[Path, ...]], start: str) -> list[tuple[Path, ...]]:
    rest = [pair for pair in listed if not pair[0].stem.startswith(start)]
    if len(rest) == len(listed):
        raise DataError(f"no training picture's name begins with {start!r}; nothing would be held back")
    return rest


def _digest(encoder: str | Path | None) -> str:
    """Of the encoder's file, so that a run cannot go on from another one."""
    if encoder is None:
        return ""
    file = stored.located(TASK_NAME, encoder)
    return hashlib.sha256(file.read_bytes()).hexdigest()[:16]
