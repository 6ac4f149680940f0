"""What enhancement is measured by: pictures of a folder, damage of a known kind, PSNR and SSIM before and after."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from tqdm import tqdm

from deconvviz.data import images
from deconvviz.data.colour import is_grey
from deconvviz.data.folder import list_pictures
from deconvviz.errors import DataError
from deconvviz.ops.inverse import psnr
from deconvviz.ops.resize import resize
from deconvviz.tasks._shared import weights
from deconvviz.tasks._shared.tiling import in_tiles
from deconvviz.tasks.enhancement.data import jpeg, noisy
from deconvviz.tasks.enhancement.network import Enhancer, reach
from deconvviz.tasks.enhancement.untrained import there_and_back
from deconvviz.training.image_metrics import ssim

#: Sides of tiles, and what they are rounded up to, so that few sizes are ever compiled.
TILE, ROUND = 640, 16
#: Rows and columns that SSIM's window needs.
LEAST = 11
#: RGB -> brightness and two differences of colour, each around 0..1, as JPEG has them.
TO_COLOURS = np.array([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]], np.float32)
#: Where the three of a grey picture lie, so that all are around 0..1.
MIDDLE = np.array([0, 0.5, 0.5], np.float32)
FROM_COLOURS = np.linalg.inv(TO_COLOURS.astype(np.float64)).astype(np.float32)


@functools.lru_cache(maxsize=24)
def runner(module: Enhancer) -> Callable[[np.ndarray], np.ndarray]:
    """The network as a compiled function, kept."""
    return weights.jitted(module)


def cleaned_plane(module: Enhancer, plane: np.ndarray) -> np.ndarray:
    """What the network makes of one plane (H, W), not clipped; any size."""
    margin = reach(module)
    return in_tiles(
        runner(module), plane[..., None].astype(np.float32), margin=margin, multiple=ROUND, tile=TILE
    )[..., 0]  # fmt: skip


def cleaned(module: Enhancer, picture: np.ndarray, way: str = "colours") -> np.ndarray:
    """What the network makes of a picture.

    Args:
      module: trained.
      picture: (H, W, C), C of 1 or 3; noise may reach beyond 0..1.
      way: of `deconvviz.tasks.enhancement.WAYS`: red, green and blue apart; brightness and the two differences of
        colour apart, these at half the size, as the eye sees them and JPEG keeps them; brightness alone.

    Returns:
      The same shape, float32, clipped to 0..1.
    """
    if picture.shape[2] == 1:
        return np.clip(cleaned_plane(module, picture[..., 0])[..., None], 0, 1)
    if way == "channels":
        return np.clip(np.stack([cleaned_plane(module, picture[..., c]) for c in range(3)], axis=-1), 0, 1)
    planes = picture.astype(np.float32) @ TO_COLOURS.T + MIDDLE
    planes[..., 0] = cleaned_plane(module, planes[..., 0])
    if way != "brightness":
        for c in (1, 2):
            planes[..., c] = _cleaned_small(module, planes[..., c])
    return np.clip((planes - MIDDLE) @ FROM_COLOURS.T, 0, 1)


def _cleaned_small(module: Enhancer, plane: np.ndarray) -> np.ndarray:
    """As `cleaned_plane`, of the means of 2 x 2 pixels, made large again by bicubic interpolation."""
    height, width = plane.shape
    even = np.pad(plane, ((0, height % 2), (0, width % 2)), mode="edge")
    small = even.reshape(even.shape[0] // 2, 2, even.shape[1] // 2, 2).mean(axis=(1, 3))
    large = resize(cleaned_plane(module, small)[None, ..., None], even.shape)
    return np.asarray(large)[0, :height, :width, 0]


def read(data: str | Path, least: int = LEAST) -> dict[str, np.ndarray]:
    """Pictures of a folder by name, (H, W, 1) where they are grey and (H, W, 3) where not, 0..1 float32.

    Raises:
      DataError: no such folder, no pictures in it, or one smaller than `least` pixels a side.
      ImageError: one that cannot be read.
    """
    found = {}
    for path in list_pictures(data):
        picture = images.load(path)
        if min(picture.shape[:2]) < least:
            raise DataError(f"{path} is {picture.shape[0]} x {picture.shape[1]}; at least {least} x {least} are needed")
        found[path.name] = picture[..., :1] if is_grey(picture) else picture
    return found


def luma(picture: np.ndarray) -> np.ndarray:
    """(H, W, 1) brightness of a picture as JPEG counts it, the picture itself where it is grey."""
    return picture if picture.shape[2] == 1 else picture @ TO_COLOURS[0][:, None]


def damaged(picture: np.ndarray, sigma: float = 0.0, quality: int = 0, seed: int = 0) -> np.ndarray:
    """A picture (H, W, C) as JPEG of a quality, 0 for none, then with noise of a standard deviation of 255."""
    if quality:
        picture = jpeg(picture[..., 0], quality)[..., None] if picture.shape[2] == 1 else jpeg(picture, quality)
    return noisy(picture, sigma, seed) if sigma else picture


def before_and_after(
    run: Callable[[np.ndarray], np.ndarray],
    pictures: Sequence[np.ndarray],
    *,
    sigma: float = 0.0,
    quality: int = 0,
    seed: int = 0,
    progress: bool = False,
    others: Mapping[str, Callable[[np.ndarray], np.ndarray]] = MappingProxyType({}),
) -> dict[str, float]:
    """Means over pictures: "psnr_input", "psnr", "ssim_input", "ssim", and "psnr_NAME" of every other way.

    Noise is neither rounded nor clipped before the network, its result is clipped to 0..1; PSNR over all pixels and
    channels. SSIM is that of pictures clipped to 0..1.

    Args:
      run: a damaged picture (H, W, C) -> a cleaned one in 0..1.
      pictures: undamaged.
      sigma, quality, seed: as `damaged` takes them.
      progress: a bar on standard error.
      others: name -> another way to clean, of the same form as `run`.
    """
    rows = []
    for picture in tqdm(pictures, unit="picture", disable=not progress, dynamic_ncols=True):
        given = damaged(picture, sigma, quality, seed)
        found, shown = run(given), np.clip(given, 0, 1)
        besides = (psnr(way(given), picture) for way in others.values())
        rows.append((psnr(given, picture), psnr(found, picture), ssim(shown, picture), ssim(found, picture), *besides))
    names = ("psnr_input", "psnr", "ssim_input", "ssim", *(f"psnr_{name}" for name in others))
    return dict(zip(names, np.mean(rows, axis=0).tolist(), strict=True))


def measure(
    module: Enhancer, pictures: Sequence[np.ndarray], way: str, progress: bool, **damage: Any
) -> dict[str, Any]:
    """`before_and_after` of a network; "psnr_untrained", "images" and "seconds" besides."""
    started = time.perf_counter()
    found = before_and_after(
        lambda given: cleaned(module, given, way),
        pictures,
        progress=progress,
        others={"untrained": lambda given: np.clip(there_and_back(given)[1], 0, 1)},
        **damage,
    )
    return {**found, "images": len(pictures), "seconds": round(time.perf_counter() - started, 3)}
