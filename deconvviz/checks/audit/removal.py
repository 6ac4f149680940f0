"""Deletion and insertion: how fast the unit falls or rises when pixels go or come in the order of a map."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from deconvviz.types import Array

#: Parts of the picture that go or come one after the other.
STEPS = 8


def order(ranked: Array, seed: int = 0) -> np.ndarray:
    """Places of an (H, W) map from its largest value down, flat; equal values in an order drawn from the seed.

    >>> order(np.array([[1.0, 3.0], [2.0, 0.0]])).tolist()
    [1, 2, 0, 3]
    """
    values = np.asarray(ranked, np.float64).ravel()
    return np.lexsort((np.random.default_rng(seed).permutation(values.size), -values))


def pictures(x: Array, cover: Array, places: np.ndarray, insert: bool, steps: int = STEPS) -> np.ndarray:
    """The model inputs of a curve: (steps + 1, H, W, C), the first shares of the places exchanged.

    Args:
      x: (1, H, W, C) model input.
      cover: what stands for nothing, of the same shape.
      places: flat, from `order`.
      insert: begin with the cover and bring the picture in; else begin with the picture.
    """
    kind = np.asarray(x).dtype  # that of the network, so that each picture is written once
    first, second = (np.asarray(array, kind) for array in ((cover, x) if insert else (x, cover)))
    inputs = np.repeat(first, steps + 1, axis=0).reshape(steps + 1, places.size, -1)
    other = second.reshape(places.size, -1)
    for k in range(1, steps + 1):
        exchanged = places[: round(k * places.size / steps)]
        inputs[k, exchanged] = other[exchanged]
    return inputs.reshape(steps + 1, *np.shape(x)[1:])


def curve(
    score: Callable[[np.ndarray], np.ndarray],
    x: Array,
    cover: Array,
    ranked: Array,
    ends: tuple[float, float],
    insert: bool,
    seed: int = 0,
) -> np.ndarray:
    """The unit's score after every step, (steps + 1,).

    Args:
      score: model inputs -> numbers.
      x, cover: as in `pictures`.
      ranked: (H, W), the largest go or come first.
      ends: the scores of x and of the cover, which all curves of a picture share.
      insert, seed: as in `pictures` and `order`.

    Source: petsiuk2018rise
    """
    inputs = pictures(x, cover, order(ranked, seed), insert)
    first, last = ends[::-1] if insert else ends
    return np.concatenate([[first], score(inputs[1:-1]), [last]])


def area(values: Array | Sequence[float]) -> float:
    """Area under a curve over 0..1, by trapezoids.

    >>> area([1.0, 0.5, 0.0])
    0.5
    """
    values = np.asarray(values, np.float64)
    return float((values[1:] + values[:-1]).mean() / 2)
