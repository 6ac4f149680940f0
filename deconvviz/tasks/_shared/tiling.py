"""A network over a picture of any size: in tiles, so that memory stays bounded, with the result of the whole."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

#: Pixels of a tile's side, without its margin.
TILE = 256


def in_tiles(
    run: Callable[[np.ndarray], np.ndarray],
    picture: np.ndarray,
    *,
    margin: int,
    multiple: int = 1,
    scale: int = 1,
    tile: int = TILE,
) -> np.ndarray:
    """What `run` makes of a picture, put together from tiles that see `margin` pixels beyond their own.

    Equal to one run over the whole where the margin is at least the radius of what an output pixel sees. Borders are
    mirrored until rows and columns of every tile are alike, so that one compiled program serves all.

    Args:
      run: (1, h, w, C) -> (1, scale h, scale w, K); h and w are multiples of `multiple`.
      picture: (H, W, C).
      margin: pixels around a tile; rounded up to a multiple of `multiple`.
      multiple: what the sides of the input must be multiples of.
      scale: how much larger the output is.
      tile: side of a tile; rounded up likewise.

    Returns:
      (scale H, scale W, K).

    >>> in_tiles(lambda x: 2 * x, np.ones((5, 7, 1)), margin=1, tile=4).shape
    (5, 7, 1)
    """
    height, width = picture.shape[:2]
    up = lambda n: -(-n // multiple) * multiple  # noqa: E731
    margin = up(margin)
    rows, columns = (up(min(tile, n)) for n in (height, width))
    tall, wide = -(-height // rows), -(-width // columns)
    pads = [(margin, margin + tall * rows - height), (margin, margin + wide * columns - width), (0, 0)]
    padded = _mirrored(picture, pads)
    lines = []
    for i in range(tall):
        line = []
        for j in range(wide):
            part = padded[i * rows : (i + 1) * rows + 2 * margin, j * columns : (j + 1) * columns + 2 * margin]
            result = run(part[None])[0]
            line.append(result[scale * margin : scale * (margin + rows), scale * margin : scale * (margin + columns)])
        lines.append(np.concatenate(line, axis=1))
    return np.concatenate(lines)[: scale * height, : scale * width]


def _mirrored(picture: np.ndarray, pads: list[tuple[int, int]]) -> np.ndarray:
    """Mirrored at the border, without the border itself twice where the picture has more than one row."""
    return np.pad(picture, pads, mode="reflect" if min(picture.shape[:2]) > 1 else "edge")
