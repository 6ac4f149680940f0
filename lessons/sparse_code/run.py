"""A photograph, and what the kernels of the shipped network's first layer make of it: at once, and by a search."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from deconvviz.data import preprocess, samples
from deconvviz.metrics import relative_error
from deconvviz.models import caltech
from deconvviz.ops import ConvGeometry, LinearMap, conv_map
from deconvviz.ops.sparse import SparseCode, sparse_codes
from lessons._kit.form.i18n import mark
from lessons._kit.run import cache

#: Rows and columns of the photographs.
SIZE = (64, 64)
PICTURES = {"cat": mark("Cat"), "coffee": mark("Coffee"), "astronaut": mark("Astronaut")}
#: Name in the URL: what a unit of a code's absolute values costs; and after how many steps the code is shown.
WEIGHTS, STEPS = ("0.05", "0.2", "0.5"), (1, 10, 100, 400)

#: How the first layer's kernels slide.
STRIDE = caltech.CHAIN[0].stride
PADDING = (caltech.CHAIN[0].kernel - STRIDE) // 2


@dataclass(frozen=True)
class State:
    """What the person has chosen."""

    image: str = "cat"
    weight: str = WEIGHTS[0]
    steps: str = str(STEPS[-1])


@lru_cache(maxsize=1)
def kernel() -> np.ndarray:
    """The first layer's kernels, (6, 6, 3, 32)."""
    return np.asarray(caltech.load_params()["conv1.kernel"])


@lru_cache(maxsize=1)
def stamps() -> LinearMap:
    """From codes (1, 32, 32, 32) to pictures (1, 64, 64, 3): the transposed convolution of the first layer."""
    return conv_map(kernel(), ConvGeometry(stride=STRIDE, padding=PADDING), SIZE).transpose


@lru_cache(maxsize=len(PICTURES))
def model_input(image: str) -> np.ndarray:
    """(1, 64, 64, 3): as the network is fed it."""
    spec = replace(caltech.INPUT, size=SIZE)
    return preprocess.model_input(preprocess.fit_image(samples.load(image), spec), spec)


def colour(image: str) -> np.ndarray:
    """Its mean colour, (1, 1, 1, 3)."""
    return model_input(image).mean(axis=(1, 2), keepdims=True)


def photograph(image: str) -> np.ndarray:
    """(1, 64, 64, 3): less its mean colour, which is no matter of edges."""
    return model_input(image) - colour(image)


def displayed(picture: np.ndarray, image: str) -> np.ndarray:
    """(64, 64, 3), 0..1: with the mean colour put back."""
    return preprocess.display((picture + colour(image)).astype(np.float32), replace(caltech.INPUT, size=SIZE))


def missing(picture: np.ndarray, image: str) -> float:
    """Length of the difference from the photograph over that of the photograph, mean colour apart."""
    return relative_error(picture, photograph(image))


@lru_cache(maxsize=len(PICTURES))
def responses(image: str) -> np.ndarray:
    """What the kernels answer, (1, 32, 32, 32): the convolution, without bias and rectifier."""
    return np.asarray(stamps().transpose(photograph(image)))


@lru_cache(maxsize=len(PICTURES))
def once(image: str) -> np.ndarray:
    """The responses sent back by one transposed convolution, at the scale that is nearest to the photograph."""
    picture, y = np.asarray(stamps()(responses(image))), photograph(image)
    return picture * float((picture * y).sum() / (picture**2).sum())


@cache.last(2 * len(WEIGHTS))
def codes(image: str, weight: str) -> tuple[SparseCode, ...]:
    """The codes after each number of `STEPS`."""
    return sparse_codes(stamps(), photograph(image), float(weight), STEPS)


def code(state: State) -> SparseCode:
    """The code of a state."""
    return codes(state.image, state.weight)[STEPS.index(int(state.steps))]


def stamped(state: State) -> np.ndarray:
    """What its stamps add up to, (1, 64, 64, 3)."""
    return np.asarray(stamps()(code(state).code))
