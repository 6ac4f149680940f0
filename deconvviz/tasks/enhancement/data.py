"""Damage of a known kind: noise of a seed, JPEG of a quality; whole pictures and batches of parts."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from skimage.feature import match_template

from deconvviz.data import images
from deconvviz.data.colour import is_grey
from deconvviz.data.folder import list_pictures
from deconvviz.errors import DataError, DeconvvizError
from deconvviz.training.patches import Patches
from deconvviz.types import DisplayImage

#: Largest standard deviation that a network is shown in training, of 255.
MOST_NOISE = 55.0
#: JPEG qualities that it is shown.
QUALITIES = (10, 40)
#: Share of the parts of a batch that are JPEG; the rest is noise.
JPEG_SHARE = 0.25
#: RGB -> brightness and two differences of colour, each around 0..1, as JPEG has them.
TO_COLOURS = np.array([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]], np.float32)
#: Every sixteenth picture, in the order of names, is never shown in training: settings are chosen by these.
HELD_BACK = 16
#: Correlation from which on a part is taken to be of a picture; of different pictures it stays below 0.8.
SAME = 0.95


def noisy(picture: np.ndarray, sigma: float, seed: int = 0) -> np.ndarray:
    """A picture with white Gaussian noise, neither rounded nor clipped.

    Args:
      picture: (H, W) or (H, W, C) in 0..1.
      sigma: standard deviation, of 255.
      seed: fixes the noise; the same for every picture of that shape.

    Returns:
      The same shape, float32.

    Raises:
      DeconvvizError: a negative sigma, or one that is no number.

    >>> one = noisy(np.full((50, 60), 0.5), 25, seed=3)
    >>> round(float(one.std()) * 255), bool((one == noisy(np.full((50, 60), 0.5), 25, seed=3)).all())
    (25, True)
    """
    if not 0 <= sigma <= 255:
        raise DeconvvizError(f"sigma is the standard deviation of the noise, 0 to 255; got {sigma}")
    drawn = np.random.default_rng(seed).standard_normal(np.shape(picture), np.float32)
    return np.asarray(picture, np.float32) + drawn * np.float32(sigma / 255)


def jpeg(picture: np.ndarray, quality: int) -> np.ndarray:
    """A picture as it comes back from a JPEG file.

    Args:
      picture: (H, W), or (H, W, 3) RGB, in 0..1; it is rounded to 256 levels first, as every file does.
      quality: 1 to 100, as Pillow and libjpeg count it.

    Returns:
      The same shape, float32, 0..1.

    Raises:
      DeconvvizError: a quality outside 1..100.

    >>> flat = np.full((16, 24), 0.4)
    >>> float(abs(jpeg(flat, 10) - flat).max()) < 0.03
    True
    """
    if not 1 <= quality <= 100 or int(quality) != quality:
        raise DeconvvizError(f"quality is a whole number of JPEG's scale, 1 to 100; got {quality}")
    stream = io.BytesIO()
    Image.fromarray(np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)).save(stream, "JPEG", quality=int(quality))
    with Image.open(stream) as file:
        return np.asarray(file, np.float32) / 255


def blind(parts: Patches, number: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Batches of an epoch: (damaged, clean), both (N, size, size, 1) float32; noise of 0..55, JPEG of 10..40."""
    for clean, draw in parts.epoch(number):
        clean = np.ascontiguousarray(clean, np.float32)
        sigmas = draw.uniform(0, MOST_NOISE / 255, (len(clean), 1, 1, 1)).astype(np.float32)
        damaged = clean + sigmas * draw.standard_normal(clean.shape, np.float32)
        for one in range(round(JPEG_SHARE * len(clean))):
            damaged[one, ..., 0] = jpeg(clean[one, ..., 0], int(draw.integers(QUALITIES[0], QUALITIES[1] + 1)))
        yield damaged, clean


