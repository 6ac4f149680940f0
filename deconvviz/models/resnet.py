"""ResNet with 18, 34 and 50 layers: blocks of convolutions whose result is added to what went in.

Layers are named as torchvision names them: ``conv1``, ``bn1``, ``relu``, ``maxpool``, ``layer1.0.conv1``,
``layer1.0.bn1``, ``layer1.0.relu``, ..., ``layer1.0.add``, ``layer1.0.relu_1``, ..., ``avgpool``, ``fc``. The last
``relu_N`` of a block is the block's output. The stride of a bottleneck is in its 3x3 convolution.

Source: he2016deep
"""

from __future__ import annotations

from functools import partial
from typing import Any

from deconvviz.models._imagenet import TORCHVISION, Architecture, entry
from deconvviz.models._layers import Conv, Dense, Layers, Norm, Part, max_pool, relu, step

#: Number of blocks in each of the four stages, and convolutions in a block.
PLANS = {"resnet18": ((2, 2, 2, 2), 2), "resnet34": ((3, 4, 6, 3), 2), "resnet50": ((3, 4, 6, 3), 3)}
WIDTHS = (64, 128, 256, 512)
#: A bottleneck's output is this many times as wide as its 3x3 convolution.
EXPANSION = {2: 1, 3: 4}


def parts(blocks: tuple[int, ...], convs: int, widths: tuple[int, ...] = WIDTHS) -> tuple[Part, ...]:
    """The layers with weights: `blocks` a stage, of these widths, with `convs` convolutions a block."""
    depth = widths[0]
    parts: list[Part] = [Conv("conv1", "conv1", 3, depth, 7, 2, 3, bias=False), Norm("bn1", "bn1", depth)]
    for stage, (count, width) in enumerate(zip(blocks, widths, strict=True), start=1):
        for i in range(count):
            stride = 2 if stage > 1 and i == 0 else 1
            parts += _block(f"layer{stage}.{i}", depth, width, convs, stride)
            depth = width * EXPANSION[convs]
    return (*parts, Dense("fc", "fc", depth, 1000))


def _block(name: str, depth: int, width: int, convs: int, stride: int) -> list[Part]:
    """The layers of one block: the convolution with the stride is the first of two or the second of three."""
    outputs = width * EXPANSION[convs]
    kernels = (3, 3) if convs == 2 else (1, 3, 1)
    parts: list[Part] = []
    inputs = depth
    for i, kernel in enumerate(kernels, start=1):
        wide = outputs if i == convs else width
        steps = stride if i == convs - 1 else 1
        at = f"{name}.conv{i}"
        parts.append(Conv(at, at, inputs, wide, kernel, steps, kernel // 2, bias=False))
        parts.append(Norm(f"{name}.bn{i}", f"{name}.bn{i}", wide))
        inputs = wide
    if stride > 1 or depth != outputs:
        at = f"{name}.downsample"
        parts += [
            Conv(f"{at}.0", f"{at}.0", depth, outputs, 1, stride, bias=False),
            Norm(f"{at}.1", f"{at}.1", outputs),
        ]
    return parts


def run(blocks: tuple[int, ...], convs: int, layers: Layers, x: Any) -> Any:
    """Scores (N, 1000) of model input (N, H, W, 3) of any size; 224 as trained."""
    x = step("bn1", layers["bn1"], step("conv1", layers["conv1"], x))
    x = max_pool("maxpool", relu("relu", x), 3, 2, padding=1)
    for stage, count in enumerate(blocks, start=1):
        for i in range(count):
            x = _run_block(f"layer{stage}.{i}", convs, layers, x)
    x = step("avgpool", lambda x: x.mean(axis=(1, 2)), x)
    return step("fc", layers["fc"], x)


def _run_block(name: str, convs: int, layers: Layers, x: Any) -> Any:
    straight, shortcut = x, x
    for i in range(1, convs + 1):
        for kind in ("conv", "bn"):
            straight = step(f"{name}.{kind}{i}", layers[f"{name}.{kind}{i}"], straight)
        if i < convs:
            straight = relu(f"{name}.relu" + (f"_{i - 1}" if i > 1 else ""), straight)
    if f"{name}.downsample.0" in layers:
        for i in (0, 1):
            shortcut = step(f"{name}.downsample.{i}", layers[f"{name}.downsample.{i}"], shortcut)
    return relu(f"{name}.relu_{convs - 1}", step(f"{name}.add", lambda x: x + shortcut, straight))


def _architecture(name: str) -> Architecture:
    blocks, convs = PLANS[name]
    title, page = f"ResNet with {name[6:]} layers, ImageNet", f"https://huggingface.co/timm/{name}.tv_in1k"
    return Architecture(name, title, parts(blocks, convs), partial(run, blocks, convs), TORCHVISION, page)


ARCHITECTURES = tuple(map(_architecture, PLANS))
MODEL = tuple(map(entry, ARCHITECTURES))
