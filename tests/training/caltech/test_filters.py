"""Figures of first-layer filters, on filters whose figures are known."""

from __future__ import annotations

import numpy as np
import pytest

from deconvviz.training.caltech import filters


def wave(frequency: float, direction: float) -> np.ndarray:
    rows, columns = np.mgrid[0:16, 0:16]
    phase = 2 * np.pi * frequency * (np.cos(direction) * columns + np.sin(direction) * rows)
    window = np.outer(np.hanning(18)[1:-1], np.hanning(18)[1:-1])
    return np.repeat((window * np.cos(phase))[:, :, None], 3, axis=2)


@pytest.mark.parametrize("direction", [0.0, 0.4, np.pi / 4, 2.0])
def test_a_wave_is_fine_above_a_quarter_a_pixel_in_any_direction(direction: float) -> None:
    slow, fast = (filters.fine(wave(frequency, direction)[..., None])[0] for frequency in (0.15, 0.35))
    assert slow < 0.02
    assert fast > 0.98


def test_white_noise() -> None:
    noise = np.random.default_rng(0).normal(size=(6, 6, 3, 500))
    assert filters.fine(noise).mean() == pytest.approx(filters.NOISE, abs=0.01)
    assert not filters.alike(noise).any()


def test_the_size_of_a_filter_changes_nothing() -> None:
    noise = np.random.default_rng(0).normal(size=(6, 6, 3, 4))
    np.testing.assert_allclose(filters.fine(noise), filters.fine(noise * [1, -2, 1e-3, 50]))


def test_a_filter_moved_by_a_pixel_is_alike_and_its_negative_is_not() -> None:
    spot = np.zeros((6, 6, 3, 4))
    spot[1:4, 1:4, :, 0] = np.random.default_rng(0).normal(size=(3, 3, 3))
    spot[2:5, 0:3, :, 1] = 3 * spot[1:4, 1:4, :, 0]
    spot[3:6, 3:6, :, 2] = spot[1:4, 1:4, :, 0]
    spot[1:4, 1:4, :, 3] = -spot[1:4, 1:4, :, 0]
    assert filters.alike(spot).tolist() == [False, True, False, False]


def test_dead_filters_do_not_count_as_smooth() -> None:
    kernel = np.stack([wave(0.35, 0.0), wave(0.15, 0.0), np.zeros((16, 16, 3))], axis=-1)
    maps = np.zeros((2, 4, 4, 3))
    maps[1, 2, 3, 0] = 0.1
    found = filters.first_layer(kernel, maps)
    assert (found.dead, found.alike, found.filters) == (2, 0, 3)
    assert found.fine > 0.98
    assert str(found).startswith("3 filters: 100% of their energy above half of Nyquist (white noise: 80%), 2 dead")
    assert filters.first_layer(kernel, 0 * maps).fine == 0
