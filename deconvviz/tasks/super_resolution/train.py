"""Training of a network at one scale, from the first weights or from what another scale has learned."""

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

from deconvviz.errors import TrainingError, check_choice
from deconvviz.metrics import psnr
from deconvviz.tasks._shared import weights
from deconvviz.tasks._shared.turns import TURNS
from deconvviz.tasks.super_resolution import NETWORKS, UPSAMPLERS, evaluate
from deconvviz.tasks.super_resolution import data as data_of
from deconvviz.tasks.super_resolution import network as network_of
from deconvviz.tasks.super_resolution.network import Network, Residual
from deconvviz.tasks.super_resolution.predict import enlarge
from deconvviz.training.loop import Plan, plain, run
from deconvviz.training.trainer import Figures, Schedule, Trainer

TASK = "super_resolution"
#: What fixes a run, beside data, seed and scale. An epoch is `steps` batches.
RECIPE: dict[str, Any] = {
    "epochs": 25, "steps": 1000, "batch": 8, "side": 16, "sizes": data_of.SIZES, "learning_rate": 3e-3,
    "average": 0.999,
}  # fmt: skip
#: What is different where another network than FSRCNN is trained.
RECIPES: dict[str, dict[str, Any]] = {
    "fsrcnn": {},
    "residual": {
        "epochs": 3, "batch": 4, "side": 40, "sizes": (1.0, 0.7), "learning_rate": 2e-3, "network": "residual",
    },
}  # fmt: skip


def absolute(module: Any, batch: tuple[jax.Array, jax.Array], key: jax.Array) -> tuple[jax.Array, Figures]:
    """Mean absolute error of brightness: it learns faster than the squared one where most of the picture is right."""
    del key
    small, large = batch
    error = module(small) - large
    return jnp.mean(jnp.abs(error)), {"train_psnr": -10 * jnp.log10(jnp.mean(error**2))}


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
    seed: int = 0,
    resume: bool = True,
    progress: bool = False,
    scale: int = 3,
    network: str = "fsrcnn",
    blocks: int | None = None,
    upsampler: str = "transposed",
    start: str | Path | None = None,
    test: str | Path | None = None,
    name: str | None = None,
    epochs: int | None = None,
    steps: int | None = None,
    batch: int | None = None,
    side: int | None = None,
    learning_rate: float | None = None,
) -> dict[str, Any]:
    """Trains a network on a folder of pictures; every sixteenth is held back and measured after each epoch.

    Args:
      data: the folder: T91, say.
      out: folder of the run: checkpoint, metrics, weights.
      seed: fixes the first weights and every part shown.
      resume: go on from the checkpoint in `out`.
      progress: a bar on standard error.
      scale: 2, 3 or 4.
      network: "fsrcnn", or "residual", which is wider and adds to bicubic interpolation.
      blocks: how many blocks the residual network has; 3 if None.
      upsampler: the last layer: one of `UPSAMPLERS`.
      start: a finished run of that network at any scale: its weights are the first ones, its last kernel resampled to
        this scale; blocks beyond its own add nothing at first.
      test: a folder that the finished weights are measured on; nothing is chosen by it.
      name: what the variant is called; "x3", or "x3-resize" with that upsampler, if None.
      epochs, steps (batches an epoch), batch, side (small pixels of a part), learning_rate: those of the network's
        recipe if None.

    Returns:
      "variant", "epochs", "held_back_psnr" and, with `test`, what `evaluate` says of it in one turn, and "psnr_turns"
      and "ssim_turns", the mean over 8; what is held back is measured in one turn.

    Raises:
      DataError: no such folder, too few or too small pictures, another scale.
      TrainingError: `out` holds another run.

    Source: dong2016accelerating, kim2016accurate, lim2017enhanced
    """
    check_choice("network", network, NETWORKS, of="super_resolution")
    check_choice("upsampler", upsampler, UPSAMPLERS, of="super_resolution")
    scale = network_of.checked_scale(scale)
    if blocks is not None and network != "residual":
        raise TrainingError(f"{network} has no blocks; leave --blocks out, or train --network residual")
    shape = {} if blocks is None else {"blocks": blocks}
    numbers = {"epochs": epochs, "steps": steps, "batch": batch, "side": side, "learning_rate": learning_rate}
    changed = {name: value for name, value in numbers.items() if value is not None}
    wrong = {name: value for name, value in (shape | changed).items() if not value > 0}
    if wrong:
        raise TrainingError(f"{', '.join(wrong)} must be above 0; got {', '.join(map(str, wrong.values()))}")
    recipe = RECIPE | RECIPES[network] | changed
    planes, held = data_of.split(data)
    options = {"scale": scale, "upsampler": upsampler, "seed": seed}
    if network != "fsrcnn":
        options |= {"network": network, **shape}
    parts = data_of.training_pairs(
        planes, scale, side=recipe["side"], batch=recipe["batch"], steps=recipe["steps"], seed=seed,
        sizes=recipe["sizes"],
    )  # fmt: skip
    module = network_of.make(options)
    network_of.begin(module)
    recipe = {"task": TASK, **options, **recipe, "data": _digest(planes)}
    before: list[str] = []
    spent = 0
    if start is not None:
        _take(module, Path(start))
        recipe["start"] = _digest_of(module)
        first = next(iter(weights.variants(TASK, start).values()))
        before, spent = [*first["before"], first["command"]], first["cpu_seconds"]
    loss = squared if network == "fsrcnn" else absolute
    fit = Trainer(module, loss, schedule_of(recipe), steps=recipe["epochs"] * recipe["steps"], seed=seed)

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
        once, turned = (
            evaluate.measure(test, scale, stored, turns, progress=False, limit=None) for turns in (1, TURNS)
        )
        figures |= {name: value for name, value in once.items() if name != "seconds"}
        figures |= {f"{name}_turns": turned[name] for name in ("psnr", "ssim")}
    variant = name or variant_of(scale, upsampler)
    again = command(options, recipe, data, out, start, name)
    about = {
        "options": options, "figures": figures, "recipe": recipe, "command": again,
        "seconds": round(sum(r["seconds"] for r in records)), "cpu_seconds": round(spent + cpu),
        "pictures": len(planes), "before": before,
    }  # fmt: skip
    weights.save_run(Path(out) / weights.RUN_FILE, TASK, variant, stored, about)
    return {"variant": variant, "epochs": recipe["epochs"], **figures}


