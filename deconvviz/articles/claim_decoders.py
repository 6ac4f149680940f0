"""Claim C9: one encoder with a transposed convolution, with unpooling, bilinear, and without a decoder.

The numbers are those of networks that `deconvviz train segmentation` trained on CamVid, one run each: the encoder was
trained alone and stayed as it was, each decoder learned three epochs on top of it. Decoders trained together with
their encoder, which the claim is about, were not compared.
"""

from __future__ import annotations

from typing import Any

from deconvviz.articles.claim_runs import Stored
from deconvviz.tasks.segmentation import evaluate

NAMES = ("transposed", "unpool", "bilinear", "coarse")
COMMAND = "deconvviz evaluate segmentation --data DIR/val --variant NAME --json"
#: Mean IoU by which a decoder has to be better.
POINT = 0.01


def stored() -> Stored:
    """The one run of each that the package holds."""
    return Stored(COMMAND, "2026-11-22", 1)


def decoders(seed: int, subject: Any = None) -> dict[str, float]:
    """Figures on the validation pictures, as stored.

    Returns:
      by decoder ("transposed", "unpool", "bilinear", "coarse" for none), "NAME": mean intersection over union, and
      "NAME edges": boundary F1, both 0..1; "gain NAME": what the transposed convolution has more than that one.
    """
    found = evaluate.claim_figures()
    figures = {name: found[f"{name} mean_iou"] for name in NAMES}
    edges = {f"{name} edges": found[f"{name} boundary_f1"] for name in NAMES}
    gains = {f"gain {name}": figures["transposed"] - figures[name] for name in ("bilinear", "coarse")}
    return figures | edges | gains
