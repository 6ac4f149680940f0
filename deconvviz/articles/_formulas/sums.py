"""Each formula as it is printed, and as it should read: sums over shifted arrays, one array shift a term.

Arrays here are (H, W) planes or (H, W, C) maps without batch axis, in the order of the formulas; indices that the
articles count from 1 are counted from 1 here too. What lies outside an image is zero unless the formula says otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np


def _from_one(*counts: int) -> Iterator[tuple[int, ...]]:
    """Every tuple of indices that run from 1 to the counts, as the articles count."""
    for index in np.ndindex(*counts):
        yield tuple(i + 1 for i in index)


def _moved(plane: np.ndarray, rows: int, columns: int, outside: float = 0.0) -> np.ndarray:
    """The plane read at (u - rows, v - columns): moved down and right, the same size.

    >>> _moved(np.array([[1.0, 2.0], [3.0, 4.0]]), 1, 0).tolist()
    [[0.0, 0.0], [1.0, 2.0]]
    """
    out = np.full(plane.shape, outside)
    height, width = plane.shape[:2]
    if abs(rows) < height and abs(columns) < width:
        into = slice(max(rows, 0), height + min(rows, 0)), slice(max(columns, 0), width + min(columns, 0))
        out[into] = plane[max(-rows, 0) : height - max(rows, 0), max(-columns, 0) : width - max(columns, 0)]
    return out


def _window(array: np.ndarray, k: int, l: int, size: tuple[int, int]) -> np.ndarray:  # noqa: E741  # as printed
    """The array read at (x + k - 1, y + l - 1) for x, y from 1: its part of that size from row k - 1, column l - 1."""
    return array[k - 1 : k - 1 + size[0], l - 1 : l - 1 + size[1]]


def f000_1_printed(x: np.ndarray, w: np.ndarray, **_: object) -> np.ndarray:
    """``y(x, y) = sum_m sum_n w_mn x(x - m, y - n)`` with m, n from 1: one channel, as large as the image.

    >>> f000_1_printed(np.ones((2, 2, 1)), np.ones((1, 1, 1, 1))).tolist()
    [[0.0, 0.0], [0.0, 1.0]]
    """
    image, kernel = x[:, :, 0], w[:, :, 0, 0]
    y = np.zeros(image.shape)
    for m, n in _from_one(*kernel.shape):
        y += kernel[m - 1, n - 1] * _moved(image, m, n)
    return y


def transposed_convolution(x: np.ndarray, w: np.ndarray, stride: int, padding: int) -> np.ndarray:
    """``y[u, v, o] = sum_{i, j, c} w[i, j, o, c] x[(u + p - i) / s, (v + p - j) / s, c]``, whole indices in range only.

    Args:
      x: (H, W, C).
      w: (kh, kw, O, C).
      stride, padding: s and p, both axes.

    Returns:
      ((H - 1) s + kh - 2 p, (W - 1) s + kw - 2 p, O).

    >>> transposed_convolution(np.ones((1, 2, 1)), np.ones((1, 3, 1, 1)), 2, 0).ravel().tolist()
    [1.0, 1.0, 2.0, 1.0, 1.0]
    """
    (height, width, _), (kh, kw, outputs, _) = x.shape, w.shape
    size = (height - 1) * stride + kh - 2 * padding, (width - 1) * stride + kw - 2 * padding
    y = np.zeros((*size, outputs))
    for i, j in np.ndindex(kh, kw):
        rows, columns = np.arange(size[0]) + padding - i, np.arange(size[1]) + padding - j
        u = np.flatnonzero((rows % stride == 0) & (rows >= 0) & (rows < stride * height))
        v = np.flatnonzero((columns % stride == 0) & (columns >= 0) & (columns < stride * width))
        y[np.ix_(u, v)] += x[np.ix_(rows[u] // stride, columns[v] // stride)] @ w[i, j].T
    return y


def f001_1_printed(x: np.ndarray, w: np.ndarray, **_: object) -> np.ndarray:
    """``y(x) = sum_k sum_i sum_j w_kij * x_{i-1, j-1}``: the right side does not know at which x it is asked for.

    >>> f001_1_printed(np.arange(4.0).reshape(2, 2, 1), np.ones((1, 2, 3, 1))).tolist()
    [[3.0, 3.0], [3.0, 3.0]]
    """
    image, y = x[:, :, 0], np.zeros(x.shape[:2])
    for i, j, k in _from_one(*w.shape[:3]):
        y[...] += w[i - 1, j - 1, k - 1, 0] * image[i - 1, j - 1]
    return y


def f002_1_printed(x: np.ndarray, w: np.ndarray, **_: object) -> np.ndarray:
    """``y(x, y) = sum_c sum_k sum_l w(c, k, l) x(x + k - 1, y + l - 1)``: x has no channel index, so it is one plane.

    >>> f002_1_printed(np.ones((2, 2, 3)), np.ones((1, 1, 3, 1))).tolist()
    [[3.0, 3.0], [3.0, 3.0]]
    """
    image, (rows, columns, channels, _o) = x[:, :, 0], w.shape
    size = image.shape[0] - rows + 1, image.shape[1] - columns + 1
    y = np.zeros(size)
    for k, l, c in _from_one(rows, columns, channels):  # noqa: E741
        y += w[k - 1, l - 1, c - 1, 0] * _window(image, k, l, size)
    return y


def f002_1_corrected(x: np.ndarray, w: np.ndarray, **_: object) -> np.ndarray:
    """``y(x, y) = sum_c sum_k sum_l w(c, k, l) x(c, x + k - 1, y + l - 1)``.

    >>> f002_1_corrected(np.ones((1, 1, 3)) * [1, 2, 3], np.ones((1, 1, 3, 1))).tolist()
    [[6.0]]
    """
    (rows, columns, channels, _o) = w.shape
    size = x.shape[0] - rows + 1, x.shape[1] - columns + 1
    y = np.zeros(size)
    for k, l, c in _from_one(rows, columns, channels):  # noqa: E741
        y += w[k - 1, l - 1, c - 1, 0] * _window(x[:, :, c - 1], k, l, size)
    return y


def f002_2_printed(y: np.ndarray, w: np.ndarray, size: tuple[int, int], **_: object) -> np.ndarray:
    """``x(u, v) = sum_c sum_k sum_l w(c, k, l) y(u - k + 1, v - l + 1)``: y has no channel index, so it is one plane.

    >>> f002_2_printed(np.ones((1, 2, 2)), np.ones((1, 2, 1, 2)), (1, 3))[..., 0].tolist()
    [[2.0, 4.0, 2.0]]
    """
    (rows, columns, _c, outputs), x = w.shape, np.zeros(size)
    plane = np.zeros(size)
    plane[: y.shape[0], : y.shape[1]] = y[:, :, 0]
    for k, l, c in _from_one(rows, columns, outputs):  # noqa: E741
        x += w[k - 1, l - 1, 0, c - 1] * _moved(plane, k - 1, l - 1)
    return x[..., None]


def f002_2_corrected(y: np.ndarray, w: np.ndarray, size: tuple[int, int], **_: object) -> np.ndarray:
    """``x[u, v, c] = sum_{o, k, l} w[k, l, c, o] y[u - k + 1, v - l + 1, o]``: the adjoint, in all channels.

    >>> f002_2_corrected(np.ones((1, 2, 1)), np.ones((1, 2, 1, 1)), (1, 3))[..., 0].tolist()
    [[1.0, 2.0, 1.0]]
    """
    rows, columns, channels, _o = w.shape
    x = np.zeros((*size, channels))
    for k, l in _from_one(rows, columns):  # noqa: E741
        x[k - 1 : k - 1 + y.shape[0], l - 1 : l - 1 + y.shape[1]] += y @ w[k - 1, l - 1].T
    return x


def f002_3_printed(y: np.ndarray, window: tuple[int, int], **_: object) -> np.ndarray:
    """``x(u, v) = max_k max_l y(u - k + 1, v - l + 1)``: what lies outside y never wins.

    >>> f002_3_printed(np.array([[1.0, 0.0, 0.0]]), (1, 2)).tolist()
    [[1.0, 1.0, 0.0]]
    """
    x = np.full(y.shape, -np.inf)
    for k, l in _from_one(*window):  # noqa: E741
        x = np.maximum(x, _moved(y, k - 1, l - 1, outside=-np.inf))
    return x


def f002_3_corrected(y: np.ndarray, switches: np.ndarray, size: tuple[int, int], **_: object) -> np.ndarray:
    """``x[u, v] = sum of y over the windows whose switch is (u, v)``.

    >>> f002_3_corrected(np.array([[5.0]]), np.array([[2]]), (2, 2)).tolist()
    [[0.0, 0.0], [5.0, 0.0]]
    """
    x = np.zeros(size)
    np.add.at(x, np.unravel_index(switches, size), y)
    return x


def f003_1_printed(v: np.ndarray, g: np.ndarray, w: np.ndarray) -> np.ndarray:
    """``y(x, y) = sum_c sum_k sum_s v_cks g_{c, x+s-1, y+s-1} w_k``: one index s for both axes.

    >>> f003_1_printed(np.ones((1, 1, 2)), np.array([[1.0, 2.0], [3.0, 4.0]])[..., None], np.ones(1)).tolist()
    [[5.0]]
    """
    channels, kernels, taps = v.shape
    size = g.shape[0] - taps + 1, g.shape[1] - taps + 1
    y = np.zeros(size)
    for c, k, s in _from_one(channels, kernels, taps):
        y += v[c - 1, k - 1, s - 1] * _window(g[:, :, c - 1], s, s, size) * w[k - 1]
    return y


def f003_1_corrected(v: np.ndarray, g: np.ndarray, **_: object) -> np.ndarray:
    """``y(x, y) = sum_c sum_k sum_s v_cks g_{c, x+k-1, y+s-1}``: k counts rows of the kernel, s its columns.

    >>> f003_1_corrected(np.ones((1, 1, 2)), np.array([[1.0, 2.0], [3.0, 4.0]])[..., None]).tolist()
    [[3.0], [7.0]]
    """
    channels, rows, columns = v.shape
    size = g.shape[0] - rows + 1, g.shape[1] - columns + 1
    y = np.zeros(size)
    for c, k, s in _from_one(channels, rows, columns):
        y += v[c - 1, k - 1, s - 1] * _window(g[:, :, c - 1], k, s, size)
    return y


def f003_2_printed(y: np.ndarray, h: int, w: int) -> np.ndarray:
    """``p_ij = max of y(x, y) over i <= x <= i + h, j <= y <= j + w``, both bounds included, at every i and j.

    >>> f003_2_printed(np.arange(9.0).reshape(3, 3), 1, 2).tolist()
    [[5.0], [8.0]]
    """
    size = y.shape[0] - h, y.shape[1] - w
    parts = [y[a : a + size[0], b : b + size[1]] for a in range(h + 1) for b in range(w + 1)]
    return np.max(parts, axis=0)


def f003_2_corrected(y: np.ndarray, h: int, w: int) -> np.ndarray:
    """``p_ij = max of y(x, y) over i s <= x < i s + h, j s <= y < j s + w`` with the window's own size as step.

    >>> f003_2_corrected(np.arange(8.0).reshape(2, 4), 2, 2).tolist()
    [[5.0, 7.0]]
    """
    rows, columns = y.shape[0] // h, y.shape[1] // w
    return y[: rows * h, : columns * w].reshape(rows, h, columns, w).max(axis=(1, 3))
