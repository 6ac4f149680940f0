"""PSNR, SSIM and normalized error against their slow twins, accuracy against counting by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from reference import metric_loops

from deconvviz import metrics
from deconvviz.metrics import classification


@pytest.fixture(scope="module")
def pair() -> tuple[np.ndarray, np.ndarray]:
    """A picture with structure, and a worse one."""
    draw = np.random.default_rng(3)
    rows, columns = np.mgrid[:19, :23]
    wanted = 0.5 + 0.3 * np.stack([np.sin(rows / 3), np.cos(columns / 4), np.sin((rows + columns) / 5)], axis=-1)
    found = np.clip(0.8 * wanted + 0.1 + 0.05 * draw.standard_normal(wanted.shape), 0, 1)
    return found.astype(np.float32), wanted.astype(np.float32)


@pytest.mark.parametrize("name", ["psnr", "ssim", "normalized_error"])
def test_each_equals_its_slow_twin(pair: tuple[np.ndarray, np.ndarray], name: str) -> None:
    assert getattr(metrics, name)(*pair) == pytest.approx(getattr(metric_loops, name)(*pair), rel=1e-6)


def test_equal_pictures(pair: tuple[np.ndarray, np.ndarray]) -> None:
    same = pair[1], pair[1]
    assert metrics.psnr(*same) == math.inf
    assert metrics.ssim(*same) == pytest.approx(1, abs=1e-12)
    assert metrics.normalized_error(*same) == 0


def test_a_black_picture_divides_by_nothing() -> None:
    assert metrics.normalized_error(np.full((2, 3, 3), 0.5), np.zeros((2, 3, 3))) == pytest.approx(18 * 0.25)


def test_figures_are_means_over_pictures(pair: tuple[np.ndarray, np.ndarray]) -> None:
    found, wanted = pair
    both = metrics.picture_figures(np.stack([found, wanted * 0.5]), np.stack([wanted, wanted]))
    each = [metrics.picture_figures(f[None], wanted[None]) for f in (found, wanted * 0.5)]
    assert list(both) == ["psnr", "ssim", "normalized_image_error"]
    assert each[1]["normalized_image_error"] == pytest.approx(0.25)
    for name, value in both.items():
        assert value == pytest.approx((each[0][name] + each[1][name]) / 2)


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
