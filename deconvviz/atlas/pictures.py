"""The pictures that an atlas is made of: the files of a folder and its sub-folders, or the built-in set."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np

from deconvviz.data import images, textures
from deconvviz.data.folder import SUFFIXES
from deconvviz.errors import DataError, ImageError
from deconvviz.types import DisplayImage

#: What stands for the built-in set instead of a folder.
BUILT_IN = "sample:textures"


@dataclass(frozen=True, eq=False)
class Pictures:
    """A list of pictures, numbered from 0 by name.

    Attributes:
      place: the folder, absolute, or `BUILT_IN`.
      names: paths below the place, with forward slashes, sorted.
      stamp: SHA-256 over names, sizes and times of change: another one if the folder has changed.
      read: name -> the file's bytes.
    """

    place: str
    names: tuple[str, ...]
    stamp: str
    read: Callable[[str], bytes]

    def load(self, name: str) -> tuple[DisplayImage, str]:
        """A picture, (H, W, 3) float32 of 0..1, and the SHA-256 of its file.

        Raises:
          ImageError: it cannot be read.
        """
        data = self.read(name)
        return images.load(data, name=name), sha256(data).hexdigest()


def list_pictures(place: str | Path) -> Pictures:
    """The pictures of a folder and its sub-folders, or the built-in set; none is opened.

    Args:
      place: a folder, or "sample:textures".

    Raises:
      DataError: no such folder, or no pictures in it.

    >>> len(list_pictures("sample:textures").names)
    310
    """
    if str(place) == BUILT_IN:
        names = textures.names()
        return Pictures(BUILT_IN, names, sha256("\n".join(names).encode()).hexdigest(), textures.read)
    root = Path(place)
    if not root.is_dir():
        raise DataError(f"no such folder: {root}; name one that holds pictures, or {BUILT_IN!r} for the built-in ones")
    result = sorted(_below(root))
    if not result:
        raise DataError(f"no pictures in {root} or below it; expected files that end in {', '.join(SUFFIXES)}")
    stamp = sha256()
    for name, size, changed in result:
        stamp.update(f"{name}\0{size}\0{changed}\n".encode(errors="surrogateescape"))
    names = tuple(name for name, _, _ in result)
    return Pictures(str(root.resolve()), names, stamp.hexdigest(), reader(root))


def reader(place: str | Path) -> Callable[[str], bytes]:
    """What reads the pictures of a place by name; it does not list them.

    >>> reader("sample:textures")("plain/0.bmp")[:2]
    b'BM'
    """
    return textures.read if str(place) == BUILT_IN else functools.partial(_read, Path(place))


def _below(root: Path) -> list[tuple[str, int, int]]:
    """(name, bytes, time of change) of every picture file; hidden files and folders are left out."""
    result = []
    for folder, inner, files in os.walk(root):
        inner[:] = sorted(name for name in inner if not name.startswith("."))
        for name in files:
            path = Path(folder, name)
            if path.suffix.lower() in SUFFIXES and not name.startswith(".") and path.is_file():
                status = path.stat()
                result.append((path.relative_to(root).as_posix(), status.st_size, status.st_mtime_ns))
    return result


def _read(root: Path, name: str) -> bytes:
    """The bytes of a file, of one more than `images.load` takes at most."""
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise ImageError(f"{name!r} does not lie in {root}: the atlas names a file that it must not")
    try:
        with open(root / name, "rb") as file:
            return file.read(images.MAX_BYTES + 1)
    except OSError as error:
        raise ImageError(f"cannot read {name!r}: {error.strerror or error}") from error


def level(image: DisplayImage) -> np.ndarray:
    """0..1 to 0..255, rounded.

    >>> level(np.float32([0, 0.5, 1])).tolist()
    [0, 128, 255]
    """
    return np.rint(255 * np.clip(image, 0, 1)).astype(np.uint8)
