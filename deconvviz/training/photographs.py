"""Photographs of a folder, those of a training and those held out."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from deconvviz.data.folder import SUFFIXES, decode
from deconvviz.errors import DataError

#: Every so many-th file of the folder, by name, is never trained on.
HELD_OUT = 5
#: Shorter side that photographs are reduced to.
SHORT_SIDE = 96


def split(root: Path, most: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Photographs to train on, and those held out: at most so many together, spread evenly over the files by name.

    Args:
      root: DIR/*.jpg or DIR/CLASS/*.jpg.
      most: of both together.

    Returns:
      Two lists of (H, W, 3) uint8.

    Raises:
      DataError: no such folder, too few pictures, or one that cannot be read.
    """
    if not root.is_dir():
        raise DataError(f"no such folder: {root}; name one that holds photographs")
    files = sorted(path for path in root.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    files = [files[round(i)] for i in np.linspace(0, len(files) - 1, min(most, len(files)))]
    if len(files) < 2 * HELD_OUT:
        raise DataError(f"{root} holds {len(files)} pictures; {2 * HELD_OUT} or more are needed")
    decoded = decode(files, SHORT_SIDE)
    return [p for i, p in enumerate(decoded) if i % HELD_OUT], decoded[::HELD_OUT]
