"""What stands for nothing in a picture: black, grey, its own mean colour, or the picture blurred."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter

from deconvviz.errors import DeconvvizError, check_choice
from deconvviz.types import Array, InputSpec

NAMES = ("black", "grey", "mean", "blur")
#: Standard deviation of the blur, as a share of the shorter side.
BLUR = 1 / 12


def baseline(x: Array, spec: InputSpec, name: Any) -> np.ndarray:
    """A model input without the picture.

    Args:
      x: (1, H, W, C) model input.
      spec: what the network is fed.
      name: "black" and "grey" (0 and 0.5 of the range 0..1, as the network is fed them), "mean" (the mean of each
        channel of x), "blur" (x through a Gaussian of a twelfth of the shorter side), or model inputs that broadcast
        to x: one number, one a channel, or (H, W, C).

    Returns:
      (1, H, W, C) float64.

    Raises:
      DeconvvizError: another name, or values of another shape.

    >>> baseline(np.ones((1, 2, 3, 3)), InputSpec(size=(2, 3), mean=0.5, std=0.25), "black")[0, 0, 0].tolist()
    [-2.0, -2.0, -2.0]
    """
    x = np.asarray(x, np.float64)
    if not isinstance(name, str):
        return _as_baseline(x, name)
    check_choice("baseline", name, NAMES)
    if name == "mean":
        return np.broadcast_to(x.mean(axis=(1, 2), keepdims=True), x.shape)
    if name == "blur":
        sigma = min(spec.size) * BLUR
        return np.asarray(gaussian_filter(x, (0, sigma, sigma, 0), mode="nearest"))
    level = 0.5 if name == "grey" else 0.0
    return np.broadcast_to((level * spec.scale - np.asarray(spec.mean)) / np.asarray(spec.std), x.shape)


def _as_baseline(x: np.ndarray, values: Any) -> np.ndarray:
    try:
        array = np.asarray(values, np.float64)
        filled = np.broadcast_to(array, x.shape)
    except (TypeError, ValueError):
        filled = np.full(x.shape, np.nan)
    if not np.isfinite(filled).all():
        raise DeconvvizError(
            f"baseline is one of {', '.join(NAMES)}, or finite model inputs that broadcast to {x.shape[1:]}; got "
            f"{np.shape(values)} values {str(values)[:80]!r}"
        )
    return filled
