"""Parts of networks in many spellings: those that every backward rule leaves alone, and activations it has no rule for.

Each is a function of a map (N, H, W, 8) and stands between two convolutions and a ReLU (`between`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import lax

from deconvviz.network.rewrite import rules
from deconvviz.network.trace import geometry
from deconvviz.network.trace.jaxpr import Flat, dependent, flatten
from deconvviz.network.trace.spelled import spelled_out

AXES = ("NHWC", "HWIO", "NHWC")
_RNG = np.random.default_rng(0)
FIRST, SECOND, THIRD = (jnp.asarray(_RNG.normal(size=(3, 3, i, 8)) / 4, jnp.float32) for i in (3, 8, 8))
DENSE = jnp.asarray(_RNG.normal(size=(8, 8)) / 2, jnp.float32)
IMAGE = np.random.default_rng(1).normal(size=(1, 4, 6, 3)).astype(np.float32)
_NNX = nnx.Rngs(0)
_ATTENTION = nnx.MultiHeadAttention(2, 8, decode=False, rngs=_NNX)
Relu = Callable[[Any], Any]


def conv(x: Any, w: Any, stride: int = 1, padding: str = "SAME") -> Any:
    return lax.conv_general_dilated(x, w, (stride, stride), padding, dimension_numbers=AXES)


def between(part: Callable[..., Any], relu: Relu = jax.nn.relu) -> Callable[[Any], Any]:
    """A network around a part, which may take the ReLU that it is to use."""

    def net(x: Any) -> Any:
        h = conv(relu(conv(x, FIRST)), SECOND)
        h = part(h, relu) if part in TAKES_RELU else part(h)
        h = conv(h, THIRD[:, :, : h.shape[-1]])
        return h.mean((1, 2))

    return net


def rewritten(function: Callable[[Any], Any], rule: str = "deconvnet") -> tuple[Flat, list[Any], int, list[str]]:
    flat = spelled_out(flatten(jax.make_jaxpr(function)(IMAGE), rules.is_relu_call))
    live = dependent(flat.equations, flat.input)
    fields = geometry.follow(flat.equations, {flat.input: geometry.picture_field()})
    context = rules.Context(live, flat.outputs, None, fields)
    eqns, obeyed, unsupported, _ = rules.rewrite(flat.equations, rule, context)
    return flat, eqns, obeyed, unsupported


def by_hand(rule: str) -> Callable[[Any], Any]:
    """A ReLU whose derivative is the rule, as a person would write it."""

    @jax.custom_vjp
    def relu(z: Any) -> Any:
        return jnp.maximum(z, 0)

    def down(z: Any, g: Any) -> tuple[Any]:
        if rule == "linear":
            return (g,)
        g = jnp.where(z > 0, g, 0) if rule in ("gradient", "guided") else g
        return (jnp.maximum(g, 0) if rule in ("deconvnet", "guided") else g,)

    relu.defvjp(lambda z: (relu(z), z), down)
    return relu


def excited(h: Any, relu: Relu, gate: Callable[[Any], Any] = jax.nn.sigmoid, keepdims: bool = True) -> Any:
    """Squeeze and excitation."""
    s = h.mean((1, 2), keepdims=keepdims)
    g = gate(relu(s @ DENSE) @ DENSE)
    return h * (g if keepdims else g[:, None, None])


def excited_pixel(h: Any, relu: Relu) -> Any:
    """The same on a map of one pixel."""
    return excited(conv(h, jnp.tile(SECOND, (2, 2, 1, 1))[:4], 1, "VALID")[:, :, :1], relu)


def excited_by_convolution(h: Any, relu: Relu) -> Any:
    s = h.mean((1, 2), keepdims=True)
    return h * jax.nn.sigmoid(conv(relu(conv(s, SECOND[1:2, 1:2])), SECOND[1:2, 1:2]))


def tokens(h: Any) -> Any:
    return h.reshape(h.shape[0], -1, 8)


def heads(h: Any) -> Any:
    t = tokens(h)
    q, k, v = ((t @ w).reshape(*t.shape[:2], 2, 4) for w in (DENSE, DENSE.T, DENSE + 1))
    return jax.nn.dot_product_attention(q, k, v).reshape(h.shape)


def masked_attention(h: Any) -> Any:
    t = tokens(h)
    scores = t @ DENSE @ t.swapaxes(1, 2) / 2.8
    scores = jnp.where(jnp.tril(jnp.ones(scores.shape[-2:], bool)), scores, -1e9)
    return (jax.nn.softmax(scores) @ t).reshape(h.shape)


def attention_divided_last(h: Any) -> Any:
    t = tokens(h)
    scores = t @ t.swapaxes(1, 2)
    e = jnp.exp(scores - scores.max(-1, keepdims=True))
    return ((e @ t) / e.sum(-1, keepdims=True)).reshape(h.shape)


def local_response(h: Any) -> Any:
    s = lax.reduce_window(h * h, 0.0, lax.add, (1, 1, 1, 5), (1, 1, 1, 1), "SAME")
    return h / (2 + 1e-4 * s) ** 0.75


def global_response(h: Any) -> Any:
    g = jnp.sqrt((h**2).sum((1, 2), keepdims=True))
    return h * (g / (g.mean(-1, keepdims=True) + 1e-6)) * 2 + h


def guarded_norm(h: Any) -> Any:
    n = jnp.linalg.norm(h, axis=-1, keepdims=True)
    return jnp.where(n > 0, h / jnp.where(n > 0, n, 1), 0)


def squashed(h: Any) -> Any:
    s = (h * h).sum(-1, keepdims=True)
    return s / (1 + s) * h / jnp.sqrt(s + 1e-7)


def log_softmax(h: Any) -> Any:
    top = h.max(-1, keepdims=True)
    return h - jnp.log(jnp.exp(h - top).sum(-1, keepdims=True)) - top


def guarded_layer_norm(h: Any) -> Any:
    variance = jnp.maximum(0.0, jnp.var(h, (1, 2, 3), keepdims=True))
    return (h - h.mean((1, 2, 3), keepdims=True)) * lax.rsqrt(variance + 1e-5)


def dropped_path(h: Any) -> Any:
    return h + h * jax.random.bernoulli(jax.random.key(0), 0.5, (h.shape[0], 1, 1, 1)) / 0.5


def attention_pooling(h: Any) -> Any:
    return (jax.nn.softmax(h @ DENSE[:, :1], (1, 2)) * h).sum((1, 2), keepdims=True) + h


def pooled(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A head: scores of the mean over the map, and what is made of them, on a map again."""
    return lambda h: f(h.mean((1, 2)) @ DENSE)[:, None, None] @ DENSE + h


