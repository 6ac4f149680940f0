"""PyTorch's operations with the options that networks use, in groups: each is a function (N, 3, 13, 15) -> results."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
import torch.nn.functional as F

_draw = torch.Generator().manual_seed(5)


def draw(*shape: int) -> torch.Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=_draw)


W, GROUPED, UP, UP_GROUPED = draw(6, 3, 3, 2), draw(6, 2, 3, 3), draw(4, 3, 3, 2), draw(4, 3, 3, 2)
LINE, CUBE, UP_CUBE, BIAS = draw(6, 3, 3), draw(2, 1, 3, 3, 2), draw(2, 3, 3, 2, 2), draw(6)
A, B, C, POSITIVE, FOUR = draw(3), draw(3), draw(3), draw(3).abs() + 0.1, draw(4)
TABLE, SCORES, SEEN = draw(9, 3), draw(15, 15), draw(15, 15) > -0.5
SEEN[:, 0] = True
Results = Iterable[torch.Tensor]


def four(x: torch.Tensor) -> torch.Tensor:
    """Four channels of three."""
    return torch.cat([x, x[:, :1] * 2 - 1], 1)


def convolutions(x: torch.Tensor) -> Iterator[torch.Tensor]:
    yield F.conv2d(x, W, BIAS, stride=(2, 1), padding=(1, 0), dilation=(1, 2))
    yield F.conv2d(x, W, padding="same")
    yield F.conv2d(x, W, padding="valid", stride=2)
    yield F.conv2d(four(x), GROUPED, groups=2, padding=1)
    yield F.conv2d(F.pad(x, (1, 1, 1, 1), mode="circular"), W)
    yield F.conv2d(x[0], W)
    yield F.conv1d(x.flatten(2), LINE, stride=2, padding=1)
    yield F.conv3d(x[:, None], CUBE, stride=(1, 2, 2), padding=1)
    yield F.unfold(x, (3, 2), 2, 1, (2, 1))


def transposed(x: torch.Tensor) -> Iterator[torch.Tensor]:
    yield F.conv_transpose2d(four(x), UP, stride=(2, 3), padding=(1, 0), output_padding=(1, 2), dilation=(2, 1))
    yield F.conv_transpose2d(four(x), UP_GROUPED, torch.cat([BIAS]), stride=2, padding=2, groups=2)
    yield F.conv_transpose1d(x.flatten(2), LINE.transpose(0, 1), stride=2, padding=1, output_padding=1)
    twice = torch.stack([x, -x], 1)
    yield F.conv_transpose3d(twice, UP_CUBE, stride=(1, 2, 2), padding=1)


def max_pools(x: torch.Tensor) -> Iterator[torch.Tensor]:
    yield F.max_pool2d(x, 2)
    yield F.max_pool2d(x, 3, 2, 1)
    yield F.max_pool2d(x, (3, 2), 2, ceil_mode=True)
    yield F.max_pool2d(x, 3, 3, 1, ceil_mode=True)
    yield F.max_pool2d(x, 2, padding=1, dilation=2)
    yield F.max_pool1d(x.flatten(2), 3, 2, 1)
    yield F.max_pool3d(x, (1, 3, 2), (1, 2, 2))
    for size in (1, (3, 2), (5, 3), (None, 4), (13, 15), (26, 3)):
        yield F.adaptive_max_pool2d(x, size)
    yield F.adaptive_max_pool1d(x.flatten(2), 4)


def average_pools(x: torch.Tensor) -> Iterator[torch.Tensor]:
    for include in (True, False):
        for ceil in (True, False):
            for kernel, stride, padding in ((3, 2, 1), ((3, 2), 2, 0), (3, 3, 1)):
                yield F.avg_pool2d(x, kernel, stride, padding, ceil_mode=ceil, count_include_pad=include)
    yield F.avg_pool2d(x, 2, divisor_override=3)
    yield F.avg_pool1d(x.flatten(2), 3, 2, 1, ceil_mode=True, count_include_pad=False)
    yield F.avg_pool3d(x[:, None], (1, 3, 2), (1, 2, 2))
    yield F.lp_pool2d(x, 2, 3, 2)
    for size in (1, (3, 2), (5, 3), (None, 4), (13, 15), (26, 3)):
        yield F.adaptive_avg_pool2d(x, size)
    yield F.adaptive_avg_pool1d(x.flatten(2), 4)
    yield F.adaptive_avg_pool3d(x[:, None], (2, 3, 4))


def interpolations(mode: str) -> Callable[[torch.Tensor], Iterator[torch.Tensor]]:
    def resized(x: torch.Tensor) -> Iterator[torch.Tensor]:
        smooth = mode in ("bilinear", "bicubic")
        options: list[dict[str, Any]] = [
            {"scale_factor": 2}, {"scale_factor": (1.7, 0.6)}, {"size": (7, 9)}, {"size": (26, 20)},
            {"scale_factor": 1.3, "recompute_scale_factor": True}, {"scale_factor": 0.5}, {"size": (1, 1)},
        ]  # fmt: skip
        for option in options:
            for corners in (False, True) if smooth else (None,):
                yield F.interpolate(x, mode=mode, align_corners=corners, **option)
        if smooth:
            yield F.interpolate(x, (20, 20), mode=mode, antialias=True)
            yield F.interpolate(x, (6, 5), mode=mode, antialias=True)
        elif mode == "nearest":
            yield F.interpolate(x.flatten(2), size=33, mode="linear")
            yield F.interpolate(x[:, None], scale_factor=2, mode="trilinear", align_corners=True)

    return resized


def norms(x: torch.Tensor) -> Iterator[torch.Tensor]:
    yield F.batch_norm(x, A, POSITIVE, B, C)
    yield F.batch_norm(x, A, POSITIVE)
    yield F.group_norm(four(x), 2, FOUR, FOUR * 2)
    yield F.instance_norm(x, weight=A, bias=B)
    yield F.instance_norm(x, A, POSITIVE, use_input_stats=False)
    yield F.layer_norm(x.permute(0, 2, 3, 1), (3,), A, B)
    yield F.layer_norm(x, (13, 15))
    standard = F.batch_norm(W.reshape(1, 6, -1), None, None, BIAS, training=True).reshape_as(W)
    yield F.conv2d(x, standard)
    yield F.conv2d(x, torch._weight_norm(W, W[:, :1, :1, :1] * 2, 0))
    yield F.rms_norm(x.permute(0, 2, 3, 1), (3,), A)
    yield F.local_response_norm(x, 3, k=2.0)
    yield F.normalize(x, dim=1)


def attention(x: torch.Tensor) -> Iterator[torch.Tensor]:
    tokens = x.permute(0, 3, 1, 2).flatten(2)[..., :8].unflatten(2, (2, 4)).transpose(1, 2)
    yield F.scaled_dot_product_attention(tokens, tokens * 2, tokens + 1)
    yield F.scaled_dot_product_attention(tokens, tokens, tokens, is_causal=True)
    yield F.scaled_dot_product_attention(tokens, tokens, tokens, attn_mask=SEEN)
    yield F.scaled_dot_product_attention(tokens, tokens, tokens, attn_mask=SCORES, scale=0.2)
    yield F.scaled_dot_product_attention(torch.cat([tokens, -tokens], 1), tokens, tokens, enable_gqa=True)
    yield F.embedding(torch.arange(13) % 9, TABLE) + x[:, :, :, 0].mT
    yield x + TABLE[torch.arange(15) % 9][:, 1]


#: Functions by name; those with a line behind change their argument.
ACTIVATIONS = [
    "relu", "relu6", "gelu", "silu", "mish", "hardswish", "hardsigmoid", "hardtanh", "sigmoid", "logsigmoid",
    "tanh", "elu", "selu", "celu", "leaky_relu", "softplus", "softsign", "tanhshrink", "softshrink", "hardshrink",
    "rrelu", "relu_", "elu_", "leaky_relu_",
]  # fmt: skip


def activations(x: torch.Tensor) -> Iterator[torch.Tensor]:
    for name in ACTIVATIONS:
        yield getattr(F, name)(x * 3)
    yield F.gelu(x * 3, approximate="tanh")
    yield F.elu(x, 0.3)
    yield F.celu(x, 0.3)
    yield F.softplus(x * 9, 2.0, 5.0)
    yield F.hardtanh(x, -0.2, 0.7)
    yield F.threshold(x, 0.1, -3.0)
    yield F.prelu(x, A)
    yield F.glu(four(x), 1)
    yield F.softmin(x, 1)
    yield F.log_softmax(x, 1)


def pads(x: torch.Tensor) -> Iterator[torch.Tensor]:
    for mode in ("constant", "reflect", "replicate", "circular"):
        yield F.pad(x, (1, 2, 3, 0), mode=mode)
    yield F.pad(x, (-1, 2, 3, -2), value=1.5)
    yield F.pad(x, (-1, 2, 3, -2), mode="replicate")
    yield F.fold(F.unfold(x, (3, 2), 1, 1, 2), (13, 15), (3, 2), 1, 1, 2)
    yield x.unfold(2, 4, 3)
    yield torch.empty_like(x).fill_(2) * x
    yield F.pixel_shuffle(four(x), 2)
    yield F.pixel_unshuffle(x[:, :, :12, :14], 2)
    yield F.channel_shuffle(four(x), 2)


def reductions(x: torch.Tensor) -> Results:
    return [
        x.mean(), x.mean(1), x.mean((), keepdim=True), x.sum((1, 2)), x.amax((2, 3)), x.amin(1), x.max(), x.max(1)[0],
        x.max(1)[1], x.min(2, keepdim=True)[0], x.prod(1), x.var((2, 3)), x.var(1, unbiased=False), x.std(),
        x.std((1,), correction=0), torch.var_mean(x, 1)[1], x.norm(), x.norm(p=1, dim=1), x.norm(p=float("inf"), dim=1),
        x.norm(dim=(2, 3), keepdim=True), torch.linalg.vector_norm(x, 3, 1), x.logsumexp(1), x.cumsum(1), x.argmax(1),
        x.argmin(1, keepdim=True), x.topk(2, 1)[0], x.topk(2, 2, largest=False)[1], x.sort(1)[0],
        x.sort(1, descending=True)[0], (x > 0).any(1), (x > 0).all(1),
    ]  # fmt: skip


def shapes(x: torch.Tensor) -> Results:
    n = x.shape[0]
    return [
        x.transpose(1, -1), x.permute(0, 2, 3, 1).reshape(n, -1), x.flatten(1), x.unflatten(3, (3, 5)), x[:, 1],
        x[:, :, 1:-2:2], x[..., None], x[:, [2, 0]], x[:, :, [1, 1, 3], [0, 2, 2]], x.chunk(2, 1)[1], x.chunk(2, 3)[0],
        x.split([1, 2], 1)[0], x.split(2, 1)[1], x.unbind(1)[2], x.expand(2, *x.shape), x[:, :1].expand(-1, 5, -1, -1),
        x.repeat(1, 2, 1, 3), x.repeat_interleave(2, 1), torch.stack([x, x], 2), torch.cat([x, -x], -1), x.flip(2),
        x.roll(3, 2), x.roll((1, 2), (2, 3)), x.roll(2), x.unsqueeze(-1).squeeze(-1), x[:, :1].squeeze(), x.tril(),
        x.triu(1), x.diagonal(0, 2, 3), x.narrow(2, 1, 4), x.index_select(1, torch.tensor([2, 1])),
        x.gather(1, torch.zeros(n, 1, 13, 15, dtype=torch.long)), x.movedim(1, -1), x.mT, x.swapaxes(1, 2),
        x.select(2, 3),
    ]  # fmt: skip


def arithmetic(x: torch.Tensor) -> Results:
    y = x + 9
    return [
        x + 2, 2 - x, torch.rsub(x, 1, alpha=2), torch.add(x, x, alpha=2), torch.sub(x, x * x, alpha=3), x * x, x / 3,
        3 / y, torch.div(x, 0.3, rounding_mode="floor"), torch.div(x, 0.3, rounding_mode="trunc"), x // 0.3, x % 0.3,
        torch.fmod(x, 0.3), x**2, x**3.0, y**0.5, y**-1, y**1.5, 2**x, y**x, -x, x.abs(), x.exp(), y.log(), y.log2(),
        y.log10(), y.sqrt(), y.rsqrt(), x.sin(), x.cos(), x.atan(), torch.atan2(x, y), x.erf(), x.sign(), x.floor(),
        x.ceil(), x.round(), x.trunc(), x.frac(), y.reciprocal(), x.expm1(), x.square(), x.clamp(0), x.clamp(max=0.3),
        x.clamp(-0.2, 0.2), x.clamp_min(0.1), torch.maximum(x, x * 2), torch.minimum(x, x * 2), x.tan(), x.sinh(),
        torch.where(x > 0, x, x * 0.5), x.masked_fill(x > 0, -1.0), (x > 0) & (x < 1), (x > 0) | (x < -1), ~(x > 0),
        (x >= 0.1) ^ (x <= 0.3), x == x, x != 0, x.lerp(x * 2, 0.3), torch.addcmul(x, x, x, value=0.5), x.isnan(),
        torch.addcdiv(x, x, y), x.float().double(), (x > 0).to(x.dtype) * x, torch.max(x, x * 2), x @ x.mT,
        torch.einsum("nchw,cd->ndhw", x, W[:3, :3, 0, 0]), torch.full_like(x, 3.0) + x, torch.zeros_like(x) + x,
        x.new_ones(13, 15) * x, torch.arange(15) * x, torch.linspace(0, 1, 15, dtype=torch.float64) * x,
        torch.eye(15) + x[:, :, :1, :], torch.nan_to_num(x / 0 * 0), x.clone().zero_() + x,
        F.cosine_similarity(x, x * 2 + 1, 1), torch.hstack([x, x]), torch.erfc(x), x.tile(1, 2, 1, 1),
    ]  # fmt: skip


def in_place(x: torch.Tensor) -> Iterator[torch.Tensor]:
    y = x.clone()
    y[:, 0] = 1.0
    y[:, 1:2, 2:5] *= 2
    y[:, :, ::3] = y[:, :, ::3] + 1
    y.relu_()
    y[:, :, 3] += x[:, :, 2]
    y.add_(1).mul_(2)
    y[y > 3] = 0.5
    yield y


def without_gradients(x: torch.Tensor) -> Iterator[torch.Tensor]:
    with torch.no_grad():
        scale = x.mean((2, 3), keepdim=True)
    yield x * scale + x.detach()


GROUPS: dict[str, Callable[[torch.Tensor], Results]] = {
    **{f.__name__: f for f in (convolutions, transposed, max_pools, average_pools, norms, attention, activations, pads,
                               reductions, shapes, arithmetic, in_place, without_gradients)},
    **{mode: interpolations(mode) for mode in ("nearest", "nearest-exact", "bilinear", "bicubic", "area")},
}  # fmt: skip


class Group(torch.nn.Module):
    """One group as a module in float64."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.function = GROUPS[name]
        self.unused = torch.nn.Parameter(torch.zeros(1, dtype=torch.float64))

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        return list(self.function(x))
