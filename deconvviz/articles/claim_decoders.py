"""Claim C9 measured: the same encoder with a transposed convolution, with unpooling, bilinear, and without a decoder.

The numbers are those of networks that `deconvviz train segmentation` trained on CamVid, one run each; the weights that
come with the package hold them, and `deconvviz evaluate segmentation` measures them again.
"""

from __future__ import annotations

from typing import Any

from deconvviz.tasks.segmentation import evaluate


def decoders(seed: int, subject: Any = None) -> dict[str, float]:
    """Figures on the validation pictures; there is one run of each, so every seed gives the same.

    Returns:
      by decoder ("transposed", "unpool", "bilinear", "coarse" for none), "NAME": mean intersection over union, and
      "NAME edges": boundary F1, both 0..1.
    """
    figures = evaluate.claim_figures()
    names = ("transposed", "unpool", "bilinear", "coarse")
    return {name: figures[f"{name} mean_iou"] for name in names} | {
        f"{name} edges": figures[f"{name} boundary_f1"] for name in names
    }
