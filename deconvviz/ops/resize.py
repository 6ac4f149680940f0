"""Bicubic resizing as MATLAB's `imresize` does it, with antialiasing, and its adjoint: what super-resolution undoes.

Along each axis it is one matrix: `resize_matrix`. The low-resolution pictures of the field's benchmarks are made with
it, and its enlargement is the baseline that every network is held against.
"""

from __future__ import annotations

from functools import lru_cache

import jax
import jax.numpy as jnp
import numpy as np

from deconvviz.errors import GeometryError
from deconvviz.ops._linear_map import LinearMap
from deconvviz.ops._sizes import read_map, read_pair, whole
from deconvviz.types import Array, Size


def cubic(x: Array) -> np.ndarray:
    """The interpolation kernel of Keys, a = -0.5: 1 at 0, 0 at every other whole number and beyond 2.

    Formula: ``1.5 |x|^3 - 2.5 |x|^2 + 1`` up to 1, ``-0.5 |x|^3 + 2.5 |x|^2 - 4 |x| + 2`` up to 2.

    Source: keys1981cubic

    >>> cubic(np.array([0, 0.5, -1, 1.5, 2])).tolist()
    [1.0, 0.5625, 0.0, -0.0625, 0.0]
    """
    a = np.abs(np.asarray(x, np.float64))
    near, far = 1.5 * a**3 - 2.5 * a**2 + 1, -0.5 * a**3 + 2.5 * a**2 - 4 * a + 2
    return np.where(a <= 1, near, np.where(a < 2, far, 0.0))


@lru_cache(maxsize=64)
def resize_matrix(cells: int, size: int, antialias: bool = True) -> np.ndarray:
    """What `resize` does along one axis; every row sums to 1, and the border is mirrored.

    Formula: with scale ``s = size / cells`` and ``t = min(s, 1)``, row r holds the shares of
    ``t cubic(t ((r + 1/2) / s - 1/2 - i))`` at each cell i, divided by their sum. With antialiasing off t is 1.

    Args:
      cells: of the input, 1 or more.
      size: of the output, 1 or more.
      antialias: whether the kernel is stretched where the output is smaller.

    Returns:
      (size, cells) float64, read only.

    Raises:
      GeometryError: a number that is no whole number of 1 or more.

    Source: keys1981cubic

    >>> resize_matrix(4, 2).round(4).tolist()
    [[0.5469, 0.3984, 0.1016, -0.0469], [-0.0469, 0.1016, 0.3984, 0.5469]]
    """
    n, m = whole(cells), whole(size)
    if n is None or m is None or min(n, m) < 1:
        raise GeometryError(f"resizing goes from 1 or more cells to 1 or more; got {cells!r} to {size!r}")
    scale = m / n
    stretch = min(scale, 1.0) if antialias else 1.0
    centre = (np.arange(m) + 0.5) / scale - 0.5
    taps = int(np.ceil(4 / stretch)) + 2
    index = np.floor(centre - 2 / stretch).astype(int)[:, None] + np.arange(taps)
    weights = stretch * cubic(stretch * (centre[:, None] - index))
    weights /= weights.sum(axis=1, keepdims=True)
    mirrored = np.abs((index + n) % (2 * n) - n + 0.5)  # distance from the middle of the mirrored period
    matrix = np.zeros((m, n))
    np.add.at(matrix, (np.arange(m)[:, None], (mirrored - 0.5).round().astype(int)), weights)
    matrix.setflags(write=False)
    return matrix


def resize(x: Array, size: int | Size, antialias: bool = True) -> jax.Array:
    """Bicubic resizing of every channel.

    Formula: ``y[n, :, :, c] = R x[n, :, :, c] C'``, R and C the `resize_matrix` of rows and columns.

    Args:
      x: (N, H, W, C).
      size: rows and columns of the output.
      antialias: whether the kernel is stretched where the output is smaller.

    Returns:
      (N, *size, C).

    Raises:
      GeometryError: no map, or no size.

    Source: keys1981cubic

    >>> resize(jnp.arange(4.0).reshape(1, 1, 4, 1), (1, 2))[0, 0, :, 0].tolist()
    [0.4609375, 2.5390625]
    """
    x = read_map("x", x)
    height, width = read_pair("size", size)
    return _both(x, resize_matrix(x.shape[1], height, antialias), resize_matrix(x.shape[2], width, antialias))


def resize_adjoint(y: Array, size: int | Size, antialias: bool = True) -> jax.Array:
    """The adjoint of `resize`: every output cell hands its value back to the cells it was read from, by their shares.

    Formula: ``x[n, :, :, c] = R' y[n, :, :, c] C``. It is no enlargement: its columns do not sum to 1.

    Args:
      y: (N, h, w, C), as `resize` gives it.
      size: rows and columns of what was resized.
      antialias: as for `resize`.

    Returns:
      (N, *size, C).

    Raises:
      GeometryError: no map, or no size.

    >>> resize_adjoint(jnp.array([1.0, 0.0]).reshape(1, 1, 2, 1), (1, 4))[0, 0, :, 0].tolist()
    [0.546875, 0.3984375, 0.1015625, -0.046875]
    """
    y = read_map("y", y)
    height, width = read_pair("size", size)
    return _both(y, resize_matrix(height, y.shape[1], antialias).T, resize_matrix(width, y.shape[2], antialias).T)


def resize_map(shape: tuple[int, int, int, int], size: int | Size, antialias: bool = True) -> LinearMap:
    """`resize` as a linear map from arrays of that shape.

    >>> resize_map((1, 1, 4, 1), (1, 2)).dot_test() < 1e-6
    True
    """
    height, width = read_pair("size", size)
    back = (shape[1], shape[2])
    return LinearMap(
        lambda x: resize(x, (height, width), antialias),
        lambda y: resize_adjoint(y, back, antialias),
        shape,
        (shape[0], height, width, shape[3]),
    )


def _both(x: jax.Array, rows: np.ndarray, columns: np.ndarray) -> jax.Array:
    """One matrix along the rows, another along the columns."""
    left, right = jnp.asarray(rows, x.dtype), jnp.asarray(columns, x.dtype)
    return jnp.einsum("ru,nuvc,tv->nrtc", left, x, right, precision="highest")
