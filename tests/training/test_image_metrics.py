"""PSNR, SSIM and normalized error against their slow twins."""

from __future__ import annotations

import math

import numpy as np
import pytest
from reference import metric_loops

from deconvviz.training import image_metrics


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
    assert getattr(image_metrics, name)(*pair) == pytest.approx(getattr(metric_loops, name)(*pair), rel=1e-6)


def test_equal_pictures(pair: tuple[np.ndarray, np.ndarray]) -> None:
    same = pair[1], pair[1]
    assert image_metrics.psnr(*same) == math.inf
    assert image_metrics.ssim(*same) == pytest.approx(1, abs=1e-12)
    assert image_metrics.normalized_error(*same) == 0


def test_a_black_picture_divides_by_nothing() -> None:
    assert image_metrics.normalized_error(np.full((2, 3, 3), 0.5), np.zeros((2, 3, 3))) == pytest.approx(18 * 0.25)


def test_figures_are_means_over_pictures(pair: tuple[np.ndarray, np.ndarray]) -> None:
    found, wanted = pair
    both = image_metrics.picture_figures(np.stack([found, wanted * 0.5]), np.stack([wanted, wanted]))
    each = [image_metrics.picture_figures(f[None], wanted[None]) for f in (found, wanted * 0.5)]
    assert list(both) == ["psnr", "ssim", "normalized_image_error"]
    assert each[1]["normalized_image_error"] == pytest.approx(0.25)
    for name, value in both.items():
        assert value == pytest.approx((each[0][name] + each[1][name]) / 2)
