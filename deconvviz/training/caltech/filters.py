"""What the filters of a first layer look like, in figures: fine noise left over, channels that are silent or alike."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from deconvviz.types import Array

#: Two filters are near-duplicates from this cosine on.
ALIKE = 0.9
#: Each filter is moved so many pixels against the other, at most, to find it.
SHIFT = 1
#: Points a side at which a spectrum is taken.
_POINTS = 64


class FirstLayer(NamedTuple):
    """Figures of the filters that see the picture itself.

    Attributes:
      fine: share of a filter's energy above half of Nyquist, a quarter of a wave a pixel; mean over filters.
      dead: filters that answer nowhere in any of the pictures.
      alike: filters that look like one before them (`alike`).
      filters: how many there are.
    """

    fine: float
    dead: int
    alike: int
    filters: int

    def __str__(self) -> str:
        return (
            f"{self.filters} filters: {self.fine:.0%} of their energy above half of Nyquist (white noise: {NOISE:.0%})"
            f", {self.dead} dead, {self.alike} near-duplicates"
        )


def fine(kernel: Array) -> np.ndarray:
    """Share of each filter's energy at frequencies above half of Nyquist, in any direction.

    Formula: ``sum over |f| > 1/4 of |F(k)|^2 / sum over all f of |F(k)|^2``, f in waves a pixel, |f| its length.

    Args:
      kernel: (K, K, channels in, filters).

    Returns:
      (filters,); 0 for a filter of zeros.

    >>> row = np.array([1.0, 1.0, 1.0, 1.0])
    >>> fine(np.stack([np.outer(row, row), np.outer(row, row * [1, -1, 1, -1])], -1)[:, :, None]).round(2).tolist()
    [0.15, 0.93]
    """
    spectrum = np.square(np.abs(np.fft.fft2(np.asarray(kernel, np.float64), (_POINTS, _POINTS), axes=(0, 1))))
    frequency = np.fft.fftfreq(_POINTS)
    high = np.hypot(frequency[:, None], frequency) > 1 / 4
    whole = spectrum.sum(axis=(0, 1, 2))
    return np.asarray(spectrum[high].sum(axis=(0, 1)) / np.where(whole, whole, 1.0))


#: What `fine` expects of white noise: the share of all frequencies that are above.
NOISE = 1 - np.pi / 16


def alike(kernel: Array) -> np.ndarray:
    """For each filter, whether one before it is nearly the same, perhaps moved by a pixel: cosine of `ALIKE` or more.

    Args:
      kernel: (K, K, channels in, filters).

    >>> noise = np.random.default_rng(0).normal(size=(6, 6, 3, 2))
    >>> alike(np.concatenate([noise, 2 * noise[..., :1], -noise[..., 1:]], axis=-1)).tolist()
    [False, False, True, False]
    """
    wide = np.pad(np.asarray(kernel, np.float64), ((SHIFT, SHIFT), (SHIFT, SHIFT), (0, 0), (0, 0)))
    flat = wide.reshape(-1, wide.shape[-1])
    norms = np.linalg.norm(flat, axis=0)
    flat = flat / np.where(norms, norms, 1.0)
    moves = range(-SHIFT, SHIFT + 1)
    moved = [np.roll(wide, (down, right), (0, 1)).reshape(flat.shape) for down in moves for right in moves]
    cosines = np.max([(flat.T @ one) / np.where(norms, norms, 1.0) for one in moved], axis=0)
    return np.asarray((np.triu(cosines, 1) >= ALIKE).any(axis=0))


def first_layer(kernel: Array, maps: Array) -> FirstLayer:
    """The figures of a first layer.

    Args:
      kernel: (K, K, channels in, filters).
      maps: (N, H, W, filters), what they answer to pictures, after their ReLU.
    """
    living = np.asarray(maps).max(axis=(0, 1, 2)) > 0
    shares = fine(kernel)[living]
    count = int(living.size)
    return FirstLayer(
        float(shares.mean()) if shares.size else 0.0, count - int(living.sum()), int(alike(kernel).sum()), count
    )
