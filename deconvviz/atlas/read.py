"""Reading an atlas: rows of its table, and tiles cut out of its sheets when they are asked for."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from deconvviz import storage
from deconvviz.atlas import _disk, sheets, tiles
from deconvviz.data import decode
from deconvviz.errors import DataError, DeconvvizError, ImageError, nearest
from deconvviz.types import Box, DisplayImage, SignedMap, Size, Unit

#: The atlas that comes with the package: the shipped network, the built-in pictures, some channels of five layers.
SHIPPED = Path(__file__).parent / "shipped"
#: Decoded sheets that are kept, about 6 MB each.
CACHED_SHEETS = 4
#: Tables of a layer that are kept.
CACHED_TABLES = 4
#: Rows of a layer, bytes and pixels of a sheet, and pixels of the side of a receptive field that are read at most.
MAX_ROWS, MAX_BYTES, MAX_PIXELS, MAX_SIDE = 1_000_000, 100_000_000, 25_000_000, 16_384
#: What `atlas.json` and the rows of the table hold, where they are read.
_PAIR = (list, type(None))
_ABOUT = {
    "network": {"name": str, "digest": str},
    "rule": str,
    "folder": str,
    "table": str,
    "layers": [
        {
            "name": str, "kind": str, "shape": [int], "stride": _PAIR, "receptive_field": _PAIR, "channels": [int],
            "silent": [int],
        }
    ],
}  # fmt: skip
_WHOLE = ("channel", "rank", "box_top", "box_left", "box_bottom", "box_right", "tile_top", "tile_left")
_ROW: dict[str, Any] = {
    **dict.fromkeys(("layer", "image", "digest", *sheets.KINDS), str),
    **dict.fromkeys(("row", "column"), (int, type(None))),
    **dict.fromkeys(_WHOLE, int),
    **dict.fromkeys(("activation", "scale"), float),
}


@dataclass(frozen=True)
class Layer:
    """A layer of an atlas.

    Attributes:
      name, kind, shape, stride, receptive_field: as in `deconvviz.types.Layer`.
      channels: those that are in the atlas.
      silent: those of them that no picture excites.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    stride: Size | None
    receptive_field: Size | None
    channels: tuple[int, ...]
    silent: tuple[int, ...]


@dataclass(frozen=True)
class Row:
    """One picture of a channel.

    Attributes:
      unit: layer, channel, row and column.
      rank: from 0, the strongest.
      image: path below the folder of pictures.
      digest: SHA-256 of its file.
      activation: of the unit.
      box: receptive field (top, left, bottom, right) on the model's input.
      scale: the largest magnitude of the reconstruction.
      sheets: kind ("patches", "maps") -> file.
      tile: (row, column) of the tile's upper left pixel on both sheets.
    """

    unit: Unit
    rank: int
    image: str
    digest: str
    activation: float
    box: Box
    scale: float
    sheets: tuple[tuple[str, str], ...]
    tile: tuple[int, int]

    @property
    def size(self) -> Size:
        """Rows and columns of its tile.

        >>> Row(Unit("relu1", 0, 2, 3), 0, "a.png", "", 1.0, (2, 4, 8, 9), 1.0, (), (0, 0)).size
        (6, 5)
        """
        return self.box[2] - self.box[0], self.box[3] - self.box[1]


