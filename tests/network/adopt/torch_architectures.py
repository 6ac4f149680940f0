"""Small networks of the kinds that people have in PyTorch, written as torchvision and timm write theirs."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn


def conv_norm(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


class VGG(nn.Module):
    """Convolutions and pools, cells of unequal size, dense layers with dropout."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 5, 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool2d(2, 2),
            nn.Conv2d(5, 7, 3, padding=1), nn.BatchNorm2d(7), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, ceil_mode=True),
        )  # fmt: skip
        self.avgpool = nn.AdaptiveAvgPool2d((3, 2))
        self.classifier = nn.Sequential(nn.Linear(42, 9), nn.ReLU(True), nn.Dropout(), nn.Linear(9, 4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))


class Bottleneck(nn.Module):
    """A residual block; its ReLU modules are one a place, or one for all."""

    def __init__(self, inputs: int, width: int, outputs: int, stride: int, shared: bool) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(inputs, width, 1, bias=False), nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, groups=2, dilation=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3, self.bn3 = nn.Conv2d(width, outputs, 1, bias=False), nn.BatchNorm2d(outputs)
        self.relu1 = nn.ReLU(inplace=True)
        self.relu2, self.relu3 = (self.relu1, self.relu1) if shared else (nn.ReLU(), nn.ReLU(inplace=True))
        self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.relu1(self.bn1(self.conv1(x)))
        y = self.bn3(self.conv3(self.relu2(self.bn2(self.conv2(y)))))
        y += self.downsample(x)
        return self.relu3(y)


