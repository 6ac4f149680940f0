"""The four rules against the loops, their derivative against the rules, at the edges too."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from op_cases import QUICK
from reference import rectify_loops

from deconvviz.errors import GeometryError, RuleError
from deconvviz.ops import RULES, backward, check_rule, rectify

NUMBERS = st.floats(-8, 8, width=16) | st.sampled_from([0.0, -0.0, 1e-7, -1e-7])


def test_the_rules_are_four_and_the_derivative_is_first() -> None:
    assert RULES == ("gradient", "deconvnet", "guided", "linear")


@pytest.mark.sampled(2)
@pytest.mark.slow
@pytest.mark.parametrize("rule", RULES)
@QUICK
@given(pairs=st.lists(st.tuples(NUMBERS, NUMBERS), min_size=6, max_size=6))
def test_rule_equals_the_loops(rule: str, pairs: list[tuple[float, float]]) -> None:
    z, g = np.array(pairs).T.reshape(2, 1, 2, 3, 1)
    for dtype in (np.float32, np.float64):
        with jax.enable_x64(True):
            a, pull = jax.vjp(lambda z: rectify(z, rule), jnp.asarray(z, dtype))
            (derived,) = pull(jnp.asarray(g, dtype))
            stated = backward(rule, z.astype(dtype), g.astype(dtype))
        assert a.dtype == derived.dtype == stated.dtype == dtype
        expected = rectify_loops.backward(rule, z.astype(dtype), g.astype(dtype))
        np.testing.assert_array_equal(a, np.maximum(z.astype(dtype), 0))
        np.testing.assert_array_equal(stated, expected)
        np.testing.assert_array_equal(derived, expected)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("gradient", [0, 0, 0, 0, 0, 0, -2, 0, 2]),
        ("deconvnet", [0, 0, 2, 0, 0, 2, 0, 0, 2]),
        ("guided", [0, 0, 0, 0, 0, 0, 0, 0, 2]),
        ("linear", [-2, 0, 2, -2, 0, 2, -2, 0, 2]),
    ],
)
def test_all_signs_of_input_and_signal(rule: str, expected: list[float]) -> None:
    """Below zero, at zero and above, for both; in bfloat16, which keeps its type."""
    z = jnp.repeat(jnp.array([-1, 0, 1], jnp.bfloat16), 3)
    g = jnp.tile(jnp.array([-2, 0, 2], jnp.bfloat16), 3)
    back = backward(rule, z, g)
    assert back.dtype == rectify(z, rule).dtype == jnp.bfloat16
    assert back.tolist() == expected


def test_gradient_rule_is_the_derivative_of_relu() -> None:
    z, g = (np.random.default_rng(s).standard_normal((2, 3, 5, 4)).astype(np.float32) for s in (0, 1))
    (derivative,) = jax.vjp(jax.nn.relu, z)[1](g)
    np.testing.assert_array_equal(backward("gradient", z, g), derivative)


def test_a_closed_gate_stops_nan_and_infinity() -> None:
    z, g = jnp.array([-1.0, jnp.nan, -2.0]), jnp.array([jnp.nan, 1.0, jnp.inf])
    assert backward("gradient", z, g).tolist() == [0, 0, 0]
    assert backward("guided", z, g).tolist() == [0, 0, 0]


@pytest.mark.slow
def test_rules_work_under_jit_and_vmap_side_by_side() -> None:
    """One trace a rule: a rule is part of its function's identity."""
    z = np.random.default_rng(2).standard_normal((3, 4)).astype(np.float32)
    backs = {}
    for rule in RULES:
        pulled = jax.jit(jax.vmap(jax.grad(lambda z, rule=rule: -rectify(z, rule).sum())))(z)
        np.testing.assert_array_equal(pulled, backward(rule, z, -jnp.ones_like(z)))
        backs[rule] = np.asarray(pulled).tobytes()
    assert len({backs["gradient"], backs["deconvnet"], backs["linear"]}) == 3


def test_refusals() -> None:
    with pytest.raises(RuleError, match=r"no backward rule 'deconv'; did you mean deconvnet\?") as error:
        backward("deconv", jnp.ones(2), jnp.ones(2))
    assert "gradient, deconvnet, guided, linear" in str(error.value)
    with pytest.raises(RuleError, match="no backward rule None"):
        check_rule(None)  # type: ignore[arg-type]
    with pytest.raises(RuleError, match="'ReLU'"):
        rectify(jnp.ones(2), "ReLU")
    with pytest.raises(GeometryError, match=r"z is \(2,\), g is \(1,\)"):
        backward("guided", jnp.ones(2), jnp.ones(1))
    with pytest.raises(GeometryError, match="got dtype int32"):
        rectify(jnp.ones(2, jnp.int32))
