"""Networks with public weights: tiny ones against loops, their names, their layers, and what they are fed."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from reference import public_net_loops as loops

import deconvviz as dv
from deconvviz import catalog
from deconvviz.models import _imagenet, alexnet, resnet, squeezenet, vgg
from deconvviz.models._layers import Classifier, Part, average_to, shapes_of

#: Numbers of weights that torchvision's documentation gives.
WEIGHTS = {
    "alexnet": 61_100_840, "vgg11": 132_863_336, "vgg11_bn": 132_868_840, "vgg16": 138_357_544,
    "vgg16_bn": 138_365_992, "vgg19": 143_667_240, "vgg19_bn": 143_678_248, "resnet18": 11_689_512,
    "resnet34": 21_797_672, "resnet50": 25_557_032, "squeezenet1_0": 1_248_424, "squeezenet1_1": 1_235_496,
}  # fmt: skip
PUBLIC = {name: entry for name, entry in catalog.models().items() if entry.weights is not None}


def draw(parts: tuple[Part, ...], seed: int = 4) -> dict[str, np.ndarray]:
    """Random arrays, of which variances are positive and nothing is 0 or 1."""
    rng = np.random.default_rng(seed)
    found = {}
    for name, shape in shapes_of(parts).items():
        spread = math.sqrt(2 / math.prod(shape[1:])) if len(shape) > 1 else 0.3
        found[name] = (rng.standard_normal(shape) * spread + (len(shape) == 1) * 0.1).astype(np.float32)
        if name.endswith("running_var"):
            found[name] = np.abs(found[name]) + np.float32(0.5)
    return found


def check(parts: tuple[Part, ...], run: Callable[..., Any], looped: Callable[..., Any], size: tuple[int, int]) -> None:
    """The Flax network and the loops give the same scores."""
    arrays = draw(parts)
    x = np.random.default_rng(5).standard_normal((2, *size, 3)).astype(np.float32)
    wanted = looped({name: value.astype(np.float64) for name, value in arrays.items()}, x=x.astype(np.float64))
    with jax.default_matmul_precision("highest"):
        found = Classifier(parts, run, arrays)(jnp.asarray(x))
    assert found.shape == (2, 1000)
    assert np.abs(wanted).max() > 0.01
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-4 * np.abs(wanted).max())


@pytest.mark.deep
@pytest.mark.parametrize("normed", [False, True])
def test_vgg_against_loops(normed: bool) -> None:
    plan = (1, 2)
    parts = vgg.parts(plan, normed, widths=(3, 4), hidden=5)
    check(parts, partial(vgg.run, plan), partial(loops.vgg, plan=plan, normed=normed), (11, 19))


@pytest.mark.sampled(1)
@pytest.mark.slow
@pytest.mark.parametrize("convs", [2, 3])
def test_resnet_against_loops(convs: int) -> None:
    counts = (1, 2)
    parts = resnet.parts(counts, convs, widths=(3, 5))
    check(parts, partial(resnet.run, counts, convs), partial(loops.resnet, counts=counts, convs=convs), (13, 22))


@pytest.mark.sampled(1)
@pytest.mark.slow
@pytest.mark.parametrize("padding", [0, 1])
def test_squeezenet_against_loops(padding: int) -> None:
    parts = squeezenet.parts(squeezenet.Version(3, 4, (1, 3)), padding, fires=((2, 3), (3, 4), (2, 5)))
    check(
        parts, partial(squeezenet.run, (1, 3), 3), partial(loops.squeezenet, order="pffpf", last_padding=padding),
        (19, 28),
    )  # fmt: skip


@pytest.mark.parametrize(("size", "height", "width"), [(7, 2, 3), (6, 7, 13), (3, 9, 3), (4, 4, 5)])
def test_averages_to_a_fixed_size(size: int, height: int, width: int) -> None:
    x = np.random.default_rng(6).standard_normal((2, height, width, 3))
    found = average_to("avgpool", jnp.asarray(x, jnp.float32), size)
    np.testing.assert_allclose(found, loops.average_to(x, size), atol=1e-5)


@pytest.mark.parametrize("name", sorted(WEIGHTS))
def test_the_numbers_of_weights_are_the_published_ones(name: str) -> None:
    weights = PUBLIC[name].weights
    assert weights is not None
    counted = sum(math.prod(shape) for array, shape in weights.shapes.items() if ".running_" not in array)
    assert counted == WEIGHTS[name]


def names(model: str) -> set[str]:
    """Beginnings of the names of a model's arrays."""
    weights = PUBLIC[model].weights
    assert weights is not None
    return {array.rpartition(".")[0] for array in weights.shapes}


