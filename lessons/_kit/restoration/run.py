"""Super-resolution on a page: a photograph made small and enlarged again, its figures, its finest waves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from deconvviz.data.colour import brightness, from_ycbcr, is_grey, to_ycbcr
from deconvviz.ops.resize import resize_matrix
from deconvviz.tasks.super_resolution import data, evaluate, predict
from lessons._kit.photo import upload
from lessons._kit.run import networks, pictures

#: Pixels of the longer side of a photograph that is made small first, and of one that is enlarged as it is.
LONGER, AS_IT_IS = 480, 240
#: Photographs that are kept: about 12 MB each.
CACHED = 8
#: Side of the window that is looked at closely, in pixels of the large picture.
WINDOW = 48


@dataclass(frozen=True, eq=False)
class Enlarged:
    """A photograph, small and large.

    Attributes:
      scale: s.
      variant: whose weights.
      small: (h, w, 3), what was enlarged.
      truth: (H, W, 3); None where nobody knows it.
      bicubic: (H, W, 3).
      network: (H, W, 3).
      planes: brightness: "small" (h, w), "bicubic", "network" and, where known, "truth" (H, W); in whole steps.
      figures: "bicubic" and "network" -> "psnr", "ssim" by the protocol; empty where the truth is not known.
    """

    scale: int
    variant: str
    small: np.ndarray
    truth: np.ndarray | None
    bicubic: np.ndarray
    network: np.ndarray
    planes: dict[str, np.ndarray]
    figures: dict[str, dict[str, float]]


def shown(picture: pictures.Picture, scale: int, known: bool, variant: str | None = None) -> Enlarged:
    """The photograph made small and enlarged again (`known`), or enlarged as it is."""
    name, _ = predict.load(scale, variant=variant)
    return _shown(picture.digest, scale, known, name, picture)


def pixels(picture: pictures.Picture, known: bool) -> np.ndarray:
    """(H, W, 3): the photograph as it is made small, or enlarged as it is."""
    return upload.pixels(picture, LONGER if known else AS_IT_IS)


@st.cache_resource(show_spinner=False, max_entries=CACHED)
def _shown(digest: str, scale: int, known: bool, variant: str, _picture: pictures.Picture) -> Enlarged:
    networks.keep_compiled()
    photograph = pixels(_picture, known)
    _, module = predict.load(scale, variant=variant)
    return enlarged(photograph, scale, known, module, variant)


def enlarged(
    photograph: np.ndarray, scale: int, known: bool, module: Any, variant: str, plane: np.ndarray | None = None
) -> Enlarged:
    """What `shown` keeps, of a photograph (H, W, 3); `plane` is the network's brightness (H, W), where it is known."""
    grey = is_grey(photograph)
    colours = to_ycbcr(photograph)
    if known:
        small, truth = data.pair(brightness(photograph), scale)
        height, width = truth.shape
        chroma = [_sized(colours[:height, :width, c], small.shape) for c in (1, 2)]
        original = np.asarray(photograph[:height, :width])
    else:
        small, original = (photograph[..., 0] if grey else colours[..., 0]).astype(np.float64), None
        chroma = [colours[..., c] for c in (1, 2)]
        truth = np.zeros((0, 0))
    plane = predict.enlarge(small, scale, module) if plane is None else plane
    enlargements = {"bicubic": data.bicubic(small, scale), "network": plane}
    large = [data.bicubic(plane, scale) for plane in chroma]
    pictures = {name: _coloured(plane, large, grey) for name, plane in enlargements.items()}
    planes = {"small": small, **{name: _steps(plane) for name, plane in enlargements.items()}}
    figures = {}
    if known:
        planes["truth"] = truth
        figures = {name: evaluate.figures(plane, truth, scale) for name, plane in enlargements.items()}
    return Enlarged(
        scale, variant, _coloured(small, chroma, grey), original, pictures["bicubic"], pictures["network"], planes,
        figures,
    )  # fmt: skip


def _sized(plane: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    rows, columns = plane.shape
    return np.asarray(resize_matrix(rows, size[0]) @ plane @ resize_matrix(columns, size[1]).T)


def _coloured(bright: np.ndarray, chroma: list[np.ndarray], grey: bool) -> np.ndarray:
    if grey:
        return np.repeat(np.clip(bright, 0, 1)[..., None], 3, axis=-1).astype(np.float32)
    return from_ycbcr(np.stack([bright, *chroma], axis=-1))


def _steps(plane: np.ndarray) -> np.ndarray:
    return np.rint(255 * np.clip(plane, 0, 1)) / 255


def window(result: Enlarged, which: str) -> tuple[int, int]:
    """(top, left) of the window that is looked at: "gain" or "loss" (most, against bicubic), "middle".

    Without the truth "gain" is where network and bicubic differ most, "loss" where they differ least.
    """
    network, other = result.planes["network"], result.planes["bicubic"]
    rows, columns = network.shape
    side = min(WINDOW, rows, columns)
    if which == "middle":
        return (rows - side) // 2, (columns - side) // 2
    truth = result.planes.get("truth")
    won = (other - network) ** 2 if truth is None else (other - truth) ** 2 - (network - truth) ** 2
    total = np.pad(won, ((1, 0), (1, 0))).cumsum(0).cumsum(1)
    sums = total[side:, side:] - total[:-side, side:] - total[side:, :-side] + total[:-side, :-side]
    place = np.argmax(sums) if which == "gain" else np.argmin(sums)
    top, left = np.unravel_index(int(place), sums.shape)
    return int(top), int(left)


@dataclass(frozen=True)
class Waves:
    """What a way holds of the waves that are too fine for the small picture.

    Attributes:
      energy: of the way, as a share of the truth's.
      right: 1 minus the squared distance to the truth's fine waves, as a share of their energy: 1 all right, 0 as
        good as none, below 0 worse than none.
    """

    energy: float
    right: float


def fine(plane: np.ndarray, scale: int) -> np.ndarray:
    """Fourier coefficients beyond the small picture's Nyquist frequency, 1/(2 s) a pixel along rows or columns.

    The plane's rows and columns are multiples of s; the mirrored plane is transformed, so that no border is a jump.
    """
    mirrored = np.block([[plane, plane[:, ::-1]], [plane[::-1], plane[::-1, ::-1]]])
    coefficients = np.fft.fft2(mirrored, norm="ortho")
    rows, columns = (np.abs(np.fft.fftfreq(n)) for n in mirrored.shape)
    return np.asarray(coefficients[(rows[:, None] > 0.5 / scale) | (columns[None] > 0.5 / scale)])


def waves(result: Enlarged) -> dict[str, Waves]:
    """Fine waves of "adjoint", "bicubic" and "network" against the truth; {} where it is not known."""
    truth = result.planes.get("truth")
    if truth is None:
        return {}
    target = fine(truth, result.scale)
    whole = float((np.abs(target) ** 2).sum()) or 1.0
    by_method = {"adjoint": adjoint(result), "bicubic": result.planes["bicubic"], "network": result.planes["network"]}
    answer = {}
    for name, plane in by_method.items():
        coefficients = fine(plane, result.scale)
        energy, missed = (float((np.abs(part) ** 2).sum()) for part in (coefficients, coefficients - target))
        answer[name] = Waves(energy / whole, 1 - missed / whole)
    return answer


def adjoint(result: Enlarged) -> np.ndarray:
    """The small brightness sent back by the adjoint of the shrinking, times s^2, so that grey stays as bright."""
    small, scale = result.planes["small"], result.scale
    rows, columns = (resize_matrix(scale * n, n) for n in small.shape)
    return np.asarray(scale**2 * rows.T @ small @ columns)
