"""Blur, its adjoint, and solving for the sharp picture: what the adjoint does not do and Wiener and Lucy try to do.

Planes are (H, W) float64 and continue at their opposite edge. Then a blur multiplies each frequency by a number K: its
singular values are ``|K|``, the adjoint multiplies by the conjugate, and there and back is ``|K|^2``.
"""

from __future__ import annotations

import numpy as np

from deconvviz.errors import GeometryError
from deconvviz.ops import periodic

#: Four times a cell less its four neighbours: large on noise, small on smooth pictures.
LAPLACIAN = np.array([[0.0, -1.0, 0.0], [-1.0, 4.0, -1.0], [0.0, -1.0, 0.0]])


def response(k: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """K, by which the blur multiplies each frequency.

    Formula: ``K[a, b] = sum_{i, j} k[i, j] exp(+2 pi i (a i / H + b j / W))``, i and j counted from the middle.

    Args:
      k: (kh, kw) kernel.
      size: (height, width) of the plane.

    Returns:
      (height, width) complex, in the order of `np.fft.fft2`.

    Raises:
      GeometryError: if the kernel is larger than the plane.

    >>> response(np.array([[0.5, 0.0, 0.5]]), (1, 4)).real.tolist()
    [[1.0, 0.0, -1.0, 0.0]]
    """
    k = np.asarray(k, np.float64)
    if k.ndim != 2 or k.shape[0] > size[0] or k.shape[1] > size[1]:
        raise GeometryError(
            f"the kernel is a plane no larger than the picture; got kernel shape {k.shape} and a picture of {size[0]} "
            f"x {size[1]}: take a smaller kernel or a larger picture"
        )
    return np.conj(periodic.response(k, size))


def blur(x: np.ndarray, k: np.ndarray) -> np.ndarray:
    """A x: the plane convolved with the kernel as a convolution layer does it, continued at the opposite edge.

    Formula: ``y[u, v] = sum_{i, j} k[i, j] x[u + i, v + j]``, i and j counted from the middle of the kernel.

    Args:
      x: (H, W).
      k: (kh, kw).

    Returns:
      (H, W).

    Raises:
      GeometryError: if the kernel is larger than the plane.

    >>> blur(np.array([[1.0, 2.0, 3.0]]), np.array([[0.0, 0.0, 1.0]])).round(9).tolist()
    [[2.0, 3.0, 1.0]]
    """
    return periodic.filtered(x, response(k, x.shape))


def blur_adjoint(y: np.ndarray, k: np.ndarray) -> np.ndarray:
    """A' y: what the transposed convolution with the same kernel makes of y.

    Args:
      y: (H, W).
      k: (kh, kw).

    Returns:
      (H, W).

    Raises:
      GeometryError: if the kernel is larger than the plane.

    >>> blur_adjoint(np.array([[2.0, 3.0, 1.0]]), np.array([[0.0, 0.0, 1.0]])).round(9).tolist()
    [[1.0, 2.0, 3.0]]
    """
    return periodic.filtered(y, np.conj(response(k, y.shape)))


def blur_matrix(k: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A written out by shifting and adding, without any Fourier transform: (H W, H W).

    >>> blur_matrix(np.array([[0.0, 0.5, 0.5]]), (1, 3)).tolist()
    [[0.5, 0.5, 0.0], [0.0, 0.5, 0.5], [0.5, 0.0, 0.5]]
    """
    units = np.eye(size[0] * size[1]).reshape(-1, *size)
    return np.stack([periodic.circular_conv(unit, np.asarray(k)).ravel() for unit in units], axis=1)


def wiener(y: np.ndarray, k: np.ndarray, balance: float) -> np.ndarray:
    """Deblurring in one step, by scikit-image: each frequency divided by K, held back where noise would win.

    Formula: ``X = conj(K) Y / (|K|^2 + balance |R|^2)``, R that of `LAPLACIAN` (photographs have little of it, noise
    much); it solves ``(A'A + balance R'R) x = A' y``.

    Args:
      y: (H, W) blurred plane.
      k: (kh, kw) the blur, rows and columns odd.
      balance: power of the noise over power of the picture's Laplacian, above 0.

    Returns:
      (H, W), not clipped.

    Raises:
      GeometryError: if the kernel is larger than the plane.
      ValueError: if balance is not above 0.

    Source: wiener1949extrapolation

    >>> x = np.arange(30.0).reshape(5, 6)
    >>> k = np.array([[0.1, 0.8, 0.1]])
    >>> bool(np.abs(wiener(blur(x, k), k, 1e-9) - x).max() < 1e-6)
    True
    """
    from skimage.restoration import wiener as by_skimage

    response(k, y.shape)
    if not balance > 0:
        raise ValueError(
            f"balance is power of the noise over power of the picture's Laplacian, above 0; got balance={balance!r}"
        )
    return by_skimage(np.asarray(y, np.float64), np.asarray(k)[::-1, ::-1], balance, clip=False)


def richardson_lucy(y: np.ndarray, k: np.ndarray, steps: int) -> np.ndarray:
    """Deblurring step by step: nothing gets negative, and more steps sharpen picture and noise alike.

    Formula: ``x <- x A'(y / A x)``, from a constant. Equals scikit-image's away from the edges, where that one sees
    darkness and this one the opposite edge.

    Args:
      y: (H, W) blurred plane, 0 or more.
      k: (kh, kw) the blur, 0 or more, sum 1.
      steps: 1 or more.

    Returns:
      (H, W).

    Raises:
      GeometryError: if the kernel is larger than the plane.
      ValueError: if there are no steps.

    Source: richardson1972bayesian, lucy1974iterative

    >>> richardson_lucy(np.full((4, 5), 0.25), np.full((1, 3), 1 / 3), 8).round(6).tolist()[0]
    [0.25, 0.25, 0.25, 0.25, 0.25]
    """
    factor = response(k, y.shape)
    if steps < 1:
        raise ValueError(f"Richardson-Lucy takes 1 step or more; got steps={steps!r}")
    y = np.clip(np.asarray(y, np.float64), 0, None)
    x = np.full(y.shape, 0.5)
    for _ in range(steps):
        quotient = y / np.maximum(periodic.filtered(x, factor), 1e-9)
        x = np.maximum(x * periodic.filtered(quotient, np.conj(factor)), 0)
    return x


def lost_energy_back(u: np.ndarray, truth: np.ndarray, k: np.ndarray, below: float = 0.1) -> float:
    """How much of what the blur took away stands in u: in the frequencies that A multiplies by less than `below`.

    Formula: ``max(0, 1 - sum |U - X|^2 / sum |X|^2)`` over the frequencies with ``|K| < below``: 1 if they are all
    there, 0 if they are no closer than nothing at all.

    Args:
      u: (H, W) what came back.
      truth: (H, W) the sharp plane.
      k: (kh, kw) the blur.
      below: of ``|K|``.

    Returns:
      0 to 1; 1 if the blur takes nothing away.

    >>> x = np.array([[1.0, -1.0, 1.0, -1.0]])
    >>> lost_energy_back(x, x, np.array([[0.5, 0.5]])), lost_energy_back(0 * x, x, np.array([[0.5, 0.5]]))
    (1.0, 0.0)
    """
    weak = np.abs(response(k, truth.shape)) < below
    whole = np.fft.fft2(truth)
    energy = float((np.abs(whole[weak]) ** 2).sum())
    missing = float((np.abs(np.fft.fft2(u)[weak] - whole[weak]) ** 2).sum())
    return max(0.0, 1.0 - missing / energy) if energy else 1.0