class ResNet(nn.Module):
    """A stem and two stages."""

    def __init__(self, shared: bool = False) -> None:
        super().__init__()
        self.conv1, self.bn1, self.relu = nn.Conv2d(3, 4, 7, 2, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.layer1 = nn.Sequential(Bottleneck(4, 4, 8, 1, shared), Bottleneck(8, 4, 8, 1, shared))
        self.layer2 = nn.Sequential(Bottleneck(8, 6, 10, 2, shared))
        self.avgpool, self.fc = nn.AdaptiveAvgPool2d((1, 1)), nn.Linear(10, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        return self.fc(torch.flatten(self.avgpool(self.layer2(self.layer1(x))), 1))


class DenseNet(nn.Module):
    """Concatenations of all before, pre-activation; the last ReLU is a function, as in torchvision."""

    def __init__(self, functional: bool = True) -> None:
        super().__init__()
        self.functional = functional
        self.conv0 = nn.Conv2d(3, 4, 3, 2, 1, bias=False)
        self.norms = nn.ModuleList(nn.BatchNorm2d(4 + 3 * i) for i in range(3))
        self.convs = nn.ModuleList(nn.Conv2d(4 + 3 * i, 3, 3, padding=1, bias=False) for i in range(3))
        self.relus = nn.ModuleList(nn.ReLU() for _ in range(3))
        self.norm5, self.last, self.classifier = nn.BatchNorm2d(13), nn.ReLU(), nn.Linear(13, 4)
        self.transition = nn.AvgPool2d(2, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        features = [self.conv0(x)]
        for norm, relu, conv in zip(self.norms, self.relus, self.convs, strict=True):
            features.append(conv(relu(norm(torch.cat(features, 1)))))
        y = self.norm5(self.transition(torch.cat(features, 1)))
        y = F.relu(y, inplace=True) if self.functional else self.last(y)
        return self.classifier(torch.flatten(F.adaptive_avg_pool2d(y, (1, 1)), 1))


class SqueezeExcitation(nn.Module):
    def __init__(self, width: int, gate: type[nn.Module] = nn.Hardsigmoid) -> None:
        super().__init__()
        self.avgpool, self.fc1, self.fc2 = nn.AdaptiveAvgPool2d(1), nn.Conv2d(width, 2, 1), nn.Conv2d(2, width, 1)
        self.activation, self.scale_activation = nn.ReLU(), gate()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.scale_activation(self.fc2(self.activation(self.fc1(self.avgpool(x))))) * x


class MobileNet(nn.Module):
    """Inverted residuals: depthwise, ReLU6 and hard swish, a squeeze with its excitation."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 6, 3, 2, 1, bias=False), nn.BatchNorm2d(6), nn.Hardswish(inplace=True))
        self.block = nn.Sequential(
            nn.Conv2d(6, 12, 1), nn.ReLU6(inplace=True), nn.Conv2d(12, 12, 5, padding=2, groups=12), nn.ReLU6(),
            SqueezeExcitation(12), nn.Conv2d(12, 6, 1),
        )  # fmt: skip
        self.head = nn.Linear(6, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem(x)
        return self.head((x + self.block(x)).mean([2, 3]))


class SENet(nn.Module):
    """A plain network with gates that are sigmoids."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.relu1 = nn.Conv2d(3, 6, 3, 2, 1), nn.ReLU()
        self.se, self.relu2 = SqueezeExcitation(6, nn.Sigmoid), nn.ReLU()
        self.fc = nn.Linear(6, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc(self.relu2(self.se(self.relu1(self.conv1(x))) - 0.1).amax((2, 3)))


class Inception(nn.Module):
    """Branches side by side, an average that leaves the padding out, two heads as a dict."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = conv_norm(3, 6, 3, 2)
        self.branch1x1, self.branch3x3 = conv_norm(6, 3, 1), conv_norm(6, 4, 3)
        self.branch5x5 = nn.Sequential(conv_norm(6, 2, 1), nn.Conv2d(2, 3, (1, 7), padding=(0, 3)),
                                       nn.Conv2d(3, 3, (7, 1), padding=(3, 0)))  # fmt: skip
        self.pool, self.branch_pool = nn.AvgPool2d(3, 1, 1, count_include_pad=False), conv_norm(6, 2, 1)
        self.maxpool, self.fc, self.aux = nn.MaxPool2d(3, 2, ceil_mode=True), nn.Linear(12, 4), nn.Linear(6, 4)

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        x = self.stem(x)
        parts = [self.branch1x1(x), self.branch3x3(x), self.branch5x5(x), self.branch_pool(self.pool(x))]
        return {"logits": self.fc(self.maxpool(torch.cat(parts, 1)).mean((2, 3))), "aux": self.aux(x.mean((2, 3)))}


class UNet(nn.Module):
    """Down, up by a transposed convolution and by interpolation, with copies of what lies on the way."""

    def __init__(self) -> None:
        super().__init__()
        self.down1, self.down2, self.bottom = conv_norm(3, 4, 3), conv_norm(4, 6, 3), conv_norm(6, 8, 3)
        self.pool = nn.MaxPool2d(2)
        self.up2 = nn.ConvTranspose2d(8, 6, 2, stride=2)
        self.side2, self.side1 = conv_norm(12, 6, 3), conv_norm(10, 4, 3)
        self.norm, self.head = nn.GroupNorm(2, 4), nn.Conv2d(4, 5, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        first = self.down1(x)
        second = self.down2(self.pool(first))
        low = self.up2(self.bottom(self.pool(second)))
        low = F.pad(low, (0, second.shape[3] - low.shape[3], 0, second.shape[2] - low.shape[2]), mode="replicate")
        y = self.side2(torch.cat([second, low], 1))
        y = F.interpolate(y, size=first.shape[2:], mode="bilinear", align_corners=False)
        return self.head(self.norm(self.side1(torch.cat([first, y], 1))))


class Encoder(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.self_attention = nn.MultiheadAttention(width, 2, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(width, 12), nn.GELU(), nn.Dropout(0.1), nn.Linear(12, width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.ln_1(x)
        x = x + self.self_attention(y, y, y, need_weights=False)[0]
        return x + self.mlp(self.ln_2(x))


class ViT(nn.Module):
    """Patches as tokens, a class token, positions, two encoder blocks."""

    def __init__(self) -> None:
        super().__init__()
        self.conv_proj = nn.Conv2d(3, 8, 8, 8)
        self.class_token = nn.Parameter(torch.randn(1, 1, 8))
        self.pos_embedding = nn.Parameter(torch.randn(1, 13, 8))
        self.layers, self.ln = nn.Sequential(Encoder(8), Encoder(8)), nn.LayerNorm(8)
        self.head = nn.Linear(8, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        n = x.shape[0]
        x = self.conv_proj(x).reshape(n, 8, -1).permute(0, 2, 1)
        x = torch.cat([self.class_token.expand(n, -1, -1), x], dim=1) + self.pos_embedding
        return self.head(self.ln(self.layers(x))[:, 0])


class Swin(nn.Module):
    """Attention in windows that are shifted, with a table of relative positions, as timm writes it."""

    def __init__(self) -> None:
        super().__init__()
        self.patches, self.norm = nn.Conv2d(3, 6, 4, 4), nn.LayerNorm(6)
        self.qkv, self.proj, self.head = nn.Linear(6, 18), nn.Linear(6, 6), nn.Linear(6, 4)
        self.table = nn.Parameter(torch.randn(9, 2))
        self.register_buffer("places", torch.arange(16).reshape(4, 4) % 9, persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.norm(self.patches(x).permute(0, 2, 3, 1))
        b, h, w, c = x.shape
        y = torch.roll(x, (-1, -1), (1, 2)).view(b, h // 2, 2, w // 2, 2, c).transpose(2, 3).reshape(-1, 4, c)
        windows = y.shape[0]
        q, k, v = self.qkv(y).reshape(windows, 4, 3, 2, 3).permute(2, 0, 3, 1, 4).unbind(0)
        bias = self.table[self.places.view(-1)].view(4, 4, 2).permute(2, 0, 1).contiguous()
        scores = ((q * 3**-0.5) @ k.transpose(-2, -1) + bias.unsqueeze(0)).softmax(-1)
        y = self.proj((scores @ v).transpose(1, 2).reshape(windows, 4, c))
        y = y.view(int(windows / (h * w / 4)), h // 2, w // 2, 2, 2, c).permute(0, 1, 3, 2, 4, 5).reshape(b, h, w, c)
        x = x + torch.roll(y, (1, 1), (1, 2))
        return self.head(x.mean((1, 2)))


class ConvNeXt(nn.Module):
    """Depthwise 7 x 7, normalized over channels, a scale a channel; GELU between."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.dwconv = nn.Conv2d(3, 6, 4, 4), nn.Conv2d(6, 6, 7, padding=3, groups=6)
        self.norm, self.pwconv1, self.act = nn.LayerNorm(6, eps=1e-6), nn.Linear(6, 12), nn.GELU()
        self.pwconv2, self.gamma, self.head = nn.Linear(12, 6), nn.Parameter(torch.rand(6)), nn.Linear(6, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem(x)
        y = self.norm(self.dwconv(x).permute(0, 2, 3, 1))
        y = (self.gamma * self.pwconv2(self.act(self.pwconv1(y)))).permute(0, 3, 1, 2)
        return self.head((x + y).mean([-2, -1]))


NETS = {
    "vgg": VGG, "resnet": ResNet, "resnet, one ReLU a block": lambda: ResNet(shared=True), "densenet": DenseNet,
    "mobilenet": MobileNet, "senet": SENet, "inception": Inception, "unet": UNet, "vit": ViT, "swin": Swin,
    "convnext": ConvNeXt,
}  # fmt: skip


def make(name: str) -> nn.Module:
    """The network in evaluation mode, its norms with statistics and scales of their own."""
    torch.manual_seed(3)
    net = NETS[name]().eval()
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.4, 1.2)
            nn.init.normal_(module.bias, std=0.2)
            nn.init.normal_(module.running_mean, std=0.2)
            nn.init.uniform_(module.running_var, 0.5, 2.0)
        elif isinstance(module, (nn.LayerNorm, nn.GroupNorm)):
            nn.init.uniform_(module.weight, 0.4, 1.2)
            nn.init.normal_(module.bias, std=0.2)
    return net
