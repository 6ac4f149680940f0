"""Ways to enlarge a map of ones, with many random kernels at once: one output channel a seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from deconvviz.ops import ConvGeometry, conv, max_pool, max_unpool
from deconvviz.ops.upsample import checkerboard_energy, icnr, pixel_shuffle, resize_conv, transposed_conv
from lessons._kit.form.i18n import mark
from lessons._kit.run import networks, pictures

#: Kernels that are drawn, and rows and columns of the map that is enlarged.
SEEDS, SIZE = 12, 8
#: Rows and columns of the photograph.
PHOTO = 64
#: Name in the URL -> (name on screen, how a kernel of a shape is drawn).
WEIGHTS: dict[str, tuple[str, Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]]] = {
    "ones": (mark("all equal"), lambda _random, shape: np.ones(shape)),
    "positive": (mark("random, positive"), lambda random, shape: random.uniform(0.5, 1.5, shape)),
    "random": (mark("random, either sign"), lambda random, shape: random.standard_normal(shape)),
}
Draw = Callable[[int], np.ndarray]


def transposed(x: np.ndarray, draw: Draw, k: int, s: int) -> np.ndarray:
    """Transposed convolution: every cell of x lays down a kernel."""
    return np.asarray(transposed_conv(x, draw(SEEDS).transpose(0, 1, 3, 2), s))


def resized(x: np.ndarray, draw: Draw, k: int, s: int) -> np.ndarray:
    """Resize to the nearest neighbour, then convolve."""
    return np.asarray(resize_conv(x, draw(SEEDS), s))


def subpixel(x: np.ndarray, draw: Draw, k: int, s: int) -> np.ndarray:
    """Convolve to s² channels, then rearrange each cell's channels to a block."""
    return np.asarray(pixel_shuffle(conv(x, draw(SEEDS * s * s), ConvGeometry(padding="SAME")), s))


def subpixel_icnr(x: np.ndarray, draw: Draw, k: int, s: int) -> np.ndarray:
    """The same, from the ICNR start: one kernel for every place in the block."""
    return np.asarray(pixel_shuffle(conv(x, icnr(draw(SEEDS), s), ConvGeometry(padding="SAME")), s))


def unpooled(x: np.ndarray, draw: Draw, k: int, s: int) -> np.ndarray:
    """Unpool to the switches of a random picture, then convolve."""
    rows, columns = (n * s for n in x.shape[1:3])
    picture = np.random.default_rng(5).standard_normal((1, rows, columns, 1)).astype(np.float32)
    placed = max_unpool(x, max_pool(picture, s)[1], (rows, columns))
    return np.asarray(conv(placed, draw(SEEDS), ConvGeometry(padding="SAME")))


#: Way -> (name on screen, function).
UPSAMPLERS = {
    "transposed": (mark("transposed convolution"), transposed),
    "resize": (mark("resize, then convolve"), resized),
    "subpixel": (mark("sub-pixel"), subpixel),
    "icnr": (mark("sub-pixel, ICNR start"), subpixel_icnr),
    "unpool": (mark("unpool, then convolve"), unpooled),
}


@dataclass(frozen=True, eq=False)
class Made:
    """What a way made of ones.

    Attributes:
      inside: (rows, columns) away from the border, of the first seed.
      energy: for each seed the share of energy at the multiples of 1/s.
    """

    inside: np.ndarray
    energy: tuple[float, ...]


def _enlarged(x: np.ndarray, way: str, weights: str, k: int, s: int) -> np.ndarray:
    """(1, rows, columns, SEEDS); every way draws its kernels from the same seeds."""
    networks.keep_compiled()
    random = np.random.default_rng((k, s))

    def draw(outputs: int) -> np.ndarray:
        return WEIGHTS[weights][1](random, (k, k, 1, outputs)).astype(np.float32)

    return UPSAMPLERS[way][1](x, draw, k, s)


def photograph() -> np.ndarray:
    """A small grey photograph, (PHOTO, PHOTO) from 0 to 1."""
    return pictures.small_grey("cat", PHOTO)


@lru_cache(maxsize=64)
def enlarged(way: str, weights: str, k: int, s: int) -> np.ndarray:
    """The photograph enlarged s times with the first kernel, without the border, with the old mean and spread."""
    x = photograph()
    y = _enlarged(x[None, :, :, None].astype(np.float32), way, weights, k, s)[0, :, :, 0]
    inside = y[k : s * PHOTO - k, k : s * PHOTO - k]
    spread = float(inside.std()) or 1.0
    return np.clip((inside - inside.mean()) / spread * x.std() + x.mean(), 0, 1)


@lru_cache(maxsize=256)
def make(way: str, weights: str, k: int, s: int) -> Made:
    """Enlarge a map of ones s times with kernels of k × k; every way draws its kernels from the same seeds."""
    y = _enlarged(np.ones((1, SIZE, SIZE, 1), np.float32), way, weights, k, s)
    margin = s * (-(-k // s))
    end = margin + (y.shape[1] - 2 * margin) // s * s
    inside = y[:, margin:end, margin:end]
    return Made(inside[0, :, :, 0], tuple(checkerboard_energy(inside[..., [i]], s) for i in range(SEEDS)))
