"""The gallery: always there, never downloaded, each picture what it says."""

from __future__ import annotations

import numpy as np
import pytest
import skimage.data

from deconvviz.data import samples
from deconvviz.errors import ImageError

DRAWN = [name for name, sample in samples.SAMPLES.items() if sample.kind == "drawn"]


@pytest.mark.parametrize("name", samples.SAMPLES)
def test_every_sample_is_a_picture_with_words(name):
    sample = samples.SAMPLES[name]
    picture = samples.load(name)
    assert sample.id == name
    assert picture.dtype == np.float32
    assert picture.ndim == 3
    assert picture.shape[2] == 3
    assert min(picture.shape[:2]) >= 200
    assert 0 <= picture.min() <= picture.max() <= 1
    for words in (sample.title, sample.alt, sample.credit):
        assert words.strip() == words != ""
    assert len(sample.alt) > 10


def test_titles_and_descriptions_are_all_different():
    for field in ("title", "alt"):
        words = [getattr(sample, field) for sample in samples.SAMPLES.values()]
        assert len(set(words)) == len(words)


@pytest.mark.parametrize(
    ("name", "theirs"),
    [("cat", "chelsea"), ("astronaut", "astronaut"), ("coffee", "coffee"), ("rocket", "rocket"), ("coins", "coins")],
)
def test_photographs_are_those_of_scikit_image(name, theirs):
    expected = getattr(skimage.data, theirs)()
    expected = expected if expected.ndim == 3 else np.repeat(expected[..., None], 3, axis=2)
    assert np.array_equal(samples.load(name), np.float32(expected) / np.float32(255))
    assert np.array_equal(samples.load(theirs), samples.load(name))


def test_the_gallery_needs_no_download(monkeypatch):
    def download(*args: object, **options: object) -> None:
        raise AssertionError(f"tried to download {args}")

    monkeypatch.setattr("pooch.retrieve", download)
    monkeypatch.setattr("pooch.Pooch.fetch", download)
    for name in samples.SAMPLES:
        samples.load(name)


@pytest.mark.parametrize("name", DRAWN)
def test_drawings_repeat_and_are_whole_levels(name):
    first, second = samples.load(name), samples.load(name)
    assert np.array_equal(first, second)
    assert first is not second
    assert first.shape == (samples.DRAWN_SIZE, samples.DRAWN_SIZE, 3)
    assert np.array_equal(np.rint(first * 255) / np.float32(255), first)


def test_drawings_are_what_their_names_say():
    assert samples.load("black").max() == 0
    dot = samples.load("dot")
    assert dot.sum() == 3
    assert dot[128, 128].tolist() == [1, 1, 1]
    board = samples.load("checkerboard")[..., 0]
    assert np.array_equal(board[:-16], 1 - board[16:])
    assert np.array_equal(board, board.T)
    assert len(np.unique(samples.load("disc").reshape(-1, 3), axis=0)) == 2
    rings = samples.load("stripes")[..., 0]
    assert np.array_equal(rings, rings[::-1, ::-1])
    assert np.array_equal(rings, rings.T)
    circle = np.linspace(0, 2 * np.pi, 2000, endpoint=False)
    rows, columns = np.rint(127.5 + 100 * np.sin(circle)).astype(int), np.rint(127.5 + 100 * np.cos(circle)).astype(int)
    along = samples.load("edges")[rows, columns, 0]
    assert np.count_nonzero(along != np.roll(along, 1)) == 24
    noise = samples.load("noise")
    assert abs(noise.mean() - 0.5) < 0.01
    assert abs(np.corrcoef(noise[..., 0].ravel(), noise[..., 1].ravel())[0, 1]) < 0.02


def test_unknown_names_get_the_nearest():
    with pytest.raises(ImageError, match=r"no sample picture 'cofee'; did you mean coffee\?"):
        samples.load("cofee")
    with pytest.raises(ImageError, match="known: cat, astronaut"):
        samples.load("")


def test_a_scikit_image_without_its_pictures_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr("deconvviz.data.samples.resources.files", lambda package: tmp_path)
    with pytest.raises(ImageError, match=r"'cat' is missing: scikit-image should hold data/chelsea\.png; install"):
        samples.load("cat")
