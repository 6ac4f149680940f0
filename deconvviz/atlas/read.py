"""Reading an atlas: rows of its table, and tiles cut out of its sheets when they are asked for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from deconvviz.atlas import _disk, sheets, tiles
from deconvviz.errors import DataError, nearest
from deconvviz.types import Box, DisplayImage, SignedMap, Size, Unit

#: The atlas that comes with the package: the shipped network, the built-in pictures, some channels of five layers.
SHIPPED = Path(__file__).parent / "shipped"
#: Decoded sheets that are kept, about 6 MB each.
KEPT_SHEETS = 4
#: Tables of a layer that are kept.
KEPT_TABLES = 4


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
        self.layers = tuple(_layer(one) for one in about["layers"])
        self._table = folder / about["table"]
        self._sheet = lru_cache(KEPT_SHEETS)(lambda name: _pixels(folder / name))
        self._table_of = lru_cache(KEPT_TABLES)(self._read)

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
        about = _disk.read_json(root / _disk.ABOUT)
        if about.get("format") != "deconvviz atlas" or about.get("version") != sheets.VERSION:
            raise DataError(
                f"{root} has format {about.get('format')!r}, version {about.get('version')!r}; this release reads "
                f"'deconvviz atlas', version {sheets.VERSION}: build it again"
            )
        try:
            return cls(root, about)
        except (KeyError, TypeError) as error:
            raise DataError(
                f"{root / _disk.ABOUT} is damaged ({error!r} is missing or wrong): build it again"
            ) from error

    def layer(self, name: str) -> Layer:
        """A layer of the atlas.

        Raises:
          DataError: it is not in the atlas; offers the nearest names.
        """
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise DataError(f"{self.folder} has no layer {name!r}; {nearest(name, [one.name for one in self.layers])}")

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
        try:
            with pq.ParquetFile(self._table) as file:
                names = [one.name for one in self.layers]
                listed = file.read_row_group(names.index(layer)).to_pylist()
        except (OSError, pa.ArrowException, IndexError) as error:
            raise DataError(f"cannot read {self._table}: {error}; build the atlas again") from error
        result: dict[int, tuple[Row, ...]] = {}
        for one in listed:
            result[one["channel"]] = (*result.get(one["channel"], ()), _row(one))
        return result


def _pixels(path: Path) -> np.ndarray:
    try:
        with Image.open(path, formats=["PNG"]) as picture:
            return np.asarray(picture.convert("RGB"))
    except (OSError, ValueError, SyntaxError) as error:
        raise DataError(f"cannot read {path}: {error}; build the atlas again") from error


def _layer(one: dict[str, Any]) -> Layer:
    def pair(value: Any) -> Size | None:
        return None if value is None else (int(value[0]), int(value[1]))

    return Layer(
        one["name"], one["kind"], tuple(one["shape"]), pair(one["stride"]), pair(one["receptive_field"]),
        tuple(one["channels"]), tuple(one["silent"]),
    )  # fmt: skip


def _row(one: dict[str, Any]) -> Row:
    return Row(
        unit=Unit(one["layer"], one["channel"], one["row"], one["column"]),
        rank=one["rank"],
        image=one["image"],
        digest=one["digest"],
        activation=one["activation"],
        box=(one["box_top"], one["box_left"], one["box_bottom"], one["box_right"]),
        scale=one["scale"],
        sheets=tuple((kind, one[kind]) for kind in sheets.KINDS),
        tile=(one["tile_top"], one["tile_left"]),
    )
