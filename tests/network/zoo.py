"""Small networks as plain functions, in many styles, each with its slow twin as layers for `reference.network_loops`.

Weights are drawn once, in NumPy, and shared by both. Sizes all differ and are odd where the style allows it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from reference import network_loops as loops

SIZE = (11, 7)
AXES = ("NHWC", "HWIO", "NHWC")
RELU = {"kind": "relu"}
PADS = ((1, 0), (2, 1))


@dataclass(frozen=True)
class Example:
    """A network in one style.

    Attributes:
      make: ``make(dtype)`` gives the function of an image batch.
      twin: the same as layers for the loops.
      obeyed: rectifiers on the path to the result; 0 where only the gradient applies.
      unsupported: part of what the report says besides.
      size: rows and columns of the image.
    """

    make: Callable[[str], Callable[[Any], Any]]
    twin: list[loops.Layer]
    obeyed: int
    unsupported: str = ""
    size: tuple[int, int] = SIZE


def draw(seed: int, *shape: int) -> np.ndarray:
    """Weights, rounded to float32 so that both types see the same numbers."""
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32).astype(np.float64) / 2


W1, B1, W2 = draw(1, 3, 2, 3, 4), draw(2, 4), draw(3, 2, 3, 4, 5)
SAME, EVEN = draw(4, 3, 3, 4, 4), (12, 8)
FIRST = loops.conv(W1, B1, (1, 1), ((1, 1), (1, 0)))
SECOND = loops.conv(W2, 0, (2, 1), PADS)
KEEP = loops.conv(SAME, 0, (1, 1), ((1, 1), (1, 1)))


def conv(layer: loops.Layer, x: Any) -> Any:
    """A twin's convolution as JAX would write it."""
    w = jnp.asarray(layer["w"], x.dtype)
    y = lax.conv_general_dilated(
        x, w, layer["stride"], layer["pads"], rhs_dilation=layer["dilation"], dimension_numbers=AXES,
        feature_group_count=layer["groups"],
    )  # fmt: skip
    return y + jnp.asarray(layer["b"], x.dtype) if np.any(layer["b"]) else y


def spelled(relu: Callable[[Any], Any], second: loops.Layer = SECOND, **relu_options: Any) -> Example:
    """Convolution, a ReLU in some spelling, convolution, the ReLU again."""
    rectifier = {**RELU, **relu_options}
    return Example(
        lambda _: lambda x: relu(conv(second, relu(conv(FIRST, x)))), [FIRST, rectifier, second, rectifier], 2
    )


def pooled(pool: Callable[[Any], Any], window: Any = (2, 2), stride: Any = None, size: Any = EVEN) -> Example:
    """Convolution, ReLU (dark windows tie at 0), max pooling in some spelling, convolution."""
    layers = [FIRST, RELU, loops.pool("max_pool", window, stride), SECOND]
    return Example(lambda _: lambda x: conv(SECOND, pool(jax.nn.relu(conv(FIRST, x)))), layers, 1, size=size)


