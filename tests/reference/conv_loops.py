"""Convolution and its adjoint by loops over output positions and kernel taps. NHWC, HWIO, float64."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

Pair = tuple[int, int]
Pads = tuple[Pair, Pair]


def same_pads(n: int, k: int, stride: int, dilation: int) -> Pair:
    """Padding of "SAME" along one axis, by trying: the least that gives ceil(n / stride), the odd one last.

    >>> same_pads(7, 3, 2, 1), same_pads(10, 3, 2, 1), same_pads(9, 1, 4, 1)
    ((1, 1), (0, 1), (0, 0))
    """
    total = 0
    while count(n + total, k, stride, dilation) < -(-n // stride):
        total += 1
    return total // 2, total - total // 2


def count(n: int, k: int, stride: int, dilation: int) -> int:
    """Number of window positions on n cells, counted one by one.

    >>> count(7, 3, 2, 1), count(7, 3, 1, 3), count(7, 3, 1, 4)
    (3, 1, 0)
    """
    start = 0
    while start * stride + (k - 1) * dilation < n:
        start += 1
    return start


def _taps(z: np.ndarray, w: np.ndarray, stride: Pair, dilation: Pair, groups: int) -> Iterator[tuple]:
    """For each output position and kernel tap: output row and column, padded row and column, tap, group's slices."""
    kh, kw, per_group, outputs = w.shape
    part = outputs // groups
    for i, j, p, q, m in np.ndindex(z.shape[1], z.shape[2], kh, kw, groups):
        row, column = i * stride[0] + p * dilation[0], j * stride[1] + q * dilation[1]
        yield i, j, row, column, p, q, slice(m * per_group, (m + 1) * per_group), slice(m * part, (m + 1) * part)


def conv(x: np.ndarray, w: np.ndarray, stride: Pair, pads: Pads, dilation: Pair, groups: int) -> np.ndarray:
    """``z[n, i, j, o] = sum_{p, q, c} xp[n, i s + p d, j s + q d, c] w[p, q, c, o]``.

    >>> conv(np.ones((1, 1, 3, 1)), np.ones((1, 2, 1, 1)), (1, 1), ((0, 0), (0, 1)), (1, 1), 1).ravel().tolist()
    [2.0, 2.0, 1.0]
    """
    padded = np.pad(np.asarray(x, np.float64), ((0, 0), *pads, (0, 0)))
    w = np.asarray(w, np.float64)
    sizes = [count(padded.shape[a + 1], w.shape[a], stride[a], dilation[a]) for a in (0, 1)]
    z = np.zeros((x.shape[0], *sizes, w.shape[3]))
    for i, j, row, column, p, q, inputs, outputs in _taps(z, w, stride, dilation, groups):
        z[:, i, j, outputs] += padded[:, row, column, inputs] @ w[p, q, :, outputs]
    return z


def conv_adjoint(
    g: np.ndarray, w: np.ndarray, stride: Pair, pads: Pads, dilation: Pair, groups: int, input_size: Pair
) -> np.ndarray:
    """Every product of `conv`, run backwards: what an output cell took from an input cell it gives back there.

    >>> conv_adjoint(np.ones((1, 1, 3, 1)), np.ones((1, 2, 1, 1)), (1, 1), ((0, 0), (0, 1)), (1, 1), 1, (1, 3)).ravel()
    array([1., 2., 2.])
    """
    g, w = np.asarray(g, np.float64), np.asarray(w, np.float64)
    (top, bottom), (left, right) = pads
    height, width = input_size
    padded = np.zeros((g.shape[0], top + height + bottom, left + width + right, w.shape[2] * groups))
    for i, j, row, column, p, q, inputs, outputs in _taps(g, w, stride, dilation, groups):
        padded[:, row, column, inputs] += g[:, i, j, outputs] @ w[p, q, :, outputs].T
    return padded[:, top : top + height, left : left + width, :]
