"""Files of trained inverters: one for a run, one for all layers of a network, and the card that tells about them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save

from deconvviz.errors import TrainingError
from deconvviz.models.inverters import file_facts
from deconvviz.network import Network
from deconvviz.training.checkpoint import write_whole


def write(path: Path, network: Network, layer: str, params: dict[str, np.ndarray], said: dict[str, Any]) -> None:
    """Writes the inverter of one layer as float16, with the network it belongs to and what is said of it."""
    about = {"network": network.name, "digest": network.digest, "layers": {layer: said}}
    _save(path, {f"{layer}.{name}": value for name, value in params.items()}, about)


def pack(files: Sequence[Path], path: Path) -> None:
    """Puts the inverters of several runs into one file.

    Raises:
      TrainingError: inverters of different networks, or two of one layer.
      WeightsError: a file that cannot be read.

    Example::

      pack([Path("relu2/inverter.safetensors"), Path("relu4/inverter.safetensors")], Path("inverters.safetensors"))
    """
    arrays: dict[str, np.ndarray] = {}
    about: dict[str, Any] = {}
    for file in files:
        found = file_facts(file)
        about = about or {**found, "layers": {}}
        if found["digest"] != about["digest"]:
            raise TrainingError(f"{file} is of another network than {files[0]}: pack inverters of one network only")
        twice = found["layers"].keys() & about["layers"].keys()
        if twice:
            raise TrainingError(f"{file} holds a second inverter of {', '.join(sorted(twice))}: name one file a layer")
        about["layers"] |= found["layers"]
        arrays |= load_file(file)
    _save(path, arrays, about)


def _save(path: Path, arrays: dict[str, np.ndarray], about: dict[str, Any]) -> None:
    stored = {name: np.asarray(value, np.float16) for name, value in arrays.items()}
    write_whole(path, save(stored, metadata={"inverters": json.dumps(about, sort_keys=True)}))
