"""Accuracy figures against counting by hand."""

from __future__ import annotations

import numpy as np
import pytest

from deconvviz.training.metrics import classification


def counted(scores: np.ndarray, classes: np.ndarray) -> dict[str, float]:
    """The same figures, one image at a time."""
    hits: dict[int, list[bool]] = {}
    five = []
    for row, wanted in zip(scores, classes, strict=True):
        ranked = sorted(range(len(row)), key=lambda c: -row[c])
        hits.setdefault(int(wanted), []).append(ranked[0] == wanted)
        five.append(wanted in ranked[:5])
    flat = [hit for found in hits.values() for hit in found]
    means = [sum(found) / len(found) for found in hits.values()]
    return {
        "top1": sum(flat) / len(flat),
        "top5": sum(five) / len(five),
        "mean_per_class": sum(means) / len(means),
    }


def test_counted_by_hand() -> None:
    rng = np.random.default_rng(3)
    classes = rng.choice(11, 157, p=np.arange(1, 12) / 66)
    scores = rng.normal(size=(157, 11)) + 1.5 * np.eye(11)[classes]
    assert classification(scores, classes) == pytest.approx(counted(scores, classes), abs=1e-12)


def test_a_large_class_does_not_decide_the_mean() -> None:
    scores = np.eye(7)[np.zeros(100, int)]
    classes = np.array([0] * 98 + [1, 2])
    found = classification(scores, classes)
    assert found["top1"] == pytest.approx(0.98)
    assert found["mean_per_class"] == pytest.approx(1 / 3)


def test_classes_that_do_not_occur_are_left_out() -> None:
    assert classification(np.eye(9)[[4, 4]], np.array([4, 4]))["mean_per_class"] == 1.0
