"""SmoothGrad: the gradient averaged over noisy copies of the picture."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from deconvviz.catalog import Method
from deconvviz.errors import DeconvvizError
from deconvviz.methods._drawn import Drawn
from deconvviz.methods._settings import check_whole
from deconvviz.network.score import Score
from deconvviz.types import Array, Size


def draw(score: Score, x: Array, *, seed: int = 0, samples: int = 16, noise: float = 0.15) -> Drawn:
    """The mean of the gradients at ``x + sigma n``, n standard normal; eight copies are held at a time.

    Formula: ``mean_n df/dx(x + sigma n)``, ``sigma = noise (max x - min x)``.

    Args:
      samples: noisy copies; the k-th is drawn from the seed and k alone.
      noise: standard deviation as a share of the range of the model input.

    Source: smilkov2017smoothgrad
    """
    check_whole(samples=(samples, 1), seed=(seed, 0))
    if not isinstance(noise, (int, float)) or not 0 <= noise < np.inf:
        raise DeconvvizError(f"noise is a share of the picture's range, a number from 0 up; got noise={noise!r}")
    x = np.asarray(x, np.float64)
    total = np.zeros(x.shape[1:])
    for k in range(0, samples, 8):
        total += score.signals(x + noisy(x, noise, seed, range(k, min(k + 8, samples))))[1].sum(
            axis=0, dtype=np.float64
        )
    return Drawn(total / samples, float(score.values(x)[0]))


def noisy(x: np.ndarray, noise: float, seed: int, which: range) -> np.ndarray:
    """The noise of some copies, (copies, H, W, C)."""
    return noise * float(x.max() - x.min()) * _draws(x.shape[1:], seed, which)


@functools.lru_cache(maxsize=1)  # an audit asks for the same ones with every set of weights
def _draws(shape: tuple[int, ...], seed: int, which: range) -> np.ndarray:
    return np.stack([np.random.default_rng([seed, k]).standard_normal(shape) for k in which])


def passes(size: Size, *, samples: int = 16, **options: Any) -> tuple[int, int]:
    """The picture itself, and its copies."""
    return 1, samples


METHOD = Method(
    name="smoothgrad",
    title="SmoothGrad",
    formula=r"\frac{1}{N} \sum_{n} \frac{\partial f}{\partial x}(x + \sigma \varepsilon_n)",
    sources=("smilkov2017smoothgrad",),
    order=12,
    assumes="What the gradients of noisy copies have in common is what matters; the noise itself means nothing.",
    limits="The slope of a blurred unit: it says nothing of small details that the noise drowns.",
    draw=draw,
    passes=passes,
)
