"""What enhancement has without any training: the blur and its adjoint that article 004 prints."""

from __future__ import annotations

import numpy as np

from deconvviz.ops.inverse import blur, blur_adjoint

#: The kernel: rows and columns weighted 1 2 1.
BLUR = np.outer([1.0, 2.0, 1.0], [1.0, 2.0, 1.0]) / 16


def there_and_back(picture: np.ndarray, kernel: np.ndarray = BLUR) -> tuple[np.ndarray, np.ndarray]:
    """What article 004 prints, without training: x' = A'A x with one kernel, and its mean with x.

    Formula: ``X' = |K|^2 X`` and ``(X + X') / 2``, on a picture that continues at its opposite edge.

    Args:
      picture: (H, W) or (H, W, C).
      kernel: (kh, kw).

    Returns:
      (x', fused), each of the picture's shape, float64, not clipped.

    Raises:
      GeometryError: a kernel larger than the picture.

    Source: dumoulin2016guide

    >>> back, fused = there_and_back(np.array([[0.0, 1.0, 0.0]]), np.array([[0.5, 0.5]]))
    >>> back.round(9).tolist(), fused.round(9).tolist()
    ([[0.25, 0.5, 0.25]], [[0.125, 0.75, 0.125]])
    """
    planes = np.asarray(picture, np.float64)
    planes = planes if planes.ndim == 3 else planes[..., None]
    back = np.stack([blur_adjoint(blur(planes[..., c], kernel), kernel) for c in range(planes.shape[2])], axis=-1)
    back = back.reshape(np.shape(picture))
    return back, (back + picture) / 2
