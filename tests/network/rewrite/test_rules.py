"""Every spelling of ReLU obeys the four rules; what is no ReLU is named and refused."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import nets
import numpy as np
import pytest
from reference import rectify_loops

import deconvviz as dv
from deconvviz.errors import RuleError
from deconvviz.network import reconstruct_units
from deconvviz.network.rewrite import rules
from deconvviz.network.trace.jaxpr import as_function, dependent, flatten

Z = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
G = np.array([1.0, -1.0, 1.0, -1.0, 1.0])


@jax.custom_vjp
def foreign(z: Any) -> Any:
    """A ReLU whose author gave it a derivative of another mind."""
    return jax.nn.relu(z)


foreign.defvjp(lambda z: (foreign(z), z), lambda z, g: (7 * g,))

OBEYING = {
    "jax.nn.relu": jax.nn.relu,
    "maximum(z, 0)": lambda z: jnp.maximum(z, 0),
    "maximum(0, z)": lambda z: jnp.maximum(0.0, z),
    "maximum(z, zeros_like)": lambda z: jnp.maximum(z, jnp.zeros_like(z)),
    "where(z > 0, z, 0)": lambda z: jnp.where(z > 0, z, 0),
    "where(z < 0, 0, z)": lambda z: jnp.where(z < 0, 0, z),
    "where(0 < z)": lambda z: jnp.where(z > 0, z, 0.0),
    "where(not z <= 0)": lambda z: jnp.where(~(z <= 0), z, 0.0),
    "z * (z > 0)": lambda z: z * (z > 0),
    "(z > 0) * z": lambda z: (z > 0) * z,
    "(z > 0).astype * z": lambda z: (z > 0).astype(z.dtype) * z,
    "mask from a jitted function": lambda z: z * jax.jit(lambda z: z > 0)(z),
    "clip(z, 0)": lambda z: jnp.clip(z, 0),
    "z.clip(min=0)": lambda z: z.clip(min=0),
    "relu6": jax.nn.relu6,
    "jit": jax.jit(jax.nn.relu),
    "jit of jit": jax.jit(jax.jit(lambda z: jnp.maximum(z, 0.0))),
    "remat": jax.checkpoint(jax.nn.relu),
    "remat of jit of where": jax.checkpoint(jax.jit(lambda z: jnp.where(z > 0, z, 0))),
    "cond": lambda z: jax.lax.cond(z.sum() > -9, jax.nn.relu, lambda y: y, z),
    "switch": lambda z: jax.lax.switch(1, [lambda y: y, jax.nn.relu], z),
    "scan": lambda z: jax.lax.scan(lambda c, _: (jax.nn.relu(c), None), z, None, length=1)[0],
    "fori_loop": lambda z: jax.lax.fori_loop(0, 1, lambda i, c: jax.nn.relu(c), z),
    "map": lambda z: jax.lax.map(jax.nn.relu, z),
    "vmap": lambda z: jax.vmap(jax.nn.relu)(z),
    "named_call": lambda z: jax.named_call(jax.nn.relu, name="mine")(z),
}
OTHER = {
    "leaky_relu": jax.nn.leaky_relu, "elu": jax.nn.elu, "silu": jax.nn.silu, "gelu": jax.nn.gelu,
    "softplus": jax.nn.softplus, "squareplus": jax.nn.squareplus, "hard_tanh": jax.nn.hard_tanh,
    "leaky": lambda z: jnp.where(z > 0, z, 0.25 * z),
    "nearly a relu": lambda z: (z + jnp.abs(z)) / 2, "a relu": lambda z: -jnp.minimum(-z, 0),
    "foreign": foreign, "leaky_rel": lambda z: jnp.maximum(z, 0.1 * z),
}  # fmt: skip


def rewritten(function: Any, z: np.ndarray, rule: str) -> tuple[Any, int, list[str]]:
    flat = flatten(jax.make_jaxpr(function)(z), rules.is_relu_call)
    eqns, obeyed, unsupported, _ = rules.rewrite(flat.equations, rule, dependent(flat.equations, flat.input))
    run = as_function(flat, eqns, flat.outputs)
    return (lambda z: run(flat.consts, z)[0]), obeyed, unsupported


@pytest.mark.sampled(25, check=17)
@pytest.mark.parametrize("spelling", OBEYING)
@pytest.mark.parametrize("rule", dv.RULES)
def test_spellings_obey(spelling: str, rule: str) -> None:
    function = OBEYING[spelling]
    z = jnp.asarray(Z, jnp.float32)
    ruled, obeyed, unsupported = rewritten(function, z, rule)
    assert (obeyed, unsupported) == (1, [])
    value, pull = jax.vjp(ruled, z)
    np.testing.assert_array_equal(value, function(z))
    np.testing.assert_array_equal(pull(jnp.asarray(G, z.dtype))[0], rectify_loops.backward(rule, Z, G))


@pytest.mark.slow
def test_bfloat16_and_float64_obey() -> None:
    half = lambda z: jax.nn.relu(z.astype(jnp.bfloat16)).astype(jnp.float32)  # noqa: E731
    ruled, obeyed, _ = rewritten(half, jnp.asarray(Z, jnp.float32), "deconvnet")
    assert obeyed == 1
    assert jax.vjp(ruled, jnp.asarray(Z, jnp.float32))[1](jnp.asarray(G, jnp.float32))[0].tolist() == [1, 0, 1, 0, 1]
    with jax.enable_x64():
        ruled, obeyed, _ = rewritten(jax.nn.relu, jnp.asarray(Z), "guided")
        assert obeyed == 1
        assert jax.vjp(ruled, jnp.asarray(Z))[1](jnp.asarray(G))[0].tolist() == [0, 0, 0, 0, 1]


@pytest.mark.sampled(check=5)
@pytest.mark.parametrize("name", OTHER)
def test_other_activations_are_named(name: str) -> None:
    _, obeyed, unsupported = rewritten(OTHER[name], jnp.asarray(Z, jnp.float32), "deconvnet")
    assert obeyed == 0
    assert any(name in reason for reason in unsupported), unsupported


def test_rectifier_of_constants_does_not_count() -> None:
    gate = jnp.array([-1.0, 2.0, 3.0, -4.0, 5.0])
    _, obeyed, _ = rewritten(lambda z: jax.nn.relu(gate) * jax.nn.relu(z), jnp.asarray(Z, jnp.float32), "guided")
    assert obeyed == 1


def test_factor_behind_a_relu_stays() -> None:
    ruled, _, _ = rewritten(lambda z: jax.nn.relu(z) ** 2, jnp.asarray(Z, jnp.float32), "guided")
    assert jax.vjp(ruled, jnp.asarray(Z, jnp.float32))[1](jnp.ones(5))[0].tolist() == [0, 0, 0, 2, 4]


def net(activation: Any) -> dv.Network:
    layers = nets.chain_layers()
    return dv.Network(
        lambda x: nets.run_chain(layers, x, activation), input_spec=dv.InputSpec(size=nets.SIZE), name="tiny"
    )


@pytest.mark.slow
def test_refusal_names_what_is_in_the_way_and_what_to_do() -> None:
    model = net(lambda z: jax.nn.leaky_relu(z))
    with pytest.raises(RuleError, match=r"deconvnet rule .* passes leaky_relu.*on_unsupported='gradient'"):
        dv.reconstruct(model, nets.picture()[0] * 0 + 0.5, dv.Unit("max_pool2", 0))
    seen = dv.reconstruct(model, np.full((*nets.SIZE, 3), 0.5), dv.Unit("max_pool2", 0), on_unsupported="gradient")
    plain = dv.reconstruct(model, np.full((*nets.SIZE, 3), 0.5), dv.Unit("max_pool2", 0), rule="gradient")
    np.testing.assert_array_equal(seen.map, plain.map)
    assert (seen.coverage.obeyed, seen.coverage.total) == (0, 2)


@pytest.mark.sampled(check=1)
@pytest.mark.parametrize("rule", ["deconvnet", "guided", "linear"])
def test_no_rectifier_on_the_way_is_refused(rule: str) -> None:
    model = net(jax.nn.relu)
    with pytest.raises(RuleError, match=rf"no rectifier .* conv1 of tiny.*{rule} rule would silently be the plain"):
        dv.reconstruct(model, np.full((*nets.SIZE, 3), 0.5), dv.Unit("conv1", 0), rule=rule)
    assert (
        dv.reconstruct(model, np.full((*nets.SIZE, 3), 0.5), dv.Unit("conv1", 0), rule="gradient").coverage.total == 0
    )


def test_unknown_rule_offers_the_nearest() -> None:
    with pytest.raises(RuleError, match=r"'deconvet'.*did you mean deconvnet"):
        dv.reconstruct(net(jax.nn.relu), np.full((*nets.SIZE, 3), 0.5), dv.Unit("relu1", 0), rule="deconvet")


@pytest.mark.parametrize("rule", dv.RULES)
def test_forward_values_are_bit_identical(rule: str) -> None:
    model = net(jax.nn.relu)
    program = model.program()
    eqns, obeyed, *_ = rules.rewrite(program.flat.equations, rule, set(program.live))
    ruled = jax.jit(as_function(program.flat, eqns, program.flat.outputs))
    assert obeyed == 2
    layers = nets.chain_layers()
    with jax.default_matmul_precision("highest"):
        untouched = jax.jit(lambda x: nets.run_chain(layers, x))(nets.picture())
    np.testing.assert_array_equal(ruled(program.flat.consts, nets.picture())[0], untouched)


OWN = {
    "gelu": jax.nn.gelu,
    "silu": lambda z: z / (1 + jnp.exp(-z)),
    "leaky_relu": lambda z: jax.nn.relu(z) - 0.1 * jax.nn.relu(-z),
    "softplus": jax.nn.softplus,
    "elu": jax.nn.elu,
}


@pytest.mark.sampled(1)
@pytest.mark.slow
@pytest.mark.parametrize("name", OWN)
def test_a_rule_of_ones_own_takes_the_place_of_a_refusal(name: str) -> None:
    """The map is that of the same network with the activation's derivative written by hand."""

    @jax.custom_vjp
    def by_hand(z: Any) -> Any:
        return OWN[name](z)

    rule = lambda z, g: jnp.maximum(g, 0) * (z > 0.1)  # noqa: E731
    by_hand.defvjp(lambda z: (by_hand(z), z), lambda z, g: (rule(z, g),))
    # Without the shift upwards the ReLU of a leaky one is a ReLU, and nothing would be refused.
    model, twin = net(lambda z: jax.nn.relu(OWN[name](z) + 0.01)), net(lambda z: jax.nn.relu(by_hand(z) + 0.01))
    picture, unit = np.full((*nets.SIZE, 3), 0.5), dv.Unit("max_pool2", 0)
    with pytest.raises(RuleError, match=rf"passes {name}"):
        dv.reconstruct(model, picture, unit)
    ours = dv.reconstruct(model, picture, unit, rules={name: rule})
    theirs = dv.reconstruct(twin, picture, unit, on_unsupported="gradient")
    np.testing.assert_allclose(ours.map, theirs.map, rtol=0, atol=1e-6 * np.abs(theirs.map).max())
    assert (ours.coverage.obeyed, ours.coverage.own, ours.coverage.unsupported) == (2, (name, name), ())