def by_reshape(x: Any) -> Any:
    n, h, w, c = x.shape
    return x.reshape(n, h // 2, 2, w // 2, 2, c).max((2, 4))


def by_patches(x: Any) -> Any:
    cut = lax.conv_general_dilated_patches(x, (2, 2), (2, 2), "VALID", dimension_numbers=AXES)
    return cut.reshape(*cut.shape[:3], x.shape[-1], 4).max(-1)


def by_slices(x: Any) -> Any:
    top = jnp.maximum(x[:, ::2, ::2], x[:, ::2, 1::2])
    return jnp.maximum(top, jnp.maximum(x[:, 1::2, ::2], x[:, 1::2, 1::2]))


def by_stack(x: Any) -> Any:
    return jnp.stack([x[:, i::2, j::2] for i in (0, 1) for j in (0, 1)], -1).max(-1)


def from_zero(x: Any) -> Any:
    return lax.reduce_window(x, 0.0, lax.max, (1, 3, 2, 1), (1, 2, 2, 1), "VALID")


def overlapping(x: Any) -> Any:
    return lax.reduce_window(x, -jnp.inf, lax.max, (1, 3, 3, 1), (1, 2, 2, 1), "VALID")


def scan(x: Any) -> Any:
    weights = jnp.asarray(np.stack([SAME, SAME[::-1]]), x.dtype)
    return lax.scan(lambda h, w: (jax.nn.relu(conv({**KEEP, "w": w}, h)), None), conv(FIRST, x), weights)[0]


def branch(x: Any) -> Any:
    h = conv(FIRST, x)
    return lax.cond(h.sum() > -1e9, jax.nn.relu, lambda h: jnp.maximum(h, 0) + 1, h)


def inception(x: Any) -> Any:
    h = jax.nn.relu(conv(FIRST, x))
    return jnp.concatenate([jax.nn.relu(conv(KEEP, h)), h, conv({**KEEP, "w": SAME[:, :, :, :3]}, h)], -1)


def residual(x: Any) -> Any:
    h = jax.nn.relu(conv(FIRST, x))
    return jax.nn.relu(h + conv(KEEP, jax.nn.relu(conv(KEEP, h))))


def per_image(x: Any) -> Any:
    return jax.vmap(lambda one: jnp.maximum(conv(FIRST, one[None])[0], 0).max((0, 1)))(x)


def mapped(x: Any) -> Any:
    return lax.map(lambda one: by_reshape(jax.nn.relu(conv(FIRST, one[None])))[0], x)


def tokens(softmax: Callable[[Any], Any], xp: Any) -> Callable[[Any], Any]:
    """Attention of 6 tokens with themselves, and their mean; in JAX or in NumPy."""
    q, v = draw(8, 4, 3), draw(9, 4, 5)

    def attend(h: Any) -> Any:
        t = h.reshape(h.shape[0], -1, h.shape[-1])
        a = softmax(t @ xp.asarray(q, h.dtype) @ xp.asarray(q.T, h.dtype) @ t.swapaxes(1, 2))
        return (a @ t @ xp.asarray(v, h.dtype)).mean(1)

    return attend


def plain_softmax(z: Any, xp: Any = np) -> Any:
    e = xp.exp(z - z.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


ATTEND = [{**FIRST, "stride": (4, 3)}, RELU, {"kind": "measured", "f": tokens(plain_softmax, np)}]


def attention(softmax: Callable[[Any], Any]) -> Example:
    return Example(lambda _: lambda x: tokens(softmax, jnp)(jax.nn.relu(conv(ATTEND[0], x))), ATTEND, 1)


def decoder(x: Any) -> Any:
    h = jax.nn.relu(conv(FIRST, x))
    w = jnp.asarray(W2[::-1, ::-1], x.dtype)
    pads, twice = ((1, 1), (2, 2)), (2, 2)
    return lax.conv_general_dilated(h, w, (1, 1), pads, lhs_dilation=twice, dimension_numbers=AXES)


def channels_first(x: Any) -> Any:
    h = x.transpose(0, 3, 1, 2)
    h = lax.conv_general_dilated(h, jnp.asarray(W1.transpose(3, 2, 0, 1), x.dtype), (1, 1), FIRST["pads"])
    h = jax.nn.relu(h + jnp.asarray(B1, x.dtype)[:, None, None])
    return h.mean((2, 3)) @ jnp.asarray(W2[0, 0], x.dtype)


def both_signs(x: Any) -> Any:
    h = jnp.einsum("nhwc,co->nhwo", x, jnp.asarray(W1[0, 0], x.dtype))
    return jnp.concatenate([jax.nn.relu(h), jax.nn.relu(-h)], -1)


def upsampled(x: Any) -> Any:
    h = jax.jit(lambda x: jax.jit(jax.nn.relu)(conv(FIRST, x)))(x)
    return conv(SECOND, jnp.repeat(jnp.repeat(h, 2, 1), 3, 2))


@jax.custom_vjp
def doubled(x: Any) -> Any:
    """An operation whose author wrote its derivative."""
    return 2 * x


doubled.defvjp(lambda x: (2 * x, None), lambda _, g: (2 * g,))


def activated(activation: Callable[[Any], Any], f: Callable[[Any], Any], name: str) -> Example:
    """A ReLU below and another activation above it."""
    layers = [FIRST, RELU, SECOND, {"kind": "measured", "f": f}]
    return Example(lambda _: lambda x: activation(conv(SECOND, jax.nn.relu(conv(FIRST, x)))), layers, 1, name)


def normalized(h: Any, xp: Any) -> Any:
    """Layer norm over channels, written by hand with the guarded variance of fast implementations."""
    mean = h.mean(-1, keepdims=True)
    variance = xp.maximum(0.0, (h * h).mean(-1, keepdims=True) - mean * mean)
    return (h - mean) / xp.sqrt(variance + 0.1)


def sigmoid(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))


GROUPED = loops.conv(draw(5, 3, 1, 2, 6), 0, (1, 2), PADS, (1, 1), 2)
DEPTHWISE = loops.conv(draw(6, 2, 3, 1, 8), 0, (1, 1), PADS, (1, 1), 4)
DILATED = loops.conv(draw(7, 3, 2, 4, 5), 0, (2, 1), PADS, (2, 3), 1)
ONE_BY_ONE = loops.conv(W1[:1, :1])

EXAMPLES: dict[str, Example] = {
    "jax.nn.relu": spelled(jax.nn.relu),
    "maximum, under jit": Example(
        lambda _: jax.jit(spelled(lambda z: jnp.maximum(0.0, z)).make("")), spelled(abs).twin, 2
    ),
    "where, depthwise": spelled(lambda z: jnp.where(z > 0, z, 0), DEPTHWISE),
    "float mask, grouped": spelled(lambda z: z * (z > 0).astype(z.dtype), GROUPED),
    "clip, dilated": spelled(lambda z: jnp.clip(z, 0), DILATED),
    "relu6": spelled(lambda z: jax.nn.relu6(3 * z) / 3, top=2.0),
    "clip between bounds": spelled(lambda z: jnp.clip(z, 0, 1), top=1.0),
    "lax.clamp": spelled(lambda z: lax.clamp(jnp.zeros((), z.dtype), z, jnp.ones((), z.dtype)), top=1.0),
    "remat": Example(lambda _: jax.checkpoint(spelled(jax.nn.relu).make("")), spelled(abs).twin, 2),
    "reshape-max": pooled(by_reshape),
    "patches": pooled(by_patches),
    "maxima of slices": pooled(by_slices),
    "maximum of a stack": pooled(by_stack),
    "pooling from zero": pooled(from_zero, (3, 2), (2, 2), SIZE),
    "overlapping pool": pooled(overlapping, (3, 3), (2, 2), SIZE),
    "scan": Example(lambda _: scan, [FIRST, KEEP, RELU, {**KEEP, "w": SAME[::-1]}, RELU], 1),
    "fori_loop": Example(
        lambda _: lambda x: lax.fori_loop(0, 3, lambda _, h: jax.nn.relu(conv(KEEP, h)), conv(FIRST, x)),
        [FIRST, *[KEEP, RELU] * 3], 1,
    ),
    "cond": Example(lambda _: branch, [FIRST, RELU], 1),
    "concatenation": Example(
        lambda _: inception,
        [FIRST, RELU, {"kind": "concat", "parts": [[KEEP, RELU], [], [{**KEEP, "w": SAME[:, :, :, :3]}]]}], 2,
    ),
    "residual sum": Example(
        lambda _: residual, [FIRST, RELU, {"kind": "residual", "layers": [KEEP, RELU, KEEP]}, RELU], 3
    ),
    "vmap, global max": Example(lambda _: per_image, [FIRST, RELU, {"kind": "peak"}], 1),
    "lax.map": Example(lambda _: mapped, [FIRST, RELU, loops.pool("max_pool", (2, 2))], 1, size=EVEN),
    "attention": attention(jax.nn.softmax),
    "attention by hand": attention(lambda z: plain_softmax(z, jnp)),
    "transposed convolution": Example(
        lambda _: decoder, [FIRST, RELU, {"kind": "transposed", "w": W2, "stride": (2, 2), "size": (22, 15)}], 1
    ),
    "channels first": Example(
        lambda _: channels_first, [FIRST, RELU, {"kind": "mean"}, {"kind": "dense", "w": W2[0, 0], "b": 0}], 1
    ),
    "both signs": Example(
        lambda _: both_signs,
        [ONE_BY_ONE, {"kind": "concat", "parts": [[RELU], [{"kind": "scale", "by": -1, "shift": 0}, RELU]]}], 2,
    ),
    "nearest neighbour": Example(lambda _: upsampled, [FIRST, RELU, {"kind": "repeat", "times": (2, 3)}, SECOND], 1),
    "layer norm": Example(
        lambda _: lambda x: jax.nn.relu(normalized(conv(FIRST, x), jnp)),
        [FIRST, {"kind": "measured", "f": lambda h: normalized(h, np)}, RELU], 1,
    ),
    "custom_vjp": Example(
        lambda _: lambda x: jax.nn.relu(doubled(conv(FIRST, x))), [FIRST, {"kind": "scale", "by": 2, "shift": 0}, RELU],
        1, "doubled",
    ),
    "silu": activated(jax.nn.silu, lambda z: z * sigmoid(z), "silu1"),
    "gelu": activated(
        jax.nn.gelu, lambda z: z / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (z + 0.044715 * z**3))), "tanh1"
    ),
    "softplus": activated(jax.nn.softplus, lambda z: np.log1p(np.exp(z)), "softplus1"),
    "hard swish": activated(jax.nn.hard_swish, lambda z: z * np.clip(z + 3, 0, 6) / 6, "hard_silu1"),
    "leaky relu": activated(jax.nn.leaky_relu, lambda z: np.where(z > 0, z, 0.01 * z), "leaky_relu1"),
    "elu": activated(jax.nn.elu, lambda z: np.where(z > 0, z, np.expm1(np.minimum(z, 0))), "elu1"),
    "squared relu": Example(
        lambda _: lambda x: jax.nn.relu(conv(FIRST, x)) ** 2,
        [FIRST, RELU, {"kind": "measured", "f": lambda a: a**2}], 1, "power1",
    ),
    "maxout": activated(
        lambda z: z[..., :4].reshape(*z.shape[:3], 2, 2).max(-1),
        lambda z: np.maximum(z[..., 0:4:2], z[..., 1:4:2]), "max1",
    ),
}  # fmt: skip
