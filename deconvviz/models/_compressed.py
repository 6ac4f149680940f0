"""Reads the deep-compressed file of SqueezeNet 1.0: few weights left, 256 different values a layer, gaps of 4 bits.

The file: for each convolution the number n of weights that are left (uint32, little-endian); then for each one 256
float32 values, its biases (float32), n bytes that choose a value, and n gaps of 4 bits, the low half of a byte first.

Source: han2016compression
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from deconvviz.errors import WeightsError

CODEBOOK = 256
Kernel = tuple[int, int, int, int]


def decode(data: bytes, kernels: Sequence[Kernel], label: str = "the file") -> list[tuple[np.ndarray, np.ndarray]]:
    """(weight, bias) of every convolution.

    Formula: ``flat[i_j] = values[code_j]`` with ``i_j = sum_{k <= j} (gap_k + 1) - 1``, and 0 elsewhere.

    Args:
      data: the whole file.
      kernels: (out, in, rows, columns) of each convolution, in the order of the file.
      label: what to call the file in messages.

    Returns:
      float32 arrays of shape (out, in, rows, columns) and (out,).

    Raises:
      WeightsError: truncated, too long, or of another network.

    Source: han2016compression
    """
    head = 4 * len(kernels)
    if len(data) < head:
        raise _truncated(label, len(data), head)
    counts = [int(n) for n in np.frombuffer(data, "<u4", len(kernels))]
    for number, (count, kernel) in enumerate(zip(counts, kernels, strict=True), start=1):
        if count > math.prod(kernel):
            raise WeightsError(
                f"{label} is no compressed SqueezeNet, or it is damaged: it says that {count:,} weights of convolution "
                f"{number} are not 0, which has {math.prod(kernel):,}; get the file again"
            )
    sizes = [4 * (CODEBOOK + kernel[0]) + n + (n + 1) // 2 for n, kernel in zip(counts, kernels, strict=True)]
    if len(data) < head + sum(sizes):
        raise _truncated(label, len(data), head + sum(sizes))
    if len(data) > head + sum(sizes):
        raise WeightsError(
            f"{label} goes on after its end: it has {len(data):,} bytes, of which its own counts explain "
            f"{head + sum(sizes):,}; get the file again"
        )
    arrays, at = [], head
    for count, size, kernel in zip(counts, sizes, kernels, strict=True):
        arrays.append(_convolution(data[at : at + size], count, kernel, label))
        at += size
    return arrays


def _convolution(data: bytes, count: int, kernel: Kernel, label: str) -> tuple[np.ndarray, np.ndarray]:
    numbers = np.frombuffer(data, "<f4", CODEBOOK + kernel[0])
    rest = np.frombuffer(data, np.uint8, offset=numbers.nbytes)
    codes, packed = rest[:count], rest[count:]
    gaps = np.stack([packed & 15, packed >> 4], axis=1).reshape(-1)[:count]
    places = np.cumsum(gaps.astype(np.int64) + 1) - 1
    if count and places[-1] >= math.prod(kernel):
        raise WeightsError(f"{label} is damaged: a weight lies behind the end of its convolution; get the file again")
    flat = np.zeros(math.prod(kernel), np.float32)
    flat[places] = numbers[:CODEBOOK][codes]
    return flat.reshape(kernel), numbers[CODEBOOK:].astype(np.float32)


def _truncated(label: str, actual: int, expected: int) -> WeightsError:
    return WeightsError(f"{label} is truncated: {actual:,} of {expected:,} bytes; get the file again")
