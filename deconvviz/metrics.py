"""Figures: how far arrays and pictures are from their targets, how often a class is named rightly."""

from __future__ import annotations

import math

import numpy as np
from skimage import metrics as skimage_metrics

from deconvviz.types import Array, DisplayImage


def relative_error(a: Array, b: Array) -> float:
    """``norm(a - b) / norm(b)`` (the plain norm if b is zero); infinite between arrays of different shape.

    >>> relative_error(np.array([3.0, 5.0]), np.array([3.0, 4.0])), relative_error(np.ones(2), np.ones(3))
    (0.2, inf)
    """
    first, second = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if first.shape != second.shape:
        return math.inf
    return _norm(first - second) / (_norm(second) or 1.0)


def relative_gap(a: Array, b: Array) -> float:
    """``norm(a - b) / max(norm(a), norm(b))``; 0 where both are zero.

    >>> round(relative_gap(np.array([3.0, 4.0]), np.array([3.0, 4.5])), 5)
    0.09245
    """
    first, second = np.asarray(a, np.float64), np.asarray(b, np.float64)
    scale = max(_norm(first), _norm(second))
    return _norm(first - second) / scale if scale else 0.0


def _norm(values: np.ndarray) -> float:
    """The Euclidean norm; `np.linalg.norm` would ask for all processors, and wait for them where they are busy."""
    return math.sqrt(np.square(values).sum())


def normalized_error(x: np.ndarray, truth: np.ndarray) -> float:
    """Squared distance over the squared length of the target; the distance itself where that is zero.

    Formula: ``|x - truth|^2 / |truth|^2``.

    >>> normalized_error(np.full((2, 3, 3), 0.25), np.full((2, 3, 3), 0.5))
    0.25
    """
    truth = np.asarray(truth, np.float64)
    return float(np.square(x - truth).sum()) / (float(np.square(truth).sum()) or 1.0)


def psnr(x: np.ndarray, truth: np.ndarray) -> float:
    """Peak signal-to-noise ratio in dB, for a peak of 1; infinite if the two are equal.

    Formula: ``-10 log10 mean((x - truth)^2)``.

    >>> psnr(np.full((2, 3), 0.6), np.full((2, 3), 0.5)), psnr(np.ones((1, 2)), np.ones((1, 2)))
    (20.0, inf)
    """
    error = float(np.mean((np.asarray(x, np.float64) - truth) ** 2))
    return round(-10 * float(np.log10(error)), 9) if error else float("inf")


def ssim(x: DisplayImage, truth: DisplayImage) -> float:
    """Structural similarity of pictures in 0..1, mean over pixels and colours; 1 for equal ones.

    Gaussian windows with a standard deviation of 1.5 pixels and 11 taps, as the paper has them; (H, W, 3), 11 pixels
    or more a side.

    Source: wang2004image
    """
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    return float(skimage_metrics.structural_similarity(truth, x, data_range=1.0, channel_axis=-1, **options))


def picture_figures(pictures: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Means over (N, H, W, 3) pictures in 0..1: "psnr" in decibels, "ssim", "normalized_image_error"."""
    pairs = list(zip(pictures, truth, strict=True))
    return {
        "psnr": float(np.mean([psnr(a, b) for a, b in pairs])),
        "ssim": float(np.mean([ssim(a, b) for a, b in pairs])),
        "normalized_image_error": float(np.mean([normalized_error(a, b) for a, b in pairs])),
    }


def classification(scores: np.ndarray, classes: np.ndarray) -> dict[str, float]:
    """Accuracy of (N, C) scores against (N,) class indices, as fractions 0..1.

    "mean_per_class" is the mean of the accuracies of the classes that occur: the usual figure of Caltech-101.

    >>> classification(np.eye(6)[[0, 1, 1]], np.array([0, 1, 2]))["mean_per_class"]
    0.6666666666666666
    """
    order = np.argsort(-scores, axis=1, kind="stable")
    hits = order[:, 0] == classes
    top5 = (order[:, :5] == classes[:, None]).any(axis=1)
    per_class = [hits[classes == c].mean() for c in np.unique(classes)]
    return {"top1": float(hits.mean()), "top5": float(top5.mean()), "mean_per_class": float(np.mean(per_class))}
