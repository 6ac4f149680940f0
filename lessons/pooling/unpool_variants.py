"""Ways back through max pooling: the adjoint, and six others that people use or write by mistake."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import jax
import numpy as np

from deconvviz.ops import Pads, max_pool, max_unpool
from deconvviz.ops.unpool_variants import (
    Filling,
    centre_switches,
    fill_unpool,
    filling_weights,
    overwrite_unpool,
    random_switches,
)
from deconvviz.types import Array
from lessons._kit.form.i18n import mark

Cell = tuple[int, int]
#: Of the random switches.
SEED = 3


@dataclass(frozen=True, eq=False)
class Pooling:
    """A picture (1, H, W, 1), how it is pooled, and what comes out."""

    x: Array
    window: int
    stride: int
    pads: Pads

    @property
    def size(self) -> Cell:
        """(height, width) of the picture."""
        return self.x.shape[1], self.x.shape[2]

    @cached_property
    def pooled(self) -> tuple[jax.Array, jax.Array]:
        """The maxima and their switches, each (1, H', W', 1)."""
        return max_pool(self.x, self.window, self.stride, self.pads)

    def cells(self, window: Cell) -> list[Cell]:
        """The cells of a window in reading order; those beyond the picture are padding."""
        (top, _), (left, _) = self.pads
        rows, columns = window[0] * self.stride - top, window[1] * self.stride - left
        return [(rows + p, columns + q) for p in range(self.window) for q in range(self.window)]


def centres(pooling: Pooling) -> np.ndarray:
    """The middle of each window."""
    return centre_switches(pooling.size, pooling.window, pooling.stride, pooling.pads)


def at_random(pooling: Pooling) -> np.ndarray:
    """A random cell of each window, the same every time."""
    return random_switches(pooling.size, pooling.window, pooling.stride, pooling.pads, seed=SEED)


def of_another(pooling: Pooling) -> jax.Array:
    """The switches of another picture: this one turned by 180 degrees."""
    return max_pool(pooling.x[:, ::-1, ::-1], pooling.window, pooling.stride, pooling.pads)[1]


#: Name in the URL -> the switches that a way uses instead of the true ones.
SWITCHES: dict[str, Callable[[Pooling], Array]] = {
    "true": lambda pooling: pooling.pooled[1],
    "overwrite": lambda pooling: pooling.pooled[1],
    "centre": centres,
    "random": at_random,
    "other": of_another,
}


def add_at_switches(g: Array, pooling: Pooling) -> jax.Array:
    """The adjoint: each value added at its switch."""
    return max_unpool(g, pooling.pooled[1], pooling.size)


def assign_at_switches(g: Array, pooling: Pooling) -> jax.Array:
    """Wrong where windows share a maximum: each value assigned to its switch, so the last one stays."""
    return overwrite_unpool(g, pooling.pooled[1], pooling.size)


def add_at_centres(g: Array, pooling: Pooling) -> jax.Array:
    """Without switches: each value to the middle of its window."""
    return max_unpool(g, centres(pooling), pooling.size)


def add_at_random(g: Array, pooling: Pooling) -> jax.Array:
    """Without switches: each value to a random cell of its window."""
    return max_unpool(g, at_random(pooling), pooling.size)


def add_where_another(g: Array, pooling: Pooling) -> jax.Array:
    """With the switches of another picture."""
    return max_unpool(g, of_another(pooling), pooling.size)


def fill_nearest(g: Array, pooling: Pooling) -> jax.Array:
    """Without switches: each cell takes the value of the window whose middle is nearest."""
    how = (pooling.window, pooling.stride, pooling.pads)
    return fill_unpool(g, *how, input_size=pooling.size, filling="nearest")


def fill_bilinear(g: Array, pooling: Pooling) -> jax.Array:
    """Without switches: each cell is interpolated between the windows around it."""
    how = (pooling.window, pooling.stride, pooling.pads)
    return fill_unpool(g, *how, input_size=pooling.size, filling="bilinear")


#: Name in the URL -> (name on screen, function of the signal and the pooling).
VARIANTS: dict[str, tuple[str, Callable[[Array, Pooling], jax.Array]]] = {
    "true": (mark("true switches, adding"), add_at_switches),
    "overwrite": (mark("true switches, overwriting"), assign_at_switches),
    "centre": (mark("middle of the window"), add_at_centres),
    "random": (mark("random switches"), add_at_random),
    "other": (mark("another picture's switches"), add_where_another),
    "nearest": (mark("fill: nearest"), fill_nearest),
    "bilinear": (mark("fill: bilinear"), fill_bilinear),
}


@functools.partial(jax.jit, static_argnums=(1, 2, 3))
def every_way(x: jax.Array, window: int, stride: int, pads: Pads) -> dict[str, jax.Array]:
    """What comes back of the maxima on each of `VARIANTS`; compiled as one, so that a new window is drawn at once."""
    pooling = Pooling(x, window, stride, pads)
    return {name: way(pooling.pooled[0], pooling) for name, (_, way) in VARIANTS.items()}


def shares(way: str, pooling: Pooling) -> dict[Cell, np.ndarray]:
    """Window -> (H, W): the share of its value that each cell of what comes back is given."""
    count, (height, width) = pooling.pooled[0].shape[1:3], pooling.size
    windows = [(i, j) for i, j in np.ndindex(*count)]
    if way in SWITCHES:
        places = np.asarray(SWITCHES[way](pooling))[0, :, :, 0]
        return {w: (np.arange(height * width) == places[w]).reshape(height, width).astype(float) for w in windows}
    filling: Filling = "nearest" if way == "nearest" else "bilinear"
    rows, columns = filling_weights(pooling.size, pooling.window, pooling.stride, pooling.pads, filling=filling)
    return {(i, j): np.outer(rows[:, i], columns[:, j]) for i, j in windows}


def arriving(way: str, pooling: Pooling, cell: Cell) -> list[tuple[Cell, float]]:
    """The windows whose value arrives at a cell, in reading order, each with the weight it is taken with."""
    result = [(window, float(share[cell])) for window, share in shares(way, pooling).items() if share[cell] > 0]
    return result[-1:] if way == "overwrite" else result
