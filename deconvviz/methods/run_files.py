"""A run of inversion as a file, so that another process goes on where this one stopped, to the same pixels.

The file is safetensors: the parameters, what the optimizer remembers, losses and errors bit for bit, and beside them as
JSON the settings and what the run belongs to (network, layer, seed, restarts, picture). Reading it runs no code.
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from safetensors.numpy import save

from deconvviz import storage
from deconvviz.errors import DeconvvizError
from deconvviz.methods import _loop, _presets
from deconvviz.methods._settings import Settings, with_options
from deconvviz.methods.feature_inversion import Run
from deconvviz.network import Network
from deconvviz.types import Inversion

VERSION = 1
_RECORD = {
    "version": int, "settings": dict, "belongs": list, "slower": float, "note": str, "stopped": bool, "layer": str,
    "method": str, "seed": int, "step": int, "steps": int, "restart": int,
}  # fmt: skip
_FACTS = ("feature_error", "image_error", "layer", "method", "seed", "step", "steps", "restart", "note")


def settings_of(network: Network, layer: str, options: dict[str, Any]) -> dict[str, Any]:
    """Every setting of a run by name: the layer's preset, and the options over it.

    Raises:
      NetworkError: no such layer.
      DeconvvizError: an option that makes no sense.
    """
    return asdict(with_options(_presets.inversion(network, network.layer(layer)), options))


def packed(inversion: Inversion) -> bytes:
    """A snapshot of a run as the bytes of a file.

    Raises:
      DeconvvizError: the snapshot cannot go on: it is a decoder's answer, or has an optimizer of one's own.
    """
    run = inversion.state
    if not isinstance(run, Run) or not isinstance(run.settings.optimizer, str):
        raise DeconvvizError(
            f"only a run of method='optimize' with an optimizer that has a name can be written; "
            f"got {inversion.method!r}"
        )
    now = run.progress
    leaves = jax.tree_util.tree_leaves(now.state.memory)
    arrays = {
        "image": inversion.image,
        "losses": inversion.losses,
        "all_losses": now.losses,
        "all_errors": now.figures,
        "params": now.state.params,
        **{f"memory.{i}": leaf for i, leaf in enumerate(leaves)},
    }
    record = {
        "version": VERSION,
        "settings": asdict(run.settings),
        "belongs": run.belongs,
        "slower": now.slower,
        "stopped": now.stopped,
        **{name: getattr(inversion, name) for name in _FACTS},
    }
    whole = {name: np.ascontiguousarray(value).reshape(np.shape(value)) for name, value in arrays.items()}
    return save(whole, metadata={"run": json.dumps(record)})


def read(path: Path) -> Inversion:
    """The snapshot in a file, to be handed to `deconvviz.invert` as ``resume``.

    Raises:
      DeconvvizError: no such file, or it holds no run.
    """
    try:
        arrays = storage.read_arrays(path, ValueError)
        record = storage.parse(storage.read_metadata(path, ValueError)["run"], _RECORD, ValueError)
        if record["version"] != VERSION:
            raise DeconvvizError(f"version {record['version']}, where this deconvviz reads {VERSION}")
        for name in ("image", "params"):
            storage.weights(arrays[name], name, arrays[name].shape, ValueError)
        return _unpacked(arrays, record)
    except (KeyError, TypeError, ValueError, OverflowError) as error:  # a number too large for its place
        raise DeconvvizError(
            f"{path} holds no run of inversion that can go on ({error}); delete it, or name another file"
        ) from error


def _unpacked(arrays: dict[str, np.ndarray], record: dict[str, Any]) -> Inversion:
    settings = Settings(**record["settings"])
    begun = _loop.first_progress(settings, jnp.asarray(arrays["params"]), record["seed"])
    first, structure = jax.tree_util.tree_flatten(begun.state.memory)
    leaves = [jnp.asarray(arrays[f"memory.{i}"]) for i in range(len(first))]
    if [(leaf.shape, leaf.dtype) for leaf in leaves] != [(leaf.shape, leaf.dtype) for leaf in first]:
        raise ValueError("what the optimizer remembers does not fit the parameters")
    state = begun.state._replace(
        memory=jax.tree_util.tree_unflatten(structure, leaves), step=jnp.int32(len(arrays["all_losses"]))
    )
    progress = replace(
        begun,
        state=state,
        losses=arrays["all_losses"],
        figures=arrays["all_errors"],
        slower=record["slower"],
        note=record["note"],
        stopped=record["stopped"],
    )
    digest, layer, seed, restarts, compiled, target = record["belongs"]
    run = Run(progress, settings, (digest, layer, seed, restarts, tuple(compiled), target))
    facts = {name: record[name] for name in _FACTS}
    return Inversion(image=arrays["image"], losses=arrays["losses"], state=run, **facts)