def test_a_rule_of_ones_own_that_gives_another_shape_is_refused() -> None:
    model = net(lambda z: jax.nn.relu(jax.nn.gelu(z)))
    with pytest.raises(RuleError, match=r"the rule for gelu takes what went in .* it gave \(\)"):
        dv.reconstruct(
            model, np.full((*nets.SIZE, 3), 0.5), dv.Unit("max_pool2", 0), rules={"gelu": lambda z, g: g.sum()}
        )


@pytest.mark.slow
def test_in_float64_an_activation_has_its_name_and_its_own_rule() -> None:
    """Also one whose parts are known activations: the rule stands for the whole of it."""
    x, rule = np.random.default_rng(2).standard_normal((1, 9, 7, 3)), lambda z, g: g * (z > 0) + 0.1 * g
    spellings = {
        "silu": (jax.nn.silu, lambda z: z / (1 + jnp.exp(-z))), "gelu": (jax.nn.gelu,),
        "log_sigmoid": (jax.nn.log_sigmoid,), "hard_silu": (lambda z: z * jnp.clip(z + 3, 0, 6) / 6,),
    }  # fmt: skip
    with jax.enable_x64():
        w = jnp.asarray(np.random.default_rng(3).standard_normal((3, 3, 3, 5)))
        for name, activations in spellings.items():
            for activation in activations:
                net = dv.Network(lambda x, a=activation: a(dv.conv(x, w)), input_spec=dv.InputSpec(size=(9, 7)))
                unit = dv.Unit(net.layers[-1].name, 2, 4, 3)
                (mine,) = reconstruct_units(net.with_rules({name: rule}), x, [unit], "guided", "one")
                assert (mine.coverage.own, mine.coverage.unsupported) == ((name,), ())
                z, pull = jax.vjp(lambda x: dv.conv(x, w), x)
                at = jnp.zeros_like(z).at[0, 4, 3, 2].set(1.0)
                np.testing.assert_allclose(mine.map, pull(rule(z, at))[0][0], rtol=1e-12, atol=1e-14)


