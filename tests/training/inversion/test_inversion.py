"""The table of inversion at toy size: what each inverter answers, measures by hand, a run that goes on, refusals."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import deconvviz as dv
from deconvviz import metrics
from deconvviz.cli import main
from deconvviz.data.preprocess import fit_image
from deconvviz.errors import DataError, DeconvvizError, NetworkError
from deconvviz.methods import plug_and_play
from deconvviz.models import caltech, watermark
from deconvviz.training.inversion import bench, evaluate, table

TOY: dict[str, Any] = {"layers": "relu2", "images": 2, "steps": 3}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three smooth pictures of different sizes."""
    folder, draw = tmp_path_factory.mktemp("pictures"), np.random.default_rng(5)
    for number in range(3):
        coarse = Image.fromarray(draw.integers(0, 255, (9, 11, 3), dtype=np.uint8))
        coarse.resize((150 + number, 131), Image.Resampling.BICUBIC).save(folder / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def picture(data: Path) -> np.ndarray:
    """The first of them as the network sees it."""
    return fit_image(np.asarray(Image.open(data / "0.png")) / np.float32(255), caltech.INPUT)


@pytest.fixture(scope="module")
def toy() -> bench.Bench:
    """Searches of three steps."""
    return bench.Bench(caltech.build(), bench.Judge(watermark.build()), steps=3)


@pytest.mark.deep
def test_a_row_for_each_layer_and_inverter(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "table.csv"
    command = ["evaluate", "inversion", "--data", str(data), "--layers", "relu2", "--images", "2"]
    done = CliRunner().invoke(main, [*command, "--steps", "3", "--csv", str(out), "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout.strip().splitlines()[-1])
    assert [(row["layer"], row["inverter"]) for row in found["table"]] == [("relu2", name) for name in bench.INVERTERS]
    assert (found["images"], found["judge"]) == (2, "watermark")
    assert "10 answers: 1 layers, 5 inverters, 2 pictures" in done.stderr
    rows = list(csv.DictReader(out.read_text().splitlines()))
    assert [float(row["psnr"]) for row in rows] == pytest.approx([row["psnr"] for row in found["table"]], rel=1e-5)
    assert not out.with_name("table.csv.partial").exists()
    shown = CliRunner().invoke(main, [*command, "--inverters", "learned"])
    assert f"learned   {found['table'][2]['psnr']:.3f} [" in shown.stdout


@pytest.mark.slow
def test_measures_are_those_of_pictures_and_of_both_networks(toy: bench.Bench, picture: np.ndarray) -> None:
    image = np.clip(picture * 0.8 + 0.1, 0, 1).astype(np.float32)
    found = toy.measure("relu3", picture, image)
    assert list(found) == list(bench.MEASURES)
    assert found["psnr"] == metrics.psnr(image, picture)
    assert found["ssim"] == metrics.ssim(image, picture)
    net = caltech.build()
    truth, other = (dv.activations(net, one, "relu3").astype(np.float64) for one in (picture, image))
    assert found["feature_error"] == pytest.approx(np.square(other - truth).sum() / np.square(truth).sum(), rel=1e-4)
    errors = []
    for layer in ("relu1", "relu2", "relu3"):
        truth, other = (dv.activations(watermark.build(), one, layer).astype(np.float64) for one in (picture, image))
        errors.append(np.square(other - truth).sum() / np.square(truth).sum())
    assert found["judge_error"] == pytest.approx(np.mean(errors), rel=1e-4)
    same = toy.measure("relu3", picture, picture)
    assert (same["feature_error"], same["judge_error"], same["same_class"], same["judge_same_class"]) == (0, 0, 1, 1)


@pytest.mark.slow
def test_answers_are_those_of_the_library(toy: bench.Bench, picture: np.ndarray) -> None:
    net = caltech.build()
    np.testing.assert_array_equal(
        toy.answer("learned", "relu3", picture), dv.invert(net, picture, "relu3", "learned").image
    )
    np.testing.assert_allclose(
        toy.answer("search", "relu3", picture), dv.invert(net, picture, "relu3", steps=3).image, atol=1e-6
    )
    for rule in ("linear", "deconvnet"):
        signal = dv.reconstruct(net, picture, dv.Unit("relu3", "all"), rule).map
        found = toy.answer(rule, "relu3", picture)
        best = metrics.psnr(found, picture)
        for slope, grey in ((0, 0.5), (1, 0.5), (-1, 0.5)):
            other = np.clip(grey + slope * signal / np.abs(signal).max(), 0, 1)
            assert best > metrics.psnr(other, picture)


@pytest.mark.slow
def test_a_search_with_a_denoiser_nears_the_values_and_asks_it_last(picture: np.ndarray) -> None:
    net = caltech.build()
    values = net.taps(((picture - 0.5) / 0.25)[None].astype(np.float32), ["relu1"])["relu1"]
    asked: list[float] = []

    def smooth(noisy: np.ndarray) -> np.ndarray:
        asked.append(float(np.abs(np.diff(noisy, axis=0)).mean()))
        return np.clip(noisy, 0.2, 0.9)

    settings = plug_and_play.PlugAndPlay(rounds=3, steps=24, loud=0.1, quiet=0.001)
    found = plug_and_play.invert(net, values, "relu1", smooth, settings)
    again = plug_and_play.invert(net, values, "relu1", smooth, settings)
    np.testing.assert_array_equal(found, again)
    assert len(asked) == 6
    assert asked[0] > asked[2]
    assert found.min() >= np.float32(0.2)
    assert found.max() <= np.float32(0.9)
    error = metrics.normalized_error(net.taps(((found - 0.5) / 0.25)[None], ["relu1"])["relu1"], values)
    assert error < 0.3
    with pytest.raises(DeconvvizError, match="relu1 is zero everywhere"):
        plug_and_play.invert(net, 0 * values, "relu1", smooth)
    with pytest.raises(DeconvvizError, match=r"falls from loud to quiet.*got loud=0.1, quiet=0.2"):
        plug_and_play.PlugAndPlay(loud=0.1, quiet=0.2)


@pytest.mark.parametrize("name", ["loud", "quiet", "weight", "rate"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -1.0, "0.1"])
def test_settings_of_inversion_with_a_denoiser_refuse_what_is_no_number(name: str, value: Any) -> None:
    with pytest.raises(DeconvvizError, match=f"{name} is a number from 0 up; got {name}={value!r}"):
        plug_and_play.PlugAndPlay(**{name: value})


@pytest.mark.slow
def test_a_stopped_run_goes_on(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out, asked, options = (
        tmp_path / "table.csv",
        [],
        {**TOY, "inverters": "learned, linear", "csv": tmp_path / "table.csv"},
    )
    answer = bench.Bench.answer

    def stopping(self: bench.Bench, inverter: str, layer: str, picture: np.ndarray) -> np.ndarray:
        asked.append(inverter)
        if len(asked) == 3:
            raise KeyboardInterrupt
        return answer(self, inverter, layer, picture)

    monkeypatch.setattr(bench.Bench, "answer", stopping)
    with pytest.raises(KeyboardInterrupt):
        evaluate.evaluate(data, **options)
    assert not out.exists()
    with pytest.raises(
        DeconvvizError, match=r"table.csv.partial belongs to a run with other weights, steps or pictures"
    ):
        evaluate.evaluate(data, **{**options, "steps": 4})
    found = evaluate.evaluate(data, **options)
    assert asked == ["learned", "learned", "linear", "linear", "linear"]
    monkeypatch.undo()
    whole = evaluate.evaluate(data, **{**options, "csv": None})
    assert table.as_csv(found["table"]) == table.as_csv(whole["table"]) == out.read_text()


def test_of_the_training_set_the_held_out_part_is_taken(tmp_path: Path) -> None:
    for number in range(6):
        place = tmp_path / "train30" / "cup" / f"image_{number}.jpg"
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (20, 20), (number, 0, 0)).save(place)
    assert len(table.unseen(tmp_path)) == 2
    assert len(table.unseen(tmp_path / "train30" / "cup")) == 6


def test_refusals(data: Path) -> None:
    with pytest.raises(DeconvvizError, match="deconvnett"):
        evaluate.evaluate(data, inverters="deconvnett")
    with pytest.raises(NetworkError, match="conv4 of caltech has no learned inverter"):
        evaluate.evaluate(data, layers="conv4")
    with pytest.raises(NetworkError, match="caltech has no layer 'relu9'"):
        evaluate.evaluate(data, layers="relu9")
    with pytest.raises(DeconvvizError, match="there is no model 'squeezenett'"):
        evaluate.evaluate(data, judge="squeezenett")
    with pytest.raises(DeconvvizError, match="got 0"):
        evaluate.evaluate(data, images=0)
    with pytest.raises(DataError, match="no such folder"):
        evaluate.evaluate(data / "nowhere")
