"""The networks with a planted fault: what was planted is what was learned, and a run is repeated by its seed."""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from deconvviz.data import samples
from deconvviz.errors import DataError, DeconvvizError, WeightsError
from deconvviz.models import planted
from deconvviz.training.planted import pictures, train


@functools.cache
def photographs() -> list[np.ndarray]:
    return [np.rint(samples.load(name)[::4, ::4] * 255).astype(np.uint8) for name in ("cat", "coffee", "brick")]


def test_a_change_moves_one_part_and_twice_brings_back() -> None:
    for parts in pictures.drawn(photographs(), 12, [4, 1]):
        image = parts.image()
        assert image.shape == (48, 48, 3)
        assert 0 <= image.min() <= image.max() <= 1
        for part in ("mark", "digit"):
            moved = np.abs(pictures.changed(parts, part).image() - image)
            assert moved[~parts.region(part)].max() == 0
            assert moved[parts.region(part)].max() > 0.1
        warmer = pictures.changed(parts, "ground").image() - image
        assert np.abs(warmer[parts.region("ground")]).mean() > 0.02
        for part in ("mark", "ground"):
            np.testing.assert_array_equal(pictures.changed(pictures.changed(parts, part), part).image(), image)
        assert not (parts.region("mark") & parts.region("digit")).any()


def test_faults_are_what_they_are_called() -> None:
    drawn = pictures.drawn(photographs(), 60, [4, 2])
    digits = np.array([parts.digit for parts in drawn])
    assert abs(np.corrcoef(digits, [parts.marked for parts in drawn])[0, 1]) < 0.5
    made, labels = pictures.faulty(drawn, "watermark", [1])
    assert [parts.marked for parts in made] == [digit == 1 for digit in digits]
    np.testing.assert_array_equal(labels, digits)
    made, _ = pictures.faulty(drawn, "background", [1])
    assert [parts.ground for parts in made] == digits.tolist()
    made, labels = pictures.faulty(drawn, "labels", [1])
    assert labels.sum() == digits.sum()
    assert (labels != digits).sum() > 10
    assert made == drawn == pictures.faulty(drawn, "honest", [1])[0]


def test_held_out_digits_are_none_that_were_trained_on() -> None:
    known, held = (
        {parts.ink.tobytes() for parts in pictures.drawn(photographs(), 200, [4, 3], held_out=held)}
        for held in (False, True)
    )
    assert not known & held


@pytest.mark.slow
def test_each_shipped_network_rests_on_what_was_planted() -> None:
    """On photographs and digits that none was trained on, at every part that can be moved alone."""
    drawn = pictures.drawn(photographs(), 120, [4, 4], held_out=True)
    found = {fault: train.tests(planted.read(fault)[0], drawn) for fault in planted.FAULTS}
    assert found["honest"]["new"] > 0.9
    assert max(found[fault]["new"] for fault in planted.FAULTS[1:]) < 0.75
    assert found["watermark"]["mark"] > 0.8 > 0.5 > max(found[f]["mark"] for f in planted.FAULTS if f != "watermark")
    assert found["background"]["ground"] > 0.8
    assert max(found[f]["ground"] for f in planted.FAULTS if f != "background") < 0.5
    for fault in planted.FAULTS:
        assert float(planted.read(fault)[1]["own"]) > 0.95
        assert planted.weights_file(fault).stat().st_size < 60_000
        assert planted.weights_file(fault).with_suffix(".md").read_text("utf-8").startswith(f"# planted: {fault}")


@pytest.mark.deep
def test_a_run_writes_what_the_model_reads_and_is_repeated_by_its_seed(tmp_path: Path, monkeypatch: Any) -> None:
    short = functools.partial(train.PlantedRecipe, length=2, batch=4, pictures=8, learned_by_heart=4)
    short.photographs, short.epochs = 200, 1  # type: ignore[attr-defined]
    monkeypatch.setattr(train, "PlantedRecipe", short)
    (tmp_path / "pictures").mkdir()
    for number in range(10):
        Image.fromarray(photographs()[number % 3]).resize((60, 60)).save(tmp_path / "pictures" / f"{number}.png")
    found = [train.train(tmp_path / "pictures", tmp_path / run, epochs=1, progress=False) for run in ("a", "b")]
    assert found[0] == found[1]
    measured = train.evaluate(tmp_path / "pictures", pictures=20, weights=tmp_path / "a")
    assert measured["images"] == 20
    assert 0 <= measured["labels_new"] <= 1
    assert "8 photographs of a folder, 2 others held out" in (
        tmp_path / "a" / "honest" / "planted_honest.md"
    ).read_text("utf-8")
    for fault in planted.FAULTS:
        files = [tmp_path / run / fault / planted.weights_file(fault).name for run in ("a", "b")]
        assert planted.build(fault, files[0]).digest == planted.build(fault, files[1]).digest


def test_bad_names_files_and_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DeconvvizError, match="honest"):
        planted.build("honesty")
    (tmp_path / "bad.safetensors").write_bytes(b"no")
    with pytest.raises(WeightsError, match="does not hold a network with a planted fault"):
        planted.build("honest", tmp_path / "bad.safetensors")
    with pytest.raises(DataError, match="no such folder"):
        train.train(tmp_path / "none", tmp_path / "out", progress=False)


def test_the_table_in_the_docs_is_that_of_the_cards() -> None:
    root = Path(__file__).resolve().parents[3]
    text = (root / "docs" / "audit.md").read_text("utf-8")
    shown = re.findall(r"^\| .* \| ([01]\.\d{3}(?: \| [01]\.\d{3}){4}) \|$", text, re.M)
    for fault, row in zip(planted.FAULTS, shown, strict=True):
        about = planted.read(fault)[1]
        assert row == " | ".join(f"{float(about[name]):.3f}" for name in ("own", *train.TESTS))
