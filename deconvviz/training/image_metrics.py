"""How far pictures are from those that were wanted: PSNR, SSIM, normalized error."""

from __future__ import annotations

import numpy as np
from skimage.metrics import structural_similarity

from deconvviz.ops.inverse import normalized_error, psnr
from deconvviz.types import DisplayImage


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
