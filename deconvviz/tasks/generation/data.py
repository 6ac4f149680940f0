"""Pictures for the task generation: which are trained on, which never are, how they come to 64 x 64 and back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from deconvviz.data import images
from deconvviz.data.folder import ImageFolder, decode, list_folder, merge
from deconvviz.errors import DataError, nearest

#: Rows and columns of a picture, and of the smallest map.
SIDE, BOTTOM = 64, 4
#: The encoder halves a picture four times.
STRIDE = 16
#: The Caltech-101 classes whose pictures are aligned, which are taken where a folder holds them all.
ALIGNED = ("Faces_easy", "Motorbikes", "airplanes")
#: Classes that look to both sides: the other pictures all face one way, and a mirrored one would be of another kind.
MIRRORED = ("Faces", "Faces_easy")
#: Pixels of the shorter side that are kept in memory.
_SHORT_SIDE = 96
#: Least share of rows and columns that a crop shows.
_LEAST_SHARE = 0.92


def split(data: Path, classes: tuple[str, ...], share: float) -> tuple[ImageFolder, ImageFolder]:
    """(training part, held out): of every class the last `share` of its pictures by file name is never trained on.

    Neighbours in a numbered set often show the same person or thing, so that a random part would not be unseen.

    Args:
      data: DIR/CLASS/*.jpg, the original Caltech-101 archive, or a set in two parts, train30 and extra.
      classes: classes; if empty, faces, motorbikes and airplanes where the folder holds them, else all it holds.
      share: 0 to 1; at least one picture a class is held out.

    Raises:
      DataError: no such folder, no such class, or a class of fewer than four pictures.
    """
    folder = list_classes(Path(data), classes)
    training: list[int] = []
    held_out: list[int] = []
    for index, name in enumerate(folder.labels):
        rows = sorted(np.flatnonzero(folder.classes == index).tolist(), key=lambda row: folder.files[row].name)
        if len(rows) < 4:
            raise DataError(f"class {name!r} of {data} has {len(rows)} pictures; generation needs four or more a class")
        last = max(1, round(share * len(rows)))
        training, held_out = training + rows[:-last], held_out + rows[-last:]
    return folder.select(np.array(training)), folder.select(np.array(held_out))


def list_classes(data: Path, classes: tuple[str, ...] = (), labels: tuple[str, ...] = ()) -> ImageFolder:
    """The pictures of these classes, as `split` reads them; with `labels`, those of them that are there.

    Raises:
      DataError: no such folder, no such class, or none of the labels.
    """
    base = next((data / name for name in ("train30", "101_ObjectCategories") if (data / name).is_dir()), data)
    folder = list_folder(base)
    if base.name == "train30" and (data / "extra").is_dir():
        folder = merge(folder, list_folder(data / "extra"))
    if labels and not set(labels) & set(folder.labels):
        raise DataError(
            f"{data} holds none of the classes {', '.join(labels)}; it holds {', '.join(folder.labels[:6])}"
        )
    if not (classes or labels):
        classes = ALIGNED if set(ALIGNED) <= set(folder.labels) else folder.labels
    for name in classes:
        if name not in folder.labels:
            raise DataError(f"{data} holds no class {name!r}; {nearest(name, folder.labels)}")
    order = labels or tuple(sorted(set(classes)))
    rows = np.flatnonzero([folder.labels[c] in order for c in folder.classes])
    indices = np.array([order.index(folder.labels[c]) for c in folder.classes[rows]], np.int64)
    return ImageFolder(tuple(folder.files[row] for row in rows), indices, order)


def known(data: Path, labels: tuple[str, ...], share: float, part: str = "all") -> ImageFolder:
    """The pictures of those of the labels that a folder holds; "held_out" is the part that `split` holds out.

    Raises:
      DataError: no such folder, or none of the labels.
    """
    folder = list_classes(data, (), labels)
    if part == "all":
        return folder
    present = tuple(folder.labels[c] for c in np.unique(folder.classes))
    held_out = split(data, present, share)[1]
    return ImageFolder(held_out.files, np.array([labels.index(held_out.labels[c]) for c in held_out.classes]), labels)


def squeeze(picture: np.ndarray, box: tuple[float, float, float, float] | None = None) -> np.ndarray:
    """(H, W, 3) uint8 -> (64, 64, 3) uint8: the whole picture, or the box (left, top, right, bottom), squeezed.

    >>> squeeze(np.zeros((30, 90, 3), np.uint8)).shape
    (64, 64, 3)
    """
    return np.asarray(Image.fromarray(picture).resize((SIDE, SIDE), Image.Resampling.BICUBIC, box))


def squeezed(image: Any) -> np.ndarray:
    """(64, 64, 3) float32 in 0..1: the whole picture, squeezed to a square, as the autoencoder is fed.

    Args:
      image: path, bytes, PIL image, or array, as `deconvviz.data.images.load` reads it; 16 pixels or more a side.

    Raises:
      ImageError: a picture that cannot be read.
      DataError: a picture smaller than the encoder's stride.

    >>> squeezed(np.zeros((20, 90, 3), np.uint8)).shape
    (64, 64, 3)
    """
    picture = images.load(image)
    height, width = picture.shape[:2]
    if min(height, width) < STRIDE:
        raise DataError(
            f"the encoder halves a picture four times and needs {STRIDE} pixels or more a side; got a picture of "
            f"{height} x {width}: enlarge it, or take another"
        )
    return squeeze(np.rint(picture * 255).astype(np.uint8)) / np.float32(255)


def shaped(picture: np.ndarray, shape: float, shorter: int) -> np.ndarray:
    """A squeezed picture, about 0..1, stretched to columns / rows = shape: (H, W, 3) uint8.

    >>> shaped(np.zeros((64, 64, 3)), 1.5, 100).shape
    (100, 150, 3)
    """
    height, width = (shorter, round(shorter * shape)) if shape >= 1 else (round(shorter / shape), shorter)
    return stretched(picture, (height, width))


def stretched(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A picture, about 0..1, at another size (rows, columns), uint8.

    >>> stretched(np.full((64, 64, 3), 1.1), (3, 5))[0, 0].tolist()
    [255, 255, 255]
    """
    levels = np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)
    return np.asarray(Image.fromarray(levels).resize((size[1], size[0]), Image.Resampling.BICUBIC))


def sheet(pictures: np.ndarray, shape: float, columns: int, *, shorter: int, gap: int = 2) -> np.ndarray:
    """Squeezed pictures, each stretched to columns / rows = shape, on one white (H, W, 3) uint8 sheet.

    >>> sheet(np.zeros((5, 64, 64, 3)), 1.0, 3, shorter=128).shape
    (258, 388, 3)
    """
    tiles = [shaped(picture, shape, shorter) for picture in pictures]
    tall, wide = tiles[0].shape[0] + gap, tiles[0].shape[1] + gap
    rows = -(-len(tiles) // columns)
    result = np.full((rows * tall - gap, columns * wide - gap, 3), 255, np.uint8)
    for number, tile in enumerate(tiles):
        top, left = number // columns * tall, number % columns * wide
        result[top : top + tile.shape[0], left : left + tile.shape[1]] = tile
    return result


def read(folder: ImageFolder) -> np.ndarray:
    """(N, 64, 64, 3) float32 in 0..1: all pictures of a folder, whole.

    Raises:
      DataError: a file that is no picture.
    """
    return np.stack([squeeze(picture) for picture in decode(folder.files)]) / np.float32(255)


def shape_of(pictures: list[np.ndarray]) -> float:
    """Median of columns to rows: how samples of a class are stretched to be looked at.

    >>> shape_of([np.zeros((2, 4, 3)), np.zeros((2, 6, 3)), np.zeros((2, 5, 3))])
    2.5
    """
    return float(np.median([picture.shape[1] / picture.shape[0] for picture in pictures]))


@dataclass(frozen=True, eq=False)
class Source:
    """The training part in memory, and what each epoch shows: the same for the same seed and epoch.

    Attributes:
      folder: where it comes from.
      pictures: (H, W, 3) uint8.
      batch: pictures in a batch.
      seed: fixes every draw.
    """

    folder: ImageFolder
    pictures: list[np.ndarray]
    batch: int
    seed: int

    @classmethod
    def of(cls, folder: ImageFolder, batch: int, seed: int) -> Source:
        """Reads a folder.

        Raises:
          DataError: fewer pictures than a batch, or a file that is none.
        """
        if len(folder) < batch:
            raise DataError(
                f"there are {len(folder)} pictures to train on, fewer than one batch of {batch}; add pictures or "
                "train with a smaller --batch"
            )
        return cls(folder, decode(folder.files, _SHORT_SIDE), batch, seed)

    def length(self, epoch: int) -> int:
        """Batches in an epoch."""
        return len(self.folder) // self.batch

    def batches(self, epoch: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Batches of an epoch, (N, 64, 64, 3) float32 in 0..1, cropped a little, some mirrored; (N,) their classes."""
        draw = np.random.default_rng([self.seed, epoch])
        order = draw.permutation(len(self.folder))
        for number in range(self.length(epoch)):
            chosen = order[number * self.batch : (number + 1) * self.batch]
            shown = np.stack([self._part(row, draw) for row in chosen]) / np.float32(255)
            yield shown, self.folder.classes[chosen]

    def _part(self, row: int, draw: np.random.Generator) -> np.ndarray:
        picture = self.pictures[row]
        height, width = picture.shape[:2]
        tall, wide = (draw.uniform(_LEAST_SHARE, 1) * n for n in (height, width))
        top, left = draw.uniform(0, height - tall), draw.uniform(0, width - wide)
        mirrored = draw.integers(2) == 1 and self.folder.labels[self.folder.classes[row]] in MIRRORED
        part = squeeze(picture, (left, top, left + wide, top + tall))
        return part[:, ::-1] if mirrored else part
