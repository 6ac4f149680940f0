"""Methods of attribution against Captum in float64: the shipped network retyped, residual blocks, ResNet-18."""

from __future__ import annotations

import contextlib
import functools
import warnings
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np
import pytest

import deconvviz as dv
from deconvviz.methods import attribution
from deconvviz.models import caltech

pytestmark = [pytest.mark.peers, pytest.mark.slow]

TOLERANCE = 1e-6


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Captum warns that it hooks modules; PyTorch's random state stays as it was."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("captum")
    with warnings.catch_warnings(), torch.random.fork_rng():
        warnings.simplefilter("ignore")
        torch.manual_seed(4)
        yield


def retyped() -> Any:
    """The shipped network as a PyTorch module."""
    import torch

    params, layers, depth = caltech.load_params(), [], 3
    for i, step in enumerate(caltech.CHAIN, start=1):
        pad = (step.kernel - step.stride) // 2 if step.stride > 1 else step.kernel // 2
        conv = torch.nn.Conv2d(depth, step.channels, step.kernel, step.stride, pad)
        kernel = np.asarray(params[f"conv{i}.kernel"]).transpose(3, 2, 0, 1)
        conv.weight.data = torch.from_numpy(np.ascontiguousarray(kernel))
        conv.bias.data = torch.from_numpy(np.array(params[f"conv{i}.bias"]))
        layers += [conv, torch.nn.ReLU(), *([torch.nn.MaxPool2d(2)] if step.pool else [])]
        depth = step.channels
    dense = torch.nn.Linear(depth, caltech.CLASSES)
    dense.weight.data = torch.from_numpy(np.ascontiguousarray(np.asarray(params["logits.kernel"]).T))
    dense.bias.data = torch.from_numpy(np.array(params["logits.bias"]))
    pool = [torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten()]
    return torch.nn.Sequential(*layers, *pool, dense).double().eval()


def residual() -> Any:
    """Two residual blocks of ResNet on a small picture, with running statistics that are not 0 and 1."""
    import torch
    from peers import torch_nets

    class Small(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.blocks = torch.nn.Sequential(torch_nets.Block(3, 5, 1, False), torch_nets.Block(5, 6, 2, False))
            self.pool, self.fc = torch.nn.AdaptiveAvgPool2d(1), torch.nn.Linear(6, 4)

        def forward(self, x: Any) -> Any:
            return self.fc(self.pool(self.blocks(x)).flatten(1))

    return prepared(Small(), -0.2)


def prepared(net: Any, lowest: float) -> Any:
    """A network with running statistics that are not 0 and 1, and top weights from the lowest up to 1."""
    import torch

    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.4, 0.9)
            torch.nn.init.uniform_(module.running_var, 0.5, 2.5)
    torch.nn.init.uniform_(net.fc.weight, lowest, 1.0)  # so that Grad-CAM, cut off at 0, shows something
    return net.double().eval()


def public(name: str) -> Any:
    """A public network with weights drawn at random."""
    from peers import torch_nets

    return prepared(torch_nets.NETS[name](), -0.2)


#: Network -> size of the picture, and patch and stride of occlusion, which do not divide it.
SIZES = {"caltech": (128, 128), "residual": (13, 18), "resnet18": (61, 75)}
OCCLUSION = {
    "caltech": ((37, 50), (30, 41)), "residual": ((5, 4), (3, 4)),     "resnet18": ((31, 37), (30, 33)),
}  # fmt: skip


@functools.cache
def pair(name: str) -> tuple[Any, dv.Network, np.ndarray]:
    """One network twice, and a model input, all in float64."""
    torch_net = {"caltech": retyped, "residual": residual}.get(name, lambda: public(name))()
    size = SIZES[name]
    x = np.random.default_rng(2).normal(size=(1, *size, 3))
    if name != "caltech":
        return torch_net, dv.Network.from_torch(torch_net, input_spec=dv.InputSpec(size=size)), x
    params = {key: np.asarray(value, np.float64) for key, value in caltech.load_params().items()}
    return torch_net, dv.Network(lambda x: caltech.forward(params, x), input_spec=caltech.INPUT), x


