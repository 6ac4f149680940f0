"""Damage of a known kind: noise of a seed, JPEG of a quality; whole pictures and batches of parts."""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
from PIL import Image

from deconvviz.errors import DeconvvizError
from deconvviz.training.patches import Patches

#: Largest standard deviation that a network is shown in training, of 255.
MOST_NOISE = 55.0
#: JPEG qualities that it is shown.
QUALITIES = (10, 40)
#: Share of the parts of a batch that are JPEG; the rest is noise.
JPEG_SHARE = 0.25


def noisy(picture: np.ndarray, sigma: float, seed: int = 0) -> np.ndarray:
    """A picture with white Gaussian noise, neither rounded nor clipped.

    Args:
      picture: (H, W) or (H, W, C) in 0..1.
      sigma: standard deviation, of 255.
      seed: fixes the noise; the same for every picture of that shape.

    Returns:
      The same shape, float32.

    Raises:
      DeconvvizError: a negative sigma, or one that is no number.

    >>> one = noisy(np.full((50, 60), 0.5), 25, seed=3)
    >>> round(float(one.std()) * 255), bool((one == noisy(np.full((50, 60), 0.5), 25, seed=3)).all())
    (25, True)
    """
    if not 0 <= sigma <= 255:
        raise DeconvvizError(f"sigma is the standard deviation of the noise, 0 to 255; got {sigma}")
    drawn = np.random.default_rng(seed).standard_normal(np.shape(picture), np.float32)
    return np.asarray(picture, np.float32) + drawn * np.float32(sigma / 255)


def jpeg(picture: np.ndarray, quality: int) -> np.ndarray:
    """A picture as it comes back from a JPEG file.

    Args:
      picture: (H, W), or (H, W, 3) RGB, in 0..1; it is rounded to 256 levels first, as every file does.
      quality: 1 to 100, as Pillow and libjpeg count it.

    Returns:
      The same shape, float32, 0..1.

    Raises:
      DeconvvizError: a quality outside 1..100.

    >>> flat = np.full((16, 24), 0.4)
    >>> float(abs(jpeg(flat, 10) - flat).max()) < 0.03
    True
    """
    if not 1 <= quality <= 100 or int(quality) != quality:
        raise DeconvvizError(f"quality is a whole number of JPEG's scale, 1 to 100; got {quality}")
    stream = io.BytesIO()
    Image.fromarray(np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)).save(stream, "JPEG", quality=int(quality))
    with Image.open(stream) as found:
        return np.asarray(found, np.float32) / 255


def blind(parts: Patches, number: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Batches of an epoch: (damaged, clean), both (N, size, size, 1) float32; noise of 0..55, JPEG of 10..40."""
    for clean, draw in parts.epoch(number):
        clean = np.ascontiguousarray(clean, np.float32)
        sigmas = draw.uniform(0, MOST_NOISE / 255, (len(clean), 1, 1, 1)).astype(np.float32)
        damaged = clean + sigmas * draw.standard_normal(clean.shape, np.float32)
        for one in range(round(JPEG_SHARE * len(clean))):
            damaged[one, ..., 0] = jpeg(clean[one, ..., 0], int(draw.integers(QUALITIES[0], QUALITIES[1] + 1)))
        yield damaged, clean


def fixed(parts: Patches, number: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Batches of an epoch of pictures whose two channels are (damaged, clean): every pixel has its one noise."""
    for both, _ in parts.epoch(number):
        damaged, clean = np.split(np.ascontiguousarray(both, np.float32), 2, axis=-1)
        yield damaged, clean
