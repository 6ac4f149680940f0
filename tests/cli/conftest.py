"""A network with seeded random weights, so that these tests need no trained one."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest


def write_random_weights(path: Path, seed: int) -> Path:
    """Weights of the caltech network that no training made, as its file format."""
    from deconvviz.models import caltech
    from deconvviz.training.caltech import export

    draw = np.random.default_rng(seed)
    params = {}
    for name, shape in caltech.shapes().items():
        spread = np.sqrt(2 / np.prod(shape[:-1])) if len(shape) > 1 else 0.1
        params[name] = (draw.standard_normal(shape) * spread).astype(np.float32)
    export.write_weights(path, params, [f"class {i}" for i in range(caltech.CLASSES)], {})
    return path


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A weights file."""
    return write_random_weights(tmp_path_factory.mktemp("weights") / "random.safetensors", 5)


@pytest.fixture(scope="session")
def other_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another one."""
    return write_random_weights(tmp_path_factory.mktemp("weights") / "other.safetensors", 6)


@pytest.fixture(scope="session")
def loaded_once() -> Callable[..., Any]:
    """`dv.load` that remembers: compiling a network again for each command would only take time."""
    import deconvviz as dv

    return functools.cache(dv.load)


@pytest.fixture(autouse=True)
def load_once(loaded_once: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """All commands of a run share their networks."""
    import deconvviz as dv

    monkeypatch.setattr(dv, "load", loaded_once)
