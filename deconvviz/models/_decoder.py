"""Up-convolutional decoders: pure functions that turn a layer's values into the picture they come from.

Two 3x3 convolutions where the features live, then stages that enlarge until the picture is whole, leaky ReLU between.
Three upsamplers enlarge by a factor s, each a linear map that spreads a cell over 3 s x 3 s pixels at most:

- transposed: a transposed convolution, kernel 3 s, stride s, padding s.
- unpool: every value in the upper left corner of an s x s block of zeros, then a convolution of 2 s + 1 taps.
- resize: every value repeated over the block, then a convolution of 2 s + 1 taps.

All three are transposed convolutions with kernels of that size (`upsamplers.spread_kernel`), and are computed as one
3x3 convolution of the small map (`transposed_conv_blocks`): s^2 times fewer positions, no zeros.

Source: dosovitskiy2016inverting, shi2016realtime, odena2016deconvolution
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from deconvviz.errors import NetworkError
from deconvviz.models.upsamplers import interpolation, spread_kernel
from deconvviz.ops.upsample import transposed_conv_blocks

Upsampler = Literal["transposed", "unpool", "resize"]
UPSAMPLERS: tuple[Upsampler, ...] = ("transposed", "unpool", "resize")
Params = dict[str, jax.Array]

#: Rows of a map -> channels that a decoder works with there.
WIDTHS = {4: 96, 8: 80, 16: 64, 32: 48, 64: 32}
#: Rows and columns of the picture.
SIDE = 128
#: Shares of interpolation and of noise in the first kernels of a stage that enlarges; interpolation lessens spreads.
EVEN, ROUGH = 1.4, 0.5
#: Slope of the leaky ReLU below zero.
LEAK = 0.2
#: A channel that hardly varies is divided by this instead of its standard deviation.
LEAST_STD = 1e-3
#: The picture is CENTRE + SPREAD times what the last stage says: near the mean and spread of photographs.
CENTRE, SPREAD = 0.5, 0.25


class Stage(NamedTuple):
    """One linear map of a decoder: factor 1 is a 3x3 convolution, above it an upsampler."""

    factor: int
    channels_in: int
    channels_out: int


def stages(shape: tuple[int, ...]) -> tuple[Stage, ...]:
    """The stages for a layer of shape (h, w, c), in execution order.

    Raises:
      NetworkError: a layer without rows and columns, or of a size that no decoder is laid out for.

    >>> [stage.factor for stage in stages((8, 8, 160))]
    [1, 1, 2, 2, 4]
    """
    if len(shape) != 3 or shape[0] != shape[1] or shape[0] not in WIDTHS:
        sizes = ", ".join(f"{side} x {side}" for side in WIDTHS)
        raise NetworkError(f"a decoder begins with maps of {sizes}; this layer has the shape {shape}: choose another")
    side, depth = shape[0], shape[2]
    stages = [Stage(1, depth, WIDTHS[side]), Stage(1, WIDTHS[side], WIDTHS[side])]
    while SIDE // side > 4:
        stages.append(Stage(2, WIDTHS[side], WIDTHS[2 * side]))
        side *= 2
    return (*stages, Stage(SIDE // side, WIDTHS[side], 3))


def shapes(shape: tuple[int, ...], upsampler: Upsampler) -> dict[str, tuple[int, ...]]:
    """Name and shape of every array of the decoder of a layer of shape (h, w, c).

    >>> shapes((16, 16, 128), "resize")["stage3.kernel"]
    (5, 5, 64, 48)
    """
    arrays: dict[str, tuple[int, ...]] = {"mean": shape[-1:], "std": shape[-1:]}
    for number, (factor, depth, channels) in enumerate(stages(shape), start=1):
        arrays[f"stage{number}.kernel"] = (*(_taps(factor, upsampler),) * 2, depth, channels)
        arrays[f"stage{number}.bias"] = (channels,)
    return arrays


def initial(shape: tuple[int, ...], upsampler: Upsampler, seed: int, smooth: bool = False) -> Params:
    """First weights: normal, of the variance that keeps signals alike through leaky ReLUs; biases and mean 0, std 1.

    The last stage begins with a tenth of that: the first pictures are nearly grey, not noise. Where it is to be smooth,
    stages that enlarge begin near interpolation, whose blocks show no edges.

    Source: he2015delving, odena2016deconvolution
    """
    draw = np.random.default_rng([seed, 7])
    arrays: dict[str, np.ndarray] = {"mean": np.zeros(shape[-1]), "std": np.ones(shape[-1])}
    for number, (factor, depth, channels) in enumerate(stages(shape), start=1):
        taps = _taps(factor, upsampler)
        # A pixel of a stage that spreads values out is written by one in factor^2 of the taps; `resize` repeats them.
        inputs = depth * (taps / (1 if upsampler == "resize" else factor)) ** 2
        spread = np.sqrt(2 / (1 + LEAK**2) / inputs) * (0.1 if channels == 3 else 1.0)
        kernel = spread * draw.standard_normal((taps, taps, depth, channels))
        if smooth and factor > 1:
            # Interpolation of mixed channels, and noise for all but the last stage.
            mixed = np.sqrt(2 / (1 + LEAK**2) / depth) * draw.standard_normal((1, 1, depth, channels))
            even = interpolation(upsampler, factor, taps) * mixed
            kernel = 0.1 * even if channels == 3 else EVEN * even + ROUGH * kernel
        arrays[f"stage{number}.kernel"] = kernel
        arrays[f"stage{number}.bias"] = np.zeros(channels)
    return {name: jax.device_put(np.asarray(value, np.float32)) for name, value in arrays.items()}


def decode(params: Params, features: jax.Array, upsampler: Upsampler) -> jax.Array:
    """Pictures of a layer's values, before they are clipped to 0..1.

    Args:
      params: arrays named as in `shapes`; "mean" and "std" are the statistics of the features.
      features: (N, h, w, c), what the network says.
      upsampler: how maps are enlarged.

    Returns:
      (N, 128, 128, 3), around 0..1.
    """
    x = (features - params["mean"]) / jnp.maximum(params["std"], LEAST_STD)
    steps = stages(features.shape[1:])
    for number, (factor, _, _) in enumerate(steps, start=1):
        kernel, bias = params[f"stage{number}.kernel"], params[f"stage{number}.bias"]
        if factor > 1:
            spread = spread_kernel(kernel, factor, upsampler).transpose(0, 1, 3, 2)
            x = transposed_conv_blocks(x, spread, factor, factor) + bias
        else:
            x = lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")) + bias
        if number < len(steps):
            x = jnp.where(x > 0, x, LEAK * x)
    return CENTRE + SPREAD * x


def _taps(factor: int, upsampler: Upsampler) -> int:
    if factor == 1:
        return 3
    return 3 * factor if upsampler == "transposed" else 2 * factor + 1
