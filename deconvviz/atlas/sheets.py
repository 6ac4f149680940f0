"""The files of an atlas: one Parquet table, PNG sheets of tiles, and `atlas.json`. docs/atlas.md describes them.

The same pictures, network and settings give the same bytes, with the same releases of pyarrow and Pillow.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from deconvviz.atlas import _disk, tiles
from deconvviz.atlas.pictures import Pictures
from deconvviz.atlas.scan import ScanResult
from deconvviz.errors import DataError
from deconvviz.figures import files
from deconvviz.network import Network
from deconvviz.types import Size

VERSION = 1
TABLE = "units.parquet"
#: Pixels of the largest sheet, but for one row of tiles that is larger: a reader decodes a whole sheet at once.
SHEET_PIXELS = 2_000_000
KINDS = ("patches", "maps")
#: The columns of the table, in order; row and column are null in a layer without them.
SCHEMA = pa.schema(
    [
        ("layer", pa.string()), ("channel", pa.int32()), ("rank", pa.int32()), ("image", pa.string()),
        ("digest", pa.string()), ("row", pa.int32()), ("column", pa.int32()), ("activation", pa.float32()),
        ("box_top", pa.int32()), ("box_left", pa.int32()), ("box_bottom", pa.int32()), ("box_right", pa.int32()),
        ("patches", pa.string()), ("maps", pa.string()), ("tile_top", pa.int32()), ("tile_left", pa.int32()),
        ("scale", pa.float32()),
    ],
    metadata={"format": "deconvviz atlas", "version": str(VERSION)},
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Content:
    """What the files are made of.

    Attributes:
      network, pictures, settings, channels: as in the plan of the build.
      scanned: the strongest pictures of all channels.
      notes: (layer, index of the channel, rank) -> (box, scale, digest).
      stores: the tiles of each process.
      owners: number of a picture -> the process that has its tiles.
    """

    network: Network
    pictures: Pictures
    settings: Mapping[str, Any]
    channels: Mapping[str, Sequence[int]]
    scanned: ScanResult
    notes: Mapping[tuple[str, int, int], tuple[tuple[int, int, int, int], float, str]]
    stores: Sequence[tiles.Store]
    owners: Mapping[int, int]

    def sheet_names(self, layer: str) -> list[dict[str, str]]:
        """For each sheet of a layer, kind -> path below the atlas."""
        number = list(self.channels).index(layer)
        safe = re.sub(r"[^A-Za-z0-9.-]", "_", layer)
        count = -(-len(self.channels[layer]) // self.rows(layer))
        return [{kind: f"sheets/{number:02d}-{safe}-{kind}-{i:03d}.png" for kind in KINDS} for i in range(count)]

    def rows(self, layer: str) -> int:
        """Channels on one sheet of a layer, each a row of tiles."""
        height, width = tiles.cell(self.network, layer)
        return max(1, min(len(self.channels[layer]), SHEET_PIXELS // (height * width * self.settings["top"])))


def write(out: Path, work: Path, content: Content) -> None:
    """Writes all files of an atlas, `atlas.json` last.

    Raises:
      DataError: the folder cannot be written to.
    """
    (out / "sheets").mkdir(exist_ok=True)
    for stray in (out / "sheets").glob(".*.part"):  # of a build that was killed while it wrote
        stray.unlink(missing_ok=True)
    for layer in content.channels:
        for number, names in enumerate(content.sheet_names(layer)):
            for kind, name in names.items():
                _disk.write(out / name, _sheet(content, layer, kind, number))
    partial = work / TABLE
    try:
        with pq.ParquetWriter(partial, SCHEMA, compression="zstd") as writer:
            for layer in content.channels:
                writer.write_table(pa.Table.from_pylist(list(_rows(content, layer)), schema=SCHEMA))
        os.replace(partial, out / TABLE)
    except OSError as error:
        raise DataError(
            f"cannot write {out / TABLE}: {error.strerror or error}; check permissions and free space"
        ) from error
    _disk.write(out / _disk.ABOUT, _disk.to_json(_about(content)))


def _sheet(content: Content, layer: str, kind: str, number: int) -> bytes:
    """One PNG: a row a channel, a column a rank; grey where there is no picture."""
    height, width = tiles.cell(content.network, layer)
    result, rows = content.scanned.tops[layer], content.rows(layer)
    first = number * rows
    count = min(rows, len(content.channels[layer]) - first)
    sheet = np.full((count * height, content.settings["top"] * width, 3), tiles.ZERO, np.uint8)
    for index, rank in np.argwhere(result.filled[first : first + count]):
        store = content.stores[content.owners[int(result.pictures[first + index, rank])]]
        tile = store.get(layer, kind, first + int(index), int(rank))
        sheet[index * height : (index + 1) * height, rank * width : (rank + 1) * width] = tile
    return files.png_bytes(sheet, optimize=True)


def _rows(content: Content, layer: str) -> Iterator[dict[str, Any]]:
    """The rows of the table that belong to a layer, by channel and rank."""
    (height, width), rows = tiles.cell(content.network, layer), content.rows(layer)
    names, result = content.sheet_names(layer), content.scanned.tops[layer]
    for index, rank in np.argwhere(result.filled):
        index, rank = int(index), int(rank)
        (top, left, bottom, right), scale, digest = content.notes[layer, index, rank]
        channel = content.channels[layer][index]
        unit = tiles.unit_at(content.network, layer, channel, int(result.places[index, rank]))
        yield {
            "layer": layer, "channel": channel, "rank": rank, "digest": digest, "row": unit.row, "column": unit.column,
            "image": content.pictures.names[int(result.pictures[index, rank])],
            "activation": float(result.values[index, rank]), "scale": scale,
            "box_top": top, "box_left": left, "box_bottom": bottom, "box_right": right,
            **names[index // rows], "tile_top": index % rows * height, "tile_left": rank * width,
        }  # fmt: skip


def _about(content: Content) -> dict[str, Any]:
    """The record in `atlas.json`."""
    names, broken = content.pictures.names, content.scanned.broken
    size: Size = content.network.input_spec.size
    return {
        "format": "deconvviz atlas",
        "version": VERSION,
        "network": {"name": content.network.name, "digest": content.network.digest, "input": list(size)},
        "rule": content.settings["rule"],
        "start": "activation",
        "top": content.settings["top"],
        "folder": content.pictures.place,
        "images": {"listed": len(names), "used": len(names) - len(broken), "broken": len(broken)},
        "errors": [{"image": names[number], "reason": reason} for number, reason in broken.items()],
        "map_value": "(byte - 128) / 127 * scale",
        "table": TABLE,
        "layers": [_layer(content, layer) for layer in content.channels],
        "settings": dict(content.settings),
    }


def _layer(content: Content, name: str) -> dict[str, Any]:
    layer, channels = content.network.layer(name), content.channels[name]
    result = content.scanned.tops[name].filled
    return {
        "name": name,
        "kind": layer.kind,
        "shape": list(layer.shape),
        "stride": layer.stride and list(layer.stride),
        "receptive_field": layer.receptive_field and list(layer.receptive_field),
        "tile": list(tiles.cell(content.network, name)),
        "channels": list(channels),
        "silent": [channel for channel, row in zip(channels, result, strict=True) if not row.any()],
        "rows": int(result.sum()),
        "sheets": content.sheet_names(name),
    }
