"""Weights of applications: one safetensors file a task, several variants in it, and the card that tells about them.

Kernels and biases are float16, the statistics of batch normalization float32. What a variant is made of, and what was
measured of it, stands beside the arrays as JSON; nothing in a file is ever run.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from safetensors.numpy import save

from deconvviz import storage
from deconvviz.errors import WeightsError, nearest
from deconvviz.training.checkpoint import write_whole

FOLDER = Path(__file__).parents[1] / "weights"
#: Name of the weights that a run of `train` writes into its folder.
RUN_FILE = "weights.safetensors"
Make = Callable[[Mapping[str, Any]], nnx.Module]


def shipped(task: str) -> Path:
    """The file of a task that comes with the package."""
    return FOLDER / f"{task}.safetensors"


def located(task: str, path: str | Path | None = None) -> Path:
    """The file itself: that of a run's folder, the file that is named, or the shipped one."""
    file = Path(path) if path else shipped(task)
    return file / RUN_FILE if file.is_dir() else file


def save_run(path: Path, task: str, variant: str, module: nnx.Module, about: Mapping[str, Any]) -> None:
    """Writes one trained variant, the file whole or not at all.

    Args:
      path: the file.
      task: the task's name.
      variant: what it is called among the others.
      module: as it is used, after training.
      about: "options" that make the module again, "figures" measured of the file as written, "recipe", "command",
        "data", "seconds" of training.
    """
    arrays = {f"{variant}/{name}": value for name, value in stored_arrays(module).items()}
    _write(path, task, arrays, {variant: dict(about)})


def stored_arrays(module: nnx.Module) -> dict[str, np.ndarray]:
    """A module's arrays as they are stored, by name.

    >>> sorted(stored_arrays(nnx.Linear(2, 3, rngs=nnx.Rngs(0))))
    ['bias', 'kernel']
    """
    arrays = {}
    for path, variable in nnx.to_flat_state(nnx.state(module, (nnx.Param, nnx.BatchStat))):
        kind = np.float32 if isinstance(variable, nnx.BatchStat) else np.float16
        arrays[_name(path)] = np.asarray(variable[...], kind)
    return arrays


def rounded(module: nnx.Module) -> Any:
    """A copy of the module with the weights as a file holds them: what figures are measured of."""
    graph, state = nnx.split(module)
    copy = nnx.merge(graph, state, copy=True)
    _fill(copy, stored_arrays(module))
    return copy


def variants(task: str, path: str | Path | None = None) -> dict[str, dict[str, Any]]:
    """What a file says of each of its variants, in the order they were packed.

    Args:
      task: the task's name.
      path: a file that `train` wrote; the shipped one if None.

    Raises:
      WeightsError: missing, damaged, or of another task.
    """
    file = located(task, path)
    about = _about(file)
    if about.get("task") != task:
        raise WeightsError(f"{file} holds weights of {about.get('task')!r}, not of {task!r}; {_how(task)}")
    described: dict[str, dict[str, Any]] = about["variants"]
    return described


def load(task: str, variant: str, make: Make, path: str | Path | None = None) -> Any:
    """The trained module of a variant, kept in memory; shared, so that it must not be changed.

    Args:
      task: the task's name.
      variant: one of `variants`.
      make: makes the module from the "options" that the file says of it; its own first weights are never computed.
      path: a file that `train` wrote; the shipped one if None.

    Raises:
      WeightsError: no such file or variant, or arrays that do not fit.
    """
    file, known = located(task, path), variants(task, path)
    if variant not in known:
        raise WeightsError(f"{file} has no {variant!r}; {nearest(variant, known)}; {_how(task)}")
    return _load(file, file.stat().st_mtime_ns, task, variant, make)


def pack(task: str, files: Sequence[Path], path: Path) -> None:
    """Puts the variants of several runs into one file, in the order given.

    Raises:
      WeightsError: a file that cannot be read, is of another task, or holds a variant a second time.
    """
    arrays: dict[str, np.ndarray] = {}
    about: dict[str, Any] = {}
    for file in files:
        described = variants(task, file)
        twice = described.keys() & about.keys()
        if twice:
            raise WeightsError(f"{file} holds {', '.join(sorted(twice))} a second time: name one run a variant")
        about |= described
        arrays |= storage.read_arrays(file, _unreadable(file))
    _write(path, task, arrays, about)


