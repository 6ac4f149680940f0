"""Pictures pixel by pixel: orientation, transparency, antialiased resampling and colours, from their definitions."""

from __future__ import annotations

import math

import numpy as np

#: EXIF 2.3, tag 0x0112: on which side of the upright picture the stored first row and first column lie.
SIDES = {
    1: ("top", "left"),
    2: ("top", "right"),
    3: ("bottom", "right"),
    4: ("bottom", "left"),
    5: ("left", "top"),
    6: ("right", "top"),
    7: ("right", "bottom"),
    8: ("left", "bottom"),
}


def upright(stored: np.ndarray, orientation: int) -> np.ndarray:
    """Moves every stored pixel to where its orientation mark says that it belongs.

    >>> upright(np.array([[1, 2, 3]]), 6).tolist()
    [[1], [2], [3]]
    """
    rows, columns = stored.shape[:2]
    row_side, column_side = SIDES[orientation]
    swapped = row_side in ("left", "right")
    out = np.zeros(((columns, rows) if swapped else (rows, columns)) + stored.shape[2:], stored.dtype)
    for r in range(rows):
        for c in range(columns):
            along_row = r if row_side in ("top", "left") else rows - 1 - r
            along_column = c if column_side in ("top", "left") else columns - 1 - c
            out[(along_column, along_row) if swapped else (along_row, along_column)] = stored[r, c]
    return out


def over_white(rgba: np.ndarray) -> np.ndarray:
    """Lays bytes with an alpha byte over white, rounded to whole levels."""
    out = np.zeros((*rgba.shape[:2], 3), np.uint8)
    for r, c, k in np.ndindex(*out.shape):
        share = int(rgba[r, c, 3]) / 255
        out[r, c, k] = math.floor(int(rgba[r, c, k]) * share + 255 * (1 - share) + 0.5)
    return out


def resample(plane: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resizes (H, W) with the triangle filter, widened when shrinking so that no source pixel is skipped.

    >>> resample(np.array([[0.0, 4.0]]), (1, 1)).tolist()
    [[2.0]]
    """
    tall = np.stack([_line(plane[:, c], size[0]) for c in range(plane.shape[1])], axis=1)
    return np.stack([_line(tall[r], size[1]) for r in range(size[0])], axis=0)


def _line(values: np.ndarray, count: int) -> np.ndarray:
    step = len(values) / count
    support = max(1.0, step)
    out = np.zeros(count)
    for i in range(count):
        centre = (i + 0.5) * step
        weights = [max(0.0, 1 - abs(j + 0.5 - centre) / support) for j in range(len(values))]
        out[i] = sum(w * v for w, v in zip(weights, values, strict=True)) / sum(weights)
    return out


def cover_and_crop(image: np.ndarray, size: tuple[int, int], shorter: int | None) -> np.ndarray:
    """Scales (H, W, 3) until it covers the size (its shorter side to `shorter`, where given), keeps the centre."""
    scale = max(size[0] / image.shape[0], size[1] / image.shape[1])
    if shorter is not None:
        scale = max(scale, shorter / min(image.shape[:2]))
    scaled = (max(size[0], round(image.shape[0] * scale)), max(size[1], round(image.shape[1] * scale)))
    whole = np.stack([resample(image[..., k], scaled) for k in range(3)], axis=-1)
    top, left = (scaled[0] - size[0]) // 2, (scaled[1] - size[1]) // 2
    return whole[top : top + size[0], left : left + size[1]]


def model_values(image: np.ndarray, mean: tuple, std: tuple, scale: float, channels: str) -> np.ndarray:
    """One batch of what a network with these settings is fed, element by element."""
    depth = 1 if channels == "L" else 3
    out = np.zeros((1, *image.shape[:2], depth))
    for r, c, k in np.ndindex(*out.shape[1:]):
        red, green, blue = (float(v) for v in image[r, c])
        value = (
            0.299 * red + 0.587 * green + 0.114 * blue
            if channels == "L"
            else (red, green, blue)["RGB".index(channels[k])]
        )
        out[0, r, c, k] = (value * scale - mean[k]) / std[k]
    return out
