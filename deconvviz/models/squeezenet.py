"""SqueezeNet 1.0 and 1.1: fire modules squeeze the channels by 1x1 convolutions and expand them by 1x1 and 3x3.

Three networks: ``squeezenet`` is 1.0 with the deep-compressed weights of its authors (660 KB, BSD licence), fed as
Caffe feeds it; ``squeezenet1_0`` and ``squeezenet1_1`` are torchvision's. Layers: ``conv1``, ``relu1``, ``pool1``,
``fire2.squeeze1x1``, ``fire2.relu_squeeze1x1``, ``fire2.expand1x1``, ..., ``fire2`` (its output), ..., ``conv10``,
``relu10``, ``pool10``.

Source: iandola2016squeezenet, han2016compression
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from deconvviz.catalog import ModelEntry, PublicWeights
from deconvviz.models import _compressed, _stored, public_weights
from deconvviz.models._imagenet import TORCHVISION, Architecture, entry, network, random_seed, untrained
from deconvviz.models._layers import Conv, Layers, Part, max_pool, relu, shapes_of, step
from deconvviz.network import Network
from deconvviz.types import InputSpec


class Version(NamedTuple):
    """Kernel size and channels of conv1, and the layers that a 3x3 pool of stride 2 follows."""

    kernel: int
    channels: int
    pooled: tuple[int, ...]


VERSIONS = {"1_0": Version(7, 96, (1, 4, 8)), "1_1": Version(3, 64, (1, 3, 5))}
#: Channels of fire2 to fire9: squeezed, and of each of the two expanding convolutions.
FIRES = ((16, 64), (16, 64), (32, 128), (32, 128), (48, 192), (48, 192), (64, 256), (64, 256))
#: As Caffe feeds it: stretched to 256 x 256, the centre, blue first, 0..255, minus ImageNet's mean.
CAFFE = InputSpec(
    size=(227, 227), mean=(104.0, 117.0, 123.0), scale=255.0, channels="BGR", fit="stretch", resize=256
)  # fmt: skip
PAGE = "https://github.com/songhan/SqueezeNet-Deep-Compression"
URL = (
    "https://raw.githubusercontent.com/songhan/SqueezeNet-Deep-Compression/"
    "5623e3cdbe1fcd83328c61ce2ee42c34ed319aa3/compressed_SqueezeNet.net"
)
SHA256 = "e4ab6960ae8cd81505e1c2136921201507e930966c53deaf15862a395b3a3261"


def parts(version: Version, last_padding: int = 0, fires: tuple[tuple[int, int], ...] = FIRES) -> tuple[Part, ...]:
    """The layers with weights, in the order of the compressed file."""
    parts: list[Part] = [Conv("conv1", "features.0", 3, version.channels, version.kernel, 2)]
    index, depth = 3, version.channels
    for number, (squeezed, expanded) in enumerate(fires, start=2):
        name, stored = f"fire{number}", f"features.{index}"
        parts += [
            Conv(f"{name}.squeeze1x1", f"{stored}.squeeze", depth, squeezed, 1),
            Conv(f"{name}.expand1x1", f"{stored}.expand1x1", squeezed, expanded, 1),
            Conv(f"{name}.expand3x3", f"{stored}.expand3x3", squeezed, expanded, 3, padding=1),
        ]
        index, depth = index + 1 + (number in version.pooled), 2 * expanded
    return (*parts, Conv("conv10", "classifier.1", depth, 1000, 1, padding=last_padding))


def run(pooled: tuple[int, ...], fires: int, layers: Layers, x: Any) -> Any:
    """Scores (N, 1000) of model input (N, H, W, 3), H and W at least 21."""
    x = relu("relu1", step("conv1", layers["conv1"], x))
    for number in range(1, fires + 2):
        if number > 1:
            x = _fire(f"fire{number}", layers, x)
        if number in pooled:
            x = max_pool(f"pool{number}", x, 3, 2, ceil=True)
    x = relu("relu10", step("conv10", layers["conv10"], x))
    return step("pool10", lambda x: x.mean(axis=(1, 2)), x)


def _fire(name: str, layers: Layers, x: Any) -> Any:
    def convolved(part: str, x: Any) -> Any:
        return relu(f"{name}.relu_{part}", step(f"{name}.{part}", layers[f"{name}.{part}"], x))

    x = convolved("squeeze1x1", x)
    both = [convolved("expand1x1", x), convolved("expand3x3", x)]
    return step(name, lambda both: jnp.concatenate(both, axis=-1), both)


def decoded(data: bytes, layers: tuple[Part, ...], label: str) -> dict[str, np.ndarray]:
    """The arrays of a compressed file under torchvision's names."""
    shapes = shapes_of(layers)
    kernels = [shape for name, shape in shapes.items() if name.endswith("weight")]
    pairs = _compressed.decode(data, kernels, label)  # type: ignore[arg-type]  # all have four dimensions
    return dict(zip(shapes, (array for pair in pairs for array in pair), strict=True))


def compressed_arrays(weights: str | Path | None = None) -> dict[str, np.ndarray]:
    """The arrays of SqueezeNet 1.0 as its authors compressed it, under torchvision's names; blue is the first channel.

    Args:
      weights: the file; None for the one on this machine, which is downloaded once.

    Raises:
      WeightsError: no file and no connection, or a file that is damaged or of another network.
    """
    path = public_weights.locate(MODEL[0], weights)
    public_weights.check(path)
    return decoded(public_weights.verified(path, _WEIGHTS), COMPRESSED.parts, str(path))


def _torchvision(version: str) -> Architecture:
    known, name = VERSIONS[version], f"squeezenet{version}"
    title = f"SqueezeNet {version.replace('_', '.')} of torchvision, ImageNet"
    page = f"https://docs.pytorch.org/vision/stable/models/generated/torchvision.models.{name}.html"
    return Architecture(name, title, parts(known), partial(run, known.pooled, len(FIRES)), TORCHVISION, page)


_V1 = VERSIONS["1_0"]
COMPRESSED = Architecture(
    "squeezenet", "SqueezeNet 1.0 with 660 KB of weights, ImageNet", parts(_V1, last_padding=1),
    partial(run, _V1.pooled, len(FIRES)), CAFFE, PAGE,
)  # fmt: skip
ARCHITECTURES = tuple(map(_torchvision, VERSIONS))
_WEIGHTS = PublicWeights(
    PAGE, "BSD", "compressed_SqueezeNet.net", shapes_of(COMPRESSED.parts), url=URL, sha256=SHA256, size=675_763
)


def build(weights: str | Path | None = None) -> Network:
    """SqueezeNet 1.0 with its compressed weights, downloaded once; or with torchvision's, from a safetensors file.

    Raises:
      WeightsError: no file and no connection, or a file that is damaged or of another network.
    """
    seed = random_seed(weights)
    if seed is not None:
        return untrained(COMPRESSED, MODEL[0], seed)
    path = public_weights.locate(MODEL[0], weights)
    public_weights.check(path)
    with path.open("rb") as file:
        head = file.read(9)
    if _stored.is_safetensors(head):
        return network(ARCHITECTURES[0], _stored.read(path, MODEL[0]), {"weights": path.name})
    arrays = decoded(public_weights.verified(path, _WEIGHTS), COMPRESSED.parts, str(path))
    return network(COMPRESSED, arrays, {"weights": "660 KB, deep-compressed by the authors"})


MODEL = (ModelEntry(COMPRESSED.name, COMPRESSED.title, build, _WEIGHTS), *map(entry, ARCHITECTURES))
