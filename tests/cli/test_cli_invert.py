"""The commands invert and visualize, on a network with random weights."""

from __future__ import annotations

import dataclasses
import json
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from safetensors.numpy import save

import deconvviz as dv
from deconvviz import cli
from deconvviz._cli import _grid
from deconvviz.data import samples
from deconvviz.errors import DeconvvizError
from deconvviz.figures import montage
from deconvviz.methods import run_files
from deconvviz.types import LayerVisualization


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


@pytest.mark.slow
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


@pytest.mark.slow
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
    refined = [*learned[:-1], "refined", "--steps", "8"]
    assert run(*refined).stdout.splitlines()[0] == "caltech, relu6: 8 steps from the answer of a trained decoder"
    assert said(*refined)["feature_error"] < record["feature_error"]


@pytest.mark.deep
def test_visualize_writes_the_pictures_of_the_library(model: list[str], weights: Path, tmp_path: Path) -> None:
    out = tmp_path / "seen.png"
    options = ["--layer", "conv1", "--channel", "3", "--steps", "5", "--pictures", "2", "--rate", "0.1"]
    record = said("visualize", *model, *options, "--out", out)
    net = dv.load("caltech", weights=weights)
    expected = dv.visualize(net, dv.Unit("conv1", 3), steps=5, pictures=2, rate=0.1)
    assert np.array_equal(pixels(out), np.rint(np.concatenate(expected.images, axis=1) * 255).astype(np.uint8))
    assert record["activations"] == expected.activations.tolist()
    assert (record["objective"], record["channel"], record["images"]) == ("channel", 3, 2)


@pytest.mark.deep
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


@pytest.mark.slow
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


