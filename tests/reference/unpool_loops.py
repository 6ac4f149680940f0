"""Ways to make a pooled map large that are not the adjoint, by loops over windows and cells. NHWC."""

from __future__ import annotations

import numpy as np

from reference.pool_loops import Pads, Pair, windows


def centres(size: Pair, window: Pair, stride: Pair, pads: Pads) -> np.ndarray:
    """The middle cell of each window (above and left of the middle if there is none), moved onto the input.

    >>> centres((1, 4), (1, 3), (1, 1), ((0, 0), (1, 1))).tolist()
    [[0, 1, 2, 3]]
    """
    found: dict[Pair, int] = {}
    for i, j, _ in windows(size, window, stride, pads):
        row = i * stride[0] - pads[0][0] + (window[0] - 1) // 2
        column = j * stride[1] - pads[1][0] + (window[1] - 1) // 2
        row, column = min(max(row, 0), size[0] - 1), min(max(column, 0), size[1] - 1)
        found[i, j] = row * size[1] + column
    shape = tuple(n + 1 for n in max(found))
    return np.array(list(found.values())).reshape(shape)


def overwrite(g: np.ndarray, switches: np.ndarray, size: Pair) -> np.ndarray:
    """Each signal assigned to its switch, window by window.

    >>> overwrite(np.array([1.0, 2.0]).reshape(1, 1, 2, 1), np.ones((1, 1, 2, 1)), (1, 3)).ravel().tolist()
    [0.0, 2.0, 0.0]
    """
    out = np.zeros((g.shape[0], *size, g.shape[3]))
    for n, c in np.ndindex(g.shape[0], g.shape[3]):
        for i, j in np.ndindex(g.shape[1], g.shape[2]):
            row, column = divmod(int(switches[n, i, j, c]), size[1])
            out[n, row, column, c] = g[n, i, j, c]
    return out


def _between(r: int, k: int, stride: int, before: int, count: int) -> tuple[int, int, float]:
    """The windows whose middles lie around cell r, and the weight of the second."""
    middles = [i * stride - before + (k - 1) / 2 for i in range(count)]
    if r <= middles[0]:
        return 0, 0, 0.0
    if r >= middles[-1]:
        return count - 1, count - 1, 0.0
    i = max(index for index, middle in enumerate(middles) if middle <= r)
    return i, i + 1, (r - middles[i]) / stride


def fill(g: np.ndarray, window: Pair, stride: Pair, pads: Pads, size: Pair, nearest: bool) -> np.ndarray:
    """Each cell read from the four windows around it, or from the nearest one (the first of two equally near).

    >>> g = np.array([0.0, 4.0]).reshape(1, 1, 2, 1)
    >>> fill(g, (1, 2), (1, 2), ((0, 0), (0, 0)), (1, 4), False).ravel().tolist()
    [0.0, 1.0, 3.0, 4.0]
    """
    out = np.zeros((g.shape[0], *size, g.shape[3]))
    for r, t in np.ndindex(*size):
        a, b, down = _between(r, window[0], stride[0], pads[0][0], g.shape[1])
        p, q, right = _between(t, window[1], stride[1], pads[1][0], g.shape[2])
        if nearest:
            down, right = float(down > 0.5), float(right > 0.5)
        top = (1 - right) * g[:, a, p] + right * g[:, a, q]
        bottom = (1 - right) * g[:, b, p] + right * g[:, b, q]
        out[:, r, t] = (1 - down) * top + down * bottom
    return out
