"""VGG, ResNet and SqueezeNet step by step from arrays under torchvision's names, and the compressed file byte by byte.

Kernels are (out, in, rows, columns), maps NHWC.
"""

from __future__ import annotations

import math
import struct

import numpy as np

from reference import conv_loops, pool_loops

Arrays = dict[str, np.ndarray]


def conv(arrays: Arrays, name: str, x: np.ndarray, stride: int = 1, padding: int = 0) -> np.ndarray:
    """A convolution with the bias, if there is one."""
    kernel = arrays[f"{name}.weight"].transpose(2, 3, 1, 0)
    y = conv_loops.conv(x, kernel, (stride,) * 2, ((padding,) * 2,) * 2, (1, 1), 1)
    return y + arrays.get(f"{name}.bias", 0.0)


def norm(arrays: Arrays, name: str, x: np.ndarray) -> np.ndarray:
    """Batch normalization with stored statistics."""
    weight, bias, mean, var = (arrays[f"{name}.{part}"] for part in ("weight", "bias", "running_mean", "running_var"))
    y = np.empty_like(x)
    for c in range(x.shape[-1]):
        y[..., c] = (x[..., c] - mean[c]) / math.sqrt(var[c] + 1e-5) * weight[c] + bias[c]
    return y


def ceil_pool(x: np.ndarray) -> np.ndarray:
    """3x3 max pooling of stride 2 whose last window may reach over the end."""
    pads = tuple((0, max(0, (pool_loops.ceil_output(n, 3, 2, 0, 0) - 1) * 2 + 3 - n)) for n in x.shape[1:3])
    return pool_loops.max_pool(x, (3, 3), (2, 2), pads)[0]


def average_to(x: np.ndarray, size: int) -> np.ndarray:
    """The mean of every cell of a size x size grid over the map; cells reach to whole rows and columns.

    >>> average_to(np.arange(3.0).reshape(1, 1, 3, 1), 2)[0, 0, :, 0].tolist()
    [0.5, 1.5]
    """
    n, height, width, channels = x.shape
    y = np.zeros((n, size, size, channels))
    for i, j in np.ndindex(size, size):
        rows = range(math.floor(i * height / size), math.ceil((i + 1) * height / size))
        columns = range(math.floor(j * width / size), math.ceil((j + 1) * width / size))
        y[:, i, j] = np.mean([x[:, r, c] for r in rows for c in columns], axis=0)
    return y


def vgg(arrays: Arrays, plan: tuple[int, ...], normed: bool, x: np.ndarray) -> np.ndarray:
    """Scores of a VGG."""
    index = 0
    for count in plan:
        for _ in range(count):
            x = conv(arrays, f"features.{index}", x, padding=1)
            if normed:
                x = norm(arrays, f"features.{index + 1}", x)
                index += 1
            x, index = np.maximum(x, 0), index + 2
        x, index = pool_loops.max_pool(x, (2, 2), (2, 2), ((0, 0), (0, 0)))[0], index + 1
    x = average_to(x, 7)
    flat = np.array([[image[r, c, k] for k in range(x.shape[3]) for r in range(7) for c in range(7)] for image in x])
    for name in ("classifier.0", "classifier.3"):
        flat = np.maximum(flat @ arrays[f"{name}.weight"].T + arrays[f"{name}.bias"], 0)
    return flat @ arrays["classifier.6.weight"].T + arrays["classifier.6.bias"]


def resnet(arrays: Arrays, counts: tuple[int, ...], convs: int, x: np.ndarray) -> np.ndarray:
    """Scores of a ResNet."""
    x = np.maximum(norm(arrays, "bn1", conv(arrays, "conv1", x, 2, 3)), 0)
    x = pool_loops.max_pool(x, (3, 3), (2, 2), ((1, 1), (1, 1)))[0]
    for stage, count in enumerate(counts, start=1):
        for i in range(count):
            block, stride = f"layer{stage}.{i}", 2 if stage > 1 and i == 0 else 1
            y = x
            for k in range(1, convs + 1):
                size = arrays[f"{block}.conv{k}.weight"].shape[2]
                strided = size == 3 and (k == 1 or convs == 3)
                y = conv(arrays, f"{block}.conv{k}", y, stride if strided else 1, 1 if size == 3 else 0)
                y = norm(arrays, f"{block}.bn{k}", y)
                y = np.maximum(y, 0) if k < convs else y
            if f"{block}.downsample.0.weight" in arrays:
                x = norm(arrays, f"{block}.downsample.1", conv(arrays, f"{block}.downsample.0", x, stride))
            x = np.maximum(x + y, 0)
    return x.mean(axis=(1, 2)) @ arrays["fc.weight"].T + arrays["fc.bias"]


def squeezenet(arrays: Arrays, order: str, last_padding: int, x: np.ndarray) -> np.ndarray:
    """Scores of a SqueezeNet; `order` says what follows conv1: "p" a pool, "f" a fire module."""
    x, index = np.maximum(conv(arrays, "features.0", x, 2), 0), 2
    for what in order:
        if what == "p":
            x = ceil_pool(x)
        else:
            squeezed = np.maximum(conv(arrays, f"features.{index}.squeeze", x), 0)
            one = np.maximum(conv(arrays, f"features.{index}.expand1x1", squeezed), 0)
            three = np.maximum(conv(arrays, f"features.{index}.expand3x3", squeezed, padding=1), 0)
            x = np.concatenate([one, three], axis=3)
        index += 1
    return np.maximum(conv(arrays, "classifier.1", x, padding=last_padding), 0).mean(axis=(1, 2))


def decompress(data: bytes, kernels: list[tuple[int, int, int, int]]) -> list[tuple[np.ndarray, np.ndarray]]:
    """(weight, bias) of every convolution of a compressed file, one weight at a time."""
    counts = struct.unpack(f"<{len(kernels)}I", data[: 4 * len(kernels)])
    at, found = 4 * len(kernels), []
    for count, kernel in zip(counts, kernels, strict=True):
        values = struct.unpack("<256f", data[at : at + 1024])
        at += 1024
        bias = struct.unpack(f"<{kernel[0]}f", data[at : at + 4 * kernel[0]])
        at += 4 * kernel[0]
        codes, at = data[at : at + count], at + count
        packed, at = data[at : at + (count + 1) // 2], at + (count + 1) // 2
        weight, place = np.zeros(math.prod(kernel)), -1
        for i in range(count):
            place += (packed[i // 2] >> (4 * (i % 2)) & 15) + 1
            weight[place] = values[codes[i]]
        found.append((weight.reshape(kernel), np.array(bias)))
    return found
