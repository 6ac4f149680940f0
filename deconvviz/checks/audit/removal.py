"""Deletion and insertion: how fast the unit falls or rises when pixels go or come in the order of a map."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from deconvviz.types import Array

#: Parts of the picture that go or come one after the other.
STEPS = 8
#: Curves whose pictures are held at a time.
AT_ONCE = 8


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
    first, second = (
        np.asarray(array, kind).reshape(places.size, -1) for array in ((cover, x) if insert else (x, cover))
    )
    turn = np.empty(places.size, int)
    turn[places] = np.arange(places.size)
    exchanged = turn < np.array([round(k * places.size / steps) for k in range(steps + 1)])[:, None]
    return np.where(exchanged[..., None], second, first).reshape(steps + 1, *np.shape(x)[1:])


def curves(
    score: Callable[[np.ndarray], np.ndarray],
    x: Array,
    cover: Array,
    asked: Sequence[tuple[np.ndarray, bool]],
    ends: tuple[float, float],
) -> np.ndarray:
    """Several curves of one picture, (curves, steps + 1); the pictures of `AT_ONCE` curves go through together.

    Args:
      asked: the places from `order`, and whether to insert, of each curve.
      score, x, cover, ends: as in `curve`.
    """
    result = np.empty((len(asked), STEPS + 1))
    for at in range(0, len(asked), AT_ONCE):
        some = asked[at : at + AT_ONCE]
        inputs = np.concatenate([pictures(x, cover, places, insert)[1:-1] for places, insert in some])
        result[at : at + AT_ONCE, 1:-1] = np.reshape(score(inputs), (len(some), STEPS - 1))
    result[:, [0, -1]] = [ends[::-1] if insert else ends for _, insert in asked]
    return result


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
    return np.asarray(curves(score, x, cover, [(order(ranked, seed), insert)], ends)[0])


def area(values: Array | Sequence[float]) -> float:
    """Area under a curve over 0..1, by trapezoids.

    >>> area([1.0, 0.5, 0.0])
    0.5
    """
    values = np.asarray(values, np.float64)
    return float((values[1:] + values[:-1]).mean() / 2)
