"""Classification figures: top-1, top-5 and the mean over classes."""

from __future__ import annotations

import numpy as np


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