def theirs(
    name: str, torch_net: Any, x: np.ndarray, target: int, method: str, monkeypatch: pytest.MonkeyPatch
) -> np.ndarray:
    """Captum's answer, (H, W, C) or (H, W)."""
    import torch
    from captum import attr

    image = torch.from_numpy(np.ascontiguousarray(x.transpose(0, 3, 1, 2)))
    if method == "gradient_x_input":
        found = attr.InputXGradient(torch_net).attribute(image.requires_grad_(), target=target)
    elif method == "integrated_gradients":
        start = torch.full_like(image, -2.0)
        with places_in_float64():
            found = attr.IntegratedGradients(torch_net).attribute(
                image, start, target=target, n_steps=12, method="riemann_middle"
            )
    elif method == "smoothgrad":
        draws = np.stack([np.random.default_rng([3, k]).standard_normal(x.shape[1:]) for k in range(5)])
        sigma = 0.15 * (x.max() - x.min())
        noise = torch.from_numpy(np.ascontiguousarray((sigma * draws).transpose(0, 3, 1, 2)))
        monkeypatch.setattr(torch, "normal", lambda *_, **__: noise)
        found = attr.NoiseTunnel(attr.Saliency(torch_net)).attribute(
            image.requires_grad_(), nt_type="smoothgrad", nt_samples=5, stdevs=sigma, target=target, abs=False
        )
    elif method == "grad_cam":
        found = attr.LayerGradCam(torch_net, last_maps(name, torch_net)).attribute(
            image, target=target, relu_attributions=True
        )
        found = attr.LayerAttribution.interpolate(found, x.shape[1:3], "bilinear")
    else:
        size, step = OCCLUSION[name]
        found = attr.Occlusion(torch_net).attribute(
            image, (3, *size), strides=(3, *step), target=target, baselines=0.0, perturbations_per_eval=16
        )
    answer = found.detach().numpy()[0].transpose(1, 2, 0)
    return answer[..., 0] if method in ("grad_cam", "occlusion") else answer


@contextlib.contextmanager
def places_in_float64() -> Iterator[None]:
    """Captum asks `torch.linspace` for its steps in PyTorch's default type, whatever the network's own is."""
    import torch

    default = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(default)


def last_maps(name: str, torch_net: Any) -> Any:
    """The module whose maps Grad-CAM weighs."""
    if name == "caltech":
        return torch_net[-4]
    return torch_net.blocks[-1] if name == "residual" else torch_net.layer4[-1]


def options(name: str, method: str) -> dict[str, Any]:
    """The same settings in ours."""
    patch, stride = OCCLUSION[name]
    return {
        "integrated_gradients": {"baseline": -2.0, "steps": 12},
        "smoothgrad": {"samples": 5, "noise": 0.15},
        "occlusion": {"patch": patch, "stride": stride, "baseline": 0.0},
    }.get(method, {})


METHODS = ("gradient_x_input", "integrated_gradients", "smoothgrad", "grad_cam", "occlusion")


@pytest.mark.sampled(3)
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", ["caltech", "residual", pytest.param("resnet18", marks=pytest.mark.deep)])
def test_methods_as_captum(name: str, method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with jax.enable_x64():
        torch_net, ours, x = pair(name)
        top = ours.layers[-1].name
        target = int(ours.run(x)[0].argmax())
        found = attribution.attribute(ours, x, (top, target), method, 3, **options(name, method))
    wanted = theirs(name, torch_net, x, target, method, monkeypatch)
    assert np.abs(wanted).max() > 0
    gap = np.linalg.norm(found.map - wanted) / np.linalg.norm(wanted)
    assert gap < TOLERANCE, gap


@pytest.mark.deep
def test_integrated_gradients_of_vgg16_as_captum_at_the_same_places(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rounded to float32, Captum's places lie 4e-8 beside the midpoints, and kinks between: the maps differ by 1e-4."""
    from peers import torch_nets

    net = torch_nets.NETS["vgg16"]().double().eval()
    x = np.random.default_rng(2).normal(size=(1, 64, 64, 3))
    with jax.enable_x64():
        ours = dv.Network.from_torch(net, input_spec=dv.InputSpec(size=(64, 64)))
        found = attribution.attribute(
            ours, x, (ours.layers[-1].name, 5), "integrated_gradients", baseline=-2.0, steps=12
        )
    wanted = theirs("vgg16", net, x, 5, "integrated_gradients", monkeypatch)
    gap = np.linalg.norm(found.map - wanted) / np.linalg.norm(wanted)
    assert gap < TOLERANCE, gap


def test_a_kink_between_a_midpoint_and_its_float32_is_what_captum_misses() -> None:
    """A ReLU that wakes at 0.37499998 of the line, and the fifth of 12 midpoints, 0.375: eight of them see it awake."""
    import torch
    from captum import attr

    kink = 0.375 - 2e-8
    net = dv.Network(lambda x: jax.numpy.maximum(x - kink, 0).sum((1, 2)), input_spec=dv.InputSpec(size=(1, 1)))
    x = np.ones((1, 1, 1, 3))
    with jax.enable_x64():
        found = attribution.attribute(net, x, (net.layers[-1].name, 0), "integrated_gradients", baseline=0.0, steps=12)
    np.testing.assert_allclose(found.map.ravel(), [8 / 12, 0, 0], atol=1e-12)
    method = attr.IntegratedGradients(lambda x: torch.relu(x - kink))
    one, none = torch.ones(1, 1, dtype=torch.float64), torch.zeros(1, 1, dtype=torch.float64)
    rounded = method.attribute(one, none, target=0, n_steps=12, method="riemann_middle")
    assert abs(float(rounded) - 7 / 12) < TOLERANCE
    with places_in_float64():
        exact = method.attribute(one, none, target=0, n_steps=12, method="riemann_middle")
    assert abs(float(exact) - 8 / 12) < TOLERANCE
