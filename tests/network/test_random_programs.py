"""Networks put together at random from parts in many spellings, against rules that are written by hand.

What passes has the map of the hand-written rules; one activation anywhere, and the network is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import forms
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from forms import by_hand, rewritten
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from deconvviz.network.trace.jaxpr import as_function

SHAPE = (1, 4, 6, 8)
RULES = ("gradient", "deconvnet", "guided", "linear")


def _keeps_shape(part: Callable[..., Any]) -> bool:
    call = (lambda h: part(h, jax.nn.relu)) if part in forms.TAKES_RELU else part
    return jax.eval_shape(call, jax.ShapeDtypeStruct(SHAPE, jnp.float32)).shape == SHAPE


def _some(forms_of: dict[str, Any]) -> st.SearchStrategy[str]:
    """Names of forms that keep the shape; they are tried when the first is drawn, not when tests are collected."""
    return st.deferred(
        lambda: st.sampled_from([k for k, (part, _) in forms_of.items() if k != "callback" and _keeps_shape(part)])
    )


PARTS, BENT = _some(forms.PASSING), _some(forms.BENDING)
JOINTS = ("chain", "residual", "concatenation", "branch")
PLANS = st.lists(st.tuples(PARTS, st.sampled_from(JOINTS), st.booleans()), min_size=1, max_size=4)


def network(plan: Sequence[tuple[str, str, bool]], relu: forms.Relu, bent: tuple[int, str] | None = None) -> Any:
    """The network of a plan: parts, how each is joined with what lies below it, and where a ReLU follows."""

    def net(x: Any) -> Any:
        h = relu(forms.conv(x, forms.FIRST))
        for place, (name, joint, rectified) in enumerate(plan):
            part, _ = forms.PASSING[name]
            below = h
            h = forms.conv(h, forms.SECOND)
            if bent is not None and bent[0] % len(plan) == place:
                h = forms.BENDING[bent[1]][0](h)
            h = part(h, relu) if part in forms.TAKES_RELU else part(h)
            if joint == "residual":
                h = h + below
            elif joint == "concatenation":
                h = jnp.concatenate([h, below], -1)[..., 4:12]
            elif joint == "branch":
                h = h - 0.5 * forms.conv(relu(forms.conv(below, forms.THIRD)), forms.SECOND)
            h = relu(forms.conv(h, forms.THIRD)) if rectified else h
        return h.mean((1, 2))

    return net


def rectifiers(plan: Sequence[tuple[str, str, bool]]) -> int:
    return 1 + sum(forms.PASSING[name][1] + (joint == "branch") + rectified for name, joint, rectified in plan)


def agrees(plan: Sequence[tuple[str, str, bool]], rule: str) -> None:
    flat, eqns, obeyed, unsupported = rewritten(network(plan, jax.nn.relu), rule)
    assert (obeyed, unsupported) == (rectifiers(plan), [])
    run = as_function(flat, eqns, flat.outputs)
    value, ours = jax.vjp(lambda x: run(flat.consts, x)[0], forms.IMAGE)
    _, theirs = jax.vjp(network(plan, by_hand(rule)), forms.IMAGE)
    signal = jnp.zeros_like(value).at[0, 3].set(1.0).at[0, 5].set(-0.5)
    one, other = np.asarray(ours(signal)[0], np.float64), np.asarray(theirs(signal)[0], np.float64)
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-5 * np.abs(other).max() + 1e-30)


BY_HAND = (
    *(name for name, (part, _) in forms.PASSING.items() if part in forms.BY_HAND),
    "both signs side by side", "two rectifiers behind one another", "absolute values of a ReLU",
)  # fmt: skip
#: A ReLU that is still one behind an activation, of the signal below: x + abs(x) of soft shrinkage, for one.
STILL_RELU = {
    *((bent, part) for part in BY_HAND for bent in (
        "leaky by masks", "leaky by a sum", "leaky by a maximum", "leaky by two branches", "leaky by absolute values",
        "x + relu(x)", "soft shrink", "clip",
    )),
    *((bent, "ReLU of a shift by hand") for bent in ("x (x > 0.1)", "x (x > 0.01)", "step", "max(x, 1e-6)")),
    ("x + (x > 0)", "min(x, 0)"), ("x + (x > 0)", "ReLU of the negative by hand"),
}  # fmt: skip


@pytest.mark.parametrize("pair", sorted(STILL_RELU), ids=" | ".join)
def test_what_is_a_relu_behind_an_activation_is_one(pair: tuple[str, str]) -> None:
    """Along a line it is 0 on one side, rises with one slope, and may stop at a bound."""
    bent, (part, _) = forms.BENDING[pair[0]][0], forms.PASSING[pair[1]]
    at = jnp.asarray(np.arange(-9, 9, 0.05) + 0.02, jnp.float32)
    values = part(bent(jnp.broadcast_to(at[:, None], (1, 1, at.size, 8))), jax.nn.relu)[0, 0]
    for y in np.abs(np.asarray(values, np.float64)).T:
        y = y if y[0] < y[-1] else y[::-1]
        steps = np.diff(y)
        rising = np.flatnonzero(steps > 0.2 * steps.max())
        assert y[rising[0]] < 1e-6
        assert (y[: rising[0]] < 1e-6).all()
        assert rising[-1] - rising[0] == rising.size - 1
        assert np.ptp(steps[rising[1:-1]]) < 1e-4
        assert np.ptp(y[min(rising[-1] + 2, y.size - 1) :]) < 1e-4


def objected(plan: Sequence[tuple[str, str, bool]], bent: tuple[int, str]) -> None:
    if (bent[1], plan[bent[0] % len(plan)][0]) in STILL_RELU:
        return
    *_, unsupported = rewritten(network(plan, jax.nn.relu, bent))
    assert unsupported


QUIET = {"deadline": None, "suppress_health_check": list(HealthCheck), "derandomize": True,
         "phases": (Phase.explicit, Phase.generate), "database": None}  # fmt: skip


@pytest.mark.slow
@settings(max_examples=5, **QUIET)
@given(PLANS, st.sampled_from(RULES))
@example([("log softmax by hand", "residual", False), ("x / norm(x)", "chain", True)], "deconvnet")
def test_random_programs_have_the_map_of_rules_by_hand(plan: list[tuple[str, str, bool]], rule: str) -> None:
    agrees(plan, rule)


@pytest.mark.slow
@settings(max_examples=12, **QUIET)
@given(PLANS, st.tuples(st.integers(0, 3), BENT))
@example([("stochastic depth", "branch", False)] * 2, (1, "cube"))
def test_one_activation_anywhere_is_objected_to(plan: list[tuple[str, str, bool]], bent: tuple[int, str]) -> None:
    objected(plan, bent)


@pytest.mark.deep
@pytest.mark.timeout(3600)
@settings(max_examples=3000, **(QUIET | {"derandomize": False}))
@given(PLANS, st.sampled_from(RULES))
def test_many_random_programs_have_the_map_of_rules_by_hand(plan: list[tuple[str, str, bool]], rule: str) -> None:
    agrees(plan, rule)


@pytest.mark.deep
@pytest.mark.timeout(3600)
@settings(max_examples=5000, **(QUIET | {"derandomize": False}))
@given(PLANS, st.tuples(st.integers(0, 3), BENT))
def test_one_activation_is_objected_to_in_many(plan: list[tuple[str, str, bool]], bent: tuple[int, str]) -> None:
    objected(plan, bent)
