"""Reconstructions against a DeconvNet by loops, in both ways, and what they carry."""

from __future__ import annotations

import threading
from typing import Any

import jax
import jax.numpy as jnp
import nets
import numpy as np
import pytest
from reference import deconvnet_loops

import deconvviz as dv
from deconvviz import checks
from deconvviz.errors import DeconvvizError, NetworkError
from deconvviz.network.backward import reconstruct
from deconvviz.network.backward.explicit import Chain
from deconvviz.network.rewrite import rules

SPEC = dv.InputSpec(size=nets.SIZE)


def tiny(dtype: str = "float32") -> dv.Network:
    layers = nets.chain_layers(dtype)
    return dv.Network(lambda x: nets.run_chain(layers, x), input_spec=SPEC, name="tiny")


def seed_by_hand(value: np.ndarray, unit: dv.Unit, start: str) -> np.ndarray:
    if unit.channel == "all":
        return value if start == "activation" else np.ones_like(value)
    g = np.zeros_like(value)
    plane = value[0, :, :, unit.channel]
    if unit.row == "all":
        g[0, :, :, unit.channel] = plane if start == "activation" else 1
        return g
    row, column = (unit.row, unit.column) if unit.row is not None else np.unravel_index(plane.argmax(), plane.shape)
    g[0, row, column, unit.channel] = plane[row, column] if start == "activation" else 1
    return g


UNITS = [
    dv.Unit("max_pool2", 1),
    dv.Unit("max_pool2", 4, 1, 2),
    dv.Unit("max_pool2", 2, "all", "all"),
    dv.Unit("max_pool2", "all", "all", "all"),
]


@pytest.mark.sampled(1)
@pytest.mark.slow
@pytest.mark.parametrize("start", ["activation", "one"])
@pytest.mark.parametrize("rule", dv.RULES)
def test_equals_the_loops(rule: str, start: Any) -> None:
    layers, x = nets.chain_layers(), nets.picture(dtype="float64")
    value, memories = deconvnet_loops.up(layers, x)
    with jax.enable_x64():
        seen = reconstruct.reconstruct_units(tiny("float64"), x, UNITS, rule, start)
    for unit, one in zip(UNITS, seen, strict=True):
        by_hand = deconvnet_loops.down(layers, memories, seed_by_hand(value, unit, start), rule)[0]
        assert np.abs(by_hand).max() > 0
        np.testing.assert_allclose(one.map, by_hand, rtol=1e-11, atol=1e-12)
        assert one.agreement is not None
        assert one.agreement < 1e-12
        if unit.row != "all":
            row, column = one.unit.row, one.unit.column
            assert one.activation == pytest.approx(value[0, row, column, unit.channel], rel=1e-12)


@pytest.mark.deep
@pytest.mark.parametrize("rule", dv.RULES)
def test_float32_computations_agree(rule: str) -> None:
    for one in reconstruct.reconstruct_units(tiny(), nets.picture(), UNITS, rule):
        assert checks.agreement(one).holds


@pytest.mark.deep
def test_a_whole_layer_is_all_its_maps_at_once() -> None:
    x, whole = nets.picture(), dv.Unit("relu2", "all")
    one = reconstruct.reconstruct_units(tiny(), x, [whole], "linear")[0]
    assert one.unit == dv.Unit("relu2", "all", "all", "all")
    assert one.receptive_field == (0, 0, *nets.SIZE)
    assert one.activation == tiny().taps(x, ["relu2"])["relu2"].max()
    maps = [dv.Unit("relu2", channel, "all", "all") for channel in range(5)]
    added = sum(part.map for part in reconstruct.reconstruct_units(tiny(), x, maps, "linear"))
    np.testing.assert_allclose(one.map, added, rtol=1e-4, atol=1e-5)
    beside = reconstruct.reconstruct_units(tiny(), x, [dv.Unit("relu2", 3), whole, maps[1]], "deconvnet")
    alone = reconstruct.reconstruct_units(tiny(), x, [whole], "deconvnet")[0]
    np.testing.assert_allclose(beside[1].map, alone.map, rtol=1e-5, atol=1e-6)
    assert alone.agreement < 1e-5


