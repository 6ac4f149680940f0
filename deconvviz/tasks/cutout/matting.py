"""From a trimap to alpha and colours: closed-form matting, upsampling along edges, foreground colours.

A trimap is 1 where the object is, 0 where it is not, 0.5 where nobody has said. ``I = alpha F + (1 - alpha) B``.
"""

from __future__ import annotations

import importlib.util
import sys
import threading
from pathlib import Path
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
#: Room for the incomplete factor, in numbers a row.
_FILL = 600
_compiling = threading.Lock()


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
    laplacian = _part("laplacian.cf_laplacian").cf_laplacian(_apart(image), epsilon=EPSILON, is_known=known)
    unknown = laplacian[rows]
    inner = sparse.csc_matrix(unknown[:, rows])
    right = -unknown[:, flat].dot(alpha.ravel()[flat])
    factor = _part("preconditioner.ichol").ichol(inner, max_nnz=_FILL * inner.shape[0])
    preconditioner = linalg.LinearOperator(inner.shape, matvec=factor, dtype=np.float64)
    found, _ = linalg.cg(inner.tocsr(), right, rtol=_TOLERANCE, maxiter=_STEPS, M=preconditioner)
    alpha.ravel()[rows] = np.clip(found, 0, 1)
    return alpha


def _apart(image: DisplayImage) -> np.ndarray:
    """The colours on axes of their own, turned without stretching, which changes no equation.

    The equations hold the inverse of each window's covariance by its closed formula: on three equal channels of a grey
    picture that loses all but three digits.
    """
    colours = np.asarray(image, np.float64).reshape(-1, 3)
    _, axes = np.linalg.eigh(np.cov(colours.T))
    return np.ascontiguousarray((colours @ axes).reshape(np.shape(image)))


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
    for found, what, level in ((ahead, "foreground", "white"), (behind, "background", "black")):
        if not found.any():
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


def _part(name: str) -> Any:
    """One module of pymatting without its package, which compiles all it has at import: 80 s of CPU time, not 10.

    What is compiled is kept on disk by numba, under the name that the module has here.
    """
    label = f"_deconvviz_pymatting_{name.replace('.', '_')}"
    with _compiling:
        if label not in sys.modules:
            package = importlib.util.find_spec("pymatting")
            if package is None or not package.submodule_search_locations:
                raise DataError("matting needs the package pymatting, which is not installed: pip install pymatting")
            file = Path(package.submodule_search_locations[0], *name.split(".")).with_suffix(".py")
            spec = importlib.util.spec_from_file_location(label, file)
            if spec is None or spec.loader is None or not file.is_file():
                raise DataError(f"pymatting has no {name}: another release is installed; pip install pymatting==1.1.16")
            module = importlib.util.module_from_spec(spec)
            module.__dict__["print"] = lambda *_: None  # it prints on stdout when it has to try again
            sys.modules[label] = module
            try:
                spec.loader.exec_module(module)
            except BaseException:
                del sys.modules[label]
                raise
        return sys.modules[label]
