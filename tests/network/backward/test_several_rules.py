"""Several rules at once: one forward pass for all of them, and each the map that it has alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import nets
import numpy as np
import pytest

import deconvviz as dv
from deconvviz.errors import DeconvvizError, NetworkError, RuleError
from deconvviz.network.backward import explicit
from deconvviz.ops.rectify import RULES, pull_each, rectify

SPEC = dv.InputSpec(size=nets.SIZE)
IMAGE = np.random.default_rng(1).random((*nets.SIZE, 3)).astype(np.float32)
KERNEL = np.random.default_rng(2).normal(size=(3, 3, 3, 3)).astype(np.float32)
Program = Callable[[Any], Any]


def filtered(x: Any) -> Any:
    return jax.lax.conv_general_dilated(x, jnp.asarray(KERNEL), (1, 1), "SAME", dimension_numbers=nets.AXES)


def chain(x: Any) -> Any:
    return nets.run_chain(nets.chain_layers("float32"), x)


def vector(x: Any) -> Any:
    return jax.nn.relu(filtered(jax.nn.relu(filtered(x)))).mean((1, 2))


def residual(x: Any) -> Any:
    y = jax.nn.relu(filtered(x))
    return jax.nn.relu(y + filtered(y))


def gated(x: Any) -> Any:
    """A product of two signals, and a loop: nothing that has an adjoint by hand."""
    y = jax.nn.relu(filtered(x))
    y, _ = jax.lax.scan(lambda y, _: (jax.nn.relu(filtered(y)), None), y, None, length=3)
    return jax.nn.relu(y * y.mean((1, 2), keepdims=True))


def network(program: Program) -> dv.Network:
    return dv.Network(program, input_spec=SPEC, name="several")


def last(net: dv.Network, channel: int = 1) -> dv.Unit:
    return dv.Unit(net.layers[-1].name, channel)


@pytest.mark.sampled(1)
@pytest.mark.slow
@pytest.mark.parametrize("start", ["activation", "one"])
@pytest.mark.parametrize("program", [chain, vector, residual, gated])
def test_each_rule_gives_the_map_that_it_has_alone(program: Program, start: Any) -> None:
    net = network(program)
    together = dv.reconstruct_rules(net, IMAGE, last(net), start=start, prove=False)
    assert tuple(together) == dv.RULES
    for rule, one in together.items():
        alone = dv.reconstruct(net, IMAGE, last(net), rule, start, prove=False)
        assert (one.rule, one.unit, one.start, one.coverage) == (rule, alone.unit, start, alone.coverage)
        assert one.receptive_field == alone.receptive_field
        assert one.activation == pytest.approx(alone.activation, rel=1e-6)
        np.testing.assert_allclose(one.map, alone.map, rtol=0, atol=1e-5 * np.abs(alone.map).max())
    assert len({one.map.tobytes() for one in together.values()}) == 4


@pytest.mark.slow
def test_a_whole_map_and_few_rules_in_another_order() -> None:
    net, whole = network(chain), dv.Unit("max_pool2", 2, "all", "all")
    together = dv.reconstruct_rules(net, IMAGE, whole, ["guided", "linear", "guided"])
    assert tuple(dv.reconstruct_rules(net, IMAGE, whole, "guided", prove=False)) == ("guided",)
    assert tuple(together) == ("guided", "linear")
    for rule, one in together.items():
        alone = dv.reconstruct(net, IMAGE, whole, rule)
        np.testing.assert_allclose(one.map, alone.map, rtol=0, atol=1e-5 * np.abs(alone.map).max())
        assert one.agreement is not None
        assert one.agreement < 1e-5


class Passes:
    """Counts, while programs run, how often a filter is applied forward and backward."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count: Counter[str] = Counter()
        for name in ("conv", "conv_adjoint"):
            monkeypatch.setattr(explicit, name, self._counted(name, getattr(explicit, name)))

    def _counted(self, name: str, operator: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any) -> Any:
            jax.debug.callback(lambda: self.count.update([name]))
            return operator(*arguments)

        return counted

    def take(self) -> dict[str, int]:
        """What was counted since the last time."""
        jax.effects_barrier()
        count, self.count = dict(self.count), Counter()
        return count


