"""Transposed convolutions as the documentation of each library words them, by loops. float64."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

Pair = tuple[int, int]


def jax(
    g: np.ndarray, kernel: np.ndarray, stride: Pair, dilation: Pair, pads: tuple[Pair, Pair], turned: bool
) -> np.ndarray:
    """Fractionally strided: zeros between the cells, padding around, then every window times the kernel.

    Kernel (h, w, in, out), unturned; `turned` (transpose_kernel) reads it as (h, w, out, in) and turns it.

    >>> jax(np.ones((1, 1, 2, 1)), np.ones((1, 1, 1, 1)), (1, 2), (1, 1), ((0, 0), (1, 0)), False).ravel().tolist()
    [0.0, 1.0, 0.0, 1.0]
    """
    n, height, width, _ = g.shape
    kh, kw, outputs = kernel.shape[0], kernel.shape[1], kernel.shape[2 if turned else 3]
    (top, bottom), (left, right) = pads
    rows, columns = (height - 1) * stride[0] + 1 + top + bottom, (width - 1) * stride[1] + 1 + left + right
    spread = np.zeros((n, rows, columns, g.shape[3]))
    for u, v in np.ndindex(height, width):
        r, c = top + stride[0] * u, left + stride[1] * v
        if 0 <= r < rows and 0 <= c < columns:
            spread[:, r, c] = g[:, u, v]
    y = np.zeros((n, rows - dilation[0] * (kh - 1), columns - dilation[1] * (kw - 1), outputs))
    for r, c, i, j in np.ndindex(y.shape[1], y.shape[2], kh, kw):
        tap = kernel[kh - 1 - i, kw - 1 - j].T if turned else kernel[i, j]
        y[:, r, c] += spread[:, r + dilation[0] * i, c + dilation[1] * j] @ tap
    return y


def torch(
    g: np.ndarray, kernel: np.ndarray, stride: Pair, dilation: Pair, padding: Pair, output_padding: Pair
) -> np.ndarray:
    """The gradient of a convolution with this padding: stamps, cut to the documented size. Kernel (in, out, h, w).

    >>> torch(np.ones((1, 1, 2, 1)), np.ones((1, 1, 1, 2)), (1, 2), (1, 1), (0, 1), (0, 1)).ravel().tolist()
    [1.0, 1.0, 1.0]
    """
    kh, kw = kernel.shape[2:]
    size = [
        (n - 1) * s - 2 * p + d * (k - 1) + op + 1
        for n, s, p, d, k, op in zip(g.shape[1:3], stride, padding, dilation, (kh, kw), output_padding, strict=True)
    ]
    y = np.zeros((g.shape[0], *size, kernel.shape[1]))
    for u, v, i, j, r, c in _landing(g, (kh, kw), stride, dilation, padding, y):
        y[:, r, c] += g[:, u, v] @ kernel[:, :, i, j]
    return y


def keras(
    g: np.ndarray, kernel: np.ndarray, stride: Pair, dilation: Pair, padding: str, output_padding: Pair | None
) -> np.ndarray:
    """The gradient of a "valid" or "same" convolution from an input of the documented size. Kernel (h, w, out, in).

    >>> keras(np.ones((1, 1, 2, 1)), np.ones((1, 3, 1, 1)), (1, 1), (1, 1), "same", None).ravel().tolist()
    [2.0, 2.0]
    """
    size, before = [], []
    for a in (0, 1):
        n, s, ke = g.shape[a + 1], stride[a], (kernel.shape[a] - 1) * dilation[a] + 1
        if output_padding is None:
            rows = n * s if padding == "same" else n * s + max(ke - s, 0)
        else:
            rows = (n - 1) * s + ke - (2 * (ke // 2) if padding == "same" else 0) + output_padding[a]
        hanging = max((n - 1) * s + ke - rows, 0)
        size.append(rows)
        before.append(hanging // 2 if padding == "same" else 0)
    y = np.zeros((g.shape[0], *size, kernel.shape[2]))
    for u, v, i, j, r, c in _landing(g, kernel.shape[:2], stride, dilation, before, y):
        y[:, r, c] += g[:, u, v] @ kernel[i, j].T
    return y


def _landing(g: np.ndarray, kernel_size: Pair, stride: Pair, dilation: Pair, cut: Pair, y: np.ndarray) -> Iterator:
    """Each signal cell, each tap, and where it lands in y, if it does."""
    for u, v, i, j in np.ndindex(*g.shape[1:3], *kernel_size):
        r, c = stride[0] * u + dilation[0] * i - cut[0], stride[1] * v + dilation[1] * j - cut[1]
        if 0 <= r < y.shape[1] and 0 <= c < y.shape[2]:
            yield u, v, i, j, r, c
