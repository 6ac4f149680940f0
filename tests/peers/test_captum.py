"""Reconstructions against Captum and zennit: the same weights, the same units, the same maps.

In float64, so that no window of a max pooling holds two maxima that differ by rounding alone. ReLU modules that a
PyTorch network uses more than once are split first: Captum's hooks ask for one module a place.
"""

from __future__ import annotations

import copy
import dataclasses
import os
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

import deconvviz as dv
from deconvviz import catalog
from deconvviz.models import _imagenet, _stored, alexnet, resnet, squeezenet, vgg
from deconvviz.network import reconstruct_units

pytestmark = [pytest.mark.peers, pytest.mark.slow]

SIZE = (95, 127)
TOLERANCE = 1e-4
ARCHITECTURES = {
    one.name: one for family in (alexnet, vgg, resnet, squeezenet) for one in family.ARCHITECTURES
}  # fmt: skip
#: Network -> our layer: PyTorch's module, early, middle and late.
LAYERS = {
    "alexnet": {"relu1": "features.1", "conv3": "features.6", "relu5": "features.11"},
    "vgg16": {"relu1_2": "features.3", "conv3_3": "features.14", "relu5_3": "features.29"},
    "resnet18": {"relu": "relu", "layer2.0.bn2": "layer2.0.bn2", "layer4.1.conv2": "layer4.1.conv2"},
    "squeezenet1_0": {"relu1": "features.1", "fire5.squeeze1x1": "features.7.squeeze", "fire9": "features.12"},
}
CASES = [(name, layer) for name, layers in LAYERS.items() for layer in layers]


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Captum warns that it hooks modules; PyTorch's random state stays as it was."""
    torch = pytest.importorskip("torch")
    with warnings.catch_warnings(), torch.random.fork_rng():
        warnings.simplefilter("ignore")
        torch.manual_seed(4)
        yield


@dataclasses.dataclass(frozen=True, eq=False)
class Pair:
    """One network twice, and a model input."""

    ours: dv.Network
    theirs: Any
    x: np.ndarray

    @property
    def image(self) -> Any:
        """The input as PyTorch takes it."""
        import torch

        return torch.from_numpy(np.ascontiguousarray(self.x.transpose(0, 3, 1, 2))).requires_grad_()

    def reconstruct(self, units: list[dv.Unit], rule: str) -> list[np.ndarray]:
        """Maps of units in float64."""
        with jax.enable_x64():
            return [seen.map for seen in reconstruct_units(self.ours, self.x, units, rule, "one", prove=False)]


def split(net: Any) -> Any:
    """Every ReLU of a block as a module of its own, by running the block's code with copies."""
    import torch

    for block in net.modules():
        relu = getattr(block, "relu", None)
        if isinstance(relu, torch.nn.ReLU) and type(block).__name__ in ("Block", "Fire"):
            block.relu = in_turn(relu)
    return net


def in_turn(relu: Any) -> Any:
    """A module that hands each call of one pass to the next of three copies."""
    import torch

    class Turns(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.copies, self.calls = torch.nn.ModuleList(copy.deepcopy(relu) for _ in range(3)), 0

        def forward(self, x: Any) -> Any:
            self.calls += 1
            return self.copies[self.calls % 3](x)

    return Turns()


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Pair]:
    """Networks by name, made once."""
    made: dict[str, Pair] = {}

    def get(name: str) -> Pair:
        if name not in made:
            made[name] = make(name, tmp_path_factory.mktemp(name) / "weights.safetensors")
        return made[name]

    return get


def make(name: str, path: Path) -> Pair:
    import torch
    from peers import torch_nets
    from safetensors.torch import save_file

    theirs = torch_nets.NETS[name]().eval()
    for module in theirs.modules():
        if isinstance(module, torch.nn.Conv2d | torch.nn.Linear):
            torch.nn.init.kaiming_normal_(module.weight)
        elif isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.4, 0.9)
            torch.nn.init.uniform_(module.running_var, 0.5, 2.5)
    save_file({key: value.contiguous() for key, value in theirs.state_dict().items()}, path)
    arrays = _stored.read(path, catalog.model(name))
    spec = dataclasses.replace(ARCHITECTURES[name].input_spec, size=SIZE)
    ours = _imagenet.network(dataclasses.replace(ARCHITECTURES[name], input_spec=spec), arrays, {})
    return Pair(ours, split(theirs.double()), np.random.default_rng(8).standard_normal((1, *SIZE, 3)))


def some_units(pair: Pair, layer: str) -> list[dv.Unit]:
    """Two of the most active channels at their strongest place, and a channel in a corner."""
    values = pair.ours.taps(pair.x.astype(np.float32), [layer])[layer][0]
    height, width, channels = values.shape
    strongest = np.argsort(values.max((0, 1)))[[-1, -5]]
    places = [divmod(int(values[..., c].argmax()), width) for c in strongest]
    units = [dv.Unit(layer, int(c), *place) for c, place in zip(strongest, places, strict=True)]
    return [*units, dv.Unit(layer, channels - 1, height - 1, 0)]


