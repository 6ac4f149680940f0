"""Arrays of a safetensors file, checked against the network that is to take them; and arrays drawn at random."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from deconvviz import catalog, storage
from deconvviz.catalog import ModelEntry
from deconvviz.errors import WeightsError
from deconvviz.models.public_weights import HINT

#: Counters that PyTorch stores beside the statistics of batch normalization.
_COUNTER = ".num_batches_tracked"
#: How many names a message lists.
_LISTED = 3


def is_safetensors(head: bytes) -> bool:
    """Whether a file begins as safetensors do: the length of a JSON header, then the header.

    >>> is_safetensors(bytes([16, 0, 0, 0, 0, 0, 0, 0]) + b'{"a":{}}')
    True
    """
    return len(head) > 8 and head[8:9] == b"{" and int.from_bytes(head[:8], "little") < 100_000_000


def read(path: Path, entry: ModelEntry) -> Mapping[str, np.ndarray]:
    """The arrays of a network in a safetensors file, as float32 under torchvision's names, each read when asked for.

    Raises:
      WeightsError: truncated, no safetensors, names or shapes of another network; and, from the array that holds them,
        values that are no numbers.
    """
    storage.check_file(path, _unreadable(path))
    with path.open("rb") as file:
        head = file.read(9)
    if not is_safetensors(head):
        kind = "a PyTorch file, which may run code when it is read" if head[:2] in (b"PK", b"\x80\x02") else "none"
        raise WeightsError(
            f"{path} is no safetensors file ({kind}); {entry.name} takes torchvision's names from safetensors: "
            f"in PyTorch, {HINT.replace('NAME', entry.name)}"
        )
    stored = storage.read_shapes(path, _unreadable(path))
    return _Arrays(path, _matched(stored, entry, path), _shapes(entry))


@dataclass(frozen=True, eq=False)
class _Arrays(Mapping[str, np.ndarray]):
    """Arrays that stay in their file, so that a large network is in memory once while it is built."""

    path: Path
    names: Mapping[str, str]
    shapes: Mapping[str, tuple[int, ...]]

    def __getitem__(self, name: str) -> np.ndarray:
        stored = storage.read_array(self.path, _unreadable(self.path), self.names[name])
        return _array(stored, name, self.shapes[name], self.path)

    def __iter__(self) -> Iterator[str]:
        return iter(self.shapes)

    def __len__(self) -> int:
        return len(self.shapes)


def _unreadable(path: Path) -> storage.Problem:
    return lambda reason: WeightsError(f"{path} is {reason}; it may be truncated: get it again")


def random_arrays(entry: ModelEntry, seed: int) -> dict[str, np.ndarray]:
    """Untrained weights: kernels by Kaiming's rule, normal with variance 2 / inputs; biases 0, normalization 1.

    Source: he2015delving
    """
    draw = np.random.default_rng(seed)
    arrays = {}
    for name, shape in _shapes(entry).items():
        if len(shape) > 1:
            arrays[name] = draw.standard_normal(shape, np.float32)
            arrays[name] *= np.float32(math.sqrt(2 / math.prod(shape[1:])))
        else:
            ones = name.endswith("running_var") or (name.endswith("weight"))
            arrays[name] = np.full(shape, float(ones), np.float32)
    return arrays


def _shapes(entry: ModelEntry) -> Mapping[str, tuple[int, ...]]:
    assert entry.weights is not None
    return entry.weights.shapes


def _renamed(name: str, entry: ModelEntry) -> str:
    assert entry.weights is not None
    for prefix, new_prefix in entry.weights.renamed.items():
        if name.startswith(prefix + "."):
            return new_prefix + name[len(prefix) :]
    return name


def _stored_names(stored: Mapping[str, tuple[int, ...]], entry: ModelEntry) -> dict[str, str]:
    """torchvision's name -> the file's own."""
    return {_renamed(name, entry): name for name in stored if not name.endswith(_COUNTER)}


def _fits(shape: tuple[int, ...], expected: tuple[int, ...]) -> bool:
    """Equal, or a dense layer stored as a convolution over the whole map."""
    as_dense = len(expected) == 2 and len(shape) == 4 and (shape[0], math.prod(shape[1:])) == expected
    return shape == expected or as_dense


def _matched(stored: Mapping[str, tuple[int, ...]], entry: ModelEntry, path: Path) -> dict[str, str]:
    """torchvision's name -> the file's own, of a file that has every array and no other."""
    names, shapes = _stored_names(stored, entry), _shapes(entry)
    missing = [name for name in shapes if name not in names]
    extra = [names[name] for name in names if name not in shapes]
    wrong = [
        f"{name} is {stored[names[name]]} instead of {shape}"
        for name, shape in shapes.items()
        if name in names and not _fits(stored[names[name]], shape)
    ]
    if not missing and not extra and not wrong:
        return names
    reasons = [
        f"{len(names)} {what} ({', '.join(names[:_LISTED])}{', ...' if len(names) > _LISTED else ''})"
        for names, what in ((missing, "missing"), (extra, "not expected"), (wrong, "of another shape"))
        if names
    ]
    raise WeightsError(f"{path} does not fit {entry.name}: of its arrays {'; '.join(reasons)}; {_advice(stored, path)}")


def _advice(stored: Mapping[str, tuple[int, ...]], path: Path) -> str:
    """Which network the file is of, where one fits it."""
    for other in catalog.models().values():
        if other.weights is None:
            continue
        names = _stored_names(stored, other)
        shapes = other.weights.shapes
        if names.keys() == shapes.keys() and all(_fits(stored[names[name]], shapes[name]) for name in names):
            return f"it fits {other.name}: load({other.name!r}, weights={str(path)!r})"
    return "it fits no network that deconvviz knows: use a file with torchvision's names and 1000 classes"


def _array(values: np.ndarray, name: str, shape: tuple[int, ...], path: Path) -> np.ndarray:
    def problem(reason: str) -> WeightsError:
        return WeightsError(f"{path}: {reason}; its training diverged or the copy is damaged: use another file")

    return storage.weights(values.reshape(shape), name, shape, problem)
