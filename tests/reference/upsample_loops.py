"""Enlargements cell by cell, and a Fourier transform as the sum that it is. NumPy only."""

from __future__ import annotations

import numpy as np


def overlap_counts(n: int, kernel: int, stride: int, padding: int) -> list[int]:
    """For each output cell the number of (input cell, tap) pairs that lead to it.

    >>> overlap_counts(2, 3, 2, 0)
    [1, 1, 2, 1, 1]
    """
    length = (n - 1) * stride + kernel - 2 * padding
    pairs = [stride * u + i - padding for u in range(n) for i in range(kernel)]
    return [pairs.count(r) for r in range(length)]


def transposed_conv(x: np.ndarray, w: np.ndarray, stride: tuple[int, int], padding: tuple[int, int]) -> np.ndarray:
    """Every product of an input cell with a tap, added where it lands."""
    n, height, width, _ = x.shape
    kh, kw, channels, _ = w.shape
    size = [(m - 1) * s + k - 2 * p for m, s, k, p in zip((height, width), stride, (kh, kw), padding, strict=True)]
    y = np.zeros((n, *size, channels))
    for u, v, i, j in np.ndindex(height, width, kh, kw):
        r, t = stride[0] * u + i - padding[0], stride[1] * v + j - padding[1]
        if 0 <= r < size[0] and 0 <= t < size[1]:
            y[:, r, t] += x[:, u, v] @ w[i, j].T
    return y


def pixel_shuffle(x: np.ndarray, r: int) -> np.ndarray:
    """``y[n, r u + a, r v + b, c] = x[n, u, v, (a r + b) C + c]``."""
    n, height, width, channels = x.shape
    y = np.zeros((n, height * r, width * r, channels // r**2))
    for u, v, a, b, c in np.ndindex(height, width, r, r, channels // r**2):
        y[:, r * u + a, r * v + b, c] = x[:, u, v, (a * r + b) * (channels // r**2) + c]
    return y


def resize_nearest(x: np.ndarray, r: int) -> np.ndarray:
    """``y[n, i, j, c] = x[n, i // r, j // r, c]``."""
    n, height, width, channels = x.shape
    y = np.zeros((n, height * r, width * r, channels))
    for i, j in np.ndindex(height * r, width * r):
        y[:, i, j] = x[:, i // r, j // r]
    return y


def checkerboard_energy(y: np.ndarray, s: int) -> float:
    """Waves of every frequency multiplied with the map and summed; the share of those with period s."""
    _, height, width, _ = y.shape
    height, width = height // s * s, width // s * s
    plane, total, pattern = y[:, :height, :width], 0.0, 0.0
    for a, b in np.ndindex(height, width):
        rows, columns = np.arange(height)[:, None] * a / height, np.arange(width)[None, :] * b / width
        wave = np.exp(-2j * np.pi * (rows + columns))
        energy = float((np.abs((plane * wave[None, :, :, None]).sum(axis=(1, 2))) ** 2).sum())
        total += energy
        if (a, b) != (0, 0) and a * s % height == 0 and b * s % width == 0:
            pattern += energy
    return pattern / total if total else 0.0
