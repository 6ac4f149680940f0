"""Four networks of one shape that tell a handwritten 3 from an 8: one was trained honestly, three with a fault.

The chain is that of `deconvviz.models.watermark`. What each was trained on is known, so whoever audits them can be told
whether the verdict is right: `deconvviz.training.planted`.
"""

from __future__ import annotations

import json
from pathlib import Path

import jax
import numpy as np

from deconvviz import storage
from deconvviz.errors import WeightsError, check_choice
from deconvviz.models import watermark
from deconvviz.network import Network

#: What is wrong with each: nothing; a mark on every 8; a ground of its own behind every 8; labels that were shuffled.
FAULTS = ("honest", "watermark", "background", "labels")
INPUT = watermark.INPUT
LABELS = ("3", "8")
_FOLDER = Path(__file__).parent / "weights"


def weights_file(fault: str) -> Path:
    """The shipped weights."""
    return _FOLDER / f"planted_{fault}.safetensors"


def read(fault: str, weights: str | Path | None = None) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """The arrays of one of the networks, and what its file says of it.

    Raises:
      DeconvvizError: no such fault.
      WeightsError: a file that cannot be read or does not fit.
    """
    check_choice("fault", fault, FAULTS)
    file = Path(weights or weights_file(fault))

    def problem(reason: str) -> WeightsError:
        return WeightsError(
            f"{file} does not hold a network with a planted fault: {reason}; make it with 'deconvviz train planted "
            "--data DIR --out DIR'"
        )

    storage.check_file(file, problem)
    about = storage.parse(storage.read_metadata(file, problem).get("about", "{}"), dict, problem)
    facts = {key: json.dumps(value) for key, value in about.items()}
    return storage.all_weights(storage.read_arrays(file, problem), watermark.shapes(), problem), facts


def build(fault: str, weights: str | Path | None = None) -> Network:
    """One of the networks with its shipped weights, or with those that ``deconvviz train planted`` wrote.

    Args:
      fault: one of `FAULTS`.
      weights: a file.

    Raises:
      DeconvvizError: no such fault.
      WeightsError: a file that cannot be read or does not fit.

    >>> build("honest").labels
    ('3', '8')
    """
    arrays, facts = read(fault, weights)
    params = {name: jax.device_put(value) for name, value in arrays.items()}
    return Network(
        lambda x: watermark.forward(params, x), input_spec=INPUT, labels=LABELS, name=f"planted {fault}", about=facts
    )
