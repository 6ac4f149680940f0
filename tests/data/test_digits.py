"""The digits of the package: what is in the file, enlarging against a slow twin, pictures of one's own, the split."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from deconvviz.data import digits


def test_the_file_is_scikit_learn_s() -> None:
    """1797 lines; the checksum is that of sklearn/datasets/data/digits.csv.gz in scikit-learn 1.9.1."""
    found = hashlib.sha256(digits.FILE.read_bytes()).hexdigest()
    assert found == "09f66e6debdee2cd2b5ae59e0d6abbb73fc2b0e0185d2e1957e9ebb51e23aa22"
    pictures, kinds = digits.load()
    assert np.bincount(kinds).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert (pictures * 16).astype(int)[0, 0].tolist() == [0, 0, 5, 13, 9, 1, 0, 0]
    note = digits.FILE.with_name("digits.txt").read_text("utf-8")
    assert "CC BY 4.0" in note


def slow(picture: np.ndarray) -> np.ndarray:
    """Bilinear, pixel by pixel: each pixel of 24 looks at the two nearest of 8 in both directions, edges repeated."""
    found = np.zeros((28, 28))
    for row in range(24):
        for column in range(24):
            at = [min(max((n + 0.5) / 3 - 0.5, 0), 7) for n in (row, column)]
            low = [min(int(a), 6) for a in at]
            part = [a - b for a, b in zip(at, low, strict=True)]
            for i in (0, 1):
                for j in (0, 1):
                    share = (part[0] if i else 1 - part[0]) * (part[1] if j else 1 - part[1])
                    found[row + 2, column + 2] += share * picture[low[0] + i, low[1] + j]
    return found


def test_enlarging_equals_its_slow_twin() -> None:
    draw = np.random.default_rng(0)
    pictures = draw.random((2, 8, 8))
    large = digits.enlarged(pictures)
    assert large.shape == (2, 28, 28, 1)
    for picture, found in zip(pictures, large, strict=True):
        np.testing.assert_allclose(found[..., 0], slow(picture), atol=1e-6)


def test_a_photograph_of_a_digit_comes_back_as_the_data_set_has_it() -> None:
    small = digits.load()[0][17]
    rows = np.flatnonzero(small.any(axis=1))
    dark = 1 - small.repeat(9, 0).repeat(9, 1)
    wide = np.pad(dark, ((20, 11), (33, 14)), constant_values=1.0)
    for picture in (wide, 1 - wide, 0.2 + 0.6 * wide):
        found = digits.reduced(picture)
        assert found.shape == (8, 8)
        assert np.abs(found - small).mean() < 0.15, "moved by about a cell"
    assert len(rows) == 8
    assert not digits.reduced(np.full((30, 40), 0.7)).any()


@pytest.mark.parametrize("held", [100, 597])
def test_the_split_shares_every_digit_out_and_nothing_twice(held: int) -> None:
    kinds = digits.load()[1]
    train, apart = digits.split(kinds, held, seed=3)
    assert sorted([*train, *apart]) == list(range(1797))
    assert len(apart) == held
    shares = np.bincount(kinds[apart]) / np.bincount(kinds)
    assert shares.max() - shares.min() < 0.02
    assert not np.array_equal(apart, digits.split(kinds, held, seed=4)[1])
