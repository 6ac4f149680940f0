"""What passes and what is objected to, in many spellings; what passes has the map of rules written by hand."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import forms
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from reference import rectify_loops

import deconvviz as dv
from deconvviz.network.trace.jaxpr import as_function


def test_the_rules_by_hand_are_those_of_the_loops() -> None:
    z, g = np.array([-2.0, -1.0, 0.0, 1.0, 2.0]), np.array([1.0, -1.0, 1.0, -1.0, 1.0])
    for rule in dv.RULES:
        down = jax.vjp(forms.by_hand(rule), jnp.asarray(z))[1](jnp.asarray(g, jnp.float32))[0]
        np.testing.assert_array_equal(down, rectify_loops.backward(rule, z, g))


@pytest.mark.sampled(check=28)
@pytest.mark.parametrize("name", forms.PASSING)
def test_what_is_linear_or_of_a_known_form_passes(name: str) -> None:
    part, rectifiers = forms.PASSING[name]
    *_, obeyed, unsupported = forms.rewritten(forms.between(part))
    assert (obeyed, unsupported) == (1 + rectifiers, [])


@pytest.mark.sampled(2)
@pytest.mark.slow
@pytest.mark.parametrize(("name", "rule"), list(zip(forms.PASSING, itertools.cycle(["deconvnet", "guided"]))))
def test_its_map_is_that_of_rules_by_hand(name: str, rule: str) -> None:
    part, _ = forms.PASSING[name]
    flat, eqns, *_ = forms.rewritten(forms.between(part), rule)
    run = as_function(flat, eqns, flat.outputs)
    value, ours = jax.vjp(jax.jit(lambda x: run(flat.consts, x)[0]), forms.IMAGE)
    _, theirs = jax.vjp(jax.jit(forms.between(part, forms.by_hand(rule))), forms.IMAGE)
    signal = jnp.zeros_like(value).at[0, 3].set(1.0).at[0, 5].set(-0.5)
    one, other = ours(signal)[0], theirs(signal)[0]
    np.testing.assert_allclose(one, other, rtol=0, atol=2e-6 * float(jnp.abs(other).max()) + 1e-12)
    assert float(jnp.abs(other).max()) > 0 or name in ("take",)


@pytest.mark.sampled(22, check=8)
@pytest.mark.parametrize("name", forms.BENDING)
def test_every_other_activation_is_objected_to(name: str) -> None:
    activation, called = forms.BENDING[name]
    *_, unsupported = forms.rewritten(forms.between(activation))
    assert any(called in reason for reason in unsupported), unsupported


@pytest.mark.parametrize("rule", ["gradient", "guided"])
def test_where_nothing_comes_down_at_all_the_refusal_says_so(rule: str) -> None:
    """No rectifier obeys, but it would be untrue to say that none lies between."""
    whole = forms.between(lambda h: jnp.where(h > 0, 1.0, -1.0))
    net = dv.Network(whole, input_spec=dv.InputSpec(size=forms.IMAGE.shape[1:3]))
    with pytest.raises(dv.DeconvvizError, match=r"no signal comes down from layer .* a comparison"):
        dv.reconstruct(net, np.zeros((4, 6, 3)), (net.layers[-1].name, 0), rule=rule)


def _reduced_by(combine: Callable[[Any, Any], Any], start: float) -> Callable[[Any], Any]:
    def whole(h: Any) -> Any:
        return h + jax.lax.reduce(h, start, combine, (1, 2))[:, None, None]

    return whole


def _windows_by(combine: Callable[[Any, Any], Any], start: float) -> Callable[[Any], Any]:
    return lambda h: jax.lax.reduce_window(h, start, combine, (1, 2, 2, 1), (1, 1, 1, 1), "SAME")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("by_function", "by_name"),
    [
        (_reduced_by(lambda a, b: a + b, 0.0), lambda h: h + h.sum((1, 2), keepdims=True)),
        (_reduced_by(lambda a, b: jnp.maximum(b, a), -np.inf), lambda h: h + h.max((1, 2), keepdims=True)),
        (_windows_by(lambda a, b: b + a, 0.0), _windows_by(jax.lax.add, 0.0)),
        (_windows_by(lambda a, b: jnp.minimum(a, b), np.inf), lambda h: -_windows_by(jax.lax.max, -np.inf)(-h)),
    ],
)
def test_a_reduction_by_a_function_is_the_one_of_its_name(by_function: Any, by_name: Any) -> None:
    """JAX has no derivative of some of them."""
    maps = []
    for part in (by_function, by_name):
        flat, eqns, obeyed, unsupported = forms.rewritten(forms.between(part))
        assert (obeyed, unsupported) == (1, [])
        run = as_function(flat, eqns, flat.outputs)
        value, pull = jax.vjp(lambda x, run=run, flat=flat: run(flat.consts, x)[0], forms.IMAGE)
        maps.append(pull(jnp.ones_like(value))[0])
    np.testing.assert_allclose(maps[0], maps[1], rtol=0, atol=2e-6 * float(jnp.abs(maps[1]).max()))


def test_a_pooling_from_zero_passes_where_nothing_is_below_zero() -> None:
    """Elsewhere it is one more rectifier; JAX has no derivative of it that could be compared."""

    def pooled(h: Any) -> Any:
        return jax.lax.reduce_window(jax.nn.relu(h) + 1, 0.0, jax.lax.max, (1, 2, 2, 1), (1, 1, 1, 1), "SAME")

    *_, obeyed, unsupported = forms.rewritten(forms.between(pooled))
    assert (obeyed, unsupported) == (2, [])


def test_a_program_that_cannot_be_opened_is_objected_to() -> None:
    """Its rectifiers would keep their gradient."""
    mesh = jax.make_mesh((1,), ("i",))
    spec = jax.sharding.PartitionSpec()
    inner = jax.shard_map(jax.nn.relu, mesh=mesh, in_specs=spec, out_specs=spec)
    *_, obeyed, unsupported = forms.rewritten(forms.between(inner))
    assert (obeyed, unsupported) == (1, ["shard_map"])


@pytest.mark.parametrize(
    "guarded",
    [
        lambda h: jnp.sqrt(jnp.maximum(jnp.sum(h * h, -1, keepdims=True), 0.0)),
        lambda h: jnp.maximum(jnp.var(h, -1, keepdims=True), 0),
        lambda h: jax.nn.relu((h * h).mean(-1, keepdims=True) - h.mean(-1, keepdims=True) ** 2),
        lambda h: jnp.clip(jnp.abs(h).sum(-1, keepdims=True), 0),
        lambda h: jax.nn.relu6(jnp.exp(h).mean(-1, keepdims=True)),
        lambda h: jnp.maximum(0.0, jnp.einsum("nhwc,nhwc->nhw", h, h))[..., None],
    ],
)
def test_a_maximum_with_zero_of_what_cannot_be_negative_is_no_rectifier(guarded: Callable[[Any], Any]) -> None:
    *_, obeyed, _ = forms.rewritten(forms.between(lambda h: h / (guarded(h) + 1)))
    assert obeyed == 1


@pytest.mark.parametrize(
    "signal",
    [
        lambda h: h - h.mean(-1, keepdims=True) ** 2,
        lambda h: h * h - h.mean(-1, keepdims=True) ** 2,
        lambda h: h.mean(-1, keepdims=True),
        lambda h: 0.3 - jnp.var(h, -1, keepdims=True),
    ],
)
def test_a_maximum_with_zero_of_what_can_be_negative_is_one(signal: Callable[[Any], Any]) -> None:
    *_, obeyed, _ = forms.rewritten(forms.between(lambda h: h + conv_of(jax.nn.relu(signal(h)))))
    assert obeyed == 2


def conv_of(h: Any) -> Any:
    return forms.conv(h, forms.SECOND[:, :, : h.shape[-1]])


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float64", "bfloat16"])
def test_programs_in_other_numbers_are_judged_alike(dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A constant that is rounded to half precision is the constant still."""
    names = ("(x + abs(x)) / 2", "max(min(x, 6), 0)", "x heaviside(x)", "softmax by hand", "x / norm(x)")
    bent = ("swish", "gelu", "mish", "hard swish", "leaky by a sum", "exponential less the largest over another axis")
    with jax.enable_x64(dtype == "float64"):
        for weights in ("IMAGE", "FIRST", "SECOND", "THIRD", "DENSE"):
            monkeypatch.setattr(forms, weights, jnp.asarray(getattr(forms, weights), dtype))
        for name in names:
            part, rectifiers = forms.PASSING[name]
            assert forms.rewritten(forms.between(part))[2:] == (1 + rectifiers, []), name
        for name in bent:
            activation, called = forms.BENDING[name]
            assert any(called in reason for reason in forms.rewritten(forms.between(activation))[3]), name
