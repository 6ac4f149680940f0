"""Networks with public ImageNet weights: what one consists of, and how it is built from a file or at random."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from deconvviz import storage
from deconvviz.catalog import ModelEntry, PublicWeights
from deconvviz.models import _stored, public_weights
from deconvviz.models._layers import Classifier, Layers, Part, shapes_of
from deconvviz.network import Network
from deconvviz.types import InputSpec

#: What torchvision's networks were fed: shorter side 256, centre 224 x 224, ImageNet's mean and standard deviation.
TORCHVISION = InputSpec(size=(224, 224), mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225), resize=256)
CLASSES = Path(__file__).parent / "weights" / "imagenet_classes.txt"


@dataclass(frozen=True, eq=False)
class Architecture:
    """A network without its weights.

    Attributes:
      name: as given to `deconvviz.load`.
      title: one line for people.
      parts: its layers with weights.
      run: runs them: ``run(layers by name, (N, H, W, 3)) -> (N, 1000)``.
      input_spec: what it was trained with.
      page: where weights are found.
      renamed: beginnings of names in other layouts -> torchvision's.
    """

    name: str
    title: str
    parts: tuple[Part, ...]
    run: Callable[[Layers, Any], Any]
    input_spec: InputSpec
    page: str
    renamed: Mapping[str, str] = field(default_factory=dict)


@functools.cache
def classes() -> tuple[tuple[str, str], ...]:
    """(WordNet id, name) of ImageNet's 1000 classes, in the order of the scores.

    >>> classes()[1]
    ('n01443537', 'goldfish')
    """
    lines = CLASSES.read_text(encoding="utf-8").splitlines()
    return tuple((line[:9], line[10:]) for line in lines)


def entry(architecture: Architecture) -> ModelEntry:
    """The catalogue's entry of a network whose weights a person gets."""
    info = PublicWeights(
        page=architecture.page, licence="BSD-3-Clause", file=f"{architecture.name}.safetensors",
        shapes=shapes_of(architecture.parts), renamed=architecture.renamed,
    )  # fmt: skip

    def make(weights: Any = None) -> Network:
        return build(architecture, record, weights)

    record: ModelEntry = ModelEntry(architecture.name, architecture.title, make, info)
    return record


def build(architecture: Architecture, record: ModelEntry, weights: Any = None) -> Network:
    """The network with the weights of a file; "random" or "random:SEED" gives untrained ones.

    Raises:
      WeightsError: no file, a damaged one, or one of another network.
    """
    seed = random_seed(weights)
    if seed is not None:
        return untrained(architecture, record, seed)
    path = public_weights.locate(record, weights)
    return network(architecture, _stored.read(path, record), {"weights": path.name})


def untrained(architecture: Architecture, record: ModelEntry, seed: int) -> Network:
    """The network with random weights; its name says so, and its outputs have no labels."""
    arrays = _stored.random_arrays(record, seed)
    return network(architecture, arrays, {"weights": f"random, seed {seed}, untrained"}, trained=False)


def network(
    architecture: Architecture, arrays: Mapping[str, np.ndarray], about: dict[str, str], trained: bool = True
) -> Network:
    """The network with these arrays."""
    storage.return_blocks()
    model = Classifier(architecture.parts, architecture.run, arrays)
    storage.release_memory()  # of VGG-16 the arrays that were read and turned round leave 80 MB that nobody uses
    labels = tuple(name for _, name in classes()) if trained else None
    name = architecture.name if trained else f"{architecture.name} (untrained)"
    return Network(model.__call__, input_spec=architecture.input_spec, labels=labels, name=name, about=about)


def random_seed(weights: Any) -> int | None:
    """The seed of "random" or "random:SEED"; None for anything else.

    >>> random_seed("random"), random_seed(Path("random:7")), random_seed("random.safetensors"), random_seed(None)
    (0, 7, None, None)
    """
    match = re.fullmatch(r"random(?::(\d{1,9}))?", str(weights))
    return None if match is None else int(match[1] or 0)