@pytest.mark.slow
def test_two_activations_that_differ_in_a_number_stay_two() -> None:
    """With one rule for both; their values must not be exchanged."""
    rule = lambda z, g: g  # noqa: E731
    x = np.linspace(-5, 5, 54, dtype=np.float32).reshape(1, 6, 3, 3)
    for bound in (0.5, 0.8):
        net = dv.Network(lambda x, b=bound: jnp.arctan(x * b) * x, input_spec=dv.InputSpec(size=(6, 3)))
        (name,) = net_objections(net)
        unit = dv.Unit(net.layers[-1].name, 1, 0, 0)
        (mine,) = reconstruct_units(net.with_rules({name: rule}), x, [unit], "gradient")
        assert mine.activation == pytest.approx(float(np.arctan(x[0, 0, 0, 1] * bound) * x[0, 0, 0, 1]), rel=1e-5)
        np.testing.assert_allclose(mine.map[0, 0, 1], mine.activation, rtol=1e-5)


def net_objections(net: dv.Network) -> list[str]:
    """Names that a rule of one's own may have."""
    program = net.program()
    surveyed = rules.survey(program.flat.equations, None)
    pools = rules.Pools(program.flat.equations, program.live, {})
    outs = program.flat.outputs
    view = rules.view_of(program.flat.equations, program.live, outs, surveyed, pools)
    return [each.name for each in rules.objections(view)]


