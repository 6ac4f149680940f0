"""Training of an inverter, from folder to weights, at toy size; what it refuses."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from labelled_sets import make_folder
from PIL import Image
from reference import metric_loops
from safetensors.numpy import load_file

import deconvviz as dv
from deconvviz import metrics
from deconvviz.errors import DataError, NetworkError, TrainingError, WeightsError
from deconvviz.models import caltech, inverters
from deconvviz.training import loop
from deconvviz.training.caltech.config import CaltechConfig
from deconvviz.training.caltech.train import split
from deconvviz.training.inverter import files as inverter_files
from deconvviz.training.inverter import train

TOY: dict[str, Any] = {"images": 6, "batch": 3, "held_out": 1, "measured": 5, "progress": False}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three classes of four striped pictures."""
    return make_folder(tmp_path_factory.mktemp("data") / "set", each=4)


@pytest.fixture(scope="module")
def run(data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A run of three epochs: its folder and what it answered."""
    out = tmp_path_factory.mktemp("run")
    return out, train.train(data, out, layer="relu7", upsampler="unpool", epochs=3, **TOY)


@pytest.mark.deep
def test_a_run_writes_its_files(run: tuple[Path, dict[str, Any]]) -> None:
    out, last = run
    written = {"checkpoint.safetensors", "metrics.csv", "metrics.jsonl", "inverter.safetensors"}
    assert {path.name for path in out.iterdir()} == written
    assert last["epoch"] == 3
    assert {"loss", "val_psnr", "val_ssim", "val_normalized_image_error"} <= set(last)
    said = inverters.file_facts(out / "inverter.safetensors")["layers"]["relu7"]
    assert (said["upsampler"], said["training_images"], said["validation_images"]) == ("unpool", 9, 3)
    assert said["figures"]["psnr"] == last["val_psnr"]
    arrays = load_file(out / "inverter.safetensors")
    assert {value.dtype for value in arrays.values()} == {np.dtype(np.float16)}
    assert arrays["relu7.stage3.kernel"].shape == (5, 5, 96, 80)


@pytest.mark.deep
def test_statistics_are_those_of_the_features(run: tuple[Path, dict[str, Any]], data: Path) -> None:
    pictures, _ = train._pictures(data, 1, 0)
    net = dv.load("caltech")
    values = np.concatenate([dv.activations(net, picture, "relu7")[None] for picture in pictures[:5]])
    arrays = load_file(run[0] / "inverter.safetensors")
    np.testing.assert_allclose(arrays["relu7.mean"], values.mean((0, 1, 2)), rtol=2e-3, atol=1e-4)
    np.testing.assert_allclose(arrays["relu7.std"], values.std((0, 1, 2)), rtol=2e-3, atol=1e-4)


@pytest.mark.deep
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
        train.train(data, tmp_path, layer="relu7", upsampler="unpool", epochs=3, **TOY)
    monkeypatch.undo()
    assert not (tmp_path / "inverter.safetensors").exists()
    train.train(data, tmp_path, layer="relu7", upsampler="unpool", epochs=3, **TOY)
    for name in ("checkpoint.safetensors", "inverter.safetensors"):
        found, wanted = load_file(tmp_path / name), load_file(run[0] / name)
        assert found.keys() == wanted.keys()
        assert all(found[key].tobytes() == wanted[key].tobytes() for key in wanted)


@pytest.mark.deep
def test_training_brings_the_picture_nearer(data: Path, tmp_path: Path) -> None:
    last = train.train(data, tmp_path, layer="relu7", epochs=12, **{**TOY, "learning_rate": 3e-3})
    first = float((tmp_path / "metrics.csv").read_text().splitlines()[1].split(",")[3])
    assert last["loss"] < 0.5 * first


@pytest.mark.slow
def test_epochs_show_other_crops_and_repeat_exactly(data: Path) -> None:
    pictures, _ = train._pictures(data, 1, 0)
    source = train.Source(dv.load("caltech"), pictures, train.InverterRecipe("relu7", images=7, batch=3))
    assert source.length(1) == 2
    one, again, other = (list(source.batches(epoch)) for epoch in (1, 1, 2))
    assert [batch[0].shape for batch in one] == [(3, 128, 128, 3)] * 2
    assert all(np.array_equal(a, b) for x, y in zip(one, again, strict=True) for a, b in zip(x, y, strict=True))
    assert not np.array_equal(one[0][0], other[0][0])
    net = dv.load("caltech")
    np.testing.assert_allclose(one[1][1][2], dv.activations(net, one[1][0][2], "relu7"), atol=1e-5)


@pytest.mark.deep
def test_evaluate_measures_what_the_library_answers(run: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    file, draw = run[0] / "inverter.safetensors", np.random.default_rng(5)
    net, wanted = dv.load("caltech"), []
    for number in range(3):
        coarse = Image.fromarray(draw.integers(0, 255, (9, 11, 3), dtype=np.uint8))
        picture = coarse.resize((150 + number, 131), Image.Resampling.BICUBIC)
        picture.save(tmp_path / f"{number}.png")
        found = dv.invert(net, picture, "relu7", method="learned", weights=file)
        shown = train._fitted([np.asarray(picture)])[0]
        wanted.append((metric_loops.psnr(found.image, shown), metrics.ssim(found.image, shown)))
        assert found.image_error == pytest.approx(metric_loops.normalized_error(found.image, shown), rel=1e-6)
    figures = train.evaluate(tmp_path, layer="relu7", weights=file)
    assert list(figures) == ["psnr", "ssim", "normalized_image_error", "images", "seconds"]
    assert figures["images"] == 3
    assert (figures["psnr"], figures["ssim"]) == pytest.approx(tuple(np.mean(wanted, axis=0)), rel=1e-5)


@pytest.mark.deep
def test_runs_of_several_layers_are_packed(run: tuple[Path, dict[str, Any]], data: Path, tmp_path: Path) -> None:
    train.train(data, tmp_path / "relu6", layer="relu6", upsampler="resize", epochs=1, **TOY)
    files = [run[0] / "inverter.safetensors", tmp_path / "relu6" / "inverter.safetensors"]
    packed = tmp_path / "all.safetensors"
    inverter_files.pack(files, packed)
    net = dv.load("caltech")
    assert inverters.layers(net, packed) == ("relu6", "relu7")
    for file, layer in zip(files, ("relu7", "relu6"), strict=True):
        one, all_of_them = inverters.load(net, layer, file), inverters.load(net, layer, packed)
        values = dv.activations(net, np.zeros((128, 128, 3)), layer)[None]
        assert np.array_equal(one(values), all_of_them(values))
    with pytest.raises(TrainingError, match=r"holds a second inverter of relu7: name one file a layer"):
        inverter_files.pack([files[0], files[0]], tmp_path / "twice.safetensors")
    assert not (tmp_path / "twice.safetensors").exists()


@pytest.mark.deep
def test_the_card_holds_the_figures(run: tuple[Path, dict[str, Any]], data: Path, tmp_path: Path) -> None:
    train.train(data, tmp_path / "resize", layer="relu7", upsampler="resize", epochs=3, **TOY)
    files = [run[0] / "inverter.safetensors", tmp_path / "resize" / "inverter.safetensors"]
    card = inverter_files.card(files[0], compared=files)
    shown = [f"{run[1][f'val_{name}']:.{n}f}" for name, n in (("psnr", 2), ("ssim", 3), ("normalized_image_error", 4))]
    assert f"| relu7 | 4 x 4 x 192 | 658,067 | unpool | {' | '.join(shown)} | 3 | 18 |" in card
    assert "| mean colour | 3 |  |  |" in card
    assert f"| unpool | {' | '.join(shown)} |" in card
    assert "relu7, 3 epochs, seed 0, the same crops in the same order, measured on the same 3 images" in card
    train.train(data, tmp_path / "longer", layer="relu7", upsampler="resize", epochs=4, **TOY)
    with pytest.raises(TrainingError, match="in more than its upsampler: nothing to compare"):
        inverter_files.card(files[0], compared=[files[0], tmp_path / "longer" / "inverter.safetensors"])


@pytest.mark.slow
def test_refusals(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(NetworkError, match="caltech has no layer 'relu9'"):
        train.train(data, out, layer="relu9")
    with pytest.raises(NetworkError, match=r"begins with maps of .*; this layer has the shape \(102,\)"):
        train.train(data, out, layer="logits")
    with pytest.raises(TrainingError, match=r"there is no upsampler 'resiz'; did you mean resize\?"):
        train.train(data, out, layer="relu7", upsampler="resiz")
    with pytest.raises(TrainingError, match="got epochs=0"):
        train.train(data, out, layer="relu7", epochs=0)
    with pytest.raises(TrainingError, match="there is no option 'rate'; known: layer, upsampler,"):
        train.train(data, out, layer="relu7", rate=1.0)
    with pytest.raises(DataError, match="no such folder: nowhere"):
        train.train(Path("nowhere"), out, layer="relu7")
    with pytest.raises(DataError, match=r"has 9 training images, fewer than one batch of 64; add images"):
        train.train(data, out, layer="relu7", **{**TOY, "batch": 64, "images": 64})
    with pytest.raises(DataError, match="no such folder: nowhere"):
        train.evaluate(Path("nowhere"), layer="relu6")
    with pytest.raises(NetworkError, match="conv4 of caltech has no learned inverter"):
        train.evaluate(data, layer="conv4")
    with pytest.raises(WeightsError, match=r"cannot read the inverters gone.safetensors: no such file; train one with"):
        train.evaluate(data, layer="relu6", weights=Path("gone.safetensors"))
    assert not out.exists()


def test_a_layer_to_compare_in_that_is_not_there_is_refused(data: Path, tmp_path: Path) -> None:
    with pytest.raises(NetworkError, match="no layer 'relu9'"):
        train.train(data, tmp_path, layer="relu7", compared="relu1, relu9", epochs=1, **TOY)
    assert not (tmp_path / "inverter.safetensors").exists()


@pytest.mark.slow
def test_a_run_of_another_layer_is_not_continued(run: tuple[Path, dict[str, Any]], data: Path) -> None:
    with pytest.raises(TrainingError, match=r"checkpoint .* is of another network"):
        train.train(data, run[0], layer="relu6", upsampler="unpool", epochs=3, **TOY)


@pytest.mark.data
@pytest.mark.parametrize("layer", [f"relu{i}" for i in range(1, 8)])
def test_shipped_inverters_on_held_out_pictures(layer: str, tmp_path: Path) -> None:
    root = Path(os.environ["DECONVVIZ_DATA"]) / "caltech101"
    if not root.is_dir():
        pytest.skip(f"no {root}")
    count = inverters.file_facts()["layers"][layer]["validation_images"]
    _, held = split(root, CaltechConfig(given_back=CaltechConfig.held_out - count // caltech.CLASSES))
    for file in held.files:
        (tmp_path / file.parent.name).mkdir(exist_ok=True)
        (tmp_path / file.parent.name / file.name).symlink_to(file.resolve())
    found, written = train.evaluate(tmp_path, layer=layer), inverters.file_facts()["layers"][layer]
    assert found["images"] == count
    for name, value in written["figures"].items():
        assert found[name] == pytest.approx(value, rel=1e-3)
    assert found["normalized_image_error"] < 0.5 * written["mean_colour_figures"]["normalized_image_error"]