def test_arrays_are_named_as_in_torchvision() -> None:
    assert names("alexnet") == {f"features.{i}" for i in (0, 3, 6, 8, 10)} | {f"classifier.{i}" for i in (1, 4, 6)}
    dense = {f"classifier.{i}" for i in (0, 3, 6)}
    vgg16 = (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)
    assert names("vgg16") == {f"features.{i}" for i in vgg16} | dense
    vgg11_bn = (0, 1, 4, 5, 8, 9, 11, 12, 15, 16, 18, 19, 22, 23, 25, 26)
    assert names("vgg11_bn") == {f"features.{i}" for i in vgg11_bn} | dense
    assert {"layer1.0.downsample.1", "layer2.0.downsample.0", "layer4.2.conv3", "fc", "bn1"} < names("resnet50")
    assert "layer1.0.downsample.0" not in names("resnet34")
    fires = {name.split(".")[1] for name in names("squeezenet1_1") if name.endswith("squeeze")}
    assert fires == {"3", "4", "6", "7", "9", "10", "11", "12"}
    fires = {name.split(".")[1] for name in names("squeezenet1_0") if name.endswith("squeeze")}
    assert fires == {"3", "4", "5", "7", "8", "9", "10", "12"}


def layers(name: str) -> dict[str, tuple[int, ...]]:
    """Layer names and shapes of an untrained network."""
    return {layer.name: layer.shape for layer in dv.load(name, weights="random").layers}


@pytest.mark.deep
def test_layers_of_squeezenet_at_its_own_size() -> None:
    found = layers("squeezenet")
    assert list(found)[:5] == ["conv1", "relu1", "pool1", "fire2.squeeze1x1", "fire2.relu_squeeze1x1"]
    wanted = {
        "conv1": (111, 111, 96), "pool1": (55, 55, 96), "fire2": (55, 55, 128), "fire4": (55, 55, 256),
        "pool4": (27, 27, 256), "fire8": (27, 27, 512), "pool8": (13, 13, 512), "fire9": (13, 13, 512),
        "conv10": (15, 15, 1000), "relu10": (15, 15, 1000), "pool10": (1000,),
    }  # fmt: skip
    assert {name: found[name] for name in wanted} == wanted
    assert layers("squeezenet1_0")["conv10"] == (13, 13, 1000)


@pytest.mark.slow
def test_layers_of_resnet() -> None:
    found = list(layers("resnet18"))
    block = ["conv1", "bn1", "relu", "conv2", "bn2", "downsample.0", "downsample.1", "add", "relu_1"]
    assert [name.removeprefix("layer2.0.") for name in found if name.startswith("layer2.0.")] == block
    assert found[:4] == ["conv1", "bn1", "relu", "maxpool"]
    assert found[-2:] == ["avgpool", "fc"]


@pytest.mark.deep
def test_layers_of_vgg_and_alexnet() -> None:
    found = layers("vgg16")
    assert list(found)[:6] == ["conv1_1", "relu1_1", "conv1_2", "relu1_2", "pool1", "conv2_1"]
    assert list(found)[-6:] == ["pool5", "fc6", "relu6", "fc7", "relu7", "fc8"]
    assert (found["conv3_3"], found["pool3"], found["fc6"]) == ((56, 56, 256), (28, 28, 256), (4096,))
    found = layers("alexnet")
    named = [f"{kind}{i}" for i in range(1, 6) for kind in ("conv", "relu", "pool") if kind != "pool" or i in (1, 2, 5)]
    assert list(found) == [*named, "fc6", "relu6", "fc7", "relu7", "fc8"]
    assert found["pool5"] == (6, 6, 256)


