"""Convolution on an image that continues at its opposite edge, where it multiplies every frequency by a number."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np


def circular_conv(x: np.ndarray, k: np.ndarray) -> np.ndarray:
    """``y[u, v] = sum_{i, j} k[i, j] x[u + i, v + j]``, i and j counted from the kernel's middle, modulo the size.

    >>> circular_conv(np.array([[1.0, 2.0, 3.0]]), np.array([[0.0, 0.0, 1.0]])).tolist()
    [[2.0, 3.0, 1.0]]
    """
    return sum((weight * np.roll(x, (-i, -j), (0, 1)) for i, j, weight in _taps(k)), np.zeros(x.shape))


def circular_adjoint(y: np.ndarray, k: np.ndarray) -> np.ndarray:
    """``x[u, v] = sum_{i, j} k[i, j] y[u - i, v - j]``: the adjoint of `circular_conv`.

    >>> circular_adjoint(np.array([[2.0, 3.0, 1.0]]), np.array([[0.0, 0.0, 1.0]])).tolist()
    [[1.0, 2.0, 3.0]]
    """
    return sum((weight * np.roll(y, (i, j), (0, 1)) for i, j, weight in _taps(k)), np.zeros(y.shape))


def _taps(k: np.ndarray) -> Iterator[tuple[int, int, float]]:
    """(row, column, weight) of each tap, counted from the middle of the kernel."""
    for i, j in np.ndindex(*k.shape):
        yield i - k.shape[0] // 2, j - k.shape[1] // 2, float(k[i, j])


def response(k: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """K, the Fourier transform of the kernel about its middle, on an image of that size.

    >>> response(np.array([[0.5, 0.0, 0.5]]), (1, 4)).real.tolist()
    [[1.0, 0.0, -1.0, 0.0]]
    """
    whole = np.zeros(size)
    whole[: k.shape[0], : k.shape[1]] = k
    return np.fft.fft2(np.roll(whole, (-(k.shape[0] // 2), -(k.shape[1] // 2)), (0, 1)))


def filtered(x: np.ndarray, factor: np.ndarray) -> np.ndarray:
    """The image whose frequencies are those of x times the factor.

    >>> filtered(np.array([[1.0, 3.0]]), np.array([[1.0, 0.0]])).tolist()
    [[2.0, 2.0]]
    """
    return np.real(np.fft.ifft2(np.fft.fft2(x) * factor))
