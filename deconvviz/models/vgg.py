"""VGG with 11, 16 and 19 layers, with and without batch normalization: 3x3 convolutions in five blocks, three dense.

Layers are named as in the paper: ``conv3_3`` is a convolution's output, ``bn3_3`` its normalization, ``relu3_3`` what
follows, ``pool3`` the pool behind the block, ``fc8`` the scores.

Source: simonyan2015very
"""

from __future__ import annotations

from functools import partial
from typing import Any

from deconvviz.models._imagenet import TORCHVISION, Architecture, entry
from deconvviz.models._layers import Conv, Dense, Layers, Norm, Part, average_to, max_pool, relu, step, three_dense

WIDTHS = (64, 128, 256, 512, 512)
#: Number of convolutions in each block.
PLANS = {"vgg11": (1, 1, 2, 2, 2), "vgg16": (2, 2, 3, 3, 3), "vgg19": (2, 2, 4, 4, 4)}
#: What timm calls the dense layers, which it stores as convolutions.
TIMM = {"pre_logits.fc1": "classifier.0", "pre_logits.fc2": "classifier.3", "head.fc": "classifier.6"}


def parts(plan: tuple[int, ...], norm: bool, widths: tuple[int, ...] = WIDTHS, hidden: int = 4096) -> tuple[Part, ...]:
    """The layers with weights: `plan` convolutions a block, of these widths, and dense layers of `hidden` units."""
    parts: list[Part] = []
    index, depth = 0, 3
    for block, (count, width) in enumerate(zip(plan, widths, strict=True), start=1):
        for i in range(1, count + 1):
            parts.append(Conv(f"conv{block}_{i}", f"features.{index}", depth, width, 3, padding=1))
            if norm:
                parts.append(Norm(f"bn{block}_{i}", f"features.{index + 1}", width))
            index, depth = index + 2 + norm, width
        index += 1
    return (
        *parts,
        Dense("fc6", "classifier.0", depth * 49, hidden),
        Dense("fc7", "classifier.3", hidden, hidden),
        Dense("fc8", "classifier.6", hidden, 1000),
    )


def run(plan: tuple[int, ...], layers: Layers, x: Any) -> Any:
    """Scores (N, 1000) of model input (N, H, W, 3), H and W at least 32; 224 as trained."""
    for block, count in enumerate(plan, start=1):
        for i in range(1, count + 1):
            x = step(f"conv{block}_{i}", layers[f"conv{block}_{i}"], x)
            if f"bn{block}_{i}" in layers:
                x = step(f"bn{block}_{i}", layers[f"bn{block}_{i}"], x)
            x = relu(f"relu{block}_{i}", x)
        x = max_pool(f"pool{block}", x, 2, 2)
    return three_dense(layers, average_to("avgpool", x, 7))


def _architecture(name: str, norm: bool) -> Architecture:
    plan, full = PLANS[name], name + ("_bn" if norm else "")
    title = f"VGG with {name[3:]} layers{' and batch normalization' if norm else ''}, ImageNet"
    page = f"https://huggingface.co/timm/{full}.tv_in1k"
    return Architecture(full, title, parts(plan, norm), partial(run, plan), TORCHVISION, page, renamed=TIMM)


ARCHITECTURES = tuple(_architecture(name, norm) for name in PLANS for norm in (False, True))
MODEL = tuple(map(entry, ARCHITECTURES))
