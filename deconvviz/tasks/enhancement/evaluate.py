"""What enhancement is measured by: pictures of a folder, damage of a known kind, PSNR and SSIM before and after."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from tqdm import tqdm

from deconvviz.errors import DeconvvizError, check_choice
from deconvviz.metrics import psnr, ssim
from deconvviz.tasks._shared.turns import TURNS, check_turns
from deconvviz.tasks.enhancement import WAYS
from deconvviz.tasks.enhancement.data import damaged_planes, read
from deconvviz.tasks.enhancement.network import Enhancer
from deconvviz.tasks.enhancement.predict import cleaned, load
from deconvviz.tasks.enhancement.untrained import there_and_back

#: Rows and columns that SSIM's window needs.
LEAST = 11


def evaluate(
    data: str | Path,
    *,
    progress: bool = False,
    sigma: float | None = None,
    quality: int | None = None,
    noise_seed: int = 0,
    variant: str = "main",
    way: str = "colours",
    turns: int = TURNS,
    weights: str | Path | None = None,
) -> dict[str, Any]:
    """Damages the undamaged pictures DIR/*.png, cleans them, and measures both.

    Noise is white and Gaussian, of one seed for every picture, neither rounded nor clipped; what the network makes is
    clipped to 0..1. PSNR is over all pixels and channels, SSIM with the window of its paper; means over pictures.

    Args:
      data: the folder; grey pictures stay grey.
      progress: a bar on standard error.
      sigma: standard deviation of the noise, of 255; 25 where neither this nor a quality is given.
      quality: of JPEG, 1 to 100, before the noise.
      noise_seed: of the noise.
      variant, way, turns, weights: as for `apply`.

    Returns:
      "psnr" and "ssim" of what the network makes, "psnr_input" and "ssim_input" of the damaged pictures,
      "psnr_untrained" of the way without training (`there_and_back`, fused), "images", "seconds".

    Raises:
      DataError: no such folder, no pictures, or one smaller than SSIM's window.
      DeconvvizError: a sigma or quality out of range.
    """
    check_choice("way", way, WAYS, of="enhancement")
    check_turns(turns)
    strength = _strength(sigma, quality)
    pictures = list(read(data, LEAST).values())
    module = load(variant, weights)
    return measure(module, pictures, way, progress, turns, sigma=strength[0], quality=strength[1], seed=noise_seed)


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
      sigma, quality, seed: as `deconvviz.tasks.enhancement.data.damaged_planes` takes them.
      progress: a bar on standard error.
      others: name -> another way to clean, of the same form as `run`.
    """
    rows = []
    for picture in tqdm(pictures, unit="picture", disable=not progress, dynamic_ncols=True):
        given = damaged_planes(picture, sigma, quality, seed)
        result, shown = run(given), np.clip(given, 0, 1)
        besides = (psnr(way(given), picture) for way in others.values())
        figures = psnr(given, picture), psnr(result, picture), ssim(shown, picture), ssim(result, picture)
        rows.append((*figures, *besides))
    names = ("psnr_input", "psnr", "ssim_input", "ssim", *(f"psnr_{name}" for name in others))
    return dict(zip(names, np.mean(rows, axis=0).tolist(), strict=True))


def measure(
    module: Enhancer, pictures: Sequence[np.ndarray], way: str, progress: bool, turns: int = TURNS, **damage: Any
) -> dict[str, Any]:
    """`before_and_after` of a network; "psnr_untrained", "images" and "seconds" besides."""
    started = time.perf_counter()
    figures = before_and_after(
        lambda given: cleaned(module, given, way, turns),
        pictures,
        progress=progress,
        others={"untrained": lambda given: np.clip(there_and_back(given)[1], 0, 1)},
        **damage,
    )
    return {**figures, "images": len(pictures), "seconds": round(time.perf_counter() - started, 3)}


def _strength(sigma: float | None, quality: int | None) -> tuple[float, int]:
    if sigma is None and quality is None:
        return 25.0, 0
    if sigma is not None and not 0 <= sigma <= 255:
        raise DeconvvizError(f"sigma is the standard deviation of the noise, 0 to 255; got {sigma}")
    if quality is not None and not 1 <= quality <= 100:
        raise DeconvvizError(f"quality is a whole number of JPEG's scale, 1 to 100; got {quality}")
    if not sigma and not quality:
        raise DeconvvizError("sigma is 0 and no quality is given: nothing would be damaged; name one of them")
    return sigma or 0.0, quality or 0
