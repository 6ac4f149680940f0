"""Brightness and colour apart: against the standard's definition, there and back, the trap of grey pictures."""

from __future__ import annotations

import numpy as np
import pytest
from reference import super_loops

from deconvviz.data.colour import brightness, from_ycbcr, is_grey, to_ycbcr
from deconvviz.errors import ImageError

PICTURE = np.random.default_rng(4).random((5, 7, 3))


def test_it_is_what_the_standard_defines() -> None:
    found = 255 * to_ycbcr(PICTURE)
    for place in np.ndindex(5, 7):
        np.testing.assert_allclose(found[place], super_loops.ycbcr(tuple(PICTURE[place])), atol=2e-3)


def test_there_and_back() -> None:
    np.testing.assert_allclose(from_ycbcr(to_ycbcr(PICTURE)), PICTURE, atol=1e-6)
    beyond = to_ycbcr(PICTURE) + np.array([0.9, 0, 0])
    assert from_ycbcr(beyond).max() == 1.0


def test_brightness_comes_in_whole_steps() -> None:
    steps = 255 * brightness(PICTURE)
    np.testing.assert_allclose(steps, np.rint(steps), atol=1e-9)
    np.testing.assert_allclose(steps, 255 * to_ycbcr(PICTURE)[..., 0], atol=0.5)


def test_a_grey_picture_is_used_as_it_is() -> None:
    grey = np.repeat(np.arange(256.0).reshape(16, 16, 1) / 255, 3, axis=-1)
    assert is_grey(grey)
    np.testing.assert_array_equal(np.rint(255 * brightness(grey)).ravel(), np.arange(256))
    coloured = grey.copy()
    coloured[0, 0, 2] = 0.5
    assert not is_grey(coloured)
    assert brightness(coloured)[-1, -1] == 235 / 255


@pytest.mark.parametrize("function", [to_ycbcr, from_ycbcr, is_grey, brightness])
def test_another_shape_is_refused(function) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ImageError, match=r"\(H, W, 3\); got an array of shape \(4, 5\)"):
        function(np.ones((4, 5)))
