"""The network on a picture of any size: brought to the size it knows, and its answer back to the picture's own."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image

from deconvviz.errors import DataError
from deconvviz.tasks.segmentation.data import SIZE, model_input
from deconvviz.tasks.segmentation.network import STRIDE

Run = Callable[..., np.ndarray]


@functools.lru_cache(maxsize=8)
def compiled(network: Any) -> Run:
    """A network as a compiled function of a batch, kept."""
    from deconvviz.tasks._shared import weights

    return weights.jitted(network)


@functools.lru_cache(maxsize=8)
def compiled_step(network: Any) -> Callable[[np.ndarray], tuple[np.ndarray, ...]]:
    """Input -> (values, switches, grown) of a decoder's first step up, as `deconvviz.tasks.segmentation.Step` says."""
    import jax
    from flax import nnx

    graph, state = nnx.split(network)

    @jax.jit
    def begin(state: Any, x: Any) -> tuple[Any, Any]:
        module = nnx.merge(graph, state)
        features, (_, switches) = module.encoder(x)
        return module.middle.narrow(features), switches

    @jax.jit
    def grow(state: Any, values: Any, switches: Any) -> Any:
        return nnx.merge(graph, state).middle.spread(values, switches)

    def run(x: np.ndarray) -> tuple[np.ndarray, ...]:
        values, switches = begin(state, x)
        return tuple(np.asarray(one) for one in (values, switches, grow(state, values, switches)))

    return run


def network_size(size: tuple[int, int]) -> tuple[int, int]:
    """Rows and columns at which a picture is looked at: as many pixels as in training, its own shape, multiples of 8.

    Raises:
      DataError: smaller than the network's stride.

    >>> network_size((480, 640)), network_size((720, 1280))
    ((360, 480), (312, 552))
    """
    if min(size) < STRIDE:
        raise DataError(
            f"the network sees cells of {STRIDE} x {STRIDE} pixels; got a picture of {size[0]} x {size[1]}: "
            "name a larger one"
        )
    scale = (SIZE[0] * SIZE[1] / (size[0] * size[1])) ** 0.5
    # A very long picture keeps one cell across, and no more pixels along than four times the usual.
    rows, columns = (
        min(max(STRIDE, round(n * scale / STRIDE) * STRIDE), 4 * usual) for n, usual in zip(size, SIZE, strict=True)
    )
    return rows, columns


def scores_of(run: Run, pixels: np.ndarray) -> np.ndarray:
    """(h, w, 11) scores at half the size that the network looked at, or at an eighth."""
    return run(shown(pixels))[0]


def shown(pixels: np.ndarray) -> np.ndarray:
    """(1, h, w, 3): a picture (H, W, 3) uint8 as the network is shown it."""
    rows, columns = network_size((pixels.shape[0], pixels.shape[1]))
    if pixels.shape[:2] != (rows, columns):
        image = Image.fromarray(pixels).resize((columns, rows), Image.Resampling.BILINEAR)
        pixels = np.asarray(image)
    return model_input(pixels)[None]


def classes_of(run: Run, pixels: np.ndarray) -> np.ndarray:
    """(H, W) uint8: the class of every pixel of a picture (H, W, 3) uint8."""
    return classes_from(scores_of(run, pixels), (pixels.shape[0], pixels.shape[1]))


def classes_from(scores: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """(H, W) uint8: the class of the largest score, the scores enlarged bilinearly."""
    return enlarged(scores, size).argmax(-1).astype(np.uint8)


def enlarged(scores: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """(h, w, C) -> (H, W, C) float32, linear between the middles of the cells, the border kept beyond them.

    >>> enlarged(np.array([[[0.0], [4.0]]], np.float32), (1, 4))[0, :, 0].tolist()
    [0.0, 1.0, 3.0, 4.0]
    """
    down, across = (_line(n, m) for n, m in zip(scores.shape[:2], size, strict=True))
    rows = scores[down[0]] * down[1][:, None, None] + scores[down[2]] * (1 - down[1])[:, None, None]
    return rows[:, across[0]] * across[1][:, None] + rows[:, across[2]] * (1 - across[1])[:, None]


def _line(cells: int, pixels: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(lower cell, its weight, upper cell) of every pixel along one axis; beyond the outer middles the border."""
    where = np.clip((np.arange(pixels) + 0.5) * cells / pixels - 0.5, 0, cells - 1)
    low = np.minimum(where.astype(int), cells - 1)
    return low, (1 - (where - low)).astype(np.float32), np.minimum(low + 1, cells - 1)