def gap(ours: np.ndarray, theirs: Any) -> float:
    """Relative difference of a map and a PyTorch gradient."""
    other = theirs.detach().numpy()[0].transpose(1, 2, 0)
    return float(np.linalg.norm(ours - other) / (np.linalg.norm(other) or 1))


@pytest.mark.sampled(3)
@pytest.mark.parametrize(("rule", "method"), [
    ("deconvnet", "NeuronDeconvolution"), ("guided", "NeuronGuidedBackprop"), ("gradient", "NeuronGradient"),
])  # fmt: skip
@pytest.mark.parametrize(("name", "layer"), CASES)
def test_units_as_captum(pairs: Callable[[str], Pair], name: str, layer: str, rule: str, method: str) -> None:
    attr = pytest.importorskip("captum.attr")
    pair = pairs(name)
    units = some_units(pair, layer)
    captum = getattr(attr, method)(pair.theirs, pair.theirs.get_submodule(LAYERS[name][layer]))
    for unit, ours in zip(units, pair.reconstruct(units, rule), strict=True):
        theirs = captum.attribute(pair.image, neuron_selector=(unit.channel, unit.row, unit.column))
        assert np.abs(ours).max() > 0 or unit is units[-1]
        assert gap(ours, theirs) < TOLERANCE, unit


@pytest.mark.sampled(1)
@pytest.mark.parametrize(("rule", "method"), [
    ("deconvnet", "Deconvolution"), ("guided", "GuidedBackprop"), ("gradient", "Saliency"),
])  # fmt: skip
@pytest.mark.parametrize("name", LAYERS)
def test_classes_as_captum(pairs: Callable[[str], Pair], name: str, rule: str, method: str) -> None:
    attr = pytest.importorskip("captum.attr")
    pair = pairs(name)
    options = {"abs": False} if method == "Saliency" else {}
    for target, ours in zip((3, 917), pair.reconstruct(scores(pair, (3, 917)), rule), strict=True):
        theirs = getattr(attr, method)(pair.theirs).attribute(pair.image, target=target, **options)
        assert gap(ours, theirs) < TOLERANCE


@pytest.mark.parametrize(("rule", "composite"), [("deconvnet", "DeconvNet"), ("guided", "GuidedBackprop")])
@pytest.mark.parametrize("name", LAYERS)
def test_classes_as_zennit(pairs: Callable[[str], Pair], name: str, rule: str, composite: str) -> None:
    import torch

    try:
        from zennit import attribution, composites
    except (ImportError, RuntimeError) as error:  # its torchvision may belong to another build of PyTorch
        pytest.skip(f"zennit cannot be imported: {str(error).splitlines()[0]}")
    pair = pairs(name)
    (ours,) = pair.reconstruct(scores(pair, (5,)), rule)
    wanted = torch.zeros(1, 1000, dtype=torch.float64)
    wanted[0, 5] = 1
    with attribution.Gradient(model=pair.theirs, composite=getattr(composites, composite)()) as attributor:
        _, theirs = attributor(pair.image, wanted)
    assert gap(ours, theirs) < TOLERANCE


def scores(pair: Pair, classes: tuple[int, ...]) -> list[dv.Unit]:
    """The units of the network's output."""
    return [dv.Unit(pair.ours.layers[-1].name, c) for c in classes]


@pytest.mark.parametrize("layer", ["fire2", "fire6", "conv10"])
def test_trained_squeezenet_as_captum(layer: str) -> None:
    attr = pytest.importorskip("captum.attr")
    from peers import torch_nets

    if not os.environ.get("DECONVVIZ_WEIGHTS"):
        pytest.skip("DECONVVIZ_WEIGHTS does not name the weights of SqueezeNet")
    import torch

    from deconvviz.models import public_weights

    entry = catalog.model("squeezenet")
    path = public_weights.locate(entry, None)
    arrays = squeezenet.decoded(path.read_bytes(), squeezenet.COMPRESSED.parts, str(path))
    theirs = torch_nets.SqueezeNet("1.0", last_padding=1).eval()
    theirs.load_state_dict({name: torch.from_numpy(np.array(values)) for name, values in arrays.items()})
    ours = dv.load("squeezenet")
    pair = Pair(ours, split(theirs.double()), np.random.default_rng(9).standard_normal((1, 227, 227, 3)) * 60)
    where = {"fire2": "features.3", "fire6": "features.8", "conv10": "classifier.1"}[layer]
    units = some_units(pair, layer)
    for rule, method in (("deconvnet", attr.NeuronDeconvolution), ("guided", attr.NeuronGuidedBackprop)):
        captum = method(pair.theirs, pair.theirs.get_submodule(where))
        for unit, mine in zip(units, pair.reconstruct(units, rule), strict=True):
            found = captum.attribute(pair.image, neuron_selector=(unit.channel, unit.row, unit.column))
            assert gap(mine, found) < TOLERANCE, unit
