"""The arrays on which a formula is run: random, of other sizes for other seeds, height and width never equal."""

from __future__ import annotations

from typing import Any

import numpy as np

from deconvviz.ops.conv import conv
from deconvviz.ops.periodic import circular_conv
from deconvviz.ops.pool import max_pool


def draw(seed: int, number: int) -> tuple[np.random.Generator, tuple[int, int]]:
    """The random numbers of a formula, and the size of its image: height and width differ.

    >>> draw(3, 1)[1] == draw(3, 1)[1]
    True
    """
    random = np.random.default_rng((number, seed))
    height = int(random.integers(6, 9))
    return random, (height, height + 1 + int(random.integers(0, 3)))


def of_000(seed: int) -> dict[str, Any]:
    random, size = draw(seed, 0)
    return {"x": random.standard_normal((*size, 3)), "w": random.standard_normal((3, 4, 2, 3))}


def of_001(seed: int) -> dict[str, Any]:
    random, size = draw(seed, 1)
    return {"x": random.standard_normal((*size, 1)), "w": random.standard_normal((4, 3, 5, 1))}


def of_002_1(seed: int) -> dict[str, Any]:
    random, size = draw(seed, 2)
    return {"x": random.standard_normal((*size, 3)), "w": random.standard_normal((3, 2, 3, 1))}


def of_002_2(seed: int) -> dict[str, Any]:
    random, size = draw(seed, 3)
    x, w = random.standard_normal((*size, 1)), random.standard_normal((3, 2, 1, 4))
    return {"x": x, "y": np.asarray(conv(x[None], w)[0], np.float64), "w": w, "size": size}


def of_002_3(seed: int) -> dict[str, Any]:
    random, size = draw(seed, 4)
    x, window = random.standard_normal(size), (3, 2)
    y, switches = (np.asarray(a[0, :, :, 0]) for a in max_pool(x[None, :, :, None], window, (2, 2)))
    return {"x": x, "y": y.astype(np.float64), "switches": switches, "window": window, "size": size}


def of_003_1(seed: int) -> dict[str, Any]:
    random, size = draw(seed, 5)
    taps = 2 + seed % 3
    return {
        "v": random.standard_normal((2, taps, taps)),
        "g": random.standard_normal((*size, 2)),
        "w": random.standard_normal(taps),
    }


def of_003_2(seed: int) -> dict[str, Any]:
    random, size = draw(seed, 6)
    return {"y": random.standard_normal(size), "h": 2, "w": 3}


def of_004(seed: int) -> dict[str, Any]:
    """A picture, the same blurred, and the blur: positive weights that sum to 1, half of it in the middle."""
    random, size = draw(seed, 7)
    k = random.uniform(0.2, 1.0, (3, 5))
    k[1, 2] = k.sum() - k[1, 2]
    k /= k.sum()
    truth = random.standard_normal(size)
    return {"truth": truth, "x": circular_conv(truth, k), "k": k}
