"""What each kept unit saw, cut to its receptive field: a patch of the picture and a reconstruction, as tiles of bytes.

Units are grouped by picture, so that each picture is decoded and run once. Tiles go straight to a file, each to its
own place, so that memory does not grow with them and a killed build goes on where it was.

A reconstruction's tile holds ``byte = 128 + round(127 * value / scale)``, its scale the largest magnitude in the tile:
what comes back is within ``scale / 254`` of the value.

Source: zeiler2014visualizing
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from deconvviz.atlas.pictures import Pictures, level
from deconvviz.atlas.top import Top
from deconvviz.data.preprocess import fit_image, model_input, signed_rgb
from deconvviz.errors import DataError
from deconvviz.network import Network, reconstruct_units
from deconvviz.types import Box, Reconstruction, Size, Unit

#: Bytes of the maps that are worked out in one go.
MAP_BYTES = 128_000_000
#: The byte of zero in a reconstruction's tile, and what lies between it and the scale's end.
ZERO, STEPS = 128, 127
#: Relative change of an activation between the scan and the reconstruction that rounding does not explain.
CHANGED = 1e-3


@dataclass(frozen=True)
class Slot:
    """One row of the atlas: the picture at a rank of a channel.

    Attributes:
      layer: its name.
      index: of the channel, among those that are kept.
      rank: from 0, the strongest.
      picture: its number.
      place: position of the unit, ``row * width + column``.
      value: its activation in the scan.
    """

    layer: str
    index: int
    rank: int
    picture: int
    place: int
    value: float


@dataclass(frozen=True, eq=False)
class Tile:
    """What belongs to a slot.

    Attributes:
      slot: which.
      box: receptive field (top, left, bottom, right) on the model's input, clipped to it.
      patch: (h, w, 3) uint8, the picture in the box.
      map: (h, w, 3) uint8, the reconstruction in the box.
      scale: what byte 255 of the map stands for.
      digest: SHA-256 of the picture's file.
    """

    slot: Slot
    box: Box
    patch: np.ndarray
    map: np.ndarray
    scale: float
    digest: str


def slots(tops: Mapping[str, Top]) -> list[list[Slot]]:
    """All slots with a picture, one list a picture, ordered by the pictures' numbers."""
    by_picture: dict[int, list[Slot]] = {}
    for layer, result in tops.items():
        for index, rank in np.argwhere(result.filled):
            values = (result.pictures[index, rank], result.places[index, rank])
            picture, place = (int(value) for value in values)
            slot = Slot(layer, int(index), int(rank), picture, place, float(result.values[index, rank]))
            by_picture.setdefault(picture, []).append(slot)
    return [by_picture[picture] for picture in sorted(by_picture)]


def unit_at(network: Network, layer: str, channel: int, place: int) -> Unit:
    """The unit at a flat position of a layer; a vector's entry has none."""
    shape = network.layer(layer).shape
    if len(shape) == 1:
        return Unit(layer, channel)
    width = shape[1] if len(shape) == 3 else 1
    return Unit(layer, channel, *divmod(place, width))


def cell(network: Network, layer: str) -> Size:
    """(height, width) that every tile of a layer fits into: its receptive field, or the whole input."""
    size, field = network.input_spec.size, network.layer(layer).receptive_field
    return size if field is None else (min(field[0], size[0]), min(field[1], size[1]))


def quantized(signed: np.ndarray) -> tuple[np.ndarray, float]:
    """A signed map as bytes, and its scale; 0.0 where it is zero everywhere.

    >>> quantized(np.array([[-2.0, 0.0, 1.0]]))
    (array([[  1, 128, 192]], dtype=uint8), 2.0)
    """
    scale = float(np.abs(signed).max(initial=0.0))
    share = signed / scale if scale else np.zeros_like(signed)
    return (ZERO + np.rint(STEPS * share)).astype(np.uint8), scale