def fixed(parts: Patches, number: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Batches of an epoch of pictures whose two channels are (damaged, clean): every pixel has its one noise."""
    for both, _ in parts.epoch(number):
        damaged, clean = np.split(np.ascontiguousarray(both, np.float32), 2, axis=-1)
        yield damaged, clean


def damaged(picture: DisplayImage, *, sigma: float = 0.0, quality: int = 0, seed: int = 0) -> DisplayImage:
    """A picture as JPEG of a quality (0: none), then with noise of a standard deviation of 255, clipped to 0..1.

    Args:
      picture: (H, W, 3), 0..1; one that is grey stays grey.
      sigma: 0 to 255.
      quality: 1 to 100, or 0.
      seed: fixes the noise; the same for every picture of that shape.

    Raises:
      DeconvvizError: a sigma or quality out of range.

    >>> float(abs(damaged(np.full((8, 9, 3), 0.5), sigma=10)).mean().round(2))
    0.5
    """
    given = np.asarray(picture, np.float32)
    planes = given[..., :1] if is_grey(given) else given
    result = np.clip(damaged_planes(planes, sigma, quality, seed), 0, 1)
    return np.broadcast_to(result, given.shape).copy()


def damaged_planes(picture: np.ndarray, sigma: float = 0.0, quality: int = 0, seed: int = 0) -> np.ndarray:
    """A picture (H, W, C) as JPEG of a quality, 0 for none, then with noise of a standard deviation of 255."""
    if quality:
        picture = jpeg(picture[..., 0], quality)[..., None] if picture.shape[2] == 1 else jpeg(picture, quality)
    return noisy(picture, sigma, seed) if sigma else picture


def read(data: str | Path, least: int = 1) -> dict[str, np.ndarray]:
    """Pictures of a folder by name, (H, W, 1) where they are grey and (H, W, 3) where not, 0..1 float32.

    Raises:
      DataError: no such folder, no pictures in it, or one smaller than `least` pixels a side.
      ImageError: one that cannot be read.
    """
    result = {}
    for path in list_pictures(data):
        picture = images.load(path)
        if min(picture.shape[:2]) < least:
            raise DataError(f"{path} is {picture.shape[0]} x {picture.shape[1]}; at least {least} x {least} are needed")
        result[path.name] = picture[..., :1] if is_grey(picture) else picture
    return result


def luma(picture: np.ndarray) -> np.ndarray:
    """(H, W, 1) brightness of a picture as JPEG counts it, the picture itself where it is grey."""
    return picture if picture.shape[2] == 1 else picture @ TO_COLOURS[0][:, None]


def holds(picture: np.ndarray, part: np.ndarray) -> bool:
    """Whether a picture (H, W, 1) holds a smaller one somewhere: their correlation there is `SAME` or more.

    >>> large = np.random.default_rng(0).uniform(size=(20, 30, 1))
    >>> holds(large, large[3:12, 5:15]), holds(large, large[::-1][3:12, 5:15])
    (True, False)
    """
    if any(one < other for one, other in zip(picture.shape, part.shape, strict=True)):
        return False
    return bool(match_template(picture[..., 0], part[..., 0]).max() >= SAME)


def split(data: str | Path, least: int, parts: str | Path | None = None) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """(shown, held back): grey pictures (H, W, 1) of a folder; the last is held back where there are few.

    Args:
      data: the folder.
      least: pixels a side.
      parts: a folder of parts of such pictures. Those are held back then that hold a part which `split` of this folder
        holds back, so that pictures stay unknown to weights that were trained on the parts.

    Raises:
      DataError: no pictures, or one that is too small; none holds such a part.
    """
    pictures = [luma(picture) for picture in read(data, least).values()]
    held: Sequence[int] = range(HELD_BACK - 1, len(pictures), HELD_BACK) or [len(pictures) - 1]
    if parts is not None:
        unknown = split(parts, least)[1]
        held = [i for i, picture in enumerate(pictures) if any(holds(picture, part) for part in unknown)]
        if not held:
            raise DataError(f"no picture of {data} holds a part that is held back in {parts}")
    return [p for i, p in enumerate(pictures) if i not in held or len(pictures) == 1], [pictures[i] for i in held]
