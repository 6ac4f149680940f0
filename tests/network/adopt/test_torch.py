"""PyTorch modules as networks: every layer as PyTorch computes it, every map as Captum's, and every refusal."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np
import pytest

import deconvviz as dv
from deconvviz.errors import NetworkError, RuleError
from deconvviz.network import reconstruct_units
from deconvviz.network.adopt import torch as adopt
from deconvviz.network.score import Score

pytestmark = [pytest.mark.peers, pytest.mark.slow]

SIZE = (24, 32)
SPEC = dv.InputSpec(size=SIZE)


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """PyTorch warns about its own internals, Captum that it hooks modules; the random state stays as it was."""
    torch = pytest.importorskip("torch")
    with warnings.catch_warnings(), torch.random.fork_rng():
        warnings.simplefilter("ignore")
        torch.manual_seed(4)
        yield


def architecture(name: str) -> Any:
    from network.adopt import torch_architectures

    return torch_architectures.make(name)


def channels_first(x: np.ndarray) -> Any:
    import torch

    return torch.from_numpy(np.ascontiguousarray(x.transpose(0, 3, 1, 2)))


def images(count: int, dtype: Any = np.float32) -> np.ndarray:
    return np.random.default_rng(count).standard_normal((count, *SIZE, 3)).astype(dtype)


def hooked(module: Any, x: np.ndarray) -> dict[str, np.ndarray]:
    """What each module of a PyTorch network returns, the first time that it is called, under our name for it."""
    found: dict[str, np.ndarray] = {}

    def keep(name: str) -> Any:
        def hook(_: Any, __: Any, out: Any) -> None:
            if hasattr(out, "detach"):
                found.setdefault(name.replace(".", "/"), out.detach().clone().numpy())

        return hook

    handles = [part.register_forward_hook(keep(name)) for name, part in module.named_modules() if name]
    module(channels_first(x))
    for handle in handles:
        handle.remove()
    return found


#: Network -> how many of its layers have the name of a module, so that hooks see them too.
NAMED = {
    "vgg": 11, "resnet": 39, "resnet, one ReLU a block": 33, "densenet": 13, "mobilenet": 14, "senet": 9,
    "inception": 20, "unet": 17, "vit": 11, "swin": 2, "convnext": 5,
}  # fmt: skip


@pytest.mark.sampled(1)
@pytest.mark.parametrize("name", NAMED)
def test_every_layer_is_as_in_pytorch(name: str) -> None:
    module, x = architecture(name), images(3)
    net = dv.Network.from_torch(module, input_spec=SPEC)
    theirs = hooked(module, x)
    both = [layer.name for layer in net.layers if layer.name in theirs]
    assert len(both) >= NAMED[name], sorted(both)
    for layer, value in net.taps(x, both).items():
        other = theirs[layer]
        other = other.transpose(0, 2, 3, 1) if value.ndim == 4 and other.shape != value.shape else other
        gap = np.abs(value - other.reshape(value.shape)).max() / np.abs(other).max()
        assert gap < 1e-5, (layer, gap)
    output = module(channels_first(x))
    output = output["logits"] if isinstance(output, dict) else output
    np.testing.assert_allclose(net.run(x), output.detach().numpy(), rtol=1e-4, atol=1e-5)


def test_layers_are_named_by_their_modules() -> None:
    names = [layer.name for layer in dv.Network.from_torch(architecture("resnet"), input_spec=SPEC).layers]
    assert names[:8] == ["conv1", "bn1", "relu", "maxpool", "layer1/0/conv1", "layer1/0/bn1", "layer1/0/relu1",
                         "layer1/0/conv2"]  # fmt: skip
    assert names[-4:] == ["layer2/0/add1", "layer2/0/relu3", "avgpool", "fc"]


def operation_groups() -> list[str]:
    """Names alone, where there is no PyTorch to import them with."""
    return ["convolutions", "transposed", "max_pools", "average_pools", "norms", "attention", "activations", "pads",
            "reductions", "shapes", "arithmetic", "in_place", "without_gradients", "nearest", "nearest-exact",
            "bilinear", "bicubic", "area"]  # fmt: skip


@pytest.mark.sampled(2)
@pytest.mark.parametrize("group", operation_groups())
def test_operations_are_as_in_pytorch(group: str) -> None:
    """In float64, where every spelling of a formula agrees to ten digits and a wrong one does not."""
    from network.adopt import torch_operations

    assert sorted(torch_operations.GROUPS) == sorted(operation_groups())
    x = np.random.default_rng(1).standard_normal((3, 13, 15, 3))
    module = torch_operations.Group(group)
    with jax.enable_x64():
        function, _ = adopt.from_module(module, dv.InputSpec(size=(13, 15)))
        ours = function(x)
    theirs = module(channels_first(x))
    assert len(ours) == len(theirs) > 0
    for index, (mine, other) in enumerate(zip(ours, theirs, strict=True)):
        assert mine.shape == other.shape, index
        # Two of the resampling kernels of PyTorch keep weights or places in float32.
        np.testing.assert_allclose(mine, other.detach().numpy(), rtol=1e-6, atol=1e-6, err_msg=str(index))


@pytest.mark.sampled(2)
@pytest.mark.parametrize(("rule", "method"), [
    ("deconvnet", "NeuronDeconvolution"), ("guided", "NeuronGuidedBackprop"), ("gradient", "NeuronGradient"),
])  # fmt: skip
@pytest.mark.parametrize(("name", "layers"), [
    ("vgg", ["features/3", "features/6", "classifier/1"]), ("resnet", ["layer1/0/relu3", "layer2/0/conv3", "fc"]),
    ("densenet", ["convs/1", "norm5"]), ("inception", ["branch3x3/1", "branch_pool/1"]), ("unet", ["up2", "side2/0"]),
])  # fmt: skip
def test_maps_are_captums(name: str, layers: list[str], rule: str, method: str) -> None:
    attr = pytest.importorskip("captum.attr")
    module, x = architecture(name).double(), images(1, np.float64)
    with jax.enable_x64():
        net = dv.Network.from_torch(module, input_spec=SPEC)
        values = net.taps(x, layers)
        units = [unit(layer, values[layer][0]) for layer in layers]
        maps = [result.map for result in reconstruct_units(net, x, units, rule, "one", prove=False)]
    for ours, one in zip(maps, units, strict=True):
        captum = getattr(attr, method)(module, module.get_submodule(one.layer.replace("/", ".")))
        place = (one.channel,) if one.row is None else (one.channel, one.row, one.column)
        theirs = captum.attribute(channels_first(x).requires_grad_(), neuron_selector=place)
        theirs = theirs.detach().numpy()[0].transpose(1, 2, 0)
        assert np.abs(theirs).max() > 0
        assert np.linalg.norm(ours - theirs) / np.linalg.norm(theirs) < 1e-6, one


def unit(layer: str, value: np.ndarray) -> dv.Unit:
    """The most active unit of a layer."""
    at = np.unravel_index(value.argmax(), value.shape)
    return dv.Unit(layer, int(at[-1]), *(int(i) for i in at[:-1]))


@pytest.mark.sampled(1)
@pytest.mark.parametrize(("rule", "method"), [("guided", "GuidedBackprop"), ("deconvnet", "Deconvolution")])
def test_a_relu_that_is_a_function_obeys_too(rule: str, method: str) -> None:
    """Captum hooks modules, so that ``F.relu`` keeps its gradient there; with a module in its place it agrees."""
    attr = pytest.importorskip("captum.attr")
    module, x = architecture("densenet").double(), images(1, np.float64)
    with jax.enable_x64():
        net = dv.Network.from_torch(module, input_spec=SPEC)
        (result,) = reconstruct_units(net, x, [dv.Unit("classifier", 2)], rule, "one", prove=False)
    assert str(result.coverage) == "4 of 4 rectifiers obey"
    gaps = []
    for functional in (True, False):
        module.functional = functional
        theirs = getattr(attr, method)(module).attribute(channels_first(x).requires_grad_(), target=2)
        theirs = theirs.detach().numpy()[0].transpose(1, 2, 0)
        gaps.append(np.linalg.norm(result.map - theirs) / np.linalg.norm(theirs))
    assert gaps[0] > 0.05
    assert gaps[1] < 1e-6


def test_activations_that_are_no_relu_are_refused_by_name() -> None:
    net = dv.Network.from_torch(architecture("vit"), input_spec=SPEC)
    picture = np.random.default_rng(0).random((*SIZE, 3)).astype(np.float32)
    with pytest.raises(RuleError, match="layers/0/mlp/1"):
        dv.reconstruct(net, picture, ("head", 1), rule="guided")
    assert np.abs(dv.reconstruct(net, picture, ("head", 1), rule="gradient").map).max() > 0


def test_the_module_is_left_alone_and_training_mode_is_said() -> None:
    module = architecture("vgg").train()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    net = dv.Network.from_torch(module, input_spec=SPEC, about={"weights": "none"})
    assert net.about == {"mode": "VGG was in training mode; it is run in evaluation mode.", "weights": "none"}
    assert net.name == "VGG"
    assert all(part.training for part in module.modules())
    assert all((module.state_dict()[name] == value).all() for name, value in before.items())
    x = images(1)
    first = net.run(x)
    for value in module.parameters():
        value.data.zero_()
    np.testing.assert_array_equal(net.run(x), first)
    assert net.about.keys() == {"mode", "weights"}
    assert "mode" not in dv.Network.from_torch(module.eval(), input_spec=SPEC).about


def test_a_forward_pass_that_depends_on_the_number_of_images_runs_with_any() -> None:
    import torch

    class Bound(torch.nn.Module):
        def forward(self, x: Any) -> Any:
            return x.reshape(int(x.numel() / (SIZE[0] * SIZE[1] * 3)), -1)[:, :7] * len(list(range(x.shape[0])))

    net = dv.Network.from_torch(Bound(), input_spec=SPEC)
    for count in (1, 2, 3):
        x = images(count)
        np.testing.assert_allclose(net.run(x), channels_first(x).reshape(count, -1)[:, :7].numpy() * count)


def refusal(module: Any, spec: dv.InputSpec = SPEC) -> str:
    with pytest.raises(NetworkError) as caught:
        dv.Network.from_torch(module, input_spec=spec)
    told = str(caught.value)
    assert "\n" not in told
    return told


def test_refusals_are_one_sentence() -> None:
    import torch
    from torch import nn

    class Sampled(nn.Module):
        def forward(self, x: Any) -> Any:
            return nn.functional.grid_sample(x, x.permute(0, 2, 3, 1)[..., :2], align_corners=False)

    class Noisy(nn.Module):
        def forward(self, x: Any) -> Any:
            return x + torch.randn_like(x)

    class Deciding(nn.Module):
        def forward(self, x: Any) -> Any:
            return x if x.mean() > 0 else -x

    told = refusal(nn.Sequential(nn.Conv2d(3, 3, 1), nn.Sequential(Sampled())))
    assert "aten.grid_sampler.default in 1.0" in told or "aten.grid_sampler_2d.default in 1.0" in told
    assert "random numbers are none that inference may draw" in refusal(Noisy())
    assert "torch.export cannot record Deciding on an image batch of shape (2, 3, 24, 32)" in refusal(Deciding())
    assert "may not choose by values that depend on the image" in refusal(Deciding())
    told = refusal(nn.Conv2d(3, 4, 3), dv.InputSpec(size=SIZE, channels="L", mean=(0.0,), std=(1.0,)))
    assert "shape (2, 1, 24, 32)" in told
    assert "expected input" in told
    assert "Linear is a class: give an instance of it" in refusal(nn.Linear)
    assert "int is no torch.nn.Module" in refusal(3)


def test_without_pytorch_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(NetworkError, match=r"pip install 'deconvviz\[torch\]'"):
        adopt.from_module(object(), SPEC)


@pytest.mark.parametrize("ceil_mode", [False, True])
@pytest.mark.parametrize(
    ("kind", "kernel", "stride", "padding"), [("Max", 2, 2, 0), ("Max", 3, 3, 1), ("Avg", 2, 3, 0)]
)
def test_pools_that_leave_rows_out_have_gradients(
    kind: str, kernel: int, stride: int, padding: int, ceil_mode: bool
) -> None:
    """Sizes that the windows do not fill: the gradient is PyTorch's own, with zeros where no window reaches."""
    from torch import nn

    size = (9, 11)
    pool = getattr(nn, f"{kind}Pool2d")(kernel, stride, padding, ceil_mode=ceil_mode)
    body = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), pool, nn.Flatten())
    x = np.random.default_rng(6).standard_normal((1, *size, 3)).astype(np.float32)
    given = channels_first(x).requires_grad_()
    module = nn.Sequential(body, nn.Linear(body(given).shape[1], 5)).eval()
    module(given)[0, 2].backward()
    net = dv.Network.from_torch(module, input_spec=dv.InputSpec(size=size))
    score = Score.of(net, x, (net.layers[-1].name, 2))
    expected = given.grad.numpy().transpose(0, 2, 3, 1)
    np.testing.assert_allclose(score.signals(x)[1], expected, rtol=1e-4, atol=1e-6)
