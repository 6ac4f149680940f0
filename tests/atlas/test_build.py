"""A whole atlas of a small network against the slow twin and the library, and builds that stop or may not begin."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import atlas_cases
import numpy as np
import pytest
from PIL import Image
from reference import atlas_loops

import deconvviz as dv
from deconvviz import atlas as atlases
from deconvviz.atlas import scan, tiles
from deconvviz.atlas.pictures import list_pictures
from deconvviz.data import images
from deconvviz.errors import DataError, ImageError, NetworkError, RuleError
from deconvviz.network import Network
from deconvviz.types import InputSpec

LAYERS = ["relu2", "relu1", "mean"]


class Killed(Exception):
    """What a test stops a build with."""


@pytest.fixture(scope="module")
def net() -> Network:
    return atlas_cases.network()


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """19 pictures and 2 broken files."""
    return atlas_cases.folder(tmp_path_factory.mktemp("pictures") / "set", 19, broken=2)


@pytest.fixture(scope="module")
def built(net: Network, pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Their atlas."""
    out = tmp_path_factory.mktemp("atlas") / "whole"
    atlases.build(net, pictures, LAYERS, out, top=4, batch=5)
    return out


def good(pictures: Path) -> list[str]:
    """Names of the pictures that can be read."""
    return [name for name in list_pictures(pictures).names if "broken" not in name]


@pytest.mark.slow
def test_the_rows_are_those_of_the_slow_twin(net: Network, pictures: Path, built: Path) -> None:
    names = good(pictures)
    for layer in LAYERS:
        maps = [dv.activations(net, pictures / name, layer) for name in names]
        slow = atlas_loops.strongest([m if m.ndim == 3 else m[None, None] for m in maps], 4)
        rows = [row for row in atlas_cases.table(built) if row["layer"] == layer]
        assert [(r["channel"], r["rank"]) for r in rows] == [
            (c, k) for c, one in enumerate(slow) for k in range(len(one))
        ]
        wanted = [one for channel in slow for one in channel]
        assert [row["image"] for row in rows] == [names[picture] for _, picture, _, _ in wanted]
        np.testing.assert_allclose([row["activation"] for row in rows], [one[0] for one in wanted], rtol=1e-5)
        places = [(row["row"], row["column"]) for row in rows]
        assert places == ([(None, None)] * len(rows) if layer == "mean" else [(r, c) for _, _, r, c in wanted])


@pytest.mark.slow
def test_tiles_are_the_picture_and_the_reconstruction_of_the_library(net: Network, pictures: Path, built: Path) -> None:
    opened = atlases.Atlas.open(built)
    for layer in LAYERS:
        for row in opened.rows(layer, 3):
            image = images.load(pictures / row.image)
            seen = dv.reconstruct(net, image, row.unit)
            top, left, bottom, right = row.box
            assert row.box == seen.receptive_field
            true = seen.map[top:bottom, left:right]
            assert np.abs(opened.map(row) - true).max() <= row.scale / 254 * (1 + 1e-4)
            assert row.scale == pytest.approx(np.abs(true).max(), rel=1e-5)
            shown = dv.data.preprocess.fit_image(image, net.input_spec)[top:bottom, left:right]
            assert np.abs(opened.patch(row) - shown).max() <= 0.5 / 255 + 1e-6


@pytest.mark.slow
def test_the_files_say_what_they_are(pictures: Path, built: Path) -> None:
    import hashlib

    about = json.loads((built / "atlas.json").read_text())
    assert about["images"] == {"listed": 21, "used": 19, "broken": 2}
    assert [one["image"] for one in about["errors"]] == ["a/001-broken.jpg", "a/004-broken.jpg"]
    assert all("damaged" in one["reason"] for one in about["errors"])
    assert not (built / "building").exists()
    row = next(row for row in atlas_cases.table(built) if row["layer"] == "relu2")
    assert row["digest"] == hashlib.sha256((pictures / row["image"]).read_bytes()).hexdigest()
    with Image.open(built / row["patches"]) as sheet:  # by the documented columns alone
        top, left = row["tile_top"], row["tile_left"]
        cut = np.asarray(sheet)[
            top : top + row["box_bottom"] - row["box_top"], left : left + row["box_right"] - row["box_left"]
        ]
    opened = atlases.Atlas.open(built)
    first = opened.rows("relu2", row["channel"])[0]
    assert np.array_equal(cut, opened.tile(first, "patches"))


