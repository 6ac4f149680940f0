"""Trains a segmentation network: the encoder first, then each decoder on that encoder; or SqueezeNet, all at once."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from flax import nnx

from deconvviz.data.folder import list_partners
from deconvviz.errors import DataError, TrainingError, check_choice
from deconvviz.tasks._shared import weights as stored
from deconvviz.tasks.segmentation import EXPERIMENTS, SKIPS, end_to_end, pretrained
from deconvviz.tasks.segmentation import data as data_of
from deconvviz.tasks.segmentation.evaluate import measure
from deconvviz.tasks.segmentation.fit import TASK_NAME, Recipe, check, fitted, recipe_of
from deconvviz.tasks.segmentation.network import make
from deconvviz.tasks.segmentation.pretrained import SkipSegmenter
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
    as it is; without one all is trained at once. With ``decoder="skips"`` all is trained at once, from
    SqueezeNet's ImageNet weights. Random parts of random scale, mirrored, in other light; Adam with
    warm-up and cosine, a moving average of the weights.

    Args:
      data: the folder.
      out: checkpoints, metrics and weights; a killed run goes on and ends in the same weights.
      seed: fixes every draw.
      resume: go on from the checkpoint in `out`.
      progress: a bar on standard error.
      encoder: a run of "coarse"; for "skips" what all of it starts from: SqueezeNet's file, by default the one on this
        machine, which is downloaded once; a folder with a run of "skips"; or "random".
      hold_back: training pictures whose names begin so are left out, and the weights are measured on them, too.
      experiment: "end-to-end" trains every decoder with its encoder from five seeds, at half size:
        `deconvviz.tasks.segmentation.end_to_end`.
      options: of `Recipe`: decoder, fusion, balance, epochs, batch, learning_rate; in the library also its others.

    Returns:
      The last epoch's metrics and the figures of the weights as written: "val_..." on the validation pictures,
      "held_back_..." on those that were held back.

    Raises:
      DataError: a folder that is not laid out so.
      TrainingError: options that make no sense, or a run of another recipe in `out`.
    """
    if experiment is not None:
        check_choice("experiment", experiment, EXPERIMENTS, of="segmentation")
        return end_to_end.train(data, out, seed=seed, resume=resume, progress=progress, **options)
    data, out = Path(data), Path(out)
    recipe = with_options(dataclasses.replace(recipe_of(options.get("decoder")), seed=seed), options)
    check(recipe)
    files = list_partners(data / "train", data_of.FOLDERS)
    apart: list[tuple[Path, ...]] = []
    if hold_back:
        files, apart = _parted(files, hold_back)
    scenes = [data_of.read(*pair) for pair in files]
    validation = [data_of.read(*pair) for pair in list_partners(data / "val", data_of.FOLDERS)]
    fit = fitted(recipe, scenes, first_module(recipe, encoder), out, resume=resume, progress=progress, encoder=encoder)
    figures = measure(fit.module, validation, len(validation), progress=progress)
    unseen = (
        measure(fit.module, (data_of.read(*pair) for pair in apart), len(apart), progress=progress) if apart else {}
    )
    about = {
        "options": {name: fit.facts[name] for name in ("decoder", "fusion", "widths", "dilations")},
        "figures": figures, "recipe": loop.plain(dataclasses.asdict(recipe)),
        "command": command(recipe, encoder, hold_back),
        "data": {"training": len(scenes), "validation": len(validation)} | ({"held_back": len(apart)} if apart else {}),
        "seconds": fit.seconds,
    }  # fmt: skip
    if apart:
        about["held_back"] = unseen
    name = variant_name(recipe.decoder, recipe.fusion)
    stored.save_run(out / stored.RUN_FILE, TASK_NAME, name, fit.module, about)
    return fit.records[-1] | {
        f"{part}_{name}": value
        for part, values in (("val", figures), ("held_back", unseen))
        for name, value in values.items()
        if not isinstance(value, dict)
    }


def command(recipe: Recipe, encoder: Any = None, hold_back: str | None = None) -> str:
    """The command that makes a run again, without this machine's paths.

    >>> command(Recipe(decoder="unpool", epochs=3), encoder="here")
    'deconvviz train segmentation --data DIR --out RUN --decoder unpool --epochs 3 --encoder COARSE_RUN'
    """
    names, usual = ("fusion", "balance", "batch", "learning_rate", "seed"), recipe_of(recipe.decoder)
    changed = {name: getattr(recipe, name) for name in names if getattr(recipe, name) != getattr(usual, name)}
    start = None if encoder is None else "COARSE_RUN"
    if recipe.decoder == SKIPS:
        start = _start(encoder)
    return stored.command(
        "segmentation", "DIR", decoder=recipe.decoder, epochs=recipe.epochs, **changed,
        encoder=start, hold_back=hold_back or None,
    )  # fmt: skip


def _start(encoder: Any) -> str | None:
    """What a command says of the start of the network with skips: SqueezeNet's weights are understood."""
    if encoder is not None and Path(encoder).is_dir():
        return "SKIPS_RUN"
    return pretrained.RANDOM if str(encoder) == pretrained.RANDOM else None


def variant_name(decoder: str, fusion: str) -> str:
    """What a trained variant is called.

    >>> variant_name("unpool", "none"), variant_name("unpool", "average")
    ('unpool', 'unpool+average')
    """
    return decoder if fusion == "none" else f"{decoder}+{fusion}"


def first_module(recipe: Recipe, encoder: str | Path | None) -> Any:
    """The module as first drawn; encoder and coarse scores are those of the "coarse" run where one is named, and stay.

    That with skips has SqueezeNet's weights in its encoder, or all the weights of another run; of these the first
    convolution stays.

    Raises:
      WeightsError: no such run.
      TrainingError: a run of other widths or dilations.
    """
    module = make(dataclasses.asdict(recipe))
    if isinstance(module, SkipSegmenter):
        if encoder is not None and Path(encoder).is_dir():
            module = nnx.merge(*nnx.split(stored.load(TASK_NAME, SKIPS, make, encoder)), copy=True)
            module.encoder.frozen = True
        elif str(encoder) != pretrained.RANDOM:
            pretrained.fill(module, encoder)
        return module
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


def _parted(files: list[tuple[Path, ...]], start: str) -> tuple[list[tuple[Path, ...]], list[tuple[Path, ...]]]:
    """(those to train on, those whose names begin so)."""
    rest = [pair for pair in files if not pair[0].stem.startswith(start)]
    apart = [pair for pair in files if pair[0].stem.startswith(start)]
    if not apart:
        raise DataError(f"no training picture's name begins with {start!r}; nothing would be held back")
    return rest, apart
