"""The enhancing network written out: every product of a tap with a pixel."""

from __future__ import annotations

import numpy as np

from reference.decoder_loops import convolved
from reference.upsample_loops import transposed_conv

Arrays = dict[str, np.ndarray]


def strided(x: np.ndarray, kernel: np.ndarray, channels: int) -> np.ndarray:
    """The first layer as what it is: 6x6 taps over the picture, moved by two pixels, two rows of zeros around.

    Args:
      x: (H, W, C).
      kernel: (3, 3, 4 C, O), as stored: 3x3 over blocks of 2x2 pixels, the row in the block first, then the column.
      channels: C.
    """
    height, width = x.shape[:2]
    out = np.zeros((height // 2, width // 2, kernel.shape[3]))
    for u, v in np.ndindex(*out.shape[:2]):
        for i, j in np.ndindex(6, 6):
            r, s = 2 * u - 2 + i, 2 * v - 2 + j
            if 0 <= r < height and 0 <= s < width:
                part = (i % 2 * 2 + j % 2) * channels
                out[u, v] += x[r, s] @ kernel[i // 2, j // 2, part : part + channels]
    return out


def enlarged(x: np.ndarray, kernel: np.ndarray, padding: int) -> np.ndarray:
    """Transposed convolution of stride 2, cut at the top and left by the padding, to twice the size."""
    whole = transposed_conv(x[None], kernel, (2, 2), (0, 0))[0]
    whole = np.pad(whole, [(0, 2), (0, 2), (0, 0)])
    return whole[padding : padding + 2 * x.shape[0], padding : padding + 2 * x.shape[1]]


def enhanced(arrays: Arrays, x: np.ndarray, depth: int, blocks: int, fusion: str) -> np.ndarray:
    """One picture (H, W, 1) through the network; batch normalization where `norms.0.mean` is among the arrays."""
    y = np.maximum(strided(x, arrays["encode.kernel"], 1) + arrays["encode.bias"], 0)
    for n in range(depth):
        y = convolved(y, arrays[f"body.{n}.kernel"]) + arrays[f"body.{n}.bias"]
        if f"norms.{n}.mean" in arrays:
            mean, var, scale, bias = (arrays[f"norms.{n}.{name}"] for name in ("mean", "var", "scale", "bias"))
            y = (y - mean) / np.sqrt(var + 1e-5) * scale + bias
        y = np.maximum(y, 0)
        if n == 0 and blocks:
            y = y + deeper({k.removeprefix("deeper.0."): v for k, v in arrays.items()}, y, blocks)
    d = enlarged(y, arrays["decode.kernel"], 1) + arrays["decode.bias"]
    if fusion == "add":
        return x + d
    if fusion == "weighted":
        return arrays["weights"][0] * x + arrays["weights"][1] * d
    if fusion == "concatenate":
        return convolved(np.concatenate([x, d], axis=2), arrays["fuse.kernel"]) + arrays["fuse.bias"]
    return d


def deeper(arrays: Arrays, x: np.ndarray, blocks: int) -> np.ndarray:
    """What the quarter resolution adds."""
    height, width, channels = x.shape
    y = np.zeros((height // 2, width // 2, arrays["down.bias"].size))
    for u, v in np.ndindex(*y.shape[:2]):
        block = np.concatenate([x[2 * u + a, 2 * v + b] for a in (0, 1) for b in (0, 1)])
        y[u, v] = block @ arrays["down.kernel"] + arrays["down.bias"]
    assert channels * 4 == arrays["down.kernel"].shape[0]
    for n in range(blocks):
        inner = np.maximum(convolved(y, arrays[f"first.{n}.kernel"]) + arrays[f"first.{n}.bias"], 0)
        y = y + convolved(inner, arrays[f"second.{n}.kernel"]) + arrays[f"second.{n}.bias"]
    return enlarged(y, arrays["up.kernel"], 0) + arrays["up.bias"]
