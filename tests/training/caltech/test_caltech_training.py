"""The recipe from folder to weights, at toy size; and the shipped weights on real pictures where they are at hand."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from labelled_sets import SMALL, make_folder
from safetensors.numpy import load_file

from deconvviz.data.folder import list_folder
from deconvviz.errors import DataError, TrainingError, WeightsError
from deconvviz.models import caltech as network
from deconvviz.training import loop
from deconvviz.training.augment import Augmentation
from deconvviz.training.caltech import train
from deconvviz.training.caltech.config import CaltechConfig


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_folder(tmp_path_factory.mktemp("data") / "set")


@pytest.fixture(scope="module")
def run(data: Path, trained_once: Any) -> tuple[Path, dict[str, Any]]:
    options = {**SMALL, "epochs": 2, "progress": False}
    answer: tuple[Path, dict[str, Any]] = trained_once("caltech", lambda out: train.train(data, out, **options))
    return answer


@pytest.mark.slow
def test_a_run_writes_its_files(run: tuple[Path, dict[str, Any]]) -> None:
    out, last = run
    names = {path.name for path in out.iterdir()}
    assert {"caltech.safetensors", "caltech_snapshots.safetensors", "caltech_curve.csv", "caltech.md"} <= names
    assert {"checkpoint.safetensors", "metrics.csv", "metrics.jsonl"} <= names
    assert last["epoch"] == 2
    assert {"seconds", "images_per_second", "loss", "learning_rate", "val_top1", "val_top5"} <= set(last)
    assert network.labels(out / "caltech.safetensors") == ("class0", "class1", "class2")
    card = (out / "caltech.md").read_text()
    assert "command | `python -m deconvviz train caltech" in card
    assert "| first layer | 32 filters: " in card
    assert [one.epoch for one in network.snapshots(out / "caltech_snapshots.safetensors")] == [1, 2]


@pytest.mark.slow
def test_an_interrupted_run_ends_in_the_same_weights(
    data: Path, run: tuple[Path, dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = loop.write_metrics

    def power_cut(out: Path, records: list[dict[str, Any]]) -> None:
        write(out, records)
        if len(records) == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(loop, "write_metrics", power_cut)
    with pytest.raises(KeyboardInterrupt):
        train.train(data, tmp_path, epochs=2, progress=False, **SMALL)
    monkeypatch.undo()
    train.train(data, tmp_path, epochs=2, progress=False, **SMALL)
    for name in ("checkpoint.safetensors", "caltech.safetensors", "caltech_snapshots.safetensors"):
        found, wanted = load_file(tmp_path / name), load_file(run[0] / name)
        assert found.keys() == wanted.keys()
        assert all(found[key].tobytes() == wanted[key].tobytes() for key in wanted)


def test_evaluate(data: Path, run: tuple[Path, dict[str, Any]]) -> None:
    found = train.evaluate(data, weights=run[0] / "caltech.safetensors")
    assert list(found) == ["top1", "top5", "mean_per_class", "images", "seconds"]
    assert found["images"] == 24
    assert found["top5"] == 1.0
    assert 0 <= found["top1"] <= 1


def test_evaluate_measures_the_validation_part_as_training_did(
    data: Path, run: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    _, held = train.split(data, CaltechConfig(held_out=SMALL["held_out"], given_back=0))
    for file in held.files:
        copy = tmp_path / file.parent.name / file.name
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes(file.read_bytes())
    found = train.evaluate(tmp_path, weights=run[0] / "caltech.safetensors")
    assert found["mean_per_class"] == run[1]["val_mean_per_class"]


def test_an_epoch_shows_no_class_too_often(data: Path) -> None:
    folder = list_folder(data)
    recipe = CaltechConfig(batch=2, cap=2, phases=((1.0, 32),), strong=Augmentation(mix=0.0))
    pictures = [np.full((40, 40, 3), c, np.uint8) for c in folder.classes]
    source = train.Source(folder, pictures, recipe)
    assert source.epoch_images == 6
    assert source.length(1) == 3
    for epoch in range(1, 6):
        shown = sum(targets.sum(axis=0) for _, targets in source.batches(epoch))
        assert shown.tolist() == [2, 2, 2]
    batches = list(source.batches(1))
    assert [x.shape for x, _ in batches] == [(2, 32, 32, 3)] * 3
    again = list(source.batches(1))
    assert all(
        np.array_equal(a, b) for one, two in zip(batches, again, strict=True) for a, b in zip(one, two, strict=True)
    )
    assert not np.array_equal(batches[0][0], next(source.batches(2))[0])


def test_model_input_is_cut_from_the_centre_and_normalised() -> None:
    picture = np.zeros((128, 192, 3), np.uint8)
    picture[:, 32:160] = (255, 0, 51)
    found = train.model_inputs([picture, np.zeros((64, 64, 3), np.uint8)])
    assert found.shape == (2, 128, 128, 3)
    np.testing.assert_allclose(found[0], np.broadcast_to([2.0, -2.0, -1.2], (128, 128, 3)), atol=1e-6)
    np.testing.assert_allclose(found[1], -2.0)


def test_forms_of_the_data_set(tmp_path: Path) -> None:
    inner = make_folder(tmp_path / "archive" / "101_ObjectCategories", each=5)
    assert len(train.split(tmp_path / "archive", CaltechConfig())[0]) == 9
    assert len(train.split(inner, CaltechConfig())[0]) == 9
    make_folder(tmp_path / "parts" / "train30", each=5)
    make_folder(tmp_path / "parts" / "extra", each=2, seed=1)
    rest, held = train.split(tmp_path / "parts", CaltechConfig())
    assert len(rest) == 9 + 6
    assert all(path.parent.parent.name == "train30" for path in held.files)


def test_pictures_given_back_are_trained_on_and_the_others_are_those_of_before(tmp_path: Path) -> None:
    root = make_folder(tmp_path / "set", each=7)
    parts = [train.split(root, CaltechConfig(given_back=count)) for count in (0, 1, 3)]
    assert [np.bincount(held.classes).tolist() for _, held in parts] == [[4] * 3, [3] * 3, [1] * 3]
    held = [set(one.files) for _, one in parts]
    assert held[0] > held[1] > held[2]
    for rest, one in parts:
        assert set(rest.files).isdisjoint(one.files)
        assert len(rest) + len(one) == 21
    with pytest.raises(TrainingError, match=r"given_back=4 would be trained on after all; leave at least one"):
        train.split(root, CaltechConfig(given_back=4))


def test_refusals(data: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such folder: nowhere"):
        train.train(Path("nowhere"), tmp_path)
    with pytest.raises(TrainingError, match="got epochs=0"):
        train.train(data, tmp_path, epochs=0)
    with pytest.raises(DataError, match=r"has 18 training images, fewer than one batch of 64; add images"):
        train.train(data, tmp_path)
    with pytest.raises(DataError, match="a class 'class0' that the network does not know"):
        train.evaluate(data)
    with pytest.raises(WeightsError, match=r"cannot read the weights gone.safetensors: no such file; make them with"):
        train.evaluate(data, weights=Path("gone.safetensors"))
    assert not list(tmp_path.iterdir())


def test_pictures_that_do_not_fit_into_memory(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: Any) -> Any:
        raise MemoryError

    monkeypatch.setattr(train, "decode", full)
    with pytest.raises(TrainingError, match=r"18 images of .* do not fit into memory"):
        train.train(data, tmp_path, epochs=1)


@pytest.mark.data
def test_shipped_weights_on_held_out_pictures(tmp_path: Path) -> None:
    root = Path(os.environ["DECONVVIZ_DATA"]) / "caltech101"
    if not root.is_dir():
        pytest.skip(f"no {root}")
    _, held = train.split(root, CaltechConfig())
    for file in held.files:
        (tmp_path / file.parent.name).mkdir(exist_ok=True)
        (tmp_path / file.parent.name / file.name).symlink_to(file.resolve())
    found = train.evaluate(tmp_path)
    assert found["images"] == 204
    assert found["mean_per_class"] >= 0.6


@pytest.mark.slow
def test_a_run_goes_on_from_the_weights_of_another_and_is_taught_by_them(
    data: Path, run: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    first = run[0] / "caltech.safetensors"
    options = {**SMALL, "epochs": 1, "progress": False, "start": first, "learning_rate": 1e-9}
    last = train.train(data, tmp_path / "second", teachers=str(first), **options)
    assert last["epoch"] == 1
    before, after = load_file(first), load_file(tmp_path / "second" / "caltech.safetensors")
    for name, kernel in before.items():
        if name.endswith("kernel") and not name.startswith("logits"):  # the norms' scales are measured again
            angle = (kernel.astype(float) * after[name]).sum() / np.linalg.norm(kernel) / np.linalg.norm(after[name])
            assert angle > 0.9, name
    kept = [one.epoch for one in network.snapshots(tmp_path / "second" / "caltech_snapshots.safetensors")]
    assert kept == [1, 3]
    network.load_snapshot(-1, tmp_path / "second" / "caltech_snapshots.safetensors")
    curve = (tmp_path / "second" / "caltech_curve.csv").read_text().splitlines()
    assert [line.partition(",")[0] for line in curve] == ["epoch", "1", "2", "3"]
    card = (tmp_path / "second" / "caltech.md").read_text()
    assert "--start FIRST/caltech.safetensors --teachers caltech.safetensors" in card
    assert "the mean class probabilities of caltech.safetensors (SHA-256" in card
    with pytest.raises(DataError, match=r"no such file of weights: nowhere.safetensors"):
        train.train(data, tmp_path, start="nowhere.safetensors")
