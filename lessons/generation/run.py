"""The autoencoder on a page: codes and pictures of a choice, sums by hand, the proofs' two sides."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from functools import partial

import jax.numpy as jnp
import numpy as np
import streamlit as st
from PIL import Image

import deconvviz as dv
from deconvviz import compiled
from deconvviz.data import samples
from deconvviz.ops.upsample import checkerboard_energy
from deconvviz.tasks.generation import codes as codes_of
from deconvviz.tasks.generation import data
from deconvviz.tasks.generation import model as models
from lessons._kit.photo import upload
from lessons._kit.run import networks, pictures, shipped

#: Pictures that go through a decoder at once: one program serves every view, and equal codes give equal pixels.
AT_ONCE = 12
#: Pictures on a strip, and standard deviations at its ends.
STEPS, FAR = 7, 3
#: Draws of the integral that the KL divergence is, and the seed of them.
DRAWS, DRAW_SEED = 4096, 0
#: Rows and columns of what the autoencoder sees.
SIDE = 64
CACHED = 48


@dataclass(frozen=True, eq=False)
class Coded:
    """A picture and its code.

    Attributes:
      square: (64, 64, 3) float32 in 0..1, as the encoder sees it.
      mean, log_variance: (latents,) float64.
      shape: columns / rows, at most 2.6 either way.
    """

    square: np.ndarray
    mean: np.ndarray
    log_variance: np.ndarray
    shape: float


@st.cache_resource(show_spinner=False)
def model() -> models.Model:
    """The shipped autoencoder."""
    networks.keep_compiled()
    return models.model()


@st.cache_resource(show_spinner=False)
def first_model() -> models.Model:
    """The same with its first weights."""
    return model().untrained()


def decode(codes: np.ndarray, decoder: str, trained: bool = True) -> np.ndarray:
    """(N, 64, 64, 3) pictures in 0..1 of (N, latents) codes, always by the same program."""
    result = []
    for start in range(0, len(codes), AT_ONCE):
        part = codes[start : start + AT_ONCE]
        padded = np.concatenate([part, np.zeros((AT_ONCE - len(part), codes.shape[1]))])
        of = model() if trained else first_model()
        made = compiled.once(("generation", decoder), partial(of.decode, padded, decoder))
        result.append(made[: len(part)])
    pictures = np.concatenate(result)
    return np.clip(pictures, 0, 1) if trained else pictures


def coded(square: np.ndarray, shape: float) -> Coded:
    """The code of a squeezed picture."""
    mean, log_variance = compiled.once(("generation", "encoder"), lambda: model().encode(square[None]))
    return Coded(square, mean[0], log_variance[0], min(2.6, max(1 / 2.6, shape)))


def photograph(picture: pictures.Picture) -> Coded:
    """The code of a photograph of the gallery or of one's own."""
    return _photograph(picture.digest, picture)


@st.cache_resource(show_spinner=False, max_entries=CACHED)
def _photograph(digest: str, _picture: pictures.Picture) -> Coded:
    pixels = upload.pixels(_picture)
    return coded(data.squeezed(pixels), pixels.shape[1] / pixels.shape[0])


def along(label: str, first: int, second: int) -> np.ndarray:
    """(latents,): so many standard deviations from the mean of a class along its two strongest directions."""
    codes = model().codes
    index = codes.index(label)
    deviations, vectors = codes.directions[index]
    result: np.ndarray = codes.means[index] + first * deviations[0] * vectors[0] + second * deviations[1] * vectors[1]
    return result


def walk(label: str, first: int, second: int, decoder: str) -> np.ndarray:
    """(1 + 7, 64, 64, 3): the picture at a place, and those along the first direction: as stored, else decoded."""
    name = walk_name(label, first, second, decoder)
    known = shipped.facts().get(name) if shipped.FILE.exists() else None
    if known == shipped.digest("generation"):
        return shipped.image(name)
    return compute_walk(label, first, second, decoder)


def compute_walk(label: str, first: int, second: int, decoder: str) -> np.ndarray:
    """`walk`, decoded."""
    codes = [along(label, first, second), *(along(label, step, second) for step in range(-FAR, FAR + 1))]
    return decode(np.stack(codes), decoder)


def walk_name(label: str, first: int, second: int, decoder: str) -> str:
    """What it is stored under."""
    return f"walk/{label}/{first},{second}/{decoder}"


def share_of_directions(label: str) -> tuple[float, float]:
    """How much of the variance of a class's codes its two strongest directions hold."""
    deviations, _ = model().codes.directions[model().codes.index(label)]
    shares = deviations**2 / (deviations**2).sum()
    return float(shares[0]), float(shares[1])


def drawn(label: str, seed: int) -> np.ndarray:
    """(12, latents) codes of a class."""
    return model().codes.draw(AT_ONCE, seed=seed, label=label)


