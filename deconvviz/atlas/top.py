"""The strongest pictures of every channel: kept in tables that can be merged in any order.

A picture counts once for a channel, with its strongest position (the first one, of equals). Pictures are ordered by
value, and by number where values are equal, so batches, devices and processes may split them in any way. A value that
is not above zero excites nothing and is not kept.

Source: zeiler2014visualizing
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: Number of a picture, and its position, where a channel has fewer than it has room for.
NONE = -1


@dataclass(frozen=True, eq=False)
class Top:
    """The strongest pictures of the channels of a layer, strongest first.

    Attributes:
      values: (C, K) float32; -inf where there is no picture.
      pictures: (C, K) int64, numbers of pictures; `NONE` where there is none.
      places: (C, K) int64, position ``row * width + column``; `NONE` where there is none.
    """

    values: np.ndarray
    pictures: np.ndarray
    places: np.ndarray

    @property
    def filled(self) -> np.ndarray:
        """(C, K) bool: where there is a picture."""
        return self.pictures != NONE


def empty(channels: int, room: int) -> Top:
    """No pictures yet, with room for so many a channel.

    >>> empty(5, 9).filled.any()
    np.False_
    """
    nothing = np.full((channels, room), NONE, np.int64)
    return Top(np.full((channels, room), -np.inf, np.float32), nothing, nothing.copy())


def of_batch(values: np.ndarray, places: np.ndarray, pictures: np.ndarray) -> Top:
    """Some pictures as a table, in no order.

    Args:
      values, places: (N, C), the strongest value of each channel and its position.
      pictures: (N,), their numbers.

    >>> of_batch(np.float32([[2, -1]]), np.array([[3, 5]]), np.array([7])).pictures.tolist()
    [[7], [-1]]
    """
    excited = values.T > 0
    numbers = np.broadcast_to(np.asarray(pictures, np.int64), excited.shape)
    return Top(
        np.where(excited, values.T, -np.inf).astype(np.float32),
        np.where(excited, numbers, NONE),
        np.where(excited, places.T, NONE).astype(np.int64),
    )


def merge(first: Top, second: Top, room: int) -> Top:
    """The strongest of two tables over different pictures.

    Args:
      first, second: tables of the same channels.
      room: how many a channel are kept.

    >>> one = of_batch(np.float32([[2], [4]]), np.array([[0], [1]]), np.array([0, 1]))
    >>> two = of_batch(np.float32([[4], [3]]), np.array([[2], [3]]), np.array([2, 3]))
    >>> merge(one, two, 3).pictures.tolist()
    [[1, 2, 3]]
    """
    values = np.concatenate([first.values, second.values], axis=1)
    pictures = np.concatenate([first.pictures, second.pictures], axis=1)
    places = np.concatenate([first.places, second.places], axis=1)
    order = np.lexsort((pictures, -values), axis=-1)[:, :room]
    return Top(*(np.take_along_axis(part, order, axis=1) for part in (values, pictures, places)))
