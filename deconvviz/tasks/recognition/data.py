"""What the recognition network learns from: the digits of the package, or a folder with one sub-folder a class."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from deconvviz.data import digits, images
from deconvviz.data.folder import list_folder

#: In place of a folder: the digits that come with the package.
BUILT_IN = "digits"


class Pictures(NamedTuple):
    """Labelled pictures as the network takes them.

    Attributes:
      values: (N, 28, 28, 1) float32, 0 paper to 1 ink.
      classes: (N,) int, index into `labels`.
      labels: names.
      built_in: they come with the package.
    """

    values: np.ndarray
    classes: np.ndarray
    labels: tuple[str, ...]
    built_in: bool


def read(data: str | Path, labels: tuple[str, ...] | None = None) -> Pictures:
    """The digits of the package for ``"digits"``, else DIR/CLASS/*.png (jpg, webp, bmp).

    Args:
      data: "digits" or a folder.
      labels: the classes that there may be; those of the folder if None.

    Raises:
      DataError: no such folder, no pictures, or an unknown class.
      ImageError: a file that cannot be read.
    """
    if str(data) == BUILT_IN and not Path(data).is_dir():
        small, classes = digits.load()
        return Pictures(digits.enlarged(small), classes, tuple(map(str, range(10))), True)
    folder = list_folder(data, labels)
    return Pictures(
        digits.enlarged(np.stack([prepared(file) for file in folder.files])), folder.classes, folder.labels, False
    )


def prepared(source: Any) -> np.ndarray:
    """(8, 8) of one picture, as `deconvviz.data.digits.reduced` makes it of its grey."""
    return digits.reduced(images.load(source).mean(axis=-1))
