"""Super-resolution from its definitions, pixel by pixel: MATLAB's bicubic, BT.601, the networks' layers. NumPy only."""

from __future__ import annotations

import math

import numpy as np

from reference import conv_loops, upsample_loops


def keys(x: float) -> float:
    """The cubic convolution kernel with a = -1/2, piece by piece.

    >>> keys(0), keys(1), keys(-0.5), keys(3)
    (1.0, 0.0, 0.5625, 0.0)
    """
    a, d = -0.5, abs(x)
    if d <= 1:
        return (a + 2) * d**3 - (a + 3) * d**2 + 1.0
    if d < 2:
        return a * d**3 - 5 * a * d**2 + 8 * a * d - 4 * a
    return 0.0


def mirrored(i: int, n: int) -> int:
    """Where index i lies when the line 0..n-1 is mirrored at both ends, the end cells twice.

    >>> [mirrored(i, 3) for i in range(-4, 7)]
    [2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0]
    """
    while not 0 <= i < n:
        i = -1 - i if i < 0 else 2 * n - 1 - i
    return i


def resize_line(line: list[float], wanted: int, antialias: bool = True) -> list[float]:
    """A line of cells as `wanted` cells: each is a weighted mean, weights from the distance between cell centres."""
    scale = wanted / len(line)
    width = min(scale, 1.0) if antialias else 1.0
    found = []
    for r in range(wanted):
        centre = (r + 0.5) / scale - 0.5
        total = above = 0.0
        for i in range(math.floor(centre - 2 / width), math.ceil(centre + 2 / width) + 1):
            weight = width * keys(width * (centre - i))
            above += weight * line[mirrored(i, len(line))]
            total += weight
        found.append(above / total)
    return found


def resize(plane: np.ndarray, height: int, width: int, antialias: bool = True) -> np.ndarray:
    """First every column of an (H, W) plane, then every row."""
    tall = np.array([resize_line(list(map(float, column)), height, antialias) for column in plane.T]).T
    return np.array([resize_line(list(map(float, row)), width, antialias) for row in tall])


def ycbcr(rgb: tuple[float, float, float]) -> tuple[float, float, float]:
    """One colour of 0..1 as Y, Cb, Cr in 0..255 as BT.601 defines them from the luma weights .299, .587, .114."""
    r, g, b = rgb
    luma = 0.299 * r + 0.587 * g + 0.114 * b
    return 16 + 219 * luma, 128 + 224 * (b - luma) / (2 * (1 - 0.114)), 128 + 224 * (r - luma) / (2 * (1 - 0.299))


def fsrcnn(x: np.ndarray, arrays: dict[str, np.ndarray], scale: int) -> np.ndarray:
    """The network on an (h, w) plane, layer by layer, with the arrays of a file of weights; transposed last layer."""
    names = ["extract", "shrink", *(f"map.{n}" for n in range(4)), "expand"]
    z = np.asarray(x, np.float64)[None, :, :, None]
    for number, name in enumerate(names):
        kernel, bias = arrays[f"{name}.kernel"].astype(float), arrays[f"{name}.bias"].astype(float)
        kernel = kernel.reshape(1, 1, *kernel.shape) if kernel.ndim == 2 else kernel
        pad = (kernel.shape[0] // 2,) * 2
        z = conv_loops.conv(z, kernel, (1, 1), (pad, pad), (1, 1), 1) + bias
        share = arrays[f"rectify.{number}.share"].astype(float)
        z = np.where(z < 0, share * z, z)
    return enlarge(z, arrays, scale)


def residual(x: np.ndarray, arrays: dict[str, np.ndarray], scale: int) -> np.ndarray:
    """The residual network on an (h, w) plane, likewise: bicubic and what is added to it."""

    def layer(z: np.ndarray, name: str) -> np.ndarray:
        kernel, bias = arrays[f"{name}.kernel"].astype(float), arrays[f"{name}.bias"].astype(float)
        return np.asarray(conv_loops.conv(z, kernel, (1, 1), ((1, 1), (1, 1)), (1, 1), 1) + bias)

    first = z = layer(np.asarray(x, np.float64)[None, :, :, None] - 0.5, "extract")
    for block in range(3):
        inside = layer(z, f"layers.{2 * block}")
        share = arrays[f"rectify.{block}.share"].astype(float)
        z = z + layer(np.where(inside < 0, share * inside, inside), f"layers.{2 * block + 1}")
    return resize(x, scale * x.shape[0], scale * x.shape[1]) + enlarge(z + first, arrays, scale)


def enlarge(z: np.ndarray, arrays: dict[str, np.ndarray], scale: int) -> np.ndarray:
    """The transposed last layer on a (1, h, w, C) map."""
    kernel = arrays["enlarge.kernel"].astype(float)
    whole = upsample_loops.transposed_conv(z, kernel, (scale, scale), (0, 0))[0, :, :, 0]
    first = (kernel.shape[0] - scale) // 2
    rows, columns = (scale * n for n in z.shape[1:3])
    return np.asarray(whole[first : first + rows, first : first + columns] + float(arrays["enlarge.bias"][0]))
