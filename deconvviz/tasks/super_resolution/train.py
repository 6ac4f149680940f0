"""Training of FSRCNN at one scale, from the first weights or from what another scale has learned."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from deconvviz.errors import TrainingError
from deconvviz.tasks._shared import weights
from deconvviz.tasks.super_resolution import data as _super_data
from deconvviz.tasks.super_resolution import evaluate, network
from deconvviz.tasks.super_resolution.network import FSRCNN
from deconvviz.training.fit import Figures, Fit, Schedule
from deconvviz.training.loop import Plan, plain, run

TASK = "super_resolution"
#: What fixes a run, beside data, seed and scale. An epoch is `steps` batches.
RECIPE: dict[str, Any] = {
    "epochs": 25, "steps": 1000, "batch": 8, "side": 16, "sizes": _super_data.SIZES, "learning_rate": 3e-3,
    "average": 0.999,
}  # fmt: skip


def squared(module: Any, batch: tuple[jax.Array, jax.Array], key: jax.Array) -> tuple[jax.Array, Figures]:
    """Mean squared error of brightness: making it small makes PSNR large."""
    del key
    small, large = batch
    error = jnp.mean((module(small) - large) ** 2)
    return error, {"train_psnr": -10 * jnp.log10(error)}


def variant_of(scale: int, upsampler: str) -> str:
    """The name of a variant.

    >>> variant_of(3, "transposed"), variant_of(3, "resize")
    ('x3', 'x3-resize')
    """
    return f"x{scale}" if upsampler == "transposed" else f"x{scale}-{upsampler}"


def train(
    data: str | Path,
    out: str | Path,
    *,
    seed: int,
    resume: bool,
    progress: bool,
    scale: int,
    upsampler: str,
    start: str | Path | None = None,
    test: str | Path | None = None,
    name: str | None = None,
    **changed: Any,
) -> dict[str, Any]:
    """Trains one variant and writes its weights: figures on the pictures held back."""
    wrong = {name: value for name, value in changed.items() if name not in ("sizes", "average") and not value > 0}
    if wrong:
        raise TrainingError(f"{', '.join(wrong)} must be above 0; got {', '.join(map(str, wrong.values()))}")
    recipe = RECIPE | changed
    planes, held = _super_data.split(data)
    options = {"scale": scale, "upsampler": upsampler, "seed": seed}
    parts = _super_data.training_pairs(
        planes, scale, side=recipe["side"], batch=recipe["batch"], steps=recipe["steps"], seed=seed,
        sizes=recipe["sizes"],
    )  # fmt: skip
    module = network.make(options)
    network.begin(module)
    recipe = {"task": TASK, **options, **recipe, "data": _digest(planes)}
    before: list[str] = []
    spent = 0
    if start is not None:
        _take(module, Path(start))
        recipe["start"] = _digest_of(module)
        first = next(iter(weights.variants(TASK, start).values()))
        before, spent = [*first["before"], first["command"]], first["cpu_seconds"]
    fit = Fit(module, squared, schedule_of(recipe), steps=recipe["epochs"] * recipe["steps"], seed=seed)

    def validate(state: Any, epoch: int) -> dict[str, float]:
        return {"val_psnr": held_back_psnr(fit.module(state), held, scale)}

    recipe = plain(recipe)
    plan = Plan(recipe, recipe["epochs"], fit.initial, fit.step, parts.epoch, lambda _: recipe["steps"], validate)
    began = time.process_time()
    state, records = run(plan, Path(out), resume=resume, progress=progress)
    cpu = time.process_time() - began
    stored = weights.rounded(fit.module(state))
    figures = {"held_back_psnr": round(held_back_psnr(stored, held, scale), 3), "held_back": len(held)}
    if test is not None:
        measured = evaluate.evaluate(test, scale, stored, progress=False, limit=None)
        figures |= {name: value for name, value in measured.items() if name not in ("seconds",)}
    variant = name or variant_of(scale, upsampler)
    about = {
        "options": options, "figures": figures, "recipe": recipe, "command": command(options, recipe, out, start, name),
        "seconds": round(sum(r["seconds"] for r in records)), "cpu_seconds": round(spent + cpu),
        "pictures": len(planes), "before": before,
    }  # fmt: skip
    weights.save_run(Path(out) / weights.RUN_FILE, TASK, variant, stored, about)
    return {"variant": variant, "epochs": recipe["epochs"], **figures}


def schedule_of(recipe: Mapping[str, Any]) -> Schedule:
    """Adam with a cosine; figures are of the averaged weights."""
    return Schedule(recipe["learning_rate"], 0.02, average=recipe["average"])


def command(
    options: Mapping[str, Any], recipe: Mapping[str, Any], out: str | Path, start: str | Path | None, name: str | None
) -> str:
    """The command line that trains it again.

    >>> command({"scale": 3, "upsampler": "transposed", "seed": 0}, {**RECIPE, "epochs": 9}, "a/x3", None, None)
    'deconvviz train super_resolution --data T91 --out x3 --scale 3 --upsampler transposed --seed 0 --epochs 9'
    """
    words = [f"deconvviz train super_resolution --data T91 --out {Path(out).name}"]
    words += [f"--{one} {options[one]}" for one in ("scale", "upsampler", "seed")]
    for one in ("epochs", "steps", "batch", "side", "learning_rate"):
        if recipe[one] != RECIPE[one]:
            words.append(f"--{one.replace('_', '-')} {recipe[one]:g}")
    words += [f"--start {Path(start).name}"] if start is not None else []
    return " ".join(words + ([f"--name {name}"] if name else []))


def held_back_psnr(module: FSRCNN, planes: list[np.ndarray], scale: int) -> float:
    """Mean PSNR in dB by the protocol."""
    enlarge = evaluate.enlarger(module, scale)
    rows = [evaluate.scored(plane, scale, enlarge) for plane in planes]
    return float(np.mean([row["psnr"] for row in rows]))


def _take(module: FSRCNN, start: Path) -> None:
    """The weights of a trained run of any scale; the last layer's kernel, seen as a function, at this one's places."""
    known = weights.variants(TASK, start)
    trained = weights.load(TASK, next(iter(known)), network.make, start)
    for name in ("extract", "shrink", "map", "expand", "rectify"):
        nnx.update(getattr(module, name), nnx.state(getattr(trained, name)))
    theirs, mine = (getattr(one, network.LAST) for one in (trained, module))
    if theirs.kind == mine.kind == "transposed":
        mine.kernel[...] = jnp.asarray(_resampled(np.asarray(theirs.kernel[...]), theirs.factor, mine.factor))
        mine.bias[...] = theirs.bias[...]


def _resampled(kernel: np.ndarray, factor: int, wanted: int) -> np.ndarray:
    """A transposed convolution's kernel (taps, taps, ...) for another scale: linear between taps, zero beyond them."""
    taps = len(kernel)
    places, new = ((np.arange(taps) - (taps - s) // 2 - (s - 1) / 2) / s for s in (factor, wanted))
    share = np.maximum(0, 1 - np.abs(new[:, None] - places) * factor)
    return np.asarray(np.einsum("ai,bj,ijco->abco", share, share, kernel), np.float32)


def _digest_of(module: FSRCNN) -> str:
    digest = hashlib.sha256()
    for name, array in weights.stored_arrays(module).items():
        digest.update(name.encode() + array.tobytes())
    return digest.hexdigest()[:16]


def _digest(planes: list[np.ndarray]) -> str:
    digest = hashlib.sha256()
    for plane in planes:
        digest.update(np.ascontiguousarray(plane).tobytes())
    return digest.hexdigest()[:16]
