"""Labelled images: listing, decoding into memory, a seeded held-out part.

The class is the sub-folder that a file lies in, or stands in front of its name.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from deconvviz.data import images
from deconvviz.errors import DataError, DeconvvizError, ImageError, nearest

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif")


@dataclass(frozen=True)
class ImageFolder:
    """Files of a labelled image set.

    Attributes:
      files: paths, sorted within a class, classes in the order of `labels`.
      classes: for each file its index into `labels`.
      labels: class names, sorted.
    """

    files: tuple[Path, ...]
    classes: np.ndarray
    labels: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.files)

    def select(self, rows: np.ndarray) -> ImageFolder:
        """The files at these positions, with the same labels."""
        return ImageFolder(tuple(self.files[i] for i in rows), self.classes[rows], self.labels)


def list_pictures(root: str | Path) -> list[Path]:
    """The pictures DIR/*.jpg (png, webp, bmp, tif, gif) by name.

    Raises:
      DataError: no such folder, or no pictures in it.
    """
    root = Path(root)
    if not root.is_dir():
        raise DataError(f"no such folder: {root}; name one that holds pictures")
    result = _images(root)
    if not result:
        raise DataError(f"no pictures in {root}; expected {root}/*.png (jpg, webp, bmp, tif, gif)")
    return result


def list_partners(root: str | Path, names: Sequence[str], limit: int | None = None) -> list[tuple[Path, ...]]:
    """The pictures of DIR/FIRST, each with that of the same name, but for its ending, in every other folder.

    Args:
      root: DIR.
      names: of the folders in it.
      limit: at most so many.

    Raises:
      DataError: a folder is missing or empty, or a picture has no partner.
      DeconvvizError: a limit below 1.
    """
    root = Path(root)
    for name in names:
        if not (root / name).is_dir():
            expected = " and ".join(f"{root}/{name}" for name in names)
            raise DataError(f"no such folder: {root / name}; expected {expected}, files of one picture under one name")
    others = [{path.stem: path for path in _images(root / name)} for name in names[1:]]
    result = []
    for path in list_pictures(root / names[0]):
        for name, known in zip(names[1:], others, strict=True):
            if path.stem not in known:
                raise DataError(f"{path} has no partner {root / name / path.stem}.png; add it or take the picture away")
        result.append((path, *(known[path.stem] for known in others)))
    if limit is not None and limit < 1:
        raise DeconvvizError(f"limit is how many pictures to measure, 1 or more; got limit={limit}")
    return result[:limit]


def list_folder(root: str | Path, labels: Sequence[str] | None = None) -> ImageFolder:
    """Lists DIR/CLASS/*.jpg (png, webp, bmp, tif, gif); with `labels`, every class folder must be one of them.

    Raises:
      DataError: no such folder, no class folders, no images, or an unknown class.
    """
    root = Path(root)
    if not root.is_dir():
        raise DataError(f"no such folder: {root}; name a folder that holds one sub-folder of images a class")
    result = {d.name: _images(d) for d in sorted(root.iterdir()) if d.is_dir() and not d.name.startswith(".")}
    result = {name: files for name, files in result.items() if files}
    if not result:
        raise DataError(f"no images in {root}; expected {root}/CLASS/*.jpg (png, webp, bmp), one sub-folder a class")
    order = tuple(labels) if labels is not None else tuple(sorted(result))
    for name in result:
        if name not in order:
            raise DataError(f"{root} holds a class {name!r} that the network does not know; {nearest(name, order)}")
    files = [(path, order.index(name)) for name in sorted(result, key=order.index) for path in result[name]]
    return ImageFolder(tuple(f for f, _ in files), np.array([c for _, c in files], np.int64), order)


def list_labelled(root: str | Path, labels: Sequence[str]) -> ImageFolder:
    """Lists DIR/CLASS/*.jpg or, where there are no sub-folders, DIR/CLASS_*.jpg; classes as in `labels`, in any part.

    Raises:
      DataError: no such folder, no images, or an unknown class.
    """
    root = Path(root)
    files = _images(root) if root.is_dir() else []
    if not files or any(d.is_dir() and not d.name.startswith(".") for d in root.iterdir()):
        return list_folder(root, labels)
    index = {name: i for i, name in enumerate(labels)}
    classes = []
    for path in files:
        name = path.stem if path.stem in index else path.stem.partition("_")[0]
        if name not in index:
            raise DataError(
                f"{path} does not say its class: expected one sub-folder a class, or names that begin with the class "
                f"and '_'; {nearest(name, labels)}"
            )
        classes.append(index[name])
    return ImageFolder(tuple(files), np.array(classes, np.int64), tuple(labels))


def hold_out(folder: ImageFolder, per_class: int, seed: int) -> tuple[ImageFolder, ImageFolder]:
    """Splits off `per_class` images of every class, drawn from `seed`: (rest, held out).

    Raises:
      DataError: a class has no more than `per_class` images.
    """
    rng = np.random.default_rng([seed, 101])
    held_out: list[int] = []
    for index, name in enumerate(folder.labels):
        rows = np.flatnonzero(folder.classes == index)
        if len(rows) <= per_class:
            raise DataError(
                f"class {name!r} has {len(rows)} images, of which {per_class} are held out for validation; "
                "add images to it or remove its folder"
            )
        held_out.extend(sorted(rng.choice(rows, per_class, replace=False)))
    rest = np.setdiff1d(np.arange(len(folder)), held_out)
    return folder.select(rest), folder.select(np.array(held_out, np.int64))


def merge(first: ImageFolder, second: ImageFolder) -> ImageFolder:
    """Both sets together; every class of the second must be a class of the first."""
    index = {name: i for i, name in enumerate(first.labels)}
    missing = [name for name in second.labels if name not in index]
    if missing:
        raise DataError(f"class {missing[0]!r} is in one folder of the set only; {nearest(missing[0], first.labels)}")
    classes = np.array([index[second.labels[c]] for c in second.classes], np.int64)
    return ImageFolder(first.files + second.files, np.concatenate([first.classes, classes]), first.labels)


def decode(files: Sequence[Path], short_side: int | None = None, threads: int = 2) -> list[np.ndarray]:
    """Reads images as (H, W, 3) uint8 RGB; a shorter side above `short_side` pixels is reduced to it.

    Raises:
      DataError: a file is not a readable image.
    """
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(lambda path: _decode(path, short_side), files))


def _decode(path: Path, short_side: int | None) -> np.ndarray:
    try:
        values = images.load(path)
    except ImageError as error:
        raise DataError(f"cannot use {path}: {error}") from error
    image = Image.fromarray(np.rint(values * 255).astype(np.uint8))
    shorter = min(image.size)
    if short_side is not None and shorter > short_side:
        width, height = (max(1, round(n * short_side / shorter)) for n in image.size)
        image = image.resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(image)


def _images(folder: Path) -> list[Path]:
    files = (p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES and not p.name.startswith("."))
    return sorted(p for p in files if p.is_file())
