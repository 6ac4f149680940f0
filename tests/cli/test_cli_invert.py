"""The commands invert and visualize, on a network with random weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import deconvviz as dv
from deconvviz import cli
from deconvviz.data import samples


def run(*arguments: str | Path) -> Any:
    """What the command line answers."""
    return CliRunner().invoke(cli.main, [*map(str, arguments)])


def said(*arguments: str | Path) -> dict[str, Any]:
    """The one JSON line of a command that has to succeed."""
    answer = run(*arguments, "--json")
    assert answer.exit_code == 0, (answer.stderr, answer.exception)
    assert answer.stdout.count("\n") == 1
    assert answer.stderr == ""
    record: dict[str, Any] = json.loads(answer.stdout)
    return record


def pixels(file: Path) -> np.ndarray:
    """A picture file as bytes."""
    with Image.open(file) as picture:
        return np.asarray(picture)


@pytest.fixture
def model(weights: Path) -> list[str]:
    """The options that name the network."""
    return ["--model", "caltech", "--weights", str(weights)]


@pytest.fixture
def inverted(model: list[str]) -> list[str]:
    """A short inversion."""
    return ["invert", *model, "--image", "sample:cat", "--layer", "conv1", "--steps", "9", "--seed", "2"]


def test_invert_writes_the_picture_of_the_library(inverted: list[str], weights: Path, tmp_path: Path) -> None:
    out = tmp_path / "inverted.png"
    record = said(*inverted, "--out", out)
    expected = dv.invert(dv.load("caltech", weights=weights), samples.load("cat"), "conv1", steps=9, seed=2)
    assert np.array_equal(pixels(out), np.rint(expected.image * 255).astype(np.uint8))
    assert record["feature_error"] == expected.feature_error
    assert record["normalized_image_error"] == expected.image_error
    assert (record["steps"], record["seed"], record["layer"], record["images"]) == (9, 2, "conv1", 1)
    assert record["note"] is None
    lines = run(*inverted).stdout.splitlines()
    assert lines[0] == "caltech, conv1: 9 steps from seed 2"
    assert f"feature error {expected.feature_error:.4g}" in lines[1]


def test_a_decoder_answers_in_one_pass(tmp_path: Path) -> None:
    out = tmp_path / "learned.png"
    learned = ["invert", "--model", "caltech", "--image", "sample:cat", "--layer", "relu6", "--method", "learned"]
    record = said(*learned, "--out", out)
    expected = dv.invert(dv.load("caltech"), samples.load("cat"), "relu6", method="learned")
    assert np.array_equal(pixels(out), np.rint(expected.image * 255).astype(np.uint8))
    assert record["feature_error"] == expected.feature_error
    assert record["normalized_image_error"] == expected.image_error
    assert (record["steps"], record["loss"], record["method"]) == (0, None, "learned")
    assert run(*learned).stdout.splitlines()[0] == "caltech, relu6: one pass of a trained decoder"
    assert "method='learned' has no option 'steps'" in run(*learned, "--steps", "8").stderr


def test_visualize_writes_the_pictures_of_the_library(model: list[str], weights: Path, tmp_path: Path) -> None:
    out = tmp_path / "seen.png"
    options = ["--layer", "conv1", "--channel", "3", "--steps", "5", "--pictures", "2", "--rate", "0.1"]
    record = said("visualize", *model, *options, "--out", out)
    net = dv.load("caltech", weights=weights)
    expected = dv.visualize(net, dv.Unit("conv1", 3), steps=5, pictures=2, rate=0.1)
    assert np.array_equal(pixels(out), np.rint(np.concatenate(expected.images, axis=1) * 255).astype(np.uint8))
    assert record["activations"] == expected.activations.tolist()
    assert (record["objective"], record["channel"], record["images"]) == ("channel", 3, 2)


def test_a_class_needs_no_layer(model: list[str], tmp_path: Path) -> None:
    out = tmp_path / "class.png"
    record = said("visualize", *model, "--objective", "class", "--channel", "5", "--steps", "2", "--out", out)
    assert (record["layer"], record["objective"]) == ("logits", "class")
    assert pixels(out).shape == (128, 128, 3)


REFUSED = [
    (["invert", "--image", "sample:cat", "--layer", "conv9"], "caltech has no layer 'conv9'; did you mean conv"),
    (
        ["invert", "--image", "sample:cat", "--layer", "relu1", "--method", "learned"],
        "name, but other weights",
    ),
    (["invert", "--image", "sample:cat", "--layer", "relu1", "--method", "learnt"], "did you mean learned?"),
    (
        ["invert", "--image", "sample:cat", "--layer", "relu1", "--rate", "-1"],
        "rate is a number from 0 up; got rate=-1.0",
    ),
    (["invert", "--image", "sample:cat", "--layer", "relu1", "--steps", "0"], "0 is not in the range"),
    (["visualize", "--layer", "relu1", "--channel", "32"], "relu1 has 32 channels, numbered 0 to 31; got channel=32"),
    (["visualize", "--channel", "3"], "--layer missing"),
    (["visualize", "--layer", "relu1", "--channel", "3", "--objective", "class"], "a class is an entry of a layer"),
    (["visualize", "--layer", "relu1", "--channel", "3", "--row", "2"], "row and column go together"),
]


@pytest.mark.parametrize(("arguments", "reason"), REFUSED)
def test_bad_input_is_one_line_and_no_file(model: list[str], tmp_path: Path, arguments: list[str], reason: str) -> None:
    out = tmp_path / "out.png"
    answer = run(arguments[0], *model, *arguments[1:], "--out", out)
    assert answer.exit_code == 2, (answer.output, answer.exception)
    assert answer.stdout == ""
    assert answer.stderr.count("\n") == 1, answer.stderr
    assert reason in answer.stderr
    assert not list(tmp_path.iterdir())


def test_a_run_that_is_interrupted_leaves_no_file(
    inverted: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*arguments: Any, **options: Any) -> Any:
        yield next(real(*arguments, **options))
        raise KeyboardInterrupt

    real = dv.invert_snapshots
    monkeypatch.setattr(dv, "invert_snapshots", stop)
    answer = run(*inverted, "--out", tmp_path / "out.png")
    assert answer.exit_code == 130
    assert not list(tmp_path.iterdir())
