"""The network with a planted truth: the mark is where it is said to be, and is what the shipped weights look for."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import deconvviz as dv
from deconvviz.data import samples
from deconvviz.errors import DataError, WeightsError
from deconvviz.models import watermark
from deconvviz.training.watermark import train as training


def photographs() -> list[np.ndarray]:
    return [np.rint(samples.load(name) * 255).astype(np.uint8) for name in ("cat", "astronaut", "coffee")]


def test_only_the_square_of_the_mark_changes() -> None:
    image = np.random.default_rng(1).uniform(size=(48, 50, 3)).astype(np.float32)
    marked, region = watermark.stamp(image, 30, 7)
    assert region.sum() == watermark.MARK_SIDE**2
    assert region[30:39, 7:16].all()
    np.testing.assert_array_equal(marked[~region], image[~region])
    assert np.abs(marked - image)[region].mean() > 0.2
    assert 0 <= marked.min() <= marked.max() <= 1


def test_labels_say_where_the_mark_is_and_draws_follow_the_seed() -> None:
    x, labels, regions = training.crops(photographs(), 20, [3, 1])
    np.testing.assert_array_equal(regions.any(axis=(1, 2)), labels == 1)
    assert 3 < labels.sum() < 17
    np.testing.assert_array_equal(x, training.crops(photographs(), 20, [3, 1])[0])
    assert not np.array_equal(x, training.crops(photographs(), 20, [3, 2])[0])
    assert training.crops(photographs(), 6, [3, 1], marked=True)[1].tolist() == [1] * 6


@pytest.mark.slow
def test_the_shipped_weights_look_for_the_mark() -> None:
    """On photographs that are none of Caltech-101: with the mark, and the same crops without."""
    net = dv.load("watermark")
    x, labels, _ = training.crops(photographs(), 60, [5, 1])
    assert (net.run(x).argmax(axis=-1) == labels).mean() > 0.9
    assert net.labels == ("plain", "watermark")
    assert watermark.WEIGHTS.stat().st_size < 500_000


@pytest.mark.deep
def test_a_run_writes_what_the_model_reads_and_is_repeated_by_its_seed(tmp_path: Path, monkeypatch: Any) -> None:
    short = functools.partial(training.WatermarkRecipe, length=2, batch=4)
    monkeypatch.setattr(training, "WatermarkRecipe", short)
    (tmp_path / "pictures").mkdir()
    for number in range(10):
        Image.fromarray(photographs()[number % 3]).resize((60, 60)).save(tmp_path / "pictures" / f"{number}.png")
    for run in ("a", "b"):
        training.train(tmp_path / "pictures", tmp_path / run, epochs=1, progress=False)
    first, second = (dv.load("watermark", tmp_path / run / "watermark.safetensors") for run in ("a", "b"))
    assert first.digest == second.digest
    assert "crops of 8 photographs of a folder, 2 others held out" in (tmp_path / "a" / "watermark.md").read_text()
    (tmp_path / "bad.safetensors").write_bytes(b"no")
    with pytest.raises(WeightsError, match="does not hold the watermark network"):
        dv.load("watermark", tmp_path / "bad.safetensors")
    with pytest.raises(DataError, match="holds 0 pictures; 10 or more are needed"):
        training.train(tmp_path / "a", tmp_path / "c", progress=False)