def norm(h: Any) -> Any:
    return jnp.linalg.norm(h, axis=-1, keepdims=True)


def pooled_gate(h: Any) -> Any:
    return jax.nn.sigmoid(h.mean((1, 2), keepdims=True) @ DENSE)


def shifted_squares(h: Any) -> Any:
    """Local response normalization as a sum of slices."""
    s = jnp.pad(h * h, ((0, 0), (0, 0), (0, 0), (2, 2)))
    return h / (1 + 1e-4 * sum(s[..., i : i + 8] for i in range(5))) ** 0.75


def talking_heads(h: Any) -> Any:
    """Scores and weights of attention are mixed between the heads."""
    t = tokens(h)
    q, k, v = ((t @ w).reshape(*t.shape[:2], 2, 4) for w in (DENSE, DENSE.T, DENSE + 1))
    mixed = jnp.einsum("nhqk,hg->ngqk", jnp.einsum("nqhd,nkhd->nhqk", q, k), DENSE[:2, :2])
    weights = jnp.einsum("nhqk,hg->ngqk", jax.nn.softmax(mixed), DENSE[:2, :2])
    return jnp.einsum("nhqk,nkhd->nqhd", weights, v).reshape(h.shape)


def softmax_of_allowed(h: Any) -> Any:
    t = tokens(h)
    scores = t @ DENSE @ t.swapaxes(1, 2) / 2.8
    return (jax.nn.softmax(scores, where=jnp.tril(jnp.ones(scores.shape[-2:], bool))) @ t).reshape(h.shape)


def weighted_kernels(h: Any) -> Any:
    """Branches under gates of their own, as in conditionally parameterized convolutions."""
    gates = jax.nn.sigmoid(h.mean((1, 2)) @ DENSE[:, :2])
    return jnp.einsum("nk,nkhwc->nhwc", gates, jnp.stack([conv(h, SECOND), conv(h, THIRD)], 1))


#: Rectifiers in spellings of their own.
BY_HAND: set[Any] = set()


def spelled(hand: Callable[[Any], Any], plain: Callable[[Any, Relu], Any] = lambda h, relu: relu(h)) -> Any:
    """A rectifier in a spelling of its own, beside what it is; the rules by hand are put into the second."""

    def part(h: Any, relu: Relu) -> Any:
        return hand(h) if relu is jax.nn.relu else plain(h, relu)

    BY_HAND.add(part)
    return part


def relu6(h: Any, relu: Relu) -> Any:
    return jnp.where(h < 6, relu(h), 6)


def spatial_attention(h: Any) -> Any:
    s = jnp.concatenate([h.mean(-1, keepdims=True), h.max(-1, keepdims=True)], -1)
    return h * jax.nn.sigmoid(conv(s, SECOND[:, :, :2, :1]))


def channel_attention(h: Any, relu: Relu) -> Any:
    """Of CBAM: one network for the means and the maxima."""
    s = [relu(each @ DENSE) @ DENSE for each in (h.mean((1, 2)), h.max((1, 2)))]
    return h * jax.nn.sigmoid(s[0] + s[1])[:, None, None]


