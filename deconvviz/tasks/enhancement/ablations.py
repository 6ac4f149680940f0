"""Small networks that differ in one thing: how they fuse, batch normalization, the transposed convolution itself.

What claim C6 rests on. Each is trained from the same first convolutions on the same parts of the same few pictures,
each pixel with one noise of its own that never changes: the case in which a network can memorize its noise.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np
from flax import nnx

from deconvviz.tasks._shared import weights as stored
from deconvviz.tasks.enhancement import FUSIONS
from deconvviz.tasks.enhancement.data import fixed, noisy, split
from deconvviz.tasks.enhancement.evaluate import before_and_after
from deconvviz.tasks.enhancement.loss import decibels
from deconvviz.tasks.enhancement.network import Enhancer
from deconvviz.tasks.enhancement.predict import cleaned
from deconvviz.training.loop import Plan, plain, run
from deconvviz.training.patches import Patches
from deconvviz.training.trainer import Schedule, Trainer

SMALL = {"width": 16, "depth": 8, "norm": False, "upsampler": "transposed"}
#: Name -> what the small network is made of; "-norm" has batch normalization, "-resize" no transposed convolution.
TRIALS: dict[str, dict[str, Any]] = {
    **{fusion: SMALL | {"fusion": fusion} for fusion in FUSIONS},
    **{f"{fusion}-norm": SMALL | {"fusion": fusion, "norm": True} for fusion in FUSIONS},
    **{f"{fusion}-resize": SMALL | {"fusion": fusion, "upsampler": "resize"} for fusion in ("none", "add")},
}
SIZE, BATCH, STEPS, EPOCHS = 48, 8, 50, 6
#: Seeds of each, from the one that is given; pictures, and how much of each; standard deviation of the noise, of 255.
SEEDS, PICTURES, CUT, SIGMA = 5, 4, 64, 25
#: Noise of the pictures that were shown, drawn anew.
ANEW = 1000
SCHEDULE = Schedule(learning_rate=2e-3, warm_up=0.05)


def train(
    data: str | Path, out: str | Path, *, variant: str, seed: int, resume: bool, progress: bool,
    epochs: int | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Trains one of `TRIALS` from several seeds; the weights are those of the first, the figures those of each."""
    options, steps = TRIALS[variant], (EPOCHS if epochs is None else epochs) * STEPS
    shown, held = split(data, SIZE)
    places = np.linspace(0, len(shown) - 1, min(PICTURES, len(shown))).astype(int)
    chosen = [shown[i][:CUT, :CUT] for i in places]
    recipe: dict[str, Any] = {
        **{"task": "enhancement", "variant": variant, "options": options, "steps": steps, "batch": BATCH},
        **{"size": SIZE, "sigma": SIGMA, "learning_rate": SCHEDULE.learning_rate},
        **{"pictures": len(chosen), "cut": CUT, "held_back": len(held)},
        **{"loss": "decibels"},
    }
    rows, seconds, first = [], 0.0, None
    for number in range(seed, seed + SEEDS):
        where = Path(out) / f"seed{number}"
        module, row, spent = _from_seed(chosen, held, plain(recipe | {"seed": number}), where, resume, progress)
        rows.append(row)
        seconds, first = seconds + spent, first or module
    about: dict[str, Any] = {
        "options": options,
        "figures": {name: float(np.mean([row[name] for row in rows])) for name in ("psnr", "gap", "learned")},
        "seeds": rows,
        "recipe": plain(recipe | {"seed": seed, "seeds": SEEDS}),
        "command": stored.command("enhancement", "train400", variant=variant, seed=seed, epochs=epochs or None),
        "data": f"{CUT} x {CUT} pixels of {len(chosen)} grey pictures, {len(held)} more pictures held back",
        "seconds": round(seconds, 1),
    }
    assert first is not None
    stored.save_run(Path(out) / stored.RUN_FILE, "enhancement", variant, first, about)
    return {**about["figures"], "weights": str(Path(out) / stored.RUN_FILE)}


def _from_seed(
    shown: list[np.ndarray], held: list[np.ndarray], recipe: dict[str, Any], out: Path, resume: bool, progress: bool
) -> tuple[Enhancer, dict[str, Any], float]:
    """(network as a file holds it, its figures, seconds) of one seed."""
    seed, steps = recipe["seed"], recipe["steps"]
    pairs = [np.concatenate([noisy(p, SIGMA, i), p], axis=-1) for i, p in enumerate(shown)]
    parts = Patches(pairs, SIZE, BATCH, STEPS, seed)
    fit = Trainer(Enhancer(recipe["options"], seed), decibels, SCHEDULE, steps=steps, seed=seed)
    start, batch = fit.initial(), next(fixed(parts, 0))
    plan = Plan(
        recipe, steps // STEPS, fit.initial, fit.step, lambda n: fixed(parts, n), lambda n: STEPS
    )  # fmt: skip
    state, records = run(plan, out, resume=resume, progress=progress)
    module = stored.rounded(fit.module(state))
    row = {
        "seed": seed,
        "gradients_first": gradient_norms(fit.module(start), batch),
        "gradients_last": gradient_norms(fit.module(state), batch),
        **figures(module, shown, held),
    }
    return module, row, sum(record["seconds"] for record in records)


def figures(module: Enhancer, shown: list[np.ndarray], held: list[np.ndarray]) -> dict[str, float]:
    """PSNR of one network.

    Returns:
      "psnr_seen" on the noisy pictures that it was shown, "psnr_anew" on the same pictures with other noise, "psnr" on
      pictures held back; "gap", the first less the last, in which the pictures also differ in difficulty, and not
      equally for every network; "learned", the first less the second: what it memorized of its noise.
    """

    def mean(pictures: list[np.ndarray], first: int) -> float:
        each = [
            before_and_after(lambda given: cleaned(module, given), [p], sigma=SIGMA, seed=first + i)["psnr"]
            for i, p in enumerate(pictures)
        ]
        return float(np.mean(each))

    trained, anew, new = mean(shown, 0), mean(shown, ANEW), mean(held, ANEW)
    return {"psnr_seen": trained, "psnr_anew": anew, "psnr": new, "gap": trained - new, "learned": trained - anew}


def gradient_norms(module: Enhancer, batch: Any) -> list[float]:
    """Length of the loss's gradient with respect to the kernel of each inner convolution, from the first to the last.

    They are of one shape, so their lengths can be compared; the network in training mode, on one batch.
    """
    module.train()
    graph, params, rest = nnx.split(module, nnx.Param, ...)  # type: ignore[misc]
    module.eval()

    def loss(params: Any) -> jax.Array:
        return decibels(nnx.merge(graph, params, rest, copy=True), batch, jax.random.key(0))[0]

    slopes = jax.jit(jax.grad(loss))(params)
    return [float(np.linalg.norm(np.asarray(slopes["body"][i]["kernel"][...]))) for i in range(len(module.body))]


def depth_ratio(norms: list[float]) -> float:
    """Gradient of the first inner convolution over that of the last: below 1 where it vanishes in the backward pass.

    >>> depth_ratio([1.0, 3.0, 4.0])
    0.25
    """
    return norms[0] / norms[-1]


def trials(weights: str | Path | None = None) -> dict[str, Mapping[str, Any]]:
    """What was measured of each small network, by name: "options", "figures", "seeds", "command" and more.

    Raises:
      WeightsError: no such file.

    >>> trials()["add"]["options"]["fusion"]
    'add'
    """
    return {name: about for name, about in stored.variants("enhancement", weights).items() if "seeds" in about}
