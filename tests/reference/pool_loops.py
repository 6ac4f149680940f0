"""Pooling and unpooling by loops over windows and cells. NHWC."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

Pair = tuple[int, int]
Pads = tuple[Pair, Pair]


def output_size(size: Pair, window: Pair, stride: Pair, pads: Pads) -> Pair:
    """Number of windows along rows and columns, counted one by one.

    >>> output_size((7, 8), (3, 2), (2, 3), ((0, 0), (1, 0)))
    (3, 3)
    """
    found = []
    for n, k, s, (lo, hi) in zip(size, window, stride, pads, strict=True):
        windows = 0
        while windows * s + k <= n + lo + hi:
            windows += 1
        found.append(windows)
    return found[0], found[1]


def windows(size: Pair, window: Pair, stride: Pair, pads: Pads) -> Iterator[tuple[int, int, list[Pair]]]:
    """Each window with its cells on the input, in reading order.

    >>> list(windows((1, 3), (1, 2), (1, 2), ((0, 0), (1, 0))))
    [(0, 0, [(0, 0)]), (0, 1, [(0, 1), (0, 2)])]
    """
    for i, j in np.ndindex(*output_size(size, window, stride, pads)):
        cells = []
        for p, q in np.ndindex(*window):
            row, column = i * stride[0] + p - pads[0][0], j * stride[1] + q - pads[1][0]
            if 0 <= row < size[0] and 0 <= column < size[1]:
                cells.append((row, column))
        yield i, j, cells


def max_pool(x: np.ndarray, window: Pair, stride: Pair, pads: Pads) -> tuple[np.ndarray, np.ndarray]:
    """Largest value of each window and its flat place; the first in reading order wins a tie.

    >>> y, switches = max_pool(np.array([3, 7, 7, 1]).reshape(1, 2, 2, 1), (2, 2), (2, 2), ((0, 0), (0, 0)))
    >>> y.item(), switches.item()
    (7, 1)
    """
    n, height, width, channels = x.shape
    shape = (n, *output_size((height, width), window, stride, pads), channels)
    y, switches = np.zeros(shape, x.dtype), np.zeros(shape, np.int64)
    for i, j, cells in windows((height, width), window, stride, pads):
        for image, channel in np.ndindex(n, channels):
            best = cells[0]
            for cell in cells[1:]:
                if x[image, cell[0], cell[1], channel] > x[image, best[0], best[1], channel]:
                    best = cell
            y[image, i, j, channel] = x[image, best[0], best[1], channel]
            switches[image, i, j, channel] = best[0] * width + best[1]
    return y, switches


def max_unpool(g: np.ndarray, switches: np.ndarray, input_size: Pair) -> np.ndarray:
    """Each signal added at its switch.

    >>> max_unpool(np.ones((1, 1, 2, 1)), np.full((1, 1, 2, 1), 2), (1, 3)).ravel().tolist()
    [0.0, 0.0, 2.0]
    """
    out = np.zeros((g.shape[0], *input_size, g.shape[3]))
    for n, i, j, c in np.ndindex(*g.shape):
        row, column = divmod(int(switches[n, i, j, c]), input_size[1])
        out[n, row, column, c] += g[n, i, j, c]
    return out


def _share(window: Pair, cells: list[Pair], count_include_pad: bool) -> float:
    """What a mean divides by."""
    return window[0] * window[1] if count_include_pad else len(cells)


def avg_pool(x: np.ndarray, window: Pair, stride: Pair, pads: Pads, count_include_pad: bool) -> np.ndarray:
    """Mean of each window.

    >>> avg_pool(np.array([2.0, 4.0]).reshape(1, 1, 2, 1), (1, 2), (1, 1), ((0, 0), (1, 0)), False).ravel().tolist()
    [2.0, 3.0]
    """
    size = (x.shape[1], x.shape[2])
    y = np.zeros((x.shape[0], *output_size(size, window, stride, pads), x.shape[3]))
    for i, j, cells in windows(size, window, stride, pads):
        y[:, i, j] = sum(x[:, r, c] for r, c in cells) / _share(window, cells, count_include_pad)
    return y


def avg_pool_adjoint(
    g: np.ndarray, window: Pair, stride: Pair, pads: Pads, count_include_pad: bool, input_size: Pair
) -> np.ndarray:
    """Each signal in equal shares to the cells of its window.

    >>> avg_pool_adjoint(np.ones((1, 1, 1, 1)), (1, 2), (1, 1), ((0, 0), (0, 0)), True, (1, 2)).ravel().tolist()
    [0.5, 0.5]
    """
    out = np.zeros((g.shape[0], *input_size, g.shape[3]))
    for i, j, cells in windows(input_size, window, stride, pads):
        for row, column in cells:
            out[:, row, column] += g[:, i, j] / _share(window, cells, count_include_pad)
    return out


def ceil_output(n: int, k: int, stride: int, lo: int, hi: int) -> int:
    """Windows in ceil mode: as long as the last one reached neither the end nor would start behind the input.

    >>> ceil_output(7, 2, 2, 0, 0), ceil_output(7, 3, 2, 0, 0), ceil_output(5, 1, 2, 0, 0)
    (4, 3, 3)
    """
    found = 1
    while (found - 1) * stride + k < n + lo + hi and found * stride < n + lo:
        found += 1
    return found
