"""The layers that the printed programs name, computed by this project's operators with weights drawn from a seed.

Neither TensorFlow nor PyTorch is needed to see where the programs stop: a layer is a function from (N, H, W, C) to
(N, H', W', C'), and the shapes follow from the operators. Where sizes are large only the shapes are computed.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from deconvviz.ops import ConvGeometry, conv, conv_adjoint, max_pool
from deconvviz.ops.upsample import resize_nearest, transposed_conv
from deconvviz.types import Array, Size

ACTIVATIONS: dict[Any, Callable[[Array], Array]] = {
    None: lambda x: x,
    "relu": jax.nn.relu,
    "sigmoid": jax.nn.sigmoid,
    "softmax": jax.nn.softmax,
}


def drawn(*shape: int) -> np.ndarray:
    """Weights of that shape, always the same."""
    return np.random.default_rng(shape).standard_normal(shape).astype(np.float32) / np.sqrt(np.prod(shape[:-1]))


class Layer:
    """A layer of Keras by its name and its arguments; an unknown argument is an error, as there."""

    def __init__(
        self,
        filters: int = 0,
        kernel_size: Size = (3, 3),
        strides: int = 1,
        padding: str = "valid",
        activation: str | None = None,
        input_shape: Sequence[int] | None = None,
    ) -> None:
        self.filters, self.kernel, self.stride = filters, kernel_size, strides
        self.same, self.after, self.input_shape = padding == "same", ACTIVATIONS[activation], input_shape

    def __call__(self, x: Array) -> Array:
        return self.after(self.linear(x))

    def linear(self, x: Array) -> Array:
        """What the layer does before its activation."""
        raise NotImplementedError


class Conv2D(Layer):
    """A convolution; "same" is padded so that the size is divided by the stride."""

    def linear(self, x: Array) -> Array:
        w = drawn(*self.kernel, x.shape[-1], self.filters)
        return conv(x, w, ConvGeometry(self.stride, "SAME" if self.same else 0))


class Conv2DTranspose(Layer):
    """A transposed convolution; "same" multiplies the size by the stride."""

    def linear(self, x: Array) -> Array:
        w = drawn(*self.kernel, self.filters, x.shape[-1])
        if self.same:
            size = (x.shape[1] * self.stride, x.shape[2] * self.stride)
            return conv_adjoint(x, w, ConvGeometry(self.stride, "SAME"), size)
        return transposed_conv(x, w, self.stride)


class MaxPooling2D:
    """Maximum pooling whose stride is its window."""

    def __init__(self, pool_size: Size = (2, 2), padding: str = "valid") -> None:
        self.window, self.input_shape = pool_size, None

    def __call__(self, x: Array) -> Array:
        return max_pool(x, self.window)[0]


class UpSampling2D:
    """Every value repeated, by default twice along rows and columns."""

    def __init__(self, size: Size = (2, 2)) -> None:
        self.factor, self.input_shape = size[0], None

    def __call__(self, x: Array) -> Array:
        return resize_nearest(x, self.factor)


class Add:
    """The sum of two maps; of one size, or of sizes that NumPy's rules stretch."""

    def __call__(self, maps: Sequence[Array]) -> Array:
        first, second = maps
        return jnp.add(first, second)


class Sequential:
    """Layers in a chain; `shapes` are those after every layer, computed and never allocated.

    >>> chain = Sequential([Conv2D(4, (3, 3), input_shape=(9, 9, 1)), MaxPooling2D()])
    >>> chain.shapes
    [(9, 9, 1), (7, 7, 4), (3, 3, 4)]
    """

    def __init__(self, layers: Sequence[Any] = ()) -> None:
        self.shapes: list[tuple[int, ...]] = []
        for layer in layers:
            self.add(layer)

    def add(self, layer: Any) -> None:
        """Put a layer at the end."""
        if not self.shapes:
            self.shapes.append(tuple(layer.input_shape))
        self.shapes.append(shape_after(layer, self.shapes[-1]))

    def fit(self, x: jax.ShapeDtypeStruct, y: jax.ShapeDtypeStruct, **_: Any) -> None:
        """Compare scores with labels number by number, as binary cross-entropy does: their shapes must agree."""
        scores = jax.ShapeDtypeStruct((x.shape[0], *self.shapes[-1]), jnp.float32)
        jax.eval_shape(lambda p, t: -(t * jnp.log(p) + (1 - t) * jnp.log(1 - p)).mean(), scores, y)


def shape_after(layer: Any, *shapes: Sequence[int]) -> tuple[int, ...]:
    """Shape of a layer's output for inputs of these shapes, all without the batch axis.

    >>> shape_after(Conv2DTranspose(2, (3, 3), strides=2, padding="same"), (5, 6, 1))
    (10, 12, 2)
    """
    inputs = [jax.ShapeDtypeStruct((1, *shape), jnp.float32) for shape in shapes]
    return tuple(int(n) for n in jax.eval_shape(layer, *inputs).shape[1:])


def cross_entropy(scores: Array, labels: np.ndarray) -> Array:
    """PyTorch's: minus the logarithm of the share that the softmax over the channels gives the true class, the mean.

    Args:
      scores: (N, C, H, W), the channels second.
      labels: (N, H, W) class of every pixel.
    """
    shares = jax.nn.log_softmax(jnp.asarray(scores), axis=1)
    return -jnp.take_along_axis(shares, jnp.asarray(labels)[:, None], axis=1).mean()


def conv_transpose2d(x: Array, w: Array, stride: int = 2, padding: int = 1) -> Array:
    """PyTorch's `ConvTranspose2d` without bias: (N, I, H, W) with a kernel (I, O, kh, kw) -> (N, O, H', W')."""
    spread = transposed_conv(jnp.moveaxis(jnp.asarray(x), 1, -1), jnp.transpose(w, (2, 3, 1, 0)), stride, padding)
    return jnp.moveaxis(spread, -1, 1)


def keras_layers() -> types.ModuleType:
    """A module with the layers of Keras that are named here, to import them from."""
    module = types.ModuleType("tensorflow.keras.layers")
    for layer in (Conv2D, Conv2DTranspose, MaxPooling2D, UpSampling2D, Add):
        setattr(module, layer.__name__, layer)
    return module
