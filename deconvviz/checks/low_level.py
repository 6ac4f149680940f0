"""How much of a layer is plain colour and edge: the share of its variance that these predict, and what it sees."""

from __future__ import annotations

import numpy as np

from deconvviz.types import Array

#: Weight of the ridge that keeps the fit calm where there are few positions, as a share of them.
RIDGE = 1e-2


def describe(x: Array, cells: tuple[int, int]) -> np.ndarray:
    """Colour and edges of a picture in each cell of a grid.

    Args:
      x: (H, W, 3) model input; H and W multiples of the grid's rows and columns.
      cells: (rows, columns) of the grid.

    Returns:
      (rows, columns, 10): mean of each channel; mean and mean magnitude of the slope of their sum in three directions;
      and 1.

    >>> describe(np.ones((8, 4, 3)), (2, 1)).shape
    (2, 1, 10)
    """
    x = np.asarray(x, np.float64)
    grey = np.pad(x.sum(axis=2), 1, mode="edge")
    across = grey[1:-1, 2:] - grey[1:-1, :-2]
    down = grey[2:, 1:-1] - grey[:-2, 1:-1]
    slanted = grey[2:, 2:] - grey[:-2, :-2]
    slopes = [across, down, slanted, *map(np.abs, (across, down, slanted))]
    planes = np.stack([*np.moveaxis(x, -1, 0), *slopes, np.ones_like(across)], axis=-1)
    height, width = x.shape[0] // cells[0], x.shape[1] // cells[1]
    blocks = planes[: cells[0] * height, : cells[1] * width].reshape(cells[0], height, cells[1], width, -1)
    return blocks.mean(axis=(1, 3))


def explained(maps: Array, pictures: Array, seed: int = 0) -> float:
    """Share of a layer's variance that colour and edges at the same place predict, on pictures not fitted on.

    A linear fit on two thirds of the pictures, the variance left on the others; all channels together.

    Args:
      maps: (N, h, w, C) values of a layer for three pictures or more.
      pictures: (N, H, W, 3) the model inputs.
      seed: which pictures are fitted on.

    Returns:
      1 where all is predicted, 0 where nothing is; negative where the fit is worse than the mean.

    >>> pictures = np.random.default_rng(0).standard_normal((6, 8, 12, 3))
    >>> explained(pictures.reshape(6, 4, 2, 6, 2, 3).mean((2, 4))[..., :1], pictures) > 0.95
    True
    """
    maps = np.asarray(maps, np.float64)
    order = np.random.default_rng(seed).permutation(len(maps))
    known = [describe(picture, (maps.shape[1], maps.shape[2])).reshape(-1, 10) for picture in np.asarray(pictures)]
    targets = list(maps.reshape(len(maps), -1, maps.shape[3]))
    cut = max(1, len(maps) * 2 // 3)
    a, b = (np.concatenate([side[i] for i in order[:cut]]) for side in (known, targets))
    test, truth = (np.concatenate([side[i] for i in order[cut:]]) for side in (known, targets))
    scale = np.linalg.norm(a, axis=0) / np.sqrt(len(a)) + 1e-9
    a, test = a / scale, test / scale
    fit = np.linalg.solve(a.T @ a + RIDGE * len(a) * np.eye(a.shape[1]), a.T @ b)
    left = ((test @ fit - truth) ** 2).sum()
    return float(1 - left / ((truth - b.mean(axis=0)) ** 2).sum())
