"""Trains the segmentation network: the encoder first, with classes at an eighth, then each decoder on that encoder."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from flax import nnx

from deconvviz.data.folder import list_partners
from deconvviz.errors import DataError, TrainingError, check_choice
from deconvviz.tasks._shared import weights as stored
from deconvviz.tasks.segmentation import EXPERIMENTS, end_to_end
from deconvviz.tasks.segmentation import data as data_of
from deconvviz.tasks.segmentation.evaluate import measure
from deconvviz.tasks.segmentation.fit import TASK_NAME, Recipe, check, fitted
from deconvviz.tasks.segmentation.network import Segmenter, make
from deconvviz.training import loop
from deconvviz.training.trainer import with_options


def train(
    data: str | Path,
    out: str | Path,
    *,
    seed: int = 0,
    resume: bool = True,
    progress: bool = False,
    encoder: str | Path | None = None,
    hold_back: str | None = None,
    experiment: str | None = None,
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
      experiment: "end-to-end" trains every decoder with its encoder from five seeds, at half size:
        `deconvviz.tasks.segmentation.end_to_end`.
      options: of `Recipe`: decoder, fusion, balance, epochs, batch, learning_rate; in the library also its others.

    Returns:
      The last epoch's metrics and the validation figures of the weights as written.

    Raises:
      DataError: a folder that is not laid out so.
      TrainingError: options that make no sense, or a run of another recipe in `out`.
    """
    if experiment is not None:
        check_choice("experiment", experiment, EXPERIMENTS, of="segmentation")
        return end_to_end.train(data, out, seed=seed, resume=resume, progress=progress, **options)
    recipe, data, out = with_options(Recipe(seed=seed), options), Path(data), Path(out)
    check(recipe)
    listed = list_partners(data / "train", data_of.FOLDERS)
    if hold_back:
        listed = _without(listed, hold_back)
    scenes = [data_of.read(*pair) for pair in listed]
    held = [data_of.read(*pair) for pair in list_partners(data / "val", data_of.FOLDERS)]
    fit = fitted(recipe, scenes, first_module(recipe, encoder), out, resume=resume, progress=progress, encoder=encoder)
    figures = measure(fit.module, held, len(held), progress=progress)
    about = {
        "options": {name: fit.facts[name] for name in ("decoder", "fusion", "widths", "dilations")},
        "figures": figures, "recipe": loop.plain(dataclasses.asdict(recipe)),
        "command": command(recipe, encoder, hold_back),
        "data": {"training": len(scenes), "validation": len(held)},
        "seconds": fit.seconds,
    }  # fmt: skip
    name = variant_name(recipe.decoder, recipe.fusion)
    stored.save_run(out / stored.RUN_FILE, TASK_NAME, name, fit.module, about)
    return fit.records[-1] | {f"val_{name}": value for name, value in figures.items() if not isinstance(value, dict)}


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


def _without(listed: list[tuple[Path, ...]], start: str) -> list[tuple[Path, ...]]:
    rest = [pair for pair in listed if not pair[0].stem.startswith(start)]
    if len(rest) == len(listed):
        raise DataError(f"no training picture's name begins with {start!r}; nothing would be held back")
    return rest
