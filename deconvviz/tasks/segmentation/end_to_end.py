"""Every decoder trained together with its encoder, from several seeds: the comparison that claim C9 is about.

Half the resolution, a small network, and the same recipe, data, order and first encoder for all that share a seed, so
that the decoders alone differ. Every run has a folder of its own and goes on where it was stopped.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from tqdm import tqdm

from deconvviz.data.folder import list_partners
from deconvviz.errors import TrainingError
from deconvviz.tasks._shared import weights as stored
from deconvviz.tasks.segmentation import DECODERS
from deconvviz.tasks.segmentation import data as data_of
from deconvviz.tasks.segmentation.data import VOID, Scene, model_input
from deconvviz.tasks.segmentation.evaluate import boundary_f1, confusion, figures_of
from deconvviz.tasks.segmentation.fit import TASK_NAME, Recipe, check, fitted
from deconvviz.tasks.segmentation.network import make
from deconvviz.tasks.segmentation.predict import classes_from, compiled
from deconvviz.training import loop
from deconvviz.training.trainer import with_options

#: Rows and columns of a picture here: half of CamVid's, a multiple of 8.
SIZE = (176, 240)
SEEDS = 5
#: About how many hours of one core all runs take: 90,000 steps of 0.07 to 0.18 s (measured), compiling, and the parts.
HOURS = 5
#: What all runs share; the decoder and the seed are what they differ in.
RECIPE = Recipe(
    epochs=100, batch=8, crop=(120, 160), widths=(12, 32, 64, 16), dilations=(1, 2, 4, 8), learning_rate=3e-3
)
#: The command line that makes all runs, or goes on with them.
COMMAND = "deconvviz train segmentation --data DIR --out RUN --experiment end-to-end --json"


def train(
    data: str | Path,
    out: str | Path,
    *,
    decoders: Sequence[str] = DECODERS,
    seed: int = 0,
    seeds: int = SEEDS,
    resume: bool = True,
    progress: bool = False,
    **options: Any,
) -> dict[str, Any]:
    """Trains every decoder end to end from every seed and measures it on DIR/val: one row a run.

    Args:
      data: DIR/{train,val}/{images,labels}.
      out: every run has its folder OUT/DECODER/seedN there, and goes on there.
      decoders: which.
      seed: the first.
      seeds: how many.
      resume: go on from what is in `out`; a finished run is not measured again.
      progress: a bar on standard error.
      options: of `Recipe`, for all runs.

    Returns:
      "rows": "decoder", "seed", "mean_iou", "boundary_f1" of each run; "images", "seconds".

    Raises:
      DataError: a folder that is not laid out so, or fewer pictures than a batch.
      TrainingError: options that make no sense, or a run of another recipe in `out`.
    """
    started, out = time.perf_counter(), Path(out)
    parts = [_halved(Path(data) / part) for part in ("train", "val")]
    rows = []
    for number in range(seed, seed + seeds):
        for decoder in decoders:
            recipe = with_options(RECIPE, {**options, "decoder": decoder, "seed": number})
            check(recipe)
            rows.append(_one(recipe, parts, out / decoder / f"seed{number}", resume, progress))
    return {"rows": rows, "images": len(parts[1]), "seconds": round(time.perf_counter() - started, 3)}


def _one(recipe: Recipe, parts: list[list[Scene]], out: Path, resume: bool, progress: bool) -> dict[str, Any]:
    """The figures of one run, trained now or before."""
    training, validation = parts
    if resume and (out / stored.RUN_FILE).exists():
        about = stored.variants(TASK_NAME, out)[recipe.decoder]
        changed = [
            name for name, value in loop.plain(dataclasses.asdict(recipe)).items() if about["recipe"][name] != value
        ]
        if changed:
            raise TrainingError(
                f"{out} holds a finished run with another {' and '.join(changed)}; name another folder with --out, or "
                "start again with --no-resume"
            )
    else:
        about = _trained(recipe, training, validation, out, resume, progress)
    return {"decoder": recipe.decoder, "seed": recipe.seed} | {
        name: float(about["figures"][name]) for name in ("mean_iou", "boundary_f1")
    }


def _trained(
    recipe: Recipe, training: list[Scene], validation: list[Scene], out: Path, resume: bool, progress: bool
) -> dict[str, Any]:
    fit = fitted(recipe, training, make(dataclasses.asdict(recipe)), out, resume=resume, progress=progress)
    about = {
        "options": {name: fit.facts[name] for name in ("decoder", "fusion", "widths", "dilations")},
        "figures": measured(fit.module, validation, progress=progress),
        "recipe": loop.plain(dataclasses.asdict(recipe)),
        "command": COMMAND,
        "data": {"training": len(training), "validation": len(validation)},
        "seconds": fit.seconds,
    }
    stored.save_run(out / stored.RUN_FILE, TASK_NAME, recipe.decoder, fit.module, about)
    return about


def measured(module: Any, scenes: Sequence[Scene], *, progress: bool = False) -> dict[str, Any]:
    """Shares and boundary F1 at the size of training."""
    run, table, edges = compiled(module), np.zeros((VOID, VOID), np.int64), []
    for scene in tqdm(scenes, unit="image", disable=not progress):
        predicted = classes_from(run(model_input(scene.picture)[None])[0], scene.labels.shape)
        table += confusion(predicted, scene.labels)
        edges.append(boundary_f1(predicted, scene.labels))
    return {**figures_of(table), "boundary_f1": float(np.mean(edges))}


def _halved(folder: Path) -> list[Scene]:
    """The scenes of a folder at `SIZE`: pictures averaged, labels taken from the nearest pixel.

    Raises:
      DataError: no such folder, or no pairs.
    """
    rows, columns = SIZE
    scenes = []
    for pair in list_partners(folder, data_of.FOLDERS):
        picture, labels = data_of.read(*pair)
        small = Image.fromarray(picture).resize((columns, rows), Image.Resampling.BOX)
        names = Image.fromarray(labels).resize((columns, rows), Image.Resampling.NEAREST)
        scenes.append(Scene(np.asarray(small), np.asarray(names)))
    return scenes
