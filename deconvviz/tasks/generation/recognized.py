"""What the recognition network says of pictures that the autoencoder made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from deconvviz.data import preprocess
from deconvviz.models import caltech
from deconvviz.tasks.generation.data import shaped

#: Pixels of the shorter side at which the recognition network looks.
_LOOKED_AT = caltech.INPUT.size[0]
#: Pictures that it looks at in one go.
_CHUNK = 12


def recognized(
    pictures: np.ndarray, shapes: Sequence[float] | np.ndarray, file: Path = caltech.WEIGHTS
) -> tuple[np.ndarray, np.ndarray]:
    """What the recognition network says of squeezed pictures: ((N, 102) scores, (N, 192) features).

    The features are the maps of relu7, averaged over rows and columns: the last that the network makes of a picture.

    Args:
      pictures: (N, 64, 64, 3), about 0..1.
      shapes: columns / rows of each, as it is to be looked at.
      file: weights of the network; those of its robust twin are a second opinion.
    """
    inputs = np.concatenate(
        [
            preprocess.model_input(shaped(picture, shape, _LOOKED_AT) / np.float32(255), caltech.INPUT)
            for picture, shape in zip(pictures, shapes, strict=True)
        ]
    )
    features, kernel, bias = _recognition(file)
    count = len(inputs)
    padded = np.concatenate([inputs, np.zeros((-count % _CHUNK, *inputs.shape[1:]), np.float32)])
    starts = range(0, count, _CHUNK)
    result = np.concatenate([np.asarray(features(padded[start : start + _CHUNK])) for start in starts])[:count]
    return result @ kernel + bias, result


@lru_cache(maxsize=2)
def _recognition(file: Path) -> tuple[Callable[[np.ndarray], jax.Array], np.ndarray, np.ndarray]:
    """(compiled features of a batch, kernel, bias of the scores) of a recognition network."""
    params = caltech.load_params(file)
    kernel, bias = (np.asarray(params[f"logits.{name}"]) for name in ("kernel", "bias"))
    pooled = {**params, "logits.kernel": jnp.eye(len(kernel)), "logits.bias": jnp.zeros(len(kernel))}
    return jax.jit(lambda x: caltech.forward(pooled, x)), kernel, bias