def schedule_of(recipe: Mapping[str, Any]) -> Schedule:
    """Adam with a cosine; figures are of the averaged weights."""
    return Schedule(recipe["learning_rate"], 0.02, average=recipe["average"])


def command(
    options: Mapping[str, Any],
    recipe: Mapping[str, Any],
    data: str | Path,
    out: str | Path,
    start: str | Path | None,
    name: str | None,
) -> str:
    """The command line that trains it again.

    >>> command({"scale": 3, "upsampler": "transposed", "seed": 0}, {**RECIPE, "epochs": 9}, "T91", "a/x3", None, None)
    'deconvviz train super_resolution --data T91 --out x3 --scale 3 --upsampler transposed --seed 0 --epochs 9'
    """
    numbers = ("epochs", "steps", "batch", "side", "learning_rate")
    usual = RECIPE | RECIPES[options.get("network", "fsrcnn")]
    changed = {number: f"{recipe[number]:g}" for number in numbers if recipe[number] != usual[number]}
    begun = None if start is None else Path(start).name
    return weights.command(TASK, Path(data).name, Path(out).name, **options, **changed, start=begun, name=name or None)


def held_back_psnr(module: Network, planes: list[np.ndarray], scale: int) -> float:
    """Mean PSNR in dB by the protocol."""
    pairs = [data_of.pair(plane, scale) for plane in planes]
    inner = [evaluate.inner(enlarge(small, scale, module), large, scale) for small, large in pairs]
    return float(np.mean([psnr(*both) for both in inner]))


def _take(module: Network, start: Path) -> None:
    """The weights of a trained run of any scale; the last layer's kernel, seen as a function, at this one's places."""
    known = weights.variants(TASK, start)
    trained = weights.load(TASK, next(iter(known)), network_of.make, start)
    if type(trained) is not type(module):
        raise TrainingError(
            f"{start} holds a {type(trained).__name__}, and a {type(module).__name__} is trained: name a run of the "
            "same network with --start, or leave it out"
        )
    if isinstance(module, Residual) and isinstance(trained, Residual):
        if len(trained.layers) > len(module.layers):
            raise TrainingError(
                f"{start} holds a network of {len(trained.rectify)} blocks, and one of {len(module.rectify)} is "
                "trained: blocks can be added, not taken away"
            )
        for layer in module.layers[len(trained.layers) + 1 :: 2]:
            layer.kernel[...] = jnp.zeros_like(layer.kernel[...])
    for name in module.BODY:
        nnx.update(getattr(module, name), nnx.state(getattr(trained, name)))
    theirs, mine = (getattr(one, network_of.LAST) for one in (trained, module))
    if theirs.kind == mine.kind == "transposed":
        mine.kernel[...] = jnp.asarray(_resampled(np.asarray(theirs.kernel[...]), theirs.factor, mine.factor))
        mine.bias[...] = theirs.bias[...]


def _resampled(kernel: np.ndarray, factor: int, wanted: int) -> np.ndarray:
    """A transposed convolution's kernel (taps, taps, ...) for another scale: linear between taps, zero beyond them."""
    taps = len(kernel)
    places, new = ((np.arange(taps) - (taps - s) // 2 - (s - 1) / 2) / s for s in (factor, wanted))
    share = np.maximum(0, 1 - np.abs(new[:, None] - places) * factor)
    return np.asarray(np.einsum("ai,bj,ijco->abco", share, share, kernel), np.float32)


def _digest_of(module: Network) -> str:
    digest = hashlib.sha256()
    for name, array in weights.stored_arrays(module).items():
        digest.update(name.encode() + array.tobytes())
    return digest.hexdigest()[:16]


def _digest(planes: list[np.ndarray]) -> str:
    digest = hashlib.sha256()
    for plane in planes:
        digest.update(np.ascontiguousarray(plane).tobytes())
    return digest.hexdigest()[:16]
