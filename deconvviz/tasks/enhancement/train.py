"""Training the network against noise of any strength and JPEG at once, without being told which it is."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from deconvviz.tasks._shared import weights
from deconvviz.tasks.enhancement import evaluate as measures
from deconvviz.tasks.enhancement.data import JPEG_SHARE, MOST_NOISE, QUALITIES, blind
from deconvviz.tasks.enhancement.network import Enhancer
from deconvviz.training.fit import Figures, Fit, Schedule
from deconvviz.training.loop import Plan, plain, run
from deconvviz.training.patches import Patches

#: The network that `apply` uses.
MAIN = {"width": 32, "depth": 3, "inner": 128, "blocks": 3, "fusion": "add", "norm": False}
SIZE, BATCH, STEPS, EPOCHS = 48, 8, 200, 200
SCHEDULE = Schedule(learning_rate=1.5e-3, warm_up=0.03, average=0.998)
#: Every sixteenth picture, in the order of names, is never shown in training: settings are chosen by these.
HELD_BACK = 16
#: Levels of 255 below which an error counts no more than that in `distance`.
LEAST = 0.5
#: Added to the squared error in `decibels`, two levels of 255 squared: below it no decibels are to be had.
FLOOR = (2 / 255) ** 2


def decibels(module: Enhancer, batch: tuple[jax.Array, jax.Array], key: jax.Array) -> tuple[jax.Array, Figures]:
    """Minus the mean PSNR of a batch (damaged, clean): what is made small, the same for weak and strong damage.

    Source: chen2022simple
    """
    damaged, clean = batch
    errors = jnp.mean((module(damaged) - clean) ** 2, axis=(1, 2, 3))
    return 10 * jnp.mean(jnp.log10(errors + FLOOR)), {}


def distance(module: Enhancer, batch: tuple[jax.Array, jax.Array], key: jax.Array) -> tuple[jax.Array, Figures]:
    """Mean over a batch (damaged, clean) of the root mean squared error of each part, in levels of 255.

    Its slope is as long for weak damage as for strong, where a squared error would learn the strong alone.
    """
    damaged, clean = batch
    errors = jnp.mean((module(damaged) - clean) ** 2, axis=(1, 2, 3))
    return 255 * jnp.mean(jnp.sqrt(errors + (LEAST / 255) ** 2)), {}


def split(data: str | Path, least: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """(shown, held back): grey pictures (H, W, 1) of a folder; the last is held back where there are few.

    Raises:
      DataError: no pictures, or one that is too small.
    """
    pictures = [measures.luma(picture) for picture in measures.read(data, least).values()]
    held = range(HELD_BACK - 1, len(pictures), HELD_BACK) or [len(pictures) - 1]
    return [p for i, p in enumerate(pictures) if i not in held or len(pictures) == 1], [pictures[i] for i in held]


def train(
    data: str | Path, out: str | Path, *, seed: int, resume: bool, progress: bool, epochs: int | None = None,
    until: int | None = None, report: str | Path | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Trains the main network: figures on the pictures held back, of the weights as written to `out`."""
    started = time.perf_counter()
    options: dict[str, Any] = dict(MAIN)
    epochs = EPOCHS if epochs is None else epochs
    last = min(until or epochs, epochs)
    shown, held = split(data, SIZE)
    recipe = plain(
        {
            **{"task": "enhancement", "variant": "main", "options": options, "seed": seed, "epochs": epochs},
            **{"steps": STEPS, "batch": BATCH, "size": SIZE, "learning_rate": SCHEDULE.learning_rate},
            **{"average": SCHEDULE.average, "noise": MOST_NOISE, "qualities": QUALITIES, "jpeg": JPEG_SHARE},
            **{"pictures": len(shown), "held_back": len(held), "loss": "distance"},
        }
    )
    parts = Patches(shown, SIZE, BATCH, STEPS, seed)
    fit = Fit(Enhancer(options, seed), distance, SCHEDULE, steps=epochs * STEPS, seed=seed)

    def validate(state: Any, epoch: int) -> dict[str, float]:
        return {} if epoch % 6 and epoch != last else {"val_psnr": held_back(fit.module(state), held[:8], sigma=25)}

    plan = Plan(recipe, last, fit.initial, fit.step, lambda n: blind(parts, n), lambda n: STEPS, validate)
    state, records = run(plan, Path(out), resume=resume, progress=progress)
    module = weights.rounded(fit.module(state))
    about = {
        "options": options,
        "figures": main_figures(module, held),
        "recipe": recipe,
        "report": reported(module, report) if report else {},
        "command": command("main", seed, epochs if epochs != EPOCHS else None)
        + (f" --until {last}" if last < epochs else "")
        + (f" --report {Path(report).name}" if report else ""),
        "data": f"{len(shown)} grey pictures, {len(held)} more held back",
        "seconds": round(sum(record["seconds"] for record in records), 1),
    }
    weights.save_run(Path(out) / weights.RUN_FILE, "enhancement", "main", module, about)
    return {**about["figures"], "weights": str(Path(out) / weights.RUN_FILE), "wall": time.perf_counter() - started}


def held_back(module: Enhancer, pictures: list[np.ndarray], **damage: Any) -> float:
    """Mean PSNR after the network."""
    return measures.before_and_after(lambda given: measures.cleaned(module, given), pictures, **damage)["psnr"]


def main_figures(module: Enhancer, pictures: list[np.ndarray]) -> dict[str, float]:
    """PSNR on pictures that training did not show: noise of three strengths, JPEG of four qualities."""
    noise = {f"psnr_sigma_{s}": held_back(module, pictures, sigma=s) for s in (15, 25, 50)}
    return noise | {f"psnr_quality_{q}": held_back(module, pictures, quality=q) for q in (10, 20, 30, 40)}


def reported(module: Enhancer, data: str | Path) -> dict[str, Any]:
    """What `evaluate` says of the network on other pictures, for each damage: "data", and figures by its name."""
    damages: list[dict[str, Any]] = [*({"sigma": s} for s in (15, 25, 50)), *({"quality": q} for q in (10, 20, 40))]
    found: dict[str, Any] = {"data": Path(data).name}
    pictures = list(measures.read(data).values())
    for damage in damages:
        ((kind, amount),) = damage.items()
        found[f"{kind} {amount}"] = measures.measure(module, pictures, "colours", False, **damage)
    return found


def command(variant: str, seed: int, epochs: int | None) -> str:
    """The command that makes these weights again."""
    named = f"deconvviz train enhancement --data train400 --out RUN --variant {variant} --seed {seed}"
    return named + (f" --epochs {epochs}" if epochs else "")