@pytest.mark.slow
def test_random_weights_are_seeded_and_say_so() -> None:
    one, same, other = (dv.load("squeezenet1_1", weights=w) for w in ("random", "random:0", "random:1"))
    assert one.name == "squeezenet1_1 (untrained)"
    assert one.about == {"weights": "random, seed 0, untrained"}
    assert one.labels is None
    assert one.digest == same.digest != other.digest
    picture = np.random.default_rng(8).random((224, 224, 3), np.float32)
    values = dv.activations(one, picture, "fire9")
    assert 0.05 < values.std() < 20, "Kaiming's rule keeps the size of activations"


@pytest.mark.slow
def test_what_squeezenet_is_fed() -> None:
    net = dv.load("squeezenet", weights="random")
    picture = np.random.default_rng(9).random((227, 227, 3)).astype(np.float32)
    wanted = picture[..., ::-1] * 255 - np.float32([104, 117, 123])
    np.testing.assert_allclose(dv.model_input(net, picture)[0], wanted, atol=1e-3)
    levels = np.random.default_rng(9).integers(0, 256, (227, 227, 3), np.uint8)
    np.testing.assert_allclose(
        dv.model_input(net, levels)[0], levels[..., ::-1] - np.float32([104, 117, 123]), atol=1e-3
    )
    blue = np.zeros((300, 512, 3))
    blue[..., 2] = 1
    assert dv.model_input(net, blue)[0, 100, 100].round().tolist() == [151, -117, -123]
    side = np.zeros((256, 512, 3), np.float32)
    side[:, :102] = 1  # stretched to 256 x 256 it is 51 columns, of which the centre keeps 37
    bright = dv.model_input(net, side)[0, 100, :, 1] > 0
    assert bright.sum() == np.argmin(bright) == 37


def test_what_the_others_are_fed() -> None:
    net = dv.load("squeezenet1_1", weights="random")
    picture = np.random.default_rng(10).random((224, 224, 3)).astype(np.float32)
    wanted = (picture - np.float32([0.485, 0.456, 0.406])) / np.float32([0.229, 0.224, 0.225])
    np.testing.assert_allclose(dv.model_input(net, picture)[0], wanted, atol=1e-5)
    wide = np.zeros((256, 400, 3), np.float32)
    wide[:, 88:312] = 1  # the centre of a picture whose shorter side is 256 already
    assert dv.model_input(net, wide).min() > 1


def test_a_wrong_picture_layer_or_channel_is_refused() -> None:
    net = dv.load("squeezenet", weights="random")
    with pytest.raises(dv.DeconvvizError, match=r"shape \(227, 227, 5\) is not one picture"):
        dv.activations(net, np.zeros((227, 227, 5), np.float32), "fire2")
    with pytest.raises(dv.DeconvvizError, match=r"no layer 'fire2\.expand3x'; did you mean fire2\.expand3x3"):
        dv.activations(net, np.zeros((227, 227, 3), np.float32), "fire2.expand3x")
    with pytest.raises(dv.DeconvvizError, match=r"fire2 has 128 channels, numbered 0 to 127; got channel=128"):
        dv.reconstruct(net, np.zeros((227, 227, 3), np.float32), dv.Unit("fire2", 128))
    with pytest.raises(dv.DeconvvizError, match="no model 'vgg_16'; did you mean vgg16"):
        dv.load("vgg_16")


def test_the_classes_are_those_of_imagenet() -> None:
    found = _imagenet.classes()
    ids, labels = zip(*found, strict=True)
    assert list(ids) == sorted(set(ids))
    assert len(found) == len(set(labels)) == 1000
    assert all(re.fullmatch(r"n\d{8}", id) for id in ids)
    assert (labels[0], labels[134], labels[281], labels[517], labels[999]) == (
        "tench", "crane (bird)", "tabby", "crane (machine)", "toilet tissue"
    )  # fmt: skip


@pytest.mark.slow
def test_every_public_network_says_where_its_weights_are() -> None:
    assert set(PUBLIC) == {*WEIGHTS, "squeezenet"}
    for entry in PUBLIC.values():
        assert entry.weights is not None
        assert entry.weights.page.startswith("https://")
        assert entry.weights.licence
    assert alexnet.MODEL is catalog.model("alexnet")
