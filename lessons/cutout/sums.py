"""Closed-form matting by a dense solve, window by window, on a part of a picture that is small enough for it."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

#: Rows and columns of the part; they differ, so that none is taken for the other.
PART = (11, 13)
EPSILON = 1e-7


def dense(picture: np.ndarray, trimap: np.ndarray) -> np.ndarray:
    """Alpha by ``numpy.linalg.solve`` on the whole matrix.

    Args:
      picture: (h, w, 3), 0..1.
      trimap: (h, w): 0, 1, and 0.5 where alpha is to be found.

    Returns:
      (h, w), 0..1.
    """
    rows, columns = trimap.shape
    pixels = np.asarray(picture, np.float64).reshape(-1, 3)
    cost = np.zeros((rows * columns, rows * columns))
    for row in range(rows - 2):
        for column in range(columns - 2):
            at = [(row + i) * columns + column + j for i in range(3) for j in range(3)]
            centred = pixels[at] - pixels[at].mean(axis=0)
            spread = centred.T @ centred / 9 + EPSILON / 9 * np.eye(3)
            cost[np.ix_(at, at)] += np.eye(9) - (1 + centred @ np.linalg.solve(spread, centred.T)) / 9
    alpha = trimap.astype(np.float64).ravel()
    known = alpha != 0.5
    right = -cost[np.ix_(~known, known)] @ alpha[known]
    alpha[~known] = np.clip(np.linalg.solve(cost[np.ix_(~known, ~known)], right), 0, 1)
    return alpha.reshape(rows, columns)


def part(picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The liveliest piece of a picture, with its outermost ring as seeds.

    A window of a single colour can hardly be inverted, and digits are lost on any way: so the piece is taken whose
    flattest window varies most.

    Returns:
      (h, w, 3) and (h, w) trimap: the ring is 1 on the left half of the columns and 0 on the right one.
    """
    high, wide = (min(part, size) for part, size in zip(PART, picture.shape, strict=False))
    windows = sliding_window_view(np.asarray(picture, np.float64), (3, 3), axis=(0, 1))
    varied = windows.var(axis=(-2, -1)).min(axis=-1)
    least = sliding_window_view(varied, (high - 2, wide - 2)).min(axis=(-2, -1))
    top, left = np.unravel_index(least.argmax(), least.shape)
    trimap = np.full((high, wide), 0.5)
    trimap[[0, -1]] = 0
    trimap[:, [0, -1]] = 0
    ring = trimap == 0
    ring[:, wide // 2 :] = False
    trimap[ring] = 1
    return picture[top : top + high, left : left + wide], trimap
