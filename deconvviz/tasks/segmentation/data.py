"""Street scenes with a class for every pixel: the folder, what is refused in it, and the parts that training shows.

Source: brostow2009semantic, badrinarayanan2017segnet
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, UnidentifiedImageError

from deconvviz.data import images
from deconvviz.errors import DataError

NAMES = (
    "sky", "building", "pole", "road", "pavement", "tree", "sign", "fence", "car", "pedestrian", "bicyclist",
)  # fmt: skip
VOID = len(NAMES)
#: Pictures, and under the same names the class of every pixel.
FOLDERS = ("images", "labels")
#: Rows and columns that the network was trained for.
SIZE = (360, 480)


class Scene(NamedTuple):
    """A picture (H, W, 3) uint8 and the class of every pixel (H, W) uint8, 11 where it counts for nothing."""

    picture: np.ndarray
    labels: np.ndarray


def read(picture: Path, labels: Path) -> Scene:
    """One scene.

    Raises:
      DataError: labels that are no class index of 0..11, or of another size than the picture; names the file.
      ImageError: a picture that cannot be read.
    """
    pixels = np.rint(images.load(picture) * 255).astype(np.uint8)
    values = read_labels(labels)
    if values.shape != pixels.shape[:2]:
        raise DataError(f"{labels} is {values.shape} and {picture} is {pixels.shape[:2]}: sizes must agree")
    return Scene(pixels, values)


def read_labels(path: Path) -> np.ndarray:
    """(H, W) uint8 class indices of a grey or palette PNG.

    Raises:
      DataError: cannot be read, holds colours instead of indices, or values above 11.
    """
    try:
        with Image.open(path) as file:
            values = np.asarray(file)
    except (OSError, UnidentifiedImageError, ValueError) as error:
        raise DataError(f"cannot read the labels {path}: {error}; a PNG with a class index in every pixel") from error
    if values.ndim != 2:
        raise DataError(
            f"{path} has {values.shape[-1]} channels; labels are one class index a pixel, 0..{VOID - 1}, "
            f"or {VOID} for void"
        )
    if values.min() < 0 or values.max() > VOID:
        wrong = values[(values < 0) | (values > VOID)]
        raise DataError(
            f"{path} holds the label {int(wrong[0])}, {wrong.size} pixels are out of range; classes are "
            f"0..{VOID - 1}, and {VOID} is void"
        )
    if (values == VOID).all():
        raise DataError(f"{path} holds nothing but void ({VOID}): there is nothing to compare with")
    return values.astype(np.uint8)


def class_weights(labels: Sequence[np.ndarray], balance: str) -> np.ndarray:
    """(11,) float32: how much a pixel of each class counts in the loss; a class without pixels counts 1.

    Formula: median-frequency balancing, ``w_c = median(f) / f_c``, f_c the pixels of class c over all labelled pixels
    of the pictures that show it; "root" is its square root, "none" is 1.

    Source: eigen2015predicting, badrinarayanan2017segnet

    >>> class_weights([np.array([[0, 0, 0, 1]])], "median")[:3].tolist()
    [0.6666666865348816, 2.0, 1.0]
    """
    pixels, present = np.zeros(VOID), np.zeros(VOID)
    for labels_of_picture in labels:
        counts = np.bincount(labels_of_picture.ravel(), minlength=VOID + 1)[:VOID]
        pixels += counts
        present += np.where(counts > 0, counts.sum(), 0)
    there = pixels > 0
    frequency = pixels[there] / present[there]
    weights = np.ones(VOID, np.float32)
    if balance != "none":
        power = 0.5 if balance == "root" else 1.0
        weights[there] = (np.median(frequency) / frequency) ** power
    return weights


def model_input(pixels: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8 or 0..1 as the network is shown it, float32: mean 0 and deviation 1 over the whole picture.

    Light differs from street to street; one mean and one deviation for all three channels keeps the colours.
    """
    x = pixels.astype(np.float32)
    return np.asarray((x - x.mean()) / (x.std() + 1e-3 * (255 if pixels.dtype == np.uint8 else 1)), np.float32)


@dataclass(frozen=True, eq=False)
class Crops:
    """Which parts of the scenes each epoch shows: every scene once, the same parts for the same seed and epoch.

    Attributes:
      scenes: in memory.
      size: rows and columns of a part.
      batch: parts in a batch.
      seed: fixes every draw.
      scale: smallest and largest enlargement before a part is cut out.
      colour: largest change of gain, contrast and of each channel.
      gamma: largest power of the pixels, and one over it the smallest; 1 for none.
    """

    scenes: Sequence[Scene]
    size: tuple[int, int]
    batch: int
    seed: int
    scale: tuple[float, float] = (0.6, 1.5)
    colour: float = 0.3
    gamma: float = 1.0

    @cached_property
    def light(self) -> list[tuple[np.float32, np.float32]]:
        """Mean and deviation of every whole picture: a part is measured by them, so that the sky alone stays bright."""
        return [_light(scene.picture.astype(np.float32)[::4, ::4]) for scene in self.scenes]

    def length(self, epoch: int) -> int:
        """Number of batches in an epoch."""
        return len(self.scenes) // self.batch

    def epoch(self, number: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Batches: (N, h, w, 3) float32 input of the network, (N, h, w) uint8 labels."""
        order = np.random.default_rng([self.seed, number]).permutation(len(self.scenes))
        for step in range(self.length(number)):
            parts = [
                self._part(scene, np.random.default_rng([self.seed, number, step, place]))
                for place, scene in enumerate(order[step * self.batch : (step + 1) * self.batch])
            ]
            yield np.stack([x for x, _ in parts]), np.stack([y for _, y in parts])

    def _part(self, number: int, draw: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """A random box of a scene at another scale, mirrored half the time, in other light."""
        scene, (mean, deviation) = self.scenes[number], self.light[number]
        height, width = scene.labels.shape
        least = max(self.size[0] / height, self.size[1] / width)
        low, high = (max(least, scale) for scale in self.scale)
        scale = np.exp(draw.uniform(np.log(low), np.log(high)))
        rows, columns = (min(float(n), k / scale) for n, k in zip((height, width), self.size, strict=True))
        top, left = draw.uniform(0, height - rows), draw.uniform(0, width - columns)
        box, size = (left, top, left + columns, top + rows), (self.size[1], self.size[0])
        resize = Image.Resampling
        pixels = np.asarray(Image.fromarray(scene.picture).resize(size, resize.BILINEAR, box))
        labels = np.asarray(Image.fromarray(scene.labels).resize(size, resize.NEAREST, box))
        if draw.random() < 0.5:
            pixels, labels = pixels[:, ::-1], labels[:, ::-1]
        shown = pixels.astype(np.float32)
        if self.gamma != 1:
            power = np.float32(self.gamma ** draw.uniform(-1, 1))
            curve = 255 * (np.arange(256, dtype=np.float32) / 255) ** power
            shown, (mean, deviation) = curve[pixels], _light(curve[scene.picture[::4, ::4]])
        x = (shown - mean) / deviation
        contrast, *channels = 1 + self.colour * draw.uniform(-1, 1, 4)
        x = x * np.float32(contrast) * np.asarray(channels, np.float32) + np.float32(self.colour * draw.uniform(-1, 1))
        return np.asarray(x, np.float32), labels


def _light(pixels: np.ndarray) -> tuple[np.float32, np.float32]:
    """Mean and deviation, the second never 0."""
    return np.float32(pixels.mean()), np.float32(pixels.std()) + np.float32(0.255)
