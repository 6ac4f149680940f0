"""AlexNet as torchvision stores it: one column, five convolutions, three dense layers, without normalization.

Layers are named as in the paper: ``conv1``, ``relu1``, ``pool1``, ..., ``conv5``, ``relu5``, ``pool5``, ``fc6``, ...
Its widths are those of the single column of 2014.

Source: krizhevsky2012imagenet, krizhevsky2014weird
"""

from __future__ import annotations

from typing import Any

from deconvviz.models._imagenet import TORCHVISION, Architecture, entry
from deconvviz.models._layers import Conv, Dense, Layers, average_to, max_pool, relu, step, three_dense

PARTS = (
    Conv("conv1", "features.0", 3, 64, 11, stride=4, padding=2),
    Conv("conv2", "features.3", 64, 192, 5, padding=2),
    Conv("conv3", "features.6", 192, 384, 3, padding=1),
    Conv("conv4", "features.8", 384, 256, 3, padding=1),
    Conv("conv5", "features.10", 256, 256, 3, padding=1),
    Dense("fc6", "classifier.1", 256 * 36, 4096),
    Dense("fc7", "classifier.4", 4096, 4096),
    Dense("fc8", "classifier.6", 4096, 1000),
)
#: Convolutions that a 3x3 pool of stride 2 follows.
POOLED = (1, 2, 5)
PAGE = "https://docs.pytorch.org/vision/stable/models/generated/torchvision.models.alexnet.html"


def run(layers: Layers, x: Any) -> Any:
    """Scores (N, 1000) of model input (N, H, W, 3), H and W at least 63; 224 as trained."""
    for i in range(1, 6):
        x = relu(f"relu{i}", step(f"conv{i}", layers[f"conv{i}"], x))
        if i in POOLED:
            x = max_pool(f"pool{i}", x, 3, 2)
    return three_dense(layers, average_to("avgpool", x, 6))


ARCHITECTURES = (Architecture("alexnet", "AlexNet, ImageNet", PARTS, run, TORCHVISION, PAGE),)
MODEL = entry(ARCHITECTURES[0])
