"""The commands train, evaluate and data hand what was asked to the functions behind them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from deconvviz import cli
from deconvviz.training.caltech import train as caltech
from deconvviz.training.inverter import train as inverter


class Recorder:
    """A function that keeps what it was called with, and prints progress where it may."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.calls: list[tuple[tuple[Any, ...], dict[str, Any]]] = []

    def __call__(self, *values: Any, **options: Any) -> Any:
        self.calls.append((values, options))
        return self.answer


def run(*arguments: str) -> Any:
    """What the command line answers."""
    return CliRunner().invoke(cli.main, [*arguments])


def test_train_hands_everything_on(monkeypatch: pytest.MonkeyPatch) -> None:
    train = Recorder({"val_mean_per_class": 0.61})
    monkeypatch.setattr(caltech, "train", train)
    answer = run(
        *("train", "caltech", "--data", "pictures", "--out", "runs/x"),
        *("--seed", "3", "--epochs", "9", "--no-resume", "--json"),
    )
    assert answer.exit_code == 0, answer.stderr
    options = {"seed": 3, "epochs": 9, "resume": False, "progress": True}
    assert train.calls == [((Path("pictures"), Path("runs/x")), options)]
    record = json.loads(answer.stdout)
    assert record["val_mean_per_class"] == 0.61
    assert record["out"] == "runs/x"


def test_train_leaves_the_number_of_epochs_to_the_recipe(monkeypatch: pytest.MonkeyPatch) -> None:
    train = Recorder({})
    monkeypatch.setattr(caltech, "train", train)
    assert "out: x" in run("train", "caltech", "--data", "d", "--out", "x").stdout
    assert train.calls[0][1] == {"seed": 0, "resume": True, "progress": True}


def test_evaluate_prints_the_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    figures = {"top1": 0.5, "top5": 0.75, "mean_per_class": 0.25, "images": 4, "seconds": 1.0}
    evaluate = Recorder(figures)
    monkeypatch.setattr(caltech, "evaluate", evaluate)
    answer = run("evaluate", "caltech", "--data", "d", "--weights", "w.safetensors", "--json")
    assert json.loads(answer.stdout) == figures
    assert evaluate.calls == [((Path("d"),), {"weights": Path("w.safetensors"), "progress": True})]
    assert "mean_per_class: 0.25" in run("evaluate", "caltech", "--data", "d").stdout
    assert "mean_per_class: 0.25" in run("evaluate", "--data", "d", "caltech").stdout


def test_an_inverter_is_named_with_its_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    figures = {"psnr": 20.5, "ssim": 0.5, "normalized_image_error": 0.04, "images": 4, "seconds": 1.0}
    train, evaluate = Recorder({"val_psnr": 20.5}), Recorder(figures)
    monkeypatch.setattr(inverter, "train", train)
    monkeypatch.setattr(inverter, "evaluate", evaluate)
    answer = run("train", "inverter:relu4", "--data", "d", "--out", "x", "--upsampler", "resize", "--json")
    assert answer.exit_code == 0, answer.stderr
    assert json.loads(answer.stdout)["network"] == "inverter:relu4"
    options = {"seed": 0, "resume": True, "progress": True, "layer": "relu4", "upsampler": "resize"}
    assert train.calls == [((Path("d"), Path("x")), options)]
    answer = run("evaluate", "inverter:relu4", "--data", "d", "--json")
    assert json.loads(answer.stdout) == figures
    assert evaluate.calls == [((Path("d"),), {"progress": True, "layer": "relu4"})]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("train", "inverter"), "'inverter' says no layer: inverter:LAYER, for example inverter:relu4"),
        (("evaluate", "inverter:"), "'inverter:' says no layer"),
        (
            ("train", "caltech:relu4"),
            "'caltech:relu4' names a layer, which 'caltech' does not take: leave",
        ),
        (("evaluate", "squeezenet:relu4"), "names a layer, which 'squeezenet' does not take"),
        (("train", "invertor:relu4"), "nothing to train is called 'invertor'; did you mean inverter or inversion?"),
        (("train", "caltech", "--upsampler", "resize"), "No such option '--upsampler'. (see: deconvviz train caltech"),
    ],
)
def test_a_layer_where_none_belongs(arguments: tuple[str, ...], reason: str, tmp_path: Path) -> None:
    where = ("--data", str(tmp_path), *(("--out", str(tmp_path / "run")) if arguments[0] == "train" else ()))
    answer = run(*arguments, *where)
    assert answer.exit_code == 2
    assert reason in answer.stderr
    assert not list(tmp_path.iterdir())


def test_missing_pictures_are_one_line(tmp_path: Path, weights: Path) -> None:
    nowhere = str(tmp_path / "nowhere")
    for command in (["train", "caltech", "--out", nowhere], ["evaluate", "caltech", "--weights", str(weights)]):
        answer = run(*command, "--data", nowhere)
        assert answer.exit_code == 2, answer.output
        assert answer.stderr.count("\n") == 1
        assert nowhere in answer.stderr


def test_data_fetch_names_the_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    from deconvviz.data import datasets

    fetch = Recorder(Path("data/caltech101"))
    monkeypatch.setattr(datasets, "fetch", fetch)
    answer = run("data", "fetch", "caltech101", "--out", "data", "--json")
    assert json.loads(answer.stdout) == {"name": "caltech101", "folder": "data/caltech101"}
    assert fetch.calls == [(("caltech101", Path("data")), {"progress": True})]


def test_an_unknown_data_set_is_one_line(tmp_path: Path) -> None:
    answer = run("data", "fetch", "caltech1", "--out", str(tmp_path))
    assert answer.exit_code == 2
    assert answer.stderr.count("\n") == 1
    assert "'caltech1'" in answer.stderr
    assert "caltech101" in answer.stderr
