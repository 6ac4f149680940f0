"""Plain operations on traced programs: flatten calls, find what depends on the input, cut, fold constants.

A traced JAX function (a jaxpr) is a list of equations. Everything here takes and returns such lists; nothing knows
what a layer or a rule is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from deconvviz.network import _compat
from deconvviz.network._compat import is_literal, program_in

__all__ = [
    "Equation", "Flat", "as_function", "carrying", "dependent", "flatten", "fold", "is_floating", "is_literal",
    "needed",
]  # fmt: skip

#: What JAX writes around the scopes inside a vmapped function: ``vmap(scope)``.
_TRANSFORM = re.compile(r"\bvmap\(([^()]*)\)")


@dataclass(frozen=True, eq=False)
class Equation:
    """One equation of a flat program, the scopes that the program's author opened around it, the calls it was in.

    A call is (name, serial number): two calls of one function are two calls.
    """

    eqn: Any
    scope: tuple[str, ...]
    calls: tuple[tuple[str, int], ...] = ()

    @property
    def primitive(self) -> str:
        """Name of the primitive, "conv_general_dilated" for example."""
        return self.eqn.primitive.name

    @property
    def out(self) -> Any:
        """The (first) variable that the equation binds."""
        return self.eqn.outvars[0]


@dataclass(frozen=True, eq=False)
class Flat:
    """A program as one list of equations over one input variable.

    Attributes:
      equations: in execution order.
      input: the variable of the model input.
      outputs: what the program returns, variables or literals.
      constvars, consts: arrays that the function closed over, and their variables.
      jaxpr: the jaxpr the list came from, kept for its effects and debug names.
    """

    equations: tuple[Equation, ...]
    input: Any
    outputs: tuple[Any, ...]
    constvars: tuple[Any, ...]
    consts: tuple[Any, ...]
    jaxpr: Any


def flatten(closed: Any, openable: Callable[[Any], bool] = lambda eqn: False) -> Flat:
    """Open every wrapper call (jit, remat, closed calls) of a traced function of one array.

    Args:
      closed: what ``jax.make_jaxpr`` returned, or a `Program`.
      openable: also open this ``custom_jvp_call``? Asked for each of them.

    Variables of opened bodies are renamed, since a cached body may occur twice.
    """
    program = program_in(closed) or closed
    jaxpr = program.jaxpr
    constvars, consts = list(jaxpr.constvars), list(program.consts)
    out: list[Equation] = []

    def read(env: dict[Any, Any], atom: Any) -> Any:
        return atom if is_literal(atom) else env.get(atom, atom)

    def bind_consts(body: Any, env: dict[Any, Any]) -> None:
        for var, value in zip(body.jaxpr.constvars, body.consts, strict=True):
            fresh = _compat.new_variable(var.aval)
            constvars.append(fresh)
            consts.append(value)
            env[var] = fresh

    def visit(
        eqns: Iterable[Any], env: dict[Any, Any], scope: tuple[str, ...], calls: tuple[tuple[str, int], ...], top: bool
    ) -> None:
        for eqn in eqns:
            here = scope + _scopes(_compat.scope_of(eqn))
            body = _wrapped(eqn, openable)
            if body is not None:
                inner = {v: read(env, a) for v, a in zip(body.jaxpr.invars, eqn.invars, strict=True)}
                bind_consts(body, inner)
                visit(body.jaxpr.eqns, inner, here, (*calls, (eqn.params.get("name", ""), len(out))), False)
                for var, atom in zip(eqn.outvars, body.jaxpr.outvars, strict=True):
                    env[var] = read(inner, atom)
                continue
            outvars = list(eqn.outvars)
            if not top:
                outvars = [v if _compat.is_dropped(v) else _compat.new_variable(v.aval) for v in outvars]
                env.update(zip(eqn.outvars, outvars, strict=True))
            renamed = eqn.replace(invars=[read(env, a) for a in eqn.invars], outvars=outvars)
            out.append(Equation(renamed, here, calls))

    env: dict[Any, Any] = {}
    visit(jaxpr.eqns, env, (), (), True)
    outputs = tuple(read(env, a) for a in jaxpr.outvars)
    return Flat(tuple(out), jaxpr.invars[0], outputs, tuple(constvars), tuple(consts), jaxpr)


def _scopes(stack: str) -> tuple[str, ...]:
    """The author's scopes in a name stack, without the marks of transformations.

    >>> _scopes("Net/vmap(vmap(head/Dense_0))")
    ('Net', 'head', 'Dense_0')
    """
    replaced = 1
    while replaced:
        stack, replaced = _TRANSFORM.subn(r"\1", stack)
    # An einsum opens a scope named by its formula, which is no place that an author meant.
    return tuple(part for part in stack.split("/") if part and "->" not in part)


def _wrapped(eqn: Any, openable: Callable[[Any], bool]) -> _compat.Program | None:
    """The body of a call that may be opened, else None."""
    name = eqn.primitive.name
    if name in _compat.WRAPPERS:
        return program_in(eqn.params[_compat.WRAPPERS[name]])
    return program_in(eqn.params["call_jaxpr"]) if name == "custom_jvp_call" and openable(eqn) else None


def dependent(flat_equations: Sequence[Equation], *sources: Any) -> set[Any]:
    """All variables whose value can change when one of ``sources`` changes, themselves included."""
    live = set(sources)
    for item in flat_equations:
        if any(not is_literal(a) and a in live for a in item.eqn.invars):
            live.update(item.eqn.outvars)
    return live


def needed(flat_equations: Sequence[Equation], targets: Iterable[Any]) -> list[int]:
    """Indices of the equations that the target variables rest on, in execution order."""
    required = {t for t in targets if not is_literal(t)}
    indices = []
    for index in range(len(flat_equations) - 1, -1, -1):
        eqn = flat_equations[index].eqn
        if any(v in required for v in eqn.outvars):
            indices.append(index)
            required.update(a for a in eqn.invars if not is_literal(a))
    return indices[::-1]


def carrying(flat_equations: Sequence[Equation], targets: Iterable[Any] = ()) -> set[Any]:
    """The variables that a signal reaches in the backward pass from the targets, and from whatever nothing else reads.

    ``stop_gradient``, comparisons and everything else that gives no floating numbers stops it.
    """
    read = {a for item in flat_equations for a in item.eqn.invars if not is_literal(a)}
    carried = {t for t in targets if not is_literal(t)}
    for item in reversed(flat_equations):
        outs = [v for v in item.eqn.outvars if not _compat.is_dropped(v)]
        carried.update(v for v in outs if v not in read)
        passes = item.primitive != "stop_gradient" and any(v in carried and is_floating(v) for v in outs)
        if passes:
            carried.update(a for a in item.eqn.invars if not is_literal(a))
    return carried


def is_floating(variable: Any) -> bool:
    """True for a variable of numbers that a derivative flows through."""
    dtype = getattr(variable.aval, "dtype", None)
    return dtype is not None and jnp.issubdtype(dtype, jnp.inexact)


def as_function(flat: Flat, eqns: Sequence[Any], targets: Sequence[Any]) -> Callable[..., list[jax.Array]]:
    """``f(consts, x) -> values of the targets`` from a list of (possibly rewritten) equations.

    The constants are arguments, so that weights are never compiled into the program.
    """
    run = _compat.callable_of(flat.jaxpr, [*flat.constvars, flat.input], eqns, targets)

    def call(consts: Sequence[Any], x: Any) -> list[jax.Array]:
        return run(*consts, x)

    return call


def fold(flat: Flat, variables: Iterable[Any]) -> dict[Any, Any]:
    """Values of those variables that do not depend on the input, computed once and outside any trace."""
    live = dependent(flat.equations, flat.input)
    targets = [v for v in dict.fromkeys(w for w in variables if not is_literal(w)) if v not in live]
    known = dict(zip(flat.constvars, flat.consts, strict=True))
    rest = [v for v in targets if v not in known]
    if rest:
        indices = needed(flat.equations, rest)
        run = _compat.callable_of(flat.jaxpr, flat.constvars, [flat.equations[i].eqn for i in indices], rest)
        values = run(*flat.consts)
        known.update(zip(rest, values, strict=True))
    return {v: known[v] for v in targets}