@pytest.mark.slow
def test_one_forward_pass_and_one_backward_pass_a_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    passes, net = Passes(monkeypatch), network(chain)
    for _ in range(2):  # compiling, and compiled
        maps = dv.reconstruct_rules(net, IMAGE, last(net), prove=False)
        assert passes.take() == {"conv": 2, "conv_adjoint": 2 * len(dv.RULES)}, "the network has two filters"
    dv.prove_maps(net, IMAGE, maps)
    assert passes.take() == {}, "the second computation shares no operator with the first"
    for rule in dv.RULES:
        dv.reconstruct(net, IMAGE, last(net), rule, prove=False)
    assert passes.take() == {"conv": 2 * len(dv.RULES), "conv_adjoint": 2 * len(dv.RULES)}


@pytest.mark.slow
@pytest.mark.parametrize(("program", "filters"), [(vector, 2), (gated, 1), (residual, 2)])
def test_a_derived_program_runs_forward_once(program: Program, filters: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same where JAX differentiates the program: an identity in it counts its forward and backward passes."""
    count: Counter[str] = Counter()

    def tick(name: str, x: Any) -> Any:
        def called(value: Any) -> Any:
            count.update([name])
            return value

        return jax.pure_callback(called, jax.ShapeDtypeStruct(x.shape, x.dtype), x, vmap_method="sequential")

    @jax.custom_vjp
    def counted(x: Any) -> Any:
        return tick("forward", x)

    counted.defvjp(lambda x: (counted(x), None), lambda _, g: (tick("backward", g),))
    net = network(lambda x: program(counted(x)))
    assert "no hand-written adjoint" in str(net.steps_to(net.layers[-1].name))
    dv.reconstruct_rules(net, IMAGE, last(net), on_unsupported="gradient", prove=False)
    assert count == {"forward": 1, "backward": len(dv.RULES)}


@pytest.mark.sampled(2, check=1)
@pytest.mark.parametrize("program", [chain, vector, residual])
def test_the_second_computation_can_come_later(program: Program) -> None:
    net = network(program)
    bare = dv.reconstruct_rules(net, IMAGE, last(net), prove=False)
    assert {one.agreement for one in bare.values()} == {None}
    proven, at_once = dv.prove_maps(net, IMAGE, bare), dv.reconstruct_rules(net, IMAGE, last(net))
    for rule, one in proven.items():
        assert one.map is bare[rule].map
        assert one.agreement == pytest.approx(at_once[rule].agreement, abs=1e-7)
        assert one.agreement < 1e-5


@pytest.mark.slow
def test_a_wrong_map_does_not_agree() -> None:
    net = network(chain)
    maps = dv.reconstruct_rules(net, IMAGE, last(net), ["guided", "linear"], prove=False)
    maps["linear"].map[3, 4] += np.abs(maps["linear"].map).max()
    proven = dv.prove_maps(net, IMAGE, maps)
    assert proven["guided"].agreement < 1e-5
    assert proven["linear"].agreement > 0.01
    blue_first = dv.Network(vector, input_spec=dv.InputSpec(size=nets.SIZE, channels="BGR"))
    turned = dv.reconstruct_rules(blue_first, IMAGE, last(blue_first), ["guided"], prove=False)
    assert dv.prove_maps(blue_first, IMAGE, turned)["guided"].agreement < 1e-5, "the maps are in RGB order"


@pytest.mark.deep
def test_what_has_no_adjoint_by_hand_has_a_second_computation_too() -> None:
    net = network(gated)
    maps = dv.reconstruct_rules(net, IMAGE, last(net), on_unsupported="gradient", prove=False)
    assert all(one.agreement < 1e-5 for one in dv.prove_maps(net, IMAGE, maps).values())
    assert dv.prove_maps(net, IMAGE, {}) == {}


@pytest.mark.slow
def test_maps_of_several_units_are_refused() -> None:
    net = network(chain)
    one = dv.reconstruct(net, IMAGE, dv.Unit("relu2", 1), "guided", prove=False)
    other = dv.reconstruct(net, IMAGE, dv.Unit("relu2", 2), "linear", prove=False)
    with pytest.raises(DeconvvizError, match=r"of one unit and start; got .*channel=[12].* and .*channel=[12]"):
        dv.prove_maps(net, IMAGE, {"guided": one, "linear": other})
    with pytest.raises(DeconvvizError, match="got 'deconvnet': guided"):
        dv.prove_maps(net, IMAGE, {"deconvnet": one})


@pytest.mark.slow
def test_refusals_are_raised_or_collected() -> None:
    net = dv.Network(lambda x: jax.nn.gelu(filtered(jax.nn.relu(x))), input_spec=SPEC)
    with pytest.raises(RuleError, match="the deconvnet rule is defined at ReLUs only"):
        dv.reconstruct_rules(net, IMAGE, last(net))
    refusals: dict[str, str] = {}
    maps = dv.reconstruct_rules(net, IMAGE, last(net), refusals=refusals)
    assert list(maps) == ["gradient"]
    assert list(refusals) == ["deconvnet", "guided", "linear"]
    assert all(f"the {rule} rule is defined at ReLUs only" in reason for rule, reason in refusals.items())
    assert len(dv.reconstruct_rules(net, IMAGE, last(net), on_unsupported="gradient")) == 4


@pytest.mark.slow
def test_what_no_rule_can_pass_refuses_them_all() -> None:
    refusals: dict[str, str] = {}
    net = dv.Network(lambda x: jax.lax.while_loop(lambda x: x.sum() > 1e9, jax.nn.relu, x), input_spec=SPEC)
    assert dv.reconstruct_rules(net, IMAGE, last(net), refusals=refusals) == {}
    assert set(refusals) == set(dv.RULES)
    assert "while loop" in refusals["gradient"]
    nan = dv.Network(lambda x: jax.nn.relu(filtered(x)) + jnp.nan, input_spec=SPEC)
    assert dv.reconstruct_rules(nan, IMAGE, last(nan), refusals=(refusals := {})) == {}
    assert set(refusals) == set(dv.RULES)
    assert "is nan for this image" in refusals["linear"]


def test_a_unit_or_rule_that_does_not_exist_is_raised_all_the_same() -> None:
    net = network(chain)
    with pytest.raises(NetworkError, match="got channel=99"):
        dv.reconstruct_rules(net, IMAGE, dv.Unit("relu1", 99), refusals={})
    with pytest.raises(RuleError, match="there is no backward rule 'gided'; did you mean guided"):
        dv.reconstruct_rules(net, IMAGE, last(net), ["gided"], refusals={})


@pytest.mark.deep
def test_rules_are_taken_together_through_loops_and_branches() -> None:
    """`pull_each` inside scan, cond and checkpoint, against one rule at a time."""
    w = jnp.asarray(np.random.default_rng(3).normal(size=(5, 5)), jnp.float32)
    x, g = (jnp.asarray(np.random.default_rng(seed).normal(size=(2, 5)), jnp.float32) for seed in (4, 5))

    def bent(rule: Any) -> Program:
        def function(x: Any) -> Any:
            x, _ = jax.lax.scan(lambda x, _: (rectify(x @ w, rule), None), x, None, length=3)
            x = jax.lax.cond(x.sum() > 0, lambda x: rectify(x @ w, rule), lambda x: x, x)
            return jax.checkpoint(lambda x: rectify(x @ w, rule))(x)

        return function

    value, pull = jax.jit(lambda x: jax.vjp(bent(RULES), x))(x)
    for rule, signal in zip(RULES, pull_each(pull, g, RULES), strict=True):
        alone, pull_alone = jax.vjp(bent(rule), x)
        np.testing.assert_allclose(value, alone, rtol=1e-6)
        np.testing.assert_allclose(signal, pull_alone(g)[0], rtol=1e-5, atol=1e-5)
        assert np.abs(signal).max() > 0
