"""How far pictures are from those that were wanted: PSNR, SSIM, normalized error."""

from __future__ import annotations

import math

import numpy as np
from skimage.metrics import structural_similarity

from deconvviz.types import DisplayImage


def normalized_error(found: DisplayImage, wanted: DisplayImage) -> float:
    """Squared distance over the squared length of the picture wanted; the distance itself for a black one.

    Formula: ``|found - wanted|^2 / |wanted|^2``.

    >>> normalized_error(np.full((2, 3, 3), 0.25), np.full((2, 3, 3), 0.5))
    0.25
    """
    wanted = np.asarray(wanted, np.float64)
    return float(np.square(found - wanted).sum()) / (float(np.square(wanted).sum()) or 1.0)


def psnr(found: DisplayImage, wanted: DisplayImage) -> float:
    """Peak signal-to-noise ratio in decibels of pictures in 0..1; infinite for equal ones.

    Formula: ``-10 log10 mean (found - wanted)^2``.

    >>> psnr(np.full((2, 3, 3), 0.25), np.full((2, 3, 3), 0.35))
    20.0
    """
    error = float(np.mean(np.square(np.asarray(found, np.float64) - wanted)))
    return round(-10 * math.log10(error), 10) if error else math.inf


def ssim(found: DisplayImage, wanted: DisplayImage) -> float:
    """Structural similarity of pictures in 0..1, mean over pixels and colours; 1 for equal ones.

    Gaussian windows with a standard deviation of 1.5 pixels and 11 taps, as the paper has them; (H, W, 3), 11 pixels
    or more a side.

    Source: wang2004image
    """
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    return float(structural_similarity(wanted, found, data_range=1.0, channel_axis=-1, **options))


def picture_figures(found: np.ndarray, wanted: np.ndarray) -> dict[str, float]:
    """Means over (N, H, W, 3) pictures in 0..1: "psnr" in decibels, "ssim", "normalized_image_error"."""
    pairs = list(zip(found, wanted, strict=True))
    return {
        "psnr": float(np.mean([psnr(a, b) for a, b in pairs])),
        "ssim": float(np.mean([ssim(a, b) for a, b in pairs])),
        "normalized_image_error": float(np.mean([normalized_error(a, b) for a, b in pairs])),
    }
