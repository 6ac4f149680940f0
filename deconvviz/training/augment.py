"""Random training pictures: crops, flips, colour, mixup, cutmix, erasing; every draw follows from its own generator.

Pictures are (H, W, 3) uint8; batches (N, S, S, 3) float32 in 0..1; targets (N, C) float32 rows that sum to 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

LUMA = np.array([0.299, 0.587, 0.114], np.float32)


@dataclass(frozen=True)
class Augmentation:
    """How strongly pictures are changed.

    Attributes:
      area: smallest and largest share of the picture that a crop keeps.
      aspect: largest change of the aspect ratio (width / height), about the square and about the whole picture.
      warp: probability that a crop is turned and sheared; what it shows beyond the picture's edge is grey.
      turn: largest rotation in degrees.
      shear: largest slope of what stood upright.
      colour: largest relative change of brightness, contrast and saturation.
      hue: largest rotation of the colour plane in radians.
      grey: probability of dropping colour.
      mix: probability that a batch is mixed: half mixup, half cutmix.
      erase: probability of a grey rectangle in a picture.
    """

    area: tuple[float, float] = (0.3, 1.0)
    aspect: float = 1.5
    warp: float = 0.0
    turn: float = 15.0
    shear: float = 0.15
    colour: float = 0.4
    hue: float = 0.2
    grey: float = 0.05
    mix: float = 0.5
    erase: float = 0.2


def random_crop(image: np.ndarray, size: int, how: Augmentation, rng: np.random.Generator) -> np.ndarray:
    """A random box of the picture, resized with anti-aliasing, mirrored half the time: (S, S, 3) uint8."""
    height, width = image.shape[:2]
    share = rng.uniform(*how.area)
    aspect = np.exp(rng.uniform(-1, 1) * np.log(how.aspect))
    if rng.random() < 0.5:  # about square in pixels; otherwise about as long as the picture, squeezed into a square
        share *= min(height, width) / max(height, width)
        aspect *= height / width
    box_width, box_height = min(1.0, np.sqrt(share * aspect)), min(1.0, np.sqrt(share / aspect))
    left, top = rng.uniform(0, 1 - box_width) * width, rng.uniform(0, 1 - box_height) * height
    box = (left, top, min(width, left + box_width * width), min(height, top + box_height * height))
    picture = Image.fromarray(image)
    if how.warp and rng.random() < how.warp:
        crop = np.asarray(_warped(picture, size, box, how, rng))
    else:
        crop = np.asarray(picture.resize((size, size), Image.Resampling.BILINEAR, box))
    return crop[:, ::-1] if rng.random() < 0.5 else crop


def _warped(
    picture: Image.Image, size: int, box: tuple[float, ...], how: Augmentation, rng: np.random.Generator
) -> Image.Image:
    left, top, right, bottom = box
    angle, slope = np.radians(how.turn) * rng.uniform(-1, 1), how.shear * rng.uniform(-1, 1)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) @ [[1, slope], [0, 1]]
    matrix = turn * np.array([right - left, bottom - top]) / size
    offset = np.array([left + right, top + bottom]) / 2 - matrix @ [size / 2, size / 2]
    values = (*matrix[0], offset[0], *matrix[1], offset[1])
    return picture.transform(
        (size, size), Image.Transform.AFFINE, values, Image.Resampling.BILINEAR, fillcolor=(128, 128, 128)
    )


def colour_matrix(how: Augmentation, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A random change of colour as ``rgb @ matrix + offset``: brightness, contrast about 0.5, saturation, hue, grey."""
    brightness, contrast, saturation = 1 + how.colour * rng.uniform(-1, 1, 3)
    if rng.random() < how.grey:
        saturation = 0.0
    angle = how.hue * rng.uniform(-1, 1)
    axis = np.full(3, 1 / np.sqrt(3))
    cross = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    turn = np.cos(angle) * np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * np.outer(axis, axis)
    saturate = saturation * np.eye(3) + (1 - saturation) * np.outer(LUMA, np.ones(3))
    matrix = brightness * contrast * (turn.T @ saturate)
    return matrix.astype(np.float32), np.full(3, 0.5 * (1 - contrast), np.float32)


def erase(image: np.ndarray, rng: np.random.Generator) -> None:
    """Covers a random rectangle, 4 to 25 % of an (S, S, 3) picture, with one random colour, in place."""
    size = image.shape[0]
    share, aspect = rng.uniform(0.04, 0.25), np.exp(rng.uniform(-0.7, 0.7))
    height, width = (int(size * np.sqrt(share * a)) for a in (aspect, 1 / aspect))
    top, left = rng.integers(0, size - height + 1), rng.integers(0, size - width + 1)
    image[top : top + height, left : left + width] = rng.random(3, np.float32)


def mix(images: np.ndarray, targets: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Mixup or cutmix (one half each) of a batch with its own permutation; the targets are mixed in the same ratio."""
    order = rng.permutation(len(images))
    if rng.random() < 0.5:
        share = np.float32(rng.beta(0.3, 0.3))
        images = share * images + (1 - share) * images[order]
        return images, share * targets + (1 - share) * targets[order]
    size = images.shape[1]
    side = np.sqrt(1 - rng.beta(1.0, 1.0))
    half = round(size * side / 2)
    row, column = rng.integers(0, size, 2)
    top, bottom = max(row - half, 0), min(row + half, size)
    left, right = max(column - half, 0), min(column + half, size)
    images = images.copy()
    images[:, top:bottom, left:right] = images[order, top:bottom, left:right]
    share = np.float32(1 - (bottom - top) * (right - left) / size**2)
    return images, share * targets + (1 - share) * targets[order]


def batch(
    pictures: list[np.ndarray], targets: np.ndarray, size: int, how: Augmentation, seed: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """One training batch: (N, S, S, 3) float32 in 0..1 (colour changes may leave that range) and (N, C) targets."""
    images = np.empty((len(pictures), size, size, 3), np.float32)
    for i, picture in enumerate(pictures):
        rng = np.random.default_rng([*seed, i])
        crop = random_crop(picture, size, how, rng).astype(np.float32) * np.float32(1 / 255)
        matrix, offset = colour_matrix(how, rng)
        images[i] = (crop.reshape(-1, 3) @ matrix + offset).reshape(size, size, 3)
        if rng.random() < how.erase:
            erase(images[i], rng)
    rng = np.random.default_rng([*seed, len(pictures)])
    return mix(images, targets, rng) if rng.random() < how.mix else (images, targets)
