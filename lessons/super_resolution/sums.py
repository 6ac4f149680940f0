"""The sums behind super-resolution's page, done by hand: bicubic, the last layer, PSNR."""

from __future__ import annotations

import math

import numpy as np

from deconvviz.ops.resize import resize_map
from deconvviz.ops.upsample import transposed_conv
from deconvviz.tasks.super_resolution import data, evaluate, predict
from lessons._kit.restoration.run import Enlarged


def weight(distance: float) -> float:
    """Keys' cubic: the weight of a cell that is so many cells away."""
    d = abs(distance)
    if d <= 1:
        return 1.5 * d**3 - 2.5 * d**2 + 1
    return -0.5 * d**3 + 2.5 * d**2 - 4 * d + 2 if d < 2 else 0.0


def bicubic_pixel(small: np.ndarray, scale: int, row: int, column: int) -> float:
    """One pixel of the enlarged picture: 16 cells of the small one, each by its distance along rows and columns."""
    at = [(n + 0.5) / scale - 0.5 for n in (row, column)]
    total = 0.0
    for i in range(math.floor(at[0]) - 1, math.floor(at[0]) + 3):
        for j in range(math.floor(at[1]) - 1, math.floor(at[1]) + 3):
            inside = [min(max(n, -1 - n), 2 * size - 1 - n) for n, size in zip((i, j), small.shape, strict=True)]
            total += weight(at[0] - i) * weight(at[1] - j) * float(small[inside[0], inside[1]])
    return total


def bicubic_error(result: Enlarged) -> float:
    """Largest difference between the library's bicubic and sums of 16 products, at 60 pixels, corners among them."""
    small = result.planes["small"]
    large = data.bicubic(small, result.scale)
    rows, columns = large.shape
    draw = np.random.default_rng(7)
    places = [(0, 0), (rows - 1, columns - 1), (0, columns - 1)]
    places += list(zip(draw.integers(0, rows, 57), draw.integers(0, columns, 57), strict=True))
    return max(abs(bicubic_pixel(small, result.scale, int(r), int(c)) - float(large[r, c])) for r, c in places)


def adjoint_error(scale: int) -> float:
    """Dot test of making small: the sum of products is the same on both sides."""
    return resize_map((1, 4 * scale, 5 * scale, 1), (4, 5)).dot_test()


def last_layer_error(result: Enlarged) -> float:
    """Relative difference between the last layer as it runs, in blocks, and a transposed convolution by its definition.

    On the features of the small picture's upper left corner.
    """
    _, module = predict.load(result.scale, variant=result.variant)
    part = result.planes["small"][:12, :14].astype(np.float32)[None, :, :, None]
    features = np.asarray(module.features(part))
    kernel, bias = np.asarray(module.enlarge.kernel[...]), np.asarray(module.enlarge.bias[...])
    fast = np.asarray(module.enlarge(features))
    whole = np.asarray(transposed_conv(features, kernel, result.scale))
    p, (rows, columns) = module.enlarge.padding, fast.shape[1:3]
    whole = np.pad(whole, [(0, 0), (0, result.scale), (0, result.scale), (0, 0)])
    slow = whole[:, p : p + rows, p : p + columns] + bias
    return float(np.abs(fast - slow).max() / np.abs(slow).max())


def psnr_by_hand(mine: np.ndarray, wanted: np.ndarray, border: int) -> float:
    """PSNR of steps of 0..255, row after row."""
    rows, columns = wanted.shape
    total, count = 0.0, 0
    for r in range(border, rows - border):
        a, b = (255 * plane[r, border : columns - border] for plane in (mine, wanted))
        total += sum((float(x) - float(y)) ** 2 for x, y in zip(a, b, strict=True))
        count += columns - 2 * border
    return 10 * math.log10(255**2 / (total / count)) if total else math.inf


def psnr_error(result: Enlarged) -> float:
    """Relative difference between the library's PSNR of the network and the one by hand.

    Without a truth the two enlargements are held against each other.
    """
    wanted = result.planes.get("truth", result.planes["bicubic"])
    fast = evaluate.figures(result.planes["network"], wanted, result.scale)["psnr"]
    slow = psnr_by_hand(result.planes["network"], wanted, result.scale)
    return 0.0 if fast == slow else abs(fast - slow) / slow
