"""One network with four last layers, on a page: overlap, what an even picture becomes, a photograph, scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
import streamlit as st
from flax import nnx

from deconvviz.models.upsamplers import Upsample
from deconvviz.ops import ConvGeometry, conv
from deconvviz.ops.upsample import checkerboard_energy, pixel_shuffle, resize_nearest, transposed_conv
from deconvviz.tasks.super_resolution import UPSAMPLERS, evaluate, predict
from lessons._kit.restoration import run
from lessons._kit.run import networks, pictures, shipped

SCALE = 3
KINDS = UPSAMPLERS
#: Cells along an axis of the map of ones whose overlap is counted.
CELLS = 6


def variant(kind: str) -> str:
    """The name of a trained network of the swap."""
    return f"swap-{kind}"


@dataclass(frozen=True, eq=False)
class Flat:
    """What a network makes of an even grey picture, away from the border.

    Attributes:
      answer: (n, n) brightness.
      ripple: its standard deviation, in steps of 255.
      energy: share of its energy at the multiples of 1/3, `deconvviz.ops.upsample.checkerboard_energy`.
    """

    answer: np.ndarray
    ripple: float
    energy: float


def module(kind: str, trained: bool) -> Any:
    """The network with that last layer, trained or with random weights."""
    return predict.load(SCALE, variant=variant(kind))[1] if trained else predict.untrained(variant(kind))


@st.cache_resource(show_spinner=False, max_entries=16)
def flat(kind: str, trained: bool) -> Flat:
    """What it makes of an even grey picture."""
    networks.keep_compiled()
    answer = evaluate.flat_answer(module(kind, trained), SCALE)
    return Flat(answer, float(255 * answer.std()), checkerboard_energy(answer[None, :, :, None], SCALE))


@st.cache_resource(show_spinner=False, max_entries=64)
def counts(kind: str, taps: int) -> np.ndarray:
    """(3, 3) how many products a pixel is the sum of, at each place of a block away from the border.

    Measured: the layer with a kernel of ones on a map of ones.
    """
    layer = Upsample(kind, 1, 1, SCALE, 3 if kind == "subpixel" else taps, rngs=nnx.Rngs(0))
    layer.kernel[...] = jnp.ones_like(layer.kernel[...])
    result = np.asarray(layer(jnp.ones((1, CELLS + 2, CELLS + 2, 1))))[0, :, :, 0]
    start = SCALE * (CELLS // 2)
    return np.rint(result[start : start + SCALE, start : start + SCALE]).astype(int)


def long_way(kind: str, features: np.ndarray, layer: Any) -> np.ndarray:
    """The layer by its definition: the large map is made, then the kernel laid over it."""
    kernel, s = np.asarray(layer.kernel[...]), layer.factor
    if kind == "transposed":
        whole = np.pad(np.asarray(transposed_conv(features, kernel, s)), [(0, 0), (0, s), (0, s), (0, 0)])
        p, (rows, columns) = layer.padding, (s * n for n in features.shape[1:3])
        return np.asarray(whole[:, p : p + rows, p : p + columns])
    same = ConvGeometry(padding="SAME")
    if kind == "subpixel":
        return np.asarray(pixel_shuffle(conv(features, kernel, same), s))
    large = np.array(resize_nearest(features, s))
    if kind == "unpool":
        keep = np.zeros_like(large)
        keep[:, ::s, ::s] = 1
        large = large * keep
    return np.asarray(conv(large, kernel, same))


def as_subpixel(kernel: np.ndarray) -> np.ndarray:
    """A transposed convolution's kernel (9, 9, 1, C) at stride 3 as the kernel (3, 3, C, 9) of a sub-pixel layer.

    Tap ``a + 6 - 3 t`` meets the cell t - 1 away at place a of the block.
    """
    taps = np.arange(SCALE)[:, None] + 6 - SCALE * np.arange(3)
    result = kernel[taps[:, None, :, None], taps[None, :, None, :], 0]
    return np.asarray(result.transpose(2, 3, 4, 0, 1)).reshape(3, 3, kernel.shape[3], SCALE**2)


@st.cache_resource(show_spinner=False, max_entries=2)
def same_layer_error() -> float:
    """Relative difference between the trained transposed convolution and a sub-pixel layer with its weights."""
    layer = module("transposed", True).enlarge
    kernel = np.asarray(layer.kernel[...])
    features = np.random.default_rng(4).standard_normal((1, 5, 8, kernel.shape[3])).astype(np.float32)
    other = Upsample("subpixel", kernel.shape[3], 1, SCALE, 3, rngs=nnx.Rngs(0))
    other.kernel[...], other.bias[...] = jnp.asarray(as_subpixel(kernel)), layer.bias[...]
    one, two = np.asarray(layer(features)), np.asarray(other(jnp.asarray(features)))
    return float(np.abs(one - two).max() / np.abs(one).max())


@st.cache_resource(show_spinner=False, max_entries=8)
def short_way_error(kind: str) -> float:
    """Relative difference between a trained last layer as it runs and by its definition, on random features."""
    layer = module(kind, True).enlarge
    features = np.random.default_rng(3).standard_normal((1, 6, 7, layer.kernel[...].size // 81)).astype(np.float32)
    if kind == "subpixel":
        features = features[..., : layer.kernel[...].shape[2]]
    slow = long_way(kind, features, layer) + np.asarray(layer.bias[...])
    return float(np.abs(np.asarray(layer(features)) - slow).max() / np.abs(slow).max())


def repeats(kind: str, trained: bool) -> float:
    """Largest difference between the answer to an even picture and its first block of 3 x 3, repeated."""
    answer = flat(kind, trained).answer
    block = answer[:SCALE, :SCALE]
    tiled = np.tile(block, [n // SCALE for n in answer.shape])
    return float(np.abs(answer - tiled).max() / max(1e-9, np.abs(answer).max()))


def energy_by_hand(kind: str, trained: bool) -> float:
    """Difference between the energy in the waves and variance over mean square: the same for a repeated block."""
    result = flat(kind, trained)
    return abs(result.energy - float(result.answer.var() / (result.answer**2).mean()))


def enlarged(picture: pictures.Picture, kind: str) -> run.Enlarged:
    """The photograph made small and enlarged by that network: as stored, where it is, else computed."""
    return stored(picture, kind) or run.shown(picture, SCALE, True, variant(kind))


def stored(picture: pictures.Picture, kind: str) -> run.Enlarged | None:
    """The same from what comes with the package, to a whole step of brightness; None where that is of others."""
    name = f"{variant(kind)}/{picture.id}"
    known = shipped.facts().get(name) if picture.id and shipped.FILE.exists() else None
    return _stored(picture, kind, name) if known == shipped.digest("super_resolution") else None


@st.cache_resource(show_spinner=False, max_entries=len(KINDS), hash_funcs={pictures.Picture: lambda one: one.digest})
def _stored(picture: pictures.Picture, kind: str, name: str) -> run.Enlarged:
    plane = shipped.arrays()[name].astype(np.float64) / 255
    return run.enlarged(run.pixels(picture, True), SCALE, True, None, variant(kind), plane)


def weights(kind: str) -> int:
    """Numbers of the last layer without its bias."""
    return int(module(kind, True).enlarge.kernel[...].size)
