"""A number of one's own, made of the output, sent down in place of a unit."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import deconvviz as dv
from deconvviz.errors import DeconvvizError, RuleError

SIZE = (9, 7)
DRAW = np.random.default_rng(3)
FIRST, SECOND = (DRAW.standard_normal(shape).astype(np.float32) for shape in ((3, 3, 3, 5), (3, 3, 5, 4)))
HEAD = DRAW.standard_normal((4, 6)).astype(np.float32)
IMAGE = DRAW.random((*SIZE, 3)).astype(np.float32)


def forward(x: Any) -> Any:
    return jax.nn.relu(dv.conv(jax.nn.relu(dv.conv(x, FIRST)), SECOND)).mean((1, 2)) @ HEAD


NET = dv.Network(forward, input_spec=dv.InputSpec(size=SIZE), name="mine")


@pytest.mark.deep
@pytest.mark.parametrize("rule", dv.RULES)
def test_a_single_score_is_its_unit(rule: str) -> None:
    unit = dv.reconstruct(NET, IMAGE, (NET.layers[-1].name, 3), rule)
    mine = dv.reconstruct(NET, IMAGE, rule=rule, target=lambda out: out[0, 3])
    np.testing.assert_allclose(mine.map, unit.map, rtol=1e-4, atol=1e-6 * np.abs(unit.map).max())
    assert mine.activation == pytest.approx(unit.activation, rel=1e-5)
    assert mine.coverage == unit.coverage
    assert mine.agreement is not None
    assert mine.agreement < 1e-5


@pytest.mark.slow
def test_a_difference_and_a_loss_have_the_derivative_that_jax_gives() -> None:
    def difference(out: Any) -> Any:
        return out[0, 3] - out[0, 5]

    def loss(out: Any) -> Any:
        return -jax.nn.log_softmax(out)[:, 2]

    for target in (difference, loss):
        value, slope = jax.value_and_grad(lambda x, t=target: t(forward(x)).sum())(IMAGE[None])
        one = dv.reconstruct(NET, IMAGE, rule="gradient", start="one", target=target)
        np.testing.assert_allclose(one.map, slope[0], rtol=1e-4, atol=1e-6)
        assert one.activation == pytest.approx(float(value), rel=1e-5)
        assert one.target is target
        times = dv.reconstruct(NET, IMAGE, rule="gradient", target=target)
        np.testing.assert_allclose(times.map, slope[0] * value, rtol=1e-4, atol=1e-6)


def test_the_rule_is_linear_in_the_target() -> None:
    """A rule that is linear in the signal takes the difference of two scores to the difference of their maps."""
    maps = [dv.reconstruct(NET, IMAGE, rule="linear", start="one", target=t).map for t in (
        lambda out: out[0, 3], lambda out: out[0, 5], lambda out: out[0, 3] - out[0, 5])]  # fmt: skip
    np.testing.assert_allclose(maps[0] - maps[1], maps[2], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("target", "said"), [
    (3, "got 3"), (lambda out: out, r"it gave an array of shape \(1, 6\)"), (lambda out: out[0, 3] > 0, "bool"),
    (lambda out: out["logits"], "it raised"), (lambda out: None, "it raised"),
])  # fmt: skip
def test_a_target_that_is_no_number_is_refused(target: Any, said: str) -> None:
    with pytest.raises(DeconvvizError, match=f"target is a function of the output, an array of shape.*{said}"):
        dv.reconstruct(NET, IMAGE, target=target)


@pytest.mark.slow
def test_units_and_targets_are_not_mixed() -> None:
    with pytest.raises(DeconvvizError, match="a unit, or a target in place of one"):
        dv.reconstruct(NET, IMAGE, ("relu1", 1), target=lambda out: out[0, 0])
    with pytest.raises(DeconvvizError, match="a unit is a layer's name and a channel"):
        dv.reconstruct(NET, IMAGE)
    made = dv.reconstruct(NET, IMAGE, target=lambda out: out[0, 0], prove=False)
    assert made.agreement is None
    with pytest.raises(DeconvvizError, match="maps of a target are compared when they are made"):
        dv.prove_maps(NET, IMAGE, {"deconvnet": made})
    plain = dv.Network(lambda x: jnp.tanh(x).mean((1, 2)), input_spec=dv.InputSpec(size=SIZE))
    with pytest.raises(RuleError, match="tanh"):
        dv.reconstruct(plain, IMAGE, target=lambda out: out[0, 0])


@pytest.mark.slow
def test_a_target_behind_what_has_no_adjoint_by_hand_is_computed_twice_too() -> None:
    net = dv.Network(
        lambda x: jax.nn.relu(x * x.mean((1, 2, 3), keepdims=True) - 0.1), input_spec=dv.InputSpec(size=SIZE)
    )
    made = dv.reconstruct(net, IMAGE, target=lambda out: out[0, 1, 1, 0] - out[0, 2, 2, 1])
    assert made.agreement is not None
    assert made.agreement < 1e-5
