"""The network trained by this project: seven convolutions on Caltech-101, a chain without branches.

Every step is one of convolution with bias, ReLU, 2x2 max pooling, global average pooling and one dense layer: the home
ground of the deconvnet. Batch normalization helped in training and is folded into the kernels and biases here.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from deconvviz import storage
from deconvviz.catalog import ModelEntry
from deconvviz.errors import WeightsError
from deconvviz.network import Network, Programs
from deconvviz.types import InputSpec


class Step(NamedTuple):
    """One convolution of the chain: kernel size, stride, output channels, and whether a 2x2 pool follows its ReLU."""

    kernel: int
    stride: int
    channels: int
    pool: bool


CHAIN = (
    Step(6, 2, 32, True),
    Step(3, 1, 64, True),
    Step(3, 1, 112, False),
    Step(3, 1, 128, True),
    Step(3, 1, 160, False),
    Step(3, 1, 160, True),
    Step(3, 1, 192, False),
)
CLASSES = 102
WEIGHTS = Path(__file__).parent / "weights" / "caltech.safetensors"
#: The same chain, trained on pictures that were moved against it.
ROBUST_WEIGHTS = WEIGHTS.with_name("caltech_robust.safetensors")
SNAPSHOT_FILE = Path(__file__).parent / "weights" / "caltech_snapshots.safetensors"
INPUT = InputSpec(size=(128, 128), mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25), fit="crop")
Params = dict[str, jax.Array]
#: Shared by every network of this file: its snapshots differ in their weights alone.
_PROGRAMS = Programs()
#: What a file of weights may say of itself.
_ABOUT = {"labels?": [str], "snapshots?": [{"epoch": int, "top1": float, "mean_per_class": float}]}
_EPOCH = re.compile(r"epoch:(\d{1,9})")


def shapes(classes: int = CLASSES) -> dict[str, tuple[int, ...]]:
    """Name and shape of every array of the folded network, in execution order.

    >>> shapes()["conv1.kernel"]
    (6, 6, 3, 32)
    """
    arrays: dict[str, tuple[int, ...]] = {}
    depth = 3
    for i, step in enumerate(CHAIN, start=1):
        arrays[f"conv{i}.kernel"] = (step.kernel, step.kernel, depth, step.channels)
        arrays[f"conv{i}.bias"] = (step.channels,)
        depth = step.channels
    return arrays | {"logits.kernel": (depth, classes), "logits.bias": (classes,)}


def forward(params: Params, x: jax.Array) -> jax.Array:
    """Class scores of normalised images.

    Args:
      params: arrays named as in `shapes`, batch normalization folded in.
      x: (N, H, W, 3) float32, ``(rgb - 0.5) / 0.25``; H and W multiples of 32, 128 as trained.

    Returns:
      (N, 102) logits.

    >>> forward(load_params(), jnp.zeros((2, 128, 128, 3))).shape
    (2, 102)
    """
    for i, step in enumerate(CHAIN, start=1):
        pad = (step.kernel - step.stride) // 2 if step.stride > 1 else step.kernel // 2
        with jax.named_scope(f"conv{i}"):
            stride, padding, kernel = (step.stride,) * 2, ((pad, pad),) * 2, params[f"conv{i}.kernel"]
            x = lax.conv_general_dilated(x, kernel, stride, padding, dimension_numbers=("NHWC", "HWIO", "NHWC"))
            x = x + params[f"conv{i}.bias"]
        with jax.named_scope(f"relu{i}"):
            x = jax.nn.relu(x)
        if step.pool:
            with jax.named_scope(f"pool{i}"):
                x = lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
    with jax.named_scope("global_pool"):
        x = jnp.mean(x, axis=(1, 2))
    with jax.named_scope("logits"):
        return x @ params["logits.kernel"] + params["logits.bias"]


class Snapshot(NamedTuple):
    """Weights kept during training: after which epoch, and their validation figures as fractions."""

    epoch: int
    top1: float
    mean_per_class: float


def load_params(path: str | Path | None = None) -> Params:
    """The folded weights as float32 arrays, from the file shipped with the package or from another.

    Raises:
      WeightsError: the file is missing, truncated, or belongs to another network.
    """
    file = Path(path or WEIGHTS)
    stored, about = _read(file)
    return _checked(stored, len(about.get("labels", ())) or CLASSES, file)


def labels(path: str | Path | None = None) -> tuple[str, ...]:
    """Class names in the order of the logits, from the weights file."""
    file = Path(path or WEIGHTS)
    return tuple(_read(file, arrays=False)[1].get("labels", ()))


def snapshots(path: str | Path | None = None) -> tuple[Snapshot, ...]:
    """The weights kept during training, oldest first; the last are the shipped ones."""
    entries = _read(Path(path or SNAPSHOT_FILE), arrays=False)[1].get("snapshots", ())
    return tuple(Snapshot(entry["epoch"], entry["top1"], entry["mean_per_class"]) for entry in entries)


def load_snapshot(index: int, path: str | Path | None = None) -> Params:
    """Weights kept during training as float32 arrays: `index` into `snapshots()`, negative from the end.

    Kernels are stored as int8 with one scale an output channel, so each differs by at most half a scale.

    Raises:
      WeightsError: no such snapshot, or a file that cannot be read.
    """
    file = Path(path or SNAPSHOT_FILE)
    stored, about = _read(file)
    epochs = [entry["epoch"] for entry in about.get("snapshots", ())]
    if not -len(epochs) <= index < len(epochs):
        raise WeightsError(f"{file.name} holds {len(epochs)} snapshots, of epochs {epochs}; there is no number {index}")
    prefix = f"{epochs[index]}."
    arrays = {name.removeprefix(prefix): value for name, value in stored.items() if name.startswith(prefix)}
    for name in [name for name in arrays if name + ".scale" in arrays]:
        scale = storage.weights(arrays.pop(name + ".scale"), f"{name}.scale", arrays[name].shape[-1:], _unfit(file))
        if arrays[name].dtype != np.int8:
            raise _unfit(file)(f"{name} holds {arrays[name].dtype}, where int8 has a scale")
        arrays[name] = arrays[name].astype(np.float32) * scale
    return _checked(arrays, arrays["logits.bias"].shape[0] if "logits.bias" in arrays else CLASSES, file)


def __getattr__(name: str) -> tuple[str, ...] | tuple[Snapshot, ...]:
    # Read from the weights file when asked for: importing the module opens no file.
    if name == "LABELS":
        return labels()
    if name == "SNAPSHOTS":
        return snapshots()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@lru_cache(maxsize=16)
def _about(file: Path, changed: int) -> dict[str, Any]:
    text = storage.read_metadata(file, _unreadable(file)).get("about", "{}")
    about: dict[str, Any] = storage.parse(text, _ABOUT, lambda reason: _unreadable(file)(f"of what it says, {reason}"))
    return about


def _read(file: Path, arrays: bool = True) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """(arrays, what is said about them); without `arrays` the header alone is read."""
    storage.check_file(file, _unreadable(file))
    about = _about(file, file.stat().st_mtime_ns)
    return storage.read_arrays(file, _unreadable(file)) if arrays else {}, about


def _unreadable(file: Path) -> storage.Problem:
    return lambda reason: WeightsError(
        f"cannot read the weights {file}: {reason}; "
        "make them with 'deconvviz train caltech --data DIR --out DIR', or name another file"
    )


def _unfit(file: Path) -> storage.Problem:
    return lambda reason: WeightsError(
        f"{file} does not fit the caltech network: {reason}; use a file that 'deconvviz train caltech' wrote"
    )


def _checked(stored: dict[str, np.ndarray], classes: int, file: Path) -> Params:
    arrays = storage.all_weights(stored, shapes(classes), _unfit(file))
    return {name: jax.device_put(value) for name, value in arrays.items()}


def epoch_of(weights: Any) -> int | None:
    """The epoch that ``"epoch:N"`` names; None for anything else.

    >>> epoch_of("epoch:9"), epoch_of(Path("epoch:9")), epoch_of("epoch.safetensors"), epoch_of(None)
    (9, 9, None, None)
    """
    match = _EPOCH.fullmatch(str(weights))
    return int(match[1]) if match else None


def build(weights: str | Path | None = None) -> Network:
    """The network with the shipped weights, with those of another file, or as it was after an epoch of its training.

    Args:
      weights: a file that ``deconvviz train caltech`` wrote; or "epoch:N", one of `snapshots`.

    Raises:
      WeightsError: a file that cannot be read or does not fit, or an epoch that was not kept.

    >>> build().layers[-1].name, build(f"epoch:{snapshots()[2].epoch}").about["epoch"]
    ('logits', '5')
    """
    epoch = epoch_of(weights)
    if epoch is not None:
        index = _index_of(epoch)
        params, facts = load_snapshot(index), _as_text(snapshots()[index]._asdict())
        names = labels()
    else:
        params, names = load_params(weights), labels(weights)
        facts = _as_text(_read(Path(weights or WEIGHTS), arrays=False)[1])
    return _network("caltech", params, names, facts)


def build_robust(weights: str | Path | None = None) -> Network:
    """The network of the same shape that was trained on its own adversarial examples, or that of another file.

    Raises:
      WeightsError: a file that cannot be read or does not fit.

    Source: wong2020fast, engstrom2019adversarial

    >>> build_robust().layer("relu3").shape == build().layer("relu3").shape
    True
    """
    file = Path(weights or ROBUST_WEIGHTS)
    return _network("caltech-robust", load_params(file), labels(file), _as_text(_read(file, arrays=False)[1]))


def _network(name: str, params: Params, names: tuple[str, ...], facts: dict[str, str]) -> Network:
    return Network(
        lambda x: forward(params, x), input_spec=INPUT, labels=names or None, name=name, about=facts,
        programs=_PROGRAMS,
    )  # fmt: skip


def _index_of(epoch: int) -> int:
    epochs = [snapshot.epoch for snapshot in snapshots()]
    if epoch not in epochs:
        raise WeightsError(
            f"no weights were kept after epoch {epoch}; weights='epoch:N' takes N out of {', '.join(map(str, epochs))}"
        )
    return epochs.index(epoch)


def _as_text(about: dict[str, Any]) -> dict[str, str]:
    return {key: json.dumps(value) for key, value in about.items() if key != "labels"}


MODEL = (
    ModelEntry("caltech", "Seven convolutions, trained here on Caltech-101", build),
    ModelEntry("caltech-robust", "The same seven convolutions, trained on pictures moved against them", build_robust),
)
