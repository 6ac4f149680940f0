"""Upsampling as its three definitions say, cell by cell; maps (h, w, C_in), kernels (taps, taps, C_in, C_out)."""

from __future__ import annotations

import numpy as np


def transposed(x: np.ndarray, kernel: np.ndarray, s: int) -> np.ndarray:
    """Every cell lays the kernel, times its values, over 3 s x 3 s pixels; what falls off the picture is dropped."""
    rows, columns = x.shape[:2]
    out = np.zeros((s * rows, s * columns, kernel.shape[3]))
    for u in range(rows):
        for v in range(columns):
            for i in range(3 * s):
                for j in range(3 * s):
                    r, c = s * u + i - s, s * v + j - s
                    if 0 <= r < s * rows and 0 <= c < s * columns:
                        out[r, c] += x[u, v] @ kernel[i, j]
    return out


def unpool(x: np.ndarray, kernel: np.ndarray, s: int) -> np.ndarray:
    """Values into upper left corners of blocks of zeros, then the convolution."""
    out = np.zeros((s * x.shape[0], s * x.shape[1], x.shape[2]))
    for u in range(x.shape[0]):
        for v in range(x.shape[1]):
            out[s * u, s * v] = x[u, v]
    return convolved(out, kernel)


def resize(x: np.ndarray, kernel: np.ndarray, s: int) -> np.ndarray:
    """Values repeated over blocks, then the convolution."""
    out = np.zeros((s * x.shape[0], s * x.shape[1], x.shape[2]))
    for r in range(out.shape[0]):
        for c in range(out.shape[1]):
            out[r, c] = x[r // s, c // s]
    return convolved(out, kernel)


def convolved(x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """What networks call a convolution, with an odd number of taps and zeros around, same size."""
    half = kernel.shape[0] // 2
    out = np.zeros((*x.shape[:2], kernel.shape[3]))
    for r in range(x.shape[0]):
        for c in range(x.shape[1]):
            for i in range(kernel.shape[0]):
                for j in range(kernel.shape[1]):
                    a, b = r + i - half, c + j - half
                    if 0 <= a < x.shape[0] and 0 <= b < x.shape[1]:
                        out[r, c] += x[a, b] @ kernel[i, j]
    return out


UPSAMPLERS = {"transposed": transposed, "unpool": unpool, "resize": resize}


def decode(arrays: dict[str, np.ndarray], features: np.ndarray, factors: list[int], upsampler: str) -> np.ndarray:
    """One picture (h, w, C) -> (H, W, 3), before clipping: normalize, stage after stage, leaky ReLU between them."""
    x = (features - arrays["mean"]) / np.maximum(arrays["std"], 1e-3)
    for number, factor in enumerate(factors, start=1):
        kernel, bias = arrays[f"stage{number}.kernel"], arrays[f"stage{number}.bias"]
        x = (convolved(x, kernel) if factor == 1 else UPSAMPLERS[upsampler](x, kernel, factor)) + bias
        if number < len(factors):
            x = np.where(x > 0, x, 0.2 * x)
    return 0.5 + 0.25 * x
