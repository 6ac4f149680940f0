"""Everything that is read from JAX beyond its documented functions: the form of a traced program, in one place.

Up to JAX 0.10 a program with constants is a ``ClosedJaxpr`` around a ``Jaxpr``, and a ``scan`` counts its operands in
``num_consts`` and ``num_carry``. From 0.12 there is only ``Jaxpr``, which may hold constants itself, and a ``scan``
carries trees of its operands. `Program` and the functions here read both forms; nothing else in the package asks which
one it has. ``tests/network/test_compat.py`` holds each assumption, so that a release that breaks one says which.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
from jax.extend import core as jex

#: Primitives that only wrap a body, and the parameter that holds it: opening them changes no value.
WRAPPERS = {"jit": "jaxpr", "pjit": "jaxpr", "closed_call": "call_jaxpr", "core_call": "call_jaxpr",
            "remat2": "jaxpr", "checkpoint": "jaxpr"}  # fmt: skip
#: Calls whose derivative belongs to their author; releases differ in what they call the second.
CUSTOM = {"custom_jvp_call", "custom_vjp_call", "custom_vjp_call_jaxpr"}
#: The class of programs with constants; the name outlives the class for a while as another name of Jaxpr.
_CLOSED: Any = getattr(jex, "ClosedJaxpr", jex.Jaxpr)


@dataclass(frozen=True, eq=False)
class Program:
    """A traced program, whichever form this release of JAX gives it.

    Attributes:
      jaxpr: its ``constvars``, ``invars``, ``eqns`` and ``outvars``.
      consts: the values of its ``constvars``.
    """

    jaxpr: Any
    consts: tuple[Any, ...]


def traced(function: Callable[..., Any], *arguments: Any) -> Program:
    """The program of a function; the arguments are arrays or their `jax.ShapeDtypeStruct`.

    >>> [eqn.primitive.name for eqn in traced(jax.numpy.sin, 1.0).jaxpr.eqns]
    ['sin']
    """
    program = program_in(jax.make_jaxpr(function)(*arguments))
    if program is None:
        raise TypeError("jax.make_jaxpr gave no program that this release of deconvviz knows")
    return program


def program_in(value: Any) -> Program | None:
    """The program that a value is: what `jax.make_jaxpr` returned, or a parameter of an equation; else None.

    >>> program_in(3) is None
    True
    """
    if isinstance(value, jex.Jaxpr):
        return Program(value, tuple(getattr(value, "consts", ())))
    return Program(value.jaxpr, tuple(value.consts)) if isinstance(value, _CLOSED) else None


def in_place_of(value: Any, jaxpr: Any) -> Any:
    """What an equation holds in place of the program ``value``: another jaxpr with the same constants."""
    return jaxpr if isinstance(value, jex.Jaxpr) else value.replace(jaxpr=jaxpr)


def callable_of(
    like: Any, inputs: Sequence[Any], equations: Sequence[Any], outputs: Sequence[Any]
) -> Callable[..., list[jax.Array]]:
    """The function ``f(*inputs) -> outputs`` that a list of equations computes.

    Args:
      like: the jaxpr that the equations come from; its effects and debug names are kept.
      inputs, outputs: variables (and literals among the outputs).
    """
    jaxpr = like.replace(constvars=[], invars=list(inputs), outvars=list(outputs), eqns=list(equations))
    run = jex.jaxpr_as_fun(jaxpr if _CLOSED is jex.Jaxpr else _CLOSED(jaxpr, ()))
    return lambda *values: run(*values)


def empty_jaxpr() -> Any:
    """A jaxpr of nothing, for `callable_of`."""
    return traced(lambda: 0).jaxpr


def is_literal(atom: Any) -> bool:
    """True for a constant written into the equation itself."""
    return isinstance(atom, jex.Literal)


def is_variable(value: Any) -> bool:
    """True for a variable of a program."""
    return isinstance(value, jex.Var)


def is_dropped(variable: Any) -> bool:
    """True for a result that nothing reads."""
    return isinstance(variable, jex.DropVar)


def new_variable(aval: Any) -> Any:
    """A variable that is equal to no other."""
    return jex.Var(aval)


def scan_counts(params: dict[str, Any]) -> tuple[int, int]:
    """How many operands of a ``scan`` are (the same in every round, carried from round to round)."""
    if "num_consts" in params:
        return params["num_consts"], params["num_carry"]
    fixed, carried, _ = params["ft_in"].unpack()
    return len(fixed), len(carried)


def combined_by(params: dict[str, Any]) -> list[str]:
    """The primitives by which a ``reduce_window`` combines two numbers; none where it rests on more than the two."""
    body = program_in(params["jaxpr"])
    if body is None or body.consts or params.get("consts"):
        return []
    return [eqn.primitive.name for eqn in body.jaxpr.eqns]


def scope_of(eqn: Any) -> str:
    """The scopes that were open where an equation was written, as "outer/inner"."""
    return str(eqn.source_info.name_stack)


def function_name(jaxpr: Any) -> str | None:
    """The name of the function that a jaxpr was traced from, where JAX kept it."""
    return getattr(getattr(jaxpr, "debug_info", None), "func_name", None)