def signed(levels: np.ndarray, scale: float) -> np.ndarray:
    """The map that bytes stand for, float32: within ``scale / 254`` of what was quantized.

    >>> signed(np.array([[1, 128, 255]], np.uint8), 2.0).tolist()
    [[-2.0, 0.0, 2.0]]
    """
    return (np.asarray(levels, np.float32) - ZERO) * np.float32(scale / STEPS)


def of_picture(
    network: Network, pictures: Pictures, slots: Sequence[Slot], channels: Mapping[str, Sequence[int]], rule: str
) -> Iterator[Tile]:
    """The tiles of all slots of one picture.

    Raises:
      ImageError: the picture cannot be read any more.
      DataError: it is another one than the scan has seen.
    """
    image, digest = pictures.load(pictures.names[slots[0].picture])
    photograph, x = fit_image(image, network.input_spec), model_input(image, network.input_spec)
    at_once = max(1, MAP_BYTES // (4 * x.size))
    for first in range(0, len(slots), at_once):
        part = slots[first : first + at_once]
        units = [unit_at(network, slot.layer, int(channels[slot.layer][slot.index]), slot.place) for slot in part]
        for slot, result in zip(part, reconstruct_units(network, x, units, rule, prove=False), strict=True):
            _check_same(pictures, slot, result)
            top, left, bottom, right = result.receptive_field
            levels, scale = quantized(signed_rgb(result.map[top:bottom, left:right], network.input_spec))
            yield Tile(slot, result.receptive_field, level(photograph[top:bottom, left:right]), levels, scale, digest)


def _check_same(pictures: Pictures, slot: Slot, result: Reconstruction) -> None:
    if abs(result.activation - slot.value) > CHANGED * abs(slot.value):
        raise DataError(
            f"{pictures.names[slot.picture]} excites channel {result.unit.channel} of {slot.layer} by "
            f"{result.activation:.6g} now and did so by {slot.value:.6g} a moment ago: the file has changed. Build the "
            "atlas again into another folder"
        )


class Store:
    """The tiles of one process on disk while the atlas is built: one file a layer and kind, each tile at its place.

    Args:
      folder: where the files are.
      name: of the process.
      cells: layer -> (height, width) of its tiles.
      room: tiles a channel.
    """

    def __init__(self, folder: Path, name: str, cells: Mapping[str, Size], room: int) -> None:
        self._cells, self._room = dict(cells), room
        self._paths = {
            (layer, kind): folder / f"{kind}-{i:03d}-{name}.raw"
            for i, layer in enumerate(cells)
            for kind in ("patches", "maps")
        }

    def put(self, tiles: Sequence[Tile]) -> None:
        """Write tiles; when it returns they are on the disk."""
        for key, path in self._paths.items():
            these = [tile for tile in tiles if tile.slot.layer == key[0]]
            if not these:
                continue
            with open(os.open(path, os.O_RDWR | os.O_CREAT, 0o644), "r+b") as file:
                for tile in these:
                    pixels = tile.patch if key[1] == "patches" else tile.map
                    file.seek(self._offset(tile.slot.layer, tile.slot.index, tile.slot.rank))
                    file.write(self._filled(tile.slot.layer, pixels))
                file.flush()
                os.fsync(file.fileno())

    def get(self, layer: str, kind: str, index: int, rank: int) -> np.ndarray:
        """A tile that was put: the whole cell, grey beyond the box."""
        height, width = self._cells[layer]
        with open(self._paths[layer, kind], "rb") as file:
            file.seek(self._offset(layer, index, rank))
            return np.frombuffer(file.read(height * width * 3), np.uint8).reshape(height, width, 3)

    def _offset(self, layer: str, index: int, rank: int) -> int:
        height, width = self._cells[layer]
        return (index * self._room + rank) * height * width * 3

    def _filled(self, layer: str, pixels: np.ndarray) -> bytes:
        full = np.full((*self._cells[layer], 3), ZERO, np.uint8)
        full[: pixels.shape[0], : pixels.shape[1]] = pixels
        return full.tobytes()
