"""Whether drawn pictures are copies: which photograph of the training part is nearest to each, and how far it is."""

from __future__ import annotations

import numpy as np


def nearest(pictures: np.ndarray, photographs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(row of the nearest photograph, distance to it) of each picture; a photograph's mirror image counts as it.

    Formula: ``min_j sqrt(mean (x - y_j)^2)`` over all values of a picture.

    Args:
      pictures: (N, H, W, 3).
      photographs: (M, H, W, 3).

    >>> shown = np.stack([np.zeros((2, 2, 3)), np.ones((2, 2, 3))])
    >>> row, distance = nearest(np.full((1, 2, 2, 3), 0.75), shown)
    >>> row.tolist(), distance.tolist()
    ([1], [0.25])
    """
    both = np.concatenate([photographs, photographs[:, :, ::-1]])
    one, other = (x.reshape(len(x), -1).astype(np.float64) for x in (pictures, both))
    squares = (one**2).sum(axis=1)[:, None] + (other**2).sum(axis=1) - 2 * one @ other.T
    rows = squares.argmin(axis=1) % len(photographs)
    found = np.sqrt(np.maximum(squares.min(axis=1), 0) / one.shape[1])
    return rows, found
