"""A network of three layers that one can see through, forward and backward: convolution, rectifier, weighted sum."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import jax
import jax.numpy as jnp
import numpy as np

from deconvviz.ops import ConvGeometry, LinearMap, conv, conv_adjoint
from deconvviz.types import Array
from lessons._kit.form.i18n import mark
from lessons._kit.numbers import toy_arrays

Cell = tuple[int, int]
#: The pictures are doubled and an odd number is added: no z is 0, where the rectifier has no derivative.
TIMES, BIAS = 2, -1.0
#: How far a pixel is nudged; small enough that no z changes its sign, and exact in floating point.
STEP = 1 / 64
#: Name in the URL -> (name on screen, rows).
KERNELS = toy_arrays.KERNELS | {"ones": (mark("nine ones"), [[1, 1, 1], [1, 1, 1], [1, 1, 1]])}


@dataclass(frozen=True, eq=False)
class Chain:
    """The network with its input.

    Attributes:
      x: (1, H, W, 1).
      w: (kh, kw, 1, 1).
      stride: of the convolution.
      v: (1, H', W', 1): the weights of the score.
    """

    x: np.ndarray
    w: np.ndarray
    stride: int
    v: np.ndarray

    @property
    def geometry(self) -> ConvGeometry:
        """How the kernel slides."""
        return ConvGeometry(self.stride)

    def through(self, x: Array) -> tuple[jax.Array, jax.Array, jax.Array]:
        """(z, r, score) of pictures (N, H, W, 1): what every layer puts out."""
        z = conv(x, self.w, self.geometry) + BIAS
        r = jnp.maximum(z, 0)
        return z, r, jnp.sum(self.v * r, axis=(1, 2, 3))

    @cached_property
    def forward(self) -> tuple[np.ndarray, np.ndarray, float]:
        """(z, r, score) of the picture."""
        z, r, score = self.through(self.x)
        return np.asarray(z), np.asarray(r), float(score[0])

    @cached_property
    def gates(self) -> np.ndarray:
        """1 where the rectifier lets a change through, 0 where it stops it, (1, H', W', 1)."""
        return (self.forward[0] > 0).astype(np.float32)

    @cached_property
    def backward(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The derivative of the score by r, by z and by x: the adjoint of each layer, the last layer first."""
        by_r = self.v
        by_z = self.gates * by_r
        by_x = conv_adjoint(by_z, self.w, self.geometry, (self.x.shape[1], self.x.shape[2]))
        return by_r, by_z, np.asarray(by_x)


def weights(readout: str, size: Cell) -> np.ndarray:
    """The weights of the score: every r counts once, or only the one in the middle.

    >>> weights("one", (2, 3))[0, :, :, 0].tolist()
    [[0.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    """
    v = np.full((1, *size, 1), float(readout == "sum"), np.float32)
    v[0, size[0] // 2, size[1] // 2] = 1
    return v


def chain(picture: str, kernel: str, stride: int, readout: str) -> Chain:
    """The network of these choices."""
    x, w = TIMES * toy_arrays.picture(picture), np.array(KERNELS[kernel][1], np.float32)[:, :, None, None]
    return Chain(x, w, stride, weights(readout, ConvGeometry(stride).output_size(toy_arrays.SIZE, w.shape[:2])))


def nudged(network: Chain) -> np.ndarray:
    """(score with one pixel raised by `STEP` − score) / `STEP` for each pixel, by forward passes, (1, H, W, 1)."""
    size = network.x.size
    each = STEP * np.eye(size, dtype=np.float32).reshape(size, *network.x.shape[1:])
    scores = np.asarray(network.through(network.x + each)[2])
    return ((scores - network.forward[2]) / STEP).reshape(network.x.shape)


def paths(network: Chain, cell: Cell) -> list[tuple[Cell, float, float, float]]:
    """All ways from a pixel to the score: (cell of z, weight of the kernel, gate, weight of the score)."""
    rows, columns = network.v.shape[1:3]
    kh, kw = network.w.shape[:2]
    result = []
    for u in range(rows):
        for v in range(columns):
            i, j = cell[0] - network.stride * u, cell[1] - network.stride * v
            if 0 <= i < kh and 0 <= j < kw:
                gate, last = float(network.gates[0, u, v, 0]), float(network.v[0, u, v, 0])
                result.append(((u, v), float(network.w[i, j, 0, 0]), gate, last))
    return result


def path_sum(network: Chain) -> np.ndarray:
    """The product of the factors along each path, added up over the paths of each pixel, (1, H, W, 1)."""
    total = np.zeros_like(network.x)
    for cell in np.ndindex(*network.x.shape[1:3]):
        total[0, *cell, 0] = sum(w * gate * v for _, w, gate, v in paths(network, (cell[0], cell[1])))
    return total


def derivative(network: Chain) -> np.ndarray:
    """The gradient that JAX finds by itself (`jax.grad`), (1, H, W, 1)."""
    return np.asarray(jax.grad(lambda x: network.through(x)[2][0])(network.x))


def two_layers(network: Chain) -> LinearMap:
    """Convolution and rectifier as one map, the gates held as they are: forward, and the adjoints in reverse order."""
    size, gates = (network.x.shape[1], network.x.shape[2]), jnp.asarray(network.gates)
    return LinearMap(
        lambda x: gates * conv(x, network.w, network.geometry),
        lambda g: conv_adjoint(gates * g, network.w, network.geometry, size),
        network.x.shape,
        network.v.shape,
    )
