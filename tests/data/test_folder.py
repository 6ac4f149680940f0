"""Image folders: listing, labels, the held-out part, decoding."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from labelled_sets import make_folder
from PIL import Image

from deconvviz.data.folder import decode, hold_out, list_folder, list_labelled, list_partners, list_pictures, merge
from deconvviz.errors import DataError, DeconvvizError


def test_listing(tmp_path: Path) -> None:
    root = make_folder(tmp_path / "set", classes=3, each=4)
    (root / "class1" / "notes.txt").write_text("not a picture")
    (root / ".hidden").mkdir()
    (root / "empty").mkdir()
    folder = list_folder(root)
    assert folder.labels == ("class0", "class1", "class2")
    assert len(folder) == 12
    assert folder.classes.tolist() == sorted(folder.classes)
    assert list(folder.files) == sorted(folder.files)
    assert all(path.parent.name == f"class{c}" for path, c in zip(folder.files, folder.classes, strict=True))


def test_labels_of_a_network_keep_their_order(tmp_path: Path) -> None:
    root = make_folder(tmp_path / "set", classes=2, each=3)
    folder = list_folder(root, labels=("zebra", "class1", "class0"))
    assert {path.parent.name: c for path, c in zip(folder.files, folder.classes, strict=True)} == {
        "class0": 2,
        "class1": 1,
    }


def test_held_out_part(tmp_path: Path) -> None:
    folder = list_folder(make_folder(tmp_path / "set", classes=3, each=7))
    rest, held = hold_out(folder, 2, seed=0)
    assert sorted(rest.files + held.files) == sorted(folder.files)
    assert np.bincount(held.classes).tolist() == [2, 2, 2]
    assert hold_out(folder, 2, seed=0)[1].files == held.files
    assert hold_out(folder, 2, seed=1)[1].files != held.files


def test_merge(tmp_path: Path) -> None:
    one = list_folder(make_folder(tmp_path / "one", classes=3, each=3))
    two = make_folder(tmp_path / "two", classes=3, each=2)
    shutil.rmtree(two / "class1")
    both = merge(one, list_folder(two))
    assert np.bincount(both.classes).tolist() == [5, 3, 5]
    (two / "class1x").mkdir()
    shutil.copy(two / "class0" / "00.png", two / "class1x")
    with pytest.raises(DataError, match=r"'class1x' is in one folder.*did you mean"):
        merge(one, list_folder(two))


def test_decoding_keeps_bytes_and_reduces_large_pictures(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (30, 50, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    np.testing.assert_array_equal(decode([tmp_path / "a.png"], 30)[0], pixels)
    assert decode([tmp_path / "a.png"], 15)[0].shape == (15, 25, 3)


def test_refusals(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no such folder: .*nowhere; name a folder that holds one sub-folder"):
        list_folder(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"no images in .*; expected .*/CLASS/\*.jpg"):
        list_folder(tmp_path)
    root = make_folder(tmp_path / "set", classes=2, each=3)
    with pytest.raises(DataError, match=r"a class 'class1' that the network does not know; did you mean class11"):
        list_folder(root, labels=("class0", "class11"))
    with pytest.raises(DataError, match=r"class 'class0' has 3 images, of which 3 are held out"):
        hold_out(list_folder(root), 3, 0)
    (root / "class0" / "00.png").write_bytes(b"\x89PNG broken")
    with pytest.raises(DataError, match=r"cannot use .*class0/00.png"):
        decode([root / "class0" / "00.png"])


def test_the_class_in_front_of_the_name(tmp_path: Path) -> None:
    one = next((make_folder(tmp_path / "set", classes=1, each=1) / "class0").iterdir())
    flat = tmp_path / "flat"
    flat.mkdir()
    for name in ("b_2_x.png", "a_1.png", "b.png"):
        shutil.copy(one, flat / name)
    (flat / "notes.txt").write_text("not a picture")
    folder = list_labelled(flat, labels=("c", "b", "a"))
    assert [path.name for path in folder.files] == ["a_1.png", "b.png", "b_2_x.png"]
    assert folder.classes.tolist() == [2, 1, 1]
    shutil.copy(one, flat / "bb_7.png")
    with pytest.raises(DataError, match=r"bb_7\.png does not say its class: expected one sub-folder a class"):
        list_labelled(flat, labels=("c", "b", "a"))
    nested = make_folder(tmp_path / "nested", classes=2, each=3)
    assert list_labelled(nested, ("class1", "class0")).classes.tolist() == [0, 0, 0, 1, 1, 1]
    with pytest.raises(DataError, match="no such folder"):
        list_labelled(tmp_path / "nowhere", ("a",))


def test_pictures_of_a_folder(tmp_path: Path) -> None:
    for name in ("b.png", "a.TIF", "c.gif", ".hidden.png", "notes.txt"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "d.png").mkdir()
    assert [path.name for path in list_pictures(tmp_path)] == ["a.TIF", "b.png", "c.gif"]
    with pytest.raises(DataError, match=r"no such folder: .*none; name one"):
        list_pictures(tmp_path / "none")
    with pytest.raises(DataError, match=r"no pictures in .*d.png; expected"):
        list_pictures(tmp_path / "d.png")


def test_partners_share_a_name(tmp_path: Path) -> None:
    for kind, ending in (("images", "jpg"), ("labels", "png"), ("extra", "bmp")):
        (tmp_path / kind).mkdir()
        for name in ("b", "a", kind):
            (tmp_path / kind / f"{name}.{ending}").write_bytes(b"")
    (tmp_path / "images" / "images.jpg").unlink()
    found = list_partners(tmp_path, ("images", "labels", "extra"))
    assert [[str(path.relative_to(tmp_path)) for path in row] for row in found] == [
        [f"images/{name}.jpg", f"labels/{name}.png", f"extra/{name}.bmp"] for name in "ab"
    ]
    assert list_partners(tmp_path, ("images", "labels"), 1) == [found[0][:2]]
    with pytest.raises(DeconvvizError, match="got limit=0"):
        list_partners(tmp_path, ("images", "labels"), 0)
    with pytest.raises(DataError, match=r"extra.extra.bmp has no partner .*images.extra"):
        list_partners(tmp_path, ("extra", "images"))
    with pytest.raises(DataError, match=r"no such folder: .*masks; expected .*images and .*masks"):
        list_partners(tmp_path, ("images", "masks"))
