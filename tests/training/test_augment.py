"""Random pictures: the same for the same seed, and mixed in the ratio that the targets say."""

from __future__ import annotations

import numpy as np
import pytest

from deconvviz.training import augment
from deconvviz.training.augment import Augmentation

STILL = Augmentation(area=(1.0, 1.0), aspect=1.0, colour=0.0, hue=0.0, grey=0.0, mix=0.0, erase=0.0)


def pictures(count: int) -> list[np.ndarray]:
    rng = np.random.default_rng(5)
    return [rng.integers(0, 256, (41 + i, 67 - 2 * i, 3), dtype=np.uint8) for i in range(count)]


def test_a_batch_follows_from_its_seed() -> None:
    targets = np.eye(6, dtype=np.float32)
    once, twice = (augment.batch(pictures(6), targets, 32, Augmentation(), (0, 7, 2)) for _ in range(2))
    other = augment.batch(pictures(6), targets, 32, Augmentation(), (0, 7, 3))
    np.testing.assert_array_equal(once[0], twice[0])
    np.testing.assert_array_equal(once[1], twice[1])
    assert not np.array_equal(once[0], other[0])


def test_shapes_and_targets() -> None:
    for number in range(8):
        images, targets = augment.batch(pictures(5), np.eye(5, dtype=np.float32), 24, Augmentation(), (1, 1, number))
        assert images.shape == (5, 24, 24, 3)
        assert images.dtype == targets.dtype == np.float32
        np.testing.assert_allclose(targets.sum(axis=1), 1, rtol=1e-6)


def test_a_crop_shows_its_part_of_the_picture() -> None:
    ramp = np.repeat(np.arange(200, dtype=np.uint8)[None, :, None], 90, axis=0).repeat(3, axis=2)
    for seed in range(40):
        crop = augment.random_crop(ramp, 32, Augmentation(), np.random.default_rng(seed)).astype(int)
        steps = np.diff(crop[16, :, 0])
        assert (steps >= 0).all() or (steps <= 0).all()
        assert abs(crop[16, -1, 0] - crop[16, 0, 0]) >= 0.2 * 200


def test_a_warped_crop_turns_about_its_middle() -> None:
    """Of a ramp from left to right, the middle keeps its value and the slope turns; beyond the edge it is grey."""
    ramp = np.repeat(np.arange(50, 250, dtype=np.uint8)[None, :, None], 200, axis=0).repeat(3, axis=2)
    turned = Augmentation(area=(1.0, 1.0), aspect=1.0, warp=1.0, turn=20.0, shear=0.0)
    angles = []
    for seed in range(20):
        crop = augment.random_crop(ramp, 64, turned, np.random.default_rng(seed)).astype(float)[..., 0]
        assert abs(crop[31:33, 31:33].mean() - 149.5) < 3
        down, right = (np.diff(crop, axis=axis)[24:40, 24:40].mean() for axis in (0, 1))
        assert np.hypot(down, right) == pytest.approx(200 / 64, rel=0.05)
        angles.append(np.degrees(np.arctan2(down, abs(right))))
        assert abs(angles[-1]) < 20.5
        assert (crop[0, 0] == 128) == (abs(angles[-1]) > 1.5)
    assert min(angles) < -10
    assert max(angles) > 10


def test_a_warp_that_does_nothing_is_a_plain_crop() -> None:
    picture = pictures(1)[0]
    still = Augmentation(area=(1.0, 1.0), warp=1.0, turn=0.0, shear=0.0)
    warped = augment.random_crop(picture, 41, still, np.random.default_rng(3)).astype(float)
    plain = augment.random_crop(picture, 41, Augmentation(area=(1.0, 1.0)), np.random.default_rng(3)).astype(float)
    # The draws differ after the first ones: both are the same box, mirrored or not.
    assert min(np.abs(warped - plain).mean(), np.abs(warped[:, ::-1] - plain).mean()) < 15


def test_without_strength_the_picture_stays() -> None:
    flat = np.full((64, 64, 3), (51, 102, 204), np.uint8)
    images, _ = augment.batch([flat], np.eye(1, dtype=np.float32), 32, STILL, (0,))
    np.testing.assert_allclose(images[0], np.broadcast_to([0.2, 0.4, 0.8], (32, 32, 3)), atol=1e-6)


def test_brightness_of_grey_changes_and_its_greyness_does_not() -> None:
    how = Augmentation(colour=0.4, hue=0.3, grey=0.0)
    for seed in range(10):
        matrix, offset = augment.colour_matrix(how, np.random.default_rng(seed))
        changed = np.full(3, 0.5, np.float32) @ matrix + offset
        assert np.ptp(changed) < 1e-5
    assert abs(changed.mean() - 0.5) > 1e-3


def test_contrast_turns_about_the_middle() -> None:
    """Black goes to (1 - c) / 2 and white lies b * c above it, with both b and c within 20 % of 1."""
    how = Augmentation(colour=0.2, hue=0.0, grey=0.0)
    blacks = []
    for seed in range(20):
        matrix, offset = augment.colour_matrix(how, np.random.default_rng(seed))
        span = (np.ones(3, np.float32) @ matrix).mean()
        contrast = 1 - 2 * offset[0]
        assert 0.8 <= contrast <= 1.2
        assert 0.8 - 1e-5 <= span / contrast <= 1.2 + 1e-5
        blacks.append(offset[0])
    assert min(blacks) < -0.05
    assert max(blacks) > 0.05


def test_grey_drops_colour() -> None:
    matrix, _ = augment.colour_matrix(Augmentation(grey=1.0), np.random.default_rng(0))
    assert np.ptp(np.array([0.9, 0.1, 0.3], np.float32) @ matrix) < 1e-5


@pytest.mark.parametrize("seed", range(12))
def test_mixing_is_what_the_targets_say(seed: int) -> None:
    """Pictures of one constant each: their mean must be the targets' mixture of these constants."""
    levels = np.array([0.0, 0.25, 0.5, 1.0], np.float32)
    images = np.broadcast_to(levels[:, None, None, None], (4, 20, 20, 3)).copy()
    mixed, targets = augment.mix(images, np.eye(4, dtype=np.float32), np.random.default_rng(seed))
    np.testing.assert_allclose(mixed.mean(axis=(1, 2, 3)), targets @ levels, atol=1e-5)


def test_both_ways_of_mixing_occur() -> None:
    images = np.broadcast_to(np.arange(4, dtype=np.float32)[:, None, None, None], (4, 20, 20, 3)).copy()
    kinds = set()
    for seed in range(20):
        mixed, _ = augment.mix(images, np.eye(4, dtype=np.float32), np.random.default_rng(seed))
        kinds.add("cut" if set(np.unique(mixed)) <= {0.0, 1.0, 2.0, 3.0} else "blend")
    assert kinds == {"cut", "blend"}


def test_erasing_covers_4_to_25_percent() -> None:
    for seed in range(30):
        image = np.full((64, 64, 3), 7.0, np.float32)
        augment.erase(image, np.random.default_rng(seed))
        share = (image[..., 0] != 7).mean()
        assert 0.03 < share < 0.26
        covered = image[image[..., 0] != 7]
        assert (covered == covered[0]).all()
