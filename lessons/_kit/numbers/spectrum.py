"""How fine the grain of a picture is."""

from __future__ import annotations

import numpy as np

from deconvviz import priors


def fine(image: np.ndarray) -> float:
    """Share of the variance of a picture or map (H, W, C) in waves shorter than four pixels, 0..1.

    >>> board = (np.indices((8, 8)).sum(0) % 2)[..., None] * np.ones(3)
    >>> round(fine(board), 3), round(fine(np.indices((64, 64))[:1].transpose(1, 2, 0) / 64), 3)
    (1.0, 0.028)
    """
    power = np.square(np.asarray(priors.hartley(np.asarray(image, np.float32)[None]))).sum((0, 3))
    power[0, 0] = 0
    rows, columns = (np.fft.fftfreq(size) for size in image.shape[:2])
    return float(power[np.hypot(rows[:, None], columns[None]) > 0.25].sum() / max(power.sum(), 1e-12))
