"""Maps that no network was asked for: an edge detector's, and the photograph's own gradient."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import sobel

from deconvviz.types import Array


def edges(x: Array) -> np.ndarray:
    """Sobel's magnitude of the sum of the channels of a model input (1, H, W, C): (H, W)."""
    grey = np.asarray(x, np.float64)[0].sum(axis=-1)
    return np.hypot(sobel(grey, axis=0, mode="nearest"), sobel(grey, axis=1, mode="nearest"))


def gradient_magnitude(x: Array) -> np.ndarray:
    """Length of the differences to the next pixel down and to the right, over all channels: (H, W), 0 at the end."""
    values = np.asarray(x, np.float64)[0]
    down = np.diff(values, axis=0, append=values[-1:])
    right = np.diff(values, axis=1, append=values[:, -1:])
    return np.sqrt((down**2 + right**2).sum(axis=-1))
