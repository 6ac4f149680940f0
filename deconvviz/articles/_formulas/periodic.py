"""Convolve, "deconvolve", fuse: the three lines of article 004, on an image that continues at its opposite edge.

With that edge the convolution is a multiplication in frequency, so each line can be checked there: what `Conv`
multiplies by K, the adjoint multiplies by conj(K).
"""

from __future__ import annotations

import numpy as np

from deconvviz.ops.periodic import circular_adjoint, circular_conv

#: Weight that keeps the solution small where the kernel let nothing through.
LAMBDA = 1e-3


def f004_1_printed(x: np.ndarray, k: np.ndarray, **_: object) -> np.ndarray:
    """``y = Conv(x, k)``."""
    return circular_conv(x, k)


def f004_2_printed(x: np.ndarray, k: np.ndarray, **_: object) -> np.ndarray:
    """``x' = DeConv(y, k)`` with ``y = Conv(x, k)``: the transposed convolution with the same k."""
    return circular_adjoint(circular_conv(x, k), k)


def f004_2_corrected(x: np.ndarray, k: np.ndarray, **_: object) -> np.ndarray:
    """``x' = (A'A + lambda I)^-1 A' y``: the equation solved, A written out as a matrix.

    >>> x = np.array([[1.0, 5.0, 2.0]])
    >>> np.abs(f004_2_corrected(x, np.array([[0.8, 0.2]])) - x).max() < 0.01
    np.True_
    """
    units = np.eye(x.size).reshape(x.size, *x.shape)
    a = np.stack([circular_conv(unit, k).ravel() for unit in units], axis=1)
    y = circular_conv(x, k).ravel()
    return np.linalg.solve(a.T @ a + LAMBDA * np.eye(x.size), a.T @ y).reshape(x.shape)


def f004_3_printed(x: np.ndarray, k: np.ndarray, **_: object) -> np.ndarray:
    """``x'' = Fuse(x, x')``, fused by the mean (article 001 names it; a sum has the same picture, twice as bright)."""
    return (x + f004_2_printed(x, k)) / 2


def f004_3_corrected(x: np.ndarray, k: np.ndarray, **_: object) -> np.ndarray:
    """``x + A'(b - A x)`` with b the picture that is there and x begun with it: what A x does not explain is added.

    One step of Landweber's iteration. With y = A x of the first line in the place of b it would change nothing.

    Source: landweber1951iteration

    >>> f004_3_corrected(np.ones((2, 3)), np.array([[0.5, 0.5]])).tolist()
    [[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]
    """
    return x + circular_adjoint(x - circular_conv(x, k), k)
