"""Blur on a plane that continues at its opposite edge, its adjoint, and deblurring, by loops and plain equations."""

from __future__ import annotations

import numpy as np


def blur(x: np.ndarray, k: np.ndarray) -> np.ndarray:
    """Each cell the weighted sum of its neighbours.

    >>> blur(np.array([[1.0, 2.0, 3.0]]), np.array([[0.0, 0.0, 1.0]])).tolist()
    [[2.0, 3.0, 1.0]]
    """
    out = np.zeros(x.shape)
    for u, v in np.ndindex(*x.shape):
        for i, j in np.ndindex(*k.shape):
            row, column = u + i - k.shape[0] // 2, v + j - k.shape[1] // 2
            out[u, v] += k[i, j] * x[row % x.shape[0], column % x.shape[1]]
    return out


def matrix(k: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The blur of every unit plane, a column each.

    >>> matrix(np.array([[1.0]]), (1, 2)).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    columns = []
    for cell in np.ndindex(*size):
        unit = np.zeros(size)
        unit[cell] = 1.0
        columns.append(blur(unit, k).ravel())
    return np.array(columns).T


def wiener(y: np.ndarray, k: np.ndarray, balance: float) -> np.ndarray:
    """The equation solved: what the blur explains, with little of the differences between neighbours.

    >>> wiener(np.full((3, 4), 2.0), np.array([[1.0]]), 1.0).round(9).tolist()[0]
    [2.0, 2.0, 2.0, 2.0]
    """
    a = matrix(k, (y.shape[0], y.shape[1]))
    r = matrix(np.array([[0.0, -1.0, 0.0], [-1.0, 4.0, -1.0], [0.0, -1.0, 0.0]]), (y.shape[0], y.shape[1]))
    return np.linalg.solve(a.T @ a + balance * (r.T @ r), a.T @ y.ravel()).reshape(y.shape)


def richardson_lucy(y: np.ndarray, k: np.ndarray, steps: int) -> np.ndarray:
    """Multiply by what A' makes of the quotient, again and again.

    >>> richardson_lucy(np.array([[0.5, 0.5]]), np.array([[1.0]]), 1).tolist()
    [[0.5, 0.5]]
    """
    a = matrix(k, (y.shape[0], y.shape[1]))
    x = np.full(y.size, 0.5)
    for _ in range(steps):
        x = x * (a.T @ (y.ravel() / (a @ x)))
    return x.reshape(y.shape)
