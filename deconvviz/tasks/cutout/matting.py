"""From a trimap to alpha and colours: closed-form matting, upsampling along edges, foreground colours.

A trimap is 1 where the object is, 0 where it is not, 0.5 where nobody has said. ``I = alpha F + (1 - alpha) B``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image
from scipy import ndimage, sparse
from scipy.sparse import linalg

from deconvviz.errors import DataError
from deconvviz.types import Array, DisplayImage

EPSILON = 1e-7
_TOLERANCE = 1e-10
_STEPS = 10_000
#: Unknown pixels whose equations are factored together: more than a picture has at the sizes of `predict.apply`. The
#: factors take about 60 MB for 25,000 of them, 400 MB for 130,000.
BLOCK = 450_000


def closed_form(image: DisplayImage, trimap: Array) -> np.ndarray:
    """Alpha that is a linear function of colour in every 3 x 3 window, as nearly as the trimap allows.

    Formula: minimize ``a^T L a`` with a given where the trimap is 0 or 1; per window w, with mean m and covariance S,
    ``L_ij = sum_w delta_ij - (1 + (I_i - m)^T (S + eps/9 E)^-1 (I_j - m)) / 9``.

    Args:
      image: (H, W, 3), 0..1, three pixels or more a side.
      trimap: (H, W), 0 background, 1 foreground, anything between unknown.

    Returns:
      (H, W) float64, 0..1.

    Raises:
      DataError: sizes that differ, no foreground, or no background.

    Source: levin2008closed
    """
    known, ahead = check_trimap(image, trimap)
    alpha = ahead.astype(np.float64)
    if known.all():
        return alpha
    rows, flat = ~known.ravel(), known.ravel()
    unknown = laplacian(image)[rows]
    inner = sparse.csc_matrix(unknown[:, rows])
    right = -unknown[:, flat].dot(alpha.ravel()[flat])
    solution, _ = linalg.cg(inner, right, rtol=_TOLERANCE, maxiter=_STEPS, M=_factored(inner))
    alpha.ravel()[rows] = np.clip(solution, 0, 1)
    return alpha


def laplacian(image: DisplayImage) -> Any:
    """The matrix L of `closed_form`: (H W, H W) sparse, symmetric, every row adds up to 0.

    A window's nine pixels meet each other at 25 differences of place, so L is filled difference by difference, without
    a list of all 81 pairs of every window.

    Source: levin2008closed

    >>> laplacian(np.random.default_rng(0).random((4, 5, 3))).shape
    (20, 20)
    """
    colours = np.asarray(image, np.float64)
    height, width = colours.shape[:2]
    tall, wide = height - 2, width - 2
    places = [(i, j) for i in range(3) for j in range(3)]
    near = np.stack([colours[i : i + tall, j : j + wide] for i, j in places])
    apart = near - near.mean(axis=0)
    spread = np.einsum("khwa,khwb->hwab", apart, apart) / 9 + EPSILON / 9 * np.eye(3)
    weighted = np.einsum("khwa,hwab->khwb", apart, np.linalg.inv(spread))
    planes: dict[tuple[int, int], np.ndarray] = {}
    for (i, j), first in zip(places, weighted, strict=True):
        for (k, m), second in zip(places, apart, strict=True):
            plane = planes.setdefault((k - i, m - j), np.zeros((height, width)))
            plane[i : i + tall, j : j + wide] += float((i, j) == (k, m)) - (1 + (first * second).sum(axis=-1)) / 9
    # A diagonal of SciPy's begins with the entry of its first column, so every plane is moved by its difference.
    size = height * width
    diagonals = {k * width + m: np.roll(plane.ravel(), k * width + m) for (k, m), plane in planes.items()}
    matrix = sparse.dia_matrix((np.stack(list(diagonals.values())), list(diagonals)), shape=(size, size))
    return matrix.tocsr()


def _factored(matrix: Any) -> Any:
    """Solves by exact factors of diagonal blocks, neighbouring rows of the picture: of one block the solution itself.

    One factor of everything would be faster still, but its memory grows faster than the picture.
    """
    starts = range(0, matrix.shape[0], BLOCK)
    blocks = [matrix[start : start + BLOCK, start : start + BLOCK] for start in starts]
    symmetric = {"permc_spec": "MMD_AT_PLUS_A", "diag_pivot_thresh": 0.0, "options": {"SymmetricMode": True}}
    factors = [linalg.splu(sparse.csc_matrix(block), **symmetric) for block in blocks]

    def solve(values: np.ndarray) -> np.ndarray:
        parts = [values[start : start + BLOCK] for start in starts]
        return np.concatenate([factor.solve(part) for factor, part in zip(factors, parts, strict=True)])

    return linalg.LinearOperator(matrix.shape, matvec=solve, dtype=np.float64)


def check_trimap(image: Array, trimap: Array) -> tuple[np.ndarray, np.ndarray]:
    """(known, foreground), each (H, W) bool.

    Raises:
      DataError: it does not fit the picture, or lacks foreground or background.
    """
    values = np.asarray(trimap)
    if values.shape != np.shape(image)[:2]:
        raise DataError(
            f"the trimap of {values.shape} does not fit the picture of {np.shape(image)[:2]}: both need the same rows "
            "and columns"
        )
    ahead, behind = values >= 0.9, values <= 0.1
    for result, what, level in ((ahead, "foreground", "white"), (behind, "background", "black")):
        if not result.any():
            raise DataError(
                f"the trimap of {values.shape} has no {what}: mark at least one pixel {level}; its values run from "
                f"{values.min():g} to {values.max():g}"
            )
    return ahead | behind, ahead


def upsample(alpha: Array, small: DisplayImage, large: DisplayImage, radius: int = 4, eps: float = 1e-4) -> np.ndarray:
    """Alpha of a small picture on the large one, its edges where the large one has them.

    Formula: in every window of the small picture ``alpha = a . I + b`` by least squares (ridge eps); a and b, averaged
    over windows and enlarged, meet the large picture.

    Args:
      alpha: (h, w), 0..1.
      small: (h, w, 3); large: (H, W, 3), the same picture, 0..1.

    Returns:
      (H, W) float64, 0..1.

    Source: he2013guided
    """
    guide, alpha = np.asarray(small, np.float64), np.asarray(alpha, np.float64)

    def mean(values: np.ndarray) -> np.ndarray:
        return ndimage.uniform_filter(values, (2 * radius + 1,) * 2 + (0,) * (values.ndim - 2), mode="nearest")

    centre, middle = mean(guide), mean(alpha)
    spread = mean(guide[..., :, None] * guide[..., None, :]) - centre[..., :, None] * centre[..., None, :]
    both = mean(guide * alpha[..., None]) - centre * middle[..., None]
    slope = np.linalg.solve(spread + eps * np.eye(3), both[..., None])[..., 0]
    offset = middle - (slope * centre).sum(-1)
    planes = np.concatenate([mean(slope), mean(offset)[..., None]], axis=-1)
    wide = np.stack([resized(planes[..., c], large.shape[:2]) for c in range(4)], axis=-1)
    return np.clip((wide[..., :3] * large).sum(-1) + wide[..., 3], 0, 1)


def resized(values: Array, size: tuple[int, int]) -> np.ndarray:
    """(h, w) numbers of any range at another size, bilinear, averaged where they shrink."""
    plane = Image.fromarray(np.ascontiguousarray(values, np.float32))
    return np.asarray(plane.resize((size[1], size[0]), Image.Resampling.BILINEAR), np.float64)


def foreground(image: DisplayImage, alpha: Array) -> np.ndarray:
    """The object's own colours, so that none of the old background shines through a soft edge.

    Formula, twice, with windows of 91 and 7 pixels: ``f = mean(alpha F) / mean(alpha)``, ``b`` likewise with 1 - alpha,
    ``F = f + alpha (I - alpha f - (1 - alpha) b)``.

    Args:
      image: (H, W, 3), 0..1; alpha: (H, W), 0..1.

    Returns:
      (H, W, 3) float32, 0..1.

    Source: forte2021approximate

    >>> foreground(np.full((5, 7, 3), 0.25), np.ones((5, 7)))[2, 3].tolist()
    [0.25, 0.25, 0.25]
    """
    picture, weight = np.asarray(image, np.float32), np.asarray(alpha, np.float32)[..., None]
    ahead = behind = picture
    for window in (91, 7):
        near = [_weighted_mean(ahead, weight, window), _weighted_mean(behind, 1 - weight, window)]
        behind = near[1]
        ahead = np.clip(near[0] + weight * (picture - weight * near[0] - (1 - weight) * near[1]), 0, 1)
    return ahead


def _weighted_mean(values: np.ndarray, weight: np.ndarray, window: int) -> np.ndarray:
    size = (window, window, 0)
    total = ndimage.uniform_filter(weight, size, mode="nearest")
    return ndimage.uniform_filter(values * weight, size, mode="nearest") / (total + 1e-5)
