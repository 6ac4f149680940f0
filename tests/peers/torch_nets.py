"""AlexNet, VGG, ResNet and SqueezeNet as PyTorch modules under torchvision's parameter names, written from the papers.

Every operation is a module of its own, so that hooks see every activation in the order of execution.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn


class Plain(nn.Module):
    """Features, an average to `size` x `size` cells, three dense layers: AlexNet and VGG."""

    def __init__(self, features: list[nn.Module], size: int, inputs: int, dropout_first: bool) -> None:
        super().__init__()
        self.features = nn.Sequential(*features)
        self.avgpool = nn.AdaptiveAvgPool2d((size, size))
        dense = [nn.Linear(inputs, 4096), nn.ReLU(), nn.Linear(4096, 4096), nn.ReLU(), nn.Linear(4096, 1000)]
        drop = nn.Dropout()
        order = (
            [drop, *dense[:2], drop, *dense[2:]] if dropout_first else [*dense[:2], drop, *dense[2:4], drop, dense[4]]
        )
        self.classifier = nn.Sequential(*order)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.classifier(self.avgpool(self.features(x)).flatten(1))


def alexnet() -> Plain:
    def conv(inputs: int, outputs: int, kernel: int, **options: int) -> list[nn.Module]:
        return [nn.Conv2d(inputs, outputs, kernel, **options), nn.ReLU()]

    pool = [nn.MaxPool2d(3, 2)]
    features = conv(3, 64, 11, stride=4, padding=2) + pool + conv(64, 192, 5, padding=2) + pool
    features += conv(192, 384, 3, padding=1) + conv(384, 256, 3, padding=1) + conv(256, 256, 3, padding=1) + pool
    return Plain(features, 6, 256 * 36, dropout_first=True)


def vgg(plan: str, norm: bool) -> Plain:
    features: list[nn.Module] = []
    depth = 3
    for word in plan.split():
        if word == "M":
            features.append(nn.MaxPool2d(2, 2))
            continue
        features.append(nn.Conv2d(depth, int(word), 3, padding=1))
        features += [nn.BatchNorm2d(int(word))] if norm else []
        features.append(nn.ReLU())
        depth = int(word)
    return Plain(features, 7, 512 * 49, dropout_first=False)


class Add(nn.Module):
    """A sum, as a module."""

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return x + y


class Beside(nn.Module):
    """A concatenation of channels, as a module."""

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return torch.cat([x, y], 1)


class Block(nn.Module):
    """A residual block of two 3x3 convolutions, or of 1x1, 3x3, 1x1 with four times the width."""

    def __init__(self, inputs: int, width: int, stride: int, deep: bool) -> None:
        super().__init__()
        self.deep, outputs = deep, width * (4 if deep else 1)
        self.relu, self.add, self.downsample = nn.ReLU(), Add(), None
        if deep:
            self.conv1, self.bn1 = nn.Conv2d(inputs, width, 1, bias=False), nn.BatchNorm2d(width)
            self.conv2, self.bn2 = nn.Conv2d(width, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width)
            self.conv3, self.bn3 = nn.Conv2d(width, outputs, 1, bias=False), nn.BatchNorm2d(outputs)
        else:
            self.conv1, self.bn1 = nn.Conv2d(inputs, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width)
            self.conv2, self.bn2 = nn.Conv2d(width, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs)
        if stride != 1 or inputs != outputs:
            shorter = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            self.downsample = nn.Sequential(shorter, nn.BatchNorm2d(outputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        if self.deep:
            y = self.bn3(self.conv3(self.relu(y)))
        return self.relu(self.add(y, x if self.downsample is None else self.downsample(x)))


class ResNet(nn.Module):
    """Four stages of blocks."""

    def __init__(self, counts: tuple[int, ...], deep: bool) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64)
        self.relu, self.maxpool, self.avgpool = nn.ReLU(), nn.MaxPool2d(3, 2, 1), nn.AdaptiveAvgPool2d((1, 1))
        depth = 64
        for stage, count in enumerate(counts):
            width = 64 << stage
            blocks = []
            for i in range(count):
                blocks.append(Block(depth, width, 2 if stage and i == 0 else 1, deep))
                depth = width * (4 if deep else 1)
            setattr(self, f"layer{stage + 1}", nn.Sequential(*blocks))
        self.fc = nn.Linear(depth, 1000)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = stage(x)
        return self.fc(self.avgpool(x).flatten(1))


class Fire(nn.Module):
    """Squeeze, expand twice, put side by side."""

    def __init__(self, inputs: int, squeezed: int, expanded: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(inputs, squeezed, 1)
        self.expand1x1 = nn.Conv2d(squeezed, expanded, 1)
        self.expand3x3 = nn.Conv2d(squeezed, expanded, 3, padding=1)
        self.relu, self.beside = nn.ReLU(), Beside()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.relu(self.squeeze(x))
        return self.beside(self.relu(self.expand1x1(x)), self.relu(self.expand3x3(x)))


class SqueezeNet(nn.Module):
    """Fire modules between three pools in ceil mode."""

    def __init__(self, version: str, last_padding: int = 0) -> None:
        super().__init__()
        pool = nn.MaxPool2d(3, 2, ceil_mode=True)
        fires = [Fire(2 * a, b, c) for a, b, c in _fires(48 if version == "1.0" else 32)]
        first = nn.Conv2d(3, 96, 7, 2) if version == "1.0" else nn.Conv2d(3, 64, 3, 2)
        cuts = (3, 7) if version == "1.0" else (2, 4)
        self.features = nn.Sequential(
            first, nn.ReLU(), pool, *fires[: cuts[0]], pool, *fires[cuts[0] : cuts[1]], pool, *fires[cuts[1] :]
        )
        last = nn.Conv2d(512, 1000, 1, padding=last_padding)
        self.classifier = nn.Sequential(nn.Dropout(), last, nn.ReLU(), nn.AdaptiveAvgPool2d((1, 1)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.classifier(self.features(x)).flatten(1)


def _fires(half: int) -> Iterator[tuple[int, int, int]]:
    for squeezed, expanded in ((16, 64), (16, 64), (32, 128), (32, 128), (48, 192), (48, 192), (64, 256), (64, 256)):
        yield half, squeezed, expanded
        half = expanded


VGG11 = "64 M 128 M 256 256 M 512 512 M 512 512 M"
VGG16 = "64 64 M 128 128 M 256 256 256 M 512 512 512 M 512 512 512 M"
VGG19 = "64 64 M 128 128 M 256 256 256 256 M 512 512 512 512 M 512 512 512 512 M"
NETS = {
    "alexnet": alexnet,
    "vgg11": lambda: vgg(VGG11, norm=False),
    "vgg11_bn": lambda: vgg(VGG11, norm=True),
    "vgg16": lambda: vgg(VGG16, norm=False),
    "vgg16_bn": lambda: vgg(VGG16, norm=True),
    "vgg19": lambda: vgg(VGG19, norm=False),
    "vgg19_bn": lambda: vgg(VGG19, norm=True),
    "resnet18": lambda: ResNet((2, 2, 2, 2), deep=False),
    "resnet34": lambda: ResNet((3, 4, 6, 3), deep=False),
    "resnet50": lambda: ResNet((3, 4, 6, 3), deep=True),
    "squeezenet1_0": lambda: SqueezeNet("1.0"),
    "squeezenet1_1": lambda: SqueezeNet("1.1"),
}
