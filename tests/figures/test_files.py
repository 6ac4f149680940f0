"""Files: the right kind by the ending, everything inside, the same bytes, whole or not at all."""

from __future__ import annotations

import io
import json
import os
import stat
import zipfile
from xml.etree import ElementTree

import numpy as np
import pytest
from figure_cases import PICTURE, made
from PIL import Image

from deconvviz.errors import DeconvvizError
from deconvviz.figures import files
from deconvviz.figures.panels import map_rgb, reconstruction_svg, save_map
from deconvviz.types import Coverage, Unit

RECIPE = {"layer": "relu3", "channel": 7, "note": "猫"}


def test_png_is_the_map_pixel_by_pixel(tmp_path):
    path = save_map(tmp_path / "map.png", made(), recipe=RECIPE)
    with Image.open(path) as picture:
        assert np.array_equal(np.asarray(picture), map_rgb(made()))
        assert json.loads(picture.text["recipe"]) == RECIPE
    with Image.open(save_map(tmp_path / "plane.PNG", made(), mode="plane", limit=9.0)) as picture:
        assert np.array_equal(np.asarray(picture), map_rgb(made(), "plane", 9.0))
        assert picture.text == {}


def test_svg_is_the_figure(tmp_path):
    path = save_map(str(tmp_path / "map.svg"), made(), image=PICTURE, recipe=RECIPE)
    assert path.read_bytes() == reconstruction_svg(PICTURE, made(), recipe=RECIPE)
    assert ElementTree.fromstring(path.read_bytes()).tag == "{http://www.w3.org/2000/svg}svg"
    assert len(save_map(tmp_path / "bare.svg", made()).read_bytes()) < len(path.read_bytes())


def test_npz_holds_everything_without_pickle(tmp_path):
    rec = made(coverage=Coverage(5, 6, ("softplus",)))
    with np.load(save_map(tmp_path / "map.npz", rec, recipe=RECIPE), allow_pickle=False) as kept:
        assert np.array_equal(kept["map"], rec.map)
        assert kept["map"].dtype == np.float32
        assert (str(kept["layer"]), int(kept["channel"]), int(kept["row"]), int(kept["column"])) == ("relu3", 7, 3, 4)
        assert float(kept["activation"]) == rec.activation
        assert (str(kept["rule"]), str(kept["start"])) == ("deconvnet", "activation")
        assert tuple(kept["receptive_field"]) == rec.receptive_field
        assert kept["coverage"].tolist() == [5, 6]
        assert kept["unsupported"].tolist() == ["softplus"]
        assert float(kept["agreement"]) == 3e-7
        assert json.loads(str(kept["recipe"])) == RECIPE
    whole = files.npz_bytes(made(unit=Unit("relu3", 7, "all", "all"), agreement=None))
    with np.load(io.BytesIO(whole), allow_pickle=False) as kept:
        assert str(kept["row"]) == str(kept["column"]) == "all"
        assert np.isnan(kept["agreement"])
        assert str(kept["recipe"]) == ""


def test_npz_bytes_hold_no_date():
    data = files.npz_bytes(made(), RECIPE)
    assert data == files.npz_bytes(made(), RECIPE)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_a_recipe_may_be_text(tmp_path):
    text = json.dumps(RECIPE)
    with Image.open(save_map(tmp_path / "map.png", made(), recipe=text)) as picture:
        assert picture.text["recipe"] == text
    assert files.recipe_text(None) == ""


def test_an_older_file_is_replaced_and_nothing_else_is_left(tmp_path):
    path = tmp_path / "map.png"
    path.write_bytes(b"older")
    save_map(path, made())
    assert path.read_bytes()[:4] == b"\x89PNG"
    assert os.listdir(tmp_path) == ["map.png"]
    (tmp_path / "plain").touch()
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE((tmp_path / "plain").stat().st_mode)


def test_a_link_keeps_being_a_link(tmp_path):
    (tmp_path / "real.npz").write_bytes(b"older")
    (tmp_path / "link.npz").symlink_to("real.npz")
    save_map(tmp_path / "link.npz", made())
    assert (tmp_path / "link.npz").is_symlink()
    assert (tmp_path / "real.npz").read_bytes()[:2] == b"PK"


@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_failure_leaves_the_older_file_and_no_part(tmp_path, monkeypatch, failure):
    path = tmp_path / "map.npz"
    path.write_bytes(b"older")

    def fail(descriptor: int) -> None:
        raise failure

    monkeypatch.setattr(os, "fsync", fail)
    expected = DeconvvizError if isinstance(failure, OSError) else KeyboardInterrupt
    with pytest.raises(expected) as caught:
        save_map(path, made())
    if expected is DeconvvizError:
        assert "map.npz" in str(caught.value)
        assert "No space left on device" in str(caught.value)
    assert path.read_bytes() == b"older"
    assert os.listdir(tmp_path) == ["map.npz"]


@pytest.mark.parametrize(
    ("name", "phrases"),
    [
        ("map.jpg", ["map.jpg", "'.jpg'", ".png"]),
        ("map.pgn", ["did you mean .png?"]),
        ("map", ["no ending", ".svg"]),
        ("nowhere/map.png", ["no folder", "nowhere", "make it"]),
        ("folder.png", ["is a folder", "name a file"]),
    ],
)
def test_paths_that_cannot_be_written(tmp_path, name, phrases):
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(DeconvvizError) as caught:
        save_map(tmp_path / name, made())
    for phrase in phrases:
        assert phrase in str(caught.value)
    assert os.listdir(tmp_path) == ["folder.png"]


def test_nothing_is_drawn_for_a_path_that_cannot_be_written(tmp_path, monkeypatch):
    def draw(*args: object, **options: object) -> None:
        raise AssertionError("drawn")

    monkeypatch.setattr("deconvviz.figures.panels.reconstruction_svg", draw)
    with pytest.raises(DeconvvizError, match="no folder"):
        save_map(tmp_path / "nowhere" / "map.svg", made())
