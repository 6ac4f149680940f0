"""Networks that compute on the small picture, where the last layer alone makes it large.

`FSRCNN` is the paper's; `Residual` is wider, and answers what must be added to bicubic interpolation.

Source: dong2016accelerating, kim2016accurate, lim2017enhanced
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from deconvviz.errors import DataError
from deconvviz.models.upsamplers import UPSAMPLERS, Upsample, interpolation
from deconvviz.ops.resize import resize_matrix

#: Channels of the features (d), of the mapping (s), and how many 3x3 layers map (m) in FSRCNN.
FEATURES, NARROW, DEPTH = 56, 12, 4
#: Channels, and blocks of two 3x3 layers each where nothing else is said, in `Residual`.
WIDTH, BLOCKS = 32, 3
SCALES = (2, 3, 4)
#: Taps of the last layer; a sub-pixel convolution of 3 x 3 at scale 3 has as many weights.
TAPS = 9
#: Rows and columns of the small picture that the last layer sees on each side, at most.
_LAST_RADIUS = 2
#: Its name in the module.
LAST = "enlarge"


class PReLU(nnx.Module):
    """A rectifier that lets a learned share of the negative through, one for each channel.

    Formula: ``y = x`` where x >= 0, else ``a_c x``.

    >>> PReLU(2)(jnp.array([[4.0, -4.0]])).tolist()
    [[4.0, -1.0]]
    """

    def __init__(self, channels: int) -> None:
        self.share = nnx.Param(jnp.full(channels, 0.25))

    def __call__(self, x: jax.Array) -> jax.Array:
        return jnp.where(x >= 0, x, self.share[...] * x)


class FSRCNN(nnx.Module):
    """(N, h, w, 1) brightness -> (N, s h, s w, 1).

    Args:
      scale: s, one of `SCALES`.
      upsampler: the last layer, one of `deconvviz.models.upsamplers.UPSAMPLERS`; the paper's is "transposed".
      rngs: where the first weights are drawn.

    Source: dong2016accelerating

    >>> FSRCNN(3, rngs=nnx.Rngs(0))(jnp.ones((1, 4, 5, 1))).shape
    (1, 12, 15, 1)
    """

    BODY = ("extract", "shrink", "map", "expand", "rectify")

    def __init__(self, scale: int, upsampler: str = "transposed", *, rngs: nnx.Rngs) -> None:
        he = nnx.initializers.he_normal()
        self.extract = nnx.Conv(1, FEATURES, (5, 5), kernel_init=he, rngs=rngs)
        self.shrink = nnx.Linear(FEATURES, NARROW, kernel_init=he, rngs=rngs)
        self.map = nnx.List([nnx.Conv(NARROW, NARROW, (3, 3), kernel_init=he, rngs=rngs) for _ in range(DEPTH)])
        self.expand = nnx.Linear(NARROW, FEATURES, kernel_init=he, rngs=rngs)
        self.rectify = nnx.List([PReLU(n) for n in (FEATURES, *(NARROW,) * (DEPTH + 1), FEATURES)])
        taps = 3 if upsampler == "subpixel" else TAPS
        setattr(self, LAST, Upsample(upsampler, FEATURES, 1, scale, taps, scale=0.02, rngs=rngs))

    def __call__(self, x: jax.Array) -> jax.Array:
        return getattr(self, LAST)(self.features(x))

    @property
    def radius(self) -> int:
        """Rows and columns of the small picture that a pixel sees on each side, at most."""
        return 2 + DEPTH + _LAST_RADIUS

    def features(self, x: jax.Array) -> jax.Array:
        """(N, h, w, 1) -> (N, h, w, 56): what the last layer sees."""
        layers = (self.extract, self.shrink, *self.map, self.expand)
        for layer, rectify in zip(layers, self.rectify, strict=True):
            x = rectify(layer(x))
        return x


class Residual(nnx.Module):
    """(N, h, w, 1) brightness -> (N, s h, s w, 1): bicubic interpolation and what the network adds to it.

    Blocks of two 3x3 layers, each added to what went in; no normalization.

    Formula: ``y = bicubic(x) + U(f(x))``, f the features, U the last layer.

    Args:
      scale: s, one of `SCALES`.
      upsampler: the last layer, one of `deconvviz.models.upsamplers.UPSAMPLERS`.
      blocks: how many.
      rngs: where the first weights are drawn.

    Source: kim2016accurate, lim2017enhanced

    >>> Residual(3, rngs=nnx.Rngs(0))(jnp.ones((1, 4, 5, 1))).shape
    (1, 12, 15, 1)
    """

    BODY = ("extract", "layers", "rectify")

    def __init__(self, scale: int, upsampler: str = "transposed", blocks: int = BLOCKS, *, rngs: nnx.Rngs) -> None:
        he, small = nnx.initializers.he_normal(), nnx.initializers.variance_scaling(0.1, "fan_in", "truncated_normal")
        self.scale = scale
        self.extract = nnx.Conv(1, WIDTH, (3, 3), kernel_init=he, rngs=rngs)
        self.layers = nnx.List([
            nnx.Conv(WIDTH, WIDTH, (3, 3), kernel_init=kind, rngs=rngs) for _ in range(blocks) for kind in (he, small)
        ])  # fmt: skip
        self.rectify = nnx.List([PReLU(WIDTH) for _ in range(blocks)])
        taps = 3 if upsampler == "subpixel" else TAPS
        setattr(self, LAST, Upsample(upsampler, WIDTH, 1, scale, taps, scale=0.02, rngs=rngs))

    def __call__(self, x: jax.Array) -> jax.Array:
        rows, columns = (jnp.asarray(resize_matrix(n, self.scale * n), x.dtype) for n in x.shape[1:3])
        bicubic = jnp.einsum("ah,nhwc,bw->nabc", rows, x, columns)
        return bicubic + getattr(self, LAST)(self.features(x))

    @property
    def radius(self) -> int:
        """Rows and columns of the small picture that a pixel sees on each side, at most."""
        return 1 + len(self.layers) + _LAST_RADIUS

    def features(self, x: jax.Array) -> jax.Array:
        """(N, h, w, 1) -> (N, h, w, 32): what the last layer sees."""
        extracted = x = self.extract(x - 0.5)
        for one, rectify, other in zip(self.layers[::2], self.rectify, self.layers[1::2], strict=True):
            x = x + other(rectify(one(x)))
        return x + extracted


Network = FSRCNN | Residual
NETWORKS: dict[str, type[FSRCNN] | type[Residual]] = {"fsrcnn": FSRCNN, "residual": Residual}


def make(options: Mapping[str, Any]) -> Network:
    """The module of a variant's "options"; FSRCNN where they name no network.

    >>> make({"scale": 2, "upsampler": "resize"})(jnp.ones((1, 3, 4, 1))).shape
    (1, 6, 8, 1)
    """
    kind = NETWORKS[str(options.get("network", "fsrcnn"))]
    more = {"blocks": int(options["blocks"])} if "blocks" in options else {}
    return kind(int(options["scale"]), str(options["upsampler"]), **more, rngs=nnx.Rngs(int(options.get("seed", 0))))


def begin(module: Network) -> None:
    """First weights with which training starts where interpolation ends.

    In FSRCNN one channel of the random ones is replaced: it hands the picture on from layer to layer, and the last
    layer enlarges it linearly. `Residual` interpolates already.
    """
    if isinstance(module, Residual):
        return
    upsample = getattr(module, LAST)
    layers: list[Any] = [module.extract, module.shrink, *module.map, module.expand]
    for layer in layers:
        kernel = np.array(layer.kernel[...])
        kernel[..., 0] = 0
        kernel[*(n // 2 for n in kernel.shape[:-2]), 0, 0] = 1
        layer.kernel[...] = jnp.asarray(kernel)
    kernel = np.array(upsample.kernel[...]) / 2
    linear = interpolation(upsample.kind, upsample.factor, kernel.shape[0])
    if upsample.kind == "transposed":
        kernel[:, :, :, 0] = linear[..., 0]
    else:
        kernel[:, :, 0] = linear[:, :, 0]
    upsample.kernel[...] = jnp.asarray(kernel)


def weights(scale: int, upsampler: str = "transposed", network: str = "fsrcnn", **more: Any) -> dict[str, int]:
    """Numbers that are learned: "kernels", "biases", "shares" of the rectifiers.

    >>> weights(3)
    {'kernels': 12464, 'biases': 173, 'shares': 172}
    """
    result = {"kernels": 0, "biases": 0, "shares": 0}
    options = {"scale": scale, "upsampler": upsampler, "network": network, **more}
    module = nnx.eval_shape(lambda: make(options))
    for path, variable in nnx.to_flat_state(nnx.state(module, nnx.Param)):
        kind = {"kernel": "kernels", "bias": "biases", "share": "shares"}[str(path[-1])]
        result[kind] += int(variable.size)
    return result


def checked_scale(scale: Any) -> int:
    """A scale that was trained.

    Raises:
      DataError: another one.

    >>> checked_scale("3")
    3
    """
    try:
        number = int(scale)
    except (TypeError, ValueError):
        number = 0
    if number not in SCALES or str(scale) not in (str(number), f"{number}.0"):
        raise DataError(f"pictures are enlarged 2, 3 or 4 times; got scale={scale!r}: choose one of these")
    return number


__all__ = [
    "BLOCKS", "FSRCNN", "LAST", "NETWORKS", "SCALES", "TAPS", "UPSAMPLERS", "Network", "PReLU", "Residual", "begin",
    "checked_scale", "make", "weights",
]  # fmt: skip
