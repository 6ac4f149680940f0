"""The priors of optimized pictures, one number at a time. NumPy only."""

from __future__ import annotations

import math

import numpy as np


def alpha_norm(x: np.ndarray, alpha: float) -> float:
    """Mean over pixels of the length of a colour to the power alpha.

    >>> alpha_norm(np.full((1, 1, 2, 1), 3.0), 2.0)
    9.0
    """
    total = 0.0
    for n, i, j in np.ndindex(*x.shape[:3]):
        length = math.sqrt(sum(float(value) ** 2 for value in x[n, i, j]))
        total += length**alpha
    return total / (x.shape[0] * x.shape[1] * x.shape[2])


def total_variation(x: np.ndarray, beta: float) -> float:
    """Mean over pixels of the summed differences to the next row and column, to the power beta.

    >>> total_variation(np.array([[[[0.0], [2.0]]]]), 2.0)
    2.0
    """
    batch, height, width, channels = x.shape
    total = 0.0
    for n, i, j, c in np.ndindex(batch, height, width, channels):
        down = float(x[n, i + 1, j, c] - x[n, i, j, c]) if i + 1 < height else 0.0
        right = float(x[n, i, j + 1, c] - x[n, i, j, c]) if j + 1 < width else 0.0
        square = down**2 + right**2
        total += square ** (beta / 2) if square > 0 else 0.0
    return total / (batch * height * width)


def waves(x: np.ndarray) -> np.ndarray:
    """Scalar products with ``cas(2 pi (k i / H + l j / W)) / sqrt(H W)``, wave by wave.

    >>> float(waves(np.ones((1, 1, 4, 1)))[0, 0, 0, 0])
    2.0
    """
    height, width = x.shape[1:3]
    out = np.zeros(x.shape)
    for k, m in np.ndindex(height, width):
        for i, j in np.ndindex(height, width):
            angle = 2 * math.pi * (k * i / height + m * j / width)
            out[:, k, m] += x[:, i, j] * (math.cos(angle) + math.sin(angle))
    return out / math.sqrt(height * width)


def amplitude(k: int, m: int, height: int, width: int, decay: float) -> float:
    """Size of wave (k, m) of a picture: one over four times its frequency, waves of half and more counted backwards.

    >>> amplitude(0, 7, 4, 8, 1.0)
    2.0
    """
    down = k if k < (height + 1) // 2 else k - height
    right = m if m < (width + 1) // 2 else m - width
    frequency = math.sqrt((down / height) ** 2 + (right / width) ** 2)
    return 1 / (4 * max(frequency, 1 / max(height, width)) ** decay)


def shifted(x: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Moved by whole pixels; what comes in repeats the border.

    >>> shifted(np.arange(3.0).reshape(1, 3, 1, 1), -1, 0).ravel().tolist()
    [1.0, 2.0, 2.0]
    """
    out = np.zeros_like(x)
    for i, j in np.ndindex(*x.shape[1:3]):
        row = min(max(i - rows, 0), x.shape[1] - 1)
        column = min(max(j - columns, 0), x.shape[2] - 1)
        out[:, i, j] = x[:, row, column]
    return out


def turned(x: np.ndarray, degrees: float, zoom: float, rows: float, columns: float, fill: float = 0.5) -> np.ndarray:
    """Turned counter-clockwise, zoomed, moved, with linear interpolation between the four nearest pixels.

    >>> turned(np.arange(3.0).reshape(1, 1, 3, 1), 180.0, 1.0, 0.0, 0.0).ravel().round(9).tolist()
    [2.0, 1.0, 0.0]
    """
    height, width = x.shape[1:3]
    middle = ((height - 1) / 2, (width - 1) / 2)
    angle = math.radians(degrees)
    out = np.zeros_like(x)

    def at(n: int, row: int, column: int, c: int) -> float:
        inside = 0 <= row < height and 0 <= column < width
        return float(x[n, row, column, c]) if inside else fill

    for n, i, j, c in np.ndindex(*x.shape):
        down, right = i - middle[0] - rows, j - middle[1] - columns
        row = (math.cos(angle) * down + math.sin(angle) * right) / zoom + middle[0]
        column = (math.cos(angle) * right - math.sin(angle) * down) / zoom + middle[1]
        top, left = math.floor(row), math.floor(column)
        a, b = row - top, column - left
        out[n, i, j, c] = (
            (1 - a) * (1 - b) * at(n, top, left, c)
            + (1 - a) * b * at(n, top, left + 1, c)
            + a * (1 - b) * at(n, top + 1, left, c)
            + a * b * at(n, top + 1, left + 1, c)
        )
    return out


def similarity(a: np.ndarray) -> float:
    """Mean cosine between the Gram matrices of all pairs of pictures.

    >>> similarity(np.ones((2, 1, 1, 3)))
    1.0
    """
    batch, height, width, channels = a.shape
    grams = np.zeros((batch, channels, channels))
    for n, i, j, c, d in np.ndindex(batch, height, width, channels, channels):
        grams[n, c, d] += a[n, i, j, c] * a[n, i, j, d]
    cosines = []
    for n, m in np.ndindex(batch, batch):
        if n != m:
            product = float((grams[n] * grams[m]).sum())
            cosines.append(product / math.sqrt(float((grams[n] ** 2).sum()) * float((grams[m] ** 2).sum())))
    return sum(cosines) / len(cosines)


def feature_error(values: np.ndarray, target: np.ndarray) -> float:
    """Squared distance over the target's squared length.

    >>> feature_error(np.array([1.0, 2.0]), np.array([0.0, 2.0]))
    0.25
    """
    distance = length = 0.0
    for one, other in zip(values.ravel().tolist(), target.ravel().tolist(), strict=True):
        distance += (one - other) ** 2
        length += other**2
    return distance / length
