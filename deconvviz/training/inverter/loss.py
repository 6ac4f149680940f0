"""What an inverter is trained to make small: the error in pixels, and what networks and eyes miss in a blurred answer.

Squared error alone is smallest for the mean of all pictures with the same values, and that is blurred and pale. Beside
it stand, each with its weight in `Blend`, and of half of each batch alone, which halves what they cost:

- compared: squared distance in layers of the network itself, each channel by its variance.
- strokes: the same in the first layers of a second network (`models.planted`, trained to tell 3 from 8 on photographs).
- chroma: how strong colour differences are within a window, ``mean (sqrt(mean_w a^2 + c) - sqrt(mean_w b^2 + c))^2``:
  colours are to stay as strong as those of the picture.

Source: dosovitskiy2016generating, johnson2016perceptual
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from deconvviz.errors import NetworkError, nearest
from deconvviz.models import caltech, planted, watermark
from deconvviz.models._decoder import LEAST_STD
from deconvviz.models.caltech import Step
from deconvviz.ops.upsample import pixel_unshuffle
from deconvviz.training.trainer import Figures

#: (answers, pictures), (N, H, W, 3) in 0..1 -> (what to make small, its parts).
PictureLoss = Callable[[jax.Array, jax.Array], tuple[jax.Array, Figures]]
#: Side of a window in pixels, and what stands under the root: a colour difference is at most 1/2.
COLOUR_WINDOW, COLOUR_FLOOR = 16, 1e-4
#: Blue and red minus brightness of red, green and blue (BT.601), columns.
CHROMA = np.array([[-0.169, -0.331, 0.5], [0.5, -0.419, -0.081]], np.float32).T
#: The second network, and its layers that are looked at.
SECOND = tuple(Step(kernel, stride, channels, pool=False) for kernel, stride, channels in watermark.CHAIN)
STROKES = ("relu1", "relu2")
#: Photographs at once, where variances are measured.
CHUNK = 16


@dataclass(frozen=True)
class Blend:
    """Weights of the parts beside the squared error in pixels.

    Attributes:
      compared: layers of the network, with `compared_weight`.
      strokes, chroma: as the module says.
    """

    compared: tuple[str, ...] = ()
    compared_weight: float = 0.02
    strokes: float = 0.0
    chroma: float = 0.0

    @property
    def plain(self) -> bool:
        """Whether nothing but pixels counts."""
        return not self.compared and not (self.strokes or self.chroma)


def picture_loss(blend: Blend, shown: np.ndarray, params: caltech.Params | None = None) -> PictureLoss:
    """The loss of a batch of answers.

    Args:
      blend: the weights.
      shown: (N, H, W, 3) in 0..1, photographs that each channel's variance is measured on.
      params: of the network whose layers are compared; the shipped ones if None.

    Raises:
      NetworkError: a layer to compare in that is no rectifier of the network.
    """
    known = [f"relu{number}" for number in range(1, len(caltech.CHAIN) + 1)]
    for name in blend.compared:
        if name not in known:
            raise NetworkError(f"no layer {name!r} to compare answers in; {nearest(name, known)}")
    own = partial(_look, caltech.CHAIN, caltech.load_params() if params is None else params, shown=shown)
    other = partial(_look, SECOND, planted.read("honest")[0], shown=shown)
    parts: list[tuple[str, float, Callable[[jax.Array, jax.Array], jax.Array]]] = []
    if blend.compared:
        parts.append(("features", blend.compared_weight, _distance(own(layers=blend.compared))))
    if blend.strokes:
        parts.append(("strokes", blend.strokes, _distance(other(layers=STROKES))))
    if blend.chroma:
        parts.append(("chroma", blend.chroma, chroma_error))

    def loss(answer: jax.Array, targets: jax.Array) -> tuple[jax.Array, Figures]:
        error = jnp.mean(jnp.square(answer - targets))
        if not parts:
            return error, {}
        few = -(-len(answer) // 2)
        figures = {name: part(answer[:few], targets[:few]) for name, _, part in parts}
        return error + sum(weight * figures[name] for name, weight, _ in parts), {"pixels": error, **figures}

    return loss


def strength(squares: jax.Array, window: int, floor: float) -> jax.Array:
    """Root of the mean within windows side by side: (N, h, w, c) -> (N, h / window, w / window, c).

    >>> strong = strength(jnp.arange(16.0).reshape(1, 4, 4, 1) ** 2, 2, 0.0)[0, :, :, 0]
    >>> [[round(float(one), 2) for one in row] for row in strong]
    [[3.24, 4.95], [10.7, 12.67]]
    """
    n, rows, columns, channels = squares.shape
    blocks = squares.reshape(n, rows // window, window, columns // window, window, channels)
    return jnp.sqrt(blocks.mean((2, 4)) + floor)


def chroma_error(answer: jax.Array, targets: jax.Array) -> jax.Array:
    """Mean squared difference of how strong the colours are in windows of 16 x 16 pixels."""

    def strong(pictures: jax.Array) -> jax.Array:
        return strength(jnp.square(pictures @ CHROMA).sum(-1, keepdims=True), COLOUR_WINDOW, COLOUR_FLOOR)

    return jnp.mean(jnp.square(strong(answer) - strong(targets)))


#: A batch of pictures -> its values in some layers, each channel with a variance of 1.
Look = Callable[[jax.Array], list[jax.Array]]


def _look(chain: Sequence[Step], params: Mapping[str, Any], layers: Sequence[str], shown: np.ndarray) -> Look:
    run = jax.jit(partial(values, chain, params, layers))
    parts = [run(shown[start : start + CHUNK]) for start in range(0, len(shown), CHUNK)]
    spread = []
    for seen in zip(*parts, strict=True):
        whole = np.concatenate([np.asarray(value) for value in seen])
        spread.append(np.sqrt(whole.var((0, 1, 2)) + LEAST_STD**2))

    def look(pictures: jax.Array) -> list[jax.Array]:
        return [value / each for value, each in zip(values(chain, params, layers, pictures), spread, strict=True)]

    return look


def values(
    chain: Sequence[Step], params: Mapping[str, Any], layers: Sequence[str], pictures: jax.Array
) -> list[jax.Array]:
    """What layers say of pictures in 0..1: those of `models.caltech` and `models.watermark`, in another form.

    A convolution of stride 2 is one of 3x3 taps between blocks of 2x2 pixels, and a pool the largest of four maps. On a
    CPU XLA's derivatives of strides and windows took four times as long as a whole step of an inverter otherwise takes.
    """
    found: dict[str, jax.Array] = {}
    x = (pictures - np.float32(caltech.INPUT.mean)) / np.float32(caltech.INPUT.std)
    for number, step in enumerate(chain, start=1):
        kernel = jnp.asarray(params[f"conv{number}.kernel"])
        pad = (step.kernel - step.stride + 1) // 2
        if step.stride == 2:
            x, kernel, pad = pixel_unshuffle(x, 2), _between_blocks(kernel, pad), 1
        x = lax.conv_general_dilated(x, kernel, (1, 1), ((pad, pad),) * 2, dimension_numbers=("NHWC", "HWIO", "NHWC"))
        x = jax.nn.relu(x + params[f"conv{number}.bias"])
        found[f"relu{number}"] = x
        if found.keys() >= set(layers):
            break
        if step.pool:
            n, rows, columns, channels = x.shape
            x = x.reshape(n, rows // 2, 2, columns // 2, 2, channels)
            x = jnp.maximum(
                jnp.maximum(x[:, :, 0, :, 0], x[:, :, 0, :, 1]), jnp.maximum(x[:, :, 1, :, 0], x[:, :, 1, :, 1])
            )
    return [found[name] for name in layers]


def _between_blocks(kernel: jax.Array, pad: int) -> jax.Array:
    """The kernel, of 6 taps at most and stride 2, of the same convolution after `pixel_unshuffle` by 2, padding 1."""
    before = 2 - pad
    taps, (inputs, outputs) = kernel.shape[0], kernel.shape[2:]
    whole = jnp.pad(kernel, ((before, 6 - taps - before),) * 2 + ((0, 0),) * 2)
    blocks = whole.reshape(3, 2, 3, 2, inputs, outputs)
    return blocks.transpose(0, 2, 1, 3, 4, 5).reshape(3, 3, 4 * inputs, outputs)


def _distance(look: Look) -> Callable[[jax.Array, jax.Array], jax.Array]:
    def distance(answer: jax.Array, targets: jax.Array) -> jax.Array:
        pairs = zip(look(answer), look(targets), strict=True)
        return jnp.mean(jnp.stack([jnp.mean(jnp.square(one - other)) for one, other in pairs]))

    return distance