@pytest.mark.parametrize("beside", [lambda z: jnp.maximum(z, 0), lambda z: 0.7 * z], ids=["a ReLU", "a scale"])
def test_a_rule_of_ones_own_applies_where_something_else_reads_the_signal_too(beside: Any) -> None:
    weights = jnp.asarray(np.random.default_rng(0).normal(size=(3, 3)), jnp.float32)
    net = dv.Network(lambda x: jax.nn.gelu(x) @ weights - beside(x), input_spec=dv.InputSpec(size=(6, 3)))
    assert net_objections(net) == ["gelu"]
    x = np.random.default_rng(1).normal(size=(1, 6, 3, 3)).astype(np.float32)
    unit = dv.Unit(net.layers[-1].name, 1, 4, 2)
    (mine,) = reconstruct_units(net.with_rules({"gelu": lambda z, g: 2 * g}), x, [unit], "gradient", "one")
    expected = np.zeros_like(x[0])
    expected[4, 2] = 2 * weights[:, 1]
    expected[4, 2, 1] -= jax.grad(lambda z: beside(z))(x[0, 4, 2, 1])
    np.testing.assert_allclose(mine.map, expected, rtol=1e-5, atol=1e-6)


def test_an_activation_without_a_name_is_none_of_its_parts() -> None:
    """A rule for tanh is a rule for tanh, and not for what is made of it."""
    net = dv.Network(lambda x: x * (1 + jnp.tanh(0.7 * x)) * 0.3, input_spec=dv.InputSpec(size=(6, 3)))
    assert net_objections(net) == ["an activation with tanh"]
    with pytest.raises(RuleError, match="an activation with tanh in tanh1"):
        dv.reconstruct(net, np.full((6, 3, 3), 0.5), (net.layers[-1].name, 1), "guided", rules={"tanh": lambda z, g: g})


def test_rules_that_cannot_be_are_refused() -> None:
    net, picture = dv.Network(jnp.tanh, input_spec=dv.InputSpec(size=(6, 3))), np.full((6, 3, 3), 0.5)
    with pytest.raises(RuleError, match="relu is a rectifier, which obeys rule="):
        net.with_rules({"relu": lambda z, g: g})
    with pytest.raises(RuleError, match="the rule for tanh raised TracerArrayConversionError"):
        dv.reconstruct(net, picture, ("tanh1", 1), "guided", rules={"tanh": lambda z, g: np.asarray(g)})


@pytest.mark.parametrize("branches", [
    lambda z: jax.lax.platform_dependent(z, cpu=jax.nn.relu, default=lambda z: jnp.maximum(z, 0)),
    lambda z: jax.lax.switch(1, [jax.nn.relu, lambda z: 2 * jax.nn.relu(z), jax.nn.relu], z),
])  # fmt: skip
def test_of_several_branches_one_counts(branches: Any) -> None:
    net = dv.Network(lambda x: jax.nn.relu(branches(x) - 0.1), input_spec=dv.InputSpec(size=(6, 3)))
    made = dv.reconstruct(net, np.full((6, 3, 3), 0.5), (net.layers[-1].name, 1), "guided")
    assert str(made.coverage) == "2 of 2 rectifiers obey"