def channels_attend(h: Any) -> Any:
    """Of DANet: the largest energy less each."""
    t = tokens(h)
    energy = t.swapaxes(1, 2) @ t
    weights = jax.nn.softmax(energy.max(-1, keepdims=True) - energy)
    return jnp.einsum("ncd,npd->npc", weights, t).reshape(h.shape) * 0.3 + h


def scaled_by_range(axes: Any) -> Callable[[Any], Any]:
    def scaled(h: Any) -> Any:
        low, high = (f(h, axes, keepdims=True) for f in (jnp.min, jnp.max))
        return (h - low) / (high - low + 1e-3)

    return scaled


def lowest_first(h: Any) -> Any:
    h = h - h.min()
    return 2 * h / h.max() - 1


#: name -> (the part, how many rectifiers it holds).
PASSING: dict[str, tuple[Callable[..., Any], int]] = {
    "nnx.LayerNorm": (nnx.LayerNorm(8, rngs=_NNX), 0),
    "nnx.LayerNorm, slow variance": (nnx.LayerNorm(8, rngs=_NNX, use_fast_variance=False), 0),
    "nnx.GroupNorm": (nnx.GroupNorm(8, num_groups=2, rngs=_NNX), 0),
    "nnx.RMSNorm": (nnx.RMSNorm(8, rngs=_NNX), 0),
    "nnx.InstanceNorm": (nnx.InstanceNorm(8, rngs=_NNX), 0),
    "layer norm with a guarded variance": (guarded_layer_norm, 0),
    "jax.nn.standardize": (jax.nn.standardize, 0),
    "x / norm(x)": (lambda h: h / norm(h), 0),
    "x rsqrt(max(sum(x x), eps))": (lambda h: h * lax.rsqrt(jnp.maximum((h * h).sum(-1, keepdims=True), 1e-6)), 0),
    "x / max(sqrt(sum(x x)), eps)": (lambda h: h / jnp.maximum(jnp.sqrt((h**2).sum(-1, keepdims=True)), 1e-6), 0),
    "x / sqrt(sum(x x) + eps)": (lambda h: h / jnp.sqrt((h**2).sum(-1) + 1e-6)[..., None], 0),
    "x / sqrt(max(sum(x x), 0) + eps)": (
        lambda h: h / jnp.sqrt(jnp.maximum(jnp.sum(h * h, -1, keepdims=True), 0) + 1e-6), 0),
    "x / norm(x) where it is above 0": (guarded_norm, 0),
    "x / clip(norm(x), eps)": (lambda h: h / jnp.clip(norm(h), 1e-6), 0),
    "x sum(abs(x)^2)^-1/2": (lambda h: h * (jnp.sum(jnp.abs(h) ** 2, -1, keepdims=True) + 1e-9) ** -0.5, 0),
    "x / sqrt(einsum(x, x))": (lambda h: h / jnp.sqrt(jnp.einsum("nhwc,nhwc->nhw", h, h))[..., None], 0),
    "x / max(1, norm(x))": (lambda h: h / jnp.maximum(1.0, norm(h)), 0),
    "x / (norm(x) + (norm(x) = 0))": (lambda h: h / (norm(h) + (norm(h) == 0)), 0),
    "x / sum(abs(x))": (lambda h: h / jnp.abs(h).sum(-1, keepdims=True), 0),
    "x / max(abs(x))": (lambda h: h / (jnp.abs(h).max(-1, keepdims=True) + 1e-6), 0),
    "x / norm of the whole map": (lambda h: h / jnp.linalg.norm(h.ravel()), 0),
    "norm under vmap": (jax.vmap(jax.vmap(jax.vmap(lambda v: v / jnp.linalg.norm(v)))), 0),
    "local response normalization": (local_response, 0),
    "local response normalization by slices": (shifted_squares, 0),
    "divisive normalization": (lambda h: h / jnp.sqrt(1 + jnp.square(h) @ jnp.abs(DENSE)), 0),
    "global response normalization": (global_response, 0),
    "squash of capsules": (squashed, 0),
    "nan_to_num": (jnp.nan_to_num, 0),
    "where not NaN": (lambda h: jnp.where(jnp.isnan(h), 0, h), 0),
    "where finite": (lambda h: jnp.where(jnp.isfinite(h), h, 0), 0),
    "where below infinity": (lambda h: jnp.where(jnp.abs(h) < jnp.inf, h, 0), 0),
    "x is_finite(x)": (lambda h: h * jnp.isfinite(h), 0),
    "clip to infinity": (lambda h: jnp.clip(h, -jnp.inf, jnp.inf), 0),
    "layer scale": (lambda h: conv(h, SECOND) * DENSE[0] * 1e-2 + h, 0),
    "layer scale of the signal itself": (lambda h: h + h * DENSE[0], 0),
    "squeeze and excitation": (excited, 1),
    "squeeze and excitation, without keepdims": (lambda h, relu: excited(h, relu, keepdims=False), 1),
    "squeeze and excitation by convolutions": (excited_by_convolution, 1),
    "squeeze and excitation of one pixel": (excited_pixel, 1),
    "squeeze and excitation, hard sigmoid": (lambda h, relu: excited(h, relu, jax.nn.hard_sigmoid), 1),
    "squeeze and excitation, softmax": (lambda h, relu: excited(h, relu, jax.nn.softmax), 1),
    "gate of a map": (lambda h: h * jax.nn.sigmoid(conv(h.mean(-1, keepdims=True), SECOND[:, :, :1, :1])), 0),
    "squeeze and excitation by einsum": (lambda h: jnp.einsum("nhwc,nc->nhwc", h, pooled_gate(h)[:, 0, 0]), 0),
    "squeeze and excitation by tile": (lambda h: h * jnp.tile(pooled_gate(h), (1, *h.shape[1:3], 1)), 0),
    "squeeze and excitation by repeat": (lambda h: h * jnp.repeat(pooled_gate(h), h.shape[2], 2), 0),
    "gather and excite": (lambda h: h * jax.nn.sigmoid(jax.image.resize(pooled_gate(h), h.shape, "nearest")), 0),
    "a gate that is resized": (lambda h: h * jax.image.resize(pooled_gate(h), h.shape, "bilinear"), 0),
    "branches under gates": (weighted_kernels, 0),
    "positional embedding": (lambda h: h + DENSE[0], 0),
    "stochastic depth": (dropped_path, 0),
    "dropout in inference": (nnx.Dropout(0.5, deterministic=True), 0),
    "jax.nn.dot_product_attention": (heads, 0),
    "nnx.MultiHeadAttention": (lambda h: _ATTENTION(tokens(h)).reshape(h.shape), 0),
    "masked attention": (masked_attention, 0),
    "talking heads": (talking_heads, 0),
    "softmax of what is allowed": (softmax_of_allowed, 0),
    "attention divided last": (attention_divided_last, 0),
    "attention pooling": (attention_pooling, 0),
    "jax.nn.softmax": (jax.nn.softmax, 0),
    "softmax of pooled scores": (pooled(jax.nn.softmax), 0),
    "softmax of pooled scores by hand": (pooled(lambda z: jnp.exp(z) / jnp.exp(z).sum(-1, keepdims=True)), 0),
    "log softmax of pooled scores": (pooled(jax.nn.log_softmax), 0),
    "softmax by hand": (lambda h: jnp.exp(h) / jnp.exp(h).sum(-1, keepdims=True), 0),
    "softmax by hand, moved about": (
        lambda h: (lambda e: e / e.transpose(0, 3, 1, 2).sum(1, keepdims=True).transpose(0, 2, 3, 1))(
            jnp.exp(h - h.max(-1, keepdims=True))), 0),
    "softmax by powers of two": (lambda h: jnp.exp2(h) / jnp.exp2(h).sum(-1, keepdims=True), 0),
    "exp of log softmax": (lambda h: jnp.exp(jax.nn.log_softmax(h)), 0),
    "exp of x - logsumexp(x)": (lambda h: jnp.exp(h - jax.nn.logsumexp(h, -1, keepdims=True)), 0),
    "log of softmax": (lambda h: jnp.log(jax.nn.softmax(h)), 0),
    "logsumexp(x) - x": (lambda h: jax.nn.logsumexp(h, -1, keepdims=True) - h, 0),
    "softmax over places": (lambda h: jax.nn.softmax(h, (1, 2)), 0),
    "jax.nn.log_softmax": (jax.nn.log_softmax, 0),
    "log softmax by hand": (log_softmax, 0),
    "x - logsumexp(x)": (lambda h: h - jax.nn.logsumexp(h, -1, keepdims=True), 0),
    "average pooling": (lambda h: nnx.avg_pool(h, (2, 2), (1, 1), "SAME"), 0),
    "both signs side by side": (lambda h, relu: jnp.concatenate([relu(h), relu(-h)], -1)[..., ::2], 2),
    "two rectifiers behind one another": (lambda h, relu: relu(relu(h) - 0.1), 2),
    "residual": (lambda h, relu: h + conv(relu(h), SECOND), 1),
    "pre-activation": (lambda h, relu: relu(h * DENSE[0]) @ DENSE + h, 1),
    "roll": (lambda h: jnp.roll(h, 1, 1), 0),
    "flip": (lambda h: h[:, ::-1], 0),
    "resize": (lambda h: jax.image.resize(h, (h.shape[0], 9, 13, 8), "bilinear"), 0),
    "take": (lambda h: jnp.take(h, jnp.arange(3), axis=1), 0),
    "at set": (lambda h: h.at[:, 0].set(0.0), 0),
    "at add": (lambda h: jnp.zeros_like(h).at[:, 1:3].add(h[:, 1:3]), 0),
    "cumulative sum": (lambda h: jnp.cumsum(h, 1), 0),
    "Fourier and back": (lambda h: jnp.fft.ifft2(jnp.fft.fft2(h, axes=(1, 2)), axes=(1, 2)).real, 0),
    "a filter of frequencies": (
        lambda h: jnp.fft.irfft2(
            jnp.fft.rfft2(h, axes=(1, 2)) * (DENSE[0] + 1j * DENSE[1]), s=h.shape[1:3], axes=(1, 2)), 0),
    "cosine transform": (lambda h: jax.scipy.fft.dct(h, axis=1, norm="ortho"), 0),
    "sums over segments": (
        lambda h: h + jax.vmap(
            lambda t: jax.ops.segment_sum(t, jnp.arange(24) % 5, 24))(tokens(h)).reshape(h.shape), 0),
    "a fixed grid": (
        lambda h: jax.vmap(lambda c: jax.scipy.ndimage.map_coordinates(
            c, [jnp.linspace(-1, 4, 12).reshape(4, 3), jnp.linspace(6, 0, 12).reshape(4, 3)], order=1), -1, -1)(
                h[0])[None] + 0 * h[:, :, :3], 0),
    "a ReLU by the sum of its absolute values": (
        lambda h, relu: (lambda r: r / (jnp.abs(r).sum(-1, keepdims=True) + 1e-3))(relu(h)), 1),
    "absolute values of a ReLU": (lambda h, relu: jnp.abs(relu(h)) if relu is jax.nn.relu else relu(h), 1),
    "spatial attention": (spatial_attention, 0),
    "channel attention": (channel_attention, 2),
    "channels attend to channels": (channels_attend, 0),
    "min-max scaling": (scaled_by_range((1, 2, 3)), 0),
    "min-max scaling of each channel": (scaled_by_range((1, 2)), 0),
    "min-max scaling of each place": (scaled_by_range(-1), 0),
    "min-max scaling in two steps": (lowest_first, 0),
    "min pooling": (lambda h: h + h.min((1, 2), keepdims=True) @ DENSE, 0),
    "a sum by lax.reduce": (lambda h: h + lax.reduce(h, 0.0, lambda a, b: a + b, (1, 2))[:, None, None], 0),
    "linear equations": (lambda h: jnp.linalg.solve(2 * jnp.eye(8) + DENSE, h.reshape(-1, 8).T).T.reshape(h.shape), 0),
    "(x + abs(x)) / 2": (spelled(lambda h: (h + jnp.abs(h)) / 2), 1),
    "x + abs(x)": (spelled(lambda h: h + jnp.abs(h), lambda h, relu: 2 * relu(h)), 1),
    "x - min(x, 0)": (spelled(lambda h: h - jnp.minimum(h, 0)), 1),
    "min(x, 0)": (spelled(lambda h: jnp.minimum(h, 0), lambda h, relu: -relu(-h)), 1),
    "-min(-x, 0)": (spelled(lambda h: -jnp.minimum(-h, 0)), 1),
    "x heaviside(x)": (spelled(lambda h: h * jnp.heaviside(h, 0.0)), 1),
    "x (sign(x) + 1) / 2": (spelled(lambda h: h * (jnp.sign(h) + 1) / 2), 1),
    "fmax(x, 0)": (spelled(lambda h: jnp.fmax(h, 0)), 1),
    "abs(x) where x > 0": (spelled(lambda h: jnp.where(h > 0, jnp.abs(h), 0)), 1),
    "ReLU of a shift by hand": (
        spelled(lambda h: (h - 0.3 + jnp.abs(h - 0.3)) * 1.5, lambda h, relu: 3 * relu(h - 0.3)), 1),
    "ReLU of the negative by hand": (
        spelled(lambda h: (jnp.abs(h) - h) / 2, lambda h, relu: relu(-h)), 1),
    "both halves of abs(x)": (
        spelled(lambda h: jnp.concatenate([h + jnp.abs(h), jnp.abs(h) - h], -1)[..., 2:10],
                lambda h, relu: 2 * jnp.concatenate([relu(h), relu(-h)], -1)[..., 2:10]), 2),
    "max(min(x, 6), 0)": (spelled(lambda h: jnp.maximum(jnp.minimum(h, 6), 0), relu6), 1),
    "relu(x) - relu(x - 6)": (spelled(lambda h: jax.nn.relu(h) - jax.nn.relu(h - 6), relu6), 1),
    "relu(x) where x is below 6": (spelled(lambda h: jnp.where(h < 6, jax.nn.relu(h), 6.0), relu6), 1),
    "a factor held fixed": (lambda h: h * lax.stop_gradient(jax.nn.sigmoid(h)), 0),
    "rounding with a derivative of 1": (lambda h: h + lax.stop_gradient(jnp.round(h) - h), 0),
}  # fmt: skip
TAKES_RELU = {part for part, count in PASSING.values() if count}


