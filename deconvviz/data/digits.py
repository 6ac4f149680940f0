"""1797 handwritten digits that come with the package: scikit-learn's, which are the test part of a UCI data set.

Licence and source stand in digits.txt beside the file.
"""

from __future__ import annotations

import functools
import gzip
from pathlib import Path

import numpy as np

from deconvviz.types import Array

FILE = Path(__file__).with_name("digits.csv.gz")
#: Rows and columns of a digit in the file, and of the network's input.
SMALL, LARGE = 8, 28
#: Rows and columns that an enlarged digit fills; the rest is a rim of zeros.
INNER = 24


@functools.cache
def load() -> tuple[np.ndarray, np.ndarray]:
    """All of them: (1797, 8, 8) float32, 0 paper to 1 ink; (1797,) int, the digit. Read-only.

    Source: alpaydin1998optical

    >>> pictures, digits = load()
    >>> pictures.shape, float(pictures.max()), digits[:5].tolist()
    ((1797, 8, 8), 1.0, [0, 1, 2, 3, 4])
    """
    with gzip.open(FILE, "rt", encoding="ascii") as lines:
        table = np.loadtxt(lines, delimiter=",")
    pictures = (table[:, :-1] / 16).astype(np.float32).reshape(-1, SMALL, SMALL)
    digits = table[:, -1].astype(np.int64)
    for values in (pictures, digits):
        values.setflags(write=False)
    return pictures, digits


def enlarged(pictures: Array) -> np.ndarray:
    """(N, 8, 8) as the network takes them: bilinear three times as large, with a rim of two zeros.

    Returns:
      (N, 28, 28, 1) float32.

    >>> enlarged(np.ones((1, 8, 8)))[0, [0, 2, 25, 26], 14, 0].tolist()
    [0.0, 1.0, 1.0, 0.0]
    """
    at = (np.arange(INNER) + 0.5) * SMALL / INNER - 0.5
    share = np.clip(1 - np.abs(at[:, None] - np.arange(SMALL)), 0, None)
    share /= share.sum(axis=1, keepdims=True)
    large = np.einsum("ri,nij,cj->nrc", share, np.asarray(pictures, np.float32), share)
    rim = (LARGE - INNER) // 2
    return np.pad(large, ((0, 0), (rim, rim), (rim, rim)))[..., None].astype(np.float32)


def reduced(picture: Array) -> np.ndarray:
    """A picture of one digit as the data set has them: dark on light turned round, cut to the ink, 8 x 8 by averages.

    Args:
      picture: (H, W) grey, 0..1.

    Returns:
      (8, 8) float32, 0 paper to 1 ink; all zeros where there is no ink.

    >>> stroke = np.ones((40, 30)); stroke[5:35, 13:17] = 0
    >>> reduced(stroke).round(1)[:, 3:5].tolist()[2]
    [0.5, 0.5]
    """
    grey = np.asarray(picture, np.float64)
    rim = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    ink = np.clip(np.median(rim) - grey if np.median(rim) > 0.5 else grey - np.median(rim), 0, 1)
    if ink.max() < 0.1:
        return np.zeros((SMALL, SMALL), np.float32)
    ink = ink / ink.max()
    rows, columns = (np.flatnonzero((ink > 0.4).any(axis=axis)) for axis in (1, 0))
    ink = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    side = max(ink.shape)
    missing = [side - n for n in ink.shape]
    square = np.pad(ink, [(m // 2, m - m // 2) for m in missing])
    edges = np.linspace(0, side, SMALL + 1)
    share = np.clip(
        np.minimum(edges[1:, None], np.arange(1, side + 1)) - np.maximum(edges[:-1, None], np.arange(side)), 0, None
    )
    share /= share.sum(axis=1, keepdims=True)
    return (share @ square @ share.T).astype(np.float32)


def split(digits: Array, held_out: int = 597, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """(rows to train on, rows held back), drawn by seed, every digit in both in the same proportion.

    >>> train, held = split(load()[1])
    >>> len(train), len(held), len(set(train) & set(held))
    (1200, 597, 0)
    """
    digits = np.asarray(digits)
    draw = np.random.default_rng((28, seed))
    order = draw.permutation(len(digits))
    place = np.empty(len(digits))
    for digit in np.unique(digits):
        rows = order[digits[order] == digit]
        place[rows] = (np.arange(len(rows)) + 0.5) / len(rows)
    ranked = np.argsort(place, kind="stable")
    return np.sort(ranked[held_out:]), np.sort(ranked[:held_out])
