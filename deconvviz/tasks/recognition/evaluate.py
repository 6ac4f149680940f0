"""The figures of a trained network, and what each switch of its training changes."""

from __future__ import annotations

import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from deconvviz.data import digits
from deconvviz.errors import check_choice
from deconvviz.tasks._shared import weights as stored
from deconvviz.tasks.recognition import ablations
from deconvviz.tasks.recognition.data import read
from deconvviz.tasks.recognition.network import folded, make
from deconvviz.tasks.recognition.train import figures


def evaluate(
    data: str | Path,
    *,
    progress: bool = False,
    what: str = "figures",
    weights: str | Path | None = None,
    variant: str | None = None,
    seeds: int = 3,
    pictures: int = 200,
    epochs: int = 10,
) -> dict[str, Any]:
    """Measures a trained network, or trains all eight settings of the switches and compares them.

    Args:
      data: "digits" for those of the package, of which the part that was held back in training is taken; or a folder
        with one sub-folder a class, of which all are.
      progress: lines on standard error.
      what: "figures" or "effects".
      weights, variant: as in `deconvviz.tasks.recognition.predict.arrays`; of "figures".
      seeds, pictures, epochs: of the trainings of "effects"; few pictures, so that there is something to overfit.

    Returns:
      "accuracy", "cross_entropy"; of "effects" the rows of `deconvviz.tasks.recognition.ablations.effects`, and the
      "seeds", "pictures" and "epochs" that they are of; "images", "seconds".

    Raises:
      DataError: no such folder, no pictures, or a class that the network does not know.
      WeightsError: no such weights.
    """
    check_choice("what", what, ("figures", "effects"), of="recognition")
    started = time.perf_counter()
    if what == "effects":
        report = partial(tqdm.write, file=sys.stderr) if progress else lambda words: None
        samples = read(data)
        measured: dict[str, Any] = {
            "rows": ablations.effects(samples, seeds=seeds, pictures=pictures, epochs=epochs, report=report),
            **{"seeds": seeds, "pictures": pictures, "epochs": epochs, "images": len(samples.classes)},
        }
    else:
        measured = _measured(data, weights, variant)
    return {**measured, "seconds": round(time.perf_counter() - started, 3)}


def _measured(data: str | Path, weights: str | Path | None, variant: str | None) -> dict[str, Any]:
    known = stored.variants("recognition", weights)
    name = variant or next(iter(known))
    params = folded(stored.load("recognition", name, make, weights))
    pictures = read(data, tuple(known[name]["options"]["labels"]))
    rows = digits.split(pictures.classes)[1] if pictures.built_in else np.arange(len(pictures.classes))
    return {"variant": name, **figures(params, pictures.values[rows], pictures.classes[rows]), "images": len(rows)}