@pytest.mark.slow
def test_a_whole_vector_is_all_its_entries() -> None:
    w = np.random.default_rng(6).normal(size=(3, 4))
    net = dv.Network(lambda x: jax.nn.relu(x).mean((1, 2)) @ w, input_spec=SPEC)
    name, x = net.layers[-1].name, nets.picture()
    one = reconstruct.reconstruct_units(net, x, [dv.Unit(name, "all")], "gradient", "one")[0]
    assert one.unit == dv.Unit(name, "all")
    added = sum(
        part.map
        for part in reconstruct.reconstruct_units(net, x, [dv.Unit(name, c) for c in range(4)], "gradient", "one")
    )
    np.testing.assert_allclose(one.map, added, rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_agreement_sees_a_wrong_computation() -> None:
    net = tiny()
    chain = net.chain_to("max_pool2")
    assert isinstance(chain, Chain)
    object.__setattr__(chain.steps[0], "constant", chain.steps[0].constant[::-1])
    one = reconstruct.reconstruct_units(net, nets.picture(), UNITS[:1])[0]
    assert one.agreement > 0.01
    assert not checks.agreement(one).holds


@pytest.mark.deep
def test_many_equal_one_by_one() -> None:
    net, image = tiny(), np.random.default_rng(1).random((*nets.SIZE, 3)).astype(np.float32)
    units = [dv.Unit("relu2", c) for c in range(5)] + [dv.Unit("relu1", 2), *UNITS]
    for unit, one in zip(units, dv.reconstruct_many(net, image, units), strict=True):
        alone = dv.reconstruct(net, image, unit)
        assert one.unit == alone.unit
        np.testing.assert_allclose(one.map, alone.map, rtol=1e-5, atol=1e-6)


@pytest.mark.slow
def test_more_units_than_a_group() -> None:
    units = [dv.Unit("relu1", c % 4, c // 4, 0) for c in range(20)]
    seen = reconstruct.reconstruct_units(tiny(), nets.picture(), units)
    assert [one.unit for one in seen] == units


@pytest.mark.slow
def test_one_compile_serves_all_units_of_a_layer_by_every_rule() -> None:
    net = tiny()
    reconstruct.reconstruct_units(net, nets.picture(), [dv.Unit("relu2", 0)])
    stored = len(net.store)
    for channel in range(1, 5):
        reconstruct.reconstruct_units(net, nets.picture(seed=channel), [dv.Unit("relu2", channel, channel - 1, 1)])
    for rule in dv.RULES:
        reconstruct.reconstruct_units(net, nets.picture(), [dv.Unit("relu2", 0)], rule)
    assert len(net.store) == stored


@pytest.mark.deep
def test_rules_in_many_threads_do_not_leak_into_each_other() -> None:
    net, x = tiny(), nets.picture()
    unit = dv.Unit("max_pool2", 2, "all", "all")
    want = {rule: reconstruct.reconstruct_units(tiny(), x, [unit], rule)[0].map for rule in dv.RULES}
    wrong: list[str] = []

    def work(rule: str) -> None:
        seen = [reconstruct.reconstruct_units(net, x, [unit], rule)[0].map for _ in range(3)]
        wrong.extend(rule for one in seen if not np.array_equal(one, want[rule]))

    threads = [threading.Thread(target=work, args=(rule,)) for rule in dv.RULES * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert len({want[rule].tobytes() for rule in dv.RULES}) == 4


@pytest.mark.deep
def test_branches_are_no_chain_but_have_two_computations() -> None:
    def branching(x: Any) -> Any:
        w = jnp.ones((3, 3, 3, 3)) / 9
        y = jax.nn.relu(jax.lax.conv_general_dilated(x, w, (1, 1), "SAME", dimension_numbers=nets.AXES))
        return (x + y).mean((1, 2))

    net = dv.Network(branching, input_spec=SPEC)
    assert "two signals meet at add" in net.chain_to("mean1")
    one = reconstruct.reconstruct_units(net, nets.picture(), [dv.Unit("mean1", 1)], "gradient")[0]
    assert one.agreement is not None
    assert checks.agreement(one).holds
    squared = dv.Network(lambda x: (x * branching(x)[:, None, None]).mean((1, 2)), input_spec=SPEC)
    one = reconstruct.reconstruct_units(squared, nets.picture(), [dv.Unit(squared.layers[-1].name, 1)], "gradient")[0]
    assert one.agreement is not None, "a product of two signals has no adjoint by hand, but a derivative"
    assert checks.agreement(one).holds


@pytest.mark.slow
def test_dense_batch_norm_mean_and_average_pool_have_two_computations() -> None:
    model = nets.Plain()
    x = nets.picture()
    variables = model.init(jax.random.key(0), x)
    rng = np.random.default_rng(5)
    variables = jax.tree.map(lambda a: a + rng.random(a.shape, np.float32), variables)
    net = dv.Network.from_linen(model, variables, input_spec=SPEC)
    for rule in dv.RULES:
        one = reconstruct.reconstruct_units(net, x, [dv.Unit("Dense_0", 3)], rule)[0]
        assert one.agreement is not None
        assert one.agreement < 1e-5
        assert one.unit == dv.Unit("Dense_0", 3)
        assert one.receptive_field == (0, 0, *nets.SIZE)


@pytest.mark.deep
def test_gradient_from_one_is_the_derivative() -> None:
    net, x = tiny(), nets.picture()
    layers = nets.chain_layers()
    one = reconstruct.reconstruct_units(net, x, [dv.Unit("max_pool2", 3, 1, 1)], "gradient", "one")[0]
    slope = jax.grad(lambda x: nets.run_chain(layers, x)[0, 1, 1, 3])(x)[0]
    np.testing.assert_allclose(one.map, slope, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_map_is_zero_outside_the_receptive_field() -> None:
    for row, column in ((0, 0), (2, 3)):
        unit = dv.Unit("relu2", 1, row, column)
        one = reconstruct.reconstruct_units(tiny(), nets.picture(), [unit], "linear", "one")[0]
        top, left, bottom, right = one.receptive_field
        inside = np.zeros(nets.SIZE, bool)
        inside[top:bottom, left:right] = True
        assert np.abs(one.map[~inside]).max(initial=0) == 0
        assert np.abs(one.map[inside]).max() > 0


@pytest.mark.deep
def test_the_backward_trace_ends_at_the_map() -> None:
    net, x, unit = tiny(), nets.picture(), dv.Unit("max_pool2", 1)
    chain = net.chain_to("max_pool2")
    assert isinstance(chain, Chain)
    trace = chain.backward_trace(x, reconstruct.signal_at(net, x, unit), "deconvnet")
    kinds = [step.kind for step in trace]
    assert kinds == ["start", "unpool", "rectify", "filter", "unpool", "rectify", "filter"]
    np.testing.assert_allclose(
        trace[-1].signal, reconstruct.reconstruct_units(net, x, [unit])[0].map, rtol=1e-5, atol=1e-6
    )
    assert all(0 <= step.obeyed <= 1 for step in trace if step.kind == "rectify")
    within_windows = reconstruct.backward_trace(net, x, unit, "deconvnet")
    for one, other in zip(within_windows, trace, strict=True):
        assert (one.name, one.kind, one.obeyed) == (other.name, other.kind, pytest.approx(other.obeyed))
        np.testing.assert_allclose(one.signal, other.signal, rtol=1e-5, atol=1e-6)


@pytest.mark.slow
def test_forward_passes_that_are_kept_belong_to_one_input() -> None:
    net, unit, x = tiny(), dv.Unit("max_pool2", 1), nets.picture()
    fresh = [reconstruct.reconstruct_units(tiny(), each, [unit], prove=False)[0] for each in (x, -x)]
    net.store.passes.room = 10_000_000
    for each, wanted in ((x, fresh[0]), (-x, fresh[1]), (x, fresh[0])):
        found = reconstruct.reconstruct_units(net, each, [unit], prove=False)[0]
        assert (found.unit, found.activation) == (wanted.unit, wanted.activation)
        np.testing.assert_array_equal(found.map, wanted.map)
    assert len(net.store.passes) == 2
    assert not np.array_equal(fresh[0].map, fresh[1].map)


@pytest.mark.slow
def test_adjoint_check_sees_a_wrong_derivative() -> None:
    assert checks.adjoint(tiny(), nets.picture(), "relu2").holds

    @jax.custom_jvp
    def bent(x: Any) -> Any:
        return 2 * x

    bent.defjvp(lambda primals, tangents: (bent(primals[0]), 2 * tangents[0]))
    net = dv.Network(lambda x: jax.nn.relu(bent(x)), input_spec=SPEC)
    assert checks.adjoint(net, nets.picture(), "relu1").holds
    bent.defjvp(lambda primals, tangents: (bent(primals[0]), 2 * tangents[0] + tangents[0] ** 3))
    wrong = dv.Network(lambda x: jax.nn.relu(bent(x)), input_spec=SPEC)
    with pytest.raises(Exception, match=r"linear|transpose|integer_pow"):
        checks.adjoint(wrong, nets.picture(), "relu1")


@pytest.mark.parametrize(
    ("unit", "message"),
    [
        (dv.Unit("relu9", 0), r"tiny has no layer 'relu9'; did you mean relu"),
        (dv.Unit("relu1", 4), r"relu1 has 4 channels, numbered 0 to 3; got channel=4"),
        (dv.Unit("relu1", -1), r"got channel=-1"),
        (dv.Unit("relu1", "edges"), r"got channel='edges'"),  # type: ignore[arg-type]
        (dv.Unit("relu1", 0, 9, 99), r"9 rows and \d+ columns, counted from 0; got row=9, column=99"),
    ],
)
def test_units_that_do_not_exist(unit: dv.Unit, message: str) -> None:
    with pytest.raises(NetworkError, match=message):
        reconstruct.reconstruct_units(tiny(), nets.picture(), [unit])


def test_other_bad_input() -> None:
    with pytest.raises(DeconvvizError, match=r"row and column go together.*row=3, column=None"):
        dv.Unit("relu1", 0, 3)
    with pytest.raises(DeconvvizError, match=r"channel='all' is the whole layer: .*got row=3, column=1"):
        dv.Unit("relu1", "all", 3, 1)
    with pytest.raises(DeconvvizError, match=r"start is 'activation' or 'one'; got start='two'"):
        reconstruct.reconstruct_units(tiny(), nets.picture(), UNITS[:1], start="two")  # type: ignore[arg-type]
    with pytest.raises(NetworkError, match=r"takes a float batch of shape \(N, 19, 17, 3\); got shape \(1, 5, 5, 3\)"):
        tiny().run(nets.picture((5, 5)))


@pytest.mark.slow
def test_padding_beyond_the_kernel() -> None:
    """Where XLA's own derivative can read outside its arrays, both computations still equal the loops."""
    rng = np.random.default_rng(4)
    layers = [
        {
            "kind": "conv", "w": rng.normal(size=(1, 1, 3, 4)), "b": rng.normal(size=4), "stride": (1, 2),
            "pads": ((1, 0), (2, 1)),
        },
        {"kind": "relu"},
    ]  # fmt: skip
    x = nets.picture(dtype="float64")
    value, memories = deconvnet_loops.up(layers, x)
    unit = dv.Unit("relu1", 2, "all", "all")
    by_hand = deconvnet_loops.down(layers, memories, seed_by_hand(value, unit, "activation"), "deconvnet")[0]
    net = dv.Network(lambda x: nets.run_chain(layers, x), input_spec=SPEC)
    one = reconstruct.reconstruct_units(net, x, [unit])[0]
    np.testing.assert_allclose(one.map, by_hand, rtol=1e-4, atol=1e-5)
    assert one.agreement < 1e-5
    path = net.program().path_to(net.node("relu1").variable)
    eqns, *_ = rules.rewrite(path, "deconvnet", set(net.program().live))
    pads = [eqn.params["padding"] for eqn in eqns if eqn.primitive.name == "conv_general_dilated"]
    assert pads == [((0, 0), (0, 0))]


@pytest.mark.slow
def test_a_signal_that_meets_itself_is_no_chain() -> None:
    net = dv.Network(lambda x: jax.nn.relu(x * x - 1), input_spec=SPEC)
    assert "two signals meet at mul" in net.chain_to("relu1")
