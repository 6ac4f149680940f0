"""What the package relies on in JAX beyond documented functions, one assumption a test.

A release of JAX that breaks one of these breaks `deconvviz.network._compat` and nothing else: mend it there.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from jax import lax
from jax.extend import core as jex

from deconvviz.network import _compat
from deconvviz.network.trace.jaxpr import flatten
from deconvviz.network.trace.loops import bodies

X = jnp.array([[1.0, -2.0, 3.0], [-4.0, 5.0, 7.0]])
NUMBERS = np.array([2.0, 3.0, 5.0], np.float32)


def jaxpr_of(function: Any, *arguments: Any) -> Any:
    """The jaxpr of a traced function."""
    return _compat.traced(function, *arguments).jaxpr


def only(name: str, function: Any, *arguments: Any) -> Any:
    """The one equation of that primitive."""
    (found,) = [eqn for eqn in jaxpr_of(function, *arguments).eqns if eqn.primitive.name == name]
    return found


def test_a_traced_function_is_a_program_whose_constants_have_values() -> None:
    program = _compat.traced(lambda x: x * NUMBERS, X)
    assert len(program.jaxpr.invars) == 1
    assert len(program.jaxpr.constvars) == len(program.consts) == 1
    np.testing.assert_array_equal(np.asarray(program.consts[0]).ravel(), NUMBERS)
    assert program.jaxpr.constvars[0] not in program.jaxpr.invars


@pytest.mark.parametrize("value", [3, None, "jaxpr", (), {}, jnp.sin])
def test_other_parameters_are_no_programs(value: Any) -> None:
    assert _compat.program_in(value) is None


def test_equations_name_their_primitive_operands_results_and_parameters() -> None:
    first, second = jaxpr_of(lambda x: lax.transpose(jnp.sin(x), (1, 0)), X).eqns
    assert (first.primitive.name, second.primitive.name) == ("sin", "transpose")
    assert second.invars[0] is first.outvars[0]
    assert tuple(second.params["permutation"]) == (1, 0)
    assert (second.outvars[0].aval.shape, second.outvars[0].aval.dtype) == ((3, 2), np.float32)


def test_variables_literals_and_dropped_results_are_told_apart() -> None:
    jaxpr = jaxpr_of(lambda x: lax.while_loop(lambda c: c[0] < 3, lambda c: (c[0] + 1, c[1] * 2.0), (0, x)), X)
    (loop,) = jaxpr.eqns
    assert [_compat.is_dropped(v) for v in loop.outvars] == [False, False]
    assert _compat.is_dropped(jex.DropVar(loop.outvars[0].aval))
    assert [_compat.is_literal(a) for a in loop.invars] == [True, False]
    assert loop.invars[0].val == 0
    assert [_compat.is_variable(a) for a in loop.invars] == [False, True]


def test_variables_are_equal_to_themselves_alone() -> None:
    variable = jaxpr_of(jnp.sin, X).invars[0]
    other = _compat.new_variable(variable.aval)
    assert _compat.is_variable(other)
    assert not _compat.is_literal(other)
    assert other != variable
    assert len({variable, other, variable}) == 2
    assert other.aval == variable.aval


def test_equations_can_be_rewritten_and_run() -> None:
    jaxpr = jaxpr_of(lambda x: jnp.cos(jnp.sin(x)), X)
    sine, cosine = jaxpr.eqns
    middle = _compat.new_variable(sine.outvars[0].aval)
    changed = [sine.replace(outvars=[middle]), cosine.replace(invars=[middle], primitive=sine.primitive, params={})]
    changed[1] = changed[0].replace(invars=[middle], outvars=cosine.outvars, source_info=cosine.source_info)
    (result,) = _compat.callable_of(jaxpr, jaxpr.invars, changed, jaxpr.outvars)(X)
    np.testing.assert_allclose(result, np.sin(np.sin(np.asarray(X))), rtol=1e-6)


def test_constants_become_arguments() -> None:
    program = _compat.traced(lambda x: x * NUMBERS, X)
    jaxpr = program.jaxpr
    run = _compat.callable_of(jaxpr, [*jaxpr.constvars, *jaxpr.invars], jaxpr.eqns, jaxpr.outvars)
    (result,) = run(np.asarray(program.consts[0]) * 10, X)
    np.testing.assert_array_equal(result, np.asarray(X) * NUMBERS * 10)
    assert len(program.consts) == 1, "the program itself is left alone"


def test_rewritten_programs_can_be_compiled_batched_and_differentiated() -> None:
    jaxpr = jaxpr_of(lambda x: jnp.sin(x) * 2.0, X)
    run = _compat.callable_of(jaxpr, jaxpr.invars, jaxpr.eqns, jaxpr.outvars)
    slope = jax.jit(jax.grad(lambda x: run(x)[0].sum()))(X)
    np.testing.assert_allclose(slope, 2 * np.cos(np.asarray(X)), rtol=1e-5)
    batch = jax.vmap(lambda x: run(x)[0])(jnp.stack([X, -X]))
    np.testing.assert_allclose(batch[1], -2 * np.sin(np.asarray(X)), rtol=1e-5)


def test_equations_of_numbers_alone_run_from_nothing() -> None:
    jaxpr = jaxpr_of(lambda x: x + lax.iota(np.float32, 3) * 2.0, X)
    makers = [eqn for eqn in jaxpr.eqns if eqn.primitive.name in ("iota", "mul")]
    assert len(makers) == 2
    (result,) = _compat.callable_of(_compat.empty_jaxpr(), [], makers, [makers[-1].outvars[0]])()
    np.testing.assert_array_equal(result, [0.0, 2.0, 4.0])


@pytest.mark.parametrize("wrap", [jax.jit, jax.checkpoint, jax.remat])
def test_wrappers_hold_a_body_that_computes_the_same(wrap: Any) -> None:
    (eqn,) = jaxpr_of(wrap(lambda x: jnp.sin(x) * 2.0), X).eqns
    body = _compat.program_in(eqn.params[_compat.WRAPPERS[eqn.primitive.name]])
    assert body is not None
    assert [inner.primitive.name for inner in body.jaxpr.eqns] == ["sin", "mul"]
    assert len(body.jaxpr.invars) == len(eqn.invars)
    assert len(body.jaxpr.outvars) == len(eqn.outvars)


def test_compiled_calls_carry_their_name() -> None:
    def swish(x: Any) -> Any:
        return x * jax.nn.sigmoid(x)

    assert only("jit", jax.jit(swish), X).params["name"] == "swish"


def test_relu_is_a_custom_jvp_call_of_a_maximum() -> None:
    body = _compat.program_in(only("jit", jax.jit(jax.nn.relu), X).params["jaxpr"])
    assert body is not None
    (call,) = body.jaxpr.eqns
    assert call.primitive.name == "custom_jvp_call"
    inner = _compat.program_in(call.params["call_jaxpr"])
    assert inner is not None
    (wrapped,) = inner.jaxpr.eqns
    maximum = _compat.program_in(wrapped.params["jaxpr"])
    assert maximum is not None
    assert [eqn.primitive.name for eqn in maximum.jaxpr.eqns] == ["max"]


def test_custom_derivatives_are_calls_that_know_their_function() -> None:
    @jax.custom_vjp
    def steep(x: Any) -> Any:
        return jnp.sin(x)

    steep.defvjp(lambda x: (steep(x), None), lambda _, g: (g * 7.0,))
    (eqn,) = jaxpr_of(steep, X).eqns
    assert eqn.primitive.name in _compat.CUSTOM
    body = _compat.program_in(eqn.params.get("call_jaxpr") or eqn.params.get("jaxpr"))
    assert body is not None
    assert _compat.function_name(body.jaxpr) == "steep"
    jaxpr = jaxpr_of(steep, X)
    run = _compat.callable_of(jaxpr, jaxpr.invars, jaxpr.eqns, jaxpr.outvars)
    np.testing.assert_array_equal(jax.grad(lambda x: run(x)[0].sum())(X), np.full(X.shape, 7.0))


def looped(x: Any) -> Any:
    """A scan with one operand that stays, two that are carried and two that are sliced."""
    fixed = x.sum()

    def turn(carry: Any, entry: Any) -> Any:
        total, previous = carry
        return (total * fixed + entry[0], previous + entry[1]), total.sum()

    return lax.scan(turn, (x[0], x[1]), (x, 2 * x))


def test_a_scan_tells_what_stays_and_what_is_carried() -> None:
    eqn = only("scan", looped, X)
    assert _compat.scan_counts(eqn.params) == (1, 2)
    assert len(eqn.invars) == 1 + 2 + 2
    assert eqn.params["length"] == 2
    assert [a.aval.shape for a in eqn.invars] == [(), (3,), (3,), (2, 3), (2, 3)]
    assert [v.aval.shape for v in eqn.outvars] == [(3,), (3,), (2,)]


def test_the_body_of_a_scan_takes_entries_in_the_order_of_its_operands() -> None:
    ((key, place, body),) = bodies(only("scan", looped, X))
    assert (key, place) == ("jaxpr", None)
    assert [v.aval.shape for v in body.closed.jaxpr.invars] == [(), (3,), (3,), (3,), (3,)]
    assert body.carried == {0: 1, 1: 2}
    assert body.sliced == {3, 4}


def test_a_while_loop_tells_what_each_of_its_programs_is_given() -> None:
    bound, factor = X.sum(), X[0]

    def loop(x: Any, bound: Any, factor: Any) -> Any:
        return lax.while_loop(lambda c: c.sum() < bound, lambda c: c * factor[0] + factor[1], x)

    eqn = only("while", loop, X, bound, factor)
    found = {key: body for key, _, body in bodies(eqn)}
    assert set(found) == {"cond_jaxpr", "body_jaxpr"}
    assert found["cond_jaxpr"].operands == (eqn.invars[0], eqn.invars[-1])
    assert found["body_jaxpr"].operands == tuple(eqn.invars[1:])
    assert len(eqn.invars) == 1 + eqn.params["body_nconsts"] + 1


def test_a_condition_holds_one_program_a_branch() -> None:
    eqn = only("cond", lambda x: lax.cond(x.sum() > 0, jnp.sin, jnp.cos, x), X)
    found = list(bodies(eqn))
    assert [(key, place) for key, place, _ in found] == [("branches", 0), ("branches", 1)]
    assert [body.closed.jaxpr.eqns[0].primitive.name for _, _, body in found] == ["cos", "sin"]
    assert all(body.operands == tuple(eqn.invars[1:]) for _, _, body in found)


def test_a_body_can_be_exchanged_and_keeps_its_constants() -> None:
    def function(x: Any) -> Any:
        return lax.scan(lambda c, t: (jnp.sin(c) + t * NUMBERS, None), x[0], x)[0]

    program = _compat.traced(function, X)
    jaxpr = program.jaxpr
    (eqn,) = [eqn for eqn in jaxpr.eqns if eqn.primitive.name == "scan"]
    old = eqn.params["jaxpr"]
    body = _compat.program_in(old)
    assert body is not None
    cosine = jaxpr_of(jnp.cos, X[0]).eqns[0]
    eqns = [cosine.replace(invars=e.invars, outvars=e.outvars) if e.primitive.name == "sin" else e
            for e in body.jaxpr.eqns]  # fmt: skip
    new = _compat.in_place_of(old, body.jaxpr.replace(eqns=eqns))
    exchanged = [e.replace(params={**e.params, "jaxpr": new}) if e is eqn else e for e in jaxpr.eqns]
    run = _compat.callable_of(jaxpr, [*jaxpr.constvars, *jaxpr.invars], exchanged, jaxpr.outvars)
    want = np.asarray(X[0])
    for row in np.asarray(X):
        want = np.cos(want) + row * NUMBERS
    np.testing.assert_allclose(run(*program.consts, X)[0], want, rtol=1e-5)


def test_a_window_operation_tells_by_what_it_combines() -> None:
    def windows(start: float, by: Any) -> Any:
        return lambda x: lax.reduce_window(x, np.float32(start), by, (2, 2), (1, 1), "VALID")

    assert _compat.combined_by(only("reduce_window", windows(0.0, lax.max), X).params) == ["max"]
    product = only("reduce_window", windows(1.0, lambda a, b: lax.sin(a * b)), X)
    assert _compat.combined_by(product.params) == ["mul", "sin"]
    assert only("reduce_window_max", windows(-np.inf, lax.max), X).params["window_dimensions"] == (2, 2)


def test_scopes_are_kept_through_calls() -> None:
    class Head(nnx.Module):
        def __call__(self, x: Any) -> Any:
            with jax.named_scope("outer"), jax.named_scope("inner"):
                return jnp.sin(x)

    assert _compat.scope_of(only("sin", Head(), X)) == "outer/inner"
    (mapped,) = flatten(jax.make_jaxpr(jax.jit(jax.vmap(Head())))(X)).equations
    assert mapped.scope == ("outer", "inner")


def test_a_program_prints_the_same_when_it_is_traced_again() -> None:
    """Compiled programs are shared under a digest of this text."""
    first, second = (str(jaxpr_of(lambda x: looped(jax.nn.relu(x)), X)) for _ in range(2))
    assert first == second


def test_nothing_else_reads_the_inner_forms_of_jax() -> None:
    inner = re.compile(r"jax\.extend|jax\._src|\bjex\b|ClosedJaxpr|DropVar|num_carry|name_stack|\.jaxpr\.jaxpr")
    package = Path(_compat.__file__).parent.parent
    found = {path.relative_to(package).as_posix() for path in package.rglob("*.py") if inner.search(path.read_text())}
    assert found == {Path(_compat.__file__).relative_to(package).as_posix()}
