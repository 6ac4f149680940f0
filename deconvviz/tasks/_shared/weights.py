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
import numpy as np
from flax import nnx
from safetensors.numpy import save

from deconvviz import storage
from deconvviz.errors import DeconvvizError, WeightsError, nearest
from deconvviz.training.checkpoint import write_whole

FOLDER = Path(__file__).parents[1] / "weights"
#: Name of the weights that a run of `train` writes into its folder.
RUN_FILE = "weights.safetensors"
#: What a file says of itself.
_ABOUT = {"task": str, "variants": {str: {"options": dict}}}
#: What the options of a task hold, where it reads them before its network does.
_OPTIONS: dict[str, Any] = {
    "recognition": {"labels": [str]},
    "super_resolution": {"scale": int},
    "generation": {"labels": [str], "shapes": [float]},
    "segmentation": {"widths": [int], "dilations": [int]},
}
#: The largest value of the options that a network is built by, and the most entries of a list among them.
LARGEST = {
    "depth": 256, "blocks": 256, "dilations": 4096, "scale": 16, "width": 4096, "widths": 4096, "inner": 4096,
    "latents": 65536,
}  # fmt: skip
LONGEST = 1000
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
    _fill(copy, stored_arrays(module), WeightsError)
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
    if about["task"] != task:
        raise WeightsError(f"{file} holds weights of {about['task']!r}, not of {task!r}; {_how(task)}")
    described: dict[str, dict[str, Any]] = about["variants"]
    for name, said in described.items():
        storage.check_shape(said["options"], _OPTIONS.get(task, {}), _unreadable(file), f"the options of {name}")
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

    Where `path` itself is among the files, its variants give way to those of the same name that come after it.

    Raises:
      WeightsError: a file that cannot be read, is of another task, or holds a variant a second time.
    """
    arrays: dict[str, np.ndarray] = {}
    about: dict[str, Any] = {}
    replaced: set[str] = set()
    for file in files:
        described = variants(task, file)
        twice = described.keys() & (about.keys() - replaced)
        if twice:
            raise WeightsError(f"{file} holds {', '.join(sorted(twice))} a second time: name one run a variant")
        arrays = {name: array for name, array in arrays.items() if name.split("/")[0] not in described}
        arrays |= storage.read_arrays(file, _unreadable(file))
        about |= described
        replaced = replaced - described.keys() | (described.keys() if file.resolve() == path.resolve() else set())
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
    def problem(reason: str) -> WeightsError:
        return WeightsError(f"{file} does not fit {variant} of {task}: {reason}; {_how(task)}")

    options = variants(task, file)[variant]["options"]
    _check_options(options, problem)
    try:
        module = nnx.eval_shape(lambda: make(options))
    except DeconvvizError:
        raise
    except Exception as error:  # whatever a network makes of options that were never its own
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:160]
        raise problem(f"its options make no network ({reason})") from error
    arrays = storage.read_arrays(file, _unreadable(file), prefix=f"{variant}/")
    _fill(module, arrays, problem)
    module.eval()
    return module


def _fill(module: nnx.Module, arrays: Mapping[str, np.ndarray], problem: storage.Problem) -> None:
    flat = list(nnx.to_flat_state(nnx.state(module, (nnx.Param, nnx.BatchStat))))
    values = storage.all_weights(arrays, {_name(path): tuple(v.shape) for path, v in flat}, problem)
    nnx.update(module, nnx.from_flat_state([(p, v.replace(jax.device_put(values[_name(p)]))) for p, v in flat]))


def _check_options(options: Mapping[str, Any], problem: storage.Problem) -> None:
    """Refuse options that would make a network of endless work, before it is begun."""
    for name, value in options.items():
        each = value if isinstance(value, list) else [value]
        if len(each) > LONGEST:
            raise problem(f"its option {name} has {len(each):,} entries, where at most {LONGEST:,} are read")
        for one in each:
            if name in LARGEST and isinstance(one, (int, float)) and not 0 <= one <= LARGEST[name]:
                raise problem(f"its option {name} is {one}, where 0 to {LARGEST[name]} is read")


def _name(path: tuple[Any, ...]) -> str:
    return ".".join(map(str, path))


def _about(file: Path) -> dict[str, Any]:
    text = storage.read_metadata(file, _unreadable(file)).get("task")
    if text is None:
        raise WeightsError(f"{file} does not say of which application its weights are")
    about: dict[str, Any] = storage.parse(text, _ABOUT, lambda reason: _unreadable(file)(f"of what it says, {reason}"))
    if not about["variants"]:
        raise _unreadable(file)("it names no variant")
    return about


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