def command(task: str, data: str, out: str = "RUN", **options: Any) -> str:
    """The command line that trains a variant again; options that are None are left out.

    >>> command("recognition", "digits", norm="off", epochs=None)
    'deconvviz train recognition --data digits --out RUN --norm off'
    """
    words = [f"--{name.replace('_', '-')} {value}" for name, value in options.items() if value is not None]
    return " ".join([f"deconvviz train {task} --data {data} --out {out}", *words])


def weights_of(path: Path, variant: str) -> int:
    """How many numbers a variant stores.

    Raises:
      WeightsError: a file that cannot be read.
    """
    shapes = storage.read_shapes(path, _unreadable(path))
    return sum(math.prod(shape) for name, shape in shapes.items() if name.startswith(f"{variant}/"))


def _write(path: Path, task: str, arrays: Mapping[str, np.ndarray], about: Mapping[str, Any]) -> None:
    record = json.dumps({"task": task, "variants": about})
    write_whole(path, save(dict(arrays), metadata={"task": record}))


@lru_cache(maxsize=24)
def _load(file: Path, changed: int, task: str, variant: str, make: Make) -> Any:
    options = variants(task, file)[variant]["options"]
    module = nnx.eval_shape(lambda: make(options))
    arrays = storage.read_arrays(file, _unreadable(file), prefix=f"{variant}/")
    try:
        _fill(module, arrays)
    except WeightsError as error:
        raise WeightsError(f"{file} does not fit {variant} of {task}: {error}; {_how(task)}") from error
    module.eval()
    return module


def _fill(module: nnx.Module, arrays: Mapping[str, np.ndarray]) -> None:
    state = nnx.state(module, (nnx.Param, nnx.BatchStat))
    flat = list(nnx.to_flat_state(state))
    names = {_name(path) for path, _ in flat}
    if names != arrays.keys():
        differing = sorted(names ^ arrays.keys())
        raise WeightsError(f"arrays are missing or too many: {', '.join(differing[:3])}")
    filled = []
    for path, variable in flat:
        value = arrays[_name(path)]
        if value.shape != tuple(variable.shape) or not np.isfinite(value).all():
            raise WeightsError(
                f"{_name(path)} should be finite numbers of shape {tuple(variable.shape)}; got {value.shape}"
            )
        filled.append((path, variable.replace(jnp.asarray(value, jnp.float32))))
    nnx.update(module, nnx.from_flat_state(filled))


def _name(path: tuple[Any, ...]) -> str:
    return ".".join(map(str, path))


def _about(file: Path) -> dict[str, Any]:
    text = storage.read_metadata(file, _unreadable(file)).get("task", "")
    try:
        return dict(json.loads(text))
    except ValueError as error:
        raise WeightsError(f"{file} does not say of which application its weights are") from error


def _unreadable(file: Path) -> storage.Problem:
    return lambda reason: WeightsError(f"cannot read the weights {file}: {reason}")


def _how(task: str) -> str:
    return f"train it with 'deconvviz train {task} --data DIR --out RUN' and name RUN with --weights"


def jitted(module: nnx.Module, method: str = "__call__", *fixed: Any) -> Callable[..., Any]:
    """A method of a module as a compiled function of arrays, compiled once for all modules of the same make.

    Args:
      module: its arrays are those of now.
      method: what is called, with arrays first.
      fixed: what it takes after the arrays.

    Returns:
      arrays -> what the method answers, as NumPy arrays.

    >>> jitted(nnx.Linear(2, 3, rngs=nnx.Rngs(0)))(np.ones((1, 2), np.float32)).shape
    (1, 3)
    """
    graph, state = nnx.split(module)
    run = _program(graph, method, fixed)
    return lambda *arrays: jax.device_get(run(state, *arrays))


@lru_cache(maxsize=64)
def _program(graph: Any, method: str, fixed: tuple[Any, ...]) -> Callable[..., Any]:
    return jax.jit(lambda state, *arrays: getattr(nnx.merge(graph, state), method)(*arrays, *fixed))