class Atlas:
    """An atlas on disk. Only what is asked for is read, and at most a few sheets are kept; threads may share it.

    >>> atlas = Atlas.open(SHIPPED)
    >>> rows = atlas.rows("relu2", atlas.layer("relu2").channels[0])
    >>> len(rows), rows[0].activation > rows[1].activation, atlas.patch(rows[0]).shape == atlas.map(rows[0]).shape
    (9, True, True)
    """

    def __init__(self, folder: Path, about: dict[str, Any]) -> None:
        self.folder, self.about = folder, about
        self.layers = tuple(_layer(record) for record in about["layers"])
        self._table = _inside(folder, about["table"])
        self._sheet = lru_cache(CACHED_SHEETS)(lambda name: _pixels(_inside(folder, name)))
        self._table_of = lru_cache(CACHED_TABLES)(self._read)

    @classmethod
    def open(cls, folder: str | Path) -> Atlas:
        """The atlas of a folder.

        Args:
          folder: as `build` or `deconvviz atlas build` wrote it.

        Raises:
          DataError: there is none, it is not finished, or it has another format.
        """
        root = Path(folder)
        if not (root / _disk.ABOUT).is_file():
            reason = "it holds no atlas.json; `deconvviz atlas build` makes one"
            if (root / _disk.WORK / _disk.PLAN).is_file():
                reason = "its build is not finished; run the same `deconvviz atlas build` again to go on"
            raise DataError(f"{root} is no atlas: {reason}")
        about = _disk.read_json(root / _disk.ABOUT, {"format?": str, "version?": int})
        if about.get("format") != "deconvviz atlas" or about.get("version") != sheets.VERSION:
            raise DataError(
                f"{root} has format {about.get('format')!r}, version {about.get('version')!r}; this release reads "
                f"'deconvviz atlas', version {sheets.VERSION}: build it again"
            )
        storage.check_shape(about, _ABOUT, lambda reason: _damaged(root / _disk.ABOUT, reason))
        return cls(root, about)

    def layer(self, name: str) -> Layer:
        """A layer of the atlas.

        Raises:
          DataError: it is not in the atlas; offers the nearest names.
        """
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise DataError(
            f"{self.folder} has no layer {name!r}; {nearest(name, [record.name for record in self.layers])}"
        )

    def rows(self, layer: str, channel: int) -> tuple[Row, ...]:
        """The pictures of a channel, strongest first; fewer than were asked for where fewer excite it.

        Raises:
          DataError: no such layer or channel in the atlas.
        """
        known = self.layer(layer)
        if channel not in known.channels:
            near = sorted(known.channels, key=lambda one: abs(one - channel))[:3]
            raise DataError(
                f"{self.folder} has no channel {channel} of {layer}; it holds {len(known.channels)} of "
                f"{known.shape[-1]}, near it {', '.join(map(str, sorted(near)))}"
            )
        result: tuple[Row, ...] = self._table_of(layer).get(channel, ())
        return result

    def patch(self, row: Row) -> DisplayImage:
        """The picture in the receptive field, (h, w, 3) float32 of 0..1."""
        return self.tile(row, "patches") / np.float32(255)

    def map(self, row: Row) -> SignedMap:
        """The reconstruction in the receptive field, (h, w, 3) float32, within ``row.scale / 254`` of the true one."""
        return tiles.signed(self.tile(row, "maps"), row.scale)

    def tile(self, row: Row, kind: str) -> np.ndarray:
        """The bytes of a tile, (h, w, 3) uint8; kind is "patches" or "maps"."""
        name = dict(row.sheets)[kind]
        sheet = self._sheet(name)
        (top, left), (height, width) = row.tile, row.size
        cut = sheet[top : top + height, left : left + width]
        if cut.shape[:2] != row.size:
            raise DataError(f"{self.folder / name} is smaller than the table says: build the atlas again")
        return cut.copy()

    def _read(self, layer: str) -> dict[int, tuple[Row, ...]]:
        def problem(reason: str) -> DataError:
            return _damaged(self._table, reason)

        storage.check_file(self._table, problem)
        number = [record.name for record in self.layers].index(layer)
        try:
            with pq.ParquetFile(self._table) as file:
                rows = file.metadata.row_group(number).num_rows
                if rows > MAX_ROWS:
                    raise problem(f"{layer} has {rows:,} rows, where at most {MAX_ROWS:,} are read")
                records = file.read_row_group(number, columns=list(_ROW)).to_pylist()
        except (OSError, pa.ArrowException, IndexError, RuntimeError) as error:
            raise problem(" ".join(str(error).split())[:160]) from error
        result: dict[int, list[Row]] = {}
        for place, record in enumerate(records):
            storage.check_shape(record, _ROW, problem, f"row {place} of {layer}")
            result.setdefault(record["channel"], []).append(_row(record, problem))
        return {channel: tuple(some) for channel, some in result.items()}


def _damaged(path: Path, reason: str) -> DataError:
    return DataError(f"cannot read {path}: {reason}; build the atlas again")


def _inside(folder: Path, name: str) -> Path:
    """A file of the atlas, which must lie in its folder, whatever the atlas says.

    Raises:
      DataError: the name, or a link on the way, leads out of it.
    """
    try:
        path = (folder / name).resolve()
        is_inside = path.is_relative_to(folder.resolve())
    except (OSError, ValueError, RuntimeError):  # a NUL in the name, links in a circle
        is_inside = False
    if not is_inside:
        raise DataError(f"{name!r} does not lie in {folder}: the atlas names a file that it must not")
    return folder / name


def _pixels(path: Path) -> np.ndarray:
    """The bytes of a sheet, (H, W, 3)."""

    def problem(reason: str) -> DataError:
        return _damaged(path, reason)

    data = storage.read_bytes(path, problem, MAX_BYTES)
    if not data.startswith(b"\x89PNG"):
        raise problem("it is no PNG")
    try:
        values = decode.levels(data, repr(path.name), MAX_BYTES, MAX_PIXELS)
    except ImageError as error:
        raise problem(str(error)) from error
    if values.dtype != np.uint8 or values.ndim != 3:
        raise problem("it is not of 8-bit colours")
    return values


def _layer(record: dict[str, Any]) -> Layer:
    if not record["shape"]:
        raise DataError(f"the shape of {record['name']} in the atlas should have a number; it is []")
    return Layer(
        record["name"], record["kind"], tuple(record["shape"]), _pair(record, "stride"),
        _pair(record, "receptive_field"), tuple(record["channels"]), tuple(record["silent"]),
    )  # fmt: skip


def _pair(record: dict[str, Any], name: str) -> Size | None:
    value = record[name]
    if value is None:
        return None
    if len(value) != 2 or not all(isinstance(side, int) for side in value):
        raise DataError(f"{name} of {record['name']} in the atlas should be two whole numbers; it is {value}")
    return value[0], value[1]


def _row(record: dict[str, Any], problem: storage.Problem) -> Row:
    top, left, bottom, right = (record[f"box_{side}"] for side in ("top", "left", "bottom", "right"))
    if not math.isfinite(record["activation"] * record["scale"]):
        raise problem(f"an activation of {record['activation']} and a scale of {record['scale']}")
    places = [record[name] or 0 for name in ("channel", "row", "column", "tile_top", "tile_left")]
    if not (0 <= top < bottom <= MAX_SIDE and 0 <= left < right <= MAX_SIDE and min(places) >= 0):
        raise problem(
            f"the tile at ({record['tile_top']}, {record['tile_left']}) of the box {(top, left, bottom, right)}"
        )
    try:
        unit = Unit(record["layer"], record["channel"], record["row"], record["column"])
    except DeconvvizError as error:
        raise problem(str(error)) from error
    return Row(
        unit=unit,
        rank=record["rank"],
        image=record["image"],
        digest=record["digest"],
        activation=record["activation"],
        box=(top, left, bottom, right),
        scale=record["scale"],
        sheets=tuple((kind, record[kind]) for kind in sheets.KINDS),
        tile=(record["tile_top"], record["tile_left"]),
    )