def stopped_after(snapshots: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The library's run is interrupted after so many snapshots."""

    def stop(*arguments: Any, **options: Any) -> Any:
        going = real(*arguments, **options)
        for _ in range(snapshots):
            yield next(going)
        raise KeyboardInterrupt

    real = dv.invert_snapshots
    monkeypatch.setattr(dv, "invert_snapshots", stop)


@pytest.mark.deep
def test_a_checkpoint_goes_on_to_the_same_pixels(
    inverted: list[str], weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, kept = tmp_path / "out.png", tmp_path / "run.safetensors"
    options = [*inverted, "--jitter", "2", "--restarts", "2", "--checkpoint", kept]
    with monkeypatch.context() as patched:
        stopped_after(1, patched)
        assert run(*options, "--out", out).exit_code == 130
    assert [file.name for file in tmp_path.iterdir()] == [kept.name]
    record = said(*options, "--out", out)
    assert (record["steps"], record["resumed"]) == (9, 8)
    net, cat = dv.load("caltech", weights=weights), samples.load("cat")
    whole = dv.invert(net, cat, "conv1", steps=9, seed=2, jitter=2, restarts=2)
    assert np.array_equal(pixels(out), np.rint(whole.image * 255).astype(np.uint8))
    assert (record["feature_error"], record["loss"]) == (whole.feature_error, whole.losses[-1])
    again = run_files.read(kept)
    assert np.array_equal(again.image, whole.image)
    assert np.array_equal(again.losses, whole.losses)
    assert (again.restart, again.step, again.steps) == (whole.restart, 9, 9)
    done = said(*options)
    assert (done["resumed"], done["feature_error"]) == (9, whole.feature_error)


@pytest.mark.parametrize("other", [["--layer", "pool1"], ["--seed", "3"], ["--jitter", "3"], ["--restarts", "2"],
                                   ["--image", "sample:disc"]])  # fmt: skip
def test_a_checkpoint_of_another_run_is_refused_and_stays(
    inverted: list[str], tmp_path: Path, other: list[str]
) -> None:
    kept = tmp_path / "run.safetensors"
    said(*inverted, "--steps", "1", "--checkpoint", kept)
    before = kept.read_bytes()
    answer = run(*inverted, "--steps", "2", "--checkpoint", kept, *other)
    assert answer.exit_code == 2, (answer.output, answer.exception)
    assert answer.stderr.count("\n") == 1
    assert f"--checkpoint {kept} holds another run, of conv1 with seed 2" in answer.stderr
    assert "delete it, or name another file" in answer.stderr
    assert kept.read_bytes() == before


def test_what_is_no_checkpoint_is_refused(inverted: list[str], tmp_path: Path) -> None:
    kept = tmp_path / "run.safetensors"
    for content in (b"nothing", save({"params": np.zeros(3)}), save({"params": np.zeros(3)}, {"run": "{}"})):
        kept.write_bytes(content)
        answer = run(*inverted, "--checkpoint", kept)
        assert answer.exit_code == 2
        assert f"{kept} holds no run of inversion that can go on" in answer.stderr
        assert kept.read_bytes() == content
    answer = run(*inverted, "--checkpoint", tmp_path / "nowhere" / "run.safetensors")
    assert "--checkpoint" in answer.stderr
    assert "does not exist; make it first" in answer.stderr
    answer = run(*inverted[:-4], "--method", "learned", "--checkpoint", tmp_path / "other.safetensors")
    assert "method 'learned' answers within seconds; leave it out" in answer.stderr


@pytest.fixture
def sheet(model: list[str]) -> list[str]:
    """A short grid of three channels."""
    return ["visualize", *model, "--layer", "conv1", "--channel", "2,0-1", "--steps", "3", "--seed", "1"]


@pytest.mark.slow
def test_a_grid_is_the_sheet_of_the_library(sheet: list[str], weights: Path, tmp_path: Path) -> None:
    out = tmp_path / "sheet.png"
    record = said(*sheet, "--grid", out)
    expected = dv.visualize_layer(dv.load("caltech", weights=weights), "conv1", [2, 0, 1], steps=3, seed=1)
    assert np.array_equal(pixels(out), np.rint(montage.gallery(expected.images) * 255).astype(np.uint8))
    assert record["activations"] == expected.activations.tolist()
    assert (record["channels"], record["dead"], record["images"], record["resumed"]) == ([2, 0, 1], [], 3, 0)
    assert [file.name for file in tmp_path.iterdir()] == ["sheet.png"]


@pytest.mark.slow
def test_a_grid_that_is_interrupted_goes_on(sheet: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*arguments: Any, **options: Any) -> Any:
        for now in real(*arguments, **options):
            if now.finished.sum() == 3:
                raise KeyboardInterrupt
            yield now

    real, out = dv.visualize_layer_snapshots, tmp_path / "sheet.png"
    with monkeypatch.context() as patched:
        patched.setattr(dv, "visualize_layer_snapshots", stop)
        assert run(*sheet, "--grid", out).exit_code == 130
    assert [file.name for file in tmp_path.iterdir()] == ["sheet.png.unfinished.npz"]
    other = run(*sheet, "--seed", "9", "--grid", out)
    assert other.exit_code == 2
    assert (
        "sheet.png.unfinished.npz holds another run: these pictures of conv1 from seed 1 cannot go on" in other.stderr
    )
    record = said(*sheet, "--grid", out)
    assert record["resumed"] == 2
    whole = tmp_path / "whole.png"
    said(*sheet, "--grid", whole)
    assert out.read_bytes() == whole.read_bytes()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["sheet.png", "whole.png"]


def test_a_damaged_file_of_finished_pictures_is_named(sheet: list[str], tmp_path: Path) -> None:
    (tmp_path / "sheet.png.unfinished.npz").write_bytes(b"PK no archive")
    answer = run(*sheet, "--grid", tmp_path / "sheet.png")
    assert answer.exit_code == 2
    assert "cannot be read" in answer.stderr
    assert "delete it" in answer.stderr
    assert not (tmp_path / "sheet.png").exists()


def test_finished_pictures_of_other_shapes_and_types_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "sheet.png.unfinished.npz"
    good = LayerVisualization(
        "relu1", "channel", np.arange(2), np.zeros((2, 8, 6, 3), np.float32), np.zeros(2), np.ones(2, bool), ("", "a"),
        np.zeros(2, bool), 0, 3, 9, "ab",
    )  # fmt: skip
    path.write_bytes(_grid.packed(good))
    assert _grid.read(path).notes == ("", "a")
    for change in ({"notes": np.float32(3)}, {"images": good.images[:1]}, {"dead": np.zeros(2)}, {"channels": 3}):
        path.write_bytes(_grid.packed(dataclasses.replace(good, **change)))
        with pytest.raises(DeconvvizError, match=r"its arrays have other shapes or types.*delete it"):
            _grid.read(path)


@pytest.mark.deep
@pytest.mark.parametrize("kind", ["invert", "grid"])
def test_a_run_that_is_killed_at_any_moment_ends_in_the_same_pixels(
    kind: str, inverted: list[str], sheet: list[str], tmp_path: Path
) -> None:
    def command(out: Path) -> list[str]:
        if kind == "grid":
            return [*map(str, sheet), "--grid", str(out)]
        kept = out.with_suffix(".safetensors")
        return [*map(str, inverted), "--steps", "400", "--out", str(out), "--checkpoint", str(kept)]

    whole, out, draw = tmp_path / "whole.png", tmp_path / "out.png", random.Random(0)
    said(*command(whole))
    state = tmp_path / ("out.png.unfinished.npz" if kind == "grid" else "out.safetensors")
    for _ in range(3):
        process = subprocess.Popen([sys.executable, "-m", "deconvviz", *command(out)], stdout=subprocess.DEVNULL)
        before, end = state.stat().st_mtime_ns if state.exists() else 0, time.monotonic() + 200
        while process.poll() is None and time.monotonic() < end:
            if state.exists() and state.stat().st_mtime_ns != before:
                break
            time.sleep(0.01)
        time.sleep(draw.uniform(0, 0.2))
        process.kill()
        process.wait()
    said(*command(out))
    assert out.read_bytes() == whole.read_bytes()


GRID_REFUSED = [
    (["--channel", "0-40"], "--channel 0-40: '0-40' is no number or range first-last of the channels 0 to 31"),
    (["--channel", "3-1"], "'3-1' is no number or range"),
    (["--channel", "1,,2"], "'' is no number or range"),
    (["--channel", "1", "--pictures", "4"], "--grid makes one picture of each channel; --pictures does not go with it"),
    (["--row", "1", "--column", "2", "--start", "sample:cat"], "--row, --column, --start does not go with it"),
]


@pytest.mark.parametrize(("arguments", "reason"), GRID_REFUSED)
def test_a_grid_that_makes_no_sense_is_refused(
    model: list[str], tmp_path: Path, arguments: list[str], reason: str
) -> None:
    answer = run("visualize", *model, "--layer", "conv1", *arguments, "--grid", tmp_path / "out.png")
    assert answer.exit_code == 2
    assert reason in answer.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--channel", "0-3"], "--channel '0-3' is no whole number from 0; several need --grid FILE.png"),
        ([], "give --channel and --out for one unit, or --grid for many"),
        (["--channel", "1", "--batch", "2"], "--batch goes with --grid FILE.png"),
    ],
)
def test_one_unit_takes_one_channel(model: list[str], tmp_path: Path, arguments: list[str], reason: str) -> None:
    answer = run("visualize", *model, "--layer", "conv1", *arguments, "--out", tmp_path / "out.png")
    assert answer.exit_code == 2
    assert reason in answer.stderr
