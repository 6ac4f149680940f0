"""The commands layers, activations and reconstruct, on a network with random weights."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import deconvviz as dv
from deconvviz import cli
from deconvviz.data import samples
from deconvviz.recipe import Recipe

UNIT = ["--layer", "relu3", "--channel", "7"]


def run(*arguments: str | Path) -> Any:
    """What the command line answers."""
    return CliRunner().invoke(cli.main, [*map(str, arguments)])


def said(*arguments: str | Path) -> dict[str, Any]:
    """The one JSON line of a command that has to succeed."""
    answer = run(*arguments, "--json")
    assert answer.exit_code == 0, answer.stderr
    assert answer.stdout.count("\n") == 1
    record: dict[str, Any] = json.loads(answer.stdout)
    return record


def refused(*arguments: str | Path) -> str:
    """The one line of a command that has to fail."""
    answer = run(*arguments)
    assert answer.exit_code == 2, (answer.exit_code, answer.output, answer.exception)
    assert answer.stdout == ""
    assert answer.stderr.count("\n") == 1, answer.stderr
    line: str = answer.stderr
    return line


@pytest.fixture
def model(weights: Path) -> list[str]:
    """The options that name the network."""
    return ["--model", "caltech", "--weights", str(weights)]


@pytest.fixture
def on_cat(model: list[str]) -> list[str]:
    """The options that name the network and a photograph."""
    return [*model, "--image", "sample:cat"]


def test_layers_are_those_of_the_network(model: list[str], weights: Path) -> None:
    net = dv.load("caltech", weights=weights)
    record = said("layers", *model)
    assert record["model"] == "caltech"
    assert [tuple(layer["shape"]) for layer in record["layers"]] == [layer.shape for layer in net.layers]
    assert {"name", "kind", "shape", "stride", "receptive_field", "parameters", "known_axes"} == record["layers"][
        0
    ].keys()
    table = run("layers", *model).stdout.splitlines()
    assert table[0].split("  ")[0] == "name"
    assert len(table) == 1 + len(net.layers)
    assert table[1].startswith(net.layers[0].name)
    column = table[0].index("parameters")
    assert [row[column:].strip() for row in table[1:]] == [str(layer.parameters or "-") for layer in net.layers]


def test_activations_lists_the_strongest_channels(on_cat: list[str], weights: Path, tmp_path: Path) -> None:
    out = tmp_path / "a.npz"
    record = said("activations", *on_cat, "--layer", "relu3", "--top", "3", "--out", out)
    values = dv.activations(dv.load("caltech", weights=weights), samples.load("cat"), "relu3")
    np.testing.assert_array_equal(np.load(out)["activations"], values)
    best = sorted(range(values.shape[2]), key=lambda c: -float(values[:, :, c].max()))[:3]
    assert [entry["channel"] for entry in record["top"]] == best
    for entry in record["top"]:
        assert values[entry["row"], entry["column"], entry["channel"]] == entry["value"]
    assert record["shape"] == list(values.shape)


def test_activations_of_a_vector_have_no_position(on_cat: list[str]) -> None:
    record = said("activations", *on_cat, "--layer", "logits", "--top", "2")
    assert record["shape"] == [102]
    assert record["top"][0]["row"] is None
    assert "channel" in run("activations", *on_cat, "--layer", "logits").stdout


@pytest.mark.slow
def test_the_png_is_the_map_pixel_for_pixel(on_cat: list[str], weights: Path, tmp_path: Path) -> None:
    record = said("reconstruct", *on_cat, *UNIT, "--out", tmp_path / "map.png", "--save-recipe", tmp_path / "r.json")
    seen = dv.reconstruct(dv.load("caltech", weights=weights), samples.load("cat"), dv.Unit("relu3", 7))
    assert (record["row"], record["column"]) == (seen.unit.row, seen.unit.column)
    assert record["activation"] == pytest.approx(seen.activation)
    assert record["receptive_field"] == list(seen.receptive_field)
    assert record["maps"][0]["highest"] == pytest.approx(float(seen.map.max()))
    with Image.open(tmp_path / "map.png") as picture:
        pixels = np.asarray(picture.convert("RGB")).astype(int)
        recipe = Recipe.from_json(picture.info["recipe"])
    assert recipe == Recipe.from_json((tmp_path / "r.json").read_text())
    expected = np.rint(128 + 127 * seen.map / np.abs(seen.map).max()).astype(int)
    assert pixels.shape == seen.map.shape == (128, 128, 3)
    assert np.abs(pixels - expected).max() <= 1


@pytest.mark.sampled(1)
@pytest.mark.slow
@pytest.mark.parametrize("rules", [["guided"], ["gradient", "deconvnet", "guided", "linear"]])
@pytest.mark.parametrize("kind", ["png", "svg", "npz"])
def test_a_recipe_makes_the_same_bytes_again(
    on_cat: list[str], weights: Path, tmp_path: Path, kind: str, rules: Any
) -> None:
    first, again, recipe = tmp_path / f"first.{kind}", tmp_path / f"again.{kind}", tmp_path / "recipe.json"
    options = [part for rule in rules for part in ("--rule", rule)]
    place = ["--row", "3", "--column", "9", "--start", "one"]
    run("reconstruct", *on_cat, *UNIT, *place, *options, "--out", first, "--save-recipe", recipe)
    record = said("reconstruct", "--recipe", recipe, "--weights", weights, "--out", again)
    assert [entry["rule"] for entry in record["maps"]] == rules
    assert record["image"] == "sample:cat"
    assert (record["row"], record["column"], record["start"]) == (3, 9, "one")
    assert first.read_bytes() == again.read_bytes()
    assert len(first.read_bytes()) > 1000


@pytest.mark.deep
def test_npz_holds_the_arrays(on_cat: list[str], weights: Path, tmp_path: Path) -> None:
    out = tmp_path / "map.npz"
    run("reconstruct", *on_cat, *UNIT, "--all", "--rule", "linear", "--rule", "gradient", "--out", out)
    net, cat = dv.load("caltech", weights=weights), samples.load("cat")
    with np.load(out) as arrays:
        assert list(arrays["rules"]) == ["linear", "gradient"]
        for index, rule in enumerate(arrays["rules"]):
            whole = dv.reconstruct(net, cat, dv.Unit("relu3", 7, "all", "all"), rule=str(rule))
            np.testing.assert_allclose(arrays["maps"][index], whole.map, rtol=1e-5, atol=1e-6 * np.abs(whole.map).max())
        assert Recipe.from_json(str(arrays["recipe"])).row == "all"


@pytest.mark.slow
def test_the_readable_answer_names_what_was_done(on_cat: list[str], tmp_path: Path) -> None:
    out = tmp_path / "map.svg"
    answer = run("reconstruct", *on_cat, *UNIT, "--out", out)
    assert answer.exit_code == 0, answer.stderr
    for part in ("caltech, relu3, channel 7, row ", "deconvnet", "3 of 3 rectifiers obey", f"written: {out}"):
        assert part in answer.stdout
    assert out.read_text().lstrip().startswith("<?xml")


def test_a_picture_of_ones_own_has_to_be_given_again(model: list[str], weights: Path, tmp_path: Path) -> None:
    draw = np.random.default_rng(3)
    photo, other, recipe = tmp_path / "photo.png", tmp_path / "other.png", tmp_path / "r.json"
    for file in (photo, other):
        Image.fromarray(draw.integers(0, 256, (150, 170, 3), dtype=np.uint8)).save(file)
    assert said("reconstruct", *model, "--image", photo, *UNIT, "--save-recipe", recipe)["recipe"] == str(recipe)
    again = ["reconstruct", "--recipe", str(recipe), "--weights", str(weights)]
    assert f"the recipe {recipe} is of a picture that is not built in: give it again with --image FILE" in refused(
        *again
    )
    assert "the recipe was made from another picture" in refused(*again, "--image", other)
    assert said(*again, "--image", photo)["channel"] == 7


def test_other_weights_are_refused(on_cat: list[str], other_weights: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "r.json"
    said("reconstruct", *on_cat, *UNIT, "--save-recipe", recipe)
    told = refused("reconstruct", "--recipe", recipe, "--weights", other_weights)
    assert "the recipe was made with other weights of caltech" in told


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--layer", "relu33", "--channel", "0"], "no layer 'relu33'; did you mean relu3"),
        (["--layer", "relu3", "--channel", "112"], "layer relu3 has 112 channels, numbered 0 to 111; got channel=112"),
        ([*UNIT, "--row", "99", "--column", "0"], "got row=99, column=0"),
        ([*UNIT, "--row", "1"], "row and column go together"),
        (
            [*UNIT, "--row", "1", "--column", "1", "--all"],
            "--all starts from the whole map: leave out --row",
        ),
        ([*UNIT, "--rule", "guide"], "guide"),
        ([*UNIT, "--start", "two"], "Invalid value for '--start'"),
        ([*UNIT, "--out", "map.gif"], "--out map.gif does not say which format"),
        ([*UNIT, "--out", "/nowhere/map.png"], "the folder /nowhere does not exist; make it first"),
        (
            [*UNIT, "--save-recipe", "/nowhere/r.json"],
            "--save-recipe /nowhere/r.json: the folder /nowhere does",
        ),
        (["--layer", "relu3"], "--channel missing: give them, or a --recipe FILE that holds them"),
        (
            [*UNIT, "--recipe", "r.json"],
            "the recipe already says --model and --layer and --channel: leave out",
        ),
    ],
)
def test_bad_requests_are_one_line(on_cat: list[str], arguments: list[str], line: str) -> None:
    assert line in refused("reconstruct", *on_cat, *arguments)


def test_bad_files_are_one_line(model: list[str], tmp_path: Path) -> None:
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"\x89PNG and then nothing")
    assert str(bad.name) in refused("reconstruct", *model, "--image", bad, *UNIT)
    assert "no.png" in refused("activations", *model, "--image", tmp_path / "no.png", "--layer", "relu3")
    assert "did you mean cat?" in refused("activations", *model, "--image", "sample:catt", "--layer", "relu3")
    assert "calltech" in refused("layers", "--model", "calltech")
    assert str(bad) in refused("layers", "--model", "caltech", "--weights", bad)
    assert "cannot be read: no such file" in refused("reconstruct", "--recipe", tmp_path / "r.json")
    assert "is not a text file, so it is no recipe" in refused("reconstruct", "--recipe", bad)


def test_nothing_half_written_is_left(on_cat: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = tmp_path / "map.png"
    old.write_bytes(b"the old one")

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert "No space left on device" in refused("reconstruct", *on_cat, *UNIT, "--out", old)
    assert [file.name for file in tmp_path.iterdir()] == ["map.png"]
    assert old.read_bytes() == b"the old one"


@pytest.mark.deep
def test_the_module_runs_as_a_program(on_cat: list[str], tmp_path: Path) -> None:
    out = tmp_path / "map.png"
    command = [sys.executable, "-m", "deconvviz", "reconstruct", *on_cat, *UNIT, "--out", str(out), "--json"]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout)["out"] == str(out)
    with Image.open(io.BytesIO(out.read_bytes())) as picture:
        assert picture.size == (128, 128)


@pytest.mark.slow
def test_ctrl_c_is_one_line_and_130(tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    # A shell that starts a program in the background lets it ignore Ctrl-C; a terminal does not.
    listen = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)"
    wait = f"import pathlib, time; from deconvviz import storage; begun = pathlib.Path({str(begun)!r})"
    slow = "storage.read_bytes = lambda *given, **named: (begun.touch(), time.sleep(240))"
    code = f"{listen}; {wait}; {slow}; from deconvviz.cli import main; main(sys.argv[1:])"
    command = [sys.executable, "-c", code, "reconstruct", "--recipe", "recipe.json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        while not begun.exists() and program.poll() is None:
            time.sleep(0.05)
        program.send_signal(signal.SIGINT)
        out, complaint = program.communicate(timeout=240)
    assert program.returncode == 130
    assert out == ""
    assert complaint == "deconvviz: stopped by Ctrl-C; nothing half-written was left behind\n"
