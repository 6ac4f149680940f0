"""The picture that is optimized: from parameters to pixels, with the random changes and penalties of the settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from deconvviz import priors
from deconvviz.errors import DeconvvizError
from deconvviz.methods._settings import QUIET, Settings
from deconvviz.network import Network, rewritten
from deconvviz.network.trace.trace import permuted
from deconvviz.types import Array, InputSpec

#: The colour range B of [mahendran2016visualizing], 80 grey levels, and their step V = B / 6.5.
BOUND = 80 / 255
STEP = BOUND / 6.5
#: Spread of the coefficients, and of the pixels around grey, that a run starts with.
NOISE = {"fourier": 0.01, "pixel": 0.05}
#: What one step along the axis of brightness changes in red, green and blue, about; and in grey.
BRIGHTNESS = float(priors.COLOUR_BASIS[:, 0].mean())
#: Furthest from black and white that a start is moved, so that the sigmoid can reach it.
_MARGIN = 0.004


def start(settings: Settings, spec: InputSpec, key: jax.Array, image: Array | None = None) -> jax.Array:
    """The first parameters of one picture: noise, or an image with a little of it.

    (1, H, W, 3); (1, H, W, 1) for a network that sees no colours, whose pictures are grey.
    """
    shape, dtype = (1, *spec.size, spec.depth), jnp.result_type(float)
    noise = NOISE[settings.parametrization] * jax.random.normal(key, shape, dtype)
    if image is None:
        return jnp.clip(0.5 + noise, 0, 1) if settings.parametrization == "pixel" else noise
    if np.shape(image) != (*spec.size, 3):
        raise DeconvvizError(f"a picture to start from has shape {(*spec.size, 3)}; got {np.shape(image)}")
    pixels = jnp.asarray(image, dtype)[None]
    if shape[-1] == 1:
        pixels = priors.grey(pixels)
    if settings.parametrization == "pixel":
        return pixels
    inside = jnp.clip(pixels, _MARGIN, 1 - _MARGIN)
    logits = jnp.log(inside) - jnp.log1p(-inside)
    waves = logits / BRIGHTNESS if shape[-1] == 1 else priors.unmix_colours(logits)
    return priors.fourier_coefficients(waves, settings.decay)


def pixels(settings: Settings, params: jax.Array) -> jax.Array:
    """The pictures, (N, H, W, 3) in 0..1."""
    if settings.parametrization == "pixel":
        image = params
    else:
        waves = priors.fourier_image(params, settings.decay)
        image = jax.nn.sigmoid(waves * BRIGHTNESS if params.shape[-1] == 1 else priors.mix_colours(waves))
    return jnp.broadcast_to(image, (*image.shape[:-1], 3))


def inside_box(settings: Settings, params: jax.Array) -> jax.Array:
    """The nearest parameters whose pixels lie in 0..1: waves end in a sigmoid and always do."""
    return jnp.clip(params, 0, 1) if settings.parametrization == "pixel" else params


def disturbed(settings: Settings, image: jax.Array, key: jax.Array, step: Any, steps: Any) -> jax.Array:
    """The pictures after the random changes of one step; unchanged in the last part of a run."""
    most, loud = settings.jitter, step < (1 - QUIET) * steps
    if not (most or settings.turn or settings.zoom):
        return image
    keys = jax.random.split(key, 3)
    if not (settings.turn or settings.zoom):
        by = jnp.where(loud, jax.random.randint(keys[0], (2,), -most, most + 1), 0)
        return priors.shifted(image, by[0], by[1], most)
    move, angle, zoom = (
        jnp.where(loud, jax.random.uniform(k, shape, image.dtype, -1, 1), 0)
        for k, shape in zip(keys, ((2,), (), ()), strict=True)
    )
    return priors.turned(image, settings.turn * angle, 1 + settings.zoom * zoom, most * move[0], most * move[1])


def penalty(settings: Settings, image: jax.Array, tv: Any, norm: Any) -> jax.Array:
    """The weighted penalties of each picture, (N,)."""

    def of_one(picture: jax.Array) -> jax.Array:
        rough = priors.total_variation(picture[None] / STEP, settings.beta)
        return tv * rough + norm * priors.alpha_norm((picture[None] - 0.5) / BOUND, settings.alpha)

    return jax.vmap(of_one)(image)


def layer_values(network: Network, layer: str, rule: str = "gradient") -> Callable[[Any, jax.Array], jax.Array]:
    """``(consts, pictures (N, H, W, 3)) -> the layer's values (N, ...)``, differentiable, through a backward rule."""
    call = rewritten(network, layer, rule, "gradient", switches=True).call
    node, spec = network.node(layer), network.input_spec

    def forward(consts: Any, x: jax.Array) -> jax.Array:
        return permuted(node, call(consts, x[None])[0])[0]

    def values(consts: Any, image: jax.Array) -> jax.Array:
        x = priors.from_display(image, spec)
        return forward(consts, x[0])[None] if len(x) == 1 else jax.vmap(lambda each: forward(consts, each))(x)

    return values
