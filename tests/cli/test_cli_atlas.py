"""The commands `atlas build` and `atlas show`, on a network with random weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import deconvviz as dv
from deconvviz import atlas, cli
from deconvviz.atlas import contact


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


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five pictures and a file that is none."""
    root = tmp_path_factory.mktemp("pictures")
    draw = np.random.default_rng(8)
    for i in range(5):
        low = draw.integers(0, 256, (4 + i, 7, 3), np.uint8)
        Image.fromarray(low).resize((140 + 9 * i, 131)).save(root / f"{i}.png")
    (root / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    return root


@pytest.fixture(scope="module")
def options(weights: Path, pictures: Path) -> list[str]:
    """A build of some channels of two layers."""
    model = ["--model", "caltech", "--weights", str(weights)]
    return ["atlas", "build", *model, "--images", str(pictures), "--layers", "relu1:5,relu2:3", "--top", "2"]


@pytest.fixture(scope="module")
def built(options: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The atlas."""
    out = tmp_path_factory.mktemp("atlas") / "built"
    record = said(*options, "--out", out)
    assert (record["listed"], record["used"], record["broken"], record["processes"]) == (6, 5, 1, 1)
    assert [one["image"] for one in record["errors"]] == ["broken.png"]
    assert [one["name"] for one in record["layers"]] == ["relu1", "relu2"]
    return out


@pytest.mark.deep
def test_the_atlas_is_that_of_the_library(built: Path, weights: Path, pictures: Path, tmp_path: Path) -> None:
    other = tmp_path / "atlas"
    atlas.build(dv.load("caltech", weights=weights), pictures, {"relu1": 5, "relu2": 3}, other, top=2)
    for file in sorted(other.rglob("*")):
        if file.is_file():
            assert file.read_bytes() == (built / file.relative_to(other)).read_bytes(), file


@pytest.mark.slow
def test_the_answer_for_people_names_what_was_skipped(options: list[str], built: Path) -> None:
    lines = run(*options, "--out", built).stdout.splitlines()  # it is there already
    assert lines[0] == f"5 of 6 pictures, deconvnet, top 2: {built}"
    assert lines[1].split() == ["layer", "rows", "silent", "channels"]
    assert lines[-1].startswith("skipped: broken.png: 'broken.png'")


@pytest.mark.slow
def test_show_writes_patches_and_reconstructions(built: Path, tmp_path: Path) -> None:
    opened = atlas.Atlas.open(built)
    channel = next(c for c in opened.layer("relu2").channels if c not in opened.layer("relu2").silent)
    rows = opened.rows("relu2", channel)
    out = tmp_path / "channel.png"
    record = said("atlas", "show", "--atlas", built, "--layer", "relu2", "--channel", channel, "--out", out)
    assert [one["image"] for one in record["rows"]] == [row.image for row in rows]
    assert [one["activation"] for one in record["rows"]] == [row.activation for row in rows]
    with Image.open(out) as picture:
        pixels = np.asarray(picture)
        kept = json.loads(picture.text["recipe"])  # type: ignore[attr-defined]
    assert [one["scale"] for one in kept["rows"]] == [row.scale for row in rows]
    cell = max(row.size[0] for row in rows), max(row.size[1] for row in rows)
    zoom, half = -(-96 // min(cell)), (pixels.shape[1] - 24) // 2 + 24
    for kind, left in (("patches", 0), ("maps", half)):
        shown = pixels[: zoom * cell[0] : zoom, left : left + zoom * cell[1] : zoom]
        assert np.array_equal(shown, contact.in_cell(opened.tile(rows[0], kind), rows[0], cell))


def test_show_without_a_folder_reads_the_shipped_atlas() -> None:
    lines = run("atlas", "show", "--layer", "relu2", "--channel", "0").stdout.splitlines()
    assert lines[0] == "caltech, relu2, channel 0: 9 pictures"
    assert len(lines) == 11


REFUSED = [
    (["show", "--layer", "relu9", "--channel", "0"], "has no layer 'relu9'; did you mean relu"),
    (["show", "--layer", "relu2", "--channel", "1"], "has no channel 1 of relu2; it holds 24 of 64, near it 0, 3"),
    (["show", "--layer", "relu2", "--channel", "0", "--out", "x.svg"], "--out x.svg does not say which format"),
    (["show", "--atlas", "nowhere", "--layer", "relu2", "--channel", "0"], "nowhere is no atlas"),
]


@pytest.mark.parametrize(("arguments", "reason"), REFUSED)
def test_a_channel_that_cannot_be_shown_is_one_line(arguments: list[str], reason: str) -> None:
    answer = run("atlas", *arguments)
    assert answer.exit_code == 2, (answer.output, answer.exception)
    assert answer.stderr.count("\n") == 1
    assert reason in answer.stderr


BAD_BUILDS = [
    (["--layers", "relu1,relu99"], "caltech has no layer 'relu99'"),
    (["--layers", ","], "names no layer"),
    (["--layers", "conv1"], "no rectifier"),
    (["--rule", "guidet"], "guidet"),
    (["--images", "nowhere"], "no such folder: nowhere"),
    (["--top", "0"], "0 is not in the range"),
    (["--processes", "2"], "--coordinator, --processes and --process go together"),
    (["--model", "caltech", "--network", "a:b"], "are two networks"),
]


@pytest.mark.parametrize(("change", "reason"), BAD_BUILDS)
def test_a_build_that_cannot_begin_is_one_line_and_no_folder(
    options: list[str], tmp_path: Path, change: list[str], reason: str
) -> None:
    out = tmp_path / "atlas"
    answer = run(*options, *change, "--out", out)
    assert answer.exit_code == 2, (answer.output, answer.exception)
    assert answer.stdout == ""
    assert answer.stderr.count("\n") == 1, answer.stderr
    assert reason in answer.stderr
    assert not out.exists()


def test_an_empty_folder_is_named(options: list[str], tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    answer = run(*options, "--images", tmp_path / "empty", "--out", tmp_path / "atlas")
    assert answer.exit_code == 2
    assert f"no pictures in {tmp_path / 'empty'}" in answer.stderr


def test_another_network_in_the_same_folder_is_refused(options: list[str], built: Path, other_weights: Path) -> None:
    answer = run(*options, "--weights", other_weights, "--out", built)
    assert answer.exit_code == 2
    assert "holds an atlas with other settings (weights " in answer.stderr
