"""Results that come with the package, so that a page shows something before it computes: scripts/ship_results.py."""

from __future__ import annotations

import json
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import safe_open

from deconvviz import tasks
from deconvviz.types import Coverage, Reconstruction, Unit
from lessons._kit.run.networks import Loaded
from lessons._kit.run.pictures import Picture, frozen

FILE = Path(__file__).with_name("shipped.safetensors")
#: What they are of: the photograph of the searches, and the layer of the sheet.
PICTURE, SHEET = "cat", "relu4"


@cache
def arrays() -> dict[str, np.ndarray]:
    """Name -> array, read-only; pictures are (128, 128, 3) uint8."""
    with safe_open(FILE, framework="numpy") as file:
        return {name: frozen(file.get_tensor(name)) for name in file.keys()}  # noqa: SIM118 the file is no dictionary


@cache
def facts() -> dict[str, Any]:
    """Name -> numbers measured on the stored picture: feature error, error in pixels, steps; digest of the network."""
    with safe_open(FILE, framework="numpy") as file:
        known: dict[str, Any] = json.loads(file.metadata()["facts"])
    return known


@cache
def digest(task: str) -> str:
    """SHA-256 of the weights of an application that come with the package."""
    folder = Path(tasks.__path__[0]) / "weights"
    return sha256((folder / f"{task}.safetensors").read_bytes()).hexdigest()


def is_of(loaded: Loaded, picture: Picture, seed: int) -> bool:
    """Whether they are of this network, photograph and seed."""
    return prefix(loaded, picture, seed) == ""


def prefix(loaded: Loaded, picture: Picture, seed: int) -> str | None:
    """Before the names of a ladder's pictures of this network, photograph and seed; None where none are stored."""
    if not FILE.exists() or picture.id != PICTURE or seed != 0:
        return None
    return {facts()["digest"]: "", facts().get("digest robust"): "robust/"}.get(loaded.digest)


def maps(loaded: Loaded, picture: Picture, unit: Unit) -> dict[str, Reconstruction] | None:
    """Rule -> the stored map of a unit on a photograph of the gallery; None where it is not among them."""
    if not FILE.exists() or picture.id is None or facts()["digest"] != loaded.digest:
        return None
    name = unit_name(picture.id, unit)
    known: dict[str, Any] | None = facts().get(name)
    if known is None:
        return None
    top, left, bottom, right = box = tuple(known["box"])
    result = {}
    for rule, coverage in known["coverage"].items():
        whole = np.zeros((*loaded.network.input_spec.size, 3), np.float32)
        whole[top:bottom, left:right] = arrays()[f"{name}/{rule}"]
        result[rule] = Reconstruction(
            frozen(whole), unit, known["activation"], rule, "activation", box, Coverage(*coverage), None
        )
    return result


def unit_name(picture: str, unit: Unit) -> str:
    """What the maps of a unit are stored under.

    >>> unit_name("cat", Unit("relu6", 59, 2, 5))
    'maps/cat/relu6:59,2,5'
    """
    return f"maps/{picture}/{unit.layer}:{unit.channel},{unit.row},{unit.column}"


def image(name: str) -> np.ndarray:
    """A stored picture, (H, W, 3) float32 in 0..1."""
    return arrays()[name].astype(np.float32) / 255
