"""One equation of a traced program exchanged for a call of a function."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from deconvviz.network import _compat


def call(function: Callable[..., Any], key: tuple[Any, ...], eqn: Any, operands: list[Any]) -> Any:
    """The equation that calls ``function`` on the operands in place of ``eqn``; made once a key and shape.

    Args:
      function: traces to one equation: a jitted function, or one with a derivative of its own.
      key: equal for two functions that compute the same.
      eqn: what it stands in for; its results are bound.
      operands: variables or literals, the function's arguments.
    """
    shapes = tuple((tuple(a.aval.shape), jnp.dtype(a.aval.dtype).name) for a in operands)
    equation = _template(_Keyed(key, function), shapes)
    return equation.replace(invars=operands, outvars=list(eqn.outvars), source_info=eqn.source_info)


@dataclass(frozen=True)
class _Keyed:
    """A function that is equal to another one of the same key.

    JAX compares the functions that an equation holds by identity. Were each replacement a new object, two traces of one
    network would be two programs, and each would be compiled.
    """

    key: tuple[Any, ...]
    function: Callable[..., Any]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Keyed) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)


@functools.lru_cache(maxsize=4096)
def _template(keyed: _Keyed, shapes: tuple[tuple[tuple[int, ...], str], ...]) -> Any:
    """One traced equation that computes the function of arrays of these shapes."""
    operands = [jax.ShapeDtypeStruct(s, jnp.dtype(d)) for s, d in shapes]
    (eqn,) = _compat.traced(keyed.function, *operands).jaxpr.eqns
    return eqn
