"""A linear map together with its claimed adjoint, and two tests of the claim.

The dot test compares two numbers for random arrays; the dense matrix shows the map itself, so that its transpose can be
held against the adjoint entry by entry.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from deconvviz.errors import GeometryError
from deconvviz.ops._sizes import Padding, check_shape
from deconvviz.ops.conv import ConvGeometry, conv, conv_adjoint
from deconvviz.ops.pool import avg_pool, avg_pool_adjoint, max_unpool, take_switches
from deconvviz.types import Array, Size

#: Largest number of entries of a dense matrix: 16 MB in float32.
MAX_ENTRIES = 4_000_000


@dataclass(frozen=True)
class LinearMap:
    """A linear function on arrays, what is claimed to be its adjoint, and the shapes of both ends.

    Args:
      forward: A, from arrays of `input_shape` to arrays of `output_shape`.
      adjoint: A', from the output to the input.
      input_shape: shape of x, batch axis and all.
      output_shape: shape of A x.

    >>> double = LinearMap(lambda x: 2 * x, lambda y: 2 * y, (1, 2, 3, 1), (1, 2, 3, 1))
    >>> double.dense().shape, double.dot_test() < 1e-6
    ((6, 6), True)
    """

    forward: Callable[[jax.Array], jax.Array]
    adjoint: Callable[[jax.Array], jax.Array]
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]

    def __call__(self, x: Array) -> jax.Array:
        """A x."""
        return self.forward(jnp.asarray(x))

    @property
    def transpose(self) -> LinearMap:
        """The adjoint as a map whose adjoint is this one."""
        return LinearMap(self.adjoint, self.forward, self.output_shape, self.input_shape)

    def dense(self, dtype: np.dtype | type = np.float32) -> np.ndarray:
        """The matrix A: one column for each entry of x, one row for each of A x, both in C order.

        Built from the forward function alone, column by column, so that ``self.transpose.dense()`` is independent.

        Args:
          dtype: np.float32, or np.float64 inside ``jax.enable_x64(True)``.

        Returns:
          (outputs, inputs) array.

        Raises:
          GeometryError: above `MAX_ENTRIES` entries.

        >>> conv_map(np.ones((1, 2, 1, 1)), ConvGeometry(), (1, 3)).dense().tolist()
        [[1.0, 1.0, 0.0], [0.0, 1.0, 1.0]]
        """
        rows, columns = math.prod(self.output_shape), math.prod(self.input_shape)
        if rows * columns > MAX_ENTRIES:
            raise GeometryError(
                f"the dense matrix from {self.input_shape} to {self.output_shape} would have {rows} x {columns} = "
                f"{rows * columns} entries, more than {MAX_ENTRIES}: take a smaller input or fewer channels"
            )
        units = jnp.eye(columns, dtype=dtype).reshape(columns, *self.input_shape)
        return np.asarray(jax.vmap(self.forward)(units)).reshape(columns, rows).T

    def dot_test(self, seed: int = 0, dtype: np.dtype | type = np.float32) -> float:
        """Relative gap between ``<A x, y>`` and ``<x, A' y>`` for normal random x and y: rounding if A' is the adjoint.

        Formula: ``|<A x, y> - <x, A' y>| / (|A x| |y|)``, the products summed in float64. The gap is divided by the
        norms, not by the inner product, which may come close to zero by chance and then cries wolf. If A x vanishes
        the other side's norms are taken; if both vanish, the gap is 0.

        Args:
          seed: of the random arrays.
          dtype: np.float32, or np.float64 inside ``jax.enable_x64(True)``.

        Returns:
          The gap, 0 or more; NaN if the map gives NaN.

        Raises:
          GeometryError: if forward or adjoint gives another shape than declared.

        Source: ravasi2020pylops

        >>> right = conv_map(np.ones((2, 2, 1, 3)), ConvGeometry(stride=2), (5, 6))
        >>> wrong = LinearMap(right.forward, lambda y: -right.adjoint(y), right.input_shape, right.output_shape)
        >>> right.dot_test() < 1e-6, wrong.dot_test() > 1e-2
        (True, True)
        """
        random = np.random.default_rng(seed)
        x, y = (random.standard_normal(shape).astype(dtype) for shape in (self.input_shape, self.output_shape))
        up, down = self.forward(jnp.asarray(x)), self.adjoint(jnp.asarray(y))
        check_shape("the result of forward", up, self.output_shape, "the declared output")
        check_shape("the result of adjoint", down, self.input_shape, "the declared input")
        flat = [np.asarray(array, np.float64).ravel() for array in (x, y, up, down)]
        gap = abs(float(flat[2] @ flat[1] - flat[0] @ flat[3]))
        scales = [float(np.linalg.norm(a) * np.linalg.norm(b)) for a, b in ((flat[2], flat[1]), (flat[0], flat[3]))]
        scale = scales[0] or scales[1]
        return gap / scale if scale else 0.0


def conv_map(
    w: Array,
    geometry: ConvGeometry,
    input_size: int | Size,
    batch: int = 1,
    adjoint: Callable[[Array, Array, ConvGeometry, int | Size], jax.Array] = conv_adjoint,
) -> LinearMap:
    """A convolution with this kernel as a linear map of its input.

    Args:
      w: (kh, kw, I, O) kernel.
      geometry: stride, padding, dilation, groups.
      input_size: (height, width) of the input.
      batch: number of images.
      adjoint: the claimed adjoint: `conv_adjoint` or `conv_vjp`.

    Returns:
      The map from (batch, height, width, groups * I).

    Raises:
      GeometryError: if kernel and geometry do not fit this input.

    >>> conv_map(np.ones((3, 3, 2, 5)), ConvGeometry(stride=2), (9, 8)).output_shape
    (1, 4, 3, 5)
    """
    w = jnp.asarray(w)
    size = (input_size, input_size) if isinstance(input_size, int) else input_size
    shape = (batch, *size, w.shape[2] * geometry.groups if w.ndim == 4 else 0)
    return _map(lambda x: conv(x, w, geometry), lambda g: adjoint(g, w, geometry, size), shape)


def max_pool_map(switches: Array, input_size: Size) -> LinearMap:
    """Max pooling with its switches held fixed, as a linear map; unpooling is its adjoint.

    Args:
      switches: (N, H', W', C) from `max_pool`.
      input_size: (height, width) of what was pooled.

    Returns:
      The map from (N, height, width, C).

    Raises:
      GeometryError: if a switch lies outside the input.

    >>> max_pool_map(np.array([1, 0]).reshape(1, 1, 2, 1), (1, 2)).dense().tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """
    n, _, _, channels = switches.shape
    shape = (n, *input_size, channels)
    return _map(lambda x: take_switches(x, switches), lambda g: max_unpool(g, switches, input_size), shape)


def avg_pool_map(
    shape: tuple[int, int, int, int],
    window: int | Size,
    stride: int | Size | None = None,
    padding: Padding = 0,
    count_include_pad: bool = True,
) -> LinearMap:
    """Average pooling as a linear map.

    Args:
      shape: (N, H, W, C) of what is pooled.
      window: as in `avg_pool`, like all that follows.
      stride: rows and columns per step.
      padding: zeros around the input.
      count_include_pad: whether they count.

    Returns:
      The map from `shape`.

    Raises:
      GeometryError: as `avg_pool`.

    >>> avg_pool_map((1, 1, 4, 1), (1, 2)).dense().tolist()
    [[0.5, 0.5, 0.0, 0.0], [0.0, 0.0, 0.5, 0.5]]
    """
    size = (shape[1], shape[2])
    return _map(
        lambda x: avg_pool(x, window, stride, padding, count_include_pad),
        lambda g: avg_pool_adjoint(g, window, stride, padding, input_size=size, count_include_pad=count_include_pad),
        shape,
    )


def _map(
    forward: Callable[[jax.Array], jax.Array], adjoint: Callable[[jax.Array], jax.Array], shape: tuple[int, ...]
) -> LinearMap:
    """A map whose output shape is found by asking forward, without computing."""
    output = jax.eval_shape(forward, jax.ShapeDtypeStruct(shape, np.float32))
    return LinearMap(forward, adjoint, tuple(shape), tuple(output.shape))
