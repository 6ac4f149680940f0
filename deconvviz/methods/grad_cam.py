"""Grad-CAM: the maps of one layer, weighted by the mean of the unit's derivative over each."""

from __future__ import annotations

from typing import Any

import numpy as np

from deconvviz.catalog import Method
from deconvviz.errors import NetworkError
from deconvviz.methods._drawn import Drawn
from deconvviz.network.score import Score
from deconvviz.types import Array, Size


def draw(score: Score, x: Array, *, seed: int = 0, layer: str | None = None) -> Drawn:
    """The weighted sum of a layer's maps, its negative part cut off, brought to the picture's size.

    Formula: ``max(sum_c w_c A_c, 0)``, ``w_c = mean_ij df/dA_cij``. Brought to the picture's size by linear
    interpolation between the centres of the cells, which are taken to divide the picture evenly; beyond the outermost
    centres the value of the border stays.

    Args:
      layer: any layer of maps (h, w, c) that the unit rests on; the last rectified or convolved one below the unit
        that has more than one place if None.

    Raises:
      NetworkError: no such layer, one without rows and columns, or one above the unit.

    Source: selvaraju2017gradcam
    """
    name = last_maps(score) if layer is None else score.network.layer(layer).name
    if len(score.network.layer(name).shape) != 3:
        raise NetworkError(
            f"Grad-CAM weighs maps of rows and columns, and layer {name} of {score.network.name} is of shape "
            f"{score.network.layer(name).shape}: choose a convolution or what follows one"
        )
    maps, slopes = score.layer_signal(x, name)
    maps, slopes = maps.astype(np.float64), slopes.astype(np.float64)
    coarse = np.maximum((maps * slopes.mean(axis=(0, 1))).sum(axis=-1), 0)
    rows, columns = (interpolation(n, size) for n, size in zip(coarse.shape, np.shape(x)[1:3], strict=True))
    note = "" if coarse.any() else (
        f"the weighted sum of the maps of {name} is nowhere positive, so Grad-CAM is zero everywhere: another layer "
        "may show something"
    )  # fmt: skip
    return Drawn(rows @ coarse @ columns.T, float(score.values(x)[0]), note=note)


def last_maps(score: Score) -> str:
    """The layer that is taken where none is named."""
    program = score.network.program()
    below = {v for item in program.path_to(score.node.variable) for v in item.eqn.outvars} - {score.node.variable}
    layers = [node.layer for node in program.nodes if node.variable in below and node.order is not None]
    for layer in reversed(layers):
        if layer.kind in ("conv", "relu") and len(layer.shape) == 3 and layer.shape[0] * layer.shape[1] > 1:
            return layer.name
    raise NetworkError(
        f"Grad-CAM needs a convolution below the unit, and {score.network.name} has none below {score.unit.layer}"
    )


def interpolation(cells: int, size: int) -> np.ndarray:
    """(size, cells) weights of linear interpolation between the centres of cells that divide an axis evenly.

    >>> interpolation(2, 4).tolist()
    [[1.0, 0.0], [0.75, 0.25], [0.25, 0.75], [0.0, 1.0]]
    """
    place = np.clip((np.arange(size) + 0.5) * cells / size - 0.5, 0, cells - 1)
    low = np.minimum(place.astype(int), max(cells - 2, 0))
    weights = np.zeros((size, cells))
    weights[np.arange(size), low] = 1 - (place - low)
    if cells > 1:
        weights[np.arange(size), low + 1] = place - low
    return weights


def passes(size: Size, **options: Any) -> tuple[int, int]:
    """The unit's value, and its derivative by the maps."""
    return 1, 1


METHOD = Method(
    name="grad_cam",
    title="Grad-CAM",
    formula=r"\max\Big(\sum_c \Big(\operatorname{mean}_{ij} \frac{\partial f}{\partial A_{cij}}\Big) A_c,\ 0\Big)",
    sources=("selvaraju2017gradcam",),
    order=13,
    assumes="One weight a channel says what its whole map is worth; a cell stands for its share of the pixels.",
    limits="As coarse as the layer: it shows a region, no shape, and nothing that speaks against the unit.",
    signed=True,
    draw=draw,
    passes=passes,
)