def gated_by_swish(h: Any) -> Any:
    return h * jax.nn.sigmoid(jax.nn.silu(h.mean((1, 2), keepdims=True) @ DENSE) @ DENSE)


def gram(h: Any) -> Any:
    return (tokens(h).swapaxes(1, 2) @ tokens(h))[:, None]


def leaky_copies(h: Any) -> Any:
    twice = jnp.stack([h, h], -1)
    return jnp.where(h[..., None].mean(-1, keepdims=True) > 0, twice, 0.1 * twice)[..., 0]


def depthwise(h: Any) -> Any:
    return lax.conv_general_dilated(
        h, jnp.ones((1, 1, 1, 8)), (1, 1), "SAME", dimension_numbers=AXES, feature_group_count=8
    )


def best_three(h: Any) -> Any:
    return jnp.where(h >= jnp.sort(h, -1)[..., -3:-2], h, 0)


def with_deviation(h: Any) -> Any:
    return h + jnp.sqrt(h.var((1, 2), keepdims=True)) @ DENSE


@jax.custom_jvp
def straight_through(h: Any) -> Any:
    """A ReLU forwards, the identity backwards."""
    return jnp.maximum(h, 0)


straight_through.defjvps(lambda tangent, out, h: tangent)


def side_by_side(h: Any) -> Any:
    both = jnp.concatenate([jax.nn.relu(h), h], -1)
    return 0.9 * both[..., :8] + 0.1 * both[..., 8:]


