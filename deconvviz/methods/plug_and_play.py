"""Inversion with a denoiser as the prior: steps towards a layer's values and the denoiser, in turns.

Formula: minimize ``|Phi(x) - a|^2 / |a|^2 + prior(x)`` by half quadratic splitting. For noise levels s that fall from
round to round, ``x <- argmin |Phi(x) - a|^2 / |a|^2 + w mean((x - z)^2) / s^2`` by steps of Adam from z, then
``z <- D(x + s n)``, n white noise and D a denoiser. The prior is never written down: D stands for it. The noise is
there because D is told no level: it takes away what it sees.

Source: venkatakrishnan2013plug, zhang2022plug, romano2017little
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np

from deconvviz.errors import DeconvvizError
from deconvviz.methods import _nearby
from deconvviz.methods._settings import check_numbers, check_whole
from deconvviz.network import Network
from deconvviz.types import DisplayImage

#: (H, W, 3) around 0..1 with noise -> the same without.
Denoiser = Callable[[np.ndarray], np.ndarray]
#: Grey and noise that a search starts from.
GREY, START = 0.5, 0.05


@dataclass(frozen=True)
class PlugAndPlay:
    """How a search goes; the numbers were chosen among five on two pictures, in relu3 and relu5 of the shipped network.

    Attributes:
      rounds: how often the denoiser is asked.
      steps: of Adam towards the values in each round.
      loud, quiet: noise level of the first and of the last round; in between it falls by the same factor.
      weight: of the distance from what the denoiser said.
      rate: of Adam, in the first round; it falls with the noise, to a quarter at most.
    """

    rounds: int = 12
    steps: int = 32
    loud: float = 0.2
    quiet: float = 0.03
    weight: float = 0.1
    rate: float = 0.03

    def __post_init__(self) -> None:
        check_whole(rounds=(self.rounds, 1), steps=(self.steps, 1))
        check_numbers(loud=self.loud, quiet=self.quiet, weight=self.weight, rate=self.rate)
        if not 0 < self.quiet <= self.loud:
            raise DeconvvizError(
                f"the noise falls from loud to quiet, both above 0; got loud={self.loud!r}, quiet={self.quiet!r}"
            )

    def levels(self) -> np.ndarray:
        """The noise level of each round.

        >>> PlugAndPlay(rounds=3, loud=0.2, quiet=0.05).levels().round(3).tolist()
        [0.2, 0.1, 0.05]
        """
        return np.geomspace(self.loud, self.quiet, self.rounds)


def invert(
    network: Network,
    values: np.ndarray,
    layer: str,
    denoise: Denoiser,
    settings: PlugAndPlay | None = None,
    *,
    seed: int = 0,
) -> DisplayImage:
    """A picture that a layer answers with these values, and that the denoiser leaves alone.

    Args:
      network: the network.
      values: (1, ...), what the layer says of the picture that is sought.
      layer: the layer's name.
      denoise: the prior.
      settings: how the search goes; `PlugAndPlay()` if None.
      seed: of the noise.

    Returns:
      (H, W, 3) float32, 0..1: the denoiser's last word.

    Raises:
      NetworkError: no such layer.
      DeconvvizError: values that are zero everywhere.

    Source: venkatakrishnan2013plug, zhang2022plug
    """
    settings = settings or PlugAndPlay()
    weight = _nearby.weight_of(layer, values)
    optimizer, step = _nearby.step(network, layer)
    draw = np.random.default_rng(seed)
    z = (GREY + START * draw.standard_normal((*network.input_spec.size, 3))).astype(np.float32)
    consts, target = network.program().flat.consts, jnp.asarray(values)
    for level in settings.levels():
        x = jnp.asarray(z)[None]
        memory, near = optimizer.init(x), x
        pull = settings.weight / level**2
        rate = settings.rate * max(0.25, level / settings.loud)
        for _ in range(settings.steps):
            x, memory = step(x, memory, near, pull, rate, consts, target, weight)
        noisy = np.asarray(x)[0] + level * draw.standard_normal(z.shape)
        z = np.clip(denoise(noisy.astype(np.float32)), 0, 1).astype(np.float32)
    return z
