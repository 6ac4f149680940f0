"""Units sent back within their receptive fields only, against whole maps, loops and the fields themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import nets
import numpy as np
import pytest
from reference import deconvnet_loops

import deconvviz as dv
from deconvviz.network.backward import reconstruct, windowed
from deconvviz.network.backward.backprop import BackpropRequest, by_adjoints, by_adjoints_windowed, by_vjp, window_plan
from deconvviz.network.backward.cropped import by_cropped_vjp
from deconvviz.network.backward.explicit import Chain
from deconvviz.network.rewrite.program import rewritten

SIZE = (47, 39)
RANDOM = np.random.default_rng(11)
Program = Callable[[Any], Any]


def filtered(x: Any, shape: tuple[int, ...], stride: int, pads: Any, dilation: int = 1, groups: int = 1) -> Any:
    """A convolution with fixed random weights and a bias."""
    random = np.random.default_rng(sum(shape))
    w, b = (jnp.asarray(random.normal(size=s), x.dtype) for s in (shape, shape[3:]))
    return b + jax.lax.conv_general_dilated(
        x, w, (stride, stride), pads, rhs_dilation=(dilation,) * 2, dimension_numbers=nets.AXES,
        feature_group_count=groups,
    )  # fmt: skip


def pooled(x: Any, window: int, stride: int, pads: Any = ((0, 0), (0, 0)), mean: bool = False) -> Any:
    start, combine = (0.0, jax.lax.add) if mean else (-jnp.inf, jax.lax.max)
    shape, steps = (1, window, window, 1), (1, stride, stride, 1)
    return jax.lax.reduce_window(x, start, combine, shape, steps, ((0, 0), *pads, (0, 0)))


def blocks(x: Any) -> Any:
    """Padded 3 x 3 convolutions and halving pools, as in VGG."""
    for i, o in ((3, 4), (4, 5), (5, 6)):
        x = pooled(jax.nn.relu(filtered(x, (3, 3, i, o), 1, ((1, 1), (1, 1)))), 2, 2)
    return x


def uneven(x: Any) -> Any:
    """Strides that do not divide, overlapping pools that hang over the edge, dilation, groups, uneven padding."""
    x = jax.nn.relu(filtered(x, (5, 4, 3, 4), 2, ((3, 0), (1, 2))))
    x = pooled(x, 3, 2, ((1, 1), (0, 1)))
    return jax.nn.relu(filtered(x, (3, 2, 2, 6), 1, ((2, 1), (0, 1)), dilation=2, groups=2))


def scaled(x: Any) -> Any:
    """A scale of its own at every place, a batch norm, an average pool."""
    places = jnp.asarray(np.random.default_rng(1).normal(size=(1, *SIZE, 3)), x.dtype)
    x = jax.nn.relu(filtered(x * places, (3, 3, 3, 4), 1, ((1, 1), (1, 1))))
    x = 2.5 - pooled(x, 3, 2, ((1, 1), (1, 1)), mean=True) / jnp.asarray([2.0, 3.0, 4.0, 5.0], x.dtype)
    return jax.nn.relu(filtered(x, (3, 3, 4, 3), 1, ((0, 0), (0, 0))))


def places(height: int, width: int) -> list[tuple[int, int]]:
    """Corners, edges and the middle."""
    return [(r, c) for r in (0, height // 2, height - 1) for c in (0, width // 3, width - 1)]


SLOW = [pytest.param(rule, marks=pytest.mark.slow) for rule in dv.RULES if rule != "guided"]


@pytest.mark.deep
@pytest.mark.parametrize("rule", ["guided", *SLOW])
@pytest.mark.parametrize("program", [blocks, uneven, scaled])
def test_equals_whole_maps(program: Program, rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windowed, "MIN_SAVED_FLOPS", 0)
    x = RANDOM.normal(size=(1, *SIZE, 3))
    with jax.enable_x64():
        net = dv.Network(program, input_spec=dv.InputSpec(size=SIZE))
        layer = net.layers[-1]
        node = net.node(layer.name)
        plan = window_plan(net, node)
        assert plan is not None
        assert plan.windows[0] is not None, "the windows cover the image: nothing is cropped in this test"
        codes = [(i % layer.shape[2], r, c) for i, (r, c) in enumerate(places(*layer.shape[:2]))] + [(1, -1, -1)]
        request = BackpropRequest(net, node, x, codes, (rule,), ones=False)
        steps = net.chain_to(layer.name)
        assert isinstance(steps, Chain)
        many = by_adjoints_windowed(request, steps, plan)[rule]
        requests = [BackpropRequest(net, node, x, [code], (rule,), False) for code in codes]
        single_results = [by_adjoints_windowed(each, steps, plan)[rule][0] for each in requests]
        whole = by_adjoints(request, steps)[rule]
        derived = by_vjp(request, rewritten(net, layer.name, rule).call)[rule]
        cropped = [by_cropped_vjp(each, one.activation) for each, one in zip(requests, whole, strict=True)]
        assert by_cropped_vjp(requests[0], whole[0].activation + 0.01) is None, "another number: another function"
    assert any(np.abs(one.map).max() > 0 for one in whole)
    for one, single, other, third in zip(many, single_results, whole, derived, strict=True):
        assert (one.row, one.column) == (single.row, single.column) == (third.row, third.column)
        assert one.activation == pytest.approx(third.activation, rel=1e-12)
        for map in (one.map, single.map, third.map):
            np.testing.assert_allclose(map, other.map, rtol=0, atol=1e-11 * (np.abs(other.map).max() or 1))
    assert [one is None for one in cropped] == [program is scaled or row < 0 for _, row, _ in codes]
    for one, other in zip(cropped, whole, strict=True):
        if one is not None:
            map = one[rule][0].map
            np.testing.assert_allclose(map, other.map, rtol=0, atol=1e-11 * (np.abs(other.map).max() or 1))


@pytest.mark.slow
def test_a_function_that_is_another_one_on_a_part_is_checked_on_the_whole() -> None:
    """The mean of the picture is another number on every part of it."""
    net = dv.Network(lambda x: blocks(x * jax.lax.stop_gradient(x).mean()), input_spec=dv.InputSpec(size=SIZE))
    node, x = net.node(net.layers[-1].name), RANDOM.normal(size=(1, *SIZE, 3)).astype(np.float32)
    request = BackpropRequest(net, node, x, [(1, 2, 2)], ("guided",), False)
    value = float(net.taps(x, [node.layer.name])[node.layer.name][0, 2, 2, 1])
    assert by_cropped_vjp(request, value) is None


@pytest.mark.deep
def test_signal_outside_the_field_does_not_agree() -> None:
    """A map is compared over the whole picture, though its second computation only sees a part."""
    net = dv.Network(blocks, input_spec=dv.InputSpec(size=SIZE))
    node, x = net.node(net.layers[-1].name), RANDOM.normal(size=(1, *SIZE, 3)).astype(np.float32)
    (one,) = reconstruct.reconstruct_units(net, x, [(node.layer.name, 1, 0, 0)], "linear", start="one", prove=False)
    request = BackpropRequest(net, node, x, [(1, 0, 0)], ("linear",), True)
    assert by_cropped_vjp(request, one.activation) is not None
    assert reconstruct.with_agreement(net, x, {"linear": [one]})["linear"][0].agreement < 1e-5
    assert not one.map[-1].any()
    one.map[-1, -1] = np.abs(one.map).max()
    assert reconstruct.with_agreement(net, x, {"linear": [one]})["linear"][0].agreement > 0.01


@pytest.mark.sampled(2)
@pytest.mark.slow
@pytest.mark.parametrize("rule", ["guided", *SLOW])
def test_equals_the_loops(rule: str) -> None:
    layers, x = nets.chain_layers(), nets.picture((33, 29), dtype="float64")
    with jax.enable_x64():
        net = dv.Network(lambda x: nets.run_chain(layers, x), input_spec=dv.InputSpec(size=(33, 29)))
        height, width, channels = net.layer("max_pool2").shape
        wanted = [dv.Unit("max_pool2", i % channels, r, c) for i, (r, c) in enumerate(places(height, width))]
        seen = reconstruct.reconstruct_units(net, x, wanted, rule, start="one", prove=False)
    value, memories = deconvnet_loops.up(layers, x)
    for unit, one in zip(wanted, seen, strict=True):
        g = np.zeros_like(value)
        g[0, unit.row, unit.column, unit.channel] = 1
        np.testing.assert_allclose(one.map, deconvnet_loops.down(layers, memories, g, rule)[0], rtol=1e-11, atol=1e-12)


@pytest.mark.deep
def test_single_precision_agrees() -> None:
    net = dv.Network(blocks, input_spec=dv.InputSpec(size=SIZE))
    wanted = [dv.Unit(net.layers[-1].name, c) for c in range(6)]
    x = RANDOM.normal(size=(1, *SIZE, 3)).astype(np.float32)
    for one in reconstruct.reconstruct_units(net, x, wanted, "guided"):
        assert one.agreement < 1e-5


@pytest.mark.parametrize("program", [blocks, uneven, scaled])
def test_windows_are_the_receptive_fields(program: Program) -> None:
    net = dv.Network(program, input_spec=dv.InputSpec(size=SIZE))
    for layer in net.layers:
        plan = window_plan(net, net.node(layer.name))
        assert plan is not None
        if plan.windows[0] is None:
            continue
        for row, column in places(*layer.shape[:2]):
            first = plan.windows[0].origins(np.asarray([[row, column]]))[0]
            last = np.minimum(first + plan.windows[0].size, SIZE)
            assert (*np.maximum(first, 0), *last) == net.receptive_box(layer.name, row, column)


@pytest.mark.deep
def test_large_windows_go_on_over_the_whole_map(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windowed, "MIN_SAVED_FLOPS", -1)
    net = dv.Network(blocks, input_spec=dv.InputSpec(size=(17, 19)))
    plan = window_plan(net, net.node(net.layers[-1].name))
    assert plan is not None
    assert plan.windows[0] is None
    assert plan.windows[-1].size == (1, 1)
    x = RANDOM.normal(size=(1, 17, 19, 3)).astype(np.float32)
    wanted = [dv.Unit(net.layers[-1].name, c, 0, 1) for c in range(3)]
    for one in (*reconstruct.reconstruct_units(net, x, wanted), *reconstruct.reconstruct_units(net, x, wanted[:1])):
        assert one.agreement < 1e-5


@pytest.mark.slow
def test_one_unit_of_a_small_network_needs_no_program_of_its_own() -> None:
    net = dv.Network(blocks, input_spec=dv.InputSpec(size=SIZE))
    layer = net.layers[-1].name
    plan = window_plan(net, net.node(layer))
    assert plan is not None
    outside = [(3 * 3 * 3 * 4, 47 * 39 - 20 * 20), (3 * 3 * 4 * 5, 23 * 19 - 8 * 8), (3 * 3 * 5 * 6, 11 * 9 - 2 * 2)]
    assert plan.saved_flops == sum(weights * area for weights, area in outside) < windowed.MIN_SAVED_FLOPS
    x = RANDOM.normal(size=(1, *SIZE, 3)).astype(np.float32)
    reconstruct.reconstruct_units(net, x, [dv.Unit(layer, 1)])
    stored = len(net.store)
    reconstruct.reconstruct_units(net, x, [dv.Unit(layer, 2, 0, 1)])
    assert len(net.store) == stored


def test_a_vector_goes_over_whole_maps() -> None:
    net = dv.Network(lambda x: blocks(x).sum((1, 2)), input_spec=dv.InputSpec(size=SIZE))
    assert window_plan(net, net.node(net.layers[-1].name)) is None


@pytest.mark.slow
def test_a_reshape_on_the_way_cannot_be_cropped() -> None:
    net = dv.Network(lambda x: jax.nn.relu(x.reshape(1, 39, 47, 3)), input_spec=dv.InputSpec(size=SIZE))
    steps = net.chain_to(net.layers[-1].name)
    assert isinstance(steps, Chain)
    assert windowed.plan_windows(steps, (39, 47)) is None


@pytest.mark.deep
def test_more_units_than_fit_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windowed, "BATCH_BYTES", 4 * 22 * 22 * 4 * 3)
    net = dv.Network(blocks, input_spec=dv.InputSpec(size=SIZE))
    layer = net.layers[-1].name
    assert window_plan(net, net.node(layer)).units_at_once == 2
    x = RANDOM.normal(size=(1, *SIZE, 3)).astype(np.float32)
    wanted = [dv.Unit(layer, c) for c in range(5)]
    for one in reconstruct.reconstruct_units(net, x, wanted):
        assert one.agreement < 1e-5
