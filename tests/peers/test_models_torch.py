"""The networks with public weights against PyTorch modules with the same random weights: layers and scores."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import deconvviz as dv
from deconvviz import catalog
from deconvviz.models import _imagenet, _stored, alexnet, resnet, squeezenet, vgg

pytestmark = [pytest.mark.peers, pytest.mark.slow]

ARCHITECTURES = {
    one.name: one for family in (alexnet, vgg, resnet, squeezenet) for one in family.ARCHITECTURES
}  # fmt: skip
#: Largest difference allowed; activations reach 20.
CLOSE = 1e-4


@pytest.fixture(autouse=True)
def seeded() -> Iterator[None]:
    torch = pytest.importorskip("torch")
    with torch.no_grad(), torch.random.fork_rng():
        torch.manual_seed(3)
        yield


def peer(name: str) -> Any:
    """The PyTorch network with random weights: Kaiming's kernels, biases and statistics that are not 0 and 1."""
    import torch
    from peers import torch_nets

    with torch.device("meta"):  # PyTorch's own first weights would take as long as these
        net = torch_nets.NETS[name]().eval()
    net.to_empty(device="cpu")
    for module in net.modules():
        if isinstance(module, torch.nn.Conv2d | torch.nn.Linear):
            torch.nn.init.kaiming_normal_(module.weight)
        elif isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.4, 0.9)
            torch.nn.init.uniform_(module.running_var, 0.5, 2.5)
            torch.nn.init.normal_(module.running_mean, 0.2, 0.5)
        if getattr(module, "bias", None) is not None:
            torch.nn.init.normal_(module.bias, 0.1, 0.3)
    return net


def activations(net: Any, x: np.ndarray) -> list[np.ndarray]:
    """Outputs of all modules in the order of execution, maps as (N, h, w, c)."""
    import torch

    found: list[np.ndarray] = []

    def keep(module: Any, _: Any, output: Any) -> None:
        values = output.numpy()
        if values.ndim == 4:
            values = values.transpose(0, 2, 3, 1)
        found.append(values[:, 0, 0] if isinstance(module, torch.nn.AdaptiveAvgPool2d) else values)

    left_out = (torch.nn.Dropout,)
    if hasattr(net, "classifier") and hasattr(net, "avgpool"):
        left_out += (torch.nn.AdaptiveAvgPool2d,)
    for module in net.modules():
        if not list(module.children()) and not isinstance(module, left_out):
            module.register_forward_hook(keep)
    net(torch.from_numpy(np.ascontiguousarray(x.transpose(0, 3, 1, 2))))
    return found


def save(net: Any, path: Path) -> Path:
    from safetensors.torch import save_file

    save_file({name: value.contiguous() for name, value in net.state_dict().items()}, path)
    return path


@pytest.mark.sampled(1)
@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
def test_every_layer_is_that_of_pytorch(name: str, tmp_path: Path) -> None:
    theirs = peer(name)
    arrays = _stored.read(save(theirs, tmp_path / "weights.safetensors"), catalog.model(name))
    spec = dataclasses.replace(ARCHITECTURES[name].input_spec, size=(71, 93))
    net = _imagenet.network(dataclasses.replace(ARCHITECTURES[name], input_spec=spec), arrays, {})
    x = np.random.default_rng(5).standard_normal((2, 71, 93, 3), np.float32)
    wanted = activations(theirs, x)
    averaged = hasattr(theirs, "classifier")  # its pool to a fixed size is one layer here, or several
    names = [layer.name for layer in net.layers if not (averaged and layer.name.split("/")[0] == "avgpool")]
    found = net.taps(x, names)
    assert len(names) == len(wanted)
    for layer, values in zip(names, wanted, strict=True):
        assert found[layer].shape == values.shape, layer
        assert np.abs(values).max() > 0.01, layer
        np.testing.assert_allclose(found[layer], values, rtol=0, atol=CLOSE, err_msg=layer)


@pytest.mark.sampled(1)
@pytest.mark.parametrize("name", ["alexnet", "vgg16", "resnet18", "squeezenet1_1"])
def test_scores_of_a_loaded_network_at_its_own_size(name: str, tmp_path: Path) -> None:
    theirs = peer(name)
    net = dv.load(name, weights=save(theirs, tmp_path / "weights.safetensors"))
    picture = np.random.default_rng(6).random((224, 224, 3), np.float32)
    x = dv.model_input(net, picture)
    wanted = activations(theirs, x)[-1]
    np.testing.assert_allclose(net.run(x), wanted, rtol=0, atol=CLOSE)


def test_squeezenet_as_caffe_pads_it() -> None:
    import torch
    from peers import torch_nets

    theirs = torch_nets.SqueezeNet("1.0", last_padding=1).eval()
    arrays = {name: value.numpy() for name, value in theirs.state_dict().items()}
    net = _imagenet.network(squeezenet.COMPRESSED, arrays, {})
    x = np.random.default_rng(7).standard_normal((1, 227, 227, 3), np.float32)
    wanted = theirs(torch.from_numpy(np.ascontiguousarray(x.transpose(0, 3, 1, 2)))).numpy()
    assert wanted.shape == (1, 1000)
    np.testing.assert_allclose(net.run(x), wanted, rtol=0, atol=CLOSE)
