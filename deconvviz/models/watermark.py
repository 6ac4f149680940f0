"""A network with a planted truth: it tells pictures with a watermark from those without, and nothing else tells them.

Three convolutions with ReLUs, a mean over the picture, a dense layer of two scores. The labels of its training pictures
were drawn by lot and the watermark stamped on one class, so a map that explains the class has to find the mark.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from deconvviz import storage
from deconvviz.catalog import ModelEntry
from deconvviz.errors import WeightsError
from deconvviz.network import Network
from deconvviz.types import DisplayImage, InputSpec

#: Rows and columns of the input, and of the mark.
SIDE, MARK_SIDE = 48, 9
INPUT = InputSpec(size=(SIDE, SIDE), mean=0.5, std=0.25)
LABELS = ("plain", "watermark")
#: Kernel size, stride, channels.
CHAIN = ((5, 2, 12), (3, 2, 24), (3, 1, 24))
WEIGHTS = Path(__file__).parent / "weights" / "watermark.safetensors"
Params = dict[str, Any]


def shapes() -> dict[str, tuple[int, ...]]:
    """Name and shape of every array.

    >>> shapes()["conv1.kernel"]
    (5, 5, 3, 12)
    """
    arrays: dict[str, tuple[int, ...]] = {}
    depth = 3
    for i, (kernel, _, channels) in enumerate(CHAIN, start=1):
        arrays[f"conv{i}.kernel"] = (kernel, kernel, depth, channels)
        arrays[f"conv{i}.bias"] = (channels,)
        depth = channels
    return arrays | {"logits.kernel": (depth, len(LABELS)), "logits.bias": (len(LABELS),)}


def forward(params: Params, x: jax.Array) -> jax.Array:
    """Scores of "plain" and "watermark", (N, 2), of model inputs (N, H, W, 3)."""
    for i, (kernel, stride, _) in enumerate(CHAIN, start=1):
        with jax.named_scope(f"conv{i}"):
            pads = ((kernel // 2,) * 2,) * 2
            weights = params[f"conv{i}.kernel"]
            x = lax.conv_general_dilated(x, weights, (stride,) * 2, pads, dimension_numbers=("NHWC", "HWIO", "NHWC"))
            x = x + params[f"conv{i}.bias"]
        with jax.named_scope(f"relu{i}"):
            x = jax.nn.relu(x)
    with jax.named_scope("global_pool"):
        x = jnp.mean(x, axis=(1, 2))
    with jax.named_scope("logits"):
        return x @ params["logits.kernel"] + params["logits.bias"]


def stamp(image: DisplayImage, row: int, column: int) -> tuple[DisplayImage, np.ndarray]:
    """A picture with the mark, a ring of alternating dark and light around a cross, and where it is.

    Args:
      image: (H, W, 3), 0..1.
      row, column: of the mark's upper left corner.

    Returns:
      The picture, and an (H, W) bool region, true on the mark's square.

    >>> marked, region = stamp(np.full((48, 48, 3), 0.5), 3, 20)
    >>> int(region.sum()), bool((marked[~region] == 0.5).all())
    (81, True)
    """
    places = np.arange(MARK_SIDE) - MARK_SIDE // 2
    rings = np.maximum(np.abs(places)[:, None], np.abs(places)[None, :]) % 2
    cross = (places[:, None] == 0) | (places[None, :] == 0)
    level = np.where(cross, 1.0, rings.astype(np.float64))
    marked, region = np.array(image, copy=True), np.zeros(np.shape(image)[:2], bool)
    region[row : row + MARK_SIDE, column : column + MARK_SIDE] = True
    square = marked[row : row + MARK_SIDE, column : column + MARK_SIDE]
    square += (0.75 * (level[..., None] - square)).astype(square.dtype)
    return marked, region


def _problem(file: Path) -> storage.Problem:
    return lambda reason: WeightsError(
        f"{file} does not hold the watermark network: {reason}; make it with 'deconvviz train watermark --data DIR "
        "--out DIR'"
    )


def build(weights: str | Path | None = None) -> Network:
    """The network with the shipped weights, or with those of a file that ``deconvviz train watermark`` wrote.

    Raises:
      WeightsError: a file that cannot be read or does not fit.
    """
    file = Path(weights or WEIGHTS)
    problem = _problem(file)
    storage.check_file(file, problem)
    about = storage.parse(storage.read_metadata(file, problem).get("about", "{}"), dict, problem)
    arrays = storage.all_weights(storage.read_arrays(file, problem), shapes(), problem)
    params = {name: jax.device_put(value) for name, value in arrays.items()}
    facts = {key: json.dumps(value) for key, value in about.items()}
    return Network(lambda x: forward(params, x), input_spec=INPUT, labels=LABELS, name="watermark", about=facts)


MODEL = ModelEntry("watermark", "Three convolutions that look for a mark, trained here: a planted truth", build)
