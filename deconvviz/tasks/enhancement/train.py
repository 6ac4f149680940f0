"""Training the network against noise of any strength and JPEG at once, without being told which it is."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
from flax import nnx

from deconvviz.errors import DeconvvizError, check_choice
from deconvviz.tasks._shared import weights as stored
from deconvviz.tasks._shared.turns import TURNS
from deconvviz.tasks.enhancement import VARIANTS, ablations
from deconvviz.tasks.enhancement.data import JPEG_SHARE, MOST_NOISE, QUALITIES, blind, read, split
from deconvviz.tasks.enhancement.evaluate import LEAST, before_and_after, measure
from deconvviz.tasks.enhancement.loss import distance
from deconvviz.tasks.enhancement.network import Enhancer, make
from deconvviz.tasks.enhancement.predict import cleaned
from deconvviz.training.loop import Plan, plain, run
from deconvviz.training.patches import Patches
from deconvviz.training.trainer import Schedule, Trainer

#: The network that `apply` uses.
MAIN = {"width": 32, "depth": 3, "inner": 128, "blocks": 3, "fusion": "add", "norm": False}
SIZE, BATCH, STEPS, EPOCHS = 48, 8, 200, 200
SCHEDULE = Schedule(learning_rate=1.5e-3, warm_up=0.03, average=0.998)
#: The same of a run that goes on from given weights.
LARGER, GOING_ON = 64, Schedule(learning_rate=7e-4, warm_up=0.03, average=0.999)


def train(
    data: str | Path,
    out: str | Path,
    *,
    seed: int = 0,
    resume: bool = True,
    progress: bool = False,
    variant: str = "main",
    epochs: int | None = None,
    until: int | None = None,
    report: str | Path | None = None,
    start: str | Path | None = None,
    parts: str | Path | None = None,
) -> dict[str, Any]:
    """Trains a network on undamaged pictures DIR/*.png, every sixteenth held back for its figures.

    Args:
      data: the folder; colour pictures count by their brightness.
      out: folder for checkpoints, metrics and weights.
      seed: fixes every draw.
      resume: go on from the checkpoint in `out`.
      progress: a bar on standard error.
      variant: "main", or a small network: how it fuses, "-norm" with batch normalization, "-resize" without a
        transposed convolution; these are trained from five seeds, and measured for claim C6.
      epochs: of 50 batches; by default as many as the shipped weights had.
      until: of "main": stop after that epoch; the same call without it goes on.
      report: of "main": a folder of other pictures, measured once at the end for the card.
      start: of "main": weights to go on from, with larger parts of pictures and smaller steps.
      parts: of "main": pictures that `start` was trained on, parts of those in `data`; see `split`.

    Returns:
      Figures on the pictures held back, of the weights as written.

    Raises:
      DataError: no such folder, no pictures, or one smaller than what is shown in training.
      TrainingError: `out` holds another run, or the loss is not finite.
    """
    check_choice("variant", variant, VARIANTS, of="enhancement")
    for name, number in (("epochs", epochs), ("until", until)):
        if number is not None and number < 1:
            raise DeconvvizError(f"training takes one epoch or more; got {name}={number}")
    options = {"seed": seed, "resume": resume, "progress": progress, "epochs": epochs}
    if variant == "main":
        return train_main(
            data,
            out,
            until=until,
            report=report,
            start=start,
            parts=parts,
            **options,  # type: ignore[arg-type]
        )
    return ablations.train(data, out, variant=variant, **options)  # type: ignore[arg-type]


def train_main(
    data: str | Path, out: str | Path, *, seed: int, resume: bool, progress: bool, epochs: int | None = None,
    until: int | None = None, report: str | Path | None = None, start: str | Path | None = None,
    parts: str | Path | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Trains the main network: figures on the pictures held back, of the weights as written to `out`."""
    started = time.perf_counter()
    options: dict[str, Any] = stored.variants("enhancement", start)["main"]["options"] if start else dict(MAIN)
    size, schedule = (LARGER, GOING_ON) if start else (SIZE, SCHEDULE)
    epochs = EPOCHS if epochs is None else epochs
    last = min(until or epochs, epochs)
    shown, held = split(data, size, parts)
    recipe = plain(
        {
            **{"task": "enhancement", "variant": "main", "options": options, "seed": seed, "epochs": epochs},
            **{"steps": STEPS, "batch": BATCH, "size": size, "learning_rate": schedule.learning_rate},
            **{"average": schedule.average, "noise": MOST_NOISE, "qualities": QUALITIES, "jpeg": JPEG_SHARE},
            **{"pictures": len(shown), "held_back": len(held), "loss": "distance"},
            **({"start": Path(start).name} if start else {}),
        }
    )
    patches = Patches(shown, size, BATCH, STEPS, seed)
    fit = Trainer(Enhancer(options, seed), distance, schedule, steps=epochs * STEPS, seed=seed)

    def initial() -> Any:
        return fit.initial(nnx.clone(stored.load("enhancement", "main", make, start)) if start else None)

    def validate(state: Any, epoch: int) -> dict[str, float]:
        return {} if epoch % 6 and epoch != last else {"val_psnr": held_back(fit.module(state), held[:8], sigma=25)}

    plan = Plan(recipe, last, initial, fit.step, lambda n: blind(patches, n), lambda n: STEPS, validate)
    state, records = run(plan, Path(out), resume=resume, progress=progress)
    module = stored.rounded(fit.module(state))
    about = {
        "options": options,
        "figures": main_figures(module, held),
        "recipe": recipe,
        "report": reported(module, report) if report else {},
        "command": stored.command(
            "enhancement",
            Path(data).name,
            variant="main",
            seed=seed,
            epochs=None if epochs == EPOCHS else epochs,
            until=last if last < epochs else None,
            report=Path(report).name if report else None,
            start=Path(start).name if start else None,
            parts=Path(parts).name if parts else None,
        ),
        "data": f"{len(shown)} grey pictures, {len(held)} more held back",
        "seconds": round(sum(record["seconds"] for record in records), 1),
    }
    stored.save_run(Path(out) / stored.RUN_FILE, "enhancement", "main", module, about)
    return {**about["figures"], "weights": str(Path(out) / stored.RUN_FILE), "wall": time.perf_counter() - started}


def held_back(module: Enhancer, pictures: list[np.ndarray], turns: int = 1, **damage: Any) -> float:
    """Mean PSNR after the network."""
    return before_and_after(lambda given: cleaned(module, given, turns=turns), pictures, **damage)["psnr"]


def main_figures(module: Enhancer, pictures: list[np.ndarray]) -> dict[str, float]:
    """PSNR on pictures that training did not show: noise of three strengths, JPEG of four qualities."""
    noise = {f"psnr_sigma_{s}": held_back(module, pictures, TURNS, sigma=s) for s in (15, 25, 50)}
    return noise | {f"psnr_quality_{q}": held_back(module, pictures, TURNS, quality=q) for q in (10, 20, 30, 40)}


def reported(module: Enhancer, data: str | Path) -> dict[str, Any]:
    """What `evaluate` says of the network on other pictures, for each damage: "data", and figures by its name."""
    damages: list[dict[str, Any]] = [*({"sigma": s} for s in (15, 25, 50)), *({"quality": q} for q in (10, 20, 40))]
    report: dict[str, Any] = {"data": Path(data).name}
    pictures = list(read(data, LEAST).values())
    for damage in damages:
        ((kind, amount),) = damage.items()
        report[f"{kind} {amount}"] = measure(module, pictures, "colours", False, **damage)
    return report
