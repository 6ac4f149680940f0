"""The network that names every pixel: one encoder down to an eighth, and decoders that come up again in other ways.

Encoder: an unshuffled stem at half size, max pooling to a quarter and to an eighth with its switches kept, then
residual bottlenecks whose 3x3 convolutions are dilated so that a cell sees most of the street. Decoders:

- coarse: none; classes at an eighth, bilinear from there. What every other decoder starts from and adds detail to.
- transposed: two transposed convolutions, kernel 4, stride 2.
- unpool: values back to the encoder's switches, zeros elsewhere, then a 3x3 convolution, twice.
- bilinear: fixed bilinear enlargement, then a 3x3 convolution, twice.

All end at half size, ``bilinear(coarse) + detail``, the detail 0 at first, and a fixed bilinear step to the full one.

Source: paszke2016enet, badrinarayanan2017segnet, noh2015learning
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from deconvviz.models.upsamplers import Upsample
from deconvviz.ops.pool import max_pool, max_unpool
from deconvviz.ops.upsample import pixel_unshuffle
from deconvviz.tasks.segmentation import SKIPS
from deconvviz.tasks.segmentation.blocks import CLASSES, Bottleneck, Unit, bilinear
from deconvviz.tasks.segmentation.pretrained import SkipSegmenter

#: Cells of the full picture's side in a cell of the encoder's output: what rows and columns are multiples of.
STRIDE = 8
#: Channels at 1/2, 1/4, 1/8, and inside a bottleneck.
WIDTHS = (16, 48, 128, 32)
DILATIONS = (1, 2, 1, 4, 1, 8, 2, 16, 1, 4, 2, 8)


class Encoder(nnx.Module):
    """(N, H, W, 3) -> (N, H/8, W/8, 128) and the switches of both poolings, the finer first."""

    def __init__(self, widths: tuple[int, ...], dilations: tuple[int, ...], *, rngs: nnx.Rngs) -> None:
        half, quarter, eighth, inner = widths
        self.half = Unit(12, half, rngs=rngs)
        self.quarter = Unit(half, quarter, rngs=rngs)
        self.eighth = Unit(quarter, eighth, 1, rngs=rngs)
        self.blocks = nnx.List([Bottleneck(eighth, inner, dilation, rngs=rngs) for dilation in dilations])

    def __call__(self, x: jax.Array) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
        x, fine = max_pool(self.half(pixel_unshuffle(x, 2)), 2)
        x, middle = max_pool(self.quarter(x), 2)
        x = self.eighth(x)
        for block in self.blocks:
            x = block(x)
        return x, (fine, middle)


class Enlarge(nnx.Module):
    """(N, H, W, inputs) -> (N, 2 H, 2 W, outputs) by one of three means, then batch normalization and ReLU."""

    def __init__(self, kind: str, inputs: int, pooled: int, outputs: int, *, rngs: nnx.Rngs) -> None:
        self.kind = kind
        self.narrow = Unit(inputs, pooled, 1, rngs=rngs)
        if kind == "transposed":
            self.up: Any = Upsample("transposed", pooled, outputs, 2, 4, rngs=rngs)
        else:
            first = nnx.initializers.he_normal()
            self.up = nnx.Conv(pooled, outputs, (3, 3), kernel_init=first, rngs=rngs)
        self.norm = nnx.BatchNorm(outputs, momentum=0.95, rngs=rngs)

    def __call__(self, x: jax.Array, switches: jax.Array) -> jax.Array:
        x = self.spread(self.narrow(x), switches)
        if self.kind != "transposed":
            x = self.up(x)
        return jax.nn.relu(self.norm(x))

    def spread(self, x: jax.Array, switches: jax.Array) -> jax.Array:
        """The step that makes the map larger, alone: (N, H, W, pooled) -> (N, 2 H, 2 W, ...)."""
        if self.kind == "unpool":
            return max_unpool(x, switches, (2 * x.shape[1], 2 * x.shape[2]))
        if self.kind == "bilinear":
            return bilinear(x, 2)
        grown: jax.Array = self.up(x)
        return grown


class Segmenter(nnx.Module):
    """Scores of the classes: (N, H, W, 3) -> (N, H/2, W/2, 11), or at an eighth where the decoder is "coarse".

    Args:
      decoder: one of `_segmentation_data.DECODERS`.
      fusion: how the picture itself comes in again at half size: not, as the mean of both maps, or as
        ``a d + (1 - a) e`` with a learned a for every channel.
      widths, dilations: of the encoder.
      rngs: where the first weights are drawn.

    Where `frozen` is set, encoder and coarse scores stay as they are in training.
    """

    def __init__(
        self,
        decoder: str,
        fusion: str = "none",
        widths: tuple[int, ...] = WIDTHS,
        dilations: tuple[int, ...] = DILATIONS,
        *,
        rngs: nnx.Rngs,
    ) -> None:
        half, quarter, eighth, _ = widths
        self.decoder, self.fusion, self.frozen = decoder, fusion, False
        self.encoder = Encoder(tuple(widths), tuple(dilations), rngs=rngs)
        self.score = nnx.Linear(eighth, CLASSES, rngs=rngs)
        if decoder != "coarse":
            self.middle = Enlarge(decoder, eighth, quarter, quarter, rngs=rngs)
            self.fine = Enlarge(decoder, quarter, half, half, rngs=rngs)
            self.detail = nnx.Linear(half, CLASSES, kernel_init=nnx.initializers.zeros, rngs=rngs)
        if fusion != "none":
            self.image = Unit(12, half, rngs=rngs)
            self.share = nnx.Param(jnp.zeros(half)) if fusion == "weighted" else None

    def train(self, **attributes: Any) -> None:
        """As Flax has it, but for a frozen encoder, which goes on as in use."""
        super().train(**attributes)
        if self.frozen:
            self.encoder.eval()

    def __call__(self, x: jax.Array) -> jax.Array:
        features, (fine, middle) = self.encoder(x)
        coarse = self.score(features)
        if self.frozen:
            features, coarse = jax.lax.stop_gradient((features, coarse))
        if self.decoder == "coarse":
            return coarse
        y = self.fine(self.middle(features, middle), fine)
        if self.fusion != "none":
            a = 0.5 if self.share is None else jax.nn.sigmoid(self.share[...])
            y = a * y + (1 - a) * self.image(pixel_unshuffle(x, 2))
        return bilinear(coarse, 4) + self.detail(y)


def make(options: Mapping[str, Any]) -> Segmenter | SkipSegmenter:
    """The module of a stored variant."""
    widths, dilations = tuple(options["widths"]), tuple(options["dilations"])
    rngs = nnx.Rngs(options.get("seed", 0))
    if options["decoder"] == SKIPS:
        return SkipSegmenter(widths, dilations, rngs=rngs)
    return Segmenter(options["decoder"], options["fusion"], widths, dilations, rngs=rngs)
