"""The photographs, the blurs, and what the ways back make of a blurred and noisy picture."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from deconvviz.metrics import psnr
from deconvviz.ops import inverse
from lessons._kit.form.i18n import mark
from lessons._kit.run.pictures import small_grey

#: Height and width of the photographs, and of the part that is written out as a matrix.
#: 198 is a multiple of 9: eight columns of frequencies fit the motion's nine cells a whole number of times.
SIZE, PART = (198, 198), (10, 12)
PICTURES = {"camera": mark("Photographer"), "cat": mark("Cat"), "coins": mark("Coins")}
#: Name in the URL -> (name on screen, kernel); weights sum to 1.
KERNELS: dict[str, tuple[str, np.ndarray]] = {
    "motion": (mark("motion, 1 × 9"), np.full((1, 9), 1 / 9)),
    "box": (mark("box, 5 × 5"), np.full((5, 5), 1 / 25)),
    "gauss": (mark("Gauss, 7 × 7"), np.outer(*[np.array([1, 6, 15, 20, 15, 6, 1]) / 64] * 2)),
    "shift": (mark("shift by one"), np.array([[0.0, 0.0, 1.0]])),
}
#: Name in the URL -> standard deviation of the noise.
NOISE = {"0": 0.0, "0.1": 0.001, "1": 0.01, "5": 0.05}
STEPS = 20
#: What is measured against x.
METHODS = ("y", "adjoint", "divide", "wiener", "lucy")
#: A frequency counts as lost if A leaves less of it than float64 can tell from nothing.
ZERO = 1e-9
#: Powers of ten of a frequency's magnitude that are black and white in the picture of a spectrum.
BLACK, WHITE = -1.0, 3.0
#: Name in the URL -> the planes that are shown.
VIEWS = {
    "all": ("x", "y", "adjoint", "divide", "wiener", "lucy"),
    "blurred": ("x", "y"),
    "back": ("x", "y", "adjoint"),
    "gains": ("x", "y", "adjoint"),
    "lost": ("x", "y", "wiener"),
    "divide": ("x", "y", "divide"),
    "noise": ("y", "wiener", "lucy"),
    "layers": ("x", "y", "adjoint"),
}
#: Views that show the spectrum below each plane.
SPECTRA = ("all", "gains", "lost", "divide")


@dataclass(frozen=True)
class State:
    """What the person has chosen; noise in percent of white."""

    picture: str = "camera"
    kernel: str = "motion"
    noise: str = "1"
    view: str = "all"


def photograph(name: str) -> np.ndarray:
    """A photograph's middle square, grey: SIZE, from 0 to 1."""
    return small_grey(name, SIZE[0])


def kernel(state: State) -> np.ndarray:
    """The blur of a state."""
    return KERNELS[state.kernel][1]


def divided(y: np.ndarray, k: np.ndarray) -> np.ndarray:
    """Each frequency of y divided by K; those with K = 0 stay as they are, for there is nothing to divide by."""
    gains = inverse.response(k, y.shape)
    return np.real(np.fft.ifft2(np.fft.fft2(y) / np.where(np.abs(gains) < ZERO, 1, gains)))


def magnitudes(plane: np.ndarray) -> np.ndarray:
    """The size of each frequency, frequency 0 in the middle: 0 at 10 to the power of BLACK, 1 at that of WHITE."""
    sizes = np.abs(np.fft.fftshift(np.fft.fft2(plane)))
    return np.clip((np.log10(np.maximum(sizes, 10**BLACK)) - BLACK) / (WHITE - BLACK), 0, 1)


@lru_cache(maxsize=64)
def _compute(state: State) -> dict[str, np.ndarray]:
    x, k, noise = photograph(state.picture), kernel(state), NOISE[state.noise]
    y = inverse.blur(x, k) + noise * np.random.default_rng(0).standard_normal(SIZE)
    balance = max(noise**2 / float(np.mean(inverse.blur(x, inverse.LAPLACIAN) ** 2)), 1e-6)
    return {
        "x": x,
        "y": y,
        "adjoint": inverse.blur_adjoint(y, k),
        "divide": divided(y, k),
        "wiener": inverse.wiener(y, k, balance),
        "lucy": inverse.richardson_lucy(y, k, STEPS),
    }


def compute(state: State) -> dict[str, np.ndarray]:
    """Every plane of a state: x, the blurred and noisy y, and what four ways make of y."""
    return _compute(replace(state, view=State.view))


@lru_cache(maxsize=16)
def decibels(picture: str, kernel_name: str) -> dict[str, tuple[float, ...]]:
    """Way -> PSNR against x for each noise; capped at 99."""
    result: dict[str, list[float]] = {method: [] for method in METHODS}
    for noise in NOISE:
        planes = compute(State(picture, kernel_name, noise))
        for method, numbers in result.items():
            numbers.append(min(99.0, psnr(planes[method], planes["x"])))
    return {method: tuple(numbers) for method, numbers in result.items()}


def lost(state: State) -> np.ndarray:
    """Where A multiplies a frequency by 0, of SIZE, frequency 0 in the middle."""
    return np.fft.fftshift(np.abs(inverse.response(kernel(state), SIZE)) < ZERO)


def brought_back(state: State) -> dict[str, float]:
    """Way -> how much of the energy that A took (|K| < 0.1) it brings back."""
    planes, k = compute(state), kernel(state)
    return {
        method: inverse.lost_energy_back(planes[method], planes["x"], k) for method in ("adjoint", "wiener", "lucy")
    }
