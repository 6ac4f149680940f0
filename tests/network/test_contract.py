"""The contract: networks in every style, in float32 and float64, each against its slow twin under every rule."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest
from reference import network_loops
from zoo import EXAMPLES, Example
from zoo_modules import MODULES

import deconvviz as dv
from deconvviz.errors import RuleError
from deconvviz.network.rewrite.program import Rewritten, rewritten
from deconvviz.network.trace.trace import permuted

ALL = EXAMPLES | MODULES
TYPES = {"float32": 2e-5, "float64": 1e-7}
#: Activations whose derivative is JAX's own are compared in float64 by the long run alone.
CASES = [
    pytest.param(name, dtype, marks=[pytest.mark.slow] if dtype == "float64" and ALL[name].unsupported else [])
    for name in ALL
    for dtype in TYPES
]


def network(example: Example, dtype: str, name: str = "tiny") -> dv.Network:
    return dv.Network(example.make(dtype), input_spec=dv.InputSpec(size=example.size), name=name)


def image(example: Example, dtype: str) -> np.ndarray:
    """(1, H, W, 3) noise, the same numbers in both types."""
    noise = np.random.default_rng(1).normal(size=(1, *example.size, 3))
    return noise.astype(np.float32).astype(dtype)


def gap(a: Any, b: Any) -> float:
    scale = np.linalg.norm(b)
    return float(np.linalg.norm(np.asarray(a, np.float64) - b) / scale)


def both_ways(net: dv.Network, node: Any, cut: Rewritten, x: Any, g: Any) -> tuple[Any, Any]:
    """The result, and the signal at the image."""
    value, pull = jax.vjp(lambda x: permuted(node, cut.call(net.program().flat.consts, x)[0]), x)
    return value, pull(g)[0]


@pytest.mark.sampled(2)
@pytest.mark.slow
@pytest.mark.parametrize(("name", "dtype"), CASES)
def test_equals_its_slow_twin(name: str, dtype: str) -> None:
    """Forward and the backward pass under each rule, from a random signal on the result."""
    example = ALL[name]
    with jax.enable_x64(dtype == "float64"):
        net, x = network(example, dtype), image(example, dtype)
        node = net.node(net.layers[-1].name)
        value, memories = network_loops.up(example.twin, x.astype(np.float64))
        g = np.random.default_rng(2).normal(size=value.shape)
        cuts = [rewritten(net, node.layer.name, rule, "gradient") for rule in dv.RULES]
        assert {cut.coverage.obeyed for cut in cuts} == {example.obeyed}
        found = jax.jit(lambda x, g: [both_ways(net, node, cut, x, g) for cut in cuts])(x, g.astype(dtype))
        for rule, (forward, below) in zip(dv.RULES, found, strict=True):
            by_hand = network_loops.down(example.twin, memories, g, rule)
            assert np.abs(by_hand).max() > 0
            assert gap(forward, value) < TYPES[dtype]
            assert gap(below, by_hand) < TYPES[dtype], rule


@pytest.mark.slow
def test_the_four_rules_differ_wherever_there_is_a_rectifier() -> None:
    """The contract would mean little if the twins gave one and the same map."""
    for name, example in EXAMPLES.items():
        value, memories = network_loops.up(example.twin, image(example, "float64"))
        g = np.random.default_rng(2).normal(size=value.shape)
        maps = [network_loops.down(example.twin, memories, g, rule) for rule in dv.RULES]
        for i, j in ((0, 1), (0, 2), (1, 3)):
            assert gap(maps[i], maps[j]) > 1e-3, (name, dv.RULES[i], dv.RULES[j])


@pytest.mark.parametrize("name", [n for n, example in ALL.items() if example.unsupported])
def test_what_has_no_rule_is_named_with_its_layer_and_refused(name: str) -> None:
    example = ALL[name]
    net = network(example, "float32")
    layer = net.layers[-1].name
    assert net.layer(layer)
    for rule in ("deconvnet", "guided", "linear"):
        with pytest.raises(RuleError, match=rf"the {rule} rule is defined at ReLUs only.*{example.unsupported}"):
            rewritten(net, layer, rule)
    seen = rewritten(net, layer, "gradient").coverage
    assert any(example.unsupported in reason for reason in seen.unsupported)


@pytest.mark.sampled(check=17)
@pytest.mark.parametrize("name", [n for n, example in ALL.items() if not example.unsupported])
def test_nothing_else_is_reported(name: str) -> None:
    net = network(ALL[name], "float32")
    assert rewritten(net, net.layers[-1].name, "deconvnet").coverage.unsupported == ()
