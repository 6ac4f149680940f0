"""Training of the recognition network: epoch by epoch, with what shows overfitting and vanishing gradients."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax  # type: ignore[import-untyped]
from flax import nnx

from deconvviz.data import digits
from deconvviz.errors import TrainingError, check_choice
from deconvviz.tasks._shared import weights as stored
from deconvviz.tasks.recognition import ON_OFF, network
from deconvviz.tasks.recognition.data import BUILT_IN, Pictures, read
from deconvviz.training.loop import Plan, plain, run
from deconvviz.training.trainer import Figures, Schedule, Trainer

TASK = "recognition"
#: Layers with weights, from the picture to the scores.
LAYERS = ("conv1", "conv2", "dense", "logits")
#: Weight of the decoder's squared error beside the cross-entropy, and of squared kernels where there is dropout.
GIVEN_BACK, DECAY = 5.0, 5e-4
#: Pictures whose gradient is measured after each epoch.
PROBED = 128
#: Pictures, classes, switches, seed.
Batch = tuple[Any, Any, Any, Any]
_scores = jax.jit(network.forward)


@dataclass(frozen=True)
class Setting:
    """What fixes a run beside its data.

    Attributes:
      norm: batch normalization before the ReLUs of the maps.
      drop: regularization: dropout before the scores, and the squared kernels added to the loss.
      decoder: transposed convolutions give the picture back beside the scores, their squared error added to the loss.
      pictures: how many to train on; 0 for all that are not held back.
      epochs, batch, learning_rate: of the article: 10, 32, 0.001.
      seed: of weights, order and dropout.
    """

    norm: bool = True
    drop: bool = True
    decoder: bool = False
    pictures: int = 0
    epochs: int = 10
    batch: int = 32
    learning_rate: float = 1e-3
    seed: int = 0

    @property
    def variant(self) -> str:
        """Its name among others: what is on, "plain" if nothing is."""
        return "-".join(name for name in ("norm", "drop", "decoder") if getattr(self, name)) or "plain"


@dataclass(frozen=True, eq=False)
class Snapshot:
    """How far a training has come.

    Attributes:
      step, steps: epochs.
      records: after each epoch, the first before any training: "loss" and "accuracy" on what it learns from,
        "held_loss" and "held_accuracy" on what it never sees, and "gradient" by layer.
      params: the arrays of the network as it is used.
    """

    step: int
    steps: int
    records: tuple[dict[str, Any], ...]
    params: dict[str, np.ndarray]


def loss(module: Any, batch: Batch, key: jax.Array) -> tuple[jax.Array, Figures]:
    """Cross-entropy of the scores; under its switch the squared kernels, or the error of the reconstruction, too.

    Args:
      module: with everything in it.
      batch: pictures, classes, (norm, drop, decoder) as 1 or 0, and the seed of the run.
      key: of the step.
    """
    x, classes, switches, seed = batch
    scores, reconstruction = module(x, jax.random.fold_in(key, seed), switches)
    value = optax.softmax_cross_entropy_with_integer_labels(scores, classes).mean()
    kernels = sum(jnp.sum(getattr(module, name).kernel[...] ** 2) for name in LAYERS)
    value = value + switches[1] * DECAY * kernels + switches[2] * GIVEN_BACK * jnp.mean((reconstruction - x) ** 2)
    return value, {}


@lru_cache(maxsize=8)
def _program(classes: int, steps: int, learning_rate: float) -> tuple[Trainer, Callable[..., Any]]:
    """(the fit, gradient lengths by layer): compiled once for all switches and seeds."""
    module = network.all_switches(classes, 0)
    fit = Trainer(module, loss, Schedule(learning_rate), steps=steps)
    graph: Any = nnx.split(module, nnx.Param, nnx.BatchStat)[0]

    def lengths(parts: Any, batch: Batch) -> dict[str, jax.Array]:
        params, statistics = parts

        def objective(params: Any) -> jax.Array:
            module = nnx.merge(graph, params, statistics, copy=True)
            return loss(module, batch, jax.random.key(0))[0]

        slope = jax.grad(objective)(params)
        norms = {name: [jnp.linalg.norm(tree[name]["kernel"][...]) for tree in (slope, params)] for name in LAYERS}
        return {name: length / weights for name, (length, weights) in norms.items()}

    return fit, jax.jit(lengths)


class Run:
    """A training that is about to begin.

    Args:
      data: what it learns from, and is held back.
      setting: how.

    Raises:
      TrainingError: numbers that make no sense.
    """

    def __init__(self, data: Pictures, setting: Setting) -> None:
        for name in ("epochs", "batch", "learning_rate"):
            if not getattr(setting, name) > 0:
                raise TrainingError(f"{name} must be above 0; got {getattr(setting, name)}")
        held_out = max(1, len(data.classes) * 597 // 1797)
        train, self._held_out = digits.split(data.classes, held_out)
        if setting.pictures:
            if not len(data.labels) <= setting.pictures <= len(train):
                raise TrainingError(
                    f"pictures must be {len(data.labels)} to {len(train)} of this data, or 0 for all; "
                    f"got {setting.pictures}"
                )
            train = train[digits.split(data.classes[train], setting.pictures)[1]]
        self._data, self._train, self.setting = data, train, setting
        self.options = {"labels": list(data.labels), **asdict(setting)}
        steps = setting.epochs * self.length
        self._fit, self._lengths = _program(len(data.labels), steps, setting.learning_rate)
        self.step = self._fit.step
        self._switches = np.array([setting.norm, setting.drop, setting.decoder], np.float32)

    def initial(self) -> Any:
        """The first state, its weights drawn by the seed, the same ones whatever the switches."""
        parts = nnx.split(network.all_switches(len(self._data.labels), self.setting.seed), nnx.Param, nnx.BatchStat)
        return {**self._fit.initial(), "parts": tuple(parts[1:])}

    def module(self, state: Any) -> Any:
        """The module of a state, with what its switches keep of it."""
        return network.pruned_to(self._fit.module(state), self.options)

    @property
    def length(self) -> int:
        """Batches of an epoch."""
        return -(-len(self._train) // self.setting.batch)

    def batches(self, epoch: int) -> Iterator[Batch]:
        """Those of an epoch, in an order that its number and the seed fix; all of one size."""
        order = np.random.default_rng((self.setting.seed, epoch)).permutation(len(self._train))
        order = np.resize(order, self.length * self.setting.batch)
        for rows in order.reshape(self.length, -1):
            yield self._batch(self._train[rows])

    def _batch(self, rows: np.ndarray) -> Batch:
        return self._data.values[rows], self._data.classes[rows], self._switches, np.int32(self.setting.seed)

    def measure(self, state: Any) -> dict[str, Any]:
        """Loss and accuracy on both parts, and the gradient's length by layer over that of the weights."""
        params = self.params(state)
        record: dict[str, Any] = {}
        for prefix, rows in (("", self._train), ("held_", self._held_out)):
            result = figures(params, self._data.values[rows], self._data.classes[rows])
            record |= {f"{prefix}loss": result["cross_entropy"], f"{prefix}accuracy": result["accuracy"]}
        rows = self._train[:: max(1, len(self._train) // PROBED)][:PROBED]
        lengths = self._lengths(state["parts"], self._batch(rows))
        return record | {"gradient": {name: float(value) for name, value in lengths.items()}}

    @property
    def held_out(self) -> Pictures:
        """What no step ever sees."""
        return self._data._replace(values=self._data.values[self._held_out], classes=self._data.classes[self._held_out])

    def params(self, state: Any) -> dict[str, np.ndarray]:
        """The arrays of the network as it is used."""
        return network.folded(self.module(state))


def figures(params: Mapping[str, np.ndarray], values: np.ndarray, classes: np.ndarray) -> dict[str, float]:
    """Mean cross-entropy, and the share of pictures whose highest score is right."""
    scores = np.asarray(_scores(params, values), np.float64)
    scores -= scores.max(axis=1, keepdims=True)
    rows = np.arange(len(classes))
    losses = np.log(np.exp(scores).sum(axis=1)) - scores[rows, classes]
    return {"cross_entropy": float(losses.mean()), "accuracy": float((scores.argmax(axis=1) == classes).mean())}


def snapshots(data: str | Path | Pictures = BUILT_IN, **setting: Any) -> Iterator[Snapshot]:
    """Trains in memory, and yields what it has come to before the first step and after every epoch.

    Args:
      data: as in `train`, or pictures as `deconvviz.tasks.recognition.data.read` gives them.
      setting: of `Setting`: norm, drop, decoder, pictures, epochs, seed, ...

    Raises:
      DataError, TrainingError: as in `train`.
    """
    how = Setting(**setting)
    training_run = Run(data if isinstance(data, Pictures) else read(data), how)
    state, records = training_run.initial(), []
    for epoch in range(how.epochs + 1):
        for batch in training_run.batches(epoch) if epoch else ():
            state, _ = training_run.step(state, batch)
        records.append(training_run.measure(state))
        yield Snapshot(epoch, how.epochs, tuple(records), training_run.params(state))


def train(
    data: str | Path,
    out: str | Path,
    *,
    seed: int = 0,
    resume: bool = True,
    progress: bool = False,
    norm: str = "on",
    drop: str = "on",
    decoder: str = "off",
    pictures: int = Setting.pictures,
    epochs: int = Setting.epochs,
    batch: int = Setting.batch,
    learning_rate: float = Setting.learning_rate,
) -> dict[str, Any]:
    """Trains on the digits of the package ("digits") or on a folder; a third is held back and measured.

    Args:
      data: "digits", or a folder with one sub-folder a class.
      out: folder of the run: checkpoint, metrics, weights.
      seed: fixes weights, order and dropout.
      resume: go on from the checkpoint in `out`.
      progress: a bar on standard error.
      norm, drop, decoder: "on" or "off", as in `Setting`.
      pictures, epochs, batch, learning_rate: as in `Setting`.

    Returns:
      "variant", "held_back", "accuracy", "cross_entropy".

    Raises:
      DataError: no such folder, or no pictures.
      TrainingError: numbers that make no sense, or a folder that holds another run.
    """
    for name, value in {"norm": norm, "drop": drop, "decoder": decoder}.items():
        check_choice(name, value, ON_OFF, of="recognition")
    setting = Setting(norm == "on", drop == "on", decoder == "on", pictures, epochs, batch, learning_rate, seed)
    training_run = Run(read(data), setting)
    recipe = plain({"task": TASK, **training_run.options})

    def validate(state: Any, epoch: int) -> dict[str, float]:
        return {name: value for name, value in training_run.measure(state).items() if name != "gradient"}

    plan = Plan(
        recipe, setting.epochs, training_run.initial, training_run.step, training_run.batches,
        lambda _: training_run.length, validate,
    )  # fmt: skip
    state, records = run(plan, Path(out), resume=resume, progress=progress)
    module = stored.rounded(training_run.module(state))
    result = {
        "variant": setting.variant,
        "held_back": len(training_run.held_out.classes),
        **figures(network.folded(module), training_run.held_out.values, training_run.held_out.classes),
    }
    about = {
        "options": training_run.options, "figures": result, "recipe": recipe, "command": command(data, setting),
        "seconds": round(sum(r["seconds"] for r in records), 1),
    }  # fmt: skip
    stored.save_run(Path(out) / stored.RUN_FILE, TASK, setting.variant, module, about)
    return result


def command(data: str | Path, setting: Setting) -> str:
    """The command line that trains it again.

    >>> command("digits", Setting(norm=False))
    'deconvviz train recognition --data digits --out RUN --norm off'
    """
    changed = {name: value for name, value in asdict(setting).items() if value != getattr(Setting, name)}
    words = {
        name: ("on" if value else "off") if isinstance(value, bool) else f"{value:g}" for name, value in changed.items()
    }
    return stored.command("recognition", Path(data).name, **words)
