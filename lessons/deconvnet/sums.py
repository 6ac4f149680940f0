"""One cell of the backward signal: every number that arrives there, by the formula of the step. NumPy only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Pair = tuple[int, int]
#: (row, column, channel).
Cell = tuple[int, int, int]


@dataclass(frozen=True)
class Product:
    """One weight times one number of the signal above.

    Attributes:
      above: (row, column, channel) of that number.
      tap: (row, column) in the kernel.
      signal, weight: the two factors.
    """

    above: Cell
    tap: Pair
    signal: float
    weight: float

    @property
    def value(self) -> float:
        """What it adds."""
        return self.signal * self.weight


@dataclass(frozen=True)
class Meeting:
    """The products that meet in one cell below a filter.

    Attributes:
      count: taps times channels above; fewer at the border.
      total: sum of all products.
      magnitude: sum of their absolute values.
      largest: the few of largest absolute value, largest first; those that are zero are left out.
    """

    count: int
    total: float
    magnitude: float
    largest: tuple[Product, ...]

    @property
    def rest(self) -> float:
        """Sum of all products but the largest."""
        return self.total - sum(product.value for product in self.largest)


@dataclass(frozen=True)
class Window:
    """A pooling window that holds a cell: its place, where its maximum was, and the signal that it sends there."""

    place: Pair
    maximum: Pair
    signal: float


def meeting(above: np.ndarray, kernel: np.ndarray, stride: Pair, before: Pair, cell: Cell, most: int = 5) -> Meeting:
    """Every product that arrives in one cell: ``sum w[i, j, k, o] g[u, v, o]`` over all ``s u + i - p = r``.

    Args:
      above: (h', w', O) signal on the filter's output.
      kernel: (kh, kw, I, O), not dilated.
      stride: rows and columns per step on the way up.
      before: padding above and to the left on the way up.
      cell: (row, column, channel) below.
      most: how many of the largest products to name.

    >>> found = meeting(np.array([[[2.0], [3.0]]]), np.array([[[[1.0]], [[10.0]]]]), (1, 1), (0, 0), (0, 1, 0))
    >>> found.count, found.total, [product.above for product in found.largest]
    (2, 23.0, [(0, 0, 0), (0, 1, 0)])
    """
    row, column, channel = cell
    taps = []
    for i, j in np.ndindex(kernel.shape[0], kernel.shape[1]):
        (u, down), (v, along) = divmod(row + before[0] - i, stride[0]), divmod(column + before[1] - j, stride[1])
        if down == along == 0 and 0 <= u < above.shape[0] and 0 <= v < above.shape[1]:
            taps.append((i, j, u, v))
    if not taps:
        return Meeting(0, 0.0, 0.0, ())
    signals = np.stack([above[u, v] for _, _, u, v in taps]).astype(np.float64)
    weights = np.stack([kernel[i, j, channel] for i, j, _, _ in taps]).astype(np.float64)
    products = signals * weights
    first = np.argsort(-np.abs(products), axis=None, kind="stable")[:most]
    largest = []
    for tap, o in zip(*np.unravel_index(first, products.shape), strict=True):
        i, j, u, v = taps[tap]
        if products[tap, o]:
            largest.append(Product((u, v, int(o)), (i, j), float(signals[tap, o]), float(weights[tap, o])))
    return Meeting(products.size, float(products.sum()), float(np.abs(products).sum()), tuple(largest))


def windows(
    above: np.ndarray, switches: np.ndarray, span: Pair, stride: Pair, before: Pair, width: int, cell: Cell
) -> list[Window]:
    """The pooling windows that hold a cell, in reading order.

    Args:
      above: (h', w', c) signal on the pooled map.
      switches: (h', w', c) flat indices into a plane of that width.
      span, stride, before: rows and columns of a window, of a step, of padding above and to the left.
      width: columns of the map below.
      cell: (row, column, channel) below.

    >>> windows(np.array([[[5.0]]]), np.array([[[3]]]), (2, 2), (2, 2), (0, 0), 2, (0, 1, 0))
    [Window(place=(0, 0), maximum=(1, 1), signal=5.0)]
    """
    row, column, channel = cell
    result = []
    for u, v in np.ndindex(*above.shape[:2]):
        top, left = stride[0] * u - before[0], stride[1] * v - before[1]
        if top <= row < top + span[0] and left <= column < left + span[1]:
            maximum = divmod(int(switches[u, v, channel]), width)
            result.append(Window((u, v), maximum, float(above[u, v, channel])))
    return result


def strongest(signal: np.ndarray) -> Cell:
    """(row, column, channel) of the largest magnitude of an (h, w, c) signal, the first of several.

    >>> strongest(np.array([[[1.0, -4.0]]]))
    (0, 0, 1)
    """
    row, column, channel = np.unravel_index(np.abs(signal).argmax(), signal.shape)
    return int(row), int(column), int(channel)


def first_look(signal: np.ndarray) -> Cell:
    """(row, column, channel) of the largest magnitude in the channel that is strongest as a whole.

    >>> first_look(np.array([[[1.0, -4.0], [2.0, 0.0], [2.0, 0.0]]]))
    (0, 1, 0)
    """
    channel = int(by_strength(signal)[0])
    return *strongest(signal[..., channel : channel + 1])[:2], channel


def by_strength(signal: np.ndarray) -> np.ndarray:
    """Channels of an (h, w, c) signal by the sum of their magnitudes, largest first, ties by number.

    >>> by_strength(np.array([[[1.0, -4.0, 2.0]]])).tolist()
    [1, 2, 0]
    """
    return np.argsort(-np.abs(signal).sum(axis=(0, 1)), kind="stable")
