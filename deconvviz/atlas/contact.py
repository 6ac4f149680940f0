"""One picture of a channel: its patches and, beside them, what the unit saw in each, in the same order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from deconvviz.atlas import tiles
from deconvviz.atlas.read import Atlas, Row
from deconvviz.types import Size

#: Pixels of the shorter side of a tile, at least, where its longer one has not more than that then.
SIDE, LONGEST = 96, 2048
_GAP, _PAPER = 4, 255


def picture(atlas: Atlas, rows: Sequence[Row]) -> np.ndarray:
    """Patches on the left, reconstructions on the right, (H, W, 3) uint8; pixels are repeated to be seen.

    Args:
      atlas: where the tiles are.
      rows: at least one, in the order shown; three side by side.

    >>> from deconvviz.atlas.read import SHIPPED
    >>> atlas = Atlas.open(SHIPPED)
    >>> picture(atlas, atlas.rows("relu1", 0)).shape
    (296, 616, 3)
    """
    height = max(row.size[0] for row in rows)
    width = max(row.size[1] for row in rows)
    zoom = max(1, min(-(-SIDE // min(height, width)), LONGEST // max(height, width)))
    columns = min(3, len(rows))
    blocks = []
    for kind in ("patches", "maps"):
        cells = np.full((-(-len(rows) // columns), columns, height, width, 3), tiles.ZERO, np.uint8)
        for i, row in enumerate(rows):
            cells[i // columns, i % columns] = in_cell(atlas.tile(row, kind), row, (height, width))
        blocks.append(_laid(cells.repeat(zoom, axis=2).repeat(zoom, axis=3)))
    gap = np.full((blocks[0].shape[0], 6 * _GAP, 3), _PAPER, np.uint8)
    return np.concatenate([blocks[0], gap, blocks[1]], axis=1)


def in_cell(tile: np.ndarray, row: Row, cell: Size) -> np.ndarray:
    """A tile where it lies in the whole receptive field: grey where that hangs over the picture.

    Args:
      tile: (h, w, 3) uint8.
      row: its row.
      cell: (height, width) of the field.

    >>> from deconvviz.types import Unit
    >>> row = Row(Unit("relu1", 0, 0, 0), 0, "a.png", "", 1.0, (0, 0, 1, 1), 1.0, (), (0, 0))
    >>> in_cell(np.full((1, 1, 3), 7, np.uint8), row, (2, 2))[..., 0].tolist()
    [[128, 128], [128, 7]]
    """
    full = np.full((*cell, 3), tiles.ZERO, np.uint8)
    height, width = tile.shape[:2]
    top = cell[0] - height if row.box[0] == 0 else 0
    left = cell[1] - width if row.box[1] == 0 else 0
    full[top : top + height, left : left + width] = tile
    return full


def _laid(cells: np.ndarray) -> np.ndarray:
    """(rows, columns, h, w, 3) tiles as one picture with white gaps."""
    rows, columns, height, width, _ = cells.shape
    shape = (rows * (height + _GAP) - _GAP, columns * (width + _GAP) - _GAP, 3)
    page = np.full(shape, _PAPER, np.uint8)
    for i, j in np.ndindex(rows, columns):
        top, left = i * (height + _GAP), j * (width + _GAP)
        page[top : top + height, left : left + width] = cells[i, j]
    return page