#: name -> (the activation, part of what it is called).
BENDING: dict[str, tuple[Callable[[Any], Any], str]] = {
    "swish": (lambda h: h / (1 + jnp.exp(-h)), "silu"),
    "x (x > 0.1)": (lambda h: h * (h > 0.1), "product"),
    "leaky by masks": (lambda h: h * (h > 0) + 0.1 * h * (h <= 0), "leaky_relu"),
    "leaky by a sum": (lambda h: 0.9 * jax.nn.relu(h) + 0.1 * h, "leaky_relu"),
    "leaky by a maximum": (lambda h: jnp.maximum(h, 0.1 * h), "leaky_relu"),
    "leaky by two branches": (lambda h: jax.nn.relu(2 * h) + 0.1 * (2 * h), "leaky_relu"),
    "leaky by piecewise": (lambda h: jnp.piecewise(h, [h < 0], [lambda z: 0.1 * z, lambda z: z]), "selection"),
    "leaky across a transposition": (
        lambda h: 0.9 * jax.nn.relu(h.transpose(0, 3, 1, 2)).transpose(0, 2, 3, 1) + 0.1 * h, "several rectified"),
    "leaky across a pad and a cut": (
        lambda h: 0.9 * jnp.pad(jax.nn.relu(h), ((0, 0), (1, 1), (0, 0), (0, 0)))[:, 1:-1] + 0.1 * h,
        "several rectified"),
    "leaky side by side": (side_by_side, "several rectified"),
    "leaky by a map over rows": (lambda h: 0.9 * lax.map(jax.nn.relu, h[0])[None] + 0.1 * h, "several rectified"),
    "leaky inside a map over rows": (
        lambda h: lax.map(lambda two: 0.9 * two[0] + 0.1 * two[1], (jax.nn.relu(h[0]), h[0]))[None],
        "several rectified"),
    "leaky by a sum over a stack": (
        lambda h: (jnp.stack([jax.nn.relu(h), h], -1) * jnp.array([0.9, 0.1])).sum(-1), "several rectified"),
    "leaky by weights of a stack": (
        lambda h: jnp.einsum("k,k...->...", jnp.array([0.9, 0.1]), jnp.stack([jax.nn.relu(h), h])),
        "several rectified"),
    "a ReLU with a derivative of its own": (straight_through, "straight_through"),
    "softmax of x and -x, row by row": (
        lambda h: lax.map(jax.nn.softmax, jnp.stack([h, -h], -1)[0])[None, ..., 0], "quotient"),
    "norm of one number, row by row": (
        lambda h: lax.map(lambda z: z / (norm(z) + 1e-6), h[0][..., None])[None, ..., 0], "quotient"),
    "gate of copies of x in a scan": (
        lambda h: lax.scan(
            lambda c, z: (c, z * jax.nn.sigmoid(z.mean(-1, keepdims=True))), 0.0, jnp.stack([h, h], -1)[0])[1][
                None, ..., 0], "sigmoid"),
    "parametric": (lambda h: jax.nn.relu(h) - DENSE[0] * jax.nn.relu(-h), "several rectified"),
    "x + relu(x)": (lambda h: h + jax.nn.relu(h), "leaky_relu"),
    "x relu(x)": (lambda h: jax.nn.relu(h) * h, "squared relu"),
    "hard swish": (lambda h: h * jnp.clip(h + 3, 0, 6) / 6, "hard_silu"),
    "hard sigmoid": (lambda h: jnp.clip(h / 6 + 0.5, 0, 1) * h, "hard_silu"),
    "soft shrink": (lambda h: h - jnp.clip(h, -1, 1), "constant"),
    "hard shrink": (lambda h: jnp.where(jnp.abs(h) > 1, h, 0), "selection"),
    "threshold": (lambda h: jnp.where(h > 0.5, h, 0), "selection"),
    "step": (lambda h: h * jnp.heaviside(h - 0.3, 0.0), "selection"),
    "clip": (lambda h: jnp.clip(h, -1, 1), "hard_tanh"),
    "arctan": (jnp.arctan, "atan"),
    "group sort": (lambda h: jnp.sort(h.reshape(*h.shape[:-1], 4, 2), -1).reshape(h.shape), "sort"),
    "x + sqrt(x x)": (lambda h: h + jnp.sqrt(h * h), "nearly a relu"),
    "x (x > 0.01)": (lambda h: h * (h > 0.01), "nearly a relu"),
    "leaky by absolute values": (lambda h: 0.55 * h + 0.45 * jnp.abs(h), "leaky_relu"),
    "max(x, 1e-6)": (lambda h: jnp.maximum(h, 1e-6), "nearly a relu"),
    "softmax of x and -x": (lambda h: jax.nn.softmax(jnp.stack([h, -h], -1))[..., 0], "quotient"),
    "softmax of x and 0": (
        lambda h: jax.nn.softmax(jnp.pad(h[..., None], (*((0, 0),) * 4, (0, 1))))[..., 0], "quotient"),
    "softmax of x written into zeros": (
        lambda h: jax.nn.softmax(jnp.zeros((*h.shape, 2)).at[..., 1].set(h))[..., 0], "quotient"),
    "softmax of x and -x as channels": (
        lambda h: jax.nn.softmax(jnp.concatenate([h, -h], -1).reshape(*h.shape[:3], 2, 8), 3)[..., 0, :], "quotient"),
    "softmax of one number by two weights": (
        lambda h: jax.nn.softmax(h[..., None] @ jnp.array([[1.0, -1.0]]))[..., 0], "quotient"),
    "log softmax of x and -x": (lambda h: jax.nn.log_softmax(jnp.stack([h, -h], -1))[..., 0], "log"),
    "norm of one number": (lambda h: (h[..., None] / norm(h[..., None]))[..., 0], "quotient"),
    "norm of x and 1": (
        lambda h: (lambda s: s / norm(s))(jnp.stack([h, jnp.ones_like(h)], -1))[..., 0], "quotient"),
    "x / sqrt(1 + x x) as a sum of one": (lambda h: h / jnp.sqrt(1 + jnp.sum(h[..., None] ** 2, -1)), "quotient"),
    "x / sqrt(1 + x x) by a window of one": (
        lambda h: h / jnp.sqrt(1 + lax.reduce_window(h * h, 0.0, lax.add, (1,) * 4, (1,) * 4, "VALID")), "quotient"),
    "x / sqrt(1 + x x) by channels": (lambda h: h / jnp.sqrt(1 + depthwise(h * h)), "quotient"),
    "standardized pair": (lambda h: jax.nn.standardize(jnp.stack([h, 0 * h], -1))[..., 0], "power"),
    "gate of copies of x": (lambda h: (jnp.stack([h, 2 * h], -1) * jax.nn.sigmoid(h)[..., None])[..., 0], "sigmoid"),
    "leaky by copies of x": (leaky_copies, "selection"),
    "leaky of one number": (lambda h: h + jnp.where(h.mean() > 0, h.mean(), 0.1 * h.mean()), "selection"),
    "maximum of x and -x as a pooling": (
        lambda h: lax.reduce_window(
            jnp.stack([h, -h], 1), -jnp.inf, lax.max, (1, 2, 1, 1, 1), (1,) * 5, "VALID")[:, 0], "max over channels"),
    "less the smallest channel": (lambda h: h - h.min(-1, keepdims=True), "min over channels"),
    "less the largest channel, beside a softmax": (
        lambda h: (lambda y: y + jnp.exp(y) / jnp.exp(y).sum(-1, keepdims=True))(h - h.max(-1, keepdims=True)),
        "max over channels"),
    "exponential less the largest over another axis": (
        lambda h: (lambda e: e / e.sum(1, keepdims=True))(jnp.exp(h - h.max(-1, keepdims=True))), "max over channels"),
    "exponential less the largest, its sum over another axis in other numbers": (
        lambda h: (lambda e: e / e.astype(jnp.float16).sum(1, keepdims=True).astype(h.dtype))(
            jnp.exp(h - h.max(-1, keepdims=True))), "max over channels"),
    "exponential less the largest, its sum in windows": (
        lambda h: (lambda e: e / jnp.cumsum(e, 1))(jnp.exp(h - h.max(-1, keepdims=True))), "max over channels"),
    "maxout in a gate": (
        lambda h: h * jax.nn.sigmoid(h.mean((1, 2)).reshape(-1, 4, 2).max(-1) @ DENSE[:4])[:, None, None],
        "max over channels"),
    "signed root": (lambda h: jnp.sign(h) * jnp.sqrt(jnp.abs(h) + 1e-3), "abs"),
    "soft sign": (jax.nn.soft_sign, "soft_sign"),
    "exponential": (jnp.exp, "exp"),
    "Gaussian": (lambda h: jnp.exp(-(h**2)), "exp"),
    "snake": (lambda h: h + jnp.sin(h) ** 2, "sin"),
    "cube": (lambda h: h**3, "power"),
    "square": (lambda h: h * h + h, "product"),
    "squared ReLU": (lambda h: jax.nn.relu(h) ** 2, "squared relu"),
    "softplus by hand": (lambda h: jnp.log(1 + jnp.exp(h)), "softplus"),
    "softplus": (jax.nn.softplus, "softplus"),
    "mish": (jax.nn.mish, "mish"),
    "gelu": (jax.nn.gelu, "gelu"),
    "gelu, exact": (lambda h: jax.nn.gelu(h, approximate=False), "gelu"),
    "selu": (jax.nn.selu, "selu"),
    "tanh": (jnp.tanh, "tanh"),
    "logsumexp that is added": (lambda h: conv(h, SECOND) + jax.nn.logsumexp(h, (1, 2), keepdims=True), "exp"),
    "logsumexp below another signal": (lambda h: conv(h, SECOND) - jax.nn.logsumexp(h, -1, keepdims=True), "exp"),
    "x + logsumexp(x)": (lambda h: h + jax.nn.logsumexp(h, -1, keepdims=True), "exp"),
    "x + sign(x) by a selection": (lambda h: h + jnp.where(h > 0, 0.5, -0.5), "step"),
    "x + (x > 0)": (lambda h: h + (h > 0), "step"),
    "x + whole numbers of x": (lambda h: h + (4 * h).astype(jnp.int32) / 4, "step"),
    "signs side by side": (lambda h: jnp.concatenate([h[..., :4], 1.0 * (h[..., 4:] > 0)], -1) @ DENSE, "step"),
    "places that the signal chooses": (
        lambda h: h + jnp.zeros_like(h).at[:, jnp.argmax(h[0, :, 0, 0])].add(h[:, 0]), "scatter-add"),
    "entries of a table": (lambda h: h @ DENSE + DENSE[jnp.argmin(h @ DENSE, -1)], "step"),
    "max pooling from 0": (
        lambda h: lax.reduce_window(h, 0.0, lax.max, (1, 2, 2, 1), (1, 1, 1, 1), "SAME"), "starts from a number"),
    "logarithm": (lambda h: jnp.log(jnp.abs(h) + 1), "abs"),
    "reciprocal": (lambda h: 1 / (h + 3), "quotient"),
    "median": (lambda h: h - jnp.median(h, (1, 2), keepdims=True), "median"),
    "phase": (lambda h: jnp.angle(jnp.fft.fft2(h, axes=(1, 2)) + 1), "atan2"),
    "gated linear unit": (lambda h: h[..., :4] * jax.nn.sigmoid(h[..., 4:]) @ DENSE[:4], "sigmoid"),
    "product with a convolution": (lambda h: h * conv(h, SECOND), "product"),
    "Gram matrix": (gram, "product"),
    "maxout": (lambda h: h.reshape(*h.shape[:3], 4, 2).max(-1) @ DENSE[:4], "max over channels"),
    "minout": (lambda h: h.reshape(*h.shape[:3], 4, 2).min(-1) @ DENSE[:4], "min over channels"),
    "product over channels": (lambda h: h.reshape(*h.shape[:3], 4, 2).prod(-1) @ DENSE[:4], "reduce_prod"),
    "maximum with the channels turned round": (lambda h: jnp.maximum(h, h[..., ::-1]), "max of two"),
    "running maximum": (lambda h: lax.cummax(h, 1), "cummax"),
    "fractional part": (lambda h: h - jnp.floor(h), "floor"),
    "winner takes all": (lambda h: h * jax.nn.one_hot(h.argmax(-1), 8), "product"),
    "three winners": (best_three, "selection"),
    "exponential in a head": (pooled(jnp.exp), "exp"),
    "quotient of exponentials in a head": (pooled(lambda z: jnp.exp(z) / (1 + jnp.exp(2 * z))), "exp"),
    "activation in a head": (lambda h: jnp.tanh(h.mean((1, 2), keepdims=True)) @ DENSE + 0 * h, "tanh"),
    "activation inside a gate": (gated_by_swish, "silu"),
    "deviation as a feature": (with_deviation, "sqrt"),
    "callback": (
        lambda h: jax.pure_callback(lambda a: 2 * np.asarray(a), jax.ShapeDtypeStruct(h.shape, h.dtype), h),
        "pure_callback"),
}  # fmt: skip
