"""Inversion by a decoder and a search in turn: the picture near a first answer whose features are those wanted.

Formula: minimize ``|Phi(x) - a|^2 / |a|^2 + near mean((x - x0)^2)`` over pictures x in 0..1 by steps of Adam from
``x0 = f(a)``, a decoder's answer. It is the most probable picture where pictures scatter about x0 with equal spread in
every pixel, and the values are seen through noise. The decoder says what is likely and blurs what it does not know; the
steps put back what the layer does know.

Source: dosovitskiy2016inverting, mahendran2015understanding
"""

from __future__ import annotations

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np

from deconvviz.errors import DeconvvizError
from deconvviz.methods import _nearby
from deconvviz.methods._settings import check_numbers, check_whole, schedule
from deconvviz.network import Network
from deconvviz.types import DisplayImage


@dataclass(frozen=True)
class Refinement:
    """How a first answer is refined.

    Attributes:
      steps: of Adam.
      rate: at the start; it falls to a twentieth along half a cosine.
      near: weight of the mean squared distance from the first answer: large stays there, 0 forgets it.
    """

    steps: int = 160
    rate: float = 0.02
    near: float = 30.0

    def __post_init__(self) -> None:
        check_whole(steps=(self.steps, 1))
        check_numbers(rate=self.rate, near=self.near)
        if self.rate == 0:
            raise DeconvvizError(f"rate is above 0; got rate={self.rate!r}")


def refine(
    network: Network, values: np.ndarray, layer: str, first: DisplayImage, settings: Refinement | None = None
) -> DisplayImage:
    """A picture near a first answer that a layer answers with these values.

    Args:
      network: the network.
      values: (1, ...), what the layer says of the picture that is sought.
      layer: the layer's name.
      first: (H, W, 3), 0..1, the answer to begin with.
      settings: how; `Refinement()` if None.

    Returns:
      (H, W, 3) float32, 0..1.

    Raises:
      NetworkError: no such layer.
      DeconvvizError: values that are zero everywhere.

    Source: dosovitskiy2016inverting, mahendran2015understanding
    """
    settings = settings or Refinement()
    weight = _nearby.weight_of(layer, values)
    optimizer, step = _nearby.step(network, layer)
    x = near = jnp.asarray(first, jnp.result_type(float))[None]
    memory, consts, target = optimizer.init(x), network.program().flat.consts, jnp.asarray(values)
    for number in range(settings.steps):
        rate = float(schedule(settings.rate, number, settings.steps))
        x, memory = step(x, memory, near, settings.near, rate, consts, target, weight)
    return np.asarray(x[0], np.float32)
