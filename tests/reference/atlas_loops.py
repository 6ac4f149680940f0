"""The strongest pictures of every channel, by sorting all of them."""

from __future__ import annotations

import numpy as np


def strongest(maps: list[np.ndarray], room: int) -> list[list[tuple[float, int, int, int]]]:
    """For each channel (value, picture, row, column) of at most ``room`` pictures, strongest first.

    Args:
      maps: one (h, w, c) activation a picture.
      room: how many a channel.
    """
    found: list[list[tuple[float, int, int, int]]] = []
    for channel in range(maps[0].shape[2]):
        best = []
        for picture, values in enumerate(maps):
            peak = (-np.inf, 0, 0)
            for row in range(values.shape[0]):
                for column in range(values.shape[1]):
                    if values[row, column, channel] > peak[0]:
                        peak = (float(values[row, column, channel]), row, column)
            if peak[0] > 0:
                best.append((peak[0], picture, peak[1], peak[2]))
        best.sort(key=lambda one: (-one[0], one[1]))
        found.append(best[:room])
    return found
