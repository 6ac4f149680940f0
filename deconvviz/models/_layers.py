"""Flax layers that take their weights from arrays in PyTorch's layout, and the steps between them.

A network is described by its layers (`Conv`, `Norm`, `Dense`), each with the name that papers give it and the name
under which torchvision stores it, and by a function that runs them. Nothing is drawn at random.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import lax

from deconvviz.ops.pool import ceil_padding

Arrays = Mapping[str, np.ndarray]
Shapes = dict[str, tuple[int, ...]]
Layers = Mapping[str, Callable[[Any], Any]]


@dataclass(frozen=True)
class Conv:
    """A convolution with square kernels; `stored` holds "weight" (out, in, k, k), and "bias" (out,) if there is one."""

    name: str
    stored: str
    inputs: int
    outputs: int
    kernel: int
    stride: int = 1
    padding: int = 0
    bias: bool = True

    def shapes(self) -> Shapes:
        """Names and shapes as stored."""
        weight = {f"{self.stored}.weight": (self.outputs, self.inputs, self.kernel, self.kernel)}
        return weight | ({f"{self.stored}.bias": (self.outputs,)} if self.bias else {})

    def make(self, arrays: Arrays, rngs: nnx.Rngs) -> nnx.Module:
        """The Flax layer with these arrays."""
        return nnx.Conv(
            self.inputs, self.outputs, (self.kernel, self.kernel), strides=(self.stride, self.stride),
            padding=((self.padding, self.padding),) * 2, use_bias=self.bias,
            kernel_init=lambda *_: jax.device_put(arrays[f"{self.stored}.weight"].transpose(2, 3, 1, 0)),
            bias_init=lambda *_: jax.device_put(arrays[f"{self.stored}.bias"]), rngs=rngs,
        )  # fmt: skip


@dataclass(frozen=True)
class Norm:
    """Batch normalization in inference; `stored` holds "weight", "bias", "running_mean" and "running_var" (c,)."""

    name: str
    stored: str
    channels: int

    def shapes(self) -> Shapes:
        """Names and shapes as stored."""
        return {f"{self.stored}.{part}": (self.channels,) for part in ("weight", "bias", "running_mean", "running_var")}

    def make(self, arrays: Arrays, rngs: nnx.Rngs) -> nnx.Module:
        """The Flax layer with these arrays."""
        weight, bias, mean, variance = (jax.device_put(arrays[name]) for name in self.shapes())
        norm = nnx.BatchNorm(
            self.channels, use_running_average=True, scale_init=lambda *_: weight, bias_init=lambda *_: bias, rngs=rngs
        )
        norm.mean, norm.var = nnx.BatchStat(mean), nnx.BatchStat(variance)
        return norm


@dataclass(frozen=True)
class Dense:
    """A dense layer; `stored` holds "weight" (out, in) and "bias" (out,)."""

    name: str
    stored: str
    inputs: int
    outputs: int

    def shapes(self) -> Shapes:
        """Names and shapes as stored."""
        return {f"{self.stored}.weight": (self.outputs, self.inputs), f"{self.stored}.bias": (self.outputs,)}

    def make(self, arrays: Arrays, rngs: nnx.Rngs) -> nnx.Module:
        """The Flax layer with these arrays."""
        return nnx.Linear(
            self.inputs, self.outputs, kernel_init=lambda *_: jax.device_put(arrays[f"{self.stored}.weight"].T),
            bias_init=lambda *_: jax.device_put(arrays[f"{self.stored}.bias"]), rngs=rngs,
        )  # fmt: skip


Part = Conv | Norm | Dense


class Classifier(nnx.Module):
    """A Flax NNX module: layers by name, and the function that runs them on (N, H, W, 3) model input."""

    def __init__(self, parts: Iterable[Part], run: Callable[[Layers, Any], Any], arrays: Arrays) -> None:
        rngs = nnx.Rngs(0)  # asked for by Flax, drawn from by no one
        self.layers = nnx.Dict({part.name: part.make(arrays, rngs) for part in parts})
        self.run = run

    def __call__(self, x: Any) -> Any:
        """(N, classes) scores."""
        return self.run(self.layers, x)


def shapes_of(parts: Iterable[Part]) -> Shapes:
    """Names and shapes of all arrays of a network, as torchvision stores them.

    >>> shapes_of([Conv("conv1", "features.0", 3, 8, 5)])
    {'features.0.weight': (8, 3, 5, 5), 'features.0.bias': (8,)}
    """
    return {name: shape for part in parts for name, shape in part.shapes().items()}


def step(name: str, function: Callable[[Any], Any], x: Any) -> Any:
    """``function(x)`` under a layer name."""
    with jax.named_scope(name):
        return function(x)


def relu(name: str, x: Any) -> Any:
    """A ReLU under a layer name."""
    return step(name, jax.nn.relu, x)


def max_pool(name: str, x: Any, window: int, stride: int, padding: int = 0, ceil: bool = False) -> Any:
    """Max pooling under a layer name; `ceil` rounds the output size up, as Caffe does."""
    pads: Any = ((padding, padding),) * 2
    if ceil:
        pads = ceil_padding(x.shape[1:3], window, stride, padding)
    size, steps = (1, window, window, 1), (1, stride, stride, 1)
    return step(name, lambda x: lax.reduce_window(x, -jnp.inf, lax.max, size, steps, ((0, 0), *pads, (0, 0))), x)


def average_to(name: str, x: Any, size: int) -> Any:
    """Averages a map to `size` x `size` cells, which overlap where it does not divide; one of that size stays.

    Formula: cell i of n rows is the mean of rows ``floor(i n / size)`` to ``ceil((i + 1) n / size) - 1``.
    """
    if x.shape[1:3] == (size, size):
        return x
    rows, columns = (jnp.asarray(_cells(n, size), x.dtype) for n in x.shape[1:3])
    return step(name, lambda x: jnp.einsum("ih,nhwc,jw->nijc", rows, x, columns), x)


def _cells(count: int, size: int) -> np.ndarray:
    """(size, count) weights of the means along one axis; every row sums to 1."""
    weights = np.zeros((size, count))
    for i in range(size):
        low, high = i * count // size, math.ceil((i + 1) * count / size)
        weights[i, low:high] = 1 / (high - low)
    return weights


def three_dense(layers: Layers, x: Any) -> Any:
    """The head of AlexNet and VGG: fc6, fc7 with ReLU, and fc8, on a map in the order channel, row, column."""
    x = x.transpose(0, 3, 1, 2).reshape(x.shape[0], -1)
    x = relu("relu6", step("fc6", layers["fc6"], x))
    x = relu("relu7", step("fc7", layers["fc7"], x))
    return step("fc8", layers["fc8"], x)