@st.cache_resource(show_spinner=False, max_entries=CACHED)
def names(label: str, seed: int, decoder: str) -> list[tuple[str, float]]:
    """What the recognition network calls the drawn pictures."""
    return model().recognized_as(decode(drawn(label, seed), decoder), label)


@dataclass(frozen=True, eq=False)
class Nearest:
    """The photograph that is nearest to each of the drawn pictures, of those that were trained on.

    Attributes:
      pictures: (12, 64, 64, 3) float32 in 0..1, squeezed, compressed.
      distances: root mean square difference to each.
    """

    pictures: np.ndarray
    distances: list[float]


def nearest(label: str, seed: int, decoder: str) -> Nearest | None:
    """As stored; None where it is not: the photographs are no part of the package."""
    name = nearest_name(label, seed, decoder)
    known = shipped.facts().get(name) if shipped.FILE.exists() else None
    if known is None or known["digest"] != shipped.digest("generation"):
        return None
    with Image.open(io.BytesIO(shipped.arrays()[name].tobytes())) as file:
        row = np.asarray(file.convert("RGB"), np.float32) / 255
    return Nearest(np.stack(np.split(row, AT_ONCE, axis=1)), known["distances"])


def nearest_name(label: str, seed: int, decoder: str) -> str:
    """What they are stored under."""
    return f"nearest/{label}/{seed}/{decoder}"


def strip(one: Coded, other: Coded) -> np.ndarray:
    """(7, latents) codes on the straight line between two pictures."""
    return codes_of.between(one.mean, other.mean, STEPS)


def shape_of(label: str) -> float:
    """Columns / rows of a class."""
    return model().shapes[model().codes.index(label)]


def bound(coded: Coded, decoder: str) -> tuple[float, float]:
    """(log-likelihood at the code's mean, KL divergence) in nats."""
    result = decode(coded.mean[None], decoder)
    likelihood = model().log_likelihood(result, coded.square[None])[0]
    return float(likelihood), float(model().kl(coded.mean, coded.log_variance))


def kl_by_hand(coded: Coded) -> float:
    """The KL divergence added up number by number."""
    total = 0.0
    for mean, log_variance in zip(coded.mean.tolist(), coded.log_variance.tolist(), strict=True):
        total += 0.5 * (mean * mean + math.exp(log_variance) - 1.0 - log_variance)
    return total


def kl_by_draws(coded: Coded) -> tuple[float, float]:
    """(mean, its standard error) of log q(z) - log p(z) over codes drawn from q."""
    noise = np.random.default_rng(DRAW_SEED).standard_normal((DRAWS, len(coded.mean)))
    z = coded.mean + np.exp(0.5 * coded.log_variance) * noise
    values = 0.5 * (z**2 - noise**2 - coded.log_variance).sum(axis=1)
    return float(values.mean()), float(values.std(ddof=1) / math.sqrt(DRAWS))


def likelihood_by_hand(result: np.ndarray, wanted: np.ndarray, noise: float) -> float:
    """The logarithm of the density of a picture, added up row by row."""
    total = 0.0
    for mine, theirs in zip(result.astype(np.float64), wanted.astype(np.float64), strict=True):
        total -= float(((mine - theirs) ** 2).sum()) / (2 * noise**2) + mine.size * math.log(
            noise * math.sqrt(2 * math.pi)
        )
    return total


def first_layer(coded: Coded, decoder: str) -> tuple[np.ndarray, np.ndarray]:
    """What the first layer of a transposed decoder writes, and the adjoint of the convolution with its kernel."""
    net = model().net
    layer = net.decoders[decoder][0]
    small = net.smallest(jnp.asarray(coded.mean[None], jnp.float32))
    written = np.asarray(layer(small) - layer.bias[...])
    kernel = np.asarray(layer.kernel[...])
    taps, pad = kernel.shape[0], layer.padding
    rows, columns = (2 * n for n in small.shape[1:3])
    # The layer keeps twice the rows; where the transposed convolution writes more, its last ones are cut off.
    size = tuple(2 * (n - 1) + taps - 2 * pad for n in small.shape[1:3])
    geometry = dv.ConvGeometry(2, ((pad, pad), (pad, pad)))
    whole = np.asarray(dv.conv_adjoint(small, kernel, geometry, size))
    return written, whole[:, :rows, :columns]


def pattern(picture: np.ndarray) -> float:
    """Share of the energy of what varies in a picture that lies in a pattern of period 2."""
    varying = picture - picture.mean(axis=(0, 1))
    return checkerboard_energy(varying[None], 2)


def gallery(id: str) -> pictures.Picture:
    """A picture of the gallery; the first one if there is none of that name."""
    return pictures.sample(id if id in samples.SAMPLES else next(iter(samples.SAMPLES)))
