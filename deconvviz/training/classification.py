"""How often a network names labelled pictures rightly."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from deconvviz.data.folder import decode, list_labelled
from deconvviz.data.preprocess import model_input
from deconvviz.errors import DataError
from deconvviz.metrics import classification
from deconvviz.models._imagenet import classes
from deconvviz.network import Network

#: Pictures that go through the network together.
BATCH = 20


def measure(net: Network, data: str | Path, *, progress: bool = False) -> dict[str, Any]:
    """Measures a classifier on DIR/CLASS/*.jpg or DIR/CLASS_*.jpg.

    Args:
      net: a network with labels; those of ImageNet are given by their WordNet ids in DIR.
      data: the folder; not every class need be there.
      progress: a bar on standard error.

    Returns:
      "top1", "top5", "mean_per_class" (fractions), "images", "seconds".

    Raises:
      DataError: no labels, no such folder, no images, an unknown class, or an image that cannot be read.
    """
    started = time.perf_counter()
    if net.labels is None:
        raise DataError(f"{net.name} has no labels, so it cannot be measured: load it with trained weights")
    folder = list_labelled(data, class_ids(net.labels))
    result = []
    for start in tqdm(range(0, len(folder), BATCH), unit="batch", disable=not progress):
        pictures = decode(folder.files[start : start + BATCH])
        inputs = [model_input(picture / np.float32(255), net.input_spec) for picture in pictures]
        inputs += inputs[-1:] * (BATCH - len(inputs))  # equal batches, so that one program serves all
        result.append(net.run(np.concatenate(inputs))[: len(pictures)])
    figures = classification(np.concatenate(result), folder.classes)
    return {**figures, "images": len(folder), "seconds": round(time.perf_counter() - started, 3)}


def class_ids(labels: tuple[str, ...]) -> tuple[str, ...]:
    """The names by which folders call the classes: WordNet ids for ImageNet's, else the labels themselves.

    >>> class_ids(("cat", "dog"))
    ('cat', 'dog')
    """
    imagenet = classes()
    return tuple(id for id, _ in imagenet) if labels == tuple(name for _, name in imagenet) else labels