@pytest.mark.slow
@pytest.mark.parametrize(("step", "at"), [("scan", 0), ("scan", 10), ("reconstruct", 0), ("reconstruct", 7)])
def test_a_killed_build_goes_on_and_ends_in_the_same_files(
    net: Network, pictures: Path, built: Path, tmp_path: Path, step: str, at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kill(now: str, done: int, total: int) -> None:
        if now == step and done >= at:
            raise Killed

    seen: list[tuple[str, int]] = []
    monkeypatch.setattr("deconvviz.atlas.builder.KEEP", 0.0)
    out = tmp_path / "atlas"
    with pytest.raises(Killed):
        atlases.build(net, pictures, LAYERS, out, top=4, batch=5, progress=kill)
    with pytest.raises(DataError, match="its build is not finished"):
        atlases.Atlas.open(out)
    atlases.build(net, pictures, LAYERS, out, top=4, batch=5, progress=lambda s, d, t: seen.append((s, d)))
    assert atlas_cases.contents(out) == atlas_cases.contents(built)
    first = next(done for name, done in seen if name == step)
    assert (first > 0) == (at > 0), "work that was done is not done again"


def test_two_builds_of_one_atlas_at_once_are_refused(net: Network, pictures: Path, built: Path, tmp_path: Path) -> None:
    told: list[str] = []

    def second(step: str, done: int, total: int) -> None:
        if not told:
            with pytest.raises(DataError, match="another process is building") as refused:
                atlases.build(net, pictures, LAYERS, tmp_path / "atlas", top=4, batch=5)
            told.append(str(refused.value))

    atlases.build(net, pictures, LAYERS, tmp_path / "atlas", top=4, batch=5, progress=second)
    assert str(tmp_path / "atlas") in told[0]
    assert atlas_cases.contents(tmp_path / "atlas") == atlas_cases.contents(built)


def test_an_atlas_that_is_there_is_not_built_again(net: Network, pictures: Path, built: Path) -> None:
    steps: list[str] = []
    before = atlas_cases.contents(built)
    about = atlases.build(net, pictures, LAYERS, built, top=4, progress=lambda s, d, t: steps.append(s))
    assert steps == []
    assert about["images"]["used"] == 19
    assert atlas_cases.contents(built) == before


@pytest.mark.slow
@pytest.mark.sampled(check=2)
@pytest.mark.parametrize("batch", [1, 4, 64])
def test_batches_do_not_matter(net: Network, pictures: Path, built: Path, tmp_path: Path, batch: int) -> None:
    atlases.build(net, pictures, LAYERS, tmp_path / "atlas", top=4, batch=batch)
    one, other = atlas_cases.table(built), atlas_cases.table(tmp_path / "atlas")
    keys = ("layer", "channel", "rank", "image", "row", "column", "box_top", "tile_left")
    assert [[row[key] for key in keys] for row in one] == [[row[key] for key in keys] for row in other]
    np.testing.assert_allclose([r["activation"] for r in one], [r["activation"] for r in other], rtol=1e-5)


def test_some_channels_evenly_spread(net: Network, pictures: Path, tmp_path: Path) -> None:
    atlases.build(net, pictures, {"relu2": 3, "relu1": None}, tmp_path / "atlas", top=2)
    opened = atlases.Atlas.open(tmp_path / "atlas")
    assert [layer.channels for layer in opened.layers] == [(0, 3, 6), tuple(range(5))]
    whole = {
        (r["channel"], r["rank"]): r["image"] for r in atlas_cases.table(tmp_path / "atlas") if r["layer"] == "relu2"
    }
    assert {channel for channel, _ in whole} <= {0, 3, 6}
    with pytest.raises(DataError, match=r"no channel 4 of relu2; it holds 3 of 7, near it 0, 3, 6"):
        opened.rows("relu2", 4)


def test_a_silent_channel_has_no_rows_and_is_listed(pictures: Path, tmp_path: Path) -> None:
    net = Network(lambda x: jax_relu(x * np.float32([1, -1, 0])), input_spec=InputSpec(size=(4, 6)), name="half silent")
    about = atlases.build(net, pictures, [net.layers[-1].name], tmp_path / "atlas", top=3)
    assert about["layers"][0]["silent"] == [1, 2]
    opened = atlases.Atlas.open(tmp_path / "atlas")
    assert [len(opened.rows(net.layers[-1].name, channel)) for channel in range(3)] == [3, 0, 0]


def jax_relu(x: Any) -> Any:
    import jax

    return jax.nn.relu(x)


@pytest.mark.deep
def test_pictures_that_make_nan_are_skipped_and_listed(pictures: Path, tmp_path: Path) -> None:
    import jax.numpy as jnp

    def function(x: Any) -> Any:  # a root of a negative number where the first pixel is dark
        return jax_relu(x) + jnp.sqrt(x[:, :1, :1, :1] - 0.4)

    net = Network(function, input_spec=InputSpec(size=(4, 6)), name="fragile")
    about = atlases.build(net, pictures, [net.layers[-1].name], tmp_path / "atlas", rule="gradient", top=3)
    reasons = [one["reason"] for one in about["errors"]]
    assert "fragile answers with NaN or infinity" in reasons
    assert 2 < about["images"]["broken"] < 21


def test_a_network_with_a_batch_of_its_own_is_scanned_one_by_one(pictures: Path) -> None:
    def function(x: Any) -> Any:
        return sum(jax_relu(image[None] - 0.5) for image in x) if x.shape[0] > 1 else jax_relu(x - 0.5)

    net = Network(function, input_spec=InputSpec(size=(4, 6)), name="odd")
    assert scan.Forward(net, [net.layers[-1].name], 4).batch == 1


def test_other_settings_in_the_same_folder_are_refused(
    net: Network, pictures: Path, built: Path, tmp_path: Path
) -> None:
    before = atlas_cases.contents(built)
    for change, words in (
        ({"rule": "guided"}, "rule deconvnet instead of guided"),
        ({"top": 5}, "number of pictures a channel 4 instead of 5"),
        ({"layers": ["relu2"]}, "layers or channels"),
    ):
        options = {"layers": LAYERS, "top": 4, **change}
        with pytest.raises(DataError, match=f"holds an atlas with other settings.*{words}"):
            atlases.build(net, pictures, out=built, **options)
    with pytest.raises(DataError, match="weights"):
        atlases.build(atlas_cases.network(4), pictures, LAYERS, built, top=4)
    other = atlas_cases.folder(tmp_path / "other", 3)
    with pytest.raises(DataError, match="folder of pictures"):
        atlases.build(net, other, LAYERS, built, top=4)
    assert atlas_cases.contents(built) == before


def test_a_folder_that_changed_is_refused(net: Network, tmp_path: Path) -> None:
    pictures = atlas_cases.folder(tmp_path / "set", 4)

    def kill(*_: Any) -> None:
        raise Killed

    with pytest.raises(Killed):
        atlases.build(net, pictures, LAYERS, tmp_path / "atlas", progress=kill)
    Image.new("RGB", (30, 30)).save(pictures / "a" / "new.png")
    with pytest.raises(DataError, match="files in that folder"):
        atlases.build(net, pictures, LAYERS, tmp_path / "atlas")


@pytest.mark.slow
def test_a_picture_that_changes_meanwhile_is_refused(net: Network, tmp_path: Path) -> None:
    pictures = atlas_cases.folder(tmp_path / "set", 5)

    def change(step: str, done: int, total: int) -> None:
        if step == "reconstruct" and done == 0:
            for path in pictures.rglob("*.png"):
                if not path.name.startswith("."):
                    Image.new("RGB", (40, 40), (250, 10, 30)).save(path)

    with pytest.raises(DataError, match="the file has changed"):
        atlases.build(net, pictures, LAYERS, tmp_path / "atlas", progress=change)
    assert not (tmp_path / "atlas" / "atlas.json").exists()


def test_bad_input_is_refused_before_anything_is_written(net: Network, pictures: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    out = tmp_path / "atlas"
    cases: list[tuple[dict[str, Any], type[Exception], str]] = [
        ({"images": empty}, DataError, "no pictures in"),
        ({"images": tmp_path / "gone"}, DataError, "no such folder"),
        ({"layers": ["relu3"]}, NetworkError, "no layer 'relu3'; did you mean relu"),
        ({"layers": []}, NetworkError, "at least one layer"),
        ({"layers": {"relu1": 0}}, NetworkError, "at least one channel"),
        ({"rule": "guidet"}, RuleError, "guidet"),
        ({"top": 0}, DataError, "top=0"),
    ]
    for change, error, words in cases:
        options: dict[str, Any] = {"images": pictures, "layers": LAYERS, **change}
        with pytest.raises(error, match=words):
            atlases.build(net, out=out, **options)
        assert not out.exists()


def test_only_broken_pictures_are_refused(net: Network, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none of the 3 pictures in .* can be used; the first, a/001-broken\.jpg"):
        atlases.build(net, atlas_cases.folder(tmp_path / "set", 0, broken=3), LAYERS, tmp_path / "atlas")


def test_a_folder_with_other_things_is_left_alone(net: Network, pictures: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(DataError, match="holds other things already"):
        atlases.build(net, pictures, LAYERS, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_damage_is_said_clearly(built: Path, tmp_path: Path) -> None:
    import shutil

    copy = shutil.copytree(built, tmp_path / "copy")
    opened = atlases.Atlas.open(copy)
    row = opened.rows("relu1", 0)[0]
    sheet = copy / dict(row.sheets)["maps"]
    sheet.write_bytes(sheet.read_bytes()[:100])
    with pytest.raises(DataError, match=r"cannot read .*maps-000\.png"):
        opened.map(row)
    (copy / "units.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match=r"cannot read .*units\.parquet"):
        atlases.Atlas.open(copy).rows("relu1", 0)
    about = json.loads((copy / "atlas.json").read_text())
    (copy / "atlas.json").write_text(json.dumps(about | {"version": 99}))
    with pytest.raises(DataError, match="version 99; this release reads"):
        atlases.Atlas.open(copy)
    with pytest.raises(DataError, match=r"holds no atlas\.json"):
        atlases.Atlas.open(tmp_path)


def test_few_sheets_are_kept(net: Network, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deconvviz.atlas.sheets.SHEET_PIXELS", 1)
    atlases.build(net, pictures, ["relu2"], tmp_path / "atlas", top=4)
    opened = atlases.Atlas.open(tmp_path / "atlas")
    for channel in opened.layer("relu2").channels:
        for row in opened.rows("relu2", channel):
            assert opened.patch(row).shape == (*row.size, 3)
    assert opened._sheet.cache_info().currsize == 4


def test_the_built_in_pictures_are_the_same_on_every_call() -> None:
    from deconvviz.data import textures

    found = list_pictures("sample:textures")
    assert len(found.names) == len(set(found.names)) > 300
    for name in found.names[::23]:
        assert np.array_equal(found.load(name)[0], textures.load(name))
        textures._photo.cache_clear()
        assert found.load(name)[1] == found.load(name)[1]
    kinds = {name.split("/")[0] for name in found.names}
    drawn = {"checkers", "discs", "dots", "edges", "gradients", "noise", "plain", "rings", "sectors", "stripes"}
    assert kinds == drawn | {"photographs"}
    with pytest.raises(ImageError, match="there is no built-in picture 'rings/6'"):
        textures.load("rings/6")


@pytest.mark.slow
def test_the_shipped_atlas_is_what_the_network_and_the_pictures_give() -> None:
    opened = atlases.Atlas.open(atlases.SHIPPED)
    net = dv.load("caltech")
    assert opened.about["network"]["digest"] == net.digest
    assert opened.about["images"] == {"listed": 310, "used": 310, "broken": 0}
    assert sum(path.stat().st_size for path in atlases.SHIPPED.rglob("*") if path.is_file()) < 2_000_000
    found = list_pictures("sample:textures")
    best = scan.together(
        [scan.nothing({"relu2": opened.layer("relu2").channels}, 9),
         *list(scan.scan(net, found, range(310), {"relu2": opened.layer("relu2").channels}, room=9, batch=32))[-1:]], 9
    )  # fmt: skip
    for index, channel in enumerate(opened.layer("relu2").channels):  # equal values may change places elsewhere
        stored = [row.activation for row in opened.rows("relu2", channel)]
        np.testing.assert_allclose(best.tops["relu2"].values[index, : len(stored)], stored, rtol=1e-4)


@pytest.mark.slow
def test_quantization_is_within_its_bound() -> None:
    draw = np.random.default_rng(5)
    for scale in (1e-30, 0.3, 7e5):
        values = draw.standard_normal((3, 4, 3)).astype(np.float32) * np.float32(scale)
        levels, largest = tiles.quantized(values)
        assert largest == np.abs(values).max()
        assert np.abs(tiles.signed(levels, largest) - values).max() <= largest / 254 * (1 + 1e-5)
    zero, scale = tiles.quantized(np.zeros((2, 3, 3)))
    assert (zero == 128).all()
    assert scale == 0.0
