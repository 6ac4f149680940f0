"""From where an object is, roughly, to which colours are its own: one linear model per picture, nothing kept."""

from __future__ import annotations

import numpy as np

from deconvviz.types import Array, DisplayImage

#: Weight of the ridge, with colours of variance 1.
RIDGE = 0.1


def rim(size: tuple[int, int], border: float) -> np.ndarray:
    """(H, W) bool: the strip at the top and the two sides, `border` of the shorter side wide.

    >>> rim((3, 4), 0.34).astype(int).tolist()
    [[1, 1, 1, 1], [1, 0, 0, 1], [1, 0, 0, 1]]
    """
    strip, wide = np.zeros(size, bool), round(border * min(size))
    if wide:
        strip[:wide], strip[:, :wide], strip[:, -wide:] = True, True, True
    return strip


def likeness(picture: DisplayImage, where: Array, border: float) -> np.ndarray:
    """How much every pixel's colour speaks for the object: the map, as far as colour alone explains it.

    Formula: with x the nine numbers ``R, G, B, RR, RG, RB, GG, GB, BB``, each of mean 0 and variance 1 in the picture,
    and y the map, 0 in the strip, ``w = argmin mean((w . x - y)^2) + RIDGE |w|^2``; the answer is ``w . x``.

    Args:
      picture: (H, W, 3), 0..1.
      where: (H, W), 0 or more: a class map at the picture's size.
      border: width of the strip at the top and the sides where no object is expected, as a share of the shorter side.

    Returns:
      (H, W) float64 of mean 0.

    >>> picture = np.zeros((4, 6, 3), np.float32)
    >>> picture[1:, 2:4] = 1, 0.5, 0
    >>> found = likeness(picture, np.ones((4, 6)), 0.25)
    >>> bool(found[1:, 2:4].min() > found[0].max())
    True
    """
    size = picture.shape[:2]
    first, second = np.triu_indices(3)
    flat = np.asarray(picture, np.float64).reshape(-1, 3)
    colours = np.concatenate([flat, flat[:, first] * flat[:, second]], axis=1)
    colours = (colours - colours.mean(axis=0)) / (colours.std(axis=0) + 1e-9)
    wanted = np.where(rim(size, border), 0.0, where).ravel()
    both = colours.T @ (wanted - wanted.mean()) / len(flat)
    weights = np.linalg.solve(colours.T @ colours / len(flat) + RIDGE * np.eye(9), both)
    return np.asarray((colours @ weights).reshape(size))
