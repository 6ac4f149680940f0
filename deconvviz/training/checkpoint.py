"""A training state in one file, replaced as a whole: a killed run finds the last finished epoch, never half of one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jax
import numpy as np
from safetensors.numpy import save

from deconvviz import storage
from deconvviz.errors import TrainingError


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file so that a reader sees the old content or the new one, also after a kill or a full disk.

    Raises:
      TrainingError: the folder cannot be written to, or the disk is full.
    """
    try:
        storage.write(path, content)
    except OSError as error:
        raise TrainingError(
            f"cannot write {path} ({error.strerror or error}); free some space or name another"
        ) from error


def save_state(path: Path, state: Any, record: dict[str, Any]) -> None:
    """Writes every array of a pytree, bit for bit, and a JSON record beside them."""
    leaves = {jax.tree_util.keystr(k): np.array(v) for k, v in jax.tree_util.tree_leaves_with_path(state)}
    write_whole(path, save(leaves, metadata={"record": json.dumps(record)}))


def load_state(path: Path, like: Any) -> tuple[Any, dict[str, Any]]:
    """Reads what `save_state` wrote into the structure of `like`: (state, record).

    Raises:
      TrainingError: the file cannot be read or holds other arrays.
    """

    def unreadable(reason: str) -> TrainingError:
        return TrainingError(f"cannot read the checkpoint {path} ({reason}); remove it to start again")

    arrays, metadata = storage.read_arrays(path, unreadable), storage.read_metadata(path, unreadable)
    record: dict[str, Any] = storage.parse(metadata.get("record", ""), {}, unreadable)
    keyed, structure = jax.tree_util.tree_flatten_with_path(like)
    leaves = []
    for key, value in keyed:
        name = jax.tree_util.keystr(key)
        array = arrays.get(name)
        if array is None or array.shape != np.shape(value) or array.dtype != np.asarray(value).dtype:
            raise TrainingError(
                f"the checkpoint {path} is of another network ({name}); remove it or name another --out"
            )
        leaves.append(jax.numpy.asarray(array))
    return jax.tree_util.tree_unflatten(structure, leaves), record
