"""An atlas of a stranger: it reads nothing outside its folder, and whatever is wrong with it is one sentence."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from deconvviz.atlas import Atlas, contact, read
from deconvviz.errors import DataError

LAYER = "relu2"


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """A copy of the shipped atlas."""
    shutil.copytree(read.SHIPPED, tmp_path / "atlas")
    return tmp_path / "atlas"


def with_record(folder: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """Change what `atlas.json` says."""
    record = json.loads((folder / "atlas.json").read_text())
    change(record)
    (folder / "atlas.json").write_text(json.dumps(record))


def with_rows(folder: Path, **columns: Any) -> None:
    """Give columns of the table one value in all rows; None for a column of nulls, ... for one that is gone."""
    path = folder / "units.parquet"
    with pq.ParquetFile(path) as file:
        groups = [file.read_row_group(i) for i in range(file.num_row_groups)]
    changed = []
    for group in groups:
        for name, value in columns.items():
            at = group.schema.get_field_index(name)
            if value is ...:
                group = group.remove_column(at)
            else:
                group = group.set_column(at, name, pa.array([value] * len(group)))
        changed.append(group)
    with pq.ParquetWriter(path, changed[0].schema) as writer:
        for group in changed:
            writer.write_table(group)


def shown(folder: Path) -> np.ndarray:
    """What `deconvviz atlas show` draws of a channel."""
    atlas = Atlas.open(folder)
    return contact.picture(atlas, atlas.rows(LAYER, 0))


def refusal(folder: Path) -> str:
    """The one line with which showing it is refused."""
    with pytest.raises(DataError) as caught:
        shown(folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_copy_itself_is_read(foreign: Path) -> None:
    assert shown(foreign).shape == shown(read.SHIPPED).shape


@pytest.mark.parametrize("kind", ["absolute", "above", "link"])
def test_no_file_outside_the_folder_is_read(foreign: Path, tmp_path: Path, kind: str) -> None:
    secret = tmp_path / "secret.png"
    Image.fromarray(np.full((500, 500, 3), 77, np.uint8)).save(secret)
    name = {"absolute": str(secret), "above": "../secret.png", "link": "sheets/link.png"}[kind]
    (foreign / "sheets" / "link.png").symlink_to(secret)
    with_rows(foreign, patches=name)
    message = refusal(foreign)
    assert repr(name) in message
    assert "names a file that it must not" in message


@pytest.mark.parametrize("name", ["/etc/passwd", "../units.parquet", "a\0b"])
def test_no_table_outside_the_folder_is_read(foreign: Path, name: str) -> None:
    shutil.copy(foreign / "units.parquet", foreign.parent)
    with_record(foreign, lambda record: record.update(table=name))
    assert "names a file that it must not" in refusal(foreign)


RECORDS: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "network": (lambda r: r.update(network=None), "network should be a record; it is None"),
    "digest": (lambda r: r["network"].update(digest=3), "network.digest should be text"),
    "stride": (lambda r: r["layers"][1].update(stride=[]), "stride of relu2 in the atlas should be two whole numbers"),
    "shape": (lambda r: r["layers"][1].update(shape=[]), "shape of relu2"),
    "layers": (lambda r: r.update(layers={"a": 1}), "layers should be a list"),
    "channels": (lambda r: r["layers"][1].update(channels=["a"]), r"layers[1].channels[0] should be a whole number"),
    "rule": (lambda r: r.pop("rule"), "rule is missing"),
    "version": (lambda r: r.update(version="1"), "version should be a whole number"),
}


@pytest.mark.parametrize("change", RECORDS)
def test_what_the_record_says_is_checked(foreign: Path, change: str) -> None:
    make, reason = RECORDS[change]
    with_record(foreign, make)
    assert reason in refusal(foreign)


@pytest.mark.parametrize("text", ["[" * 100_000, "[1]", "", '{"version": ' + "1" * 5000 + "}", "\x00"])
def test_a_record_that_is_none(foreign: Path, text: str) -> None:
    (foreign / "atlas.json").write_text(text)
    assert "atlas.json" in refusal(foreign)


ROWS: dict[str, tuple[dict[str, Any], str]] = {
    "gone": ({"scale": ...}, "scale"),
    "null": ({"channel": None}, "should be a whole number"),
    "text": ({"tile_top": "a"}, "tile_top should be a whole number"),
    "negative": ({"tile_left": -7}, "the tile at"),
    "empty box": ({"box_bottom": 0, "box_top": 0}, "the tile at"),
    "large box": ({"box_bottom": 10**9}, "the tile at"),
    "nan": ({"scale": float("nan")}, "a scale of nan"),
    "no sheet": ({"maps": "sheets/nowhere.png"}, "no such file"),
    "outside the sheet": ({"tile_top": 10**6}, "is smaller than the table says"),
    "negative row": ({"row": -5, "column": 3}, "the tile at"),
}


@pytest.mark.parametrize("change", ROWS)
def test_what_the_table_says_is_checked(foreign: Path, change: str) -> None:
    columns, reason = ROWS[change]
    with_rows(foreign, **columns)
    assert reason in refusal(foreign)


def test_a_table_is_not_read_without_end(foreign: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read, "MAX_ROWS", 50)
    assert "relu2 has 216 rows, where at most 50 are read" in refusal(foreign)


def test_a_sheet_of_too_many_pixels_is_refused_before_it_is_decoded(foreign: Path) -> None:
    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    claims = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(64))), (b"IEND", b""))
    )
    for sheet in (foreign / "sheets").iterdir():
        sheet.write_bytes(claims)
    assert "pixels" in refusal(foreign)
    for sheet in (foreign / "sheets").iterdir():
        Image.fromarray(np.zeros((400, 400), np.uint8)).save(sheet)
    assert "not of 8-bit colours" in refusal(foreign)


@pytest.mark.parametrize("name", ["atlas.json", "units.parquet", "sheets/01-relu2-patches-000.png"])
def test_pipes_are_not_waited_for(foreign: Path, name: str) -> None:
    (foreign / name).unlink()
    os.mkfifo(foreign / name)
    assert "is no atlas" in refusal(foreign) or "device or pipe" in refusal(foreign)


def test_damaged_tables_are_refused(foreign: Path) -> None:
    path, draw = foreign / "units.parquet", np.random.default_rng(0)
    whole = path.read_bytes()
    for _ in range(60):
        damaged = bytearray(whole)
        for place in draw.integers(0, len(whole), 20):
            damaged[place] = draw.integers(256)
        path.write_bytes(damaged)
        with contextlib.suppress(DataError):
            shown(foreign)
